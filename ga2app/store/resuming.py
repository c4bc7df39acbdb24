"""Going on with a run that was stopped or has failed, or beginning it anew: for the screen, programs and agents."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ga2app.config import DEMO, RunConfig
from ga2app.errors import DatasetError, ErrorCode, TrainingError
from ga2app.store.chosen_anchors import borrow, with_chosen
from ga2app.types import TrainingData

if TYPE_CHECKING:
    from ga2app.store.store import Store


def resume(store: Store, run_id: int, *, restart: bool = False) -> None:
    """Queue a stopped or failed run again: it goes on from its checkpoint, or with ``restart`` from step 0.

    Raises StoreError for a run that cannot be queued again, and TrainingError where the labels or clips that its
    checkpoint was made with have changed. Contents of files are compared when a worker takes the run.
    """
    store.may_change()
    if not restart:
        check_unchanged(store, run_id)
    store.runs.requeue(run_id, restart=restart)


def check_unchanged(store: Store, run_id: int) -> None:
    """Raises TrainingError, with what has changed, where the run cannot go on from its checkpoint."""
    record, then = store.runs.get(run_id), store.runs.data_of(run_id)
    if then is None or not store.runs.has_checkpoint(run_id):
        return
    config = RunConfig.from_dict(record.config)
    try:
        own = with_chosen(store, config, store.datasets.get(config.dataset))
        now = TrainingData.of(borrow(config, own, lambda: store.datasets.get(DEMO)))
    except DatasetError:
        return  # gone altogether: the worker says so, and what there is
    if _counted(then) == _counted(now):
        return  # the same numbers of clips everywhere: whether they are the same clips, their contents tell
    raise TrainingError(
        f"the clips or labels of '{config.dataset}' have changed since run {run_id} was trained on them: "
        f"{'; '.join(then.changes(now))}. Bring them back as they were (Undo on Datasets) to go on, or begin anew at "
        "step 0 (Start over)",
        code=ErrorCode.DATA_CHANGED,
    )


def _counted(data: TrainingData) -> tuple[object, ...]:
    clips = Counter((clip.label, clip.subset) for clip in data.clips)
    return sorted(data.base), sorted(data.novel), clips, len(data.anchors), sorted(data.negatives)
