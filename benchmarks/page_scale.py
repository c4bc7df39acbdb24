"""How long each page takes to open in a real browser, on a home that is full.

python -m benchmarks.page_scale
"""

from __future__ import annotations

import argparse
import json
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

from benchmarks.full_home import FULL, Scale, fill_home
from benchmarks.newcomer import PORT, running_app, until_answer
from ga2app.errors import StudioError
from ga2app.paths import Home

ROUNDS = 3
PATIENCE_S = 120.0
PAGES = ("", "datasets", "anchors", "train", "runs", "library")
"""Below the app's address, each with a heading by which it is seen to be open."""

EMPTY_PORT = PORT + 1
EMPTY = f"""
import gradio as gr
with gr.Blocks() as page:
    gr.Button("here")
page.launch(server_port={EMPTY_PORT}, quiet=True, _frontend=False)
"""
"""The least that Gradio shows: what the app's own page is held against."""

THE_LEAST = "an empty Gradio page"

_PAUSE_MS = 1500
"""Between two pages, so that what the one still loads is not counted with the other."""

_WARM = "the recognizer is warm"


def bench_scale(scale: Scale = FULL) -> dict[str, Any]:
    """Seconds until each page is drawn (the middle of three)."""
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
    pages = {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}
    return {"home": vars(scale), "filling_s": filled, "pages": pages}


def format_table(found: dict[str, Any]) -> str:
    """A line for each page."""
    home = found["home"]
    lines = [
        f"{home['runs']} runs of {home['steps']} steps, {home['clips']:,} clips, {home['anchors']} anchor clips, "
        f"{home['negatives']} negative prompts, {home['bundles']} bundles; written in {found['filling_s']:.1f} s",
        f"{'page':24} {'opens in':>10} {'against an empty one':>22}",
    ]
    for name, seconds in found["pages"].items():
        lines.append(f"{name:24} {seconds:8.2f} s {seconds / found['pages'][THE_LEAST]:20.1f} x")
    return "\n".join(lines)


def _round(browser: Any) -> dict[str, float]:
    """Open the empty page and each of the app's, every one in a browser that has seen nothing."""
    addresses = {THE_LEAST: f"http://127.0.0.1:{EMPTY_PORT}/"} | {
        f"/{path}": f"http://127.0.0.1:{PORT}/{path}" for path in PAGES
    }
    seconds = {}
    for name, address in addresses.items():
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        started = time.monotonic()
        page.goto(address)
        page.locator(".gradio-container button").locator("visible=true").first.wait_for()
        page.wait_for_load_state("load")
        seconds[name] = time.monotonic() - started
        page.wait_for_timeout(_PAUSE_MS)
        context.close()
    return seconds


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


def main() -> None:
    """Read the options and print what they ask for."""
    parser = argparse.ArgumentParser(description="how long each page opens with 200 runs and 2,000 clips")
    parser.add_argument("--json", action="store_true")
    found = bench_scale()
    print(json.dumps(found, indent=2) if parser.parse_args().json else format_table(found))


if __name__ == "__main__":
    main()
