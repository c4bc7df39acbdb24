"""Clips that people upload, kept by content in the home's media folder."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.data_classes import FileData, ListFiles

from ga2app.errors import ClipError
from ga2app.paths import Home
from ga2app.paths import safe_name as safe_name

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


def with_names(files: gr.File) -> gr.File:
    """``files``, a list of files, so that what it hands out and takes back keeps the names from before the upload."""
    draw = files.postprocess

    def read(payload: ListFiles | FileData | None) -> list[str] | None:
        if payload is None:
            return None
        several = payload.root if isinstance(payload, ListFiles) else [payload]
        return [Upload(file.path, file.orig_name or Path(file.path).name) for file in several]

    def drawn(value: list[str] | None) -> ListFiles | FileData | None:
        shown = draw(value)
        if value is not None and isinstance(shown, ListFiles):
            for file, data in zip(value, shown.root, strict=True):
                data.orig_name = given_name(file)
        return shown

    made: Any = files
    made.preprocess, made.postprocess = read, drawn
    return files


def uploads_folder(home: Home) -> Path:
    """Where uploads lie, each in a folder named by its content."""
    return home.media / "uploads"


def keep_upload(home: Home, path: str | Path) -> Path:
    """The store's own copy of an uploaded file; the same file is kept once.

    Raises ClipError if the upload is gone or cannot be copied.
    """
    source = Path(path)
    name = safe_name(source.name)
    try:
        with source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        folder = uploads_folder(home) / digest[:32]
        kept = folder / name
        if kept.exists() and kept.stat().st_size == source.stat().st_size:
            os.utime(folder)
            return kept
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".", delete=False) as stream:
            partial = Path(stream.name)
        try:
            shutil.copyfile(source, partial)
            partial.replace(kept)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as exc:
        raise ClipError(name, f"the upload could not be kept ({exc.strerror or exc})", "upload it again") from exc
    return kept


def prune_uploads(home: Home, *, keep_s: float = KEEP_S, now_s: float | None = None) -> int:
    """Drop uploads that were not used for ``keep_s`` seconds; gives their number."""
    now = time.time() if now_s is None else now_s
    folder = uploads_folder(home)
    if not folder.is_dir():
        return 0
    dropped = 0
    for entry in folder.iterdir():
        if entry.is_dir() and now - entry.stat().st_mtime > keep_s:
            shutil.rmtree(entry, ignore_errors=True)
            dropped += 1
    return dropped
