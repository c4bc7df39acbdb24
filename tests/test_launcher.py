"""Starting the worker process, and telling whether it lives, with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ga2app.errors import TrainingError
from ga2app.paths import Home, last_lines
from ga2app.worker import launcher

SLEEPER = "import time; print('up', flush=True); time.sleep(60)"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    worker = launcher.worker_process(home)
    if worker and worker.pid != os.getpid():
        os.kill(worker.pid, signal.SIGKILL)
        wait_until(lambda: not launcher.worker_alive(home))


def wait_until(holds: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def start(home: Home, program: str = SLEEPER) -> int:
    return launcher.ensure_worker(home, command=["-c", program])


def test_a_process_is_known_by_its_number_and_its_start_time() -> None:
    me = launcher.this_process()
    assert launcher.is_alive(me.pid, me.started_s)
    assert not launcher.is_alive(me.pid, me.started_s + 1)
    assert not launcher.is_alive(None, None)


def test_a_child_that_died_and_was_not_waited_for_is_not_alive() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    started_s = launcher.process_started_s(child.pid)
    wait_until(lambda: not launcher.is_alive(child.pid, started_s))
    assert Path(f"/proc/{child.pid}").exists(), "it is still in the process table"
    child.wait()


def test_asking_psutil_tells_the_same_about_life_and_death() -> None:
    me = launcher.psutil_started_s(os.getpid())
    assert me is not None and abs(me - time.time()) < 100_000
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: launcher.psutil_started_s(child.pid) is None)
    child.wait()
    assert launcher.psutil_started_s(child.pid) is None


def test_a_home_without_a_worker_says_so_and_is_not_made_by_asking(home: Home) -> None:
    assert not launcher.worker_alive(home)
    assert not home.root.exists()


def test_a_second_call_finds_the_worker_of_the_first(home: Home) -> None:
    pid = start(home)
    assert start(home) == pid
    worker = launcher.worker_process(home)
    assert worker is not None and worker.pid == pid


def test_calls_from_several_processes_at_once_start_one_worker(home: Home) -> None:
    script = (
        "import pathlib, sys; from ga2app.worker import launcher; from ga2app.paths import Home; "
        "print(launcher.ensure_worker(Home(pathlib.Path(sys.argv[1])), command=['-c', sys.argv[2]]))"
    )
    callers = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script, str(home.root), SLEEPER], stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    pids = {caller.communicate(timeout=30)[0] for caller in callers}
    assert len(pids) == 1 and int(pids.pop()) > 0


def test_the_worker_has_a_session_of_its_own_and_writes_to_a_file(home: Home) -> None:
    pid = start(home)
    assert os.getsid(pid) == pid
    wait_until(lambda: last_lines(launcher.worker_log(home)) == ["up"])


def test_a_killed_worker_is_seen_to_be_dead_and_replaced_at_once(home: Home) -> None:
    pid = start(home)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not launcher.worker_alive(home))
    assert start(home) != pid
    assert launcher.worker_alive(home)


def test_a_lock_of_another_process_with_the_same_number_is_no_lock(home: Home) -> None:
    home.root.mkdir()
    me = launcher.this_process()
    (home.root / "worker-cpu.json").write_text(json.dumps({"pid": me.pid, "started_s": me.started_s - 5}))
    assert not launcher.worker_alive(home)
    assert launcher.take_lock(home)
    assert launcher.worker_process(home) == me


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "started_s": 2, "more": 3}'])
def test_a_lock_that_cannot_be_read_is_no_lock(home: Home, content: str) -> None:
    home.root.mkdir()
    (home.root / "worker-cpu.json").write_text(content)
    assert not launcher.worker_alive(home)
    assert launcher.take_lock(home)
    launcher.release_lock(home)
    assert not launcher.worker_alive(home)


def test_the_lock_is_refused_while_a_worker_lives(home: Home) -> None:
    start(home)
    assert not launcher.take_lock(home)
    launcher.release_lock(home)
    assert launcher.worker_alive(home), "a lock is released by its holder alone"


def test_a_worker_that_cannot_come_up_is_not_started_over_and_over(home: Home) -> None:
    start(home, "import sys; print('no module named torch'); sys.exit(1)")
    wait_until(lambda: not launcher.worker_alive(home))
    with pytest.raises(
        TrainingError, match=r"ended with status 1 right after its start \(no module named torch\); see"
    ):
        start(home)


def test_a_worker_that_left_in_good_order_is_started_again(home: Home) -> None:
    pid = start(home, "")
    wait_until(lambda: not launcher.worker_alive(home))
    assert start(home) != pid


def test_stopping_waits_until_the_worker_has_left(home: Home) -> None:
    assert launcher.stop_worker(home)
    start(home)
    assert launcher.stop_worker(home)
    assert not launcher.worker_alive(home)


def test_a_home_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match=r"worker\.lock' cannot be written \(Not a directory\); make that folder"):
        start(Home(tmp_path / "file" / "home"))


def test_a_large_log_is_put_aside_at_the_next_start(home: Home) -> None:
    home.root.mkdir()
    log = launcher.worker_log(home)
    log.write_bytes(b"x" * 5_000_001)
    start(home)
    assert log.with_suffix(".log.1").stat().st_size == 5_000_001
    assert log.stat().st_size < 100
