"""Clips that people upload, kept by content in the home's media folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from ga2app.errors import ClipError
from ga2app.paths import Home, drop_older, safe_name, whole_file
from ga2app.untrusted import open_ordinary

KEEP_S = 7 * 24 * 3600
"""An upload that was not used for a week is dropped."""


class Upload(str):
    """The path of an uploaded file, and the name that it had before: Gradio drops some signs of a name."""

    given: str

    def __new__(cls, path: str, given: str) -> Upload:
        made = super().__new__(cls, path)
        made.given = given
        return made


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


def keep_upload(home: Home, path: str | Path) -> Path:
    """The store's own copy of an uploaded file; the same file is kept once.

    Raises ClipError if the upload is gone or cannot be copied.
    """
    source = Path(path)
    name = safe_name(source.name)
    try:
        with open_ordinary(source) as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        folder = uploads_folder(home) / digest[:32]
        kept = folder / name
        if kept.exists() and kept.stat().st_size == source.stat().st_size:
            os.utime(folder)
            return kept
        with whole_file(kept) as fresh:
            shutil.copyfile(source, fresh)
    except OSError as exc:
        raise ClipError(name, f"the upload could not be kept ({exc.strerror or exc})", "upload it again") from exc
    return kept


def prune_uploads(home: Home, *, keep_s: float = KEEP_S, now_s: float | None = None) -> int:
    """Drop uploads, and pictures of them, that were not used for ``keep_s`` seconds; gives the number of folders."""
    kept = (entry for folder in (uploads_folder(home), pictures_folder(home)) for entry in folder.glob("*"))
    return drop_older(kept, keep_s, now_s)
