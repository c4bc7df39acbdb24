"""Imports on a full disk, with a database that cannot be told, and on a machine beside another one."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from ui.fakes import FakeInspector
from zips import import_service, pack

from ga2app.errors import ClipError, DatasetError
from ga2app.paths import Home
from ga2app.services import imports
from ga2app.services.import_sources import FileSource
from ga2app.store import Store
from ga2app.store.database import Database
from ga2app.store.import_records import ImportRow, ImportState
from ga2app.types import ClipFacts

GOOD = {f"{label}/{number}.mp4": f"{label}{number}".encode() for label in ("wave", "jump") for number in range(2)}
NO_ROOM = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def source(tmp_path: Path) -> FileSource:
    return FileSource(pack(tmp_path / "mine.zip", GOOD), uploaded=True)


def run(home: Home, store: Store, source: FileSource, inspector: Any = None) -> ImportRow:
    importer = import_service(home, store, inspector or FakeInspector())
    return importer.wait(importer.start(source, "mine"), 60)


def left(home: Home) -> list[Path]:
    return [path for path in home.media.rglob("*") if path.is_file()]


def test_a_disk_that_fills_up_while_clips_are_unpacked_ends_the_import_and_the_next_one_starts(
    home: Home, store: Store, source: FileSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Any, target: Any, *size: int) -> None:
        target.write(b"begun")
        raise NO_ROOM

    monkeypatch.setattr(shutil, "copyfileobj", full)
    row = run(home, store, source)
    assert row.state is ImportState.FAILED
    assert (row.error or "").startswith("disk full: ") and " MB at '" in (row.error or "")
    assert "free some space and import again, nothing was kept" in (row.error or "")
    assert left(home) == []
    monkeypatch.undo()
    assert run(home, store, source).state is ImportState.DONE


def test_a_picture_that_has_no_room_is_no_fault_of_the_clip(home: Home, store: Store, source: FileSource) -> None:
    class NoRoom(FakeInspector):
        def inspect(self, path: str, picture: Path | None = None) -> ClipFacts:
            raise ClipError("a.mp4", "no picture of it can be written", "free some disk space") from NO_ROOM

    row = run(home, store, source, NoRoom())
    assert row.state is ImportState.FAILED and (row.error or "").startswith("disk full")


def test_the_room_for_a_copy_is_looked_at_before_it_is_made(
    home: Home, store: Store, source: FileSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_disk(*of: Any) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", other_disk)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**9, 10**9, 1000))
    monkeypatch.setattr(shutil, "copyfile", lambda *of: pytest.fail("it was copied all the same"))
    row = run(home, store, source)
    assert row.state is ImportState.FAILED
    assert "disk full: the copy of 'mine.zip' needs 1 kB, free 0 kB at '" in (row.error or "")


def test_the_files_go_before_the_database_is_told_which_needs_room_itself(
    home: Home, store: Store, source: FileSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, give_up = [], store.imports.give_up

    def look(*how: Any) -> None:
        told.append(left(home))
        give_up(*how)

    monkeypatch.setattr(store.imports, "give_up", look)
    monkeypatch.setattr(shutil, "copyfileobj", lambda *of: (_ for _ in ()).throw(NO_ROOM))
    run(home, store, source)
    assert told == [[]]


def test_an_import_whose_end_could_not_be_told_does_not_block_the_next_one(
    home: Home, source: FileSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "_RETRY_S", 0.01)
    store = Store(Database(home, busy_s=0.05))
    other = sqlite3.connect(home.database, isolation_level=None, check_same_thread=False)

    class Locks(FakeInspector):
        def inspect(self, path: str, picture: Path | None = None) -> ClipFacts:
            if not other.in_transaction:
                other.execute("BEGIN IMMEDIATE")
            return super().inspect(path, picture)

    row = run(home, store, source, Locks())
    assert row.state is ImportState.RUNNING and left(home) == [], "the database knows nothing of its end"
    other.execute("ROLLBACK")
    other.close()
    importer = import_service(home, store, FakeInspector())
    importer.cancel()
    assert store.imports.get(row.id).state is ImportState.FAILED
    assert run(home, store, source).state is ImportState.DONE
    store.close()


def test_an_import_of_another_machine_that_goes_on_is_waited_for(
    home: Home, store: Store, source: FileSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GA2_HOST", "far")
    store.imports.begin("theirs", "theirs.zip", pid=2**22 + 1, process_started_s=1.0)
    monkeypatch.setenv("GA2_HOST", "near")
    with pytest.raises(DatasetError, match="the import of 'theirs' is still running"):
        run(home, store, source)
    assert imports.sweep(home, store) == []
