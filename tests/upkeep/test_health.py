"""What ``doctor`` finds in a data directory, and what it repairs."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.config import RunConfig
from ga2app.errors import StoreError
from ga2app.paths import SKETCH_HARD_PROMPT, Home
from ga2app.services import health
from ga2app.services.imports import sweep
from ga2app.store import Store
from ga2app.store.import_records import ImportState
from ga2app.types import Dataset, Event, EventKind, LabelledClip
from ga2app.worker import launcher
from ga2app.worker.worker_identity import WorkerSlot, name_holder

PAGE = 4096


def bad(home: Home) -> list[tuple[str, str]]:
    return [(one.name, one.detail) for one in health.examine(home) if not one.ok]


@pytest.fixture
def filled(home: Home, empty_database: bytes) -> Home:
    """A data directory with an imported data set, runs with many events, and a bundle."""
    home.root.mkdir()
    home.database.write_bytes(empty_database)
    folder = home.datasets / "import-3"
    folder.mkdir(parents=True)
    clip = folder / "a.mp4"
    clip.write_bytes(b"a clip")
    shutil.copytree(SKETCH_HARD_PROMPT, home.bundles / "run-000002")
    with Store.open(home) as store:
        for _ in range(2):
            store.imports.give_up(store.imports.begin("walks", "walks.zip", 1, 1.0), ImportState.CANCELLED, "")
        walks = Dataset("walks", ("walk",), (), (LabelledClip(str(clip), "walk"),))
        number = store.imports.begin("walks", "walks.zip", 1, 1.0)
        store.imports.complete(number, walks, {}, facts={}, folder=str(folder))
        for _ in range(2):
            run_id = store.runs.queue(RunConfig())
            store.runs.append_many(run_id, [Event(EventKind.STEP, step, {"total": 1.0}) for step in range(3000)])
    with contextlib.closing(sqlite3.connect(home.database)) as db:
        db.execute("PRAGMA journal_mode=DELETE")
    return home


def spoil(home: Home, pages: range) -> None:
    with home.database.open("r+b") as file:
        for page in pages:
            file.seek(page * PAGE)
            file.write(os.urandom(PAGE))


def test_a_look_makes_nothing_where_there_is_nothing(tmp_path: Path):
    absent, empty = Home(tmp_path / "absent"), Home(tmp_path / "empty")
    empty.root.mkdir()
    for home in (absent, empty):
        found = {one.name: one for one in health.examine(home)}
        assert all(one.ok for one in found.values()) and "the first start makes it" in str(found)
        assert health.repair(home) == []
    assert not absent.root.exists() and not list(empty.root.iterdir())


def test_a_look_changes_nothing_and_tells_what_is_there(filled: Home):
    before = sorted((file, file.stat().st_mtime_ns) for file in filled.root.rglob("*"))
    found = {one.name: one.detail for one in health.examine(filled)}
    assert found["database"].startswith("sound (1 data sets, 2 runs, 0 bundles), schema ")
    assert before == sorted((file, file.stat().st_mtime_ns) for file in filled.root.rglob("*"))


def test_a_database_that_is_damaged_in_places_keeps_every_row_that_can_be_read(filled: Home):
    pages = filled.database.stat().st_size // PAGE
    spoil(filled, range(pages // 2, pages // 2 + 2))
    (name, told), *_ = bad(filled)
    assert name == "database" and "is damaged" in told and "doctor --repair" in told
    done = health.repair(filled)
    assert bad(filled) == []
    assert "put together anew" in done[0] and "listed the bundle 'run-000002' again" in done
    with Store.open(filled) as store:
        assert [row.name for row in store.datasets.list()] == ["walks"] and store.runs.count() == 2
        steps = sum(len(store.runs.events(run_id)) for run_id in (1, 2))
        assert 5000 < steps < 6000
        assert [card.folder for card in store.bundles.list()] == [str(filled.bundles / "run-000002")]
    assert list(filled.root.glob("studio.db.damaged-*"))
    assert health.repair(filled) == []


def test_without_a_readable_database_bundles_are_listed_and_imported_clips_stay(filled: Home):
    filled.database.write_bytes(b"no database " * 1000)
    assert bad(filled)[0][0] == "database"
    done = health.repair(filled)
    assert "listed the bundle 'run-000002' again" in done
    assert f"the clips in '{filled.datasets / 'import-3'}' belong to no data set: import it" in done
    assert bad(filled) == []
    with Store.open(filled) as store:
        assert sweep(filled, store) == [] and (filled.datasets / "import-3" / "a.mp4").exists()
        # Folders keep their numbers for themselves.
        assert store.runs.queue(RunConfig()) == 3
        assert store.imports.begin("walks", "walks.zip", os.getpid(), 1.0) == 4


def test_rows_that_refer_to_nothing_are_found_and_go(filled: Home):
    with contextlib.closing(sqlite3.connect(filled.database)) as db:
        db.execute("DELETE FROM runs WHERE id = 1")
        db.commit()
    assert "3000 rows of events refer to nothing" in bad(filled)[0][1]
    health.repair(filled)
    assert bad(filled) == []
    with Store.open(filled) as store:
        assert store.runs.count() == 1 and len(store.runs.events(2)) == 3000


def test_a_database_of_a_newer_version_is_told_and_left_alone(filled: Home):
    with contextlib.closing(sqlite3.connect(filled.database)) as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('ga2app', 'm999_later', '')"
        )
        db.commit()
    assert bad(filled) == [("database", "it was made by a newer version (it has 'm999_later'); update the app")]


def test_what_processes_that_are_gone_have_left_is_told_and_removed(filled: Home):
    left = [
        filled.datasets / ".import-9" / "clips",
        filled.bundles / ".run-000002.new-77",
        filled.run_folder(1) / f".{32 * '0'}-log",
    ]
    for folder in left:
        folder.mkdir(parents=True)
    os.utime(filled.datasets / ".import-9", (0, 0))
    assert "media/datasets/.import-9" in str(health.examine(filled))
    assert "run-000002.new" not in str(health.examine(filled)), "it may be in the making"
    assert len([what for what in health.repair(filled) if what.startswith("removed ")]) == 3
    assert not any(folder.exists() for folder in left)


def test_pictures_of_clips_that_are_gone_are_removed(filled: Home):
    filled.thumbs.mkdir()
    (filled.thumbs / f"{64 * 'a'}.jpg").write_bytes(b"a picture")
    assert "removed 1 picture of clips that are gone" in health.repair(filled)
    assert not list(filled.thumbs.iterdir())


def test_a_run_that_nothing_is_heard_of_is_told(filled: Home):
    with Store.open(filled) as store:
        assert store.runs.claim(os.getpid(), 1.0)
    assert bad(filled) == []
    with contextlib.closing(sqlite3.connect(filled.database)) as db:
        db.execute("UPDATE runs SET heartbeat_s = ? WHERE id = 1", [time.time() - 80])
        db.commit()
    ((name, told),) = bad(filled)
    assert name == "worker" and told.startswith("run 1 has not been heard of for 80 s")


def test_nothing_is_repaired_under_the_feet_of_a_process(filled: Home):
    holding = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('SELECT 1 FROM runs'); input()"
    command = [sys.executable, "-c", holding, str(filled.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        while health.users(filled) != [f"process {process.pid}"]:
            assert process.poll() is None
        with pytest.raises(StoreError, match=f"is in use by process {process.pid}; close the studio"):
            health.repair(filled)
        process.kill()
    assert health.users(filled) == []


def test_a_worker_of_another_machine_keeps_it_too(filled: Home):
    me = launcher.this_process()
    name_holder(filled.root / f"worker-{WorkerSlot().name}.json", WorkerSlot(), replace(me, host="elsewhere"))
    with pytest.raises(StoreError, match=f"in use by the worker {me.pid} of another machine or container"):
        health.repair(filled)
    (found,) = [one.detail for one in health.examine(filled) if one.name == "workers"]
    assert f"(process {me.pid} of another machine or container)" in found
