"""What the page of long videos shows: the timeline, probabilities over time, and the table that is edited."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ga2app.stretches import seconds
from ga2app.web.components.charts import Line, line_chart
from ga2app.web.components.markup import count_of, empty, notice, notices, percent, render
from ga2app.web.components.timeline import Bar, timeline_html
from ga2app.web.pages.timeline.stretch_edits import ROWS, Work

CURVES = 4
"""Labels whose probabilities are drawn: those with the most time."""


def intro_html() -> str:
    """Before there is an answer."""
    return empty(
        "What happens when?",
        "Drop a long video on the left, and type what can happen in it.",
        "A window slides over it: you get stretches with labels, which you correct, export, or train on.",
    )


def told_html(work: Work) -> str:
    """What the answer rests on."""
    found = work.found
    assert found is not None
    who = "the bundle" if found.bundle else "zero-shot CLIP"
    windows = count_of(len(found.starts_s), "window")
    said = (
        f"{count_of(len(work.stretches), 'stretch')} from {windows} of {seconds(round(found.window_s, 3))} s, by {who}."
    )
    return notice("success", said, found.file) + (notices("warning", found.notes) if found.notes else "")


def drawing_html(work: Work) -> str:
    """The timeline, and the probabilities of the labels with the most time."""
    found = work.found
    assert found is not None
    bars = [Bar(one.start, one.end, one.label, one.probability) for one in work.stretches]
    middles = found.starts_s + found.window_s / 2
    places = np.argsort(-found.probabilities.sum(axis=0))[:CURVES]
    lines = [
        Line(found.labels[place], f"run-tone-{tone}", _thinned(middles, 100 * found.probabilities[:, place]))
        for tone, place in enumerate(places.tolist())
    ]
    chart = line_chart("Probability", lines, x_name="s", x_end=found.end, unit="%")
    return f"{timeline_html(found.file, bars, found.end, found.start)}<div class='timeline-curves'>{chart}</div>"


def _thinned(times: np.ndarray, values: np.ndarray, most: int = 300) -> list[tuple[float, float]]:
    """At most ``most`` points: of more the means of neighbors, so that no peak is made up or lost by chance."""
    parts = min(most, len(times))
    groups = zip(np.array_split(times, parts), np.array_split(values, parts), strict=True)
    return [(float(some.mean()), float(these.mean())) for some, these in groups]


def editor_html(work: Work) -> str:
    """The table in which stretches are corrected."""
    found = work.found
    assert found is not None
    first = min(work.first, max(0, len(work.stretches) - 1)) // ROWS * ROWS
    rows = [
        (number, seconds(round(one.start, 3)), seconds(round(one.end, 3)), one.label,
         "by hand" if one.probability is None else percent(one.probability))
        for number, one in enumerate(work.stretches[first : first + ROWS], start=first)
    ]  # fmt: skip
    labels = list(dict.fromkeys([*found.labels, *(one.label for one in work.stretches)]))
    return str(
        render(
            "stretch_editor.html",
            rows=rows,
            labels=labels,
            before=max(0, first - ROWS) if first else None,
            after=first + ROWS if first + ROWS < len(work.stretches) else None,
            total=len(work.stretches),
            undo=bool(work.past),
        )
    )


def link_html(link: str, file: Path) -> str:
    """A file to download."""
    return str(render("exported_file.html", file=file, address=link, bytes=file.stat().st_size))


def added_html(said: str, dataset: int) -> str:
    """What was added, and where to go on."""
    return str(render("timeline_added.html", said=said, dataset=dataset))
