"""The report as one HTML file that needs no network: style and pictures are in it, and no script."""

from __future__ import annotations

import re
import time

from ga2app.types import Report, RunRecord
from ga2app.web.components.markup import escape
from ga2app.web.pages.runs.curves import RunCurve
from ga2app.web.pages.runs.listing import run_title
from ga2app.web.pages.runs.run_progress import accuracy_html, loss_html, result_html
from ga2app.web.pages.runs.run_settings import settings_html
from ga2app.web.theme import WEB

_PAPER = """
:root { --body-text-color: #232827; --background-fill-secondary: #efefea; --font-mono: ui-monospace, monospace;
  color-scheme: light; }
@media screen and (prefers-color-scheme: dark) { :root { --body-text-color: #efefea; --page: #111414;
  --background-fill-secondary: #232827; color-scheme: dark; } }
html { background: var(--page, #f7f7f4); color: var(--body-text-color); font: 16px/1.45 system-ui, sans-serif; }
body { max-width: 1040px; margin: 0 auto; padding: 24px 20px 60px; }
body > header h1 { margin: 0; font-size: 26px; } body > header p { color: var(--ga-muted); margin: 4px 0 18px; }
body > section, body > figure { margin: 0 0 22px; } table { font-size: 15px; }
h2 { font-size: 21px; margin: 26px 0 10px; } a { color: inherit; }
@media print { html { background: #fff; font-size: 12px; } figure, tr, li { break-inside: avoid; } }
"""
"""What Gradio's page gives on the screen, and what a page of paper needs."""


def report_page(run: RunRecord, report: Report, curve: RunCurve, body: str, backbone_title: str) -> str:
    """The whole file; ``body`` is what ``report_html`` made."""
    title = f"Run {run.id}: {run_title(run)}"
    ended = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.finished_s)) if run.finished_s else ""
    about = " · ".join(
        part for part in (f"data set {report.dataset}", backbone_title, f"seed {report.seed}", ended) if part
    )
    settings = settings_html(run, report, backbone_title, curve.conditions)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        'img-src data:">'
        f"<title>{escape(title)}</title><style>{page_style()}</style></head>\n"
        f"<body><header><h1>{escape(title)}</h1><p>{escape(about)}. Made with GA² Studio.</p></header>\n"
        f"{result_html(run, curve)}{body}<section><h2>Curves</h2>{accuracy_html(curve)}{loss_html(curve)}</section>"
        f"<section><h2>Settings</h2>{settings}</section></body></html>\n"
    )


def page_style() -> str:
    """The studio's own style for a report: dark where the reader's system is, light on paper."""
    base, runs = ((WEB / name).read_text(encoding="utf-8") for name in ("base.css", "pages/runs/runs.css"))
    dark = re.findall(r"^\.dark \{(.*?)^\}", base + "\n" + runs, re.DOTALL | re.MULTILINE)
    night = "".join(
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{{variables}}} }}\n" for variables in dark
    )
    return base + runs + night + _PAPER
