"""One line of a split list, and which class the name of a clip gives away.

UCF-101 clips are called ``v_PlayingViolin_g01_c02.avi``, HMDB-51 clips ``…_brush_hair_u_nm_np1_ba_goo_0.avi``; others
lie in a folder named after their class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ga2app.datasets.import_report import Problem
from ga2app.labels import name_key
from ga2app.types import Subset

VIDEO_SUFFIXES = frozenset(
    ".mp4 .avi .mkv .mov .webm .m4v .wmv .flv .ts .mpg .mpeg .gif .3gp .h264 "
    ".mts .m2ts .vob .ogv .asf .mxf .dv .3g2 .avif .webp".split()
)
"""Endings of files that may be clips, in lower case; which are, opening them shows."""

_UCF = re.compile(r"v_(\w+?)_g\d+_c\d+")
_HMDB = re.compile(r"(.+)_[fhlu]_[cn]m_np\d+_(?:ba|fr|le|ri)_(?:bad|med|goo)_\d+")
_LONGEST_HMDB_NAME = 3
"""Words in the longest class name of HMDB-51, and one to spare."""


@dataclass(frozen=True)
class Entry:
    """A clip as a list names it: with its class's number or name, or, in a list of anchors, with neither."""

    file: Path
    line: int
    path: str
    subset: Subset
    label: int | None = None
    name: str | None = None

    def problem(self, reason: str, advice: str) -> Problem:
        """What is wrong with this line."""
        return Problem(str(self.file), self.line, self.path, reason, advice)


def split_suffix(name: str) -> tuple[str, str]:
    """A file's name without its suffix, and the suffix: only those of videos count as one."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem and (dot + suffix).lower() in VIDEO_SUFFIXES else (name, "")


def file_name(path: str) -> str:
    """The last part of a path with slashes."""
    return path.rpartition("/")[2]


def folder_name(path: str) -> str:
    """The part before the last one; empty where there is none."""
    return path.rpartition("/")[0].rpartition("/")[2]


def class_in_path(path: str) -> str | None:
    """The class that a UCF-101 name or the clip's folder gives; None for a path that has neither."""
    match = _UCF.fullmatch(split_suffix(file_name(path))[0])
    return folder_name(path) or (match.group(1) if match else None)


def known_class(path: str, keys: Mapping[str, str]) -> str | None:
    """Which class of ``keys`` (``name_key`` to name) the clip's own name gives, or else its folder's."""
    stem = split_suffix(file_name(path))[0]
    if match := _UCF.fullmatch(stem):
        return keys.get(name_key(match.group(1)))
    if match := _HMDB.fullmatch(stem):
        words = match.group(1).split("_")
        for count in range(_LONGEST_HMDB_NAME, 0, -1):
            if name := keys.get(name_key("".join(words[-count:]))):
                return name
    return keys.get(name_key(folder_name(path)))
