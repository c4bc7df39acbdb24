"""Runs that several processes share: the same gradients, figures and faults as in one, and none is left behind."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ga2app.clip import load_backbone
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, Pooling, PromptConfig, RunConfig, WhiteningConfig
from ga2app.environment import usable_cores
from ga2app.errors import ConfigError, ErrorCode, TrainingError
from ga2app.paths import PROJECT, Home
from ga2app.store import Store
from ga2app.training import train
from ga2app.training.distributed import _fault, processes
from ga2app.types import Dataset, Event, EventKind
from ga2app.worker.queue_loop import LOG
from tests.clips import color_dataset
from tests.leftovers import MARK
from tests.train.ranks_program import Case, step_of

pytestmark = pytest.mark.processes
several = pytest.mark.skipif(usable_cores() < 2, reason="two processes need two cores")
PATIENCE_S = 300
FULL = RunConfig(
    shots=3,
    device="cpu",
    prompts=PromptConfig(length=2, visual_depth=2, text_depth=2, hard_prompt="random", zero_shot_ratio=0.3),
    losses=LossConfig(
        anchor_rejection=0.3,
        background_class=0.5,
        anchor_distillation=0.7,
        relation_distillation=0.2,
        feature_distillation=0.1,
        text_distillation=1.0,
        class_relation_distillation=0.4,
        anchors_per_step=2,
    ),
    whitening=WhiteningConfig(enabled=True),
    optimizer=OptimizerConfig(learning_rate=0.01, epochs=3, warmup_epochs=1, batch_size=2, accumulate=2),
    clips=ClipConfig(num_frames=2),
)
QUICK = replace(
    FULL,
    prompts=replace(FULL.prompts, visual_depth=0, zero_shot_ratio=0.0),
    losses=LossConfig(text_distillation=1.0, class_relation_distillation=0.5),
)


def ordered(config: RunConfig) -> RunConfig:
    return replace(config, prompts=replace(config.prompts, pooling=Pooling.ORDERED))


def torchrun(*arguments: str, folder: Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """What ``arguments``, a module and its own, come to on two processes of one thread each."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    own = {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT), "GA2_HOME": str(folder / "home")}
    return subprocess.run(
        [*command, "--nproc-per-node", "2", "-m", *arguments],
        cwd=folder,
        env=os.environ | own | {"TORCH_DISTRIBUTED_DEBUG": "DETAIL"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        **more,
    )


@pytest.fixture(scope="module")
def colors(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"), train=3, test=2)


def test_two_processes_have_the_gradients_and_features_of_one(
    colors: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    released = replace(FULL, losses=LossConfig(released=1.0, feature_distillation=0.5))
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(b"no clip")
    last = replace(colors.clips[-1], path=str(damaged))
    cases = [
        Case("full", FULL, colors, (3, 0, 5, 1)),
        Case("uneven", FULL, colors, (4, 2, 0)),
        Case("one clip, and a rank without any", FULL, colors, (2,)),
        Case("released", released, replace(colors, negatives=("else",)), (0, 1, 3)),
        Case("quick", QUICK, colors, (3, 0, 5, 1)),
        Case("ordered", ordered(FULL), colors, (4, 2, 0)),
        Case("ordered, and a rank without any", ordered(FULL), colors, (2,)),
        Case("ordered, quick", ordered(QUICK), colors, (3, 0, 5, 1)),
        Case("damaged", QUICK, replace(colors, clips=(*colors.clips[:-1], last)), (0, 1)),
    ]
    (tmp_path / "cases").write_bytes(pickle.dumps((tiny_clip_folder, cases)))
    ended = torchrun("tests.train.ranks_program", str(tmp_path), folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    found = pickle.loads((tmp_path / "found").read_bytes())
    backbone = load_backbone(tiny_clip_folder, device="cpu", precision="float32")
    for case in cases[:-1]:
        alone = step_of(case, backbone)
        assert found[case.name].keys() == alone.keys() and "text" in alone
        for name, expected in alone.items():
            apart = (found[case.name][name] - expected).norm()
            assert apart <= 1e-5 * expected.norm() + 1e-9, f"{case.name}: {name} is {apart} off"
    assert found["damaged"].startswith("1 of 8 clips cannot be read: clip 'damaged.mp4'")


class Told:
    """What a run tells; asks it to stop after so many steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.events: list[Event] = []
        self._stop_after = stop_after

    def of(self, kind: EventKind, *names: str) -> list[Any]:
        return [[event.step, *map(event.values.get, names)] for event in self.events if event.kind is kind]

    def should_stop(self) -> bool:
        return self._stop_after is not None and len(self.of(EventKind.STEP)) >= self._stop_after


def run(config: RunConfig, dataset: Dataset, folder: Path, stop_after: int | None = None) -> tuple[Any, Told]:
    told = Told(stop_after)
    out, checkpoint = folder / "bundle", folder / "checkpoint"
    result = train(
        config, dataset, out=out, checkpoint=checkpoint, emit=told.events.append, should_stop=told.should_stop,
        reported=True,
    )  # fmt: skip
    return result, told


@several
def test_a_run_stops_and_goes_on_with_another_number_of_processes_as_if_nothing_had_happened(
    colors: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    one = replace(FULL, backbone=str(tiny_clip_folder), processes=1, optimizer=replace(FULL.optimizer, epochs=30))
    two = replace(one, processes=2)
    straight, undisturbed = run(one, colors, tmp_path / "straight")
    stopped, first = run(one, colors, tmp_path / "parts", stop_after=2)
    assert not stopped.finished
    stopped, second = run(two, colors, tmp_path / "parts", stop_after=3)
    assert not stopped.finished and 5 <= stopped.step < straight.step
    result, third = run(one, colors, tmp_path / "parts")
    assert result.finished and result.step == straight.step and result.report is not None
    steps = [entry for told in (first, second, third) for entry in told.of(EventKind.STEP, "total", "learning_rate")]
    expected = undisturbed.of(EventKind.STEP, "total", "learning_rate")
    assert steps == [pytest.approx(entry, rel=1e-3) for entry in expected]
    assert result.metrics == straight.metrics and result.zero_shot == straight.zero_shot
    for told, before in ((second, first), (third, second)):
        assert told.of(EventKind.LOG, "text")[0][1] == f"resumed at step {before.of(EventKind.STEP)[-1][0]}"
    for figures in (result.report, straight.report):
        assert figures.bundle.metrics == straight.metrics
    manifests = [json.loads((tmp_path / name / "bundle/bundle.json").read_text()) for name in ("straight", "parts")]
    assert manifests[0]["config"] == manifests[1]["config"]


@several
def test_torchrun_trains_one_run_and_tells_of_it_or_of_a_fault_once(colors: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    for clip in colors.clips:
        (folder / clip.label).mkdir(parents=True, exist_ok=True)
        os.link(clip.path, folder / clip.label / Path(clip.path).name)
    quick = ["ga2app", "train", "--preset", "quick", "--epochs", "2", "--shots", "2", "--dataset", str(folder)]
    ended = torchrun(*quick, "--out", str(tmp_path / "bundle"), "--json", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document["state"] == "done" and (tmp_path / "bundle/bundle.json").exists()
    assert list(tmp_path.glob("*.checkpoint")) == []
    ended = torchrun(*quick, "--out", str(tmp_path / "bundle"), "--json", folder=tmp_path)
    assert ended.returncode == 1 and ended.stdout == ""
    errors = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and "holds a bundle already" in errors[0]


def test_more_processes_than_there_is_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = usable_cores()
    assert processes(RunConfig(device="cpu")) == 1
    with pytest.raises(ConfigError, match=rf"processes: must be at most {cores}, the cores here \(it is {cores + 1}\)"):
        processes(RunConfig(device="cpu", processes=cores + 1))
    assert RunConfig.from_dict({"processes": "2"}).processes == 2
    with pytest.raises(ConfigError, match=r"must be auto or a number of processes .* \(it is 0\)"):
        RunConfig.from_dict({"processes": 0})
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    assert processes(RunConfig()) == 2
    with pytest.raises(ConfigError, match="processes: is 3 and 2 processes were launched; make both the same"):
        processes(RunConfig(processes=3))


def started(what: str) -> list[int]:
    """Numbers of the living processes that this test run started whose command holds ``what``."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            dead = (entry / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if not dead and what in command and mark in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return sorted(found)


def until(holds: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


RANK, LAUNCHER = "ga2app.training.rank_process", "torch.distributed.run"


@several
@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_a_process_of_a_run_is_killed_and_the_worker_goes_on_or_the_worker_is_and_none_is_left(
    colors: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    long = replace(
        FULL,
        dataset="colors",
        backbone=str(tiny_clip_folder),
        processes=2,
        optimizer=replace(FULL.optimizer, epochs=1000),
    )
    with Store.open(home) as store:
        store.datasets.add(colors, origin="test")
        runs = [store.runs.queue(long) for _ in range(2)]
        log = home.root / "worker.log"
        with log.open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "ga2app.worker", "--home", str(home.root), "--once"],
                cwd=PROJECT, stdout=output, stderr=output, env=os.environ | {"OMP_NUM_THREADS": "2"},
            )  # fmt: skip

        def steps(run_id: int) -> bool:
            assert worker.poll() is None, log.read_text()
            return bool(store.runs.events(run_id, kinds=[EventKind.EPOCH]))

        try:
            until(lambda: steps(runs[0]), log)
            of_run = started(RANK)
            # torch's launcher names the ranks' module in its command, too.
            only_ranks = [pid for pid in of_run if pid not in started(LAUNCHER)]
            assert len(only_ranks) == 2
            os.kill(only_ranks[1], signal.SIGKILL)
            until(lambda: store.runs.get(runs[0]).attempts == 2, log)  # as after the death of its worker
            told = (home.run_folder(runs[0]) / LOG).read_text()
            assert "run 1 is queued: one of the 2 processes of the run was killed by the system (signal 9)" in told
            assert "its last checkpoint is kept" in told and home.checkpoint(runs[0]).exists()
            until(lambda: not set(of_run) & set(started(RANK)), log)
            store.runs.request_stop(runs[0])
            until(lambda: steps(runs[1]), log)
        finally:
            worker.kill()
            worker.wait()
        until(lambda: not started(RANK), log)


def test_a_launcher_that_is_gone_without_a_word_is_told_so(tmp_path: Path) -> None:
    fault = _fault(tmp_path / "none", "", 2, kept=True)
    assert isinstance(fault, TrainingError) and fault.code is ErrorCode.WORKER_DIED
    assert "the 2 processes of the run ended before their time (no message); its last checkpoint" in str(fault)
