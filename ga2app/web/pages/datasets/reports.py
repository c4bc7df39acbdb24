"""An import under way, and what an import found."""

from __future__ import annotations

from collections import Counter
from urllib.parse import quote

from ga2app.datasets.import_report import Flaw, FlawKind, flaws_of, report_csv
from ga2app.store.import_records import ImportRow, ImportState
from ga2app.web.components.markup import ago, count_of, escape, notice, notices

REPORT_JS = """
element.addEventListener('click', event => {
  const open = event.target.closest('[data-set]');
  if (open) trigger('click', {set: Number(open.dataset.set)});
});
"""

_SHOWN = 500
_TITLES = {
    ImportState.RUNNING: "is being imported",
    ImportState.DONE: "was imported",
    ImportState.CANCELLED: "was cancelled",
    ImportState.FAILED: "could not be imported",
}


def progress_html(row: ImportRow | None) -> str:
    """How far the running import is; nothing where none is."""
    if row is None or row.state is not ImportState.RUNNING:
        return ""
    share = 100 * row.done / row.total if row.total else 0
    count = f"{row.done:,} of {row.total:,}" if row.total else ""
    stage = f"{row.stage or 'Starting'} {count}".strip() + ". You may leave or reload this page; the import goes on."
    if row.cancelled:
        stage = "Cancelling: nothing of it will be kept."
    meter = (
        f'<div class="meter" role="progressbar" aria-label="Import" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{share:.0f}"><span style="width:{share:.1f}%"></span></div>'
        if row.total
        else '<div class="busy"><span class="sweep"></span></div>'
    )
    return (
        f'<section class="ds-progress"><p><b>{escape(row.name)}</b> from {escape(row.source)}</p>{meter}'
        f'<p class="pace" role="status">{escape(stage)}</p></section>'
    )


def report_html(row: ImportRow | None) -> str:
    """What an import found: the outcome, and every clip with a fault, its reason and the fix."""
    if row is None or row.state is ImportState.RUNNING:
        return ""
    report = row.report or {}
    flaws = flaws_of(report)
    count = Counter(flaw.kind for flaw in flaws)
    tone = {ImportState.DONE: "success", ImportState.CANCELLED: "info"}.get(row.state, "error")
    if row.state is ImportState.DONE:
        text = (
            f"{count_of(report.get('clips', 0), 'clip')} went in: {report.get('train', 0):,} for training and "
            f"{report.get('test', 0):,} for testing, {count_of(report.get('base', 0), 'base label')} and "
            f"{count_of(report.get('novel', 0), 'novel label')}. "
            f"{count[FlawKind.LEFT_OUT]:,} {'was' if count[FlawKind.LEFT_OUT] == 1 else 'were'} left out."
        )
    else:
        text = row.error or ""
    head = (
        f"<header><h3>{escape(row.name)} <small>{_TITLES[row.state]} from {escape(row.source)}, "
        f"{ago(row.finished_s or row.created_s)}</small></h3></header>"
    )
    return (
        f'<section class="ds-report">{head}{notice(tone, text)}{_open_button(row)}'
        f"{notices('info', list(report.get('notes', ())))}{_table(row, flaws)}</section>"
    )


def _open_button(row: ImportRow) -> str:
    dataset_id = (row.report or {}).get("dataset_id")
    if not dataset_id:
        return ""
    return f'<p><button type="button" class="ds-open" data-set="{int(dataset_id)}">Open this data set</button></p>'


def _table(row: ImportRow, flaws: list[Flaw]) -> str:
    if not flaws:
        return ""
    data = quote(report_csv(row.report or {}))
    rows = "".join(
        f'<tr class="{"out" if flaw.kind is FlawKind.LEFT_OUT else "in"}"><td>{escape(flaw.file)}</td>'
        f"<td>{escape(flaw.label)}</td><td>{flaw.kind.value}</td><td>{escape(flaw.reason)}</td>"
        f"<td>{escape(flaw.fix)}</td></tr>"
        for flaw in flaws[:_SHOWN]
    )
    more = f'<p class="legend">The first {_SHOWN} are shown; the CSV has all.</p>' if len(flaws) > _SHOWN else ""
    what = f"{count_of(len(flaws), 'clip')} need{'s' if len(flaws) == 1 else ''} a look"
    return (
        f'<div class="ds-bar"><b>{what}</b>'
        f'<a class="download" download="import-report.csv" href="data:text/csv;charset=utf-8,{data}">Download CSV</a>'
        '</div><div class="scroll ds-flaws" tabindex="0" role="region" aria-label="Clips with faults"><table>'
        "<thead><tr><th>File</th><th>Label</th><th>Status</th><th>Why</th><th>What to do</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>{more}"
    )
