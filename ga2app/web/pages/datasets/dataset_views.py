"""What the page of data sets shows, drawn from its templates."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from markupsafe import Markup

from ga2app.config import DEMO
from ga2app.datasets.annotation_writers import AnnotationFormat
from ga2app.datasets.import_report import FlawKind, flaws_of, report_csv
from ga2app.datasets.label_descriptions import format_descriptions
from ga2app.errors import ClipError, DatasetError
from ga2app.services.clip_inspector import picture_of
from ga2app.services.studio import Studio
from ga2app.store import DatasetRow
from ga2app.store.clip_pages import ClipFilter, ClipRow, LabelRow
from ga2app.store.import_records import ImportRow, ImportState, ReportOutline
from ga2app.stretches import shown_address
from ga2app.types import Subset
from ga2app.web.components.markup import busy, count_of, empty, kind_mark, locked, notice, notices, render, shortened

PAGE = 60
"""Clips on a page."""
LABELS, DESCRIPTIONS, MORE = "labels", "descriptions", "more"
"""Tabs whose content is drawn when they are chosen."""
FLAWS = 100
"""Clips with faults on a page of a report."""

_FORMS = {
    AnnotationFormat.CSV: "CSV: path, label, start, end",
    AnnotationFormat.WEBVTT: "WebVTT, for any player",
    AnnotationFormat.ELAN: "ELAN",
    AnnotationFormat.BORIS: "BORIS, tabular events",
    AnnotationFormat.LABEL_STUDIO: "Label Studio, predictions",
    AnnotationFormat.ACTIVITYNET: "ActivityNet",
}
_PICTURED = 240
_OUTCOMES = {
    ImportState.DONE: "was imported",
    ImportState.CANCELLED: "was cancelled",
    ImportState.FAILED: "could not be imported",
}


@dataclass(frozen=True)
class View:
    """What is shown: a data set, or without one the form that clips come in by, and which of its clips."""

    dataset_id: int | None = None
    label_id: int | None = None
    subset: str = ""
    text: str = ""
    page: int = 0
    tab: str = ""
    drawn: tuple[tuple[str, str], ...] = ()
    """By tab, what is drawn there: the data set, and a digest."""

    @property
    def filter(self) -> ClipFilter:
        return ClipFilter(self.label_id, Subset(self.subset) if self.subset in list(Subset) else None, self.text)


def answer_html(studio: Studio, message: str = "") -> str:
    """What the last action said, and the offer to undo the newest edit."""
    last = studio.datasets.last_edit()
    if last is None:
        return message
    undo = '<button type="button" data-do="undo" id="ds-undo">{}</button>'
    return message + '<div class="ds-bar">' + str(Markup(undo).format(shortened(last.offer))) + "</div>"


def list_html(studio: Studio, sets: Sequence[DatasetRow], chosen: int | None) -> str:
    """Data sets as links, and the way to a new one."""
    waiting = DEMO not in {row.name for row in sets}
    whose = {row.id: studio.ownership.whose(row) for row in sets}
    return str(render("dataset_list.html", sets=sets, whose=whose, chosen=chosen, waiting=waiting))


def head_html(studio: Studio, row: DatasetRow, labels: Sequence[LabelRow]) -> str:
    """Name, counts, and everything that stands in the way of training or measuring."""
    health = studio.datasets.health(row, labels)
    faults = Markup(notices("warning", list(health.faults), "Before you train:"))
    notes = Markup(notices("info", list(health.notes)))
    held = Markup(locked(studio.ownership.locked(row)))
    return str(render("dataset_head.html", row=row, locked=held, faults=faults, notes=notes))


def tab_content(studio: Studio, tab: str, row: DatasetRow, labels: Sequence[LabelRow]) -> str:
    """What one of the tabs of a data set holds: markup, or the sentences of its labels."""
    if tab == LABELS:
        return labels_html(row.id, labels, bool(studio.ownership.locked(row)))
    if tab == MORE:
        return whole_html(studio, row)
    return format_descriptions({one.name: one.descriptions or ("",) for one in labels})


def grid_html(studio: Studio, view: View, labels: Sequence[LabelRow], clips: Sequence[ClipRow], count: int) -> str:
    """One page of ``count`` clips, with the way to the others."""
    filtered = view.filter != ClipFilter()
    text = "No clip matches. Clear the filters to see all." if filtered else "This data set has no clips any more."
    return render(
        "clip_grid.html",
        nothing=Markup(notice("info", text)),
        labels=labels,
        clips=[_card(studio, clip) for clip in clips],
        count=count,
        first=view.page * PAGE + 1,
        page=view.page,
        pages=-(-count // PAGE),
    )


def _card(studio: Studio, clip: ClipRow) -> dict[str, Any]:
    picture = picture_of(studio, clip)
    return {
        "id": clip.id,
        "name": shown_address(clip.path),
        "label": clip.label,
        "subset": clip.subset.value,
        "seconds": clip.facts.seconds if clip.facts else None,
        "picture": studio.files.address(picture) if picture else "",
        "fault": "" if picture else studio.datasets.pictures.fault(clip.id),
    }


def pictures_made(studio: Studio, clips: Sequence[ClipRow]) -> dict[str, dict[str, str]]:
    """The addresses of pictures, and the reasons why there is none, by the numbers of clips."""
    cards = [_card(studio, clip) for clip in clips]
    return {
        str(card["id"]): {"picture": str(card["picture"]), "fault": card["fault"]}
        for card in cards
        if card["picture"] or card["fault"]
    }


def labels_html(dataset_id: int, labels: Sequence[LabelRow], locked: bool = False) -> str:
    """Every label with its mark and its counts; ``locked`` where whoever looks may not change them."""
    nothing = Markup(empty("No labels yet", "Import clips: each folder of the zip becomes a label."))
    most = max([1, *(label.clips for label in labels)])
    told = {"labels": labels, "most": most, "nothing": nothing, "locked": locked}
    return str(render("label_table.html", dataset_id=dataset_id, **told))


def whole_html(studio: Studio, row: DatasetRow) -> str:
    """Name, sharing, export and deletion of a data set."""
    forms = [(form.value, _FORMS[form]) for form in AnnotationFormat]
    return str(render("dataset_whole.html", row=row, sharing=studio.ownership.may_share(row), forms=forms))


def sample_html(studio: Studio, drawn: Mapping[str, Sequence[ClipRow]], shots: int, seed: int) -> str:
    """The drawn clips by label, with a word where a label has fewer than were asked for."""
    short = [f"{label} ({len(clips)})" for label, clips in drawn.items() if len(clips) < shots]
    few = notice("info", f"fewer than {shots} training clips, all of them taken: {', '.join(short)}") if short else ""
    shown, cards = 0, []
    for label, clips in drawn.items():
        cards.append(
            (label, [_card(studio, clip) | {"shown": shown + at < _PICTURED} for at, clip in enumerate(clips)])
        )
        shown += len(clips)
    told: dict[str, Any] = {"drawn": cards, "count": shown, "seed": seed, "few": Markup(few), "pictured": _PICTURED}
    return render("few_shot_sample.html", **told)


def player_html(studio: Studio, clip_id: int) -> str:
    """The player with a clip in it, or with the reason why it cannot be played."""
    try:
        clip, preview = studio.datasets.preview(clip_id)
    except (ClipError, DatasetError) as exc:
        return _player("Cannot be played", inside=Markup(notice("error", str(exc))))
    facts = clip.facts
    size = f"{facts.width} x {facts.height} pixels, {count_of(facts.frames, 'frame')}" if facts else ""
    length = f", {facts.seconds:.1f} s" if facts and facts.seconds else ""
    return _player(
        clip.label,
        mark=Markup(kind_mark(clip.kind)),
        video=studio.files.address(preview),
        file=shown_address(clip.path),
        facts=f"{clip.subset.value} · {size}{length}",
    )


def waiting_player_html() -> str:
    """The player while a clip is being opened."""
    return _player("Player", inside=Markup(busy("Opening the clip…")), waiting=True)


def _player(title: str, **told: Any) -> str:
    given = {"mark": "", "video": "", "file": "", "facts": "", "inside": "", "waiting": False, **told}
    return str(render("clip_player.html", title=title, opened=time.time_ns(), **given))


def progress_of(row: ImportRow | None) -> dict[str, Any] | None:
    """How far the running import is, in percent and in words."""
    if row is None or row.state is not ImportState.RUNNING:
        return None
    count = f"{row.done:,} of {row.total:,}" if row.total else ""
    told = f"{row.stage or 'Starting'} {count}".strip() + ". You may leave or reload this page; the import goes on."
    if row.cancelled:
        told = "Cancelling: nothing of it will be kept."
    return {"share": round(100 * row.done / row.total) if row.total else 0, "told": told}


def panel_html(studio: Studio, import_id: int | None = None, page: int = 0) -> str:
    """The import under way; else a page of what ``import_id``, or the newest, has found, and the way to the others."""
    rows = studio.store.imports.latest()
    ended = [row for row in rows if row.state is not ImportState.RUNNING]
    running = next((row for row in rows if row.state is ImportState.RUNNING), None)
    shown = next((row for row in ended if row.id == import_id), ended[0] if ended else None)
    report = studio.imports.outline(shown.id) if shown else ReportOutline({}, {}, {})
    count = report.lengths.get("flaws", 0)
    page = max(0, min(page, (count - 1) // FLAWS))
    listed = studio.store.imports.flaws(shown.id, limit=FLAWS, offset=page * FLAWS) if shown and count else []
    return render(
        "import_panel.html",
        running=running,
        progress=progress_of(running),
        ended=ended,
        shown=shown,
        outcome=_OUTCOMES.get(shown.state, "") if shown else "",
        verdict=Markup(_verdict(shown, report) if shown else ""),
        dataset_id=report.told.get("dataset_id"),
        notes=Markup(notices("info", list(report.told.get("notes", ())))),
        flaws=flaws_of({"flaws": listed}),
        csv=quote(report_csv({"flaws": listed})),
        count=count,
        kinds=", ".join(f"{number:,} {kind}" for kind, number in report.kinds.items()),
        first=page * FLAWS + 1,
        page=page,
        pages=-(-count // FLAWS),
    )


def _verdict(row: ImportRow, report: ReportOutline) -> str:
    if row.state is not ImportState.DONE:
        return notice("info" if row.state is ImportState.CANCELLED else "error", row.error or "")
    told, left_out = report.told, report.kinds.get(FlawKind.LEFT_OUT.value, 0)
    were = "was" if left_out == 1 else "were"
    return notice(
        "success",
        f"{count_of(told.get('clips', 0), 'clip')} went in: {told.get('train', 0):,} for training and "
        f"{told.get('test', 0):,} for testing, {count_of(told.get('base', 0), 'base label')} and "
        f"{count_of(told.get('novel', 0), 'novel label')}. {left_out:,} {were} left out.",
    )
