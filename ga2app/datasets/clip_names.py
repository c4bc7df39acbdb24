"""What names of files and folders tell: video or not, class, recording, part of the data set.

UCF-101 clips are called ``v_PlayingViolin_g01_c02.avi``, HMDB-51 clips ``…_brush_hair_u_nm_np1_ba_goo_0.avi``, those of
Kinetics ``pmLYzJmKxf8_000010_000020.mp4``; others lie in a folder named after their class.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from ga2app.datasets.import_report import Problem
from ga2app.labels import name_key
from ga2app.stretches import split_address
from ga2app.types import Subset

VIDEO_SUFFIXES = frozenset(
    ".mp4 .avi .mkv .mov .webm .m4v .wmv .flv .ts .mpg .mpeg .gif .3gp .h264 "
    ".mts .m2ts .vob .ogv .asf .mxf .dv .3g2 .avif .webp".split()
)
"""Endings of files that may be clips, in lower case; which are, opening them shows."""

_UCF = re.compile(r"v_(\w+?)_g(\d+)_c\d+")
_HMDB = re.compile(r"(.+)_[fhlu]_[cn]m_np\d+_(?:ba|fr|le|ri)_(?:bad|med|goo)_\d+")
_SEGMENT = re.compile(r"(.{11})_\d{6}_\d{6}")
_LONGEST_HMDB_NAME = 3
"""Words in the longest class name of HMDB-51, and one to spare."""


@dataclass(frozen=True)
class Entry:
    """A clip as a list names it: with its class's number or name, or, in a list of anchors, with neither.

    ``fragment`` is that of a stretch of the file at ``path``, #t=12,15.5; empty for the whole file.
    """

    file: Path
    line: int
    path: str
    subset: Subset
    label: int | None = None
    name: str | None = None
    fragment: str = ""

    def problem(self, reason: str, advice: str) -> Problem:
        """What is wrong with this line."""
        return Problem(str(self.file), self.line, self.path + self.fragment, reason, advice)


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


def recording_of(path: str, label: str) -> str | None:
    """The recording of the clip at ``path``; None where its name does not tell.

    * UCF-101, ``v_PlayingViolin_g01_c02.avi``: group 01 of that class.
    * HMDB-51, ``Faith_Rewarded_swing_baseball_f_nm_np1_fr_med_15.avi``: what stands before the class's name.
    * Kinetics, ``pmLYzJmKxf8_000010_000020.mp4``: the id of the video at YouTube.
    * A stretch of a video of any other name: that file.
    """
    if "_" not in path and "#t=" not in path:
        return None
    file, stretch = split_address(path)
    stem = split_suffix(file_name(file.replace("\\", "/")))[0]
    if "_" not in stem:
        return f"file {os.path.normpath(file)}" if stretch else None
    if stem[:2] == "v_" and (match := _UCF.fullmatch(stem)):
        return f"{match[1]} group {int(match[2])}"
    if "_np" in stem and (match := _HMDB.fullmatch(stem)):
        words = match[1].split("_")
        ends = (at for at in range(1, len(words)) if name_key("".join(words[at:])) == name_key(label))
        return f"film {'_'.join(words[: next(ends, len(words))])}"
    if len(stem) == 25 and (match := _SEGMENT.fullmatch(stem)):
        return f"video {match[1]}"
    return f"file {os.path.normpath(file)}" if stretch else None


class Part(StrEnum):
    """The parts that data sets are kept in. Two of them are used: see ``drafts.with_parts``."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


_WORDS = {
    **dict.fromkeys("train training trn trainval".split(), Part.TRAIN),
    **dict.fromkeys("val valid validation validate validating dev devel development".split(), Part.VALIDATION),
    **dict.fromkeys("test testing tst eval evaluation heldout holdout".split(), Part.TEST),
}
_NEUTRAL = frozenset(
    "video videos clip clips data dataset datasets set sets split splits subset part list lists file files images "
    "frames rgb raw mini small full new final original resized cropped ucf hmdb kinetics ssv k".split()
)
"""Words beside the part's that say nothing of what the clips show."""

_COMPOUND = re.compile(r"(?:videos?|clips?|data)?([a-z]+?)(?:sets?|splits?|data|videos?|clips?|lists?|files?)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=1024)
def part_of(text: str) -> Part | None:
    """The part that a folder's name or a value of a column names, with nothing else in it that could mean something."""
    found = _read(text)
    return found[0] if found and _neutral(found[1]) else None


def is_bare(text: str) -> bool:
    """Whether ``text`` is nothing but the word for a part: "train", "Test", "val"."""
    return text.strip().casefold() in _WORDS


def parts_of(names: Sequence[str]) -> dict[str, Part]:
    """The part of each name that has one, for names that stand side by side.

    A name may hold other words too, if all of them hold the same ("gym_train" and "gym_val"). Otherwise only neutral
    words may be beside the part's: "test_tube" and "train_station" are two classes.
    """
    read = {name: found for name in names if (found := _read(name))}
    rest = {words for _, words in read.values()}
    shared = len(rest) == 1 and len({part for part, _ in read.values()}) > 1
    return {name: part for name, (part, words) in read.items() if shared or _neutral(words)}


def _read(text: str) -> tuple[Part, tuple[str, ...]] | None:
    """The part in ``text``, and the words beside it."""
    words = [word for word in re.split(r"[^a-z]+", _CAMEL.sub("_", text.strip()).casefold()) if word]
    parts: list[Part] = []
    others: list[str] = []
    for word in words:
        match = _COMPOUND.fullmatch(word)
        part = _WORDS.get(word) or (_WORDS.get(match[1]) if match else None)
        if part:
            parts.append(part)
        else:
            others.append(word)
    if set(parts) == {Part.TRAIN, Part.VALIDATION}:
        return Part.TRAIN, tuple(others)
    return (parts[0], tuple(others)) if len(parts) == 1 else None


def _neutral(words: Sequence[str]) -> bool:
    return all(word in _NEUTRAL for word in words)


_FOREIGN = frozenset(
    "__macosx thumbs.db desktop.ini ehthumbs.db $recycle.bin @eadir #recycle lost+found __pycache__".split()
    + ["system volume information"]
)
_UNLABELED = frozenset({"_unlabeled", "_unlabelled"})


def is_foreign(name: str) -> bool:
    """Whether a file or folder of this name belongs to another program: hidden, or a system's own."""
    return (name.startswith(".") and name not in (".", "..")) or name.casefold() in _FOREIGN


def is_unlabeled(name: str) -> bool:
    """Whether a folder of this name holds clips without a label, as FiftyOne writes them."""
    return name.casefold() in _UNLABELED
