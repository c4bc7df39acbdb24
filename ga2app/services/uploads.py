"""What people bring and take along: uploads, each kept once, and files to download; both within a quota.

The web server receives uploads in a folder of the data directory. What is kept of one is another name for the same
file (a hard link), so that it is on the disk once.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

from ga2app.datasets.clip_files import content_digest
from ga2app.disk import by_age, drop_older
from ga2app.environment import received_folder, upload_quota
from ga2app.errors import ClipError, StoreError
from ga2app.paths import Home, safe_name, whole_file
from ga2app.stretches import shown_address, split_address
from ga2app.untrusted import open_ordinary

KEEP_S = 7 * 24 * 3600
"""An upload that was not used for a week is dropped."""
EXPORTS_KEEP_S = 24 * 3600
"""An export can be downloaded for a day, and what was received but never used goes after a day."""
_FRESH_S = 600
"""What was touched within ten minutes stays: its page may be about to use it."""


class Upload(str):
    """The path of an uploaded file, and the name that it had before: Gradio drops some signs of a name."""

    given: str

    def __new__(cls, path: str, given: str) -> Upload:
        made = super().__new__(cls, path)
        made.given = given
        return in_use(made)


class Kept(str):
    """The path of a kept upload; while anything refers to this object, the file stays."""


_in_use: WeakValueDictionary[int, str] = WeakValueDictionary()
_coming: Counter[Path] = Counter()
_lock = threading.Lock()


_Path = TypeVar("_Path", Upload, Kept)


def in_use(path: _Path) -> _Path:
    """``path``, whose file is not dropped to make room as long as this very object is referred to."""
    _in_use[id(path)] = path
    return path


def given_name(path: str | Path) -> str:
    """The name of a file where it was uploaded from, else its own."""
    return getattr(path, "given", "") or Path(path).name


def base_name(name: str) -> str:
    """The last part of a path of any system."""
    return name.replace("\\", "/").rstrip("/").rpartition("/")[2] or name


def uploads_folder(home: Home) -> Path:
    """Where uploads lie, each in a folder named by its content."""
    return home.media / "uploads"


def pictures_folder(home: Home) -> Path:
    """Where the pictures of answers lie, each answer's in a folder with a name that nobody can guess."""
    return home.media / "frames"


def is_received(path: str | Path) -> bool:
    """Whether a file is an upload that the web server has received."""
    return Path(path).resolve().is_relative_to(received_folder().resolve())


def take_over(source: Path, target: Path) -> Path:
    """Give ``target`` what is in ``source``: an upload gets a second name, any other file is copied. Raises OSError."""
    if is_received(source):
        with suppress(OSError):  # on another disk, or on one without hard links
            os.link(source, target)
            return target
    return Path(shutil.copyfile(source, target))


def copy_into(home: Path, path: str) -> Path:
    """A copy of the file in a new folder in ``home``. Raises ClipError, also for a stretch of a video."""
    if split_address(path)[1]:
        reason = "it is a stretch of a video, and only whole files are copied here"
        raise ClipError(shown_address(path), reason, "list it as an anchor of its data set, with start and end")
    source = Path(path)
    name = safe_name(source.name)
    folder: Path | None = None
    try:
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home, prefix="clip-"))
        return take_over(source, folder / name)
    except OSError as exc:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        raise ClipError(name, f"it could not be copied ({exc.strerror or exc})", "check the file and the disk") from exc


def keep_upload(home: Home, path: str | Path) -> Path:
    """The store's own name for an uploaded file; the same file is kept once.

    Raises ClipError if the upload is gone or cannot be copied, or there is no room for it.
    """
    source = Path(path)
    name = safe_name(source.name)
    try:
        with open_ordinary(source) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        folder = uploads_folder(home) / digest[:32]
        kept, size = folder / name, source.stat().st_size
        if kept.exists() and kept.stat().st_size == size:
            os.utime(folder)
            return kept
        if not is_received(source):
            make_room(home, size)
        with whole_file(kept) as fresh:
            take_over(source, fresh)
        os.utime(folder)
    except StoreError as exc:
        raise ClipError(name, str(exc), "then upload it again") from exc
    except OSError as exc:
        raise ClipError(name, f"the upload could not be kept ({exc.strerror or exc})", "upload it again") from exc
    return kept


def recognized_folder(home: Home) -> Path:
    """Where clips that were recognized and joined a data set, or wait for that, lie, in folders named by content."""
    return home.datasets / "recognized"


def keep_for_good(home: Home, address: str) -> str:
    """The address of the clip in a folder of the store, where uploads that are dropped leave it. Raises ClipError."""
    file, stretch = split_address(address)
    kept = recognized_folder(home) / content_digest(file)[:32] / safe_name(Path(file).name)
    try:
        if not kept.exists():
            with whole_file(kept) as fresh:
                take_over(Path(file), fresh)
    except OSError as exc:
        raise ClipError(kept.name, f"it could not be kept ({exc.strerror or exc})", "free some disk space") from exc
    return f"{kept}{stretch.fragment if stretch else ''}"


def drop_received(path: str | Path) -> None:
    """Delete an upload that was used for good; any other file stays."""
    if is_received(path):
        Path(path).unlink(missing_ok=True)


def export_folder(home: Home, of: str, needed_bytes: int = 0) -> Path:
    """A new folder for files that are downloaded, of a data set, runs or a bundle: ``data-3``, ``runs-7.8``.

    Raises StoreError where there is no room for it.
    """
    make_room(home, needed_bytes)
    folder = home.exports / f"{of}-{secrets.token_hex(16)}"
    try:
        folder.mkdir(parents=True)
    except OSError as exc:
        raise StoreError(f"'{home.exports}' cannot be written ({exc.strerror or exc}); make room on the disk") from exc
    return folder


@contextmanager
def room_for(home: Home, size_bytes: int) -> Iterator[None]:
    """Room for an upload that is coming in, as long as the block lasts; raises StoreError where there is none."""
    with _lock:
        _coming[home.root] += size_bytes
    try:
        make_room(home)
        yield
    finally:
        with _lock:
            _coming[home.root] -= size_bytes


def make_room(home: Home, needed_bytes: int = 0) -> None:
    """Drop uploads and exports that nothing refers to, those used longest ago first, until the quota holds.

    Raises StoreError where it does not hold with ``needed_bytes`` more and what is coming in.
    """
    quota, now_s = upload_quota(), time.time()
    units: list[tuple[float, Path, list[tuple[int, int]]]] = []
    for unit in _units(home):
        with suppress(FileNotFoundError):  # what goes meanwhile takes no room
            inside = [file.stat() for file in (unit.rglob("*") if unit.is_dir() else [unit]) if file.is_file()]
            last_s = max([unit.stat().st_mtime, *(file.st_ctime for file in inside)])
            units.append((last_s, unit, [(file.st_ino, file.st_size) for file in inside]))
    names = Counter(number for *_, files in units for number, _ in files)
    total = sum({number: size for *_, files in units for number, size in files}.values())
    wanted = needed_bytes + _coming[home.root]
    referred = {Path(path).parent for path in list(_in_use.values())}
    for last_s, unit, files in sorted(units):
        if total + wanted <= quota:
            return
        if unit in referred or now_s - last_s < _FRESH_S:
            continue
        shutil.rmtree(unit, ignore_errors=True) if unit.is_dir() else unit.unlink(missing_ok=True)
        for number, size in files:
            names[number] -= 1
            total -= 0 if names[number] else size
    if total + wanted > quota:
        giga = f"{wanted / 2**30:.1f} GB more do" if wanted else "they do"
        raise StoreError(
            f"uploads and exports may take {quota / 2**30:g} GB here, {total / 2**30:.1f} GB are taken, and {giga} "
            "not fit; try again later, or let whoever runs the studio raise GA2_UPLOADS_GB"
        )


def prune_uploads(home: Home, *, keep_s: float = KEEP_S, pictures_s: float = KEEP_S, now_s: float | None = None) -> int:
    """Drop uploads that were not used for ``keep_s`` seconds, and pictures of answers older than ``pictures_s``.

    Exports, proposed clips, and uploads that were never used or came in half, go after a day. Gives the number of
    folders.
    """
    dropped = drop_older(uploads_folder(home).glob("*"), keep_s, now_s)
    dropped += drop_older(pictures_folder(home).glob("*"), pictures_s, now_s)
    short = [unit for unit in _units(home) if unit.parent != uploads_folder(home)]
    for changed_s, half in by_age(unit for unit in short if unit.is_file()):
        if (now_s or time.time()) - changed_s > EXPORTS_KEEP_S:
            half.unlink(missing_ok=True)
    short += (home.media / "anchors" / "made").glob("*")
    return dropped + drop_older(short, EXPORTS_KEEP_S, now_s)


def _units(home: Home) -> Iterator[Path]:
    """What is dropped as a whole. A folder for uploads that other programs may share is left alone."""
    received = received_folder()
    own = [received] if received.resolve().is_relative_to(home.root.resolve()) else []
    for folder in (uploads_folder(home), home.exports, *own):
        yield from folder.glob("*")
