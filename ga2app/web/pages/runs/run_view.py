"""What the screen shows, from the store alone: the pieces of the page as HTML, and what its buttons depend on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ga2app.errors import StoreError
from ga2app.services.studio import Studio
from ga2app.store import RunFilter
from ga2app.types import REPORT, Report, RunRecord, RunState, read_report
from ga2app.web.components.markup import notice
from ga2app.web.pages.runs import run_progress as progress
from ga2app.web.pages.runs.compare import MOST
from ga2app.web.pages.runs.curves import Curves, RunCurve
from ga2app.web.pages.runs.listing import PAGE, list_html, page_text
from ga2app.web.pages.runs.logs import log_file, log_html, tail
from ga2app.web.pages.runs.report import report_html
from ga2app.web.pages.runs.run_settings import settings_html

PROGRESS, REPORT_TAB, SETTINGS, LOG = "progress", "report", "settings", "log"
SECTIONS = (PROGRESS, REPORT_TAB, SETTINGS, LOG)

PIECES = ("runs", "pages", "missing", "head", "result", "accuracy", "loss", "report", "settings", "log")


@dataclass(frozen=True)
class Look:
    """What a visitor looks at: a run and a section of its page, ticks, and which page of which list."""

    run_id: int | None = None
    section: str = PROGRESS
    compared: tuple[int, ...] = ()
    page: int = 0
    only: RunFilter = field(default_factory=RunFilter)


@dataclass(frozen=True)
class RunsView:
    """The pieces of the page. ``buttons`` is the state that the buttons depend on, ``waiting`` the queue."""

    run: RunRecord | None
    section: str
    compared: tuple[int, ...]
    page: int
    pages: str
    has_report: bool
    waiting: tuple[int, ...]
    more: bool
    buttons: str
    runs: str
    missing: str = ""
    head: str = ""
    result: str = ""
    accuracy: str = ""
    loss: str = ""
    report: str = ""
    settings: str = ""
    log: str = ""


class Viewer:
    """Draws what is looked at. Remembers curves and reports that it has read, never what a visitor does."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.curves = Curves(studio.store)
        self._reports: dict[int, tuple[int, Report | str]] = {}

    def view(self, look: Look) -> RunsView:
        """The whole page."""
        store = self._studio.store.runs
        run = find_run(self._studio, look.run_id)
        count = store.count(only=look.only)
        page = max(0, min(look.page, (count - 1) // PAGE))
        rows = store.list(limit=PAGE, offset=page * PAGE, only=look.only, queue_first=True)
        results = store.last_epochs([row.id for row in rows if row.state is RunState.DONE])
        waiting = tuple(store.waiting()) if any(row.state is RunState.QUEUED for row in rows) else ()
        compared = tuple(one.id for one in compared_runs(self._studio, look.compared))
        cards = list_html(
            rows,
            run.id if run else None,
            results,
            compared=compared,
            places={run_id: place for place, run_id in enumerate(waiting, 1)},
            filtered=look.only != RunFilter(),
        )
        has_report = bool(run and run.state is RunState.DONE and report_file(self._studio, run.id).exists())
        section = look.section if has_report or look.section != REPORT_TAB else PROGRESS
        about = (
            look.run_id if run is None else None,
            run and (run.id, run.state, run.bundle),
            section,
            compared,
            has_report,
        )
        pieces = self._run(run, section) if run else {}
        return RunsView(
            run=run,
            section=section,
            compared=compared,
            page=page,
            pages=page_text(page, count),
            has_report=has_report,
            waiting=waiting,
            more=(page + 1) * PAGE < count,
            buttons=repr((*about, waiting, page, count, self._studio.store.trash.last("runs"))),
            runs=cards,
            missing=missing_html(look.run_id) if run is None and look.run_id is not None else "",
            **pieces,
        )

    def report(self, run_id: int) -> Report | None:
        """The report of a run, read once; None where there is none. Raises StoreError for one that is damaged."""
        file = report_file(self._studio, run_id)
        try:
            written_ns = file.stat().st_mtime_ns
        except OSError:
            return None
        known = self._reports.get(run_id)
        if known is None or known[0] != written_ns:
            try:
                found: Report | str = read_report(file) or ""
            except StoreError as exc:
                found = str(exc)
            self._reports = {**dict(list(self._reports.items())[-8:]), run_id: (written_ns, found)}
            known = self._reports[run_id]
        if isinstance(known[1], str):
            raise StoreError(known[1])
        return known[1]

    def report_body(self, run: RunRecord) -> str:
        """The report as HTML, or why there is none."""
        try:
            report = self.report(run.id)
        except StoreError as exc:
            return notice("error", str(exc))
        if report is None:
            return notice("info", "It was trained before there were reports, or had no test clips.", "No report.")
        # Of runs with the same seed the newest speaks: they tell nothing about the spread. Runs on other clips none.
        data = self.curves.of(run.id).conditions.data
        same = {
            one.config.get("seed"): one.id
            for one in self._studio.store.runs.same_but_seed(run.id)
            if self.curves.of(one.id).conditions.data == data
        }
        finals = self._studio.store.runs.last_epochs(list(same.values()))
        return report_html(run, report, [event.values for event in finals.values()])

    def _run(self, run: RunRecord, section: str) -> dict[str, str]:
        studio, curve = self._studio, self.curves.of(run.id)
        title = studio.backbone_title(str(run.config.get("backbone", "?")))
        log = log_file(studio.home, run.id)
        head = progress.head_html(run, curve, title, studio.worker_alive())
        pieces = {"head": head + progress.why_html(run, tail(log, progress.FAILURE_LINES))}
        if section == PROGRESS:
            pieces |= _curves(run, curve)
        elif section == REPORT_TAB:
            pieces["report"] = self.report_body(run)
        elif section == SETTINGS:
            pieces["settings"] = settings_html(run, self._report_or_none(run.id), title, curve.conditions)
        else:
            pieces["log"] = log_html(tail(log))
        return pieces

    def _report_or_none(self, run_id: int) -> Report | None:
        try:
            return self.report(run_id)
        except StoreError:
            return None


def find_run(studio: Studio, run_id: int | None) -> RunRecord | None:
    """The run with that number or None; without a number the one that is worked on, the next, or the newest."""
    if run_id is not None:
        try:
            return studio.store.runs.get(int(run_id))
        except StoreError:
            return None
    return next(iter(studio.store.runs.list(limit=1, queue_first=True)), None)


def missing_html(run_id: int) -> str:
    """Shown in place of a run that an address names and nobody has: never another run under its address."""
    text = (
        "It was deleted, or the address is mistyped. Choose a run from the list; a deleted run comes back with 'Undo'."
    )
    return notice("warning", text, f"There is no run {run_id}." if run_id > 0 else "The address names no run.")


def compared_runs(studio: Studio, run_ids: Sequence[int]) -> list[RunRecord]:
    """Those of the runs that are still there, in their order."""
    found = []
    for run_id in run_ids[:MOST]:
        try:
            found.append(studio.store.runs.get(run_id))
        except StoreError:
            continue
    return found


def report_file(studio: Studio, run_id: int) -> Path:
    """Where the worker has put the run's report."""
    return studio.home.run_folder(run_id) / REPORT


def numbers(text: object) -> tuple[int, ...]:
    """Run numbers in a text such as "1,2,3", without what is none and without repetitions."""
    found = re.findall(r"(?<!\d)\d{1,9}(?!\d)", text) if isinstance(text, str) else []
    return tuple(dict.fromkeys(int(number) for number in found if int(number)))[:MOST]


def _curves(run: RunRecord, curve: RunCurve) -> dict[str, str]:
    return {
        "result": progress.result_html(run, curve),
        "accuracy": progress.accuracy_html(curve),
        "loss": progress.loss_html(curve),
    }
