"""Files of annotations over time, read into stretches of the clips below a folder.

    from ga2app.datasets.annotations import read_annotations

    found = read_annotations("labels.eaf", "videos")
    found.stretches  # (LabeledStretch(path="a.mp4", start=2.0, end=4.0, label="run"), ...)

The content tells the format; docs/formats.md has all of them with their units. Times are [start, end) in seconds on the
file's own clock, on which a clip need not begin at 0. Stretches that reach beyond their clip are cut to it, those that
are none are left out, and both are named: nothing is swapped, shifted or dropped in silence.
"""

from __future__ import annotations

import gzip
import os
import re
import zlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ga2app.datasets.annotation_json import read_json_annotations
from ga2app.datasets.annotation_placing import Placer
from ga2app.datasets.annotation_records import Annotations, CutStretch, LabeledStretch, LeftOut, Reading
from ga2app.datasets.annotation_text import read_text_annotations
from ga2app.datasets.annotation_xml import read_xml_annotations
from ga2app.datasets.text_tables import read_text
from ga2app.errors import DatasetError
from ga2app.untrusted import parse_json, read_ordinary

__all__ = ["FORMATS", "Annotations", "CutStretch", "LabeledStretch", "LeftOut", "annotation_format", "read_annotations"]

MOST_BYTES = 1 << 28
"""The largest file of annotations; one of 10,000 stretches has about one megabyte."""
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
) -> Annotations:
    """The stretches that ``file`` lists of the clips below ``root`` (the folder of ``file`` without one).

    Args:
        file: a file of one of ``FORMATS``.
        root: where the clips lie, in any folders.
        frame_rate: frames a second of Label Studio's timeline, which no export tells; other formats need none.
        tiers: the tiers of ELAN, attributes of VIA or subjects of BORIS that are taken; all without any.
        labels: names for labels that are numbers or codes, as "7" or "c007".

    Returns:
        The stretches in the order of the file, what was cut and left out with why, and notes for a person.

    Raises:
        DatasetError: the file cannot be read, is of no known format, or needs a frame rate that fits.
    """
    source = Path(file)
    if frame_rate is not None and not 0 < frame_rate <= 1000:
        raise DatasetError(f"a frame rate of {frame_rate:g} is none; give frames a second, such as 25 or 29.97")
    reading = _read(source, frame_rate)
    if reading is None:
        raise DatasetError(f"'{source.name}' is no file of annotations over time that is known: {FORMATS}")
    if frame_rate and reading.grid_rate is None:
        reading.notes.append(f"the frame rate {frame_rate:g} is not used: {reading.format} needs none")
    folder = Path(root) if root is not None else source.absolute().parent
    if not folder.is_dir():
        raise DatasetError(f"there is no folder '{folder}'; give the one that holds the clips with --root")
    return Placer(source, folder, reading, frozenset(tiers), labels or {}).placed()


def annotation_format(file: str | os.PathLike[str]) -> str | None:
    """The format of the annotations over time in ``file``; None where it holds none, or cannot be read."""
    try:
        reading = _read(Path(file), 1.0)
    except DatasetError:
        return None
    return reading.format if reading else None


def _read(file: Path, frame_rate: float | None) -> Reading | None:
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
