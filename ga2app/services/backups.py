"""A copy of a data directory in use, and a data directory out of such a copy.

Checkpoints are taken first, the database second and everything else last: whatever the database names is there, and no
checkpoint is ahead of what the database knows of its run. What is deleted meanwhile is missing, and said to be.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sqlite3
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ga2app.errors import StoreError, counted, named
from ga2app.paths import Home, make_private, private_file, version
from ga2app.services.health import refuse_in_use
from ga2app.store import Store
from ga2app.store.database import explain
from ga2app.untrusted import parse_json, read_ordinary

MANIFEST = "backup.json"
FORMAT = 1
_DATABASE = "studio.db"
_PATIENCE_S = 60.0
_LINKED = ("media", "bundles")
"""Files that are never changed once they are there, only replaced, so that two folders may share them."""
_LEFT_OUT = (
    "frames",
    "gradio",
    "tmp",
    "worker*",
    "*.lock",
    f"{_DATABASE}*",
    "media/uploads",
    "media/frames",
    "media/exports",
)
"""What is made anew, belongs to a process, or is promised to go after some days: caches, locks, uploads of visitors."""


@dataclass(frozen=True)
class Backup:
    """A backup that is whole: ``linked`` of its ``files`` share their bytes with the data directory.

    ``gone`` are files that were deleted while it was made. ``outside`` is how many clips lie outside the data
    directory, and so are not in it.
    """

    folder: str
    files: int
    size_bytes: int
    linked: int
    gone: tuple[str, ...]
    outside: int


@dataclass(frozen=True)
class Restored:
    """A data directory out of a backup of the given time (seconds since the epoch) and version.

    ``requeued`` are runs that were under way. ``aside`` is where the former data directory lies now, empty for none.
    """

    folder: str
    files: int
    made_s: float
    version: str
    requeued: tuple[int, ...]
    aside: str = ""


def back_up(home: Home, destination: Path, *, link: bool = True) -> Backup:
    """Copy the data directory to ``destination``, a folder that is whole or not there; raises StoreError.

    Others may work in it meanwhile. On the same disk clips and bundles are hard links, unless ``link`` is false.
    """
    destination = Path(os.path.abspath(destination))
    if not home.database.is_file():
        raise StoreError(f"there is nothing to back up in '{home.root}'", hint="name the data directory with GA2_HOME")
    if destination.is_relative_to(home.root.resolve()):
        raise StoreError(f"'{destination}' lies in the data directory itself", hint="choose a folder outside of it")
    _refuse_filled(destination, "a backup goes into a folder that is new or empty; name another")
    taken: dict[str, dict[str, Any]] = {}
    gone: list[str] = []
    linked = 0

    def take(name: str) -> None:
        nonlocal linked
        try:
            share = link and (name.split("/")[0] in _LINKED or _is_checkpoint(name))
            linked += _place(home.root / name, stage / name, share)
            taken[name] = _facts(stage / name)
        except FileNotFoundError:
            gone.append(name)

    with _whole_folder(destination) as stage:
        for name in filter(_is_checkpoint, _files(home)):
            take(name)
        outside = _snapshot(home.database, stage / _DATABASE)
        taken[_DATABASE] = _facts(stage / _DATABASE)
        for name in _files(home):
            if not _is_checkpoint(name):
                take(name)
        told = {"format": FORMAT, "version": version(), "made_s": time.time(), "files": taken}
        (stage / MANIFEST).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    size_bytes = sum(facts["bytes"] for facts in taken.values())
    return Backup(str(destination), len(taken), size_bytes, linked, tuple(gone), outside)


def verify(source: Path) -> Mapping[str, Any]:
    """Read every file of a backup again; gives its manifest. Raises StoreError where one is not what it was."""
    told = _manifest(source)
    bad = [name for name, facts in told["files"].items() if _differs(source / name, facts)]
    if bad:
        raise StoreError(
            f"{counted(len(bad), 'file')} of the backup '{source}' changed since it was made, or cannot be read: "
            f"{named(sorted(bad), 5, quoted=True)}",
            hint="use another backup",
        )
    return told


def restore(source: Path, home: Home, *, replace: bool = False, link: bool = True) -> Restored:
    """Make the data directory ``home`` out of the backup ``source``, whole or not at all; raises StoreError.

    Every file is checked. A data directory that holds something stays, or with ``replace`` goes aside. Runs that were
    under way wait in the queue again, and go on from their checkpoints.
    """
    told, root = _manifest(source), Path(os.path.abspath(home.root))
    refuse_in_use(home)
    filled = root.is_dir() and any(root.iterdir())
    if filled and not replace:
        _refuse_filled(root, "a backup is restored into a new folder; with --replace what is there goes aside")
    aside = root.with_name(f"{root.name}.before-{time.strftime('%Y%m%d-%H%M%S')}") if filled else None
    if aside and os.path.ismount(root):
        raise StoreError(f"'{root}' is where a disk is mounted, and cannot go aside; empty it first")
    with _whole_folder(root, aside) as stage:
        bad = []
        for name, facts in told["files"].items():
            try:
                _place(source / name, stage / name, link and name.split("/")[0] in _LINKED)
            except FileNotFoundError:
                bad.append(name)
                continue
            if _differs(stage / name, facts):
                bad.append(name)
        if bad:
            listed = named(sorted(bad), 5, quoted=True)
            raise StoreError(f"the backup '{source}' is damaged ({listed}); nothing was restored: use another one")
        requeued = _settle(Home(stage))
    return Restored(
        str(root), len(told["files"]), told["made_s"], told["version"], requeued, str(aside) if aside else ""
    )


def _refuse_filled(folder: Path, hint: str) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise StoreError(f"'{folder}' is there already", hint=hint)


@contextlib.contextmanager
def _whole_folder(folder: Path, aside: Path | None = None) -> Iterator[Path]:
    """A folder to fill, which becomes ``folder`` if nothing goes wrong; what is there goes ``aside``.

    Where a disk is mounted its files move in one by one, the database last: without it there is no data directory.
    """
    mounted = os.path.ismount(folder)
    stage = (folder / f".new-{os.getpid()}") if mounted else folder.with_name(f".{folder.name}.new-{os.getpid()}")
    try:
        stage.mkdir(parents=True, mode=0o700)
        yield stage
        os.sync()  # complete or absent after a power cut, too
        if mounted:
            for entry in sorted(stage.iterdir(), key=lambda entry: entry.name in (_DATABASE, MANIFEST)):
                os.rename(entry, folder / entry.name)
            return
        if aside:
            os.rename(folder, aside)
        try:
            os.rename(stage, folder)
        except OSError:
            if aside:
                os.rename(aside, folder)
            raise
    except OSError as exc:
        raise StoreError(
            f"'{folder}' could not be made ({exc.strerror or exc})", hint="free some space there, or choose another"
        ) from exc
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _files(home: Home) -> Iterator[str]:
    """What belongs into a backup besides the database: names below the data directory, folders behind links too."""
    seen: set[str] = set()
    for folder, inner, names in os.walk(home.root, followlinks=True):
        place = PurePosixPath(os.path.relpath(folder, home.root))
        imported = len(place.parts) > 2 and place.parts[:2] == ("media", "datasets")
        real = os.path.realpath(folder)
        # Beginning with a dot: what is only being made. In an import it is a clip's own name.
        inner[:] = [] if real in seen else [name for name in inner if _belongs(place / name, imported)]
        seen.add(real)
        for name in sorted(names):
            file = Path(folder, name)
            if _belongs(place / name, imported) and (file.is_file() or file.is_symlink()):
                yield str(place / name)


def _belongs(name: PurePosixPath, imported: bool) -> bool:
    if name.name.startswith(".") and not imported:
        return False
    return not any(len(name.parts) == pattern.count("/") + 1 and name.match(pattern) for pattern in _LEFT_OUT)


def _is_checkpoint(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "runs" and len(parts) == 3 and parts[2].startswith("checkpoint")


def _place(source: Path, target: Path, share: bool) -> bool:
    """Put a regular file's content at ``target``, as a link if it may ``share`` it; gives whether it does.

    Raises FileNotFoundError if the file is gone, or is none.
    """
    real = os.path.realpath(source)
    if not stat.S_ISREG(os.stat(real).st_mode):
        raise FileNotFoundError(real)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if share:
        with contextlib.suppress(OSError):  # another disk, or one without links
            os.link(real, target)
            return True
    shutil.copy2(real, target)
    return False


def _facts(file: Path) -> dict[str, Any]:
    with file.open("rb") as stream:
        return {"bytes": file.stat().st_size, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


def _differs(file: Path, facts: Mapping[str, Any]) -> bool:
    try:
        return file.is_symlink() or _facts(file) != facts
    except OSError:
        return True


def _snapshot(database: Path, target: Path) -> int:
    """Copy the database as it is at one moment; gives how many clips it names outside. Raises StoreError."""
    until_s = time.monotonic() + _PATIENCE_S

    def wait(status: int, remaining: int, total: int) -> None:
        if time.monotonic() > until_s:
            raise StoreError(f"the database '{database}' was locked for {_PATIENCE_S:.0f} s; try again")

    private_file(target, 0o600)
    try:
        with contextlib.closing(sqlite3.connect(database)) as live, contextlib.closing(sqlite3.connect(target)) as copy:
            live.backup(copy, progress=wait)
            copy.execute("PRAGMA journal_mode=DELETE")
            if copy.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise StoreError(f"the database '{database}' is damaged", hint="run doctor --repair, then do it again")
            outside = "SELECT count(*) FROM {} WHERE substr(path, 1, 1) = '/'"
            return sum(copy.execute(outside.format(table)).fetchone()[0] for table in ("clips", "anchor_clips"))
    except sqlite3.Error as exc:
        raise StoreError(explain(exc, database)) from exc


def _manifest(source: Path) -> dict[str, Any]:
    """What the backup says of itself. Raises StoreError, also for names that lead out of the folder."""
    try:
        told = parse_json(read_ordinary(source / MANIFEST))
        names = [PurePosixPath(name) for name in told["files"]]
        sound = all(not name.is_absolute() and ".." not in name.parts and name.parts for name in names)
        if not (
            sound and _DATABASE in told["files"] and all(isinstance(facts, dict) for facts in told["files"].values())
        ):
            raise ValueError("its list of files is not that of a backup")
        if told["format"] != FORMAT:
            raise StoreError(f"the backup '{source}' was made by a newer version ({told['version']}); update the app")
        return {"made_s": float(told["made_s"]), "version": str(told["version"]), "files": told["files"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
        raise StoreError(f"'{source}' is no backup ({exc}); name a folder that backup has made") from exc


def _settle(home: Home) -> tuple[int, ...]:
    """Bring the schema up to date; nobody works on runs and imports of a copy. Gives the runs that wait again."""
    make_private(home)
    with Store.open(home) as store:
        store.imports.abandon_dead(lambda pid, started_s: False)
        return tuple(store.runs.release_all())
