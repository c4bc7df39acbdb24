"""Whether the percentages of a run can be believed: the report's section on calibration and open-set rejection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from ga2app.types import Calibration, Confidence, Report
from ga2app.types.reliability_types import BINS, RULES, SCORES, UNKNOWN
from ga2app.web.components.markup import render

_SIDE = 150
"""Units of a diagram's own coordinates; the page scales them."""


def confidence_html(report: Report, prefix: str, groups: Mapping[str, str], zero_shot: str) -> Markup:
    """The section, from what the run stored; empty in reports of before. ``groups`` are titles by key."""
    models = [(title, report.believed(name)) for title, name in ((zero_shot, "plain"), ("Bundle", "bundle"))]
    models = [(title, found) for title, found in models if found.before or found.rejection or found.notes]
    if not models:
        return Markup()
    shown = [(title, key) for key, title in groups.items() if any(key in found.before for _, found in models)]
    bundle = report.believed("bundle")
    return render(
        "run_confidence.html",
        prefix=prefix,
        lead=_lead(bundle),
        temperature=bundle.temperature,
        groups=shown,
        rows=[(title, [_cell(found, key) for _, key in shown]) for title, found in models],
        diagrams=[(title, [one for model in models for one in _diagrams(*model, key, title)]) for title, key in shown],
        rejections=[
            (title, UNKNOWN.get(one.unknown, one.unknown), SCORES.get(one.score, one.score), one)
            for title, found in models
            for one in found.rejection
        ],
        notes=[f"{title}: {note}" for title, found in models for note in found.notes],
        rules=[*RULES.items()],
    )


def _lead(found: Confidence) -> str:
    """How sure the bundle is of what it was not trained on, in a sentence; empty without such a figure."""
    key = next((group for group in ("novel", "base") if group in found.before), "")
    if not key:
        return ""
    one, after = found.before[key], found.after.get(key)
    apart = one.confidence - one.accuracy
    word = "surer than it is right" if apart > 0 else "less sure than it is right"
    text = f"On {key} labels the bundle says {one.confidence:.0f}% on average and is right in {one.accuracy:.0f}%: "
    text += f"{word}, by {abs(apart):.1f} points."
    return text + (f" With its temperature it says {after.confidence:.0f}%." if after else "")


def _cell(found: Confidence, key: str) -> str:
    """ECE without and with the temperature."""
    if key not in found.before:
        return "–"
    after = f" → {found.after[key].ece:.1f}" if key in found.after else ""
    return f"{found.before[key].ece:.1f}{after}"


def _diagrams(
    title: str, found: Confidence, key: str, group: str
) -> list[tuple[str, str, Sequence[dict[str, object]]]]:
    """Title, what a screen reader says, and bars of each diagram of one model and group."""
    heat = found.temperature.value
    pairs = [(title, found.before.get(key)), (f"{title}, temperature {heat or 1:.2f}", found.after.get(key))]
    return [
        (name, f"reliability diagram, {group}, {name}: ECE {one.ece:.1f}% over {one.clips} clips", _bars(one))
        for name, one in pairs
        if one is not None
    ]


def _bars(one: Calibration) -> list[dict[str, object]]:
    """A bar for each bin that has clips: how often they are right, and a mark at their mean percentage."""
    width, most = _SIDE / BINS, max(clips for clips, _, _ in one.bins)
    return [
        {
            "x": place * width,
            "width": width,
            "height": right * _SIDE / 100,
            "mark": _SIDE - sure * _SIDE / 100,
            "strength": 0.25 + 0.75 * clips / most,
            "hint": f"{clips} clips with {sure:.0f}% on average: {right:.0f}% right",
        }
        for place, (clips, sure, right) in enumerate(one.bins)
        if clips
    ]
