"""Random kills of the worker, the app, both, a rank and the decoder: every run ends once, as an undisturbed one does.

``KILLS=100 python -m pytest -s -m faults tests/test_random_kills.py`` prints the table of docs/operations.md; ``SEED``
draws other moments, ``KILLS_S`` ends the killing after so many seconds.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app.bundles import load_folder
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, Precision, PromptConfig, RunConfig
from ga2app.environment import usable_cores
from ga2app.paths import PROJECT, Home
from ga2app.store import Store
from ga2app.types import EventKind, RunState
from ga2app.worker import launcher
from tests.clips import color_dataset

pytestmark = [
    pytest.mark.faults,
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc"),
    pytest.mark.skipif(usable_cores() < 2, reason="two processes need two cores"),
]
KILLS = int(os.environ.get("KILLS", "8"))
LIMIT_S = float(os.environ.get("KILLS_S", "inf"))
SEED = int(os.environ.get("SEED", "1"))
KINDS = ("worker", "app", "both", "rank", "decoder")
MARK = "KILLED_HOME"
PATIENCE_S = 600.0
OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)


def processes(home: Home, what: str) -> list[int]:
    """Numbers of the living processes of this home's app and worker whose command holds ``what``."""
    mark, found = f"{MARK}={home.root}".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            # The decoder's environment is not passed on: its owner, whom its command names, has it.
            named = command.partition("decoder_worker ")[2].split()
            owner = Path("/proc") / named[0] if named else entry
            if what in command and mark in (owner / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


class Machine:
    """The app on ``home`` with the workers that it starts; ``kill`` ends some of it as a power cut would."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.log = (home.root / "app.log").open("ab")
        self.start()

    def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        own = {MARK: str(self.home.root), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "GA2_DECODERS": "1"}
        command = [sys.executable, "app.py", "--home", str(self.home.root), "--port", str(port)]
        self.app = subprocess.Popen(
            command, cwd=PROJECT, stdout=self.log, stderr=self.log, env=os.environ | own, start_new_session=True
        )

    def worker(self) -> int | None:
        holder = launcher.worker_process(self.home)
        return holder.pid if holder else None

    def kill(self, kind: str) -> bool:
        """Whether there was something of that kind to kill."""
        worker = self.worker()
        victims = {
            "worker": [worker] if worker else [],
            "app": [self.app.pid],
            "both": [self.app.pid, worker] if worker else [],
            "rank": processes(self.home, "-m ga2app.training.rank_process")[-1:],
            "decoder": processes(self.home, "ga2app.video.decoder_worker")[-1:],
        }[kind]
        if kind == "rank":  # torch's launcher names the module of the ranks in its command, too
            launchers = processes(self.home, "torch.distributed.run")
            victims = [pid for pid in processes(self.home, "ga2app.training.rank_process") if pid not in launchers][-1:]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return False
        if self.app.pid in victims:
            self.app.wait()
            self.start()
        return bool(victims)

    def close(self) -> None:
        self.app.kill()
        self.app.wait()
        while worker := self.worker():
            os.kill(worker, signal.SIGKILL)
            time.sleep(0.1)
        self.log.close()


@pytest.fixture
def machine(home: Home) -> Iterator[Machine]:
    home.root.mkdir()
    machine = Machine(home)
    yield machine
    machine.close()


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def curve(store: Store, run_id: int, kind: EventKind, value: str) -> list[tuple[int, float]]:
    return [(one.event.step, one.event.values[value]) for one in store.runs.events(run_id, kinds=[kind])]


def test_after_random_kills_no_run_is_lost_none_is_there_twice_and_no_curve_has_a_gap(
    home: Home, tiny_clip_folder: Path, machine: Machine
) -> None:
    draw, killed, asked = random.Random(SEED), Counter[str](), list(KINDS)
    config = RunConfig(
        dataset="colors",
        backbone=str(tiny_clip_folder),
        shots=3,
        device="cpu",
        precision=Precision.FLOAT32,
        threads=1,
        prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"),
        losses=LossConfig(anchor_distillation=0.5, text_distillation=1.0, anchors_per_step=2),
        optimizer=OptimizerConfig(epochs=12, warmup_epochs=1, batch_size=2),
        clips=ClipConfig(num_frames=2, cache_bytes=0),
    )
    kinds_of_run = (config, replace(config, processes=2))
    with Store.open(home) as store:
        (home.media / "colors").mkdir(parents=True)
        store.datasets.add(color_dataset(home.media / "colors"), origin="test")
        undisturbed = [store.runs.queue(one) for one in kinds_of_run]
        until(lambda: all(store.runs.get(run_id).state is RunState.DONE for run_id in undisturbed))
        began_s, runs = time.monotonic(), list[int]()
        while sum(killed.values()) < KILLS and time.monotonic() - began_s < LIMIT_S:
            if store.runs.count(OPEN) < 2:
                runs.append(store.runs.queue(kinds_of_run[len(runs) % 2]))
            told = store.runs.count(OPEN), max([0, *(one.id for run in runs for one in store.runs.events(run))])
            if draw.random() < 0.8:  # else at once: while a worker starts, or before its first step
                until(lambda told=told: told != (
                    store.runs.count(OPEN), max([0, *(one.id for run in runs for one in store.runs.events(run))])
                ))  # fmt: skip
            time.sleep(draw.uniform(0.0, 1.5))
            asked = asked or list(KINDS)
            kind = draw.choice(asked)
            at_work = [run for run in store.runs.list(states=OPEN) if run.attempts > 1]
            if any(run.attempts > 2 or not store.runs.has_checkpoint(run.id) for run in at_work):
                continue  # a run may lose two workers without a new checkpoint, the third is its own fault
            if machine.kill(kind):
                killed[kind] += 1
                asked.remove(kind)
        until(lambda: not store.runs.count(OPEN))
        states = Counter(store.runs.get(run_id).state.value for run_id in runs)
        gaps = twice = other = 0
        for place, run_id in enumerate(runs):
            reference = undisturbed[place % 2]
            steps, epochs = (
                curve(store, run_id, *what) for what in ((EventKind.STEP, "total"), (EventKind.EPOCH, "base"))
            )
            wanted = curve(store, reference, EventKind.STEP, "total")
            numbers, last = [step for step, _ in steps], len(wanted)
            told = [step for step, _ in epochs]
            gaps += set(numbers) != set(range(1, last + 1)) or len(set(told)) != config.optimizer.epochs
            twice += len(set(numbers)) != len(numbers) or len(set(told)) != len(told)
            twice += len(store.runs.events(run_id, kinds=[EventKind.BUNDLE])) > 1
            bundles = [store.runs.get(one).bundle for one in (run_id, reference)]
            if None in bundles or steps != wanted:
                other += 1
                continue
            first, second = (load_folder(str(folder)) for folder in bundles)
            other += not all(torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors)
        rows = Counter(card.folder for card in store.bundles.list())
        twice += sum(count > 1 for count in rows.values())
        failed = [store.runs.get(run_id).error for run_id in runs if store.runs.get(run_id).state is not RunState.DONE]
    sys.stdout.write(
        f"\n{sum(killed.values())} kills in {time.monotonic() - began_s:.0f} s (seed {SEED}): "
        f"{', '.join(f'{kind} {killed[kind]}' for kind in KINDS)}\n{len(runs)} runs: {dict(states)}, "
        f"{len(failed)} lost, {twice} twice, {gaps} with a gap, {other} with another curve or bundle than undisturbed\n"
    )
    left = [path.name for path in home.bundles.glob(".*") if ".new-" in path.name or ".old-" in path.name]
    assert (failed, twice, gaps, other, left) == ([], 0, 0, 0, [])
