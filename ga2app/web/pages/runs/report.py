"""The report of a finished run as HTML, drawn from its stored numbers. It needs no script: a file can hold it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ga2app.types import (
    GROUPS,
    LEAST_LABELS,
    ChangedClip,
    Conditions,
    LabelKind,
    ModelReport,
    Report,
    RunRecord,
    figure_text,
    intervals,
    rests_on,
)
from ga2app.web.components.charts import Change, Confusion, Dot, change_bars, confusion_html, scatter_pair
from ga2app.web.components.markup import escape, kind_mark
from ga2app.web.pages.runs.compare import Spread, spread_of
from ga2app.web.pages.runs.standing import adjusted_html, rests_html

GROUP_TITLES = {"base": "Base labels", "novel": "Novel labels", "joint": "All labels together"}
_GROUP_HELP = {
    "base": "Clips of trained labels, answered among the trained labels.",
    "novel": "Clips of labels never trained on, answered among these.",
    "joint": "All clips, answered among all labels at once: harder, and closer to real use.",
}
_MEASURES: tuple[tuple[str, str, str], ...] = (
    ("top1", "Top-1", "The first answer is right."),
    ("top5", "Top-5", "The right label is among the first five answers."),
    ("mean_class", "Mean per label", "Top-1 of each label, averaged: rare labels count as much as frequent ones."),
)
_MEANS = (("base", "Base"), ("novel", "Novel"), ("hm", "HM"))
SHOWN = 24
"""Changed clips of either direction that are shown; the numbers tell of all."""

_GOLDEN_DEGREES = 137.5


def report_html(run: RunRecord, report: Report, seeds: Sequence[Mapping[str, float]] = ()) -> str:
    """The whole report. ``seeds`` are the final figures of runs that differ in their seed alone, this one too."""
    parts = (
        _summary(report),
        _figures(report),
        _seeds(seeds),
        _matrices(f"run-{run.id}", report),
        _changes(report),
        _clips(report),
        _map(report),
    )
    return f'<article class="report">{"".join(parts)}</article>'


def _summary(report: Report) -> str:
    before, after = report.plain.metrics, report.bundle.metrics
    key = "hm" if "hm" in after else "base"
    name = "HM" if key == "hm" else "base accuracy"
    if key not in after or key not in before:
        return '<p class="lead">There was nothing to measure.</p>'
    by = after[key] - before[key]
    word = "helped" if by >= 0.05 else "did harm" if by <= -0.05 else "changed nothing"
    clips = sum(report.bundle.groups[group].clips for group in ("base", "novel") if group in report.bundle.groups)
    changed = f"{report.gained} became right and {report.lost} became wrong"
    tested = report.tested()
    interval = intervals(after, tested).get(key)
    chance = f" (95 % interval {interval})" if interval else ""
    return (
        f'<p class="lead">Training <b>{word}</b>: {name} went from {before[key]:.1f} to <b>{after[key]:.1f}</b>'
        f"{chance}. Of {clips} test clips {changed}.</p>{rests_html(tested, legend=False)}"
        f"{adjusted_html(report.conditions)}{_sources(report.conditions)}"
    )


def _sources(used: Conditions) -> str:
    """Where anchors and negative prompts came from, of a run that used them."""
    told = "; ".join(text for text in (used.anchors, used.negatives) if text)
    return f'<p class="legend">Trained with {escape(told)}.</p>' if told else ""


def _figures(report: Report) -> str:
    heads = "".join(
        f'<th scope="col" colspan="3" title="{escape(_GROUP_HELP[group])}">{GROUP_TITLES[group]}</th>'
        for group in GROUPS
        if group in report.bundle.groups
    )
    groups = [group for group in GROUPS if group in report.bundle.groups]
    second = "".join(
        f'<th scope="col" title="{escape(help_)}">{name}</th>' for _ in groups for _, name, help_ in _MEASURES
    )
    rows = []
    for title, model in (("Plain CLIP", report.plain), ("Bundle", report.bundle)):
        cells = "".join(
            f"<td>{_measured(report, model, group, key)}</td>" for group in groups for key, _, _ in _MEASURES
        )
        rows.append(f'<tr><th scope="row">{title}</th>{cells}</tr>')
    helps = "".join(f"<li><b>{GROUP_TITLES[group]}</b> {_GROUP_HELP[group]}</li>" for group in groups)
    return (
        f'<section><h3>Figures</h3>{_means(report)}<div class="scroll"><table class="plain figures"><caption>'
        f"Percent of test clips</caption><thead><tr><td></td>{heads}</tr><tr><td></td>{second}</tr></thead>"
        f'<tbody>{"".join(rows)}</tbody></table></div><ul class="legend">{helps}</ul></section>'
    )


def _measured(report: Report, model: ModelReport, group: str, key: str) -> str:
    """A measure of a group; a dash for what was not measured, or is so by construction."""
    found, alone = model.groups.get(group), len(report.labels(group)) < LEAST_LABELS
    value = getattr(found, key) if found and not alone else None
    return "–" if value is None else f"{value:.1f}"


def _means(report: Report) -> str:
    """Base, novel and HM of both, in their own group and with all labels competing."""
    tested = report.tested()

    def row(title: str, values: Mapping[str, float]) -> str:
        cells = "".join(f"<td>{figure_text(key, values, tested)}</td>" for key, _ in _MEANS)
        return f'<tr><th scope="row">{title}</th>{cells}</tr>'

    rows = row("Plain CLIP", report.plain.metrics) + row("Bundle", report.bundle.metrics)
    if report.bundle.joint_metrics:
        rows += row("Plain CLIP, all labels together", report.plain.joint_metrics)
        rows += row("Bundle, all labels together", report.bundle.joint_metrics)
    heads = "".join(f'<th scope="col">{name}</th>' for _, name in _MEANS)
    return (
        '<div class="scroll"><table class="plain figures"><caption>Base, novel and their harmonic mean (HM)</caption>'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
        f'<p class="legend">{escape(rests_on(tested))}</p>'
    )


def seeds_spread(seeds: Sequence[Mapping[str, float]]) -> dict[str, Spread]:
    """Mean and deviation of base, novel and HM over seeds."""
    spreads = {key: spread_of([final[key] for final in seeds if key in final]) for key, _ in _MEANS}
    return {key: spread for key, spread in spreads.items() if spread is not None}


def _seeds(seeds: Sequence[Mapping[str, float]]) -> str:
    if len(seeds) < 2:
        return ""
    spreads = seeds_spread(seeds)
    told = ", ".join(f"{name} <b>{spreads[key]}</b>" for key, name in _MEANS if key in spreads)
    return f"<section><h3>{len(seeds)} seeds</h3><p>Mean ± std over runs with the same settings: {told}.</p></section>"


def _matrices(prefix: str, report: Report) -> str:
    def of(model: ModelReport, group: str) -> str:
        return confusion_html(Confusion(report.labels(group), model.groups[group].confusion))

    groups = [group for group in GROUPS if group in report.bundle.groups]
    if not groups:
        return ""
    sides = (("Bundle", report.bundle), ("Plain CLIP", report.plain))
    panes = [
        (
            GROUP_TITLES[group],
            _switch(f"{prefix}-{group}", "Model", [(title, of(model, group)) for title, model in sides]),
        )
        for group in groups
    ]
    return f"<section><h3>What is taken for what</h3>{_switch(f'{prefix}-groups', 'Labels', panes)}</section>"


def _switch(name: str, label: str, panes: Sequence[tuple[str, str]]) -> str:
    """Panes of which one is shown, switched by the style sheet alone; printed, all are shown."""
    inputs = "".join(
        f'<input type="radio" name="{name}" id="{name}-{place}"{" checked" if not place else ""}>'
        f'<label for="{name}-{place}">{escape(title)}</label>'
        for place, (title, _) in enumerate(panes)
    )
    shown = "".join(f'<section><h4 class="printed">{escape(title)}</h4>{html}</section>' for title, html in panes)
    return f'<div class="panes" role="group" aria-label="{escape(label)}">{inputs}{shown}</div>'


def _changes(report: Report) -> str:
    changes = []
    for group in ("base", "novel"):
        if group not in report.bundle.groups:
            continue
        after, before = report.bundle.groups[group].per_class, report.plain.groups[group].per_class
        totals = Confusion(report.labels(group), report.bundle.groups[group].confusion).totals()
        mark = kind_mark(LabelKind(group))
        changes += [
            Change(name, before.get(name, 0.0), after[name], totals.get(place, 0), mark)
            for place, name in enumerate(report.labels(group))
            if name in after
        ]
    drawn = change_bars("Percent of each label's clips", changes)
    return f"<section><h3>Label by label, against plain CLIP</h3>{drawn}</section>" if drawn else ""


def _clips(report: Report) -> str:
    if not report.changed:
        return "<section><h3>Clips that changed sides</h3><p>None: both were right on the same clips.</p></section>"
    gained, lost = ([clip for clip in report.changed if clip.gained is better] for better in (True, False))
    parts = (
        _changed(f"{report.gained} became right", "up", gained, report.gained),
        _changed(f"{report.lost} became wrong", "down", lost, report.lost),
    )
    return f'<section><h3>Clips that changed sides</h3><div class="sides">{"".join(parts)}</div></section>'


def _changed(title: str, tone: str, clips: Sequence[ChangedClip], count: int) -> str:
    if not clips:
        return ""
    shown = clips[:SHOWN]
    more = f'<p class="legend">{count - len(shown)} more are counted, not shown.</p>' if count > len(shown) else ""
    items = "".join(_changed_clip(clip) for clip in shown)
    return f'<div><h4 class="change {tone}">{title}</h4><ul class="changed">{items}</ul>{more}</div>'


def _changed_clip(clip: ChangedClip) -> str:
    name = clip.path.replace("\\", "/").rpartition("/")[2]
    picture = (
        f'<img src="data:image/jpeg;base64,{escape(clip.thumbnail)}" alt="" loading="lazy">'
        if clip.thumbnail
        else '<span class="no-picture" aria-hidden="true"></span>'
    )
    return (
        f"<li>{picture}<div><b>{escape(clip.label)}</b>{kind_mark(clip.kind)}<br>"
        f"<span>plain CLIP: {escape(clip.plain)}</span><br><span>bundle: {escape(clip.bundle)}</span>"
        f"<br><small>{escape(name)}</small></div></li>"
    )


def _map(report: Report) -> str:
    labels = (*report.base, *report.novel)
    places = {label: place for place, label in enumerate(labels)}
    titles: dict[str, Callable[[str, str, LabelKind], str]] = {
        "clip": lambda name, label, kind: f"{name}: {label} ({kind})",
        "class": lambda name, label, kind: f"the label {name} ({kind})",
        "anchor": lambda name, label, kind: f"anchor: {name}",
        "negative": lambda name, label, kind: f"negative prompt: {name}",
    }
    dots = [
        Dot(
            point.what,
            point.name,
            titles[point.what](point.name, point.label, point.kind),
            places.get(point.label, 0) * _GOLDEN_DEGREES % 360,
            point.kind is LabelKind.NOVEL,
            point.before,
            point.after,
        )
        for point in report.points
    ]
    before, after = (f"{share:.0f}" for share in report.map_share)
    drawn = scatter_pair(("Plain CLIP", "With the bundle"), dots)
    if not drawn:
        return ""
    kinds = {point.what for point in report.points}
    keys = "".join(
        f'<li class="dot-{what}"><svg viewBox="0 0 16 16" aria-hidden="true">{shape}</svg>{text}</li>'
        for what, text, shape in (
            ("clip", "clip (ring: of a novel label)", '<circle cx="8" cy="8" r="4"/>'),
            ("class", "label", '<path d="M3 3h10v10h-10z"/>'),
            ("anchor", "anchor clip", '<path d="M8 2l6 6l-6 6l-6-6z"/>'),
            ("negative", "negative prompt", '<path d="M4 4l8 8m0-8l-8 8"/>'),
        )
        if what in kinds
    )
    return (
        f'<section><h3>Map of clips and labels</h3>{drawn}<ul class="map-keys">{keys}</ul>'
        f'<p class="legend">Each label has a color; its clips should lie together, and near its square. Both maps look '
        f"in the same two directions, those in which clips and labels differ most; they hold {before} % (plain CLIP) "
        f"and {after} % (bundle) of the differences: what lies together here may still be apart. Point at a mark to "
        f"see what it is. Clips shown: {report.clips_mapped}.</p></section>"
    )
