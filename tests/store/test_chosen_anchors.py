"""What anchors and negative prompts a run gets: those it names, its data set's own, or the demo's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ga2app.config import NOTHING, LossConfig, RunConfig
from ga2app.errors import DatasetError
from ga2app.store import Store
from ga2app.store.chosen_anchors import DRAWN_SCENES, borrow, borrows, with_chosen
from ga2app.types import AnchorClip, Dataset, LabelledClip

CLIPS = (LabelledClip("/a.mp4", "run"), LabelledClip("/b.mp4", "jump"))
OWN = Dataset("mine", ("run", "jump"), (), CLIPS, (AnchorClip("/own.mp4", "a wall"),), ("something else",))
BARE = replace(OWN, anchors=(), negatives=())
DEMO_SET = replace(OWN, name="demo", anchors=(AnchorClip("/rain.mp4", "rain"),), negatives=("nothing",))
TERMS = RunConfig(losses=LossConfig(text_distillation=1.0))


def as_run(store: Store, config: RunConfig, dataset: Dataset) -> Dataset:
    return borrow(config, with_chosen(store, config, dataset), lambda: DEMO_SET)


def test_nothing_named_means_the_data_sets_own(store: Store) -> None:
    assert as_run(store, TERMS, OWN) == OWN
    assert borrows(TERMS, OWN) == (False, False)


def test_a_data_set_without_any_borrows_the_demos_and_says_that_they_are_borrowed(store: Store) -> None:
    assert borrows(TERMS, BARE) == (True, True)
    got = as_run(store, TERMS, BARE)
    assert (got.anchors, got.negatives, got.borrowed) == (DEMO_SET.anchors, DEMO_SET.negatives, True)


def test_without_an_anchor_term_nothing_is_borrowed(store: Store) -> None:
    assert as_run(store, RunConfig(), BARE) == BARE


def test_a_named_set_and_named_groups_take_the_place_of_the_own(store: Store) -> None:
    store.anchors.add_clips("my places", [AnchorClip("/hall.mp4", "an empty hall")])
    group = store.negatives.groups()[0]
    got = as_run(store, replace(TERMS, anchors="my places", negatives=(group,)), OWN)
    assert got.anchors == (AnchorClip("/hall.mp4", "an empty hall"),)
    assert got.negatives == tuple(store.negatives.texts(group))
    assert not got.borrowed


def test_none_leaves_out_even_the_own_and_borrows_nothing(store: Store) -> None:
    got = as_run(store, replace(TERMS, anchors=NOTHING, negatives=(NOTHING,)), OWN)
    assert (got.anchors, got.negatives, got.borrowed) == ((), (), False)


def test_drawn_scenes_beside_clips_of_ones_own_count_as_borrowed(store: Store) -> None:
    store.anchors.add_clips(DRAWN_SCENES, DEMO_SET.anchors)
    config = replace(TERMS, anchors=DRAWN_SCENES)
    assert as_run(store, config, OWN).borrowed
    assert not as_run(store, config, DEMO_SET).borrowed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"anchors": "gone"}, "there is no anchor set 'gone' .any more.; there are: 'drawn scenes'"),
        ({"anchors": DRAWN_SCENES}, "anchor set 'drawn scenes' has no clip that is switched on; add clips"),
        ({"negatives": ("gone",)}, "there is no group of negative prompts 'gone'"),
    ],
)
def test_what_is_gone_or_empty_is_named(store: Store, change: dict[str, object], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        with_chosen(store, replace(TERMS, **change), OWN)


def test_groups_whose_prompts_are_all_switched_off_are_named(store: Store) -> None:
    off = next(group for group in store.negatives.groups() if not store.negatives.texts(group))
    with pytest.raises(DatasetError, match=f"no negative prompt of {off} is switched on"):
        with_chosen(store, replace(TERMS, negatives=(off,)), OWN)
