"""What figures stand on, as HTML: test clips, intervals, and what a run could not use as it was asked for."""

from __future__ import annotations

from collections.abc import Mapping

from ga2app.types import Adjustment, Conditions, SampleSize, cautions, intervals, rests_on
from ga2app.web.components.markup import escape, notices
from ga2app.web.pages.runs.run_messages import label_of, spoken


def ranges_of(
    before: Mapping[str, float], after: Mapping[str, float], tested: Mapping[str, SampleSize], names: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """The intervals of both sides as texts, by what ``names`` calls a figure."""
    one, other = intervals(before, tested), intervals(after, tested)
    return {name: (str(one.get(key, "")), str(other.get(key, ""))) for key, name in names.items()}


def rests_html(tested: Mapping[str, SampleSize], *, legend: bool = True) -> str:
    """On how many test clips the figures rest (with ``legend``), and why they say less than they seem to."""
    told = rests_on(tested) if legend else ""
    line = f'<p class="legend">{escape(told)}</p>' if told else ""
    warnings = cautions(tested)
    return line + (notices("warning", warnings, "Read the figures with care:") if warnings else "")


def adjusted_text(one: Adjustment) -> str:
    """A setting that was not used as asked, in one sentence."""
    asked, used = spoken(one.asked, one.setting), spoken(one.used, one.setting)
    return f"{label_of(one.setting)}: {asked} was asked for and {used} was used, because {one.reason}."


def adjusted_html(conditions: Conditions) -> str:
    """All settings that were not used as asked; empty where there are none."""
    texts = [adjusted_text(one) for one in conditions.adjustments]
    return notices("warning", texts, "Not as asked for:") if texts else ""
