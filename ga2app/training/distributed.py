"""A run on this process, or on several that share it.

``train`` is the way in for all. Where the settings ask for several processes it starts them as a child,
``python -m torch.distributed.run``: an elastic launch in a thread could not be stopped, and what is killed for want of
memory is then the child. They meet in a folder that is gone afterwards: ``job`` says what to do, rank 0 writes
``events``, one of them ``fault`` or ``result``, and a file ``stop`` asks them to stop. Before rank 0 saves it waits
until a byte in ``heard`` says that what it told is written down. Where torchrun has started this
process already, with its peers, it takes its place among them.
"""

from __future__ import annotations

import logging
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from ga2app import bundles
from ga2app.clip import Backbone, ranks
from ga2app.clip.compute import OWN_DEVICE
from ga2app.clip.loading import load_for, with_kept_choices
from ga2app.config import AUTO, RunConfig
from ga2app.environment import launched_processes, usable_cores
from ga2app.errors import ConfigError, ErrorCode, Fault, ProcessKilled, TrainingError
from ga2app.evaluation import PlainFeatures
from ga2app.paths import PROJECT
from ga2app.training import checkpoint as checkpoints
from ga2app.training.checkpoint_file import settle
from ga2app.training.tracking import tracked
from ga2app.training.training_checks import check_start, without_needless_whitening, writing_to
from ga2app.training.training_loop import Emit, Loop
from ga2app.training.training_state import prepare
from ga2app.types import Dataset, Event, EventKind, TrainResult

JOB, EVENTS, RESULT, FAULT, STOP, LOG, HEARD = "job", "events", "result", "fault", "stop", "log", "heard"
_POLL_S = 0.03
_SHUTDOWN_S = 40.0
"""torch.distributed.run gives ranks 30 s to end before it kills them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What a run is called with, for the process that trains it."""

    config: RunConfig
    dataset: Dataset
    out: Path
    checkpoint: Path
    reported: bool


def train(
    config: RunConfig,
    dataset: Dataset,
    *,
    out: Path,
    checkpoint: Path,
    emit: Emit = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
    backbone: Backbone | None = None,
    known: PlainFeatures | None = None,
    reported: bool = False,
) -> TrainResult:
    """Train prompts on ``dataset`` and write them to the bundle folder ``out``, which no other run may write to.

    ``checkpoint`` is written after every epoch and on a stop; where it exists the run goes on from it, bit for bit
    as if it had not been interrupted, provided that settings, labels and clips are those that it was made with.
    ``should_stop`` is asked between steps, and between clips where they are measured. ``known`` spares runs on the same
    clips to encode them anew. ``reported`` adds the report, which is None where it could not be made. ``backbone`` and
    ``known`` are this process's own: with them ``processes`` is 1 unless it is set, and then they are of no use.
    What the run tells goes to the trackers of ``report_to``, too; one that fails is told of, and the run goes on.
    Raises StudioError; Diverged where the loss is no number any more, after what was learned before has been kept.
    """
    group, count = ranks.current(), processes(config, alone=backbone is not None)
    with tracked(config, checkpoint, out.name, emit) as (emit, end):
        job = Job(replace(config, report_to=()), dataset, out, checkpoint, reported)
        if group.count > 1 or count == 1:
            return end(_train(group, job, emit, should_stop, backbone, known))
        if launched_processes() == 1:
            return end(_launch(job, count, emit, should_stop))
        with ranks.joined(config.device) as group:
            return end(_train(group, job, emit, should_stop))


def processes(config: RunConfig, *, alone: bool = False) -> int:
    """On how many processes a run of ``config`` is trained: as set, as launched, or one a CUDA device.

    ``alone`` keeps it in this one unless it is set. Raises ConfigError for more than there are devices or cores, and
    for another number than were launched.
    """
    asked, launched = config.processes, launched_processes()
    if launched > 1:
        if asked not in (AUTO, launched):
            raise _refused(f"is {asked} and {launched} processes were launched; make both the same, or set it to auto")
        return launched
    cuda = config.device in (AUTO, "cuda") and torch.cuda.is_available()
    if asked == AUTO:
        # A worker that has a device of its own leaves the others to theirs.
        return torch.cuda.device_count() if cuda and not (alone or OWN_DEVICE in os.environ) else 1
    there, what = torch.cuda.device_count(), "CUDA devices"
    if not cuda:
        on_processor = config.device == "cpu" or (config.device == AUTO and not torch.backends.mps.is_available())
        there, what = (usable_cores(), "cores") if on_processor else (1, f"device {config.device} there is")
    if int(asked) > there:
        raise _refused(f"must be at most {there}, the {what} here (it is {asked})")
    return int(asked)


def _refused(rule: str) -> ConfigError:
    return ConfigError([Fault("processes", rule)], code=ErrorCode.DEVICE_UNUSABLE)


def _train(
    group: ranks.Ranks,
    job: Job,
    emit: Emit,
    should_stop: Callable[[], bool],
    backbone: Backbone | None = None,
    known: PlainFeatures | None = None,
) -> TrainResult:
    """``train`` on this rank. All ranks go through the same; rank 0 alone writes, and tells."""
    config, dataset, checkpoint = job.config, job.dataset, job.checkpoint
    group.agree_on("settings and clips", (config, dataset))

    def stop() -> bool:
        return group.any(should_stop())  # a rank that is told to stop stops all, at the same step

    if group.first:
        bundles.check_place(job.out)
    with writing_to(job.out) if group.first else nullcontext():
        if group.first:
            settle(checkpoint, emit)
        asked, data = config, group.from_first(lambda: check_start(config, dataset, checkpoint))
        config = without_needless_whitening(config, dataset)
        backbone, config = _loaded(group, config, checkpoint, backbone)
        group.agree_on("backbone and precision", (backbone.identity.fingerprint, config.precision))
        if group.first and checkpoint.exists():
            checkpoints.check_backbone(checkpoint, backbone.identity)
        with torch.random.fork_rng(), backbone.compute.repeatable():
            try:
                setup = prepare(config, dataset, backbone, stop, known, asked)
            except InterruptedError:
                return TrainResult(finished=False, step=0)
            told = emit if group.first else _keep_silent
            with closing(setup.anchor_source):
                return Loop(group, config, data, setup, job.out, checkpoint, told, stop).run(job.reported)


def _loaded(
    group: ranks.Ranks, config: RunConfig, checkpoint: Path, backbone: Backbone | None
) -> tuple[Backbone, RunConfig]:
    """The backbone of this rank, and ``config`` with how it computes.

    What is not set is as the checkpoint has it, or as rank 0 finds it faster; a given ``backbone`` keeps its precision.
    """
    kept = group.from_first(lambda: checkpoints.kept_choices(checkpoint))
    asked = replace(config, device=group.device(config.device))
    asked = with_kept_choices(asked, kept, processes=group.count)
    if backbone is not None:
        backbone.use_attention(backbone.attention if asked.attention == AUTO else asked.attention)
        if asked.threads != AUTO:
            backbone.use_threads(max(1, int(asked.threads) // group.count))
    elif group.first:
        backbone = load_for(asked, processes=group.count)
    chosen = group.from_first(lambda: {} if backbone is None else backbone.choices(group.count))
    if backbone is None:
        backbone = load_for(replace(asked, **chosen), processes=group.count)
    return backbone, replace(config, **chosen)


def _keep_silent(event: Event) -> None:
    """What a rank tells that is not the first one."""


def _launch(job: Job, count: int, emit: Emit, should_stop: Callable[[], bool]) -> TrainResult:
    """Train ``job`` on ``count`` processes of this machine, none of which is left. Raises what ``train`` raises."""
    with TemporaryDirectory(prefix="ga2-run-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / JOB).write_bytes(pickle.dumps(job))
        with _running(folder, count, job.config.threads) as launcher, (folder / EVENTS).open("xb+") as events:
            ended = False
            while not ended:
                with suppress(subprocess.TimeoutExpired):
                    launcher.wait(_POLL_S)
                    ended = True
                if should_stop():
                    (folder / STOP).touch()
                for event in _written(events):
                    emit(event)
                    if event.kind is EventKind.SAVING:
                        with (folder / HEARD).open("ab") as heard:
                            heard.write(b".")
        said = (folder / LOG).read_text(errors="replace")
        if (folder / RESULT).exists():
            result: TrainResult = pickle.loads((folder / RESULT).read_bytes())  # nosec B301
            return result
        _log.error("what the %d processes said:\n%s", count, said[-20_000:])
        raise _fault(folder / FAULT, said, count, job.checkpoint.exists())


@contextmanager
def _running(folder: Path, count: int, asked: int | str) -> Iterator[subprocess.Popen[bytes]]:
    """The processes, under torch's own launcher, sharing the threads ``asked`` for. They live as long as the block.

    They hold the other end of a pipe, and end when it closes: with this process, or when their launcher is gone.
    """
    threads = str(max(1, (torch.get_num_threads() if asked == AUTO else int(asked)) // count))
    own = {"OMP_NUM_THREADS": threads, "PYTHONPATH": _with_project(), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    command += ["--nproc-per-node", str(count), "--max-restarts", "0", "-m", "ga2app.training.rank_process"]
    try:
        with (folder / LOG).open("wb") as log:
            launcher = subprocess.Popen(
                [*command, str(folder)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for this process, which asks them to save
                env=os.environ | own,
            )
    except OSError as exc:
        raise TrainingError(f"the {count} processes of the run could not be started ({exc}); free some memory") from exc
    try:
        yield launcher
    finally:
        if launcher.stdin is not None:
            launcher.stdin.close()
        try:
            launcher.wait(_SHUTDOWN_S)
        except subprocess.TimeoutExpired:
            launcher.kill()
            launcher.wait()


def _with_project() -> str:
    return os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH", ""))))


def _written(events: Any) -> Iterator[Event]:
    """The events that have been written whole since the last call."""
    while True:
        place = events.tell()
        try:
            yield pickle.load(events)  # nosec B301
        except (EOFError, pickle.UnpicklingError):
            events.seek(place)
            return


def _fault(file: Path, said: str, count: int, kept: bool) -> Exception:
    """Why the run ended, from what one rank has told and from how all of them ended."""
    told: Exception | None = pickle.loads(file.read_bytes()) if file.exists() else None  # nosec B301
    codes = [int(code) for code in re.findall(r"exitcode\s*:\s*(-?\d+) \(pid", said)]
    if told is not None and getattr(told, "code", None) is not ErrorCode.WORKER_DIED:
        return told
    after = "; its last checkpoint is kept" if kept else ""
    if -9 in codes:  # whoever is left tells of a closed connection, and may have ended first
        return ProcessKilled(
            f"one of the {count} processes of the run was killed by the system (signal 9), as it is when memory runs "
            f"out{after}",
            hint="lower the batch size or the number of frames, or take fewer processes, and go on from there",
            code=ErrorCode.OUT_OF_MEMORY,
        )
    how = ", ".join(f"signal {-code}" if code < 0 else f"status {code}" for code in codes) or "no message"
    return TrainingError(
        f"the {count} processes of the run ended before their time ({how}){after}",
        hint="the log has their last output",
        code=ErrorCode.WORKER_DIED,
    )
