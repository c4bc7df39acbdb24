"""Negative prompts: every row is its own, nothing pasted is lost, and every deletion can be undone."""

from __future__ import annotations

import pytest

from ga2app.errors import StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.anchor_rows import Rating
from ga2app.store.negative_prompts import ImportedTexts, NegativeEntry, NegativeOrder


@pytest.fixture
def group_id(store: Store) -> int:
    """A group of three prompts beside the shipped ones."""
    made = store.negatives.create_group("mine")
    store.negatives.add(made, ["rain", "a car", "the sea"])
    return made


def texts(store: Store, group_id: int) -> list[tuple[str, bool]]:
    return [(row.text, row.enabled) for row in store.negatives.rows(group_id)]


def test_an_edit_of_one_prompt_touches_no_other(store: Store, group_id: int) -> None:
    before = [row for row in store.negatives.rows() if row.group_id != group_id]
    middle = store.negatives.rows(group_id)[1]
    assert store.negatives.set_text(middle.id, " a  red car ") == "a red car"
    store.negatives.enable(middle.id, False)
    assert texts(store, group_id) == [("rain", True), ("a red car", False), ("the sea", True)]
    assert [row for row in store.negatives.rows() if row.group_id != group_id] == before


def test_a_text_that_cannot_be_is_refused_and_the_old_one_stays(store: Store, group_id: int) -> None:
    middle = store.negatives.rows(group_id)[1]
    for text, why in (("  ", "needs a text"), ("RAIN", "has the prompt 'RAIN' already"), ("x" * 201, "at most 200")):
        with pytest.raises(StoreError, match=why):
            store.negatives.set_text(middle.id, text)
    assert store.negatives.set_text(middle.id, "A CAR") == "A CAR"
    with pytest.raises(StoreError, match="not there any more"):
        store.negatives.set_text(9999, "anything")


def test_doubles_are_told_and_the_rest_goes_in(store: Store, group_id: int) -> None:
    added = store.negatives.add(group_id, ["a wall", "Rain", "", "a wall", "a  door"])
    assert (added.count, added.doubles) == (2, ("Rain", "a wall"))
    assert [text for text, _ in texts(store, group_id)] == ["rain", "a car", "the sea", "a wall", "a door"]


def test_nothing_of_a_paste_goes_in_if_a_text_is_too_long(store: Store, group_id: int) -> None:
    with pytest.raises(StoreError, match="at most 200"):
        store.negatives.add(group_id, ["a wall", "x" * 201])
    assert len(texts(store, group_id)) == 3


def test_prompts_are_found_counted_and_paged(store: Store, group_id: int) -> None:
    assert [row.text for row in store.negatives.rows(group_id, search="A")] == ["rain", "a car", "the sea"]
    assert [row.text for row in store.negatives.rows(group_id, search=" car ")] == ["a car"]
    assert store.negatives.count(group_id, search="car") == 1 and store.negatives.count(group_id) == 3
    assert [row.text for row in store.negatives.rows(group_id, limit=1, offset=1)] == ["a car"]
    assert store.negatives.count() == sum(row.prompts for row in store.negatives.group_rows())
    assert [row.text for row in store.negatives.rows(group_id, order=NegativeOrder.TEXT)] == [
        "a car",
        "rain",
        "the sea",
    ]


def test_deleted_prompts_and_groups_come_back(store: Store, group_id: int) -> None:
    before = store.negatives.rows(group_id)
    assert store.negatives.delete([before[0].id, before[1].id]) == 2
    last = store.trash.last("anchors")
    assert last is not None and last.what == "2 negative prompts"
    store.trash.restore(last.id)
    assert store.negatives.rows(group_id) == before
    entry = store.negatives.delete_group(group_id)
    assert "mine" not in store.negatives.groups()
    store.trash.restore(entry)
    assert store.negatives.rows(group_id) == before


def test_a_shipped_group_that_was_deleted_stays_deleted_after_a_restart(home: Home) -> None:
    with Store.open(home) as store:
        gone = store.negatives.group_rows()[0]
        store.negatives.delete_group(gone.id)
        rows = store.negatives.rows()
    with Store.open(home) as store:
        assert gone.name not in store.negatives.groups()
        assert store.negatives.rows() == rows


def test_a_group_is_switched_renamed_and_no_other(store: Store, group_id: int) -> None:
    shipped = store.negatives.texts("something else")
    assert store.negatives.enable_all(group_id, False) == 3
    assert store.negatives.texts("mine") == [] and store.negatives.texts("something else") == shipped
    assert store.negatives.rename_group(group_id, " ours ") == "ours"
    with pytest.raises(StoreError, match="a group 'something else' already"):
        store.negatives.rename_group(group_id, "something else")
    row = store.negatives.group_rows()[-1]
    assert (row.id, row.name, row.prompts, row.enabled) == (group_id, "ours", 3, 0)


def test_a_file_adds_and_switches_and_deletes_nothing(store: Store, group_id: int) -> None:
    entries = [
        NegativeEntry("mine", "RAIN", False),
        NegativeEntry("mine", "a car", True),
        NegativeEntry("new", "a wall", False),
    ]
    assert store.negatives.put(entries) == ImportedTexts(added=1, switched=1, same=1)
    assert texts(store, group_id) == [("rain", False), ("a car", True), ("the sea", True)]
    assert store.negatives.put(entries) == ImportedTexts(added=0, switched=0, same=3)


def test_ratings_belong_to_the_text_so_an_edited_prompt_has_none(store: Store, group_id: int) -> None:
    question = store.ratings.ask(["driving a car"], "sketch")
    store.ratings.keep_texts(question.id, {"a car": Rating(0.7, "driving a car", True), "rain": Rating(0.1, "driving")})
    closest = store.negatives.rows(group_id, question=question.id, order=NegativeOrder.CLOSEST)
    assert [(row.text, row.rating and row.rating.warned) for row in closest] == [
        ("a car", True), ("rain", False), ("the sea", None)]  # fmt: skip
    store.negatives.set_text(closest[0].id, "a horse")
    assert store.negatives.rows(group_id, question=question.id)[1].rating is None
