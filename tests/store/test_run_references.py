"""What runs refer to: data set, anchor set and groups of negative prompts, by id."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sets import add_set

from ga2app.config import preset
from ga2app.errors import DatasetError, StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.anchor_sets import ROOM as ANCHORS_ROOM
from ga2app.store.anchor_sets import AnchorFile
from ga2app.store.negative_prompts import NegativeEntry
from ga2app.types import RunState

CONFIG = replace(preset("quick"), dataset="mine", anchors="walls", negatives=("doors", "floors"))


@pytest.fixture
def mine(store: Store) -> int:
    return add_set(store, {"jump": 2, "climb": 2})


@pytest.fixture
def walls(store: Store) -> int:
    return store.anchors.create("walls")


@pytest.fixture
def groups(store: Store) -> list[int]:
    return [store.negatives.create_group(name) for name in ("doors", "floors")]


@pytest.fixture
def run(store: Store, mine: int, walls: int, groups: list[int]) -> int:
    return store.runs.queue(CONFIG, name="the good one")


def names(store: Store, run: int) -> tuple[str, str, list[str]]:
    config = store.runs.get(run).config
    return config["dataset"], config["anchors"], list(config["negatives"])


def rename_all(store: Store, mine: int, walls: int, groups: list[int]) -> None:
    store.dataset_edits.rename(mine, "my 'own'")
    store.anchors.rename(walls, "rooms")
    store.negatives.rename_group(groups[0], "gates")


RENAMED = ("my 'own'", "rooms", ["gates", "floors"])


def test_what_a_waiting_run_needs_may_be_renamed_and_the_run_follows(
    store: Store, run: int, mine: int, walls: int, groups: list[int]
) -> None:
    rename_all(store, mine, walls, groups)
    assert names(store, run) == RENAMED
    last = store.trash.last(ANCHORS_ROOM)
    assert last
    store.trash.restore(last.id)
    assert names(store, run) == ("my 'own'", "rooms", ["doors", "floors"])


def test_what_a_waiting_run_needs_is_not_deleted_and_the_run_is_named(
    store: Store, run: int, mine: int, walls: int, groups: list[int]
) -> None:
    rename_all(store, mine, walls, groups)
    told = "run 1 'the good one' still needs the {} '{}', so it cannot be deleted; wait for the run, or stop and"
    with pytest.raises(DatasetError, match=told.format("data set", "my 'own'")):
        store.dataset_edits.delete(mine)
    with pytest.raises(StoreError, match=told.format("anchor set", "rooms")):
        store.anchors.delete_set(walls)
    with pytest.raises(StoreError, match=told.format("group of negative prompts", "floors")):
        store.negatives.delete_group(groups[1])
    store.runs.request_stop(run)
    store.negatives.delete_group(groups[1])
    store.anchors.delete_set(walls)
    store.dataset_edits.delete(mine)


def test_what_a_waiting_run_needs_of_anchors_and_prompts_is_not_changed(
    store: Store, walls: int, groups: list[int]
) -> None:
    store.anchors.add(walls, [AnchorFile("/clips/wall.mp4", "a wall")])
    store.negatives.add(groups[0], ["a door"])
    (clip,), (prompt,) = store.anchors.rows(walls), store.negatives.rows(groups[0])
    store.anchors.set_caption(clip.id, "a brick wall")
    edited = store.trash.last(ANCHORS_ROOM)
    assert edited
    run = store.runs.queue(CONFIG, name="the good one")
    changes: list[Callable[[], object]] = [
        lambda: store.anchors.add(walls, [AnchorFile("/clips/other.mp4")]),
        lambda: store.anchors.set_caption(clip.id, "a wall"),
        lambda: store.anchors.enable(clip.id, False),
        lambda: store.anchors.enable_all(walls, False),
        lambda: store.anchors.delete_clips([clip.id]),
        lambda: store.negatives.add(groups[0], ["a gate"]),
        lambda: store.negatives.put([NegativeEntry("doors", "a gate")]),
        lambda: store.negatives.put([NegativeEntry("doors", "a door", enabled=False)]),
        lambda: store.negatives.set_text(prompt.id, "a gate"),
        lambda: store.negatives.enable(prompt.id, False),
        lambda: store.negatives.enable_all(groups[0], False),
        lambda: store.negatives.delete([prompt.id]),
        lambda: store.trash.restore(edited.id),
    ]
    for change in changes:
        with pytest.raises(StoreError, match="run 1 'the good one' still needs the .* so it cannot be changed"):
            change()
    (same,) = store.anchors.rows(walls)
    assert (same.caption, same.enabled) == ("a brick wall", True)
    assert store.negatives.rows(groups[0]) == [prompt]
    store.runs.request_stop(run)
    store.anchors.enable(clip.id, False)


def test_another_of_the_same_name_is_not_taken_for_one_that_was_deleted(store: Store, run: int, mine: int) -> None:
    store.runs.request_stop(run)
    store.dataset_edits.delete(mine)
    other = add_set(store, {"swim": 2})
    store.dataset_edits.rename(other, "theirs")
    assert names(store, run)[0] == "mine"


def test_a_run_that_comes_back_from_the_trash_has_the_names_of_now(
    store: Store, run: int, mine: int, walls: int, groups: list[int]
) -> None:
    entry = store.runs.delete(run)
    rename_all(store, mine, walls, groups)
    store.trash.restore(entry)
    assert names(store, run)[:2] == RENAMED[:2]
    store.dataset_edits.rename(mine, "again")
    assert names(store, run)[0] == "again"


def test_a_data_set_that_comes_after_the_run_is_found(store: Store) -> None:
    """As the demo, which the worker draws for the first run on it."""
    run = store.runs.queue(replace(CONFIG, anchors="", negatives=()))
    mine = add_set(store, {"jump": 2, "climb": 2})
    store.dataset_edits.rename(mine, "later")
    assert names(store, run)[0] == "later"


def test_runs_of_before_are_found_by_name_once(home: Home, tmp_path: Path) -> None:
    with Store.open(home) as store:
        mine, walls = add_set(store, {"jump": 2, "climb": 2}), store.anchors.create("walls")
        groups = [store.negatives.create_group(name) for name in ("doors", "floors")]
    db = sqlite3.connect(home.database)
    triggers = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    for name in triggers:
        db.execute(f"DROP TRIGGER {name}")
    for column in ("dataset_id", "anchor_set_id", "negative_ids", "error_code"):
        db.execute(f"ALTER TABLE runs DROP COLUMN {column}")
    db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm015_run_references'")
    config = json.dumps(CONFIG.to_dict(), sort_keys=True)
    db.execute(
        "INSERT INTO runs (name, owner, state, config, seed, created_s, queued_s) "
        "VALUES ('', '', 'queued', ?, 1, 1, 1)",
        [config],
    )
    db.commit()
    db.close()
    with Store.open(home) as store:
        rename_all(store, mine, walls, groups)
        assert names(store, 1) == RENAMED and store.runs.get(1).state is RunState.QUEUED
