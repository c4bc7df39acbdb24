"""A clip may be a stretch of a video. It is written as one address everywhere, a path and a W3C media fragment:

    match.mp4#t=12,15.5

Whoever reads, digests, pictures, stores or lists clips takes an address where it takes a path, so that no place ignores
a stretch in silence: to one that knows nothing of stretches, there is no such file.

Seconds are those of the file's own clock, the times of its frames as PyAV and browsers count them; a file need not
begin at 0. A stretch is [start, end): a frame belongs to it when its time, give or take half a frame, lies in it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass

from ga2app.errors import ClipError

_ADDRESS = re.compile(r"(?P<file>.*\.\w+)#t=(?:npt:)?(?P<time>[\d.:,-]*)", re.DOTALL)
_ADVICE = "write start and end in seconds, for example match.mp4#t=12,15.5"


@dataclass(frozen=True, order=True)
class Stretch:
    """From ``start_s`` to before ``end_s``, in seconds on the file's own clock; an end of infinity is the file's."""

    start_s: float
    end_s: float = math.inf

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start_s) and self.start_s >= 0 and self.end_s > self.start_s):
            raise ValueError(
                f"the stretch from {seconds(self.start_s)} s to {seconds(self.end_s)} s "
                + ("begins before 0 s" if self.start_s < 0 else "does not end after its start")
            )

    def __str__(self) -> str:
        """As people read it: 12–15.5 s."""
        return f"from {seconds(self.start_s)} s" if math.isinf(self.end_s) else f"{self.words} s"

    @property
    def words(self) -> str:
        """Start and end without a unit."""
        return f"{seconds(self.start_s)}–{seconds(self.end_s)}"

    @property
    def fragment(self) -> str:
        """As a media fragment, in one spelling: equal stretches have equal fragments."""
        return f"#t={seconds(self.start_s)}" + ("" if math.isinf(self.end_s) else f",{seconds(self.end_s)}")


def seconds(value: float) -> str:
    """``value`` to the microsecond, without zeros at its end."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if math.isfinite(value) else "the end"


def split_address(address: str | os.PathLike[str]) -> tuple[str, Stretch | None]:
    """File and stretch of a clip's ``address``; None for a whole file.

    Times are seconds or [hours:]minutes:seconds; one that is left out is the file's own start or end. Raises ClipError
    for a stretch that is none: reversed, empty, or in another form.
    """
    text = address if isinstance(address, str) else os.fsdecode(address)
    found = _ADDRESS.fullmatch(text) if "#t=" in text else None
    if found is None:
        return text, None
    name = os.path.basename(found["file"])
    begin, comma, end = found["time"].partition(",")
    try:
        if not (begin or end):
            raise ValueError(f"'{found['time']}' is no stretch of time")
        return found["file"], Stretch(_time(begin) if begin else 0.0, _time(end) if comma else math.inf)
    except ValueError as exc:
        raise ClipError(name, str(exc), _ADVICE) from exc


def address_of(path: str | os.PathLike[str], start_s: float | None = None, end_s: float | None = None) -> str:
    """The address of a stretch of the file at ``path``, of the whole file without times.

    Raises ClipError for a stretch that is reversed or empty, or where ``path`` is one already.
    """
    text = os.fsdecode(path)
    if start_s is None and end_s is None:
        return text
    file, already = split_address(text)
    name = os.path.basename(file)
    if already is not None:
        raise ClipError(name, "it has a stretch in its address, and start or end beside it", "give it once")
    try:
        stretch = Stretch(start_s or 0.0, math.inf if end_s is None else end_s)
    except ValueError as exc:
        raise ClipError(name, str(exc), _ADVICE) from exc
    if _ADDRESS.fullmatch(text + stretch.fragment) is None:
        raise ClipError(name, "a file without an ending cannot have stretches", "rename it, to .mp4 for example")
    return text + stretch.fragment


def part_of_clip(address: str, stretch: str) -> str:
    """The address of the ``stretch`` of a clip, "12,15.5" or "0:12,0:15.5"; of all of it where that is blank.

    Raises ClipError where it is no stretch, or the clip is one already.
    """
    text = re.sub(r"(?<=[\d.])[-–]", ",", "".join(stretch.split()))
    if not text:
        return address
    file, already = split_address(address)
    name = os.path.basename(file)
    if already is not None:
        raise ClipError(name, f"it is a stretch already, {already}, of which '{stretch}' was asked", "give one of them")
    found = split_address(f"{file}#t={text}")[1]
    if found is None:
        raise ClipError(name, f"'{stretch}' is no stretch of it", _ADVICE)
    return file + found.fragment


def file_of(address: str | os.PathLike[str]) -> str:
    """The file in which the clip at ``address`` lies."""
    return split_address(address)[0]


def shown_address(address: str | os.PathLike[str]) -> str:
    """The name of the clip at ``address`` as people read it: match.mp4 12–15.5 s."""
    file, stretch = split_address(address)
    name = os.path.basename(os.path.normpath(file))
    return f"{name} {stretch}" if stretch else name


def overlapping(addresses: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of different stretches of one file that share time, each with the first that reaches into it."""
    by_file: dict[str, list[tuple[Stretch, str]]] = {}
    for address in dict.fromkeys(addresses):
        file, stretch = split_address(address)
        by_file.setdefault(os.path.normpath(file), []).append((stretch or Stretch(0.0), address))
    pairs = []
    for stretches in by_file.values():
        reach, holder = -1.0, ""
        for stretch, address in sorted(stretches):
            if stretch.start_s < reach:
                pairs.append((holder, address))
            if stretch.end_s > reach:
                reach, holder = stretch.end_s, address
    return pairs


def seconds_of(text: str) -> float:
    """The seconds of "12.5", "1:02.5" or "1:00:02.5". Raises ClipError for what is no time."""
    try:
        return _time(text.strip())
    except ValueError as exc:
        raise ClipError(text, str(exc), "write seconds, or hours:minutes:seconds") from exc


def _time(text: str) -> float:
    parts = text.split(":")
    if len(parts) > 3 or not all(re.fullmatch(r"-?(?:\d+\.?\d*|\.\d+)", part) for part in parts):
        raise ValueError(f"'{text}' is no time")
    total = 0.0
    for part in parts:
        total = total * 60 + float(part)
    return total
