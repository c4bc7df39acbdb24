"""Which clips a bundle was trained on, told by content: a data set may be split anew, its clips moved or renamed."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterable, Sequence

from ga2app.datasets.content_digest import content_digest
from ga2app.errors import ClipError
from ga2app.types import Dataset

_DIGEST = 16


def clips_identity(dataset: Dataset) -> str:
    """Hash of the labels of a data set and of its clips, by name, size, label and split, wherever they lie."""
    rows = sorted(
        (os.path.basename(clip.path), _size(clip.path), clip.label, str(clip.subset)) for clip in dataset.clips
    )
    whole = [list(dataset.base), list(dataset.novel), rows]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]


def clip_marks(paths: Iterable[str]) -> tuple[str, ...]:
    """A mark for each different content among the clips ``paths``: size in bytes and part of the digest.

    A clip that cannot be read has none.
    """
    marks = set()
    for path in paths:
        try:
            marks.add(f"{_size(path)}-{content_digest(path)[:_DIGEST]}")
        except ClipError:
            continue
    return tuple(sorted(marks))


def among(paths: Sequence[str], marks: Collection[str]) -> set[str]:
    """Those of ``paths`` whose content has one of ``marks``. Only files of a size that occurs there are read."""
    known = set(marks)
    sizes = {mark.partition("-")[0] for mark in known}
    return {path for path in set(paths) if str(_size(path)) in sizes and known.intersection(clip_marks([path]))}


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return -1
