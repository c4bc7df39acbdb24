"""Backups of a data directory in use, and what is restored from them."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ga2app.config import RunConfig
from ga2app.errors import StoreError
from ga2app.paths import PROJECT, Home, whole_file
from ga2app.services import backups, health
from ga2app.services.backups import MANIFEST, back_up, restore, verify
from ga2app.store import Store
from ga2app.types import Dataset, Event, EventKind, LabelledClip, RunState
from ga2app.worker.queue_loop import Worker
from tests import fake_training
from tests.upkeep.busy_home import EVERY


@contextlib.contextmanager
def at_work(home: Home) -> Iterator[int]:
    """A process that writes into ``home``, killed at the end of the block; gives its number."""
    command = [sys.executable, "-m", "tests.upkeep.busy_home", str(home.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PROJECT, text=True) as process:
        try:
            assert process.stdout and process.stdout.readline() == "working\n"
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def filled(store: Store, home: Home) -> Home:
    """A data directory with a data set, of whose two clips one lies elsewhere, a bundle, and what is not kept."""
    inside, elsewhere = home.datasets / "import-1" / "walk" / ".a.mp4", home.root.parent / "b.mp4"
    for file, content in (
        (inside, b"a clip"),
        (elsewhere, b"another"),
        (home.bundles / "mine" / "bundle.json", b"{}"),
        (home.bundles / ".mine.new-7" / "bundle.json", b"half"),
        (home.media / "uploads" / "0" / "private.mp4", b"of a visitor"),
        (home.frames / "00" / "x.frames", b"made anew"),
        (home.datasets / ".import-2" / "c.mp4", b"half an import"),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    clips = tuple(LabelledClip(str(file), "walk") for file in (inside, elsewhere))
    store.datasets.add(Dataset("walks", ("walk",), (), clips), origin="imported")
    return home


def names(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_a_backup_holds_what_people_made_and_gives_it_back(filled: Home, tmp_path: Path):
    made = back_up(filled, tmp_path / "saved")
    kept = {"studio.db", "media/datasets/import-1/walk/.a.mp4", "bundles/mine/bundle.json"}
    assert names(tmp_path / "saved") == kept | {MANIFEST}
    assert (made.files, made.linked, made.gone, made.outside) == (3, 2, (), 1)
    assert verify(tmp_path / "saved")["files"].keys() == kept

    other = Home(tmp_path / "other")
    restored = restore(tmp_path / "saved", other)
    assert (restored.files, restored.requeued, restored.aside) == (3, (), "")
    assert (other.datasets / "import-1" / "walk" / ".a.mp4").read_bytes() == b"a clip"
    with Store.open(other) as store:
        first, _ = store.datasets.get("walks").clips
        assert first.path == str(other.datasets / "import-1" / "walk" / ".a.mp4")


def test_without_links_no_file_is_shared(filled: Home, tmp_path: Path):
    assert back_up(filled, tmp_path / "saved", link=False).linked == 0
    restore(tmp_path / "saved", Home(tmp_path / "other"), link=False)
    folders = (filled.root, tmp_path / "saved", tmp_path / "other")
    assert len({(folder / "bundles/mine/bundle.json").stat().st_ino for folder in folders}) == 3


def test_a_backup_taken_while_runs_and_an_import_write_restores_to_one_that_goes_on(home: Home, tmp_path: Path):
    with at_work(home) as pid:
        for number in range(4):
            back_up(home, tmp_path / str(number))
        with pytest.raises(StoreError, match=f"in use by process {pid}"):
            restore(tmp_path / "0", home, replace=True)
    for number in range(4):
        other = Home(tmp_path / f"home {number}")
        restored = restore(tmp_path / str(number), other)
        assert restored.requeued == (1,) and not list(other.datasets.glob("*import*"))
        with Store.open(other) as store:
            steps = [told.event.step for told in store.runs.events(1) if told.event.kind is EventKind.STEP]
            assert steps == list(range(1, len(steps) + 1))
            saved = int(other.checkpoint(1).read_text()) if other.checkpoint(1).exists() else 0
            assert saved % EVERY == 0 and saved <= len(steps)
            run = store.runs.get(1)
            assert (run.state, run.pid, run.attempts) == (RunState.QUEUED, None, 0)
            assert store.imports.running() is None
        assert [one for one in health.examine(other) if not one.ok] == []


def test_a_checkpoint_that_is_saved_while_a_backup_is_made_is_not_ahead_of_its_database(
    home: Home, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run_id = store.runs.queue(RunConfig())

    def reach(step: int) -> None:
        store.runs.append(run_id, Event(EventKind.STEP, step, {"total": 1.0}))
        with whole_file(home.checkpoint(run_id)) as fresh:
            fresh.write_text(str(step))

    def snapshot(database: Path, target: Path) -> int:
        reach(2)
        outside = copied(database, target)
        reach(3)
        return outside

    copied = backups._snapshot
    monkeypatch.setattr(backups, "_snapshot", snapshot)
    reach(1)
    back_up(home, tmp_path / "saved")
    other = Home(tmp_path / "other")
    restore(tmp_path / "saved", other)
    with Store.open(other) as restored:
        assert [told.event.step for told in restored.runs.events(run_id)] == [1, 2]
    assert other.checkpoint(run_id).read_text() == "1"


def test_a_restored_run_is_trained_to_its_end(home: Home, store: Store, tmp_path: Path):
    store.runs.queue(RunConfig())
    assert store.runs.claim(os.getpid(), 1.0)
    with whole_file(home.checkpoint(1)) as fresh:
        fresh.write_text("5")
    back_up(home, tmp_path / "saved")
    other = Home(tmp_path / "other")
    assert restore(tmp_path / "saved", other).requeued == (1,)
    with Store.open(other) as restored:
        Worker(other, restored, fake_training.parts()).work(once=True, idle_exit_s=0)
        assert restored.runs.get(1).state is RunState.DONE
        first = next(told.event for told in restored.runs.events(1) if told.event.kind is EventKind.LOG)
        assert first.values["text"] == "resumed at step 5"


def test_nothing_goes_over_what_is_there_unless_told_and_then_it_stays_aside(filled: Home, tmp_path: Path):
    back_up(filled, tmp_path / "saved")
    with pytest.raises(StoreError, match=r"'.*saved' is there already; a backup goes into a folder that is new"):
        back_up(filled, tmp_path / "saved")
    other = Home(tmp_path / "other")
    other.root.mkdir()
    (other.root / "mine").write_text("kept")
    with pytest.raises(StoreError, match="is there already; a backup is restored into a new folder; with --replace"):
        restore(tmp_path / "saved", other)
    assert names(other.root) == {"mine"}
    aside = Path(restore(tmp_path / "saved", other, replace=True).aside)
    assert (aside / "mine").read_text() == "kept" and other.database.is_file()
    assert not list(tmp_path.glob(".*"))


def test_a_changed_backup_is_told_and_leaves_no_data_directory(filled: Home, tmp_path: Path):
    back_up(filled, tmp_path / "saved", link=False)
    (tmp_path / "saved" / "bundles" / "mine" / "bundle.json").write_text("[]")
    with pytest.raises(StoreError, match=r"1 file of the backup '.*' changed .*'bundles/mine/bundle.json'; use"):
        verify(tmp_path / "saved")
    with pytest.raises(StoreError, match=r"is damaged \('bundles/mine/bundle.json'\); nothing was restored"):
        restore(tmp_path / "saved", Home(tmp_path / "other"))
    assert not (tmp_path / "other").exists() and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil"])
def test_a_backup_writes_nowhere_else(filled: Home, tmp_path: Path, name: str):
    back_up(filled, tmp_path / "saved")
    manifest = tmp_path / "saved" / MANIFEST
    told = json.loads(manifest.read_text())
    told["files"][name] = told["files"]["studio.db"]
    manifest.write_text(json.dumps(told))
    with pytest.raises(StoreError, match="is no backup"):
        restore(tmp_path / "saved", Home(tmp_path / "other"))


def test_what_is_no_backup_is_said_to_be_none(tmp_path: Path):
    with pytest.raises(StoreError, match=r"there is nothing to back up in '.*nowhere'"):
        back_up(Home(tmp_path / "nowhere"), tmp_path / "saved")
    for content in ("", "[]", "{", '{"format": 9}', '{"files": []}', "[" * 10**5):
        (tmp_path / MANIFEST).write_text(content)
        with pytest.raises(StoreError, match="is no backup"):
            restore(tmp_path, Home(tmp_path / "other"))
    assert not (tmp_path / "nowhere").exists() and not (tmp_path / "other").exists()


def test_where_a_disk_is_mounted_the_files_move_in_and_what_is_there_cannot_go_aside(
    filled: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    back_up(filled, tmp_path / "saved")
    mounted = Home(tmp_path / "mounted")
    mounted.root.mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == mounted.root)
    place = mounted.root.stat().st_ino
    restore(tmp_path / "saved", mounted)
    assert mounted.root.stat().st_ino == place and not list(mounted.root.glob(".*"))
    assert [one for one in health.examine(mounted) if not one.ok] == []
    with pytest.raises(StoreError, match="is where a disk is mounted, and cannot go aside; empty it first"):
        restore(tmp_path / "saved", mounted, replace=True)


LITTLE_ROOM = """
import resource, sys
from pathlib import Path
from ga2app.paths import Home
from ga2app.services.backups import back_up
resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, 64_000))
back_up(Home(Path(sys.argv[1])), Path(sys.argv[2]), link=False)
"""


def test_a_disk_that_fills_up_leaves_no_half_of_a_backup(filled: Home, tmp_path: Path):
    ran = subprocess.run(
        [sys.executable, "-c", LITTLE_ROOM, str(filled.root), str(tmp_path / "saved")], capture_output=True, text=True
    )
    assert ran.returncode == 1 and "StoreError" in ran.stderr.splitlines()[-1], ran.stderr
    assert not (tmp_path / "saved").exists() and not list(tmp_path.glob(".*"))


COPIES = """
import sys
from pathlib import Path
from ga2app.paths import Home
from ga2app.services.backups import back_up, restore
backs_up, source, target = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
back_up(Home(source), target, link=False) if backs_up else restore(source, Home(target), link=False)
"""


@pytest.mark.faults
def test_a_backup_or_a_restore_that_is_killed_leaves_all_or_nothing(filled: Home, tmp_path: Path):
    for number in range(200):
        file = filled.datasets / "import-1" / f"{number}.mp4"
        file.write_bytes(os.urandom(50_000))
    whole = tmp_path / "whole"
    kept = back_up(filled, whole, link=False).files
    ended = {"whole": 0, "absent": 0}
    for number in range(16):
        other = Home(tmp_path / f"{number} restored")
        target = tmp_path / f"{number} saved" if number % 2 else other.root
        told = [str(path) for path in ((filled.root, target) if number % 2 else (whole, other.root))]
        with subprocess.Popen([sys.executable, "-c", COPIES, str(number % 2), *told], cwd=PROJECT) as process:
            stage = target.with_name(f".{target.name}.new-{process.pid}")
            while process.poll() is None and not target.exists():
                if sum(len(files) for _, _, files in os.walk(stage)) > number * 14:
                    break
            process.kill()
        ended["whole" if target.exists() else "absent"] += 1
        if target.exists() and number % 2:
            assert len(verify(target)["files"]) == kept
        elif target.exists():
            assert [one for one in health.examine(other) if not one.ok] == [] and len(names(target)) >= kept
    assert min(ended.values()) > 0, ended
