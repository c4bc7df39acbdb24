"""Chromium for all tests that need one: one for each test process, and a page whose console has to stay silent.

``python -m tests.browser`` is what ``make test`` calls first: it looks for a Chromium and installs one where it may,
from the distribution or by Playwright's own download. Where there is none in the end, the tests that need it are
skipped, and the last lines of the run say how many and why; ``TEST_BROWSER=required`` makes that a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import pytest

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first is Debian's Chromium without its own windows: a third of the work."""
NO_BROWSER = "no Chromium to drive: "
REQUIRED = "TEST_BROWSER"
"""The variable that makes a missing browser a failure where it is "required"."""
_WHY = Path(os.environ.get("TEST_BROWSER_NOTE") or Path(sys.prefix) / "no-browser.txt")
"""What the last try to install one said."""
_INSTALL_S = 900

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-gpu",
    "--no-first-run",
)

WINDOW = {"width": 1280, "height": 900}
_PATIENCE_MS = 60_000
"""A page that is slow on a busy machine is no fault; whoever waits so long finds one."""


def chromium_path() -> str | None:
    """The Chromium of this machine; None leaves it to Playwright, which may have downloaded one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The machine's Chromium, or the one that Playwright brought; tests that ask for it are skipped without one."""
    playwright = pytest.importorskip("playwright.sync_api")
    playwright.expect.set_options(timeout=_PATIENCE_MS)
    with playwright.sync_playwright() as running:
        try:
            browser = running.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS))
        except playwright.Error as exc:
            tried = _WHY.read_text(encoding="utf-8").strip() if _WHY.exists() else ""
            without_browser(tried or _first_line(str(exc)))
        yield browser
        browser.close()


def without_browser(why: str) -> NoReturn:
    """Skip the test that needs one, or fail it where one is required."""
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(NO_BROWSER + why)
    pytest.skip(NO_BROWSER + why)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end how many tests went without a browser, and why."""
    skipped = [str(one.longrepr[2]) for one in terminalreporter.stats.get("skipped", ()) if one.longrepr]
    reasons = [reason.removeprefix("Skipped: ") for reason in skipped if NO_BROWSER in reason]
    if reasons:
        tests = "1 browser test was" if len(reasons) == 1 else f"{len(reasons)} browser tests were"
        terminalreporter.write_line(f"{tests} skipped: {reasons[0]}", yellow=True)


def main() -> int:
    """Find a Chromium or install one; a machine that allows neither is told so and is no failure."""
    _WHY.unlink(missing_ok=True)
    if chromium_path() or _playwrights_own():
        return 0
    tried = [_from_distribution, _from_playwright]
    reasons = [reason for install in tried if not (chromium_path() or _playwrights_own()) and (reason := install())]
    if chromium_path() or _playwrights_own():
        return 0
    why = "; ".join(reasons)
    _WHY.write_text(why + "\n", encoding="utf-8")
    sys.stderr.write(f"Browser tests will be skipped. {why}\n")
    return 0


def _playwrights_own() -> bool:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        return Path(running.chromium.executable_path).exists()


def _from_distribution() -> str:
    """Install Debian's Chromium; gives the reason where that is not possible."""
    if shutil.which("apt-get") is None:
        return "this system has no apt-get to install it with"
    if os.geteuid() != 0:
        return "apt-get install chromium takes root"
    quiet = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if fault := _called([*quiet, "update"], environment):
        return fault
    install = [*quiet, "-y", "install"]
    return _called([*install, NAMES[0]], environment) and _called([*install, NAMES[1]], environment)


def _from_playwright() -> str:
    """Let Playwright download its own; gives the reason where it cannot."""
    return _called([sys.executable, "-m", "playwright", "install", "chromium"], dict(os.environ))


def _called(command: list[str], environment: dict[str, str]) -> str:
    """Nothing where ``command`` succeeded, else what it is and the last line of what it said."""
    name = " ".join(Path(part).name if part == sys.executable else part for part in command)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, errors="replace", timeout=_INSTALL_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        return f"{name}: {_first_line(str(exc))}"
    said = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line or line.startswith("E:")]
    return "" if done.returncode == 0 else f"{name} failed ({_first_line(said[-1] if said else done.stderr)})"


def _first_line(text: str) -> str:
    return (text.strip().splitlines() or ["it said nothing"])[0][:200]


def path_of(name: str) -> str:
    """The path of the page that is called ``name``."""
    return "" if name == "Recognize" else name.lower()


def go_to(tab: Any, name: str) -> None:
    """Follow the masthead's link to the page that is called ``name``, and wait until it is there."""
    tab.locator(".pages a", has_text=name).click()
    tab.locator(".pages a[aria-current=page]", has_text=name).wait_for()
    opened(tab)


def opened(tab: Any) -> None:
    """Wait until a page is drawn, to its end."""
    tab.locator("#footer a, footer button").first.wait_for()


def ticked(tab: Any, boxes: str) -> list[str]:
    """The values of the boxes that show a tick."""
    found: list[str] = tab.evaluate(
        "boxes => [...document.querySelectorAll(boxes)].filter(one => one.checked).map(one => one.value)", boxes
    )
    return found


@pytest.fixture(scope="session")
def context(chromium: Any) -> Iterator[Any]:
    """One for all tests of a process: what it has loaded of Gradio once, it need not load and compile again."""
    made = chromium.new_context(viewport=WINDOW, reduced_motion="reduce")
    made.set_default_timeout(_PATIENCE_MS)
    yield made
    made.close()


def forget(page: Any, origins: set[str]) -> None:
    """Clear what ``origins`` have stored in the browser of ``page``; the cache of their files stays."""
    page.context.clear_cookies()
    page.context.clear_permissions()
    devtools = page.context.new_cdp_session(page)
    for origin in origins:
        kinds = "local_storage,indexeddb,service_workers,cache_storage"
        devtools.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": kinds})


_CUT_OFF = ("AbortError: signal is aborted", "Unexpected error Connection errored out")
"""What Gradio's client says of its own requests where a reload, or leaving the page, has cut them off."""


@pytest.fixture
def tab(context: Any) -> Iterator[Any]:
    """A page that remembers nothing of other tests; the test fails if anything is reported on its console."""
    page = context.new_page()
    trouble: list[str] = []
    origins: set[str] = set()

    def arrived(frame: Any) -> None:
        address = urlsplit(frame.url)
        if address.scheme in ("http", "https"):
            origins.add(f"{address.scheme}://{address.netloc}")
        trouble[:] = [text for text in trouble if not text.startswith(_CUT_OFF)]

    page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("response", lambda got: trouble.append(f"{got.status} {got.url}") if got.status >= 400 else None)
    page.on("framenavigated", arrived)
    yield page
    told = list(trouble)
    page.goto("about:blank")
    forget(page, origins)
    for one in context.pages:  # those that the test has opened, too
        one.close()
    assert told == [], told


if __name__ == "__main__":
    sys.exit(main())
