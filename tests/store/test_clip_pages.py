"""What the screen of data sets reads: counts, pages and copies, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sets import add_set

from ga2app.errors import DatasetError
from ga2app.store import Store
from ga2app.store.clip_pages import ClipFilter, LabelRow
from ga2app.store.dataset_records import insert_dataset
from ga2app.types import ClipFacts, Dataset, LabelKind, LabelledClip, Subset


@contextmanager
def counted_queries(store: Store) -> Iterator[list[str]]:
    """The statements that run inside the block."""
    asked: list[str] = []
    with store._database.read() as db:
        db.conn.set_trace_callback(asked.append)
    try:
        yield asked
    finally:
        with store._database.read() as db:
            db.conn.set_trace_callback(None)


def test_sets_and_labels_are_counted_by_subset(store: Store) -> None:
    dataset_id = add_set(store, {"jump": 3, "climb": 1}, novel=("climb",))
    (row,) = store.datasets.list()
    assert (row.name, row.base, row.novel, row.n_train, row.n_test, row.clips) == (
        "mine",
        ("jump",),
        ("climb",),
        2,
        2,
        4,
    )
    jump, climb = store.clips.labels(dataset_id)
    assert (jump.name, jump.kind, jump.n_train, jump.n_test, jump.clips) == ("jump", LabelKind.BASE, 2, 1, 3)
    assert (climb.kind, climb.n_train, climb.n_test) == (LabelKind.NOVEL, 0, 1)


def test_a_label_without_clips_is_still_listed(store: Store) -> None:
    dataset_id = add_set(store, {"jump": 2, "climb": 1})
    label_id = store.clips.labels(dataset_id)[1].id
    climbs = store.clips.page(dataset_id, ClipFilter(label_id), limit=9)
    store.dataset_edits.relabel_clips(dataset_id, [clip.id for clip in climbs], "jump")
    assert store.clips.labels(dataset_id)[1] == LabelRow(label_id, "climb", LabelKind.BASE, 0, 0)


def test_pages_follow_each_other_without_gap_or_repetition(store: Store) -> None:
    dataset_id = add_set(store, {"jump": 7, "climb": 5})
    pages = [store.clips.page(dataset_id, ClipFilter(), limit=5, offset=start) for start in (0, 5, 10)]
    assert [len(page) for page in pages] == [5, 5, 2]
    assert len({clip.id for page in pages for clip in page}) == 12
    assert [clip.label for page in pages for clip in page] == ["jump"] * 7 + ["climb"] * 5


@pytest.mark.parametrize(
    ("text", "found"),
    [("jump-2", 1), ("CLIMB", 2), ("%", 1), ("_", 0), ("100%", 1), ("", 6), ("\\", 0)],
)
def test_a_search_is_taken_literally_and_in_any_case(store: Store, text: str, found: int) -> None:
    dataset_id = add_set(store, {"jump": 3, "climb": 2, "100% effort": 1})
    assert store.clips.count(dataset_id, ClipFilter(text=text)) == found
    assert len(store.clips.page(dataset_id, ClipFilter(text=text), limit=9)) == found


def test_filters_hold_together(store: Store) -> None:
    dataset_id = add_set(store, {"jump": 4, "climb": 4})
    jump = store.clips.labels(dataset_id)[0]
    clips = store.clips.page(dataset_id, ClipFilter(jump.id, Subset.TEST, "jump"), limit=9)
    assert {(clip.label, clip.subset) for clip in clips} == {("jump", Subset.TEST)} and len(clips) == 1


def test_copies_are_found_by_content_across_labels_and_subsets(store: Store) -> None:
    clips = (
        LabelledClip("/a.mp4", "jump"),
        LabelledClip("/b.mp4", "climb", Subset.TEST),
        LabelledClip("/c.mp4", "jump"),
        LabelledClip("/unknown.mp4", "jump"),
        LabelledClip("/unknown-too.mp4", "jump"),
    )
    facts = {
        path: ClipFacts(1.0, 8, 64, 48, digest=d) for path, d in (("/a.mp4", "x"), ("/b.mp4", "x"), ("/c.mp4", "y"))
    }
    with store._database.write() as db:
        dataset = Dataset("mine", ("jump", "climb"), (), clips)
        dataset_id = insert_dataset(store._database, db, dataset, origin="zip", facts=facts)
    (copy,) = store.clips.copies(dataset_id)
    assert sorted(copy.label_names) == ["climb", "jump"]
    assert set(copy.subsets) == set(Subset)
    assert sorted(copy.paths) == ["/a.mp4", "/b.mp4"]


def test_what_opening_a_clip_showed_is_kept(store: Store, tmp_path: Path) -> None:
    dataset_id = add_set(store, {"jump": 1})
    (clip,) = store.clips.page(dataset_id, ClipFilter(), limit=1)
    assert clip.facts is None
    facts = ClipFacts(None, 8, 64, 48, digest="abc")
    store.clips.learn(clip.id, facts)
    assert store.clips.get(clip.id).facts == facts
    with pytest.raises(DatasetError, match="this clip is not in the data set any more; reload the page"):
        store.clips.get(clip.id + 1)


def test_two_thousand_clips_are_paged_with_as_many_queries_as_two(store: Store) -> None:
    few, many = add_set(store, {"a": 1, "b": 1}, "few"), add_set(store, {f"l{i}": 50 for i in range(40)}, "many")
    counts = []
    for dataset_id in (few, many):
        with counted_queries(store) as asked:
            store.datasets.list()
            store.clips.labels(dataset_id)
            store.clips.copies(dataset_id)
            assert len(store.clips.page(dataset_id, ClipFilter(), limit=60)) <= 60
        counts.append(len(asked))
    assert counts == [7, 7]
