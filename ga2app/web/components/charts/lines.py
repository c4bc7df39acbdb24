"""Curves as HTML with inline SVG.

The plot is stretched to its box while lines keep their width; words and numbers are HTML beside it, so they stay
readable at any width. Colors are CSS variables, hence light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ga2app.web.components.markup import escape

_MAX_POINTS = 300
_WIDTH, _HEIGHT = 1000, 400
"""Units of the plot's own coordinates; the page scales them."""


@dataclass(frozen=True)
class Line:
    """One curve: its name, its color class, its points, and a level to compare it with (drawn dashed).

    ``raw`` are the points before smoothing, drawn faint behind the curve.
    """

    name: str
    tone: str
    points: Sequence[tuple[float, float]]
    reference: float | None = None
    raw: Sequence[tuple[float, float]] = ()


def line_chart(
    title: str, lines: Sequence[Line], *, x_name: str, x_end: float | None = None, unit: str = "", decimals: int = 1
) -> str:
    """Curves over a common axis with their last values; empty text if there is nothing to draw yet."""
    lines = [replace(line, points=_finite(line.points), raw=_finite(line.raw)) for line in lines]
    lines = [line for line in lines if line.points or line.reference is not None]
    if not any(line.points for line in lines):
        return ""
    xs = [x for line in lines for x, _ in line.points]
    ys = [y for line in lines for _, y in [*line.points, *line.raw]]
    ys += [line.reference for line in lines if line.reference is not None]
    x_low, x_high = min(0.0, *xs, 0.0), max([*xs, x_end or 0.0, 1.0])
    ticks = nice_ticks(min(ys), max(ys))
    low, high = ticks[0], ticks[-1]

    def place(x: float, y: float) -> str:
        across = (x - x_low) / (x_high - x_low) * _WIDTH
        return f"{across:.1f},{_HEIGHT - (y - low) / (high - low) * _HEIGHT:.1f}"

    grid = "".join(f'<path class="grid" d="M{place(x_low, y)} L{place(x_high, y)}"/>' for y in ticks)
    drawn = "".join(_path(line.raw, f"line faint {line.tone}", place) for line in lines)
    drawn += "".join(_draw(line, place, x_low, x_high) for line in lines)
    scale = "".join(
        f'<span style="bottom:{(y - low) / (high - low) * 100:.2f}%">{_number(y)}{unit}</span>' for y in ticks
    )
    summary = "; ".join(_spoken(line, unit, decimals) for line in lines)
    keys = "".join(_key(line, unit, decimals) for line in lines)
    return (
        f'<figure class="chart"><figcaption><h4>{escape(title)}</h4><ul class="keys">{keys}</ul></figcaption>'
        f'<div class="frame"><div class="scale" aria-hidden="true">{scale}</div>'
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}: {escape(summary)}"><title>{escape(title)}</title>{grid}{drawn}</svg></div>'
        f'<div class="across" aria-hidden="true"><span>{_number(x_low)}</span><span>{escape(x_name)}</span>'
        f"<span>{_number(x_high)}</span></div></figure>"
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


def thin(points: Sequence[tuple[float, float]], limit: int = _MAX_POINTS) -> list[tuple[float, float]]:
    """At most ``limit`` points, each the mean of its neighbors, the last one kept as it is."""
    if len(points) <= limit:
        return list(points)
    size = math.ceil(len(points) / (limit - 1))
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    means = [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
    return [*means, points[-1]]


def smooth(points: Sequence[tuple[float, float]], span: float) -> list[tuple[float, float]]:
    """Each value averaged with those before it, the last ``span`` of them counting most; 1 leaves all as it is."""
    keep, mean, weight = 1 - 1 / max(1.0, span), 0.0, 0.0
    smoothed = []
    for x, y in points:
        if not math.isfinite(y):
            continue
        mean, weight = keep * mean + y, keep * weight + 1
        smoothed.append((x, mean / weight))
    return smoothed


def _finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return thin([(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)])


def _draw(line: Line, place: Callable[[float, float], str], x_low: float, x_high: float) -> str:
    parts = []
    if line.reference is not None:
        start, end = place(x_low, line.reference), place(x_high, line.reference)
        parts.append(f'<path class="line dashed {line.tone}" d="M{start} L{end}"/>')
    if len(line.points) == 1:
        parts.append(f'<path class="dot {line.tone}" d="M{place(*line.points[0])} h0"/>')
    else:
        parts.append(_path(line.points, f"line {line.tone}", place))
    return "".join(parts)


def _path(points: Sequence[tuple[float, float]], css: str, place: Callable[[float, float], str]) -> str:
    if len(points) < 2:
        return ""
    return f'<path class="{css}" d="M{" L".join(place(x, y) for x, y in points)}"/>'


def _key(line: Line, unit: str, decimals: int) -> str:
    value = f"<b>{line.points[-1][1]:.{decimals}f}{unit}</b>" if line.points else ""
    before = "" if line.reference is None else f"<i>plain CLIP {line.reference:.{decimals}f}{unit}</i>"
    return f'<li class="{line.tone}"><span class="swatch"></span>{escape(line.name)} {value}{before}</li>'


def _spoken(line: Line, unit: str, decimals: int) -> str:
    if not line.points:
        return f"{line.name} not measured yet"
    before = "" if line.reference is None else f", plain CLIP {line.reference:.{decimals}f}{unit}"
    return f"{line.name} now {line.points[-1][1]:.{decimals}f}{unit}{before}"


def _number(value: float) -> str:
    return f"{value:,.6g}"
