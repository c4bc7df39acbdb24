"""Edits of data sets: each touches what it names, loses nothing, and a deletion can be undone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sets import add_set

from ga2app.config import preset
from ga2app.errors import DatasetError, StoreError
from ga2app.store import Store
from ga2app.store.clip_pages import ClipFilter
from ga2app.store.dataset_edits import ROOM
from ga2app.types import AnchorClip, LabelKind, Subset


@pytest.fixture
def mine(store: Store) -> int:
    return add_set(store, {"jump": 4, "climb": 2, "wave": 2}, novel=("wave",))


def ids(store: Store, dataset_id: int, label: str) -> list[int]:
    return [clip.id for clip in store.clips.page(dataset_id, ClipFilter(text=f"/{label}-"), limit=99)]


def label_ids(store: Store, dataset_id: int) -> dict[str, int]:
    return {label.name: label.id for label in store.clips.labels(dataset_id)}


def undo(store: Store) -> None:
    last = store.trash.last(ROOM)
    assert last
    store.trash.restore(last.id)


def test_a_label_is_renamed_and_nothing_else(store: Store, mine: int) -> None:
    other = add_set(store, {"jump": 1}, "other")
    before = store.datasets.get("mine")
    store.dataset_edits.rename_label(label_ids(store, mine)["jump"], "  hopping\thigh ")
    after = store.datasets.get("mine")
    assert after.base == ("hopping high", "climb") and after.novel == before.novel
    assert [clip.path for clip in after.clips] == [clip.path for clip in before.clips]
    assert label_ids(store, other) == {"jump": label_ids(store, other)["jump"]}


def test_a_label_does_not_take_the_name_of_another_in_any_spelling(store: Store, mine: int) -> None:
    with pytest.raises(DatasetError, match="there is a label 'climb' already; choose another name, or merge the two"):
        store.dataset_edits.rename_label(label_ids(store, mine)["jump"], "Climb ")
    store.dataset_edits.rename_label(label_ids(store, mine)["jump"], "Jump")
    assert "Jump" in label_ids(store, mine)


@pytest.mark.parametrize(("name", "message"), [(" \n", "needs a name; type one"), ("x" * 121, "at most 120 fit")])
def test_a_name_has_to_be_there_and_to_fit(store: Store, mine: int, name: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        store.dataset_edits.rename_label(label_ids(store, mine)["jump"], name)
    with pytest.raises(DatasetError, match=message):
        store.dataset_edits.rename(mine, name)


def test_after_a_merge_every_clip_is_there_under_the_label_that_stays(store: Store, mine: int) -> None:
    before = store.datasets.get("mine")
    known = label_ids(store, mine)
    assert store.dataset_edits.merge_labels(known["climb"], [known["climb"], known["jump"], known["wave"]]) == 6
    after = store.datasets.get("mine")
    assert (after.base, after.novel) == (("climb",), ())
    assert {(clip.path, clip.subset) for clip in after.clips} == {(clip.path, clip.subset) for clip in before.clips}


def test_a_merge_needs_labels_of_the_same_data_set(store: Store, mine: int) -> None:
    other = add_set(store, {"swim": 1}, "other")
    known = label_ids(store, mine)
    with pytest.raises(DatasetError, match="a merge needs two labels"):
        store.dataset_edits.merge_labels(known["jump"], [known["jump"]])
    with pytest.raises(DatasetError, match="is not in this data set any more"):
        store.dataset_edits.merge_labels(known["jump"], [label_ids(store, other)["swim"]])
    assert len(store.datasets.get("other").clips) == 1


def test_a_deleted_label_comes_back_with_its_clips(store: Store, mine: int) -> None:
    before = store.datasets.get("mine")
    known = label_ids(store, mine)
    said = store.dataset_edits.delete_labels(mine, [known["jump"], known["wave"]])
    assert said == "labels 'jump', 'wave' with 6 clips"
    assert store.datasets.get("mine").base == ("climb",)
    undo(store)
    assert store.datasets.get("mine") == before


def test_deleted_clips_come_back_in_their_place(store: Store, mine: int) -> None:
    before = store.datasets.get("mine")
    assert store.dataset_edits.delete_clips(ids(store, mine, "jump")[:2]) == "2 clips"
    assert len(store.datasets.get("mine").clips) == 6
    undo(store)
    assert store.datasets.get("mine") == before


def test_a_deletion_whose_label_is_gone_meanwhile_says_so_and_stays_in_the_trash(store: Store, mine: int) -> None:
    before = store.datasets.get("mine")
    store.dataset_edits.delete_clips(ids(store, mine, "jump"))
    deletion = store.trash.last(ROOM)
    known = label_ids(store, mine)
    store.dataset_edits.merge_labels(known["climb"], [known["jump"]])
    assert deletion
    with pytest.raises(StoreError, match="4 clips cannot come back"):
        store.trash.restore(deletion.id)
    undo(store)
    undo(store)
    assert store.datasets.get("mine") == before and store.trash.last(ROOM) is None


def test_clips_move_to_another_label_and_subset(store: Store, mine: int) -> None:
    moved = ids(store, mine, "jump")[:2]
    assert store.dataset_edits.relabel_clips(mine, moved, "swim") == 2
    target = label_ids(store, mine)["swim"]
    assert store.dataset_edits.relabel_clips(mine, moved, "SWIM") == 2
    assert label_ids(store, mine)["swim"] == target
    assert store.dataset_edits.move_clips(moved, Subset.TEST) == 2
    assert [(c.label, c.subset) for c in store.clips.some(moved)] == [("swim", Subset.TEST)] * 2
    assert store.dataset_edits.move_clips(moved, Subset.TRAIN) == 2
    assert [(c.label, c.subset) for c in store.clips.some(moved)] == [("swim", Subset.TRAIN)] * 2


def test_an_edit_of_what_is_not_there_changes_nothing(store: Store, mine: int) -> None:
    before = store.datasets.get("mine")
    other = add_set(store, {"swim": 1}, "other")
    edits, some = store.dataset_edits, ids(store, mine, "jump")
    for broken, message in (
        (lambda: edits.delete_clips([]), "no clip is ticked"),
        (lambda: edits.delete_clips([*some, 9999]), "is not there any more; reload the page"),
        (lambda: edits.rename_label(9999, "swim"), "this label is not there any more"),
        (lambda: edits.relabel_clips(other, some, "swim"), "different data sets"),
        (lambda: edits.delete_labels(mine, []), "no label is ticked"),
        (lambda: edits.delete_labels(mine, [9999]), "is not in this data set any more"),
        (lambda: edits.set_kinds(mine, {9999: LabelKind.BASE}), "is not in this data set any more"),
        (lambda: edits.delete(9999), "this data set is not there any more"),
    ):
        with pytest.raises(DatasetError, match=message):
            broken()
    assert store.datasets.get("mine") == before and store.trash.last(ROOM) is None


def test_labels_become_base_and_novel_by_hand(store: Store, mine: int) -> None:
    known = label_ids(store, mine)
    store.dataset_edits.set_kinds(mine, {known["jump"]: LabelKind.NOVEL, known["wave"]: LabelKind.BASE})
    after = store.datasets.get("mine")
    assert (after.base, after.novel) == (("climb", "wave"), ("jump",))


def test_a_whole_data_set_comes_back_with_anchors_and_negatives(store: Store) -> None:
    add_set(store, {"jump": 2})
    whole = replace(
        store.datasets.get("mine"), name="whole", anchors=(AnchorClip("/rain.mp4", "rain"),), negatives=("nothing",)
    )
    dataset_id = store.datasets.add(whole, origin="test")
    other = store.datasets.get("mine")
    assert store.dataset_edits.delete(dataset_id) == "data set 'whole'"
    assert [row.name for row in store.datasets.list()] == ["mine"]
    undo(store)
    assert store.datasets.get("whole") == whole and store.datasets.get("mine") == other


def test_a_renamed_data_set_keeps_everything(store: Store, mine: int) -> None:
    before = store.datasets.get("mine")
    add_set(store, {"swim": 1}, "taken")
    with pytest.raises(DatasetError, match="there is a data set 'taken' already"):
        store.dataset_edits.rename(mine, "taken")
    store.dataset_edits.rename(mine, "my clips")
    assert store.datasets.get("my clips") == replace(before, name="my clips")


def test_a_new_split_gives_every_clip_one_side(store: Store, mine: int) -> None:
    chosen = set(ids(store, mine, "climb"))
    assert store.dataset_edits.split(mine, lambda clips: {clip.id for clip in clips if clip.id in chosen}) == (6, 2)
    for clip in store.clips.page(mine, ClipFilter(), limit=99):
        assert clip.subset is (Subset.TEST if clip.id in chosen else Subset.TRAIN)


def test_nothing_of_a_data_set_changes_while_a_run_waits_for_it(store: Store, mine: int) -> None:
    """Otherwise the run would be trained on other labels and clips than those it was queued with."""
    edits, labels = store.dataset_edits, label_ids(store, mine)
    jumps, before = ids(store, mine, "jump"), store.datasets.get("mine")
    run_id = store.runs.queue(replace(preset("quick"), dataset="mine"))
    for change in (
        lambda: edits.rename_label(labels["jump"], "hop"),
        lambda: edits.merge_labels(labels["jump"], [labels["climb"]]),
        lambda: edits.delete_labels(mine, [labels["climb"]]),
        lambda: edits.set_kinds(mine, {labels["climb"]: LabelKind.NOVEL}),
        lambda: edits.relabel_clips(mine, jumps, "run"),
        lambda: edits.move_clips(jumps, Subset.TEST),
        lambda: edits.delete_clips(jumps[:1]),
        lambda: edits.split(mine, lambda clips: []),
    ):
        with pytest.raises(
            DatasetError, match=f"run {run_id} still needs the data set 'mine', so it cannot be changed"
        ):
            change()
    assert store.datasets.get("mine") == before
    store.runs.request_stop(run_id)
    edits.delete_labels(mine, [labels["climb"]])


def test_a_label_is_described_and_an_undo_brings_back_what_it_said(store: Store, mine: int) -> None:
    known = label_ids(store, mine)
    assert store.dataset_edits.describe(mine, {known["jump"]: ("up",), known["wave"]: ("a hand",)}) == 2
    assert store.dataset_edits.describe(mine, {known["jump"]: ("up", "and down"), known["wave"]: ("a hand",)}) == 1
    store.dataset_edits.rename_label(known["jump"], "hop")
    assert store.datasets.get("mine").descriptions == {"hop": ("up", "and down"), "wave": ("a hand",)}
    undo(store)
    undo(store)
    assert store.datasets.get("mine").descriptions == {"jump": ("up",), "wave": ("a hand",)}


def test_merged_labels_keep_their_sentences_and_an_undo_parts_them(store: Store, mine: int) -> None:
    known = label_ids(store, mine)
    store.dataset_edits.describe(mine, {known["jump"]: ("up", "high"), known["climb"]: ("a wall", "up")})
    store.dataset_edits.merge_labels(known["climb"], [known["jump"]])
    assert store.datasets.get("mine").descriptions == {"climb": ("a wall", "up", "high")}
    undo(store)
    assert store.datasets.get("mine").descriptions == {"jump": ("up", "high"), "climb": ("a wall", "up")}
