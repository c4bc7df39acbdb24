"""Whether a run can go on from its checkpoint: not where the labels or clips that it was made with have changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ga2app.config import DEMO, RunConfig
from ga2app.errors import DatasetError, ErrorCode, TrainingError
from ga2app.store import Store
from ga2app.store.chosen_anchors import borrow, with_chosen
from ga2app.types import DIGEST_CHARACTERS, TrainingData, clip_name


def check_unchanged(store: Store, run_id: int) -> None:
    """Raises TrainingError, with what has changed, where the run cannot go on from its checkpoint.

    No file is read: contents are those that an import found. A worker that takes the run looks at the files.
    """
    then = store.runs.data_of(run_id)
    if then is None or not store.runs.has_checkpoint(run_id):
        return
    config = RunConfig.from_dict(store.runs.get(run_id).config)
    try:
        own = with_chosen(store, config, store.datasets.get(config.dataset))
        dataset = borrow(config, own, lambda: store.datasets.get(DEMO))
    except DatasetError:
        return  # gone altogether: the worker says so, and what there is
    if changes := then.changes(TrainingData.of(dataset, _content_by(then, store.runs.digests()))):
        raise TrainingError(
            f"the clips or labels of '{config.dataset}' have changed since run {run_id} was trained on them: "
            f"{'; '.join(changes)}",
            hint="Bring them back as they were (Undo on Datasets) to go on, or begin anew at step 0 (Start over)",
            code=ErrorCode.DATA_CHANGED,
        )


def _content_by(then: TrainingData, stored: Mapping[str, str]) -> Callable[[str], str]:
    """What a file holds, told without reading it: as its import found it, or else as it was ``then`` by that name."""
    clips = (*then.clips, *then.anchors)
    known, by_name = {clip.digest for clip in clips}, {clip.name: clip.digest for clip in clips}

    def content(path: str) -> str:
        digest = stored.get(path, "")[:DIGEST_CHARACTERS]
        if digest:
            return digest if digest in known else ""
        return by_name.get(clip_name(path), "")

    return content
