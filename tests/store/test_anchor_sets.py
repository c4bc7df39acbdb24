"""Anchor sets: every row is its own, and every deletion can be undone."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.errors import StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.anchor_rows import Rating
from ga2app.store.anchor_sets import AnchorFile, AnchorOrder
from ga2app.types import AnchorClip, Dataset, LabelledClip


@pytest.fixture
def set_id(store: Store) -> int:
    """A set of three clips."""
    made = store.anchors.create("mine", "for tests")
    store.anchors.add(
        made, [AnchorFile(f"/clips/{name}.mp4", name, digest=name * 8) for name in ("rain", "car", "sea")]
    )
    return made


def texts(store: Store, set_id: int) -> list[tuple[str, bool]]:
    return [(row.caption, row.enabled) for row in store.anchors.rows(set_id)]


def test_a_list_of_sets_counts_clips_and_those_that_are_on(store: Store, set_id: int) -> None:
    store.anchors.enable(store.anchors.rows(set_id)[0].id, False)
    row = store.anchors.sets()[-1]
    assert (row.id, row.name, row.about, row.clips, row.enabled) == (set_id, "mine", "for tests", 3, 2)
    assert [clip.caption for clip in store.anchors.clips("mine")] == ["car", "sea"]


def test_the_anchors_of_a_data_set_are_not_among_the_sets(store: Store) -> None:
    clips = (LabelledClip("/a.mp4", "walking"),)
    store.datasets.add(Dataset("walks", ("walking",), (), clips, (AnchorClip("/b.mp4", "rain"),)), origin="here")
    assert [row.name for row in store.anchors.sets()] == ["drawn scenes"]


def test_an_edit_of_one_clip_touches_no_other(store: Store, set_id: int) -> None:
    middle = store.anchors.rows(set_id)[1]
    store.anchors.set_caption(middle.id, "  a   car passing ")
    assert texts(store, set_id) == [("rain", True), ("a car passing", True), ("sea", True)]
    store.anchors.enable(middle.id, False)
    assert texts(store, set_id) == [("rain", True), ("a car passing", False), ("sea", True)]


def test_a_whole_set_is_switched_and_no_other(store: Store, set_id: int) -> None:
    other = store.anchors.create("other")
    store.anchors.add(other, [AnchorFile("/clips/rain.mp4", "rain")])
    assert store.anchors.enable_all(set_id, False) == 3
    assert store.anchors.enable_all(set_id, False) == 0
    assert texts(store, other) == [("rain", True)]


def test_a_clip_that_the_set_has_already_is_left_out_and_told(store: Store, set_id: int) -> None:
    again = [
        AnchorFile("/elsewhere/copy.mp4", "the same content", digest="car" * 8),
        AnchorFile("/clips/sea.mp4", "the same file"),
        AnchorFile("/clips/fire.mp4", "fire", digest="f"),
        AnchorFile("/clips/fire-2.mp4", "fire", digest="f"),
    ]
    added = store.anchors.add(set_id, again)
    assert added.count == 1
    assert added.doubles == ("/elsewhere/copy.mp4", "/clips/sea.mp4", "/clips/fire-2.mp4")
    assert texts(store, set_id) == [("rain", True), ("car", True), ("sea", True), ("fire", True)]


def test_names_are_tidied_and_unique(store: Store, set_id: int) -> None:
    assert store.anchors.rename(set_id, "  street   scenes ") == "street scenes"
    assert store.anchors.rename(set_id, "street scenes") == "street scenes"
    with pytest.raises(StoreError, match="there is an anchor set 'drawn scenes' already"):
        store.anchors.rename(set_id, "drawn scenes")
    with pytest.raises(StoreError, match="needs a name"):
        store.anchors.create("   ")
    with pytest.raises(StoreError, match="use at most 80"):
        store.anchors.create("x" * 81)
    store.anchors.describe(set_id, "filmed in May")
    assert store.anchors.sets()[-1].about == "filmed in May"


def test_deleted_clips_come_back_as_they_were(store: Store, set_id: int) -> None:
    rows = store.anchors.rows(set_id)
    store.anchors.enable(rows[2].id, False)
    before = store.anchors.rows(set_id)
    assert store.anchors.delete_clips([rows[0].id, rows[2].id]) == 2
    assert texts(store, set_id) == [("car", True)]
    last = store.trash.last("anchors")
    assert last is not None and last.what == "2 clips of the anchor set 'mine'"
    store.trash.restore(last.id)
    assert store.anchors.rows(set_id) == before
    with pytest.raises(StoreError, match="not there any more"):
        store.anchors.delete_clips([999])


def test_a_deleted_set_comes_back_with_its_clips(store: Store, set_id: int) -> None:
    before = store.anchors.rows(set_id)
    entry = store.anchors.delete_set(set_id)
    assert store.anchors.names() == ["drawn scenes"] and store.anchors.rows(set_id) == []
    store.trash.restore(entry)
    assert store.anchors.names() == ["drawn scenes", "mine"] and store.anchors.rows(set_id) == before
    store.anchors.delete_set(set_id)
    with pytest.raises(StoreError, match="not there any more"):
        store.anchors.delete_set(set_id)


def test_files_go_when_the_trash_is_emptied_and_only_the_sets_own(store: Store, home: Home, tmp_path: Path) -> None:
    set_id = store.anchors.create("mine")
    own = store.anchors.folder(set_id) / "clip-1" / "rain.mp4"
    kept = store.anchors.folder(set_id) / "clip-2" / "car.mp4"
    foreign = tmp_path / "films" / "sea.mp4"
    for file in (own, kept, foreign):
        file.parent.mkdir(parents=True)
        file.touch()
    store.anchors.add(set_id, [AnchorFile(str(file)) for file in (own, kept, foreign)])
    rows = store.anchors.rows(set_id)
    store.anchors.delete_clips([rows[0].id, rows[2].id])
    assert own.exists()
    store.trash.purge(keep_s=-1)
    assert not own.exists() and kept.exists() and foreign.exists()


def test_a_shipped_set_that_was_deleted_stays_deleted_after_a_restart(home: Home) -> None:
    with Store.open(home) as store:
        (row,) = store.anchors.sets()
        store.anchors.delete_set(row.id)
    with Store.open(home) as store:
        assert store.anchors.sets() == []


def test_ratings_are_kept_by_question_and_follow_the_content(store: Store, home: Home, set_id: int) -> None:
    question = store.ratings.ask(["walking", "running"], "sketch", "demo")
    values = {"/clips/rain.mp4": Rating(0.9, "walking"), "/clips/sea.mp4": Rating(0.1, "running", True)}
    store.ratings.keep_clips(question.id, values, comparable=True)
    rated = [row.rating for row in store.anchors.rows(set_id, question=question.id)]
    assert rated == [Rating(0.9, "walking"), None, Rating(0.1, "running", True)]
    other = store.ratings.ask(["walking"], "sketch")
    assert [row.rating for row in store.anchors.rows(set_id, question=other.id)] == [None, None, None]
    twin = store.anchors.create("twin")
    store.anchors.add(twin, [AnchorFile("/elsewhere/rain.mp4", digest="rain" * 8)])
    assert store.anchors.rows(twin, question=question.id)[0].rating == Rating(0.9, "walking")
    with Store.open(home) as again:
        found = again.ratings.find(["walking", "running"], "sketch")
        assert found is not None and (found.id, found.source, found.comparable) == (question.id, "demo", True)
        last = again.ratings.last()
        assert last is not None and last.labels == ("walking",)


def test_clips_are_sorted_by_irrelevance_and_unrated_ones_come_last(store: Store, set_id: int) -> None:
    question = store.ratings.ask(["walking"], "sketch")
    values = {"/clips/rain.mp4": Rating(0.2, "walking"), "/clips/sea.mp4": Rating(0.8, "walking")}
    store.ratings.keep_clips(question.id, values, comparable=True)

    def captions(order: AnchorOrder) -> list[str]:
        return [row.caption for row in store.anchors.rows(set_id, question=question.id, order=order)]

    assert captions(AnchorOrder.BEST) == ["sea", "rain", "car"]
    assert captions(AnchorOrder.WORST) == ["rain", "sea", "car"]
    page = store.anchors.rows(set_id, question=question.id, order=AnchorOrder.BEST, limit=1, offset=1)
    assert [row.caption for row in page] == ["rain"]


def test_old_questions_are_forgotten_with_their_answers(store: Store, set_id: int) -> None:
    first = store.ratings.ask(["walking"], "sketch")
    store.ratings.keep_clips(first.id, {"/clips/rain.mp4": Rating(0.2, "walking")}, comparable=True)
    for number in range(40):
        store.ratings.ask([f"label {number}"], "sketch")
    assert store.ratings.get(first.id) is None
    assert store.anchors.rows(set_id, question=first.id)[0].rating is None
    store.ratings.keep_clips(first.id, {"/clips/rain.mp4": Rating(0.2, "walking")}, comparable=True)
    assert store.anchors.rows(set_id, question=first.id)[0].rating is None
