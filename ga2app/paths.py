"""Where things lie: what the project ships, and the home folder of what a user makes.

``GA2_HOME`` names the home folder. Without it a checkout keeps its live data in ``prompts_db/live``, and an
installed package in ``~/.ga2-studio``.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import logging
import os
import re
import stat
import struct
import uuid
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any

from ga2app.disk import why_unwritten
from ga2app.errors import StoreError
from ga2app.stretches import split_address
from ga2app.untrusted import open_ordinary, ordinary_status

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that the package lies in: of the checkout, or of installed packages."""

_TAKEN_ALONG = Path(__file__).resolve().parent / "shipped"
INSTALLED = _TAKEN_ALONG.is_dir()
"""Whether this is an installed package, which holds within it what a checkout has beside it."""

SHIPPED = _TAKEN_ALONG if INSTALLED else PROJECT
APP = SHIPPED / "app.py"
ASSETS = SHIPPED / "assets"
SEEDS = SHIPPED / "prompts_db"
SKETCH_CLIP = ASSETS / "sketch-clip"
SKETCH_HARD_PROMPT = ASSETS / "sketch-hard-prompt"
_MOST_NAME_BYTES, _END_BYTES = 120, 96 * 1024
_OTHERS, _GROUP = 0o007, 0o070
_OURS = ("studio.db*", "media", "runs", "bundles", "frames")
_BESIDE = ("worker*", "gradio", "tmp", "*.lock", "*.json", ".*")
"""What the app makes in its data directory: what holds the data of people, and what lies beside it."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Home:
    """The folders of one user's live data. Nothing is created by asking for a path."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "studio.db"

    @property
    def media(self) -> Path:
        """Clips that were imported, uploaded or drawn."""
        return self.root / "media"

    @property
    def examples(self) -> Path:
        """The drawn clips that the first screen offers."""
        return self.media / "examples"

    @property
    def thumbs(self) -> Path:
        """Small pictures of clips, ``<digest>.jpg``."""
        return self.media / "thumbs"

    @property
    def previews(self) -> Path:
        """Small copies of clips that any browser plays, ``<digest>.mp4``."""
        return self.media / "previews"

    @property
    def exports(self) -> Path:
        """What was made to be downloaded, each in a folder of its own."""
        return self.media / "exports"

    @property
    def datasets(self) -> Path:
        """Clips that came as a zip, one folder an import."""
        return self.media / "datasets"

    @property
    def runs(self) -> Path:
        """One folder a run: log, checkpoint."""
        return self.root / "runs"

    @property
    def frames(self) -> Path:
        """Decoded frames that training reads again and again; may be deleted at any time."""
        return self.root / "frames"

    @property
    def bundles(self) -> Path:
        """Prompt bundles trained or imported here."""
        return self.root / "bundles"

    def run_folder(self, run_id: int) -> Path:
        return self.runs / f"{run_id:06d}"

    def checkpoint(self, run_id: int) -> Path:
        """Where a run that is not done is saved."""
        return self.run_folder(run_id) / "checkpoint.safetensors"


def make_private(home: Home) -> int:
    """Make the data directory, readable for its owner alone, and take from one that is there what lets others in.

    A folder that everybody may read is one whose maker did not choose: it loses the others and the group. One that is a
    team's (setgid, or open to a group and to nobody else) loses the others alone. A directory that holds things of
    others is left as it is, and only what is ours in it is closed. Gives the rights that a new database is to have.
    Raises OSError if the directory cannot be made.
    """
    if not home.root.is_dir():
        home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    rights = home.root.stat().st_mode
    team = bool(rights & stat.S_ISGID) or bool(rights & _GROUP and not rights & _OTHERS)
    lost = _OTHERS if team else _OTHERS | _GROUP
    entries = list(home.root.iterdir())
    ours = [entry for entry in entries if any(map(entry.match, _OURS))]
    if all(any(map(entry.match, _OURS + _BESIDE)) for entry in entries):
        ours = [home.root, *(entry for entry in ours if entry.is_file())]
    exposed = [entry for entry in ours if _close(entry, lost)]
    if exposed and rights & _OTHERS:
        _log.info("others could read %s; now only its owner can", ", ".join(map(str, exposed)))
    return 0o660 if team and rights & stat.S_IWGRP else 0o600


def private_file(file: Path, rights: int) -> None:
    """Make an empty file with ``rights``; one that is there, or cannot be made, is left to whoever opens it."""
    with contextlib.suppress(OSError):
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, rights))


def _close(path: Path, lost: int) -> bool:
    """Whether others could read ``path``, which loses its rights. What belongs to another account is left alone."""
    try:
        state = path.lstat()
        if stat.S_ISLNK(state.st_mode) or state.st_uid != os.geteuid() or not state.st_mode & _OTHERS:
            return False
        path.chmod(stat.S_IMODE(state.st_mode) & ~lost)
    except OSError as exc:
        _log.info("the rights of %s stay as they are (%s)", path, exc.strerror or exc)
        return False
    return True


def default_home() -> Home:
    """The home named by ``GA2_HOME``, else the checkout's live folder, else ``~/.ga2-studio``. Raises StoreError."""
    named = os.environ.get("GA2_HOME")
    if named:
        return Home(Path(named).expanduser().resolve())
    if not INSTALLED:
        return Home(SEEDS / "live")
    try:
        return Home(Path.home() / ".ga2-studio")
    except RuntimeError as exc:
        raise StoreError("this account has no home folder; set GA2_HOME to a folder that you may write to") from exc


def version() -> str:
    """The version of this package: of the installed one, of a Space's folder, else what pyproject.toml says."""
    try:
        return importlib.metadata.version("ga2app")
    except importlib.metadata.PackageNotFoundError:
        import tomllib

        if (shipped := Path(__file__).with_name("VERSION")).is_file():
            return shipped.read_text(encoding="utf-8").strip()

        return str(tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


@contextmanager
def whole_file(file: Path) -> Iterator[Path]:
    """A place to write to, which becomes ``file`` if nothing goes wrong; its folder is made if need be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{uuid.uuid4().hex}-{file.name}")
    try:
        yield fresh
        os.replace(fresh, file)
    finally:
        fresh.unlink(missing_ok=True)


def file_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of a file's content, of a stretch's with its fragment; raises OSError if it cannot be read as a file.

    A file that this process has read and that has kept its size and its time is not read again.
    """
    file, stretch = split_address(path)
    whole = _digest(os.path.abspath(file), (state := ordinary_status(file)).st_size, state.st_mtime_ns)
    return hashlib.sha256((whole + stretch.fragment).encode()).hexdigest() if stretch else whole


@lru_cache(maxsize=200_000)
def _digest(path: str, size_bytes: int, changed_ns: int) -> str:
    with open_ordinary(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_whole(file: Path, text: str) -> None:
    """Write ``text`` to ``file`` whole or not at all, its folder made if need be; raises StoreError."""
    try:
        with whole_file(file) as fresh:
            fresh.write_text(text + "\n", encoding="utf-8")
    except OSError as exc:
        why = why_unwritten(exc, file.parent, len(text.encode()))
        raise StoreError(f"'{file}' could not be written ({why}); free some space or choose another --out") from exc


def job_beside(checkpoint: Path) -> Path:
    """Where is written down which job trains the run of that checkpoint on another machine."""
    return checkpoint.with_name(checkpoint.name + ".job.json")


def last_lines(path: Path, count: int = 20) -> list[str]:
    """The last ``count`` lines of a log, of which only the end is read; none if there is no file.

    A log turns over: what came before its first line is in ``<name>.1``.
    """
    lines = _end_of(path, count)
    return lines if len(lines) >= count else [*_end_of(path.with_name(f"{path.name}.1"), count), *lines][-count:]


def _end_of(path: Path, count: int) -> list[str]:
    try:
        with open_ordinary(path) as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _END_BYTES))
            lines = stream.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return lines[1 if size > _END_BYTES else 0 :][-count:]


def safe_name(name: str) -> str:
    """A file name without path separators, control characters or a leading dot, of a length any disk takes."""
    cleaned = re.sub(r"[\x00-\x1f/\\:\ud800-\udfff]", "_", name).lstrip(".") or "clip"
    stem, dot, suffix = cleaned.rpartition(".")
    if len(cleaned.encode()) <= _MOST_NAME_BYTES:
        return cleaned
    tail = f"{dot}{suffix}" if stem and len(suffix) <= 8 else ""
    head = (stem if tail else cleaned).encode()[: _MOST_NAME_BYTES - len(tail.encode())]
    return head.decode(errors="ignore") + tail


def is_folder(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry of a zip is a folder; one without a name, which ``is_dir`` does not bear, is none."""
    return entry.filename.endswith("/")


class LongListing(zipfile.BadZipFile):
    """A zip that lists more files than it may."""


@contextmanager
def open_zip(path: str | os.PathLike[str], *, most_files: int, most_bytes: int) -> Iterator[zipfile.ZipFile]:
    """The zip file, to be read; raises LongListing before its list of files is taken apart, and BadZipFile, OSError.

    ``zipfile`` makes an object of each file that is listed: of 1,000,000 that is 416 MB, before any can be counted.
    """
    with open_ordinary(path) as stream:
        bounded = _BoundedListing(stream, most_files, most_bytes)
        with zipfile.ZipFile(bounded) as opened:
            bounded.most_bytes = -1
            yield opened


class _BoundedListing:
    """A zip file whose list of files is counted as it is read, in the one piece in which ``zipfile`` reads it."""

    def __init__(self, stream: IO[bytes], most_files: int, most_bytes: int) -> None:
        self._stream, self._most_files, self.most_bytes = stream, most_files, most_bytes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def read(self, size: int = -1) -> bytes:
        if self.most_bytes < 0:
            return self._stream.read(size)
        if size > self.most_bytes:
            raise LongListing(f"its list of files has {size:,} bytes")
        data, place, count = self._stream.read(size), 0, 0
        while data.startswith(b"PK\x01\x02", place) and place + 46 <= len(data):
            place += 46 + sum(struct.unpack_from("<3H", data, place + 28))
            count += 1
        if count > self._most_files:
            raise LongListing(f"it lists {count:,} files")
        return data
