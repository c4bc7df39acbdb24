"""The command line of the workers: one in this process, or several, each in a process of its own that is watched."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ga2app.errors import StudioError
from ga2app.paths import Home, default_home
from ga2app.store import Store
from ga2app.worker import launcher
from ga2app.worker.queue_loop import Worker
from ga2app.worker.run_parts import Parts, real_parts
from ga2app.worker.worker_identity import WorkerSlot, add_options, plan_slots

_log = logging.getLogger(__name__)
_LOOK_S = 0.2
_REMOTE_LOOK_S = 5.0


def main(
    arguments: Sequence[str] | None = None,
    *,
    parts: Parts | None = None,
    command: Sequence[str] = launcher.WORKER,
) -> int:
    """The command line of the workers; gives the exit status.

    ``parts`` replaces the torch side of one in this process, ``command`` is what Python runs for several.
    """
    parser = argparse.ArgumentParser(prog="python -m ga2app.worker", description="Train the runs of the queue.")
    parser.add_argument("--home", type=Path, help="the data directory (default: GA2_HOME, else the checkout's)")
    add_options(parser)
    parser.add_argument("--slot", nargs=3, metavar=("DEVICE", "NUMBER", "THREADS"), help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    home = Home(chosen.home.expanduser().resolve()) if chosen.home else default_home()
    # Read when torch is loaded. Threads that wait for work by spinning make a small model ten times slower and more
    # as soon as anything else, the app's own recognition for example, wants the same cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        if chosen.slot:
            slots: tuple[WorkerSlot, ...] = (WorkerSlot(chosen.slot[0], int(chosen.slot[1]), int(chosen.slot[2])),)
        else:
            slots = plan_slots(chosen.workers)
        name = f"{slots[0].name}: " if len(slots) == 1 and slots[0] != WorkerSlot() else ""
        handler = _OwnLog(chosen.log) if chosen.log else logging.StreamHandler()
        line = f"%(asctime)s {name}%(levelname)s %(name)s: %(message)s"
        logging.basicConfig(level=logging.INFO, format=line, handlers=[handler])
        logging.captureWarnings(True)
        if len(slots) > 1:
            return _Watch(home, slots, command, chosen).until_all_have_left()
        return _work(home, slots[0], chosen, parts, alone=not chosen.slot)
    except StudioError as exc:
        logging.basicConfig(format="%(levelname)s: %(message)s")
        _log.error("%s", exc)
        return 1


class _OwnLog(RotatingFileHandler):
    """The log of a worker that nobody watches, which turns over; what libraries write by themselves goes along."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=launcher.LOG_BYTES, backupCount=1, encoding="utf-8")

    def doRollover(self) -> None:
        super().doRollover()
        for number in (1, 2):
            if self.stream:
                os.dup2(self.stream.fileno(), number)


def _work(home: Home, slot: WorkerSlot, chosen: argparse.Namespace, parts: Parts | None, *, alone: bool) -> int:
    """Be the worker of ``slot``."""
    if not launcher.take_lock(home, slot):
        _log.info("another worker is at work in %s; leaving the queue to it", home.root)
        return 0
    os.environ.update(slot.environment())
    try:
        with Store.open(home) as store:
            worker = Worker(home, store, parts or real_parts(), slot)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, worker.leave)
            if alone:
                threading.Thread(target=_see_to_remote_runs, args=(home, store), daemon=True).start()
            worker.work(once=chosen.once, idle_exit_s=chosen.idle_exit)
    finally:
        launcher.release_lock(home, slot)
    if worker.spent:
        _log.warning("the GPU of this process is of no use any more; it begins anew")
        logging.shutdown()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # the same process to whoever watches it
    return 0


def _see_to_remote_runs(home: Home, store: Store) -> None:
    """While this worker trains, runs on machines of others are followed by workers of their own."""
    while True:
        try:
            launcher.ensure_remote_workers(home, store)
        except StudioError as exc:
            _log.warning("%s", exc)
        time.sleep(_REMOTE_LOOK_S)


class _Watch:
    """Keeps a worker at work in each of several slots: one that was killed is replaced, and its run goes on."""

    def __init__(
        self, home: Home, slots: Sequence[WorkerSlot], command: Sequence[str], chosen: argparse.Namespace
    ) -> None:
        self._home, self._command, self._leaving = home, command, False
        self._options = ["--once"] if chosen.once else []
        if chosen.idle_exit != float("inf"):
            self._options += ["--idle-exit", str(chosen.idle_exit)]
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: self._leave())
        self._children = {slot: self._start(slot) for slot in slots}

    def until_all_have_left(self) -> int:
        """Wait for the workers; gives the highest of their exit statuses."""
        worst, looked_s = 0, float("-inf")
        with Store.open(self._home) as store:
            while self._children:
                if time.monotonic() - looked_s > _REMOTE_LOOK_S and not self._leaving:
                    launcher.ensure_remote_workers(self._home, store)
                    looked_s = time.monotonic()
                for slot, child in list(self._children.items()):
                    status = child.poll()
                    if status is None:
                        continue
                    del self._children[slot]
                    if status < 0 and not self._leaving:
                        _log.warning(
                            "worker %s was ended by signal %d; another one takes its place", slot.name, -status
                        )
                        self._children[slot] = self._start(slot)
                    worst = max(worst, status)
                time.sleep(_LOOK_S)
        return worst

    def _start(self, slot: WorkerSlot) -> subprocess.Popen[bytes]:
        arguments = [*self._command, "--home", str(self._home.root), *slot.options(), *self._options]
        # A session of its own: Ctrl-C comes to this process alone, which passes it on once.
        return subprocess.Popen(
            [sys.executable, "-P", *arguments],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=os.environ | slot.environment() | {"PYTHONPATH": launcher.python_path()},
        )

    def _leave(self) -> None:
        self._leaving = True
        for child in self._children.values():
            child.terminate()
