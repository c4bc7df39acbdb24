"""Stretches of one video as bars over a time axis, a lane for each label, with a table below.

What is drawn is bounded, however many stretches there are: those that overlap in a lane, or lie closer than the axis
resolves, share a bar, which says how many they are; the table has them one by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ga2app.stretches import seconds
from ga2app.web.components.markup import count_of, percent, render, shortened

MOST_LANES, MOST_BARS, MOST_ROWS = 30, 3000, 500
_COLUMNS, _FEWEST_COLUMNS = 1200, 32
"""In so many parts the axis is divided: about a pixel each; fewer where more than ``most_bars`` would be drawn."""
_BEYOND = 1.25
"""What lies beyond the video's end is drawn up to so many times its length, and at the edge from there on."""
_STEPS_S = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
_MOST_TICKS, _TOLD = 8, 5
STATES = {"": "labeled", "cut": "cut to the video", "out": "left out"}
"""What the colors of bars mean."""


@dataclass(frozen=True)
class Bar:
    """``label`` from ``start_s`` to ``end_s``; ``state`` is one of ``STATES``, and ``note`` says why."""

    start_s: float
    end_s: float
    label: str
    probability: float | None = None
    state: str = ""
    note: str = ""


@dataclass(frozen=True)
class _Drawn:
    """One bar on the page: its place in percent of the axis, and the stretches in it."""

    left: float
    width: float
    bars: Sequence[Bar]

    @property
    def first(self) -> Bar:
        return self.bars[0]

    @property
    def end_s(self) -> float:
        return max(bar.end_s for bar in self.bars)

    @property
    def hint(self) -> str:
        """What is told when one points at it."""
        if len(self.bars) > 1:
            reach = f"{clock(self.first.start_s)} to {clock(self.end_s)}"
            return f"{self.first.label}: {count_of(len(self.bars), 'stretch')}, {reach}"
        bar = self.first
        likely = "" if bar.probability is None else f", {percent(bar.probability)}"
        note = f" ({bar.note})" if bar.note else ""
        return f"{bar.label}: {clock(bar.start_s)} to {clock(bar.end_s)}{likely}{note}"

    @property
    def strength(self) -> float:
        """How strong its color is: by the highest probability in it."""
        known = [bar.probability for bar in self.bars if bar.probability is not None]
        return 0.35 + 0.65 * max(known) if known else 1.0


def timeline_html(
    name: str, bars: Sequence[Bar], end_s: float, start_s: float = 0.0, *, most_bars: int = MOST_BARS
) -> Markup:
    """The timeline of the video called ``name``, which is shown from ``start_s`` to ``end_s``.

    Lanes stand in the order in which ``bars`` name their labels; the rarest of more than ``MOST_LANES`` share the last.
    """
    lanes = _lanes(bars)
    reach = max([end_s, *(bar.end_s for bar in bars)])
    until = min(reach, start_s + _BEYOND * (end_s - start_s)) if end_s > start_s else reach
    span = max(until - start_s, 1e-6)
    columns = _COLUMNS
    while True:
        drawn = [(label, _drawn(lane, start_s, span, columns)) for label, lane in lanes]
        if sum(len(lane) for _, lane in drawn) <= most_bars or columns <= _FEWEST_COLUMNS:
            break
        columns = columns * 2 // 3
    rows = sorted(bars, key=lambda bar: (bar.start_s, bar.end_s, bar.label))
    shared = sum(len(one.bars) for _, lane in drawn for one in lane if len(one.bars) > 1)
    apart = clock(float(f"{span / columns:.2g}"))
    states = [state for state in STATES if any(bar.state == state for bar in bars)]
    return render(
        "timeline.html",
        title=name,
        start_s=start_s,
        end_s=end_s,
        until_s=start_s + span,
        about=f"{count_of(len(bars), 'stretch')} of {count_of(len({bar.label for bar in bars}), 'label')} "
        f"in {clock(end_s - start_s)}",
        lanes=[(label, lane, _told(label, lane)) for label, lane in drawn],
        shared=shared and f"{count_of(shared, 'stretch')} share bars: they overlap, or lie closer than {apart}",
        ends=100 * (end_s - start_s) / span,
        ticks=[(100 * (time - start_s) / span, clock(time)) for time in _ticks(start_s, start_s + span)],
        keys=[(state, STATES[state]) for state in states] if any(states) else [],
        likely=any(bar.probability is not None for bar in bars),
        noted=any(bar.note or bar.state for bar in bars),
        states=STATES,
        rows=rows[:MOST_ROWS],
        more=len(rows) - MOST_ROWS,
        clock=clock,
    )


def clock(time_s: float) -> str:
    """Seconds as [hours:]minutes:seconds, to the millisecond, without zeros at the end: 4 s, 1:02.5, 1:00:02."""
    time_s = round(time_s, 3) if math.isfinite(time_s) else math.inf
    if abs(time_s) < 60 or math.isinf(time_s):
        return f"{seconds(time_s)} s" if abs(time_s) < 60 else "the end"
    minutes, rest = divmod(abs(time_s), 60)
    hours, minutes = divmod(int(minutes), 60)
    part = f"{rest:06.3f}".removesuffix("0").removesuffix("0").removesuffix("0").removesuffix(".")
    return ("-" if time_s < 0 else "") + (f"{hours}:{minutes:02}:{part}" if hours else f"{minutes}:{part}")


def _lanes(bars: Iterable[Bar]) -> list[tuple[str, list[Bar]]]:
    lanes: dict[str, list[Bar]] = {}
    for bar in bars:
        lanes.setdefault(bar.label, []).append(bar)
    if len(lanes) <= MOST_LANES:
        return [*lanes.items()]
    kept = set(sorted(lanes, key=lambda label: -len(lanes[label]))[: MOST_LANES - 1])
    others = [bar for label, lane in lanes.items() if label not in kept for bar in lane]
    return [*((label, lane) for label, lane in lanes.items() if label in kept),
            (f"{len(lanes) - len(kept)} other labels", others)]  # fmt: skip


def _drawn(lane: Sequence[Bar], start_s: float, span_s: float, columns: int) -> list[_Drawn]:
    """The bars of a lane, each at least a column wide; those of one state that would overlap are one."""
    places: list[tuple[int, int, list[Bar]]] = []
    last: dict[str, int] = {}
    for bar in sorted(lane, key=lambda bar: (bar.start_s, bar.end_s)):
        low, high = sorted((bar.start_s, bar.end_s))
        begin = min(columns - 1, max(0, round((low - start_s) / span_s * columns)))
        end = min(columns, max(begin + 1, round((high - start_s) / span_s * columns)))
        at = last.get(bar.state)
        if at is not None and begin < places[at][1]:
            places[at] = places[at][0], max(end, places[at][1]), places[at][2]
            places[at][2].append(bar)
        else:
            last[bar.state] = len(places)
            places.append((begin, end, [bar]))
    return [_Drawn(100 * begin / columns, 100 * (end - begin) / columns, some) for begin, end, some in places]


def _told(label: str, lane: Sequence[_Drawn]) -> str:
    """A lane for a screen reader."""
    some = [f"{clock(one.first.start_s)} to {clock(one.end_s)}" for one in lane[:_TOLD]]
    more = f" and {len(lane) - _TOLD} more" if len(lane) > _TOLD else ""
    return f"{shortened(label)}: {', '.join(some)}{more}"


def _ticks(start_s: float, end_s: float) -> list[float]:
    """Round times on the axis."""
    step = next((step for step in _STEPS_S if (end_s - start_s) / step <= _MOST_TICKS), _STEPS_S[-1])
    first, last = math.ceil(start_s / step - 1e-9), math.floor(end_s / step + 1e-9)
    return [round(at * step, 6) for at in range(first, min(last, first + 2 * _MOST_TICKS) + 1)]
