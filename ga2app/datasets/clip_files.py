"""Files of clips: where those of a list lie on this disk, and what a file holds, whatever it is called.

Lists were written for somebody else's folders: the class folder may be there or not, a folder of volumes may have come
between, and a .webm may have become an .mp4. A clip is looked for as the list says, then by its name anywhere below the
root, and taken from there only when it cannot be another one.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ga2app.datasets.clip_names import VIDEO_SUFFIXES, file_name, folder_name, split_suffix
from ga2app.errors import ClipError, named
from ga2app.labels import name_key
from ga2app.paths import file_digest
from ga2app.stretches import file_of
from ga2app.types import Dataset
from ga2app.untrusted import ordinary_status


def content_digest(path: str | os.PathLike[str]) -> str:
    """SHA-256 of the file's content, in hexadecimal. Raises ClipError if it cannot be read.

    A file that this process has read and that has kept its size and its time is not read again.
    """
    try:
        return file_digest(path)
    except OSError as exc:
        name = os.path.basename(os.fspath(path))
        raise ClipError(name, f"the file cannot be read ({exc.strerror or exc})", "check that it is there") from exc


_YOUTUBE_SEGMENT = re.compile(r"(.{11})_\d{6}_\d{6}")


@dataclass(frozen=True)
class Search:
    """What came of looking for a clip: its ``path``, or the ``reason`` why not, and ``advice``.

    ``moved`` says that it lies elsewhere than the list says.
    """

    path: str | None
    moved: bool = False
    reason: str = ""
    advice: str = ""


class ClipFinder:
    """Finds the clips of lists below ``root``.

    ``listed_paths`` are all paths of the lists: a name that stands for two of them is not looked for by name.
    ``class_keys`` (``name_key``) tell folders of classes from other folders. The tree is read once, when it is needed.
    """

    def __init__(self, root: Path, listed_paths: Iterable[str], class_keys: Collection[str] = ()) -> None:
        self.root = root
        self._class_keys = class_keys
        self._owners = Counter(_stem(path) for path in {_posix(path) for path in listed_paths})
        self._by_stem: dict[str, list[str]] | None = None
        self._by_youtube_id: dict[str, list[str]] = {}

    def find(self, path: str) -> Search:
        """The file that ``path`` stands for."""
        wanted = _posix(path)
        direct = os.path.normpath(os.path.join(self.root, wanted))
        if os.path.isfile(direct):
            return check_file(direct)
        candidates = self._candidates(wanted)
        chosen = self._choose(wanted, candidates)
        if chosen is not None:
            return replace(check_file(chosen), moved=True)
        places = [os.path.relpath(candidate, self.root) for candidate in candidates]
        if len(places) > 1:
            reason = f"could be any of {named(places, 3)}"
            return Search(None, reason=reason, advice="write the path below --root into the list")
        if places:
            reason = f"is not there; a clip of that name, which may be another one, is {places[0]}"
            return Search(None, reason=reason, advice="write the path below --root into the list")
        if os.path.isdir(direct):
            advice = "clips are needed as video files: let --root be the folder of the videos"
            return Search(None, reason="is a folder, probably of frames", advice=advice)
        return Search(None, reason=f"is not below '{self.root}'", advice="put it there, or leave it out")

    def _choose(self, wanted: str, candidates: list[str]) -> str | None:
        """The candidate that is certainly the clip meant."""
        exact = [path for path in candidates if path.casefold().endswith("/" + wanted.casefold())]
        if len(exact) == 1:
            return exact[0]
        folder = name_key(folder_name(wanted))
        is_class = folder in self._class_keys
        same = [path for path in candidates if is_class and name_key(folder_name(path)) == folder]
        if len(same) == 1:
            return same[0]
        if len(candidates) != 1 or self._owners[_stem(wanted)] != 1:
            return None
        elsewhere = is_class and name_key(folder_name(candidates[0])) in self._class_keys
        return None if elsewhere else candidates[0]

    def _candidates(self, wanted: str) -> list[str]:
        if self._by_stem is None:
            self._read_tree()
        assert self._by_stem is not None
        stem = _stem(wanted)
        segment = _YOUTUBE_SEGMENT.fullmatch(stem)
        same_stem = self._by_stem.get(stem) or (segment and self._by_stem.get(segment.group(1)))
        found = same_stem or self._by_youtube_id.get(stem) or []
        name = file_name(wanted).casefold()
        same_name = [path for path in found if file_name(path).casefold() == name]
        return same_name or found

    def _read_tree(self) -> None:
        self._by_stem = {}
        if os.path.dirname(top := os.path.abspath(self.root)) == top:
            return  # all files of the machine are no place to look for one by its name
        seen = set()
        # Links are followed, since class folders are often links; each folder is entered once.
        for folder, folders, names in os.walk(self.root, followlinks=True):
            real = os.path.realpath(folder)
            if real in seen:
                folders.clear()
                continue
            seen.add(real)
            folders.sort()
            for name in sorted(names):
                stem, suffix = split_suffix(name)
                if suffix.lower() in VIDEO_SUFFIXES:
                    path = f"{Path(folder).as_posix()}/{name}"
                    self._by_stem.setdefault(stem.casefold(), []).append(path)
                    if segment := _YOUTUBE_SEGMENT.fullmatch(stem.casefold()):
                        self._by_youtube_id.setdefault(segment.group(1), []).append(path)


def check_file(path: str) -> Search:
    """Whether the file at ``path`` can be a clip at all: there, not empty, readable. Decoding is not tried."""
    advice = "get a fresh copy, or leave it out"
    try:
        found = ordinary_status(file := file_of(path))
    except IsADirectoryError:
        return Search(None, reason="is no file", advice="name a video file")
    except OSError as exc:
        return Search(None, reason=f"cannot be opened ({exc.strerror})", advice="put it there, or leave it out")
    if not found.st_size:
        return Search(None, reason="is empty (0 bytes)", advice=advice)
    if not os.access(file, os.R_OK):
        return Search(None, reason="may not be read", advice="change its permissions, or leave it out")
    return Search(path)


def _posix(path: str) -> str:
    return path.replace("\\", "/")


def _stem(path: str) -> str:
    return split_suffix(file_name(_posix(path)))[0].casefold()


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
        return os.stat(file_of(path)).st_size
    except OSError:
        return -1
