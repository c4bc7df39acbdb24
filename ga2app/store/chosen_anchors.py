"""The anchors and negative prompts that a run names, put into its data set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ga2app.config import DEMO, HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, NOTHING, RunConfig
from ga2app.errors import DatasetError, ErrorCode
from ga2app.store.row_guard import acting_as, owner_of
from ga2app.types import Dataset, with_anchors

if TYPE_CHECKING:
    from ga2app.store import Store

DRAWN_SCENES = "drawn scenes"
"""The anchor set that holds the demo's scenes: drawn, so never footage of a camera's places."""


def data_of_run(store: Store, config: RunConfig, owner: str) -> Dataset:
    """What a run of ``owner`` is trained on, with the anchors and negative prompts that it names.

    It is what its owner sees: what is not shared with them any more, its hard prompt too, is not there. Raises
    DatasetError, BundleError.
    """
    with acting_as(owner_of(owner)):
        hard_prompt = config.prompts.hard_prompt
        if owner and config.prompts.coupled and hard_prompt not in (HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM):
            store.bundles.get(hard_prompt)
        return with_chosen(store, config, store.datasets.get(config.dataset))


def with_chosen(store: Store, config: RunConfig, dataset: Dataset) -> Dataset:
    """``dataset`` with the anchor set and the negative prompts that ``config`` names instead of its own.

    Raises DatasetError for a set or a group that is not there, or has nothing in it that is switched on.
    """
    if config.anchors == NOTHING:
        dataset = replace(dataset, anchors=())
    elif config.anchors:
        _expect("anchor set", config.anchors, store.anchors.names())
        clips = tuple(store.anchors.clips(config.anchors))
        if not clips:
            raise DatasetError(
                f"anchor set '{config.anchors}' has no clip that is switched on",
                hint="add clips on the Anchors page, or choose another set",
                code=ErrorCode.ANCHORS_MISSING,
            )
        drawn = config.anchors == DRAWN_SCENES and dataset.name != DEMO
        dataset = replace(dataset, anchors=clips, borrowed=drawn, anchors_from=DEMO if drawn else "")
    if config.negatives == (NOTHING,):
        return replace(dataset, negatives=())
    if config.negatives:
        known = store.negatives.groups()
        for group in config.negatives:
            _expect("group of negative prompts", group, known)
        texts = tuple(dict.fromkeys(text for group in config.negatives for text in store.negatives.texts(group)))
        if not texts:
            raise DatasetError(
                f"no negative prompt of {', '.join(config.negatives)} is switched on",
                hint="switch some on on the Anchors page, or choose another group",
                code=ErrorCode.ANCHORS_MISSING,
            )
        dataset = replace(dataset, negatives=texts)
    return dataset


def borrows(config: RunConfig, dataset: Dataset) -> tuple[bool, bool]:
    """Whether a run on ``dataset``, which has what ``config`` names, borrows the demo's anchors, and its negatives."""
    if not config.losses.uses_anchors():
        return False, False
    return (not config.anchors and not dataset.anchors, not config.negatives and not dataset.negatives)


def borrow(config: RunConfig, dataset: Dataset, demo: Callable[[], Dataset]) -> Dataset:
    """``dataset`` with what ``demo`` lends, where a run needs anchors and neither names any nor has its own."""
    anchors, negatives = borrows(config, dataset)
    if not (anchors or negatives):
        return dataset
    lent = with_anchors(dataset, demo())
    return replace(
        dataset,
        anchors=lent.anchors if anchors else dataset.anchors,
        negatives=lent.negatives if negatives else dataset.negatives,
        borrowed=dataset.borrowed or anchors,
        anchors_from=lent.anchors_from if anchors else dataset.anchors_from,
        negatives_from=lent.negatives_from if negatives else dataset.negatives_from,
    )


def _expect(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        listed = ", ".join(f"'{one}'" for one in known) or "none yet"
        raise DatasetError(
            f"there is no {what} '{name}' (any more); there are: {listed}. Choose one of them on the Train screen"
        )
