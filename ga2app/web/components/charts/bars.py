"""Bars as HTML: pairs beside each other, and changes to the left and to the right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ga2app.web.components.markup import escape

MOST_CHANGES = 40
"""Longer lists of changes show their two ends."""
_ENDS = 15


@dataclass(frozen=True)
class Change:
    """A label's figure before and after, in percent; ``mark`` is HTML that stands behind its name."""

    name: str
    before: float
    after: float
    clips: int
    mark: str = ""


def compare_bars(
    title: str,
    rows: Sequence[tuple[str, str, float | None, float | None]],
    ranges: Mapping[str, tuple[str, str]] | None = None,
) -> str:
    """Pairs of bars in percent: name, color class, the value before (plain CLIP) and the value after.

    ``ranges`` has the intervals of both by the row's name, as texts.
    """
    items = []
    for name, tone, before, after in rows:
        if before is None and after is None:
            continue
        of_before, of_after = (ranges or {}).get(name, ("", ""))
        items.append(
            f'<li class="{tone}"><span class="name">{escape(name)}</span>'
            f"{_percent_bar('Plain CLIP', 'before', before, of_before)}"
            f"{_percent_bar('Bundle', 'after', after, of_after)}"
            f"{_change(before, after)}</li>"
        )
    if not items:
        return ""
    keys = '<ul class="keys"><li class="before"><span class="swatch"></span>Plain CLIP</li></ul>'
    head = f"<figcaption><h4>{escape(title)}</h4>{keys}</figcaption>"
    return f'<figure class="compare">{head}<ul>{"".join(items)}</ul></figure>'


def change_bars(title: str, changes: Sequence[Change]) -> str:
    """Diverging bars, the best change first; empty text without any."""
    if not changes:
        return ""
    ranked = sorted(changes, key=lambda change: (change.before - change.after, change.name))
    widest = max(max(abs(change.after - change.before) for change in ranked), 1.0)
    if len(ranked) <= MOST_CHANGES:
        items = "".join(_diverging(change, widest) for change in ranked)
    else:
        between = f'<li class="between">{len(ranked) - 2 * _ENDS} labels between these changed less</li>'
        ends = ("".join(_diverging(change, widest) for change in part) for part in (ranked[:_ENDS], ranked[-_ENDS:]))
        items = between.join(ends)
    better, worse = (sum(sign * (change.after - change.before) > 0.05 for change in ranked) for sign in (1, -1))
    told = f"{better} better, {worse} worse, {len(ranked) - better - worse} as before"
    return (
        f'<figure class="changes"><figcaption><h4>{escape(title)}</h4><span class="legend">{told}</span></figcaption>'
        f"<ul>{items}</ul></figure>"
    )


def _diverging(change: Change, widest: float) -> str:
    by = change.after - change.before
    tone = "up" if by > 0.05 else "down" if by < -0.05 else "same"
    width = 50 * abs(by) / widest
    left = 50 - width if by < 0 else 50
    said = f"{change.name}: plain CLIP {change.before:.1f} percent, bundle {change.after:.1f} percent"
    hint = f"{said}, {change.clips} test clips"
    return (
        f'<li title="{escape(hint)}"><span class="name">{escape(change.name)}{change.mark}</span>'
        f'<span class="rail" role="img" aria-label="{escape(said)}"><span class="fill {tone}" '
        f'style="left:{left:.2f}%;width:{width:.2f}%"></span></span>{_change(change.before, change.after)}'
        f'<span class="pair">{change.before:.0f} → {change.after:.0f}</span></li>'
    )


def _percent_bar(who: str, css: str, value: float | None, interval: str) -> str:
    if value is None:
        return ""
    width = max(0.0, min(100.0, value))
    return (
        f'<span class="track {css}" role="img" aria-label="{escape(who)}: {value:.1f} percent'
        f'{f", 95 percent interval {escape(interval)}" if interval else ""}"><span class="rail">'
        f'<span class="fill" style="width:{width:.1f}%"></span></span><em>{value:.1f}%'
        f"{f' <small>({escape(interval)})</small>' if interval else ''}</em></span>"
    )


def _change(before: float | None, after: float | None) -> str:
    if before is None or after is None:
        return ""
    change = after - before
    tone = "up" if change >= 0.05 else "down" if change <= -0.05 else "same"
    signed = f"{change:+.1f}".replace("-", "\u2212")
    return f'<span class="change {tone}">{signed}</span>'
