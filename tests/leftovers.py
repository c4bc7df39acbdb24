"""No worker or server of a test outlives the run: whatever does is ended, named, and makes the run fail.

Every process that a test starts inherits a mark in its environment. Linux shows it in /proc; elsewhere nothing is seen.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

MARK = "STUDIO_TESTS"
_GRACE_S = float(os.environ.get("STUDIO_TESTS_GRACE_S", 15))
"""What has just been asked to end may take that long."""


def pytest_configure(config: Any) -> None:
    """Mark everything that is started from here on; the processes of a parallel run have their mark already."""
    if not hasattr(config, "workerinput"):
        os.environ[MARK] = uuid.uuid4().hex


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: Any) -> Iterator[None]:
    """Look when all test processes have ended."""
    yield
    if hasattr(session.config, "workerinput"):
        return
    deadline = time.monotonic() + _GRACE_S
    while (left := left_behind(os.environ[MARK])) and time.monotonic() < deadline:
        time.sleep(0.1)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    for pid, command in left.items():
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        if reporter is not None:
            reporter.write_line(f"a process outlived its test and was ended: {pid} {command}", red=True)
    if left:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def left_behind(mark: str) -> dict[int, str]:
    """Process ids and commands of all others that were started under ``mark``."""
    wanted = f"{MARK}={mark}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            alive = (folder / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
            if int(folder.name) != os.getpid() and alive and wanted in (folder / "environ").read_bytes().split(b"\0"):
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                found[int(folder.name)] = command.decode(errors="replace").strip()[:200]
    own = (
        f"ga2app.video.decoder_worker {os.getpid()}",
        "multiprocessing.resource_tracker",
    )  # live until this process ends
    return {pid: command for pid, command in found.items() if not any(one in command for one in own)}
