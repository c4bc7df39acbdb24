"""Edits are undone one after another, the newest first, and each gives back exactly what it changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sets import add_set

from ga2app.config import preset
from ga2app.errors import DatasetError, StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.anchor_sets import AnchorFile
from ga2app.store.clip_pages import ClipFilter
from ga2app.store.negative_prompts import NegativeEntry
from ga2app.store.trash import KEPT_EDITS
from ga2app.types import LabelKind, Subset


@pytest.fixture
def mine(store: Store) -> int:
    return add_set(store, {"jump": 4, "climb": 2, "wave": 2}, novel=("wave",))


def undo(store: Store, room: str) -> str:
    last = store.trash.last(room)
    assert last
    return store.trash.restore(last.id).told


def clip_ids(store: Store, dataset_id: int) -> list[int]:
    return [clip.id for clip in store.clips.page(dataset_id, ClipFilter(), limit=99)]


def labels(store: Store, dataset_id: int) -> dict[str, int]:
    return {label.name: label.id for label in store.clips.labels(dataset_id)}


EDITS: dict[str, tuple[Callable[[Store, int], object], str]] = {
    "to a label": (
        lambda store, mine: store.dataset_edits.relabel_clips(mine, clip_ids(store, mine)[:2], "wave"),
        "moving 2 clips to 'wave'",
    ),
    "to a new label": (
        lambda store, mine: store.dataset_edits.relabel_clips(mine, clip_ids(store, mine)[:1], "swim"),
        "moving 1 clip to 'swim'",
    ),
    "to test": (
        lambda store, mine: store.dataset_edits.move_clips(clip_ids(store, mine)[:4], subset=Subset.TEST),
        "moving",
    ),
    "renamed": (
        lambda store, mine: store.dataset_edits.rename_label(labels(store, mine)["jump"], "leap"),
        "renaming label 'jump' to 'leap'",
    ),
    "merged": (
        lambda store, mine: store.dataset_edits.merge_labels(
            labels(store, mine)["climb"], [labels(store, mine)["jump"], labels(store, mine)["wave"]]
        ),
        "merging labels 'jump', 'wave' into 'climb'",
    ),
    "novel": (
        lambda store, mine: store.dataset_edits.set_kinds(
            mine, dict.fromkeys(labels(store, mine).values(), LabelKind.NOVEL)
        ),
        "making labels 'jump', 'climb' novel",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_of_a_data_set_is_undone(store: Store, mine: int, name: str) -> None:
    edit, what = EDITS[name]
    before, named = store.datasets.get("mine"), labels(store, mine)
    edit(store, mine)
    assert store.datasets.get("mine") != before
    last = store.trash.last("datasets")
    assert last and last.edit and last.offer.startswith(f"Undo: {what}")
    assert undo(store, "datasets").startswith(f"Undone: {what}")
    assert store.datasets.get("mine") == before and labels(store, mine) == named
    assert store.trash.last("datasets") is None


def test_all_edits_one_after_another_are_undone_one_after_another(store: Store, mine: int) -> None:
    before = store.datasets.get("mine")
    for name, (edit, _) in EDITS.items():
        if name != "renamed":  # the edits after it name the label by its first name
            edit(store, mine)
    while store.trash.last("datasets"):
        undo(store, "datasets")
    assert store.datasets.get("mine") == before


def test_nothing_is_undone_while_a_run_needs_the_data_set_as_it_is(store: Store, mine: int) -> None:
    store.dataset_edits.rename_label(labels(store, mine)["jump"], "leap")
    run = store.runs.queue(replace(preset("quick"), dataset="mine"))
    with pytest.raises(DatasetError, match=f"run {run} still needs the data set 'mine'"):
        undo(store, "datasets")
    assert "leap" in labels(store, mine)
    store.runs.delete(run)
    undo(store, "datasets")
    assert "jump" in labels(store, mine)


def test_an_edit_that_changes_nothing_is_none(store: Store, mine: int) -> None:
    store.dataset_edits.set_kinds(mine, {labels(store, mine)["wave"]: LabelKind.NOVEL})
    store.dataset_edits.relabel_clips(mine, clip_ids(store, mine)[:1], "jump")
    assert store.trash.last("datasets") is None


def test_edits_of_anchor_clips_are_undone(store: Store, home: Home) -> None:
    set_id = store.anchors.create("street")
    copy = store.anchors.folder(set_id) / "clip-1" / "rain.mp4"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"a clip")
    store.anchors.add(set_id, [AnchorFile("/elsewhere/car.mp4", "a car"), AnchorFile(str(copy), "rain")])
    (car, rain) = store.anchors.rows(set_id)
    store.anchors.set_caption(car.id, "a red car")
    store.anchors.enable(rain.id, False)
    store.anchors.enable_all(set_id, False)
    store.anchors.rename(set_id, "roads")
    assert undo(store, "anchors") == "Undone: renaming an anchor set to 'roads'."
    assert undo(store, "anchors") == "Undone: switching 1 clip off."
    assert [row.enabled for row in store.anchors.rows(set_id)] == [True, False]
    assert undo(store, "anchors") == "Undone: switching 'rain' off."
    assert undo(store, "anchors") == "Undone: changing the caption to 'a red car'."
    assert store.anchors.rows(set_id) == [car, rain]
    assert undo(store, "anchors") == "Undone: adding 2 clips to the anchor set 'street'."
    assert store.anchors.rows(set_id) == [] and store.trash.last("anchors") is None
    assert copy.exists()
    store.trash.purge(keep_s=-1)
    assert not copy.parent.exists()


def test_the_files_of_clips_that_were_added_stay_when_the_trash_is_emptied(store: Store) -> None:
    set_id = store.anchors.create("street")
    copy = store.anchors.folder(set_id) / "clip-1" / "rain.mp4"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"a clip")
    store.anchors.add(set_id, [AnchorFile(str(copy), "rain")])
    store.trash.purge(keep_s=-1)
    assert copy.exists() and len(store.anchors.rows(set_id)) == 1


def test_edits_of_negative_prompts_are_undone(store: Store) -> None:
    negatives = store.negatives
    group = negatives.create_group("walls")
    negatives.add(group, ["nothing", "a wall"])
    before = negatives.rows(group)
    negatives.set_text(before[0].id, "nobody")
    negatives.enable(before[1].id, False)
    negatives.put([NegativeEntry("walls", "a wall", True), NegativeEntry("walls", "rain", True)])
    negatives.enable_all(group, False)
    negatives.rename_group(group, "stuff")
    done = [undo(store, "anchors") for _ in range(5)]
    assert done == [
        "Undone: renaming a group to 'stuff'.",
        "Undone: switching 3 negative prompts off.",
        "Undone: importing 2 negative prompts.",
        "Undone: switching 'a wall' off.",
        "Undone: changing a prompt to 'nobody'.",
    ]
    assert negatives.rows(group) == before
    assert undo(store, "anchors") == "Undone: adding 2 negative prompts to the group 'walls'."
    assert negatives.rows(group) == []


def test_clips_whose_files_are_gone_from_the_home_do_not_come_back(store: Store, home: Home, tmp_path: Path) -> None:
    set_id = store.anchors.create("street")
    kept, gone = (store.anchors.folder(set_id) / name / "a.mp4" for name in ("clip-1", "clip-2"))
    for path in (kept, gone):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"a clip")
    store.anchors.add(set_id, [AnchorFile(str(path), path.parent.name) for path in (kept, gone)], undoable=False)
    store.anchors.delete_set(set_id)
    gone.unlink()
    assert undo(store, "anchors").endswith("1 clip left out: the file is gone from the data directory.")
    assert [row.caption for row in store.anchors.rows(set_id)] == ["clip-1"]
    store.anchors.delete_clips([row.id for row in store.anchors.rows(set_id)])
    kept.unlink()
    with pytest.raises(StoreError, match="cannot come back: the files are gone from the data directory"):
        undo(store, "anchors")
    assert store.anchors.rows(set_id) == [] and store.trash.last("anchors") is None


def test_an_edit_of_what_is_gone_does_not_stand_in_front_of_others(store: Store) -> None:
    negatives = store.negatives
    kept, going = negatives.create_group("kept"), negatives.create_group("going")
    negatives.rename_group(kept, "mine")
    negatives.rename_group(going, "other")
    negatives.drop_group(going)
    with pytest.raises(StoreError, match="what it changed is not there any more"):
        undo(store, "anchors")
    assert undo(store, "anchors") == "Undone: renaming a group to 'mine'." and "kept" in negatives.groups()


def test_only_the_newest_edits_are_kept_and_every_deletion(store: Store) -> None:
    negatives = store.negatives
    group = negatives.create_group("walls")
    negatives.add(group, ["nothing", "a wall"])
    first, second = negatives.rows(group)
    negatives.delete([second.id])
    for number in range(KEPT_EDITS + 5):
        negatives.enable(first.id, bool(number % 2))
    for _ in range(KEPT_EDITS):
        undo(store, "anchors")
    assert undo(store, "anchors") == "Brought back: the negative prompt 'a wall'."
