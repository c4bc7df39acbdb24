"""Files that a visitor asks for: made when asked, kept in Gradio's cache, which empties itself."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Sequence
from pathlib import Path

from ga2app.errors import StoreError
from ga2app.services.studio import Studio
from ga2app.types import RunRecord
from ga2app.web.pages.runs.export import curves_csv, curves_json
from ga2app.web.pages.runs.logs import log_file
from ga2app.web.pages.runs.report_file import report_page
from ga2app.web.pages.runs.run_view import Viewer

SAVE_JS = """
(file) => {
  if (!file) return;
  const link = document.createElement('a');
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}
"""
"""Saves the file that an event has just put into the hidden component."""


def curves_file(studio: Studio, runs: Sequence[RunRecord], kind: str, cache: str) -> str:
    """The curves of ``runs`` as ``csv`` or ``json``. Raises StoreError."""
    if not runs:
        raise StoreError("no run is chosen; choose one from the list")
    text = curves_csv(studio.store, runs) if kind == "csv" else curves_json(studio.store, runs)
    which = "-".join(str(run.id) for run in runs)
    return _write(cache, f"runs-{which}.{kind}", text)


def report_as_file(studio: Studio, viewer: Viewer, run: RunRecord, cache: str) -> str:
    """The report as one HTML file. Raises StoreError where there is none."""
    report = viewer.report(run.id)
    if report is None:
        raise StoreError(f"run {run.id} has no report; train it again to get one")
    title = studio.backbone_title(str(run.config.get("backbone", "?")))
    page = report_page(run, report, viewer.curves.of(run.id), viewer.report_body(run), title)
    return _write(cache, f"run-{run.id}-report.html", page)


def log_as_file(studio: Studio, run: RunRecord, cache: str) -> str:
    """The whole log. Raises StoreError where there is none yet."""
    log = log_file(studio.home, run.id)
    if not log.exists():
        raise StoreError(f"run {run.id} has no log yet; it has one as soon as a worker takes it")
    target = _place(cache, f"run-{run.id}-log.txt")
    try:
        shutil.copyfile(log, target)
    except OSError as exc:
        raise StoreError(f"the log of run {run.id} could not be copied ({exc}); free some space and try again") from exc
    return str(target)


def _write(cache: str, name: str, text: str) -> str:
    target = _place(cache, name)
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as exc:
        raise StoreError(f"'{name}' could not be written ({exc}); free some space and try again") from exc
    return str(target)


def _place(cache: str, name: str) -> Path:
    """A path that nobody can guess: what is in the cache may be read by every visitor who knows where."""
    folder = Path(cache) / secrets.token_hex(16)
    try:
        folder.mkdir(parents=True)
    except OSError as exc:
        raise StoreError(f"'{name}' could not be written ({exc}); free some space and try again") from exc
    return folder / name
