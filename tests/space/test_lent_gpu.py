"""ZeroGPU: a GPU that is lent for one call at a time, to recognize with it and to train in slices."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from ga2app.bundles import load_folder
from ga2app.clip import compute, load_backbone
from ga2app.config import DEMO, ClipConfig, LossConfig, OptimizerConfig, Precision, PromptConfig, RunConfig
from ga2app.errors import ClipError, ConfigError, Fault, LabelError
from ga2app.evaluation import CLIPS_AT_ONCE, PlainFeatures
from ga2app.paths import Home
from ga2app.services.hardware import ThreadWorker
from ga2app.services.recognizers import OwnRecognizer, ZeroGpuRecognizer, portable
from ga2app.services.zerogpu_training import FEATURES, LentTraining, Teller
from ga2app.store import Store
from ga2app.types import Event, EventKind, RecognitionRequest, RunState
from ga2app.worker import launcher
from ga2app.worker.run_parts import real_parts
from tests.clips import color_dataset, write_color_clip

from .hosting import PATIENCE_S
from .lending import calls, zero_gpu

LABELS = ["walking", "running"]
CONFIG = RunConfig(
    dataset="colors",
    shots=2,
    precision=Precision.FLOAT32,
    prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"),
    losses=LossConfig(anchor_distillation=0.5, text_distillation=1.0, anchors_per_step=2),
    optimizer=OptimizerConfig(epochs=4, warmup_epochs=1, batch_size=2),
    clips=ClipConfig(num_frames=2),
)
ONE_EPOCH = OptimizerConfig(epochs=1, warmup_epochs=0, batch_size=2)


@pytest.fixture
def spaces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """ZeroGPU hardware, and this process as the app's there."""
    monkeypatch.setattr(compute, "_only_lent", True)
    with zero_gpu(tmp_path, monkeypatch) as module:
        yield module


@pytest.fixture
def recognizer(spaces: ModuleType, tiny_clip_folder: Path) -> ZeroGpuRecognizer:
    made = ZeroGpuRecognizer(spaces.GPU(duration=60))
    made.warm(str(tiny_clip_folder))
    return made


@pytest.fixture
def clip(tmp_path: Path) -> str:
    return write_color_clip(tmp_path / "red.mp4", (200, 30, 30), seed=1)


def test_outside_a_call_the_gpu_that_cuda_claims_is_not_used(spaces: ModuleType) -> None:
    assert torch.cuda.is_available()
    assert compute.settle("auto", Precision.FLOAT32).device.type == "cpu"
    with compute.lent():
        assert compute.settle("auto", Precision.FLOAT32).device.type == "cuda"


def test_a_clip_is_recognized_in_a_call_with_a_stated_duration(
    recognizer: ZeroGpuRecognizer, clip: str, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    answers = [recognizer.recognize(RecognitionRequest([clip], LABELS, None, str(tiny_clip_folder))) for _ in range(2)]
    assert calls(tmp_path) == [{"task": "_recognize_on_gpu", "duration": 60}] * 2
    on_cpu = OwnRecognizer().recognize(RecognitionRequest([clip], LABELS, None, str(tiny_clip_folder)))
    for answer in answers:
        assert [one.to_dict() for one in answer.clips] == [one.to_dict() for one in on_cpu.clips]
        assert answer.notes == on_cpu.notes


def test_what_is_wrong_with_a_question_comes_back_in_its_own_words(
    recognizer: ZeroGpuRecognizer, clip: str, tiny_clip_folder: Path
) -> None:
    with pytest.raises(LabelError, match="is the only label"):
        recognizer.recognize(RecognitionRequest([clip], ["walking"], None, str(tiny_clip_folder)))


def test_where_no_gpu_is_to_be_had_the_cpu_answers_and_says_so(
    recognizer: ZeroGpuRecognizer, clip: str, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "no-gpu").touch()
    answer = recognizer.recognize(RecognitionRequest([clip], LABELS, None, str(tiny_clip_folder)))
    assert answer.clips[0].error is None
    assert answer.notes[-1].startswith("the CPU answered, because no GPU was available: You have exceeded your quota")
    assert calls(tmp_path) == []


def test_a_call_that_takes_longer_than_it_said_is_cut_off_and_the_cpu_answers(
    spaces: ModuleType, clip: str, tiny_clip_folder: Path
) -> None:
    hasty = ZeroGpuRecognizer(spaces.GPU(duration=0.001))
    hasty.warm(str(tiny_clip_folder))
    answer = hasty.recognize(RecognitionRequest([clip], LABELS, None, str(tiny_clip_folder)))
    assert answer.clips[0].error is None and answer.notes[-1].endswith("no GPU was available: GPU task aborted")


# Training


@pytest.fixture
def store(home: Home, store: Store) -> Store:
    (home.media / "colors").mkdir(parents=True)
    colors = color_dataset(home.media / "colors")
    for name in ("colors", DEMO):  # or the worker would draw the latter when it has nothing to do
        store.datasets.add(replace(colors, name=name), origin="test")
    return store


def at_once() -> threading.Event:
    event = threading.Event()
    event.set()
    return event


def trained(home: Home, store: Store, training: LentTraining, config: RunConfig) -> int:
    """Queue a run and have the app's own worker train it; gives its number."""
    run = store.runs.queue(config)
    worker = ThreadWorker(home, store, replace(real_parts(), train=training))
    worker.wake()
    deadline = time.monotonic() + PATIENCE_S
    while store.runs.get(run).state in (RunState.QUEUED, RunState.RUNNING) and time.monotonic() < deadline:
        time.sleep(0.02)
    worker.close()
    assert not worker.alive() and not launcher.worker_alive(home)
    return run


def whole(task: Any) -> Any:
    """Lends for as long as the task likes."""
    return task


class TimeIsUp(os.PathLike[str]):
    """A place that is looked at before each step, batch of frozen clips and other clip; in the end something is."""

    def __init__(self, looks: int) -> None:
        self._looks = looks

    def __fspath__(self) -> str:
        self._looks -= 1
        return os.devnull if self._looks < 0 else "/nothing/there"


def briefly(slices: list[int], looks: int = 12) -> Any:
    """Lends until the slice was about to go on ``looks`` times, as its seconds would; ``slices`` grows with each."""

    def lend(task: Any) -> Any:
        def call(config: Any, dataset: Any, out: str, checkpoint: str, stop: str, budget_s: float) -> Any:
            slices.append(looks)
            yield from task(config, dataset, out, checkpoint, TimeIsUp(looks), budget_s)

        return call

    return lend


def losses(store: Store, run: int) -> list[tuple[int, float]]:
    stored = store.runs.events(run, kinds=[EventKind.STEP])
    return [(entry.event.step, entry.event.values["total"]) for entry in stored]


def lines(store: Store, run: int) -> list[str]:
    return [str(entry.event.values["text"]) for entry in store.runs.events(run, kinds=[EventKind.LOG])]


def test_slices_end_with_the_curve_and_the_bundle_of_a_run_that_was_not_interrupted(
    home: Home, store: Store, tiny_clip_folder: Path
) -> None:
    config = replace(CONFIG, backbone=str(tiny_clip_folder))
    undisturbed = trained(home, store, LentTraining(whole, 60, at_once()), config)
    slices: list[int] = []
    sliced = trained(home, store, LentTraining(briefly(slices), 60, at_once()), config)
    records = [store.runs.get(run) for run in (undisturbed, sliced)]
    assert [(record.state, record.error, record.attempts) for record in records] == [(RunState.DONE, None, 1)] * 2
    assert len(slices) >= 3
    assert losses(store, sliced) == losses(store, undisturbed)
    for kind in (EventKind.PLAN, EventKind.ZERO_SHOT, EventKind.EPOCH, EventKind.BUNDLE):
        assert len(store.runs.events(sliced, kinds=[kind])) == len(store.runs.events(undisturbed, kinds=[kind]))
    assert not [line for line in lines(store, sliced) if line.startswith("resumed")]
    first, second = (load_folder(str(record.bundle)) for record in records)
    assert first.manifest.metrics == second.manifest.metrics
    assert all(torch.equal(first.tensors[name], second.tensors[name]) for name in first.tensors)
    assert not (home.run_folder(sliced) / FEATURES).exists()
    assert (home.run_folder(sliced) / "report.json").exists()


def test_a_slice_runs_in_the_process_that_the_gpu_is_lent_to_and_its_log_is_the_runs(
    spaces: ModuleType, home: Home, store: Store, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    config = replace(CONFIG, backbone=str(tiny_clip_folder), shots=5, optimizer=ONE_EPOCH)
    run = trained(home, store, LentTraining(spaces.GPU(duration=60), 60, at_once()), config)
    assert (store.runs.get(run).state, store.runs.get(run).error) == (RunState.DONE, None)
    assert calls(tmp_path) == [{"task": "run_slice", "duration": 60}]
    log = (home.run_folder(run) / "log.txt").read_text()
    assert "some classes have fewer than 5" in log
    assert "training on ZeroGPU in parts of 60 s" in lines(store, run)


def test_where_no_gpu_is_to_be_had_the_run_waits_says_so_and_goes_on_by_itself(
    spaces: ModuleType, home: Home, store: Store, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    refuse = tmp_path / "no-gpu"
    refuse.touch()
    real = spaces.GPU(duration=60)

    def lend(task: Any) -> Any:
        lent = real(task)

        def call(*args: Any) -> Any:
            try:
                yield from lent(*args)
            finally:
                refuse.unlink(missing_ok=True)  # after the first time there is one

        return call

    config = replace(CONFIG, backbone=str(tiny_clip_folder), optimizer=ONE_EPOCH)
    run = trained(home, store, LentTraining(lend, 60, at_once(), wait_s=0.05), config)
    assert store.runs.get(run).state is RunState.DONE
    (told,) = [line for line in lines(store, run) if "no GPU is available" in line]
    assert "You have exceeded your quota" in told and told.endswith("the run goes on by itself when there is one")


def test_a_gpu_that_is_lent_too_briefly_ends_the_run_with_what_to_do(
    spaces: ModuleType, home: Home, store: Store, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    config = replace(CONFIG, backbone=str(tiny_clip_folder))
    run = trained(home, store, LentTraining(spaces.GPU(duration=0.01), 60, at_once()), config)
    record = store.runs.get(run)
    assert record.state is RunState.FAILED and record.error is not None
    assert "3 parts of 60 s in a row made no progress; set GA2_GPU_SECONDS" in record.error
    assert len(calls(tmp_path)) == 3


def test_a_fault_of_the_run_is_told_in_its_own_words(home: Home, store: Store) -> None:
    run = trained(home, store, LentTraining(whole, 60, at_once()), replace(CONFIG, backbone="/no/such/clip"))
    assert "backbone '/no/such/clip' is not a folder on this machine" in str(store.runs.get(run).error)


def test_a_run_that_is_stopped_saves_and_goes_on_later(home: Home, store: Store, tiny_clip_folder: Path) -> None:
    config = replace(CONFIG, backbone=str(tiny_clip_folder))
    undisturbed = trained(home, store, LentTraining(whole, 60, at_once()), config)
    queued = store.runs.list(limit=10)

    def lend(task: Any) -> Any:
        def call(*args: Any) -> Any:
            for item in task(*args):
                yield item
                if isinstance(item, Event) and item.kind is EventKind.STEP and item.step == 2:
                    (run,) = [one for one in store.runs.list(limit=10) if one.id not in {old.id for old in queued}]
                    store.runs.request_stop(run.id)

        return call

    run = trained(home, store, LentTraining(lend, 60, at_once()), config)
    assert store.runs.get(run).state is RunState.STOPPED
    store.runs.requeue(run)
    worker = ThreadWorker(home, store, replace(real_parts(), train=LentTraining(whole, 60, at_once())))
    worker.wake()
    deadline = time.monotonic() + PATIENCE_S
    while store.runs.get(run).state is not RunState.DONE and time.monotonic() < deadline:
        time.sleep(0.02)
    worker.close()
    assert losses(store, run) == losses(store, undisturbed)
    assert [line for line in lines(store, run) if line.startswith("resumed at step")]


def test_what_each_slice_repeats_is_told_once_and_what_was_lost_is_taken_back() -> None:
    told: list[tuple[EventKind, int, str]] = []
    teller = Teller(lambda event: told.append((event.kind, event.step, str(event.values.get("text", "")))))

    def begin(step: int) -> None:
        if step:
            teller.emit(Event(EventKind.LOG, step, {"text": f"resumed at step {step}"}))
        teller.emit(Event(EventKind.PLAN, step, {"total_steps": 9}))
        teller.emit(Event(EventKind.ZERO_SHOT, step, {}))

    begin(0)
    for step in (1, 2, 3):
        teller.emit(Event(EventKind.STEP, step, {}))
    begin(3)
    teller.emit(Event(EventKind.STEP, 4, {}))
    begin(2)  # the slice before was cut off: its checkpoint is older than what it has told
    teller.emit(Event(EventKind.STEP, 3, {}))
    assert told == [
        (EventKind.PLAN, 0, ""),
        (EventKind.ZERO_SHOT, 0, ""),
        *((EventKind.STEP, step, "") for step in (1, 2, 3, 4)),
        (EventKind.LOG, 2, "resumed at step 2"),
        (EventKind.STEP, 3, ""),
    ]


def test_frozen_features_outlive_a_slice_that_ended_before_its_first_step(
    tmp_path: Path, tiny_clip_folder: Path
) -> None:
    backbone = load_backbone(tiny_clip_folder)
    paths = [write_color_clip(tmp_path / f"{number}.mp4", (9 * number, 80, 80), seed=number) for number in range(18)]
    known, asked = PlainFeatures(backbone, 2), iter([False, True])
    known.whole_batches = True
    with pytest.raises(InterruptedError):
        known.of(paths, lambda: next(asked))
    assert known.count == CLIPS_AT_ONCE
    file = tmp_path / "run" / FEATURES
    known.save(file)
    again = PlainFeatures(backbone, 2)
    again.load(file)
    assert again.count == CLIPS_AT_ONCE
    assert torch.equal(again.of(paths), PlainFeatures(backbone, 2).of(paths))

    other = PlainFeatures(backbone, 3)
    other.load(file)
    assert other.count == 0, "features of other frames"
    file.write_bytes(b"cut off")
    fresh = PlainFeatures(backbone, 2)
    fresh.load(file)
    assert fresh.count == 0


def test_an_error_comes_through_a_pipe_with_its_text() -> None:
    for error in (LabelError("one"), ConfigError([Fault("device", "no")]), ClipError("a.mp4", "broken", "correct it")):
        assert str(pickle.loads(pickle.dumps(portable(error)))) == str(error)


def cut_off(after: list[int], cuts: list[int]) -> Any:
    """Lends to a process that is killed when so many items have come from it; what it sent besides is lost."""
    fork = multiprocessing.get_context("fork")

    def lend(task: Any) -> Any:
        def call(*args: Any) -> Any:
            here, there = fork.Pipe(duplex=False)

            def serve() -> None:
                for item in task(*args):
                    there.send(item)

            process = fork.Process(target=serve, daemon=True)
            process.start()
            there.close()
            most = after[len(cuts)] if len(cuts) < len(after) else None
            cuts.append(0)
            try:
                while True:
                    try:
                        item = here.recv()
                    except EOFError:
                        return
                    if item is not None:
                        cuts[-1] += 1
                    yield item
                    if cuts[-1] == most:
                        process.join(0.4)  # it goes on meanwhile, and saves what nobody hears of
                        raise CutOff("GPU task aborted")
            finally:
                process.kill()
                process.join()

        return call

    return lend


class CutOff(Exception):
    title = "ZeroGPU worker error"


def test_a_slice_that_is_killed_anywhere_leaves_no_gap_and_nothing_twice(
    home: Home, store: Store, tiny_clip_folder: Path
) -> None:
    config = replace(CONFIG, backbone=str(tiny_clip_folder))
    undisturbed = trained(home, store, LentTraining(whole, 60, at_once()), config)
    cuts: list[int] = []
    run = trained(home, store, LentTraining(cut_off([6, 7, 8, 9], cuts), 60, at_once()), config)
    assert (store.runs.get(run).state, store.runs.get(run).error) == (RunState.DONE, None)
    assert len(cuts) == 5, cuts
    assert losses(store, run) == losses(store, undisturbed)
    for kind in (EventKind.EPOCH, EventKind.ZERO_SHOT, EventKind.BUNDLE):
        told = [
            [(one.event.step, one.event.values.get("hm")) for one in store.runs.events(number, kinds=[kind])]
            for number in (run, undisturbed)
        ]
        assert told[0] == told[1], kind
