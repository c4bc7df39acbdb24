"""The schema: from the first one to today's, and what a newer one means."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest
import sqlite_utils

from ga2app.config import preset
from ga2app.errors import StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.migrations import migrate, migrations
from ga2app.types import Dataset, Event, EventKind, LabelledClip, Subset

FIRST_SCHEMA = Path(__file__).parent / "first_schema.sql"


def test_a_database_with_the_first_schema_is_brought_up_to_date_and_keeps_its_rows(home: Home) -> None:
    home.root.mkdir()
    connection = sqlite3.connect(home.database)
    connection.executescript(FIRST_SCHEMA.read_text())
    connection.close()
    with Store.open(home) as store:
        record = store.runs.get(1)
        assert (record.name, record.config) == ("first", {"dataset": "demo", "seed": 7})
        assert store.runs.latest(1, EventKind.LOG) == Event(EventKind.LOG, 0, {"text": "hello"})
        assert store.runs.queue(preset("quick")) == 2
        assert store.datasets.list() == []


def test_migrations_keep_their_names_and_their_order() -> None:
    db = sqlite_utils.Database(memory=True)
    names = [migration.name for migration in migrations.pending(db)]
    db.close()
    assert names[:4] == ["m001_runs", "m002_datasets", "m003_anchors_and_negatives", "m004_bundles"]


def test_a_database_of_a_newer_version_is_refused_and_left_alone(home: Home) -> None:
    Store.open(home).close()
    db = sqlite_utils.Database(home.database)
    db.table("_sqlite_migrations").insert({"migration_set": "ga2app", "name": "m999_future", "applied_at": "later"})
    db.close()
    with pytest.raises(StoreError, match=r"newer version of GA² Studio \(it has 'm999_future'\); update the app"):
        Store.open(home)


def test_a_migration_that_fails_leaves_neither_its_changes_nor_its_record(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    db = sqlite_utils.Database(path)
    # The second migration makes this table, so it fails, half way through its statements.
    db.execute("CREATE TABLE clips (id INTEGER)")
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate(db, path)
    assert [migration.name for migration in migrations.applied(db)] == ["m001_runs"]
    assert "runs" in db.table_names() and "datasets" not in db.table_names()
    db.close()


def test_all_who_open_a_new_home_at_once_find_it_ready(tmp_path: Path) -> None:
    for number in range(8):
        home, start = Home(tmp_path / str(number)), Barrier(8)

        def open_it(_: int, home: Home = home, start: Barrier = start) -> list[str]:
            start.wait()
            with Store.open(home) as store:
                return store.negatives.groups()

        with ThreadPoolExecutor(8) as pool:
            groups = list(pool.map(open_it, range(8)))
        assert groups == [groups[0]] * 8 and groups[0]


def test_figures_that_are_right_by_construction_go_from_what_old_runs_told(home: Home) -> None:
    figures = {"base": 50.0, "novel": 100.0, "hm": 66.7}
    with Store.open(home) as store:
        clips = (LabelledClip("x.mp4", "a", Subset.TRAIN),)
        store.datasets.add(Dataset("one", ("a", "b"), ("c",), clips), origin="folder")
        store.datasets.add(Dataset("two", ("a", "b"), ("c", "d"), clips), origin="folder")
        runs = [store.runs.queue(replace(preset("quick"), dataset=name)) for name in ("one", "two", "two", "gone")]
        for run in runs:
            store.runs.append_many(run, [Event(kind, 1, figures) for kind in (EventKind.ZERO_SHOT, EventKind.EPOCH)])
    db = sqlite_utils.Database(home.database)
    # The second run's data set had one novel label when it was trained.
    facts = {"name": "x", "backbone": "sketch", "base": "[]", "novel": '["c"]', "metrics": "{}", "zero_shot": "{}"}
    db.table("bundles").insert({**facts, "folder": "b", "origin": "trained", "created_s": 1.0})
    db.execute("UPDATE runs SET bundle = 'b' WHERE id = ?", [runs[1]])
    db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm014_defined_figures'")
    db.conn.commit()
    db.close()
    with Store.open(home) as store:
        told = [dict(store.runs.last_epochs(runs)[run].values) for run in runs]
        assert told == [{"base": 50.0}, {"base": 50.0}, figures, figures]
        before = [store.runs.latest(run, EventKind.ZERO_SHOT) for run in runs]
        assert [one and dict(one.values) for one in before] == told
