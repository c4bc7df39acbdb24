"""Takes the README's pictures: ``python tests/screenshots.py --out assets/pictures``.

Starts the studio on a fresh home, trains the demo in Quick mode, and photographs each screen; then as a Space, as one
sees it who has not signed in.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from browser import CHROMIUM_FLAGS, chromium_path, go_to  # noqa: E402
from space.hosting import hosted  # noqa: E402
from ui.studios import real_studio  # noqa: E402

from ga2app.config import DEMO  # noqa: E402
from ga2app.paths import Home  # noqa: E402
from ga2app.services.space_folder import make_space  # noqa: E402
from ga2app.synthetic.demo_dataset import subject_named  # noqa: E402
from ga2app.synthetic.world import clip_frames  # noqa: E402
from ga2app.video.writer import write_clip  # noqa: E402

MAX_BYTES = 250_000
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 400, "height": 860}
TRAINED_WITHIN_MS = 900_000
SHOWN = "base-test/waving_a_hand/waving_a_hand-08.mp4"
"""A test clip of the demo, never trained on, that zero-shot CLIP takes for another action."""


DAY = ("jumping", "climbing a ladder", "walking a dog")
"""What the long video shows, one after the other."""
SIZES = {"": WIDE, "-phone": PHONE}
SETTLED = {
    "Datasets": "#ds-clips img",
    "Anchors": "#anchor-rows img",
    "Train": "#train-preview p",
    "Library": "#bundles .bundle",
}
"""What has to be on a screen before it is photographed."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("assets/pictures"))
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
        photograph_space(browser, out)
        photograph_studio(browser, Path(folder), out)
        browser.close()


def photograph_studio(browser: Browser, folder: Path, out: Path) -> None:
    """The studio with a trained bundle, in both themes and at both widths."""
    with real_studio(folder) as (address, home):
        page = open_page(browser, address, WIDE, "light")
        queue_demo(page)
        wait_for_bundle(page)
        page.context.close()
        for scheme in ("light", "dark"):
            for suffix, size in SIZES.items():
                page = open_page(browser, address, size, scheme)
                photograph(page, home, out, f"-{scheme}{suffix}.png")
                page.context.close()
        page = open_page(browser, address, WIDE, "light")
        queue_sweep(page)
        page.context.close()
        for scheme in ("light", "dark"):
            photograph_sweep(browser, address, out, scheme)


def queue_sweep(page: Page) -> None:
    """Six runs over two settings, with clips held out to choose the best by; waits until they are done."""
    go_to(page, "Train")
    page.locator("#set-shots-input").fill("12")
    page.locator("#sweep-box button").first.click()
    page.locator("#vary textarea").fill("optimizer.learning_rate = 0.001, 0.004, 0.016\nprompts.dropout = 0.2, 0.5")
    expect(page.locator("#queue")).to_have_text("Queue 6 runs", timeout=60_000)
    page.locator("#queue").click()
    page.locator("#watch").click()
    expect(page.locator("#sweep .pace")).to_contain_text("6 of 6 runs done", timeout=TRAINED_WITHIN_MS)


def photograph_sweep(browser: Browser, address: str, out: Path, scheme: str) -> None:
    """The newest sweep, with the best run lit."""
    page = open_page(browser, f"{address}/sweep", {"width": 1280, "height": 1000}, scheme)
    page.locator("#sweep li a").first.click()
    page.locator("#sweep tr.best a").focus()
    page.wait_for_timeout(1000)
    take(page, out / f"sweep-{scheme}.png")
    page.context.close()


def photograph(page: Page, home: Home, out: Path, ending: str) -> None:
    """Every screen of one page, the report too; the first one with an answer on it."""
    show_bundle(page)
    recognize(page, home)
    take(page, out / f"recognize{ending}")
    label_long_video(page, home)
    take(page, out / f"timeline{ending}")
    for name, shown in SETTLED.items():
        go_to(page, name)
        expect(page.locator(shown).first).to_be_visible(timeout=60_000)
        page.wait_for_timeout(2500)
        take(page, out / f"{name.lower()}{ending}")
    go_to(page, "Runs")
    expect(page.locator("#run-loss svg")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(1000)
    take(page, out / f"runs{ending}")
    page.get_by_role("link", name="Report", exact=True).click()
    expect(page.locator("#run-report .lead")).to_be_visible(timeout=60_000)
    page.locator("#run-report").scroll_into_view_if_needed()
    page.wait_for_timeout(1000)
    take(page, out / f"report{ending}")
    page.locator("#run-report .believed h3").scroll_into_view_if_needed()
    page.locator("#run-report .believed h3").evaluate("heading => heading.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)
    take(page, out / f"believed{ending}")
    review(page)
    take(page, out / f"review{ending}")


def review(page: Page) -> None:
    """Suspected wrong labels of the demo, after CLIP has looked at its clips."""
    go_to(page, "Datasets")
    page.locator("#ds-review").click()
    expect(page.locator("#rv-look, .rv-stage").first).to_be_visible(timeout=60_000)
    if page.locator("#rv-look").count():
        page.locator("#rv-look").click()
    expect(page.locator(".rv-stage video")).to_be_visible(timeout=300_000)
    page.get_by_role("link", name="Suspected wrong labels").click()
    expect(page.locator(".rv-choices .suspected")).to_be_visible(timeout=60_000)
    page.wait_for_timeout(4000)


def photograph_space(browser: Browser, out: Path) -> None:
    """A Space, as one finds it who has not signed in and has tried to train."""
    with tempfile.TemporaryDirectory() as work:
        with hosted(make_space(Path(work) / "space").folder, Path(work)) as space:
            page = open_page(browser, space.address, WIDE, "light")
            go_to(page, "Train")
            expect(page.locator("#dataset-card .chip.base").first).to_be_visible(timeout=TRAINED_WITHIN_MS)
            page.locator("#queue").click()
            page.wait_for_timeout(3000)
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(2500)
            take(page, out / "space.png")
            page.context.close()


def open_page(browser: Browser, address: str, size: Any, scheme: Any) -> Page:
    page = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce").new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    return page


def queue_demo(page: Page) -> None:
    go_to(page, "Train")
    expect(page.locator("#dataset-card .chip.base").first).to_be_visible(timeout=TRAINED_WITHIN_MS)
    page.locator("#queue").click()
    page.locator("#watch").click()


def wait_for_bundle(page: Page) -> None:
    expect(page.locator("#run-head .badge")).to_have_text("done", timeout=TRAINED_WITHIN_MS)
    page.locator("#try-it").click()


def show_bundle(page: Page) -> None:
    go_to(page, "Runs")
    wait_for_bundle(page)


def label_long_video(page: Page, home: Home) -> None:
    """A drawn video of several actions, with its stretches."""
    video = home.root / "day.mp4"
    if not video.exists():
        parts = [clip_frames(subject_named(name), "plain", 1, 48, 96) for name in DAY]
        write_clip(video, np.concatenate(parts), 8.0)
    page.goto(urljoin(page.url, f"timeline?labels={quote(', '.join(DAY))}"))
    page.locator("#timeline-video input[type=file]").set_input_files(video)
    expect(page.locator("#timeline-video video")).to_be_visible()
    page.locator("#timeline-label").click()
    expect(page.locator(".stretch-editor tr[data-row]").first).to_be_visible(timeout=60_000)
    if page.viewport_size == WIDE:
        page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1000)


def recognize(page: Page, home: Home) -> None:
    """A camcorder clip among all labels of the demo."""
    page.locator("#clips input[type=file]").set_input_files(home.media / DEMO / SHOWN)
    expect(page.locator("#clips")).to_contain_text(Path(SHOWN).stem)
    page.get_by_role("button", name="Use the bundle's labels").click()
    expect(page.locator("#labels textarea")).to_have_value(re.compile("waving a hand"))
    page.locator("#labels textarea").press("Enter")
    expect(page.locator(".side.tuned li")).to_have_count(5, timeout=60_000)
    page.locator(".busy").wait_for(state="detached")
    page.mouse.move(0, 0)
    if page.viewport_size == WIDE:  # a click further down has moved the page; a phone shows the answer
        page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1200)


def take(page: Page, path: Path) -> None:
    """Photograph what is in view and keep it small: 256 colors are enough for a page."""
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    size_bytes = path.stat().st_size
    print(f"{path}: {size_bytes / 1000:.0f} kB")
    if size_bytes > MAX_BYTES:
        raise SystemExit(f"{path} is larger than {MAX_BYTES / 1000:.0f} kB; show less in it")


if __name__ == "__main__":
    main()
