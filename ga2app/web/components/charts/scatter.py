"""Two maps of the same points side by side, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ga2app.web.components.markup import escape

_SIDE, _EDGE = 400, 26
_OVER = 0.05
NAMED = 30
"""So many class names are written on the map; of more, names are seen by pointing at them."""


@dataclass(frozen=True)
class Dot:
    """A point on both maps. ``what`` is clip, class, anchor or negative; ``hue`` is an angle of the color circle.

    ``hollow`` draws a ring: novel classes. ``hint`` is what is told when one points at it.
    """

    what: str
    name: str
    hint: str
    hue: float
    hollow: bool
    before: tuple[float, float]
    after: tuple[float, float]


def scatter_pair(titles: tuple[str, str], dots: Sequence[Dot]) -> str:
    """Both maps on the same scale; empty text without any dots."""
    if not dots:
        return ""
    # Texts that stand for anything else may lie far away: they are drawn at the edge, not the rest in a corner.
    shown = [dot for dot in dots if dot.what in ("clip", "class")] or dots
    low, high = _bounds([dot.before for dot in shown] + [dot.after for dot in shown])
    named = sum(dot.what == "class" for dot in dots) <= NAMED
    maps = []
    order = sorted(dots, key=lambda dot: ("negative", "anchor", "clip", "class").index(dot.what))
    for place, title in enumerate(titles):
        drawn = "".join(_draw(dot, *_place((dot.before, dot.after)[place], low, high), named) for dot in order)
        said = f"map of clips and texts, {title}"
        maps.append(
            f'<figure><figcaption><h5>{escape(title)}</h5></figcaption><svg viewBox="0 0 {_SIDE} {_SIDE}" role="img" '
            f'aria-label="{escape(said)}">{drawn}</svg></figure>'
        )
    return f'<div class="maps">{"".join(maps)}</div>'


def _bounds(places: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], float]:
    """The lower left corner and the side of a square round all places."""
    (left, right), (bottom, top) = ((min(axis), max(axis)) for axis in zip(*places, strict=True))
    side = max(right - left, top - bottom, 1e-9)
    return ((left + right - side) / 2, (bottom + top - side) / 2), side


def _place(at: tuple[float, float], corner: tuple[float, float], side: float) -> tuple[float, float]:
    x, y = ((value - low) / side for value, low in zip(at, corner, strict=True))
    x, y = (max(-_OVER, min(1 + _OVER, value)) for value in (x, y))
    room = _SIDE - 2 * _EDGE
    return _EDGE + room * x, _SIDE - _EDGE - room * y


def _draw(dot: Dot, x: float, y: float, named: bool) -> str:
    shape = _SHAPES[dot.what](x, y)
    ring = " ring" if dot.hollow else ""
    word = ""
    if named and dot.what == "class":
        anchor = "start" if x < _SIDE / 3 else "end" if x > 2 * _SIDE / 3 else "middle"
        word = f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="{anchor}">{escape(dot.name)}</text>'
    tone = f'class="dot-{dot.what}{ring}" style="--hue:{dot.hue:.0f}"'
    return f"<g {tone}><title>{escape(dot.hint)}</title>{shape}{word}</g>"


def _circle(x: float, y: float) -> str:
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4"/>'


def _square(x: float, y: float) -> str:
    return f'<path d="M{x - 5:.1f},{y - 5:.1f}h10v10h-10z"/>'


def _diamond(x: float, y: float) -> str:
    return f'<path d="M{x:.1f},{y - 6:.1f}l6,6l-6,6l-6,-6z"/>'


def _cross(x: float, y: float) -> str:
    return f'<path d="M{x - 4:.1f},{y - 4:.1f}l8,8m0,-8l-8,8"/>'


_SHAPES: dict[str, Callable[[float, float], str]] = {
    "clip": _circle,
    "class": _square,
    "anchor": _diamond,
    "negative": _cross,
}
