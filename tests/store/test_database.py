"""The database file: settings, and faults in the user's words."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ga2app.config import preset
from ga2app.errors import StoreError
from ga2app.paths import PROJECT, Home
from ga2app.store import Store
from ga2app.store.database import Database

NOBODY = 65534


def test_every_connection_checks_foreign_keys_and_waits_for_others(home: Home) -> None:
    database = Database(home)

    def settings(_: int) -> tuple[int, int]:
        with database.read() as db:
            return tuple(db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("foreign_keys", "busy_timeout"))  # type: ignore[return-value]

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(settings, range(20))) == {(1, 10_000)}
    database.close()


def test_a_new_home_that_another_process_makes_at_the_same_moment_is_waited_for(home: Home) -> None:
    home.root.mkdir()
    other = sqlite3.connect(home.database, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    soon = threading.Timer(0.3, other.rollback)
    soon.start()
    with Store.open(home, busy_s=60) as store:
        assert store.negatives.groups()
    soon.join()
    other.close()


def test_a_block_that_fails_changes_nothing(home: Home) -> None:
    database = Database(home)
    with pytest.raises(RuntimeError), database.write() as db:
        db.table("negative_groups").insert({"name": "x"})
        raise RuntimeError
    with database.read() as db:
        assert db.table("negative_groups").count == 0
    database.close()


def test_transactions_that_read_before_they_write_wait_for_each_other(home: Home) -> None:
    database = Database(home)

    def add(_: int) -> None:
        with database.write() as db:
            count = db.execute("SELECT count(*) FROM negative_groups").fetchone()[0]
            time.sleep(0.001)
            db.table("negative_groups").insert({"name": f"group {count}"})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    with database.read() as db:
        assert db.table("negative_groups").count == 80
    database.close()


def test_a_damaged_database_is_named_with_what_to_do(home: Home) -> None:
    home.root.mkdir()
    home.database.write_bytes(b"not a database at all" * 100)
    with pytest.raises(
        StoreError, match=r"studio\.db' is damaged .* close the studio and run: python -m ga2app doctor --repair"
    ):
        Store.open(home)


def test_a_locked_database_is_named_with_what_to_do(home: Home) -> None:
    with Store.open(home, busy_s=0.1) as store:
        other = sqlite3.connect(home.database)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match=r"studio\.db' is locked by another program; close it"):
            store.runs.queue(preset("quick"))
        other.rollback()
        other.close()
        assert store.runs.queue(preset("quick")) == 1


def test_a_home_that_is_a_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"the folder '.*file/home' cannot be made \(Not a directory\); set GA2_HOME"):
        Store.open(Home(tmp_path / "file" / "home"))


OPEN = f"""
import os, pathlib, sys
from ga2app.errors import StoreError
from ga2app.paths import Home
from ga2app.store import Store
if os.geteuid() == 0:  # the superuser may write anywhere, so it steps down, once everything is imported
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
try:
    with Store.open(Home(pathlib.Path(sys.argv[1]))) as store:
        store.negatives.texts()
except StoreError as exc:
    print(exc)
"""


def open_without_rights(root: Path) -> str:
    """What opening the home says in a process that has no more rights than the permissions give."""
    answer = subprocess.run(
        [sys.executable, "-c", OPEN, str(root)], cwd=PROJECT, capture_output=True, text=True, timeout=60
    )
    assert answer.stderr == ""
    return answer.stdout


def test_a_folder_without_write_permission_is_named_with_what_to_do() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        said = open_without_rights(folder)
        folder.chmod(0o755)
    assert "studio.db' cannot be written (unable to open database file)" in said
    assert "make its folder writable, or set GA2_HOME to one that is" in said


def test_a_database_without_write_permission_is_named_with_what_to_do() -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Home(Path(name))
        Store.open(home).close()
        home.database.chmod(0o444)
        home.root.chmod(0o555)
        said = open_without_rights(home.root)
        home.root.chmod(0o755)
    assert "studio.db' cannot be written" in said
    assert "make its folder writable, or set GA2_HOME to one that is" in said
