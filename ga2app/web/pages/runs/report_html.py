"""The report of a finished run, drawn from its stored numbers. It needs no script: a file can hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath

from markupsafe import Markup

from ga2app.services.run_comparison import spreads
from ga2app.types import (
    GROUPS,
    LEAST_LABELS,
    ChangedClip,
    LabelKind,
    ModelReport,
    Report,
    RunRecord,
    figure_text,
    intervals,
    rests_on,
)
from ga2app.web.components import charts
from ga2app.web.components.markup import kind_mark, render, tone_of
from ga2app.web.pages.runs.confidence_view import confidence_html
from ga2app.web.pages.runs.run_settings_view import adjusted_html

ZERO_SHOT = "Zero-shot CLIP"
GROUP_TITLES = {"base": "Base labels", "novel": "Novel labels", "joint": "All labels together"}
_GROUP_HELP = {
    "base": "Clips of trained labels, answered among the trained labels.",
    "novel": "Clips of labels never trained on, answered among these.",
    "joint": "All clips, answered among all labels at once: harder, and closer to real use.",
}
_MEASURES = (
    ("top1", "Top-1", "The first answer is right."),
    ("top5", "Top-5", "The right label is among the first five answers."),
    ("mean_class", "Mean per label", "Top-1 of each label, averaged: rare labels count as much as frequent ones."),
)
MEANS = {"base": "Base", "novel": "Novel", "hm": "HM"}
SHOWN = 24
"""Changed clips of either direction that are shown; the numbers tell of all."""

_GOLDEN_DEGREES = 137.5
_WORDS = {"up": "helped", "down": "did harm", "same": "changed nothing"}


def report_html(run: RunRecord, report: Report, seeds: Sequence[Mapping[str, float]] = ()) -> Markup:
    """The whole report. ``seeds`` are the final figures of runs that differ in their seed alone, this one too."""
    groups = [group for group in GROUPS if group in report.bundle.groups]
    models = (("Bundle", report.bundle), (ZERO_SHOT, report.plain))
    used, tested = report.conditions, report.tested()
    over_seeds = spreads(seeds, [*MEANS]) if len(seeds) > 1 else {}
    return render(
        "run_report.html",
        prefix=f"run-{run.id}",
        summary=_summary(report),
        gained=report.gained,
        lost=report.lost,
        rests=charts.rests_html(tested, legend=False),
        adjusted=adjusted_html(used),
        sources="; ".join(text for text in (used.anchors, used.negatives) if text),
        means=[*MEANS.items()],
        mean_rows=_mean_rows(report),
        rests_on=rests_on(tested),
        baselines=report.baselines,
        described=report.described,
        groups=[(GROUP_TITLES[group], _GROUP_HELP[group], group) for group in groups],
        measures=_MEASURES,
        measured=[
            (title, [_measured(report, model, group, key) for group in groups for key, _, _ in _MEASURES])
            for title, model in reversed(models)
        ],
        seeds=[(MEANS[key], spread) for key, spread in over_seeds.items()],
        seed_count=len(seeds),
        matrices={group: [(title, _matrix(report, model, group)) for title, model in models] for group in groups},
        believed=confidence_html(report, f"run-{run.id}", {group: GROUP_TITLES[group] for group in groups}, ZERO_SHOT),
        changes=_changes(report),
        sides=_sides(report),
        map=charts.scatter_pair((ZERO_SHOT, "With the bundle"), _dots(report)),
        kinds={point.what for point in report.points},
        map_share=[f"{share:.0f}" for share in report.map_share],
        clips_mapped=report.clips_mapped,
    )


def _summary(report: Report) -> dict[str, object] | None:
    """Whether training helped; None where nothing was measured."""
    before, after = report.plain.metrics, report.bundle.metrics
    key = "hm" if "hm" in after else "base"
    if key not in after or key not in before:
        return None
    return {
        "word": _WORDS[tone_of(after[key] - before[key])],
        "name": "HM" if key == "hm" else "base accuracy",
        "before": before[key],
        "after": after[key],
        "interval": intervals(after, report.tested()).get(key),
        "clips": sum(report.bundle.groups[side].clips for side in ("base", "novel") if side in report.bundle.groups),
    }


def _mean_rows(report: Report) -> list[tuple[str, list[str]]]:
    """Base, novel and HM of zero-shot CLIP, the baselines and the bundle; of the first and last with all labels."""
    rows = [(ZERO_SHOT, report.plain.metrics)]
    rows += [(one.title, one.metrics) for one in report.baselines]
    rows.append(("Bundle", report.bundle.metrics))
    for title, side in ((ZERO_SHOT, "plain"), ("Bundle", "bundle")):
        if side in report.described:
            rows.append((f"{title}, with descriptions of {report.described['labels']} labels", report.described[side]))
    if report.bundle.joint_metrics:
        rows.append((f"{ZERO_SHOT}, all labels together", report.plain.joint_metrics))
        rows.append(("Bundle, all labels together", report.bundle.joint_metrics))
    return [(title, [figure_text(key, values, report.tested()) for key in MEANS]) for title, values in rows]


def _measured(report: Report, model: ModelReport, group: str, key: str) -> str:
    """A measure of a group; a dash for what was not measured, or is so by construction."""
    found, alone = model.groups.get(group), len(report.labels(group)) < LEAST_LABELS
    value = getattr(found, key) if found and not alone else None
    return "–" if value is None else f"{value:.1f}"


def _matrix(report: Report, model: ModelReport, group: str) -> Markup:
    return charts.confusion_html(charts.Confusion(report.labels(group), model.groups[group].confusion))


def _changes(report: Report) -> Markup:
    changes = []
    for group in ("base", "novel"):
        if group not in report.bundle.groups:
            continue
        after, before = report.bundle.groups[group].per_class, report.plain.groups[group].per_class
        totals = charts.Confusion(report.labels(group), report.bundle.groups[group].confusion).totals()
        mark = Markup(kind_mark(LabelKind(group)))
        changes += [
            charts.Change(name, before.get(name, 0.0), after[name], totals.get(place, 0), mark)
            for place, name in enumerate(report.labels(group))
            if name in after
        ]
    return charts.change_bars("Percent of each label's clips", changes)


def _sides(report: Report) -> list[tuple[str, str, list[tuple[ChangedClip, str]], int]]:
    """Clips that became right, and that became wrong: title, tone, those shown, and how many more there are."""
    sides = []
    for gained, count, told in ((True, report.gained, "became right"), (False, report.lost, "became wrong")):
        clips = [clip for clip in report.changed if clip.gained is gained][:SHOWN]
        if clips:
            shown = [(clip, PurePath(clip.path.replace("\\", "/")).name) for clip in clips]
            sides.append((f"{count} {told}", "up" if gained else "down", shown, count - len(clips)))
    return sides


def _dots(report: Report) -> list[charts.Dot]:
    places = {label: place for place, label in enumerate((*report.base, *report.novel))}
    hints = {
        "clip": "{0.name}: {0.label} ({0.kind})",
        "class": "the label {0.name} ({0.kind})",
        "anchor": "anchor: {0.name}",
        "negative": "negative prompt: {0.name}",
    }
    return [
        charts.Dot(
            *(point.what, point.name, hints[point.what].format(point)),
            *(places.get(point.label, 0) * _GOLDEN_DEGREES % 360, point.kind is LabelKind.NOVEL),
            *(point.before, point.after),
        )
        for point in report.points
    ]
