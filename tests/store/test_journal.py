"""Which journal the database keeps, decided from what the system says about the mount."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ga2app.errors import ErrorCode, StoreError
from ga2app.paths import Home
from ga2app.store import data_disk
from ga2app.store.data_disk import (
    JOURNAL,
    chosen_journal,
    filesystem_of,
    journal_mode,
    locks_work,
    mounted_filesystem,
)
from ga2app.store.database import Database, explain

MOUNTS = """\
/dev/sda1 / ext4 rw,relatime 0 0
tmpfs /tmp tmpfs rw 0 0
server:/share /mnt/lab nfs4 rw 0 0
/dev/sdb1 /mnt/lab/scratch xfs rw 0 0
hf /data/my\\040space fuse.hf rw 0 0
/dev/sdc1 /twice ext4 rw 0 0
server:/x /twice cifs rw 0 0
"""


@pytest.mark.parametrize("filesystem", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuseblk", "apfs", None])
def test_a_local_disk_gets_a_write_ahead_log(filesystem: str | None) -> None:
    assert journal_mode(filesystem) == "wal"


@pytest.mark.parametrize(
    "filesystem",
    "nfs nfs4 cifs smb3 9p ceph virtiofs fuse.sshfs fuse fakeowner prl_fs gofer wekafs panfs dvs nobody-knows".split(),
)
def test_every_kind_that_is_not_known_to_be_local_gets_a_rollback_journal(filesystem: str) -> None:
    assert journal_mode(filesystem) == "delete"


@pytest.mark.parametrize(
    ("path", "filesystem"),
    [
        ("/home/me", "ext4"),
        ("/tmp/x", "tmpfs"),
        ("/tmpfile", "ext4"),
        ("/mnt/lab/home", "nfs4"),
        ("/mnt/lab/scratch/home", "xfs"),
        ("/data/my space/home", "fuse.hf"),
        ("/twice/home", "cifs"),
    ],
)
def test_the_innermost_and_latest_mount_counts(path: str, filesystem: str) -> None:
    assert filesystem_of(Path(path), MOUNTS) == filesystem


def test_no_mount_that_fits_means_not_known() -> None:
    assert filesystem_of(Path("/home"), "") is None


def test_the_database_keeps_the_journal_that_its_mount_asks_for(home: Home) -> None:
    kept = Database(home)
    with kept.read() as db:
        assert db.journal_mode == journal_mode(mounted_filesystem(home.root))
    kept.close()


def test_a_variable_overrides_what_the_mount_looks_like(tmp_path: Path) -> None:
    assert chosen_journal(tmp_path, {JOURNAL: "delete"}) == "delete"
    assert chosen_journal(tmp_path, {JOURNAL: " WAL "}) == "wal"
    assert chosen_journal(tmp_path, {}) == journal_mode(mounted_filesystem(tmp_path))
    with pytest.raises(StoreError, match="GA2_JOURNAL is 'truncate'; it must be wal, delete or nothing"):
        chosen_journal(tmp_path, {JOURNAL: "truncate"})


def test_a_home_that_moves_to_another_kind_of_mount_changes_its_journal(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    for journal in ("wal", "delete", "wal"):
        monkeypatch.setenv(JOURNAL, journal)
        kept = Database(home)
        with kept.write() as db:
            db.execute("CREATE TABLE IF NOT EXISTS moved (place TEXT)")
            db.execute("INSERT INTO moved VALUES (?)", [journal])
        with kept.read() as db:
            assert db.journal_mode == journal
        kept.close()
    with Database(home).read() as db:
        assert [place for (place,) in db.execute("SELECT place FROM moved")] == ["wal", "delete", "wal"]


NO_LOCKS = "vfs=unix-none"
"""SQLite as on a mount that grants every lock and keeps nobody off."""


def test_locks_are_tried_between_connections_of_two_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert locks_work(tmp_path)
    monkeypatch.setattr(data_disk, "LOCKING", NO_LOCKS)
    assert not locks_work(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_mount_whose_locks_do_nothing_is_refused_before_anything_is_written(
    home: Home, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    monkeypatch.setenv(JOURNAL, journal)
    monkeypatch.setattr(data_disk, "_checked", set())
    monkeypatch.setattr(data_disk, "LOCKING", NO_LOCKS)
    with pytest.raises(StoreError, match="file locks do nothing in .*; set GA2_HOME .* to a folder on a local disk"):
        Database(home)
    assert not home.database.exists()
    monkeypatch.undo()
    Database(home).close()


def test_a_mount_that_is_not_known_to_be_local_is_tried_without_being_asked(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = home.root.parent / "mounts"
    table.write_text(f"bucket {home.root.parent} fuse.bucket rw 0 0\n")
    monkeypatch.setattr(data_disk, "MOUNTS", table)
    monkeypatch.setattr(data_disk, "_checked", set())
    monkeypatch.setattr(data_disk, "LOCKING", NO_LOCKS)
    with pytest.raises(StoreError, match="file locks do nothing"):
        Database(home)


def test_a_lock_of_another_program_is_waited_for_by_reads_and_writes_and_told_if_it_lasts(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As 14 s under the rollback journal, in which a writer keeps readers off, were to a patience of 10 s; shorter."""
    monkeypatch.setenv(JOURNAL, "delete")
    patient, hasty = Database(home, busy_s=30.0), Database(home, busy_s=0.1)
    held = (
        "import sqlite3, sys, time; db = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "db.execute('BEGIN EXCLUSIVE'); print('held', flush=True); time.sleep(0.7); db.execute('COMMIT')"
    )
    program = [sys.executable, "-c", held, str(home.database)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as holder:
        assert holder.stdout and holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreError, match="is locked by another program") as told, hasty.read() as db:
            db.execute("SELECT count(*) FROM runs")
        assert told.value.code is ErrorCode.DATABASE_BUSY
        with patient.read() as db:
            assert db.execute("SELECT count(*) FROM runs").fetchone() == (0,)
    with patient.write() as db:
        db.execute("UPDATE runs SET name = ''")
    patient.close()
    hasty.close()


def test_a_database_is_called_damaged_only_when_a_check_finds_it_so(tmp_path: Path) -> None:
    fault = sqlite3.DatabaseError("database disk image is malformed")
    fault.sqlite_errorname = "SQLITE_CORRUPT"
    sound = tmp_path / "sound.db"
    with sqlite3.connect(sound) as db:
        db.execute("CREATE TABLE t (x)")
        db.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 200)
    db.close()
    assert "a check finds no damage; do it again" in explain(fault, sound)
    locked = sqlite3.connect(sound, isolation_level=None)
    locked.execute("BEGIN EXCLUSIVE")
    assert "is damaged" not in explain(fault, sound), "a check that cannot look finds nothing"
    locked.close()
    data = bytearray(sound.read_bytes())
    data[4096:8192] = b"\xff" * 4096
    (tmp_path / "broken.db").write_bytes(data)
    assert "is damaged (database disk image is malformed); close the studio and run" in explain(
        fault, tmp_path / "broken.db"
    )
    assert "is damaged" in explain(fault, tmp_path / "gone.db")
