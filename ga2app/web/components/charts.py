"""Pictures drawn from stored numbers: HTML with inline SVG from ``charts.html``, colored by CSS variables.

They need no script, hence a file can hold them, and follow light and dark. A plot is stretched to its box while lines
keep their width; words and numbers are HTML beside it, so they stay readable at any width. All figures are percent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from ga2app.types import SampleSize, cautions, intervals, rests_on
from ga2app.web.components.markup import notices, render, tone_of

Point = tuple[float, float]

MOST_POINTS = 300
MOST_CHANGES, SHOWN_ENDS = 40, 15
"""Longer lists of changes show their two ends."""
MOST_LABELS = 24
"""Larger confusion matrices are drawn without their labels."""
FEW_PAIRS, MANY_PAIRS = 5, 25
NAMED = 30
"""So many class names are written on a map; of more, names are seen by pointing at them."""

_WIDTH, _HEIGHT = 1000, 400
"""Units of a plot's own coordinates; the page scales them."""
_SHADES = (0.25, 0.5, 0.75)
_SIDE, _EDGE, _OVER = 400, 26, 0.05


@dataclass(frozen=True)
class Line:
    """One curve: its name, its color class, its points, and a level to compare it with (drawn dashed).

    ``raw`` are the points before smoothing, drawn faint behind the curve.
    """

    name: str
    tone: str
    points: Sequence[Point]
    reference: float | None = None
    raw: Sequence[Point] = ()


def line_chart(
    title: str, lines: Sequence[Line], *, x_name: str, x_end: float | None = None, unit: str = "", decimals: int = 1
) -> Markup:
    """Curves over a common axis with their last values; empty text if there is nothing to draw yet."""
    lines = [replace(line, points=thin(_finite(line.points)), raw=thin(_finite(line.raw))) for line in lines]
    lines = [line for line in lines if line.points or line.reference is not None]
    if not any(line.points for line in lines):
        return Markup()
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in [*line.points, *line.raw]]
    ys += [line.reference for line in lines if line.reference is not None]
    x_low, x_high = min(0.0, *xs, 0.0), max([*xs, x_end or 0.0, 1.0])
    ticks = nice_ticks(min(ys), max(ys))
    low, high = ticks[0], ticks[-1]

    def path(*points: Point) -> str:
        places = [
            f"{(x - x_low) / (x_high - x_low) * _WIDTH:.1f},{_HEIGHT - (y - low) / (high - low) * _HEIGHT:.1f}"
            for x, y in points
        ]
        return f"M{' L'.join(places)}" + (" h0" if len(points) == 1 else "")

    paths = [("grid", path((x_low, y), (x_high, y))) for y in ticks]
    paths += [(f"line faint {line.tone}", path(*line.raw)) for line in lines if len(line.raw) > 1]
    for line in lines:
        if line.reference is not None:
            paths.append((f"line dashed {line.tone}", path((x_low, line.reference), (x_high, line.reference))))
        if line.points:
            kind = "dot" if len(line.points) == 1 else "line"
            paths.append((f"{kind} {line.tone}", path(*line.points)))
    return render(
        "line_chart.html",
        title=title,
        x_name=x_name,
        size=(_WIDTH, _HEIGHT),
        paths=paths,
        scale=[((y - low) / (high - low) * 100, f"{y:,.6g}{unit}") for y in ticks],
        ends=(f"{x_low:,.6g}", f"{x_high:,.6g}"),
        keys=[
            (
                line.tone,
                line.name,
                f"{line.points[-1][1]:.{decimals}f}{unit}" if line.points else "",
                "" if line.reference is None else f"{line.reference:.{decimals}f}{unit}",
            )
            for line in lines
        ],
    )


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About ``count`` round numbers whose ends enclose ``low`` and ``high``."""
    if high - low < 1e-9:
        spread = abs(high) * 0.1 if abs(high) > 1e-6 else 1.0
        low, high = low - spread, high + spread
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def thin(points: Sequence[Point], limit: int = MOST_POINTS) -> list[Point]:
    """At most ``limit`` points, each the mean of its neighbors, the last one kept as it is."""
    if len(points) <= limit:
        return list(points)
    size = math.ceil(len(points) / (limit - 1))
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    means = [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
    return [*means, points[-1]]


def smooth(points: Sequence[Point], span: float) -> list[Point]:
    """Each value averaged with those before it, the last ``span`` of them counting most; 1 leaves all as it is."""
    keep, mean, weight = 1 - 1 / max(1.0, span), 0.0, 0.0
    smoothed = []
    for x, y in _finite(points):
        mean, weight = keep * mean + y, keep * weight + 1
        smoothed.append((x, mean / weight))
    return smoothed


def _finite(points: Sequence[Point]) -> list[Point]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def compare_bars(
    title: str,
    rows: Sequence[tuple[str, str, float | None, float | None]],
    ranges: Mapping[str, tuple[str, str]] | None = None,
) -> Markup:
    """Pairs of bars: name, color class, the value before (zero-shot CLIP) and the value after.

    ``ranges`` has the intervals of both by the row's name, as texts.
    """
    shown = [row for row in rows if row[2] is not None or row[3] is not None]
    if not shown:
        return Markup()
    return render("compare_bars.html", title=title, rows=shown, ranges=ranges or {})


def ranges_of(
    before: Mapping[str, float], after: Mapping[str, float], tested: Mapping[str, SampleSize], names: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """The 95% intervals of both sides as texts, by what ``names`` calls a figure."""
    one, other = intervals(before, tested), intervals(after, tested)
    return {name: (str(one.get(key, "")), str(other.get(key, ""))) for key, name in names.items()}


def rests_html(tested: Mapping[str, SampleSize], *, legend: bool = True) -> Markup:
    """On how many test clips figures rest (with ``legend``), and why they say less than they seem to."""
    told = rests_on(tested) if legend else ""
    line = Markup('<p class="legend">{}</p>').format(told) if told else Markup()
    return line + Markup(notices("warning", cautions(tested), "Read the figures with care:"))


@dataclass(frozen=True)
class Change:
    """A label's figure before and after, in percent; ``mark`` stands behind its name."""

    name: str
    before: float
    after: float
    clips: int
    mark: Markup = Markup()

    @property
    def by(self) -> float:
        """What it changed by."""
        return self.after - self.before


def change_bars(title: str, changes: Sequence[Change]) -> Markup:
    """Diverging bars, the best change first; empty text without any."""
    if not changes:
        return Markup()
    ranked = sorted(changes, key=lambda change: (-change.by, change.name))
    left_out = len(ranked) - 2 * SHOWN_ENDS if len(ranked) > MOST_CHANGES else 0
    tones = [tone_of(change.by) for change in ranked]
    return render(
        "change_bars.html",
        title=title,
        parts=[ranked[:SHOWN_ENDS], ranked[-SHOWN_ENDS:]] if left_out else [ranked],
        left_out=left_out,
        counts={tone: tones.count(tone) for tone in ("up", "down", "same")},
        widest=max(*(abs(change.by) for change in ranked), 1.0),
    )


@dataclass(frozen=True)
class Confusion:
    """Labels, and (true label, answer, clips) as places in them, without zeros."""

    labels: Sequence[str]
    cells: Sequence[tuple[int, int, int]]

    def totals(self) -> dict[int, int]:
        """Clips of each true label that has some."""
        totals: dict[int, int] = {}
        for row, _, clips in self.cells:
            totals[row] = totals.get(row, 0) + clips
        return totals


def confused_pairs(confusion: Confusion, limit: int) -> list[tuple[str, str, int, int]]:
    """The most frequent mistakes: true label, answer, how many clips, of how many; at most ``limit``."""
    totals = confusion.totals()
    wrong = sorted((cell for cell in confusion.cells if cell[0] != cell[1]), key=lambda cell: (-cell[2], cell))
    return [(confusion.labels[row], confusion.labels[column], n, totals[row]) for row, column, n in wrong[:limit]]


def confusion_html(confusion: Confusion) -> Markup:
    """The matrix and its most frequent mistakes; large ones in one path for each shade, so that they stay quick."""
    small, totals = len(confusion.labels) <= MOST_LABELS, confusion.totals()
    paths: dict[tuple[str, int], list[str]] = {}
    for row, column, clips in () if small else confusion.cells:
        shade = sum(clips / totals[row] > limit for limit in _SHADES)
        paths.setdefault(("right" if row == column else "wrong", shade), []).append(f"M{column} {row}h1v1h-1z")
    return render(
        "confusion.html",
        labels=confusion.labels,
        totals=totals,
        small=small,
        counts={(row, column): clips for row, column, clips in confusion.cells} if small else {},
        paths=[(tone, shade, "".join(parts)) for (tone, shade), parts in sorted(paths.items())],
        right=sum(clips for row, column, clips in confusion.cells if row == column),
        pairs=confused_pairs(confusion, FEW_PAIRS if small else MANY_PAIRS),
    )


@dataclass(frozen=True)
class Dot:
    """A point on two maps. ``what`` is clip, class, anchor or negative; ``hue`` is an angle of the color circle.

    ``hollow`` draws a ring: novel classes. ``hint`` is what is told when one points at it.
    """

    what: str
    name: str
    hint: str
    hue: float
    hollow: bool
    before: Point
    after: Point


def scatter_pair(titles: tuple[str, str], dots: Sequence[Dot]) -> Markup:
    """Two maps of the same points side by side on the same scale; empty text without any dots."""
    if not dots:
        return Markup()
    # Texts that stand for anything else may lie far away: they are drawn at the edge, not the rest in a corner.
    shown = [dot for dot in dots if dot.what in ("clip", "class")] or dots
    axes = zip(*(place for dot in shown for place in (dot.before, dot.after)), strict=True)
    (left, right), (bottom, top) = ((min(axis), max(axis)) for axis in axes)
    side = max(right - left, top - bottom, 1e-9)
    corner = ((left + right - side) / 2, (bottom + top - side) / 2)

    def place(at: Point) -> Point:
        x, y = (max(-_OVER, min(1 + _OVER, (value - low) / side)) for value, low in zip(at, corner, strict=True))
        return _EDGE + (_SIDE - 2 * _EDGE) * x, _SIDE - _EDGE - (_SIDE - 2 * _EDGE) * y

    order = sorted(dots, key=lambda dot: ("negative", "anchor", "clip", "class").index(dot.what))
    sides = [[(dot, *place(dot.before)) for dot in order], [(dot, *place(dot.after)) for dot in order]]
    named = sum(dot.what == "class" for dot in dots) <= NAMED
    return render("scatter_pair.html", maps=[*zip(titles, sides, strict=True)], side=_SIDE, named=named)
