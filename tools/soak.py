"""A soak: one training after another, clients that recognize, one browser; what grows meanwhile is printed.

    python -m tools.soak 30 [--clients 5] [--browser] [--no-training] [--every 5]

The app runs as ``python app.py`` on a data directory and a temporary folder of its own. Memory (resident), open
descriptors, threads and files in the temporary folder are read from ``/proc`` every few seconds. The slope is that of
a least-squares line through all but the first third, in which caches fill; beside it stands how far the line rises in
the time that was measured. The last column is the largest of the values themselves.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ga2app.config import DEMO, SKETCH, preset
from ga2app.paths import PROJECT, Home, last_lines
from ga2app.store import Store
from ga2app.types import RunState
from ga2app.worker import launcher

LABELS = "walk, run, jump, sit, wave, swim, row, climb a ladder"
ANSWERS_A_SESSION = 25
"""After so many answers a client begins a session of its own anew, as a visitor who comes back."""
OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)
START_S = PATIENCE_S = 240.0
Readings = dict[str, list[tuple[float, float]]]
"""Of each measure: seconds since the start, and the value."""
MEASURES = ("memory, MB", "descriptors", "threads")


def main() -> int:
    """Run the soak and print its table; status 1 where anything failed."""
    parser = argparse.ArgumentParser(prog="python -m tools.soak", description=__doc__)
    parser.add_argument("minutes", type=float, help="how long")
    parser.add_argument("--clients", type=int, default=5, help="clients that recognize at once (default 5)")
    parser.add_argument("--browser", action="store_true", help="and one browser that opens a page after another")
    parser.add_argument("--no-training", action="store_true", help="only clients: more answers in the same time")
    parser.add_argument(
        "--every", type=float, default=5.0, metavar="S", help="seconds between two readings (default 5)"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, app(Path(folder)) as (process, home, address):
        over, seen, faults = threading.Event(), Counter[str](), []
        tasks: list[Callable[[], None]] = [lambda: train(home, over, seen)] * (not chosen.no_training)
        tasks += [lambda: ask(address, home, over, seen)] * chosen.clients
        tasks += [lambda: browse(address, over, seen)] * chosen.browser
        threads = [threading.Thread(target=guarded(task, faults), daemon=True) for task in tasks]
        for thread in threads:
            thread.start()
        readings = watch(process.pid, home, Path(folder) / "tmp", chosen.minutes * 60, chosen.every)
        over.set()
        for thread in threads:
            thread.join(60)
        told(readings, seen, faults)
        if faults:
            print("what the app said last:", *last_lines(Path(folder) / "app.log", 60), sep="\n")
    wanted = "answers" if chosen.no_training else "runs done"
    return 1 if faults or not seen[wanted] or seen["runs failed"] else 0


@contextlib.contextmanager
def app(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Home, str]]:
    """The app on a data directory and a temporary folder in ``folder``, ready when the block begins."""
    home, log, port = Home(folder / "home"), folder / "app.log", free_port()
    (folder / "tmp").mkdir()
    command = [sys.executable, str(PROJECT / "app.py"), "--home", str(home.root), "--port", str(port)]
    around = os.environ | {"TMPDIR": str(folder / "tmp"), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=around, stdout=output, stderr=output)
    try:
        until_s = time.monotonic() + START_S
        while b"Studio is at" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > until_s:
                raise SystemExit(log.read_text(errors="replace"))
            time.sleep(0.2)
        yield process, home, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
        launcher.stop_worker(home)


def free_port() -> int:
    """A port that nobody listens on."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def guarded(task: Callable[[], None], faults: list[str]) -> Callable[[], None]:
    """``task``, whose error ends it alone and is told at the end."""

    def run() -> None:
        try:
            task()
        except Exception as exc:
            faults.append(f"{type(exc).__name__}: {exc}")

    return run


def train(home: Home, over: threading.Event, seen: Counter[str]) -> None:
    """Queue a run when the one before has ended, and delete those before it, as people do."""
    last, config = 0, replace(preset("full", SKETCH), dataset=DEMO)
    config = replace(config, optimizer=replace(config.optimizer, epochs=3))
    with Store.open(home, busy_s=60.0) as store:
        while not over.wait(1.0):
            if store.runs.count(OPEN):
                continue
            if last:
                run = store.runs.get(last)
                seen[f"runs {run.state.value}"] += 1
                if run.error:
                    raise RuntimeError(run.error)
            last = store.runs.queue(config)


def ask(address: str, home: Home, over: threading.Event, seen: Counter[str]) -> None:
    """Recognize the examples again and again, in one session after another."""
    from gradio_client import Client, handle_file

    clips = sorted(home.examples.glob("*.mp4"))
    while not over.is_set():
        client = Client(address, verbose=False, httpx_kwargs={"timeout": PATIENCE_S})
        seen["sessions"] += 1
        for number in range(ANSWERS_A_SESSION):
            if over.is_set():
                break
            answer: dict[str, Any] = client.predict(
                [handle_file(str(clips[number % len(clips)]))], LABELS, api_name="/recognize"
            )
            right = len(answer["clips"]) == 1 and answer["clips"][0]["error"] is None and answer["clips"][0]["plain"]
            seen["answers" if right else "wrong answers"] += 1
        client.close()


def browse(address: str, over: threading.Event, seen: Counter[str]) -> None:
    """Open one page after another."""
    from playwright.sync_api import sync_playwright

    from tests.browser import CHROMIUM_FLAGS, chromium_path

    with sync_playwright() as running:
        page = running.chromium.launch(executable_path=chromium_path(), args=list(CHROMIUM_FLAGS)).new_page()
        while not over.is_set():
            for place in ("", "datasets", "anchors", "train", "runs", "library"):
                page.goto(f"{address}/{place}", wait_until="load", timeout=60_000)
                seen["pages"] += 1
                if over.wait(2.0):
                    break


def watch(
    pid: int, home: Home, temporary: Path, seconds: float, every_s: float
) -> dict[str, list[tuple[float, float]]]:
    """Readings, each with the time since the start in seconds: the app with its decoders, and the worker with its."""
    found: Readings = {}
    began_s = time.monotonic()
    while (now_s := time.monotonic() - began_s) < seconds:
        workers = [process.pid for process in launcher.workers(home).values()]
        for who, roots in (("app", [pid]), ("worker", workers)):
            if roots:
                for measure, value in zip(MEASURES, usage(family(roots)), strict=True):
                    found.setdefault(f"{who}: {measure}", []).append((now_s, value))
        for name, places in (("temporary files", (temporary, home.root / "gradio")), ("files kept", (home.media,))):
            files = sum(len(names) for place in places for _, _, names in os.walk(place))
            found.setdefault(name, []).append((now_s, files))
        time.sleep(every_s)
    return found


def family(roots: Sequence[int]) -> list[int]:
    """The processes ``roots`` and all below them. A worker, which the app has started, is none of the app's."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            if int(folder.name) in roots or os.getsid(int(folder.name)) == os.getsid(roots[0]):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    members = list(roots)
    for member in members:
        members += [pid for pid, parent in parents.items() if parent == member and pid not in members]
    return members


def usage(pids: Sequence[int]) -> tuple[float, int, int]:
    """Resident memory in MB, open descriptors and threads of all ``pids`` together."""
    memory, descriptors, threads = 0.0, 0, 0
    for pid in pids:
        with contextlib.suppress(OSError):
            memory += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
            descriptors += len(os.listdir(f"/proc/{pid}/fd"))
            threads += len(os.listdir(f"/proc/{pid}/task"))
    return memory, descriptors, threads


def slope(points: Sequence[tuple[float, float]]) -> float:
    """By how much a least-squares line rises in a second; 0 for a single point."""
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def told(readings: Readings, seen: Counter[str], faults: list[str]) -> None:
    """Print the table."""
    print(f"{'':22}{'slope an hour':>15}{'rise':>10}{'first':>10}{'last':>10}{'most':>10}")
    for name, points in sorted(readings.items()):
        late = points[len(points) // 3 :]
        rise = slope(late) * (late[-1][0] - late[0][0])
        values = (slope(late) * 3600, rise, late[0][1], late[-1][1], max(value for _, value in points))
        print(f"{name:22}{values[0]:15.1f}" + "".join(f"{value:10.1f}" for value in values[1:]))
    print(", ".join(f"{count} {what}" for what, count in sorted(seen.items())))
    for fault in faults:
        print(f"FAULT {fault}")


if __name__ == "__main__":
    raise SystemExit(main())
