"""Logs turn over, and are shown as one."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ga2app.config import RunConfig
from ga2app.paths import PROJECT, Home, last_lines
from ga2app.store import Store
from ga2app.types import RunState
from ga2app.worker import launcher, queue_loop, run_parts
from tests import fake_training


def test_a_runs_log_turns_over_and_its_last_lines_are_shown_across_the_turn(
    home: Home, store: Store, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run_parts, "LOG_BYTES", 1_500)
    file = home.run_folder(1) / queue_loop.LOG
    file.parent.mkdir(parents=True)
    with run_parts.log_to(file):
        for number in range(200):
            logging.getLogger("ga2app").warning("line %d", number)
    assert sorted(path.name for path in file.parent.iterdir()) == ["log.txt", "log.txt.1"]
    assert file.stat().st_size < 1_500 and len(file.read_text().splitlines()) < 35
    assert [line.rpartition("line ")[2] for line in last_lines(file, 35)] == [str(n) for n in range(165, 200)]


TALKS = """
import logging, os, sys
from ga2app.worker import launcher, worker_command
launcher.LOG_BYTES = 3_000
def work(*args, **named):
    for number in range(200):
        logging.getLogger("ga2app").info("line %d", number)
    os.write(2, b"said past the log\\n")
    return 0
worker_command._work = work
sys.exit(worker_command.main(sys.argv[1:]))
"""


def test_a_workers_log_turns_over_and_holds_what_libraries_write_by_themselves(home: Home):
    home.root.mkdir()
    log = launcher.worker_log(home)
    with log.open("ab") as output:
        subprocess.run(
            [sys.executable, "-c", TALKS, "--home", str(home.root), "--slot", "cpu", "0", "0", "--log", str(log)],
            cwd=PROJECT,
            stdout=output,
            stderr=output,
            check=True,
        )
    assert sorted(path.name for path in home.root.iterdir()) == ["worker.log", "worker.log.1"]
    assert last_lines(log, 1) == ["said past the log"] and log.stat().st_size < 3_100


def test_a_worker_that_the_app_starts_writes_its_own_log(home: Home, store: Store):
    store.runs.queue(RunConfig())
    launcher.ensure_worker(home, command=[str(Path(fake_training.__file__))], idle_exit_s=0.1)
    while store.runs.get(1).state not in (RunState.DONE, RunState.FAILED):
        os.sched_yield()
    launcher.stop_worker(home)
    assert store.runs.get(1).state is RunState.DONE
    assert any("run 1 done" in line for line in last_lines(launcher.worker_log(home)))
