"""Files that a visitor asks for: made when asked, kept in Gradio's cache, which empties itself."""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ga2app.errors import StoreError
from ga2app.services.run_curves import run_title
from ga2app.services.studio import Studio
from ga2app.types import Report, RunRecord
from ga2app.web.pages.runs.report_html import report_html
from ga2app.web.pages.runs.run_settings_view import settings_html
from ga2app.web.pages.runs.run_views import accuracy_html, loss_html, result_html
from ga2app.web.templates import WEB, render


def make_file(studio: Studio, kind: str, run_ids: Sequence[int], cache: str) -> str:
    """The path of a file of ``kind`` csv or json (curves of the runs), report or log (of the first). Raises StoreError.

    Its folder has a name that nobody can guess: what is in the cache may be read by everyone who knows where.
    """
    runs, folder = studio.runs, Path(cache) / secrets.token_hex(16)
    if kind in ("csv", "json"):
        name, text = runs.curves_text(run_ids, kind)
    else:
        run = runs.get(next(iter(run_ids), None))
        name = f"run-{run.id}-report.html" if kind == "report" else f"run-{run.id}-log.txt"
        report = runs.report(run.id) if kind == "report" else None
        if kind == "report" and report is None:
            raise StoreError(f"run {run.id} has no report; train it again to get one")
        text = report_page(studio, run, report) if report else ""
    source = runs.log_file(run.id) if kind == "log" else None
    try:
        folder.mkdir(parents=True)
        if source:
            shutil.copyfile(source, folder / name)
        else:
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as exc:
        raise StoreError(f"'{name}' could not be written ({exc}); free some space and try again") from exc
    return str(folder / name)


def report_page(studio: Studio, run: RunRecord, report: Report) -> str:
    """The report as one HTML file that needs no network: style and pictures are in it, and no script."""
    backbone_title = studio.backbone_title(str(run.config.get("backbone", "?")))
    ended = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.finished_s)) if run.finished_s else ""
    about = (f"data set {report.dataset}", backbone_title, f"seed {report.seed}", ended)
    curve = studio.runs.curve(run.id)
    return str(
        render(
            "report_file.html",
            title=f"Run {run.id}: {run_title(run)}",
            about=" · ".join(part for part in about if part),
            style=Markup(page_style()),
            result=result_html(run, curve),
            body=report_html(run, report, studio.runs.seeds(run)),
            accuracy=accuracy_html(curve),
            loss=loss_html(curve),
            settings=settings_html(run, report, backbone_title, curve.conditions),
        )
    )


def page_style() -> str:
    """The studio's own style for a report: dark where the reader's system is."""
    names = ("base.css", "pages/runs/runs.css")
    base, runs = ((WEB / name).read_text(encoding="utf-8") for name in names)
    dark = re.findall(r"^\.dark \{(.*?)^\}", base + "\n" + runs, re.DOTALL | re.MULTILINE)
    night = "".join(
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{{variables}}} }}\n" for variables in dark
    )
    return base + runs + night
