"""What the suite does on a machine that has nothing: no Chromium, no network, an empty environment."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ga2app.paths import PROJECT
from tests.browser import REQUIRED, forget, without_browser
from tests.leftovers import left_behind

BROWSER_TEST = """
def test_a_page_opens(tab):
    tab.goto("about:blank")
"""


def bare(tmp_path: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Python's ``command`` in an empty environment: no HOME to speak of, no programs, no browsers, no network."""
    (tmp_path / "empty").mkdir(exist_ok=True)
    environment = {
        "HOME": str(tmp_path / "empty"),
        "PATH": str(tmp_path / "empty"),
        "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "empty"),
        "PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9",
        "TEST_BROWSER_NOTE": str(tmp_path / "note"),
        "PYTHONDONTWRITEBYTECODE": "1",
        **more,
    }
    return subprocess.run(
        [sys.executable, *command], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def one_test(tmp_path: Path) -> str:
    (tmp_path / "test_page.py").write_text(BROWSER_TEST)
    return str(tmp_path / "test_page.py")


def run_alone(tmp_path: Path, file: str, *plugins: str, **more: str) -> subprocess.CompletedProcess[str]:
    named = [part for plugin in plugins for part in ("-p", plugin)]
    return bare(tmp_path, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider", *named, file, **more)


def test_without_a_browser_its_tests_are_skipped_and_the_last_lines_say_how_many_and_why(tmp_path: Path, one_test: str):
    answer = run_alone(tmp_path, one_test, "tests.browser")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 browser test was skipped: no Chromium to drive: " in "\n".join(answer.stdout.splitlines()[-3:])


def test_where_a_browser_is_required_its_absence_is_a_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no Chromium to drive: none"):
        without_browser("none")
    monkeypatch.setenv(REQUIRED, "required")
    with pytest.raises(pytest.fail.Exception, match="no Chromium to drive: none"):
        without_browser("none")


def test_a_machine_that_can_install_no_browser_is_told_why_and_goes_on(tmp_path: Path):
    answer = bare(tmp_path, "-m", "tests.browser")
    assert answer.returncode == 0, answer.stderr
    assert answer.stderr.startswith("Browser tests will be skipped. this system has no apt-get to install it with; ")
    assert "playwright install chromium failed (" in answer.stderr and "Traceback" not in answer.stderr


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are looked for in /proc")
def test_a_process_that_outlives_its_test_is_named_and_ended_and_fails_the_run(tmp_path: Path):
    file = tmp_path / "test_left.py"
    file.write_text(
        "import os, subprocess, sys\n"
        "def test_starts_a_server_and_forgets_it():\n"
        "    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'])\n"
        f"    open({str(tmp_path / 'mark')!r}, 'w').write(os.environ['STUDIO_TESTS'])\n"
    )
    answer = run_alone(tmp_path, str(file), "tests.leftovers", STUDIO_TESTS_GRACE_S="0.2")
    assert answer.returncode == 1 and "1 passed" in answer.stdout
    assert "a process outlived its test and was ended: " in answer.stdout and "time.sleep(300)" in answer.stdout
    assert left_behind((tmp_path / "mark").read_text()) == {}


@pytest.mark.browser
def test_what_a_page_has_stored_is_gone_before_the_next_test(context: Any) -> None:
    page = context.new_page()
    page.route("**/*", lambda route: route.fulfill(body="<p>stored</p>", content_type="text/html"))
    stored = "[localStorage.length, sessionStorage.length, document.cookie]"
    page.goto("http://studio.example/")
    page.evaluate("localStorage.a = sessionStorage.b = 1; document.cookie = 'c=1'")
    assert page.evaluate(stored) == [1, 1, "c=1"]
    page.goto("about:blank")
    forget(page, {"http://studio.example"})
    page.close()
    again = context.new_page()
    again.route("**/*", lambda route: route.fulfill(body="<p>stored</p>", content_type="text/html"))
    again.goto("http://studio.example/")
    assert again.evaluate(stored) == [0, 0, ""]
    again.close()


def test_garbage_is_looked_for_while_tests_run_but_not_among_what_was_imported() -> None:
    assert gc.isenabled() and gc.get_freeze_count() > 0
