"""The command line of the worker."""

from __future__ import annotations

import argparse
import logging
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from ga2app.errors import StudioError
from ga2app.paths import Home, default_home
from ga2app.store import Store
from ga2app.worker import launcher
from ga2app.worker.queue_loop import Worker
from ga2app.worker.run_parts import Parts, real_parts

_log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None, *, parts: Parts | None = None) -> int:
    """The command line of the worker; gives the exit status. ``parts`` replaces the torch side."""
    parser = argparse.ArgumentParser(prog="python -m ga2app.worker", description="Train the runs of the queue.")
    parser.add_argument("--home", type=Path, help="folder of the live data (default: GA2_HOME, else the checkout's)")
    parser.add_argument("--once", action="store_true", help="leave when the queue is empty")
    parser.add_argument(
        "--idle-exit", type=float, default=float("inf"), metavar="S", help="leave after S seconds without a run"
    )
    chosen = parser.parse_args(arguments)
    home = Home(chosen.home.expanduser().resolve()) if chosen.home else default_home()
    # Read when torch is loaded. Threads that wait for work by spinning make a small model ten times slower and more
    # as soon as anything else, the app's own recognition for example, wants the same cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.captureWarnings(True)
    try:
        if not launcher.take_lock(home):
            _log.info("another worker is at work in %s; leaving the queue to it", home.root)
            return 0
        try:
            with Store.open(home) as store:
                worker = Worker(home, store, parts or real_parts())
                for number in (signal.SIGTERM, signal.SIGINT):
                    signal.signal(number, worker.leave)
                worker.work(once=chosen.once, idle_exit_s=chosen.idle_exit)
        finally:
            launcher.release_lock(home)
    except StudioError as exc:
        _log.error("%s", exc)
        return 1
    return 0
