"""Files of annotations over time, read into stretches of the clips below a folder.

    from ga2app.datasets.annotations import read_annotations

    found = read_annotations("labels.eaf", "videos")
    found.stretches  # (LabeledStretch(path="a.mp4", start=2.0, end=4.0, label="run"), ...)

The content tells the format; docs/formats.md has all of them with their units. Times are [start, end) in seconds on the
file's own clock, on which a clip need not begin at 0. Stretches that reach beyond their clip are cut to it, those that
are none are left out, and both are named: nothing is swapped, shifted or dropped in silence.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ga2app.datasets.annotation_json import read_json_annotations
from ga2app.datasets.annotation_placing import Look, Placer
from ga2app.datasets.annotation_records import Annotations, CutStretch, LabeledStretch, LeftOut, Reading
from ga2app.datasets.annotation_text import read_text_annotations
from ga2app.datasets.annotation_xml import read_xml_annotations
from ga2app.datasets.clip_names import VIDEO_SUFFIXES, is_foreign
from ga2app.datasets.text_tables import read_text
from ga2app.errors import DatasetError, counted, named
from ga2app.untrusted import parse_json, read_ordinary

__all__ = [
    "FORMATS",
    "Annotations",
    "CutStretch",
    "LabeledStretch",
    "LeftOut",
    "Needs",
    "annotation_format",
    "annotation_needs",
    "read_annotations",
]

MOST_BYTES = 1 << 28
"""The largest file of annotations; one of 10,000 stretches has about one megabyte."""
SUFFIXES = frozenset(".eaf .xml .vtt .srt .boris .json".split())
"""Endings of files that no list of clips has."""
FORMATS = (
    "CSV with start and end, Label Studio, CVAT, VIA 3, ELAN, BORIS, ActivityNet, THUMOS-14, Charades, EPIC-KITCHENS, "
    "FiftyOne, WebVTT or SRT"
)


def read_annotations(
    file: str | os.PathLike[str],
    root: str | os.PathLike[str] | None = None,
    frame_rate: float | None = None,
    *,
    tiers: Collection[str] = (),
    labels: Mapping[int, str] | None = None,
    look: Look | None = None,
) -> Annotations:
    """The stretches that ``file`` lists of the clips below ``root`` (the folder of ``file`` without one).

    Args:
        file: a file of one of ``FORMATS``, or a folder of them, as where a tool writes one for each clip or label.
        root: where the clips lie, in any folders.
        frame_rate: frames a second of Label Studio's timeline, which no export tells; other formats need none.
        tiers: the tiers of ELAN, attributes of VIA or subjects of BORIS that are taken; all without any.
        labels: names for labels that are numbers or codes, as "7" or "c007".
        look: who opens the clips, and is told how many are done; an import, which looks at their stretches, too.

    Returns:
        The stretches in the order of the file, what was cut and left out with why, and notes for a person.

    Raises:
        DatasetError: the file cannot be read, is of no known format, or needs a frame rate that fits.
    """
    source = Path(file)
    if frame_rate is not None and not 0 < frame_rate <= 1000:
        raise DatasetError(f"a frame rate of {frame_rate:g} is none; give frames a second, such as 25 or 29.97")
    reading = _read_all(source, frame_rate) if source.is_dir() else _read(source, frame_rate)
    if reading is None:
        what = "holds" if source.is_dir() else "is"
        raise DatasetError(f"'{source.name}' {what} no file of annotations over time that is known: {FORMATS}")
    if frame_rate and reading.grid_rate is None:
        reading.notes.append(f"the frame rate {frame_rate:g} is not used: {reading.format} needs none")
    beside = source if source.is_dir() else source.parent
    folder = Path(root) if root is not None else beside.absolute()
    if not folder.is_dir():
        raise DatasetError(f"there is no folder '{folder}'; give the one that holds the clips with --root")
    return Placer(folder, reading, frozenset(tiers), labels or {}, look).placed()


def annotation_format(file: str | os.PathLike[str]) -> str | None:
    """The format of the annotations over time in ``file``, or in the first such file of a folder; None where there are
    none, or what there is cannot be read."""
    return next((reading.format for reading in _readable(Path(file))), None)


@dataclass(frozen=True)
class Needs:
    """What a file of annotations asks for: whether the frame rate of its timeline, and which ``tiers`` there are to
    choose from, where there are several."""

    format: str
    frame_rate: bool = False
    tiers: tuple[str, ...] = ()


def annotation_needs(file: str | os.PathLike[str]) -> Needs | None:
    """What the annotations over time in ``file``, or in a folder of such files, ask for; None where there are none."""
    readings = list(_readable(Path(file)))
    tiers = sorted({mark.tier for reading in readings for mark in reading.marks})
    formats = named(dict.fromkeys(reading.format for reading in readings))
    rate = any(reading.grid_rate is not None for reading in readings)
    return Needs(formats, rate, tuple(tiers) if len(tiers) > 1 else ()) if readings else None


def _readable(file: Path) -> Iterator[Reading]:
    for one in _files_in(file) if os.path.isdir(file) else [file]:
        with contextlib.suppress(DatasetError):
            if reading := _read(one, 1.0):
                yield reading


def _files_in(folder: Path) -> list[Path]:
    """The files that lie in ``folder`` and are no videos, nor another program's own."""
    try:
        return sorted(one for one in folder.iterdir() if _may_be(one))
    except OSError as exc:
        raise DatasetError(f"the folder '{folder}' cannot be read ({exc.strerror or exc})") from exc


def _may_be(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() not in VIDEO_SUFFIXES and not is_foreign(file.name)


def _read_all(folder: Path, frame_rate: float | None) -> Reading | None:
    """What all files in ``folder`` say that are annotations over time; a note names the others."""
    others, found = list[str](), list[Reading]()
    for file in _files_in(folder):
        reading = _read(file, frame_rate)
        if reading is None:
            others.append(file.name)
        else:
            found.append(reading)
    whole = Reading(named(dict.fromkeys(one.format for one in found)))
    for one in found:
        whole.add(one)
    if others:
        whole.notes.append(f"{counted(len(others), 'file')} without annotations over time: {named(others)}")
    return whole if found else None


def _read(file: Path, frame_rate: float | None) -> Reading | None:
    """What ``file`` says; stretches that name no clip are of the clip of its own name."""
    reading = _content(file, frame_rate)
    if reading is not None:
        reading.marks = [mark if mark.path else replace(mark, path=file.stem) for mark in reading.marks]
    return reading


def _content(file: Path, frame_rate: float | None) -> Reading | None:
    try:
        content = read_ordinary(file, MOST_BYTES)
        if content[:2] == b"\x1f\x8b":
            content = _unpacked(content)
    except (OSError, EOFError, zlib.error) as exc:
        why = getattr(exc, "strerror", None) or str(exc)
        raise DatasetError(f"'{file}' cannot be read ({why}); check the path and that you may read it") from exc
    begin = content[:200].removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    try:
        if begin == b"<" or content[:4] in (b"\xff\xfe<\0", b"\xfe\xff\0<"):
            return read_xml_annotations(content)
        if begin in (b"{", b"[") and not re.match(rb"\s*\{.*\}\s*\n\s*\{", content):  # one object a line is a table
            return read_json_annotations(parse_json(content), frame_rate)
        problems: list[Any] = []
        text = read_text(file, problems)
        if text is None and b"\0" in content:
            return None  # a picture, an archive
        if text is None:
            raise DatasetError(f"'{file}' cannot be read: it {problems[0].reason}; {problems[0].advice}")
        return read_text_annotations(text, file.stem, frame_rate)
    except ValueError as exc:
        raise DatasetError(f"'{file.name}' is damaged: {exc}; export it again") from exc


def _unpacked(content: bytes) -> bytes:
    """What gzip packed, of bounded length."""
    unpacker = zlib.decompressobj(wbits=31)
    found = unpacker.decompress(content, MOST_BYTES)
    if unpacker.unconsumed_tail:
        raise gzip.BadGzipFile(f"it is larger than {MOST_BYTES / 1e6:,.0f} MB when it is unpacked")
    if not unpacker.eof:
        raise gzip.BadGzipFile("its end is missing; was it cut off?")
    return found
