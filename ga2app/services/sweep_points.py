"""The points of a sweep: which settings vary, over a grid of values or drawn at random, and what is wrong with them.

A setting varies over a list, ``prompts.length = 4, 8, 16``, or over a range, ``2..16``. ``:5`` behind a range takes
five values of it, ``:log`` makes their logarithms evenly spaced: ``optimizer.learning_rate = 0.0005..0.02:4:log``.
"""

from __future__ import annotations

import difflib
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from ga2app.config import RunConfig
from ga2app.config.reading import by_key, flat, quoted
from ga2app.errors import ConfigError, Fault, counted, named
from ga2app.untrusted import whole_number

MOST_SWEPT = 256
"""Runs of one sweep."""
VARY, RANDOM = "vary", "random"
"""Where faults of a sweep are told that are those of no setting."""
_MOST_SETTINGS, _LONGEST_LINE, _MOST_TOLD, _LARGEST_SEED = 16, 4000, 20, 2**32 - 1
_TRIES = 50  # for each point that is drawn and has been drawn before
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})((?:\s*:\s*\w+)*)")
_BESIDE = {"dataset": "data sets", "seed": "seeds"}
_HOW = "each as in 'optimizer.learning_rate = 0.001, 0.004' or 'prompts.length = 4..16:4'"
_DEFAULTS = flat(RunConfig().to_dict())
"""Every setting by its path, with its default."""
_SWITCHES: dict[str, Any] = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}

Point = Mapping[str, Any]
"""The value of each setting that varies, by its dotted path."""


@dataclass(frozen=True)
class SweepAsked:
    """A sweep as it is asked for: ``lines`` such as ``prompts.length = 4, 8``, each of one setting.

    Without ``draws`` all combinations are taken; otherwise that many points are drawn at random, with ``seed``.
    """

    lines: tuple[str, ...]
    draws: int | None = None
    seed: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as the runs of the sweep keep them."""
        return {"vary": list(self.lines), "draws": self.draws, "seed": self.seed}


@dataclass(frozen=True)
class Varied:
    """One setting that varies: over ``values``, or from ``low`` to ``high`` where they are drawn alone.

    ``log``: its values are evenly spread on a logarithmic scale, and shown on one.
    """

    path: str
    values: Sequence[Any] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False

    def drawn(self, rng: random.Random) -> Any:
        """One value; between the ends of a range one of four significant digits."""
        if self.values and not (self.log and isinstance(self.values, range)):
            return self.values[rng.randrange(len(self.values))]
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = rng.uniform(low, high)
        value = min(self.high, max(self.low, float(f"{math.exp(value) if self.log else value:.4g}")))
        return round(value) if isinstance(self.values, range) else value


@dataclass(frozen=True)
class Points:
    """The points of a sweep in their order, the settings that vary in them, and what is to be told of them."""

    points: tuple[Point, ...] = ({},)
    varied: tuple[Varied, ...] = ()
    notes: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """The paths that vary, and those on a logarithmic scale, as plain JSON."""
        return {"paths": [one.path for one in self.varied], "log": [one.path for one in self.varied if one.log]}


def points_of(asked: SweepAsked | None, runs_a_point: int = 1) -> Points:
    """The points that ``asked`` names, one without any setting for None; each is ``runs_a_point`` runs.

    Raises ConfigError with everything that is wrong with them, at the setting or at "vary" or "random". How many they
    are is counted before any is made.
    """
    if asked is None:
        return Points()
    faults: list[Fault] = []
    varied: dict[str, Varied] = {}
    lines = [line for line in asked.lines if line.strip()]
    if not 1 <= len(lines) <= _MOST_SETTINGS:
        faults.append(Fault(VARY, f"must name 1 to {_MOST_SETTINGS} settings (it names {len(lines)}); {_HOW}"))
    for line in lines[:_MOST_SETTINGS]:
        try:
            one = _varied(line, grid=asked.draws is None)
        except ConfigError as exc:
            faults += exc.faults
            continue
        if one.path in varied:
            faults.append(Fault(one.path, "is varied twice; give all of its values in one line"))
        varied[one.path] = one
    if faults:
        raise ConfigError(faults)
    found = tuple(varied.values())
    draws, most = asked.draws, MOST_SWEPT // max(runs_a_point, 1)
    count = math.prod(len(one.values) for one in found) if draws is None else draws
    if draws is not None and not (1 <= draws and 0 <= asked.seed <= _LARGEST_SEED):
        raise ConfigError([Fault(RANDOM, f"must be 1 point or more, with a seed from 0 to {_LARGEST_SEED}")])
    if count > most:
        each = f" of {runs_a_point} runs each" if runs_a_point > 1 else ""
        rule = f"that makes {count:,} points{each}, and {MOST_SWEPT} runs are the most of one sweep"
        advice = "" if draws else "give fewer values, or draw some at random, "
        raise ConfigError([Fault(VARY if draws is None else RANDOM, f"{rule}: {advice}at most {most}")])
    if draws is not None:
        return _drawn(found, draws, asked.seed)
    points = [dict(zip(varied, values, strict=True)) for values in product(*(one.values for one in found))]
    return _distinct(points, found)


def settings_at(settings: Mapping[str, Any], point: Point) -> dict[str, Any]:
    """``settings`` by dotted path with those of ``point``; a warm-up that is not varied fits fewer epochs."""
    values, epochs, warmup = {**settings, **point}, "optimizer.epochs", "optimizer.warmup_epochs"
    if epochs in point and warmup not in point and isinstance(values.get(warmup), int | float):
        values[warmup] = min(values[warmup], max(point[epochs], 0) / 6)  # as for another number of epochs in a command
    return values


def point_faults(found: Sequence[tuple[Point, Sequence[Fault]]]) -> list[Fault]:
    """The faults of all points, each once: with the values that it comes of, where these are not those of the setting.

    What is wrong at every point is wrong without the sweep, and is told as such.
    """
    at: dict[Fault, list[Point]] = {}
    for point, faults in found:
        for fault in dict.fromkeys(faults):
            at.setdefault(fault, []).append(point)
    told = [
        fault
        if fault.field in points[0] or len(points) == len(found)
        else replace(
            fault,
            message=f"{fault.message} (with {point_text(points[0])}{', among others' if len(points) > 1 else ''})",
        )
        for fault, points in at.items()
    ]
    rest = len(told) - _MOST_TOLD
    return [*told[:_MOST_TOLD], *([Fault(VARY, f"{counted(rest, 'fault')} more of other points")] if rest > 0 else [])]


def point_text(point: Point) -> str:
    """A point in words: "learning_rate 0.001, length 8"."""
    return ", ".join(f"{path.rpartition('.')[2]} {value_text(value)}" for path, value in point.items())


def value_text(value: Any) -> str:
    """A setting's value as a table shows it."""
    if isinstance(value, list | tuple):
        return "+".join(map(str, value)) or "its own"
    value = ("on" if value else "off") if isinstance(value, bool) else value
    return f"{value:.6g}" if isinstance(value, float) else str(value) or "its own"


def _varied(line: str, *, grid: bool) -> Varied:
    """The setting and the values of one line. Raises ConfigError."""
    name, sign, told = (part.strip() for part in line.partition("="))
    if not sign or not name or len(line) > _LONGEST_LINE:
        raise ConfigError([Fault(VARY, f"{quoted(line.strip())} is no setting and its values; {_HOW}")])
    path = _path(name)
    default = _DEFAULTS[path]
    if bounds := _RANGE.fullmatch(told):
        return _range(path, default, bounds, grid=grid)
    pieces = [piece.strip() for piece in told.split(",")]
    if len(pieces) > MOST_SWEPT or not all(pieces):
        rule = (
            "has an empty value" if not all(pieces) else f"has {len(pieces):,} values; at most {MOST_SWEPT} are taken"
        )
        raise ConfigError([Fault(path, f"{rule}: give values between commas, or a range as in '2..16'")])
    values, faults = [], []
    for piece in pieces:
        try:
            values.append(_value(default, piece))
        except ValueError as exc:
            faults.append(Fault(path, f"must be {exc} (it is {quoted(piece)})"))
    if faults:
        raise ConfigError(faults)
    return Varied(path, tuple(values), log=_spread_widely(values))


def _path(name: str) -> str:
    """The path of the setting that is called ``name``, by its path or, where one alone has it, by its last part."""
    paths = _DEFAULTS
    section, _, last = name.rpartition(".")
    path = next(iter(flat(by_key(RunConfig, {section: {last: 0}} if section else {last: 0}))))
    ending = [known for known in paths if known.rpartition(".")[2] == name]
    path = path if path in paths else ending[0] if len(ending) == 1 else name
    if path in _BESIDE:
        rule = f"is not varied here: several {_BESIDE[path]} make a run each, given where one is given"
        raise ConfigError([Fault(path, rule)])
    if path not in paths:
        near = difflib.get_close_matches(name, [*paths, *ending], 3, 0.4)
        hint = f"; did you mean {named(near, 3)}?" if near else "; train --print-config prints all there are"
        raise ConfigError([Fault(VARY, f"{quoted(name)} is not a setting{hint}")])
    return path


def _value(default: Any, text: str) -> Any:
    """A value of the kind of ``default``. Raises ValueError with what would be right."""
    if isinstance(default, list):
        return [one.strip() for one in text.split("+")]
    found: Any = None
    if isinstance(default, bool):
        found, right = _SWITCHES.get(text.lower()), "on or off"
    elif isinstance(default, int):
        found, right = whole_number(text), "a whole number"
    elif isinstance(default, float):
        found, right = float(text) if re.fullmatch(_NUMBER, text) else None, "a number"
    else:
        return text
    if found is None:
        raise ValueError(right)
    return found


def _range(path: str, default: Any, found: re.Match[str], *, grid: bool) -> Varied:
    """The values of a range. Raises ConfigError."""
    whole = type(default) is int
    ends, options = found.groups()[:2], [one.strip() for one in found[3].split(":")[1:]]
    counts = [int(one) for one in options if one.isdecimal() and len(one) < 10]
    log = "log" in options
    low, high = (float(end) for end in ends)
    faults = []
    if type(default) not in (int, float):
        faults.append("takes no range; give its values between commas")
    elif whole and any(whole_number(end) is None for end in ends):
        faults.append(f"is a whole number, and so are the ends of its range (they are {ends[0]} and {ends[1]})")
    if any(count > MOST_SWEPT for count in counts):
        faults.append(f"takes {counts[0]:,} values of its range; at most {MOST_SWEPT} are taken")
    if len(counts) + log < len(options) or len(counts) > 1 or any(count < 2 for count in counts):
        faults.append(
            "a range ends in ':' and a number of values from 2 on, in ':log' or in both, as in '0.001..0.1:4:log'"
        )
    if not (math.isfinite(low) and math.isfinite(high)) or low >= high:
        faults.append(f"the range must go up (it goes from {ends[0]} to {ends[1]})")
    elif log and low <= 0:
        faults.append(f"a logarithmic range begins above 0 (it begins at {ends[0]})")
    if grid and not counts and (log or not whole):
        faults.append("say how many values of the range, as in '0.001..0.1:5', or draw points at random")
    if faults:
        raise ConfigError([Fault(path, fault) for fault in faults])
    between: Sequence[Any] = range(int(low), int(high) + 1) if whole else ()
    if counts:
        between = _spaced(low, high, counts[0], log=log, whole=whole)
    return Varied(path, between, low, high, log)


def _spaced(low: float, high: float, count: int, *, log: bool, whole: bool) -> tuple[Any, ...]:
    """``count`` values from ``low`` to ``high``, in equal steps of their logarithms with ``log``; whole ones once."""
    start, end = (math.log(low), math.log(high)) if log else (low, high)
    steps = [start + (end - start) * place / (count - 1) for place in range(count)]
    values = [low, *(float(f"{math.exp(step) if log else step:.4g}") for step in steps[1:-1]), high]
    return tuple(dict.fromkeys(map(round, values) if whole else values))


def _spread_widely(values: Sequence[Any]) -> bool:
    """Whether numbers span so much that a logarithmic axis shows them better."""
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    return len(numbers) == len(values) > 1 and min(numbers) > 0 and max(numbers) / min(numbers) >= 10


def _drawn(varied: Sequence[Varied], draws: int, seed: int) -> Points:
    """``draws`` different points, or as many as there are."""
    rng, found = random.Random(seed), dict[str, Point]()
    for _ in range(draws * _TRIES):
        point = {one.path: one.drawn(rng) for one in varied}
        found.setdefault(repr(point), point)
        if len(found) == draws:
            break
    fewer = f"Only {counted(len(found), 'different point')} were found to draw; that is what is queued."
    return Points(tuple(found.values()), tuple(varied), (fewer,) if len(found) < draws else ())


def _distinct(points: Sequence[Point], varied: Sequence[Varied]) -> Points:
    """``points`` without those that are there already, which is told."""
    kept = {repr(point): point for point in points}
    told = f"{counted(len(points) - len(kept), 'point')} named twice: each is trained once."
    return Points(tuple(kept.values()), tuple(varied), (told,) if len(points) > len(kept) else ())
