"""``bench studio --scale``: how long each page takes to open in a real browser, on a home that is full."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ga2app.cli.bench_studio import PORT, running_app, until_answer
from ga2app.cli.scale_home import FULL, Scale, fill_home
from ga2app.errors import StudioError
from ga2app.paths import Home

ROUNDS = 3
PATIENCE_S = 120.0
SCREENS = (
    ("Library", "#bundles [data-bundle]", "#bundle-body .model-card"),
    ("Runs", "#runs [data-run]", "#run-head h2"),
    ("Train", "#dataset-card .counts", "#dataset-card .counts"),
    ("Anchors", "#anchor-rows [data-row]", "#anchor-rows [data-row]"),
    ("Negative prompts", "#negative-rows [data-row]", "#negative-rows [data-row]"),
    ("Datasets", "#ds-clips .ds-clip", "#ds-clips .ds-clip"),
    ("Recognize", "#examples .example", "#recognize"),
)
"""Each tab in the order in which it is opened, what makes up a row there, and what has been drawn when it is open."""

EMPTY_PORT = PORT + 1
EMPTY = f"""
import gradio as gr
with gr.Blocks() as page:
    gr.Button("here")
page.launch(server_port={EMPTY_PORT}, quiet=True, _frontend=False)
"""
"""The least that Gradio shows: what the app's own page is held against."""

THE_APP, THE_LEAST = "the app, from nothing", "an empty Gradio page"

_PAUSE_MS = 1500
"""Between two pages, so that what the one still loads is not counted with the other."""

_WARM = "the recognizer is warm"


def bench_scale(scale: Scale = FULL) -> dict[str, Any]:
    """Seconds until each page is drawn (the middle of three), and how many rows are on it."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as exc:
        raise StudioError("this needs a browser; install it with: pip install playwright") from exc
    from ga2app.synthetic.demo_dataset import build_examples

    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        files = [str(path) for path, _ in build_examples(home.examples)]
        started = time.monotonic()
        fill_home(home, files, scale)
        filled = time.monotonic() - started
        with running_app(home), _empty_page(), sync_playwright() as playwright:
            _until_warm(home)
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            try:
                rounds = [_round(browser) for _ in range(ROUNDS)]
            except Error as exc:
                raise StudioError(f"a page did not open: {exc}") from exc
            finally:
                browser.close()
    pages = {name: statistics.median(one["seconds"][name] for one in rounds) for name in rounds[0]["seconds"]}
    return {"home": vars(scale), "filling_s": filled, "pages": pages, "rows": rounds[-1]["rows"]}


def format_table(found: dict[str, Any]) -> str:
    """A line for each page."""
    home = found["home"]
    lines = [
        f"{home['runs']} runs of {home['steps']} steps, {home['clips']:,} clips, {home['anchors']} anchor clips, "
        f"{home['negatives']} negative prompts, {home['bundles']} bundles; written in {found['filling_s']:.1f} s",
        f"{'page':24} {'opens in':>10} {'rows':>6}",
    ]
    for name, seconds in found["pages"].items():
        lines.append(f"{name:24} {seconds:8.2f} s {found['rows'].get(name, ''):>6}")
    lines.append(f"the app's page takes {found['pages'][THE_APP] / found['pages'][THE_LEAST]:.1f} times an empty one")
    return "\n".join(lines)


def _round(browser: Any) -> dict[str, Any]:
    """Open the page in a browser that has seen nothing, then each tab by a click."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    seconds, rows = {}, {}
    started = time.monotonic()
    page.goto(f"http://127.0.0.1:{EMPTY_PORT}/")
    page.get_by_role("button", name="here").wait_for()
    seconds[THE_LEAST] = time.monotonic() - started
    page.wait_for_timeout(_PAUSE_MS)
    started = time.monotonic()
    page.goto(f"http://127.0.0.1:{PORT}/")
    page.get_by_role("tab", name="Recognize", exact=True).wait_for()
    page.locator("#recognize").wait_for()
    seconds[THE_APP] = time.monotonic() - started
    for name, row, drawn in SCREENS:
        started = time.monotonic()
        page.get_by_role("tab", name=name, exact=True).click()
        page.locator(drawn).locator("visible=true").first.wait_for()
        seconds[name] = time.monotonic() - started
        rows[name] = page.locator(row).count()
        page.wait_for_timeout(_PAUSE_MS)
    context.close()
    return {"seconds": seconds, "rows": rows}


@contextmanager
def _empty_page() -> Iterator[None]:
    """Gradio with one button and nothing else, in a process of its own."""
    process = subprocess.Popen([sys.executable, "-c", EMPTY], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_answer(time.monotonic(), EMPTY_PORT)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _until_warm(home: Home) -> None:
    """Wait until the app has loaded what it loads in the background: measured is the page, not the start."""
    started = time.monotonic()
    while _WARM not in (home.root / "app.log").read_text(errors="replace"):
        if time.monotonic() - started > PATIENCE_S:
            raise StudioError(f"the app was not warm within {PATIENCE_S:.0f} s")
        time.sleep(0.2)
