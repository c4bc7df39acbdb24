"""Runs report to real trackers: every figure arrives, once, whatever happens to the run or to the tracker."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ga2app.clip import Backbone
from ga2app.config import RunConfig
from ga2app.config.reading import flat
from ga2app.training.tracking import tracked, trackers_beside
from ga2app.types import Dataset, Event, EventKind, TrainResult
from tests.approx import same_record
from tests.train.test_loop import QUICK, Recorder, run

for package in ("accelerate", "trackio", "tensorboard"):
    pytest.importorskip(package)
BOTH = replace(QUICK, report_to=("trackio", "tensorboard"))
Figures = Mapping[str, list[tuple[int, float]]]
"""Steps and values of each figure."""


@pytest.fixture(scope="module", autouse=True)
def trackio_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Trackio keeps all its projects in one folder, which it reads from the environment when it is imported."""
    folder = tmp_path_factory.mktemp("trackio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKIO_DIR", str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "trackio"]:
            patch.delitem(sys.modules, name)
        yield folder


@pytest.fixture
def config(request: pytest.FixtureRequest) -> RunConfig:
    """A run of a project of its own."""
    return replace(BOTH, project=f"test-{abs(hash(request.node.name))}")


def run_name(folder: Path) -> str:
    (name,) = os.listdir(folder / "checkpoint.trackers" / "tensorboard")
    return name


def in_tensorboard(folder: Path) -> Figures:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    place = folder / "checkpoint.trackers" / "tensorboard" / run_name(folder)
    read = EventAccumulator(str(place), size_guidance={"scalars": 0}, purge_orphaned_data=False).Reload()
    # Two processes within one second: TensorBoard reads their files in the order of the processes' numbers.
    return {tag: sorted((one.step, one.value) for one in read.Scalars(tag)) for tag in read.Tags()["scalars"]}


def in_trackio(project: str, name: str) -> Figures:
    from trackio.sqlite_storage import SQLiteStorage

    found: dict[str, list[tuple[int, float]]] = {}
    for row in SQLiteStorage.get_logs(project, name):
        for tag in row.keys() - {"step", "timestamp"}:
            found.setdefault(tag, []).append((row["step"], row[tag]))
    return {tag: sorted(values) for tag, values in found.items()}


def told(events: list[Event], result: TrainResult) -> Figures:
    """What was told of a run, by the names of the trackers."""
    names = {EventKind.ZERO_SHOT: "zero_shot", EventKind.STEP: "train", EventKind.EPOCH: "eval"}
    found: dict[str, list[tuple[int, float]]] = {}
    for event in events:
        for name, value in event.values.items() if event.kind in names else ():
            if isinstance(value, int | float):
                found.setdefault(f"{names[event.kind]}/{name}", []).append((event.step, value))
    for name, value in {**result.metrics, **result.confidence.figures()}.items():
        found[f"final/{name}"] = [(result.step, value)]
    return found


def texts(recorder: Recorder) -> list[str]:
    return [str(event.values["text"]) for event in recorder.of(EventKind.LOG)]


def test_every_figure_of_a_run_arrives_at_trackio_and_tensorboard_with_its_settings(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    from trackio.sqlite_storage import SQLiteStorage

    recorder = Recorder()
    result = run(config, dataset, backbone, tmp_path, recorder)
    wanted, name = told(recorder.events, result), run_name(tmp_path)
    assert {
        "train/total",
        "train/ce",
        "train/learning_rate",
        "eval/hm",
        "zero_shot/base",
        "final/novel",
    } <= wanted.keys()
    assert len(wanted["train/total"]) == result.step == 8
    assert same_record(in_tensorboard(tmp_path), wanted) and same_record(in_trackio(config.project, name), wanted)
    assert name.startswith("bundle-colors-seed7-")
    kept = SQLiteStorage.get_run_config(config.project, name)
    assert kept is not None and kept["seed"] == 7 and kept["dataset"] == "colors"
    assert kept.keys() >= flat(config.to_dict()).keys()
    assert texts(recorder) == []


def test_a_run_that_goes_on_logs_no_step_twice_and_leaves_none_out(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    first, second = Recorder(stop_after=3), Recorder()
    assert not run(config, dataset, backbone, tmp_path, first).finished
    name = run_name(tmp_path)
    result = run(config, dataset, backbone, tmp_path, second)
    once = [event for event in second.events if event.kind is not EventKind.ZERO_SHOT]
    wanted = told([*first.events, *once], result)
    assert [step for step, _ in wanted["train/ce"]] == list(range(1, 9)) and run_name(tmp_path) == name
    assert same_record(in_tensorboard(tmp_path), wanted) and same_record(in_trackio(config.project, name), wanted)


KILLED = """
import os, signal, sys, time
from pathlib import Path
from ga2app.config import RunConfig
from ga2app.training.tracking import tracked
from ga2app.types import Event, EventKind
from tests.train.test_trackers import last_of, steps_of

checkpoint, project = Path(sys.argv[1]), sys.argv[2]
config = RunConfig(report_to=("trackio", "tensorboard"), project=project)
with tracked(config, checkpoint, "bundle", lambda event: None) as (emit, end):
    for event in steps_of(1, 400):
        emit(event)
        if event.step == 200:
            checkpoint.touch()
        if event.step == 300 and sys.argv[3] == "in the middle":
            while any(last_of(checkpoint, kind) < 2 * 250 for kind in config.report_to):
                time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def last_of(checkpoint: Path, kind: str) -> int:
    """The place of the last row that was sent to a tracker."""
    mark = trackers_beside(checkpoint) / f"{kind}.mark"
    return int(mark.read_text() or -1) if mark.exists() else -1


def steps_of(first: int, last: int) -> list[Event]:
    """What a run tells of its steps, two figures each."""
    return [Event(EventKind.STEP, step, {"ce": 1 / step, "total": 2 / step}) for step in range(first, last + 1)]


@pytest.mark.faults
@pytest.mark.parametrize("when", ["at once", "in the middle"])
def test_a_run_that_was_killed_goes_on_from_its_checkpoint_with_each_step_once(
    when: str, config: RunConfig, tmp_path: Path
):
    """Killed before its trackers had taken anything, or in the middle; steps after the checkpoint come again."""
    checkpoint = tmp_path / "checkpoint.safetensors"
    command = [sys.executable, "-c", KILLED, str(checkpoint), config.project, when]
    killed = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, timeout=120, check=False
    )
    assert killed.returncode == -9
    config = RunConfig(report_to=BOTH.report_to, project=config.project)
    with tracked(config, checkpoint, "bundle", ignore) as (emit, end):
        for event in steps_of(201, 500):
            emit(event)
        end(TrainResult(True, 500, metrics={"base": 50.0}))
    wanted = told(steps_of(1, 500), TrainResult(True, 500, metrics={"base": 50.0}))
    assert same_record(in_tensorboard(tmp_path), wanted)
    assert same_record(in_trackio(config.project, run_name(tmp_path)), wanted)


def ignore(event: Event) -> None:
    """Nobody listens."""


def test_a_run_that_begins_anew_is_another_run_of_the_trackers(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    run(config, dataset, backbone, tmp_path)
    (tmp_path / "checkpoint.safetensors").unlink()
    run(config, dataset, backbone, tmp_path)
    assert len(os.listdir(trackers_beside(tmp_path / "checkpoint.safetensors") / "tensorboard")) == 2


def broken_log(self: Any, values: object, step: int | None = None, **_: object) -> None:
    if step == 2:
        raise ConnectionError(f"refused with key {os.environ['WANDB_API_KEY']} and hf_abcdefghijklmnop")


def test_a_tracker_that_fails_is_told_of_once_without_secrets_and_the_run_goes_on(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from accelerate import tracking

    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef")
    monkeypatch.setattr(tracking.TrackioTracker, "log", broken_log)
    recorder = Recorder()
    result = run(config, dataset, backbone, tmp_path, recorder)
    assert result.finished and len(in_tensorboard(tmp_path)["train/ce"]) == 8
    assert texts(recorder) == [
        "Trackio: ConnectionError: refused with key … and …. Nothing more is reported there; the run goes on"
    ]


def test_a_folder_that_cannot_be_written_to_costs_the_run_its_reports_alone(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    (tmp_path / "checkpoint.trackers").write_text("a file stands in the way")
    recorder = Recorder()
    assert run(config, dataset, backbone, tmp_path, recorder).finished
    (text,) = texts(recorder)
    assert text == "nothing is reported to trackers, whose folder is not usable (File exists); the run goes on"


def test_a_space_that_cannot_be_reached_is_told_of_and_the_run_goes_on(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    recorder = Recorder()
    elsewhere = replace(config, report_to=("trackio",), trackio_space_id="somebody/nowhere")
    assert run(elsewhere, dataset, backbone, tmp_path, recorder).finished
    assert texts(recorder) and all(text.startswith("Trackio: ") for text in texts(recorder))


def test_what_trackers_print_is_not_in_the_output_of_a_command(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    run(config, dataset, backbone, tmp_path)
    assert capsys.readouterr().out == ""


def test_weights_and_biases_keeps_every_figure_and_nothing_of_the_machine_where_it_is_offline(
    dataset: Dataset, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    wandb = pytest.importorskip("wandb")
    from wandb.proto.wandb_internal_pb2 import Record

    monkeypatch.setenv("WANDB_MODE", "offline")
    recorder = Recorder()
    result = run(replace(QUICK, report_to=("wandb",)), dataset, backbone, tmp_path, recorder)
    (file,) = (tmp_path / "checkpoint.trackers" / "wandb").glob("offline-run-*/*.wandb")
    wandb.teardown()  # its process has written everything when it has ended
    written, place, found = file.read_bytes(), 7, dict[str, list[tuple[int, float]]]()
    while place < len(written):  # as LevelDB keeps a log: checksum, length and kind before each record
        length = int.from_bytes(written[place + 4 : place + 6], "little")
        record = Record.FromString(written[place + 7 : place + 7 + length])
        place += 7 + length
        values = {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        for tag in values.keys() & told(recorder.events, result).keys():
            found.setdefault(tag, []).append((values["_step"], values[tag]))
    assert texts(recorder) == [] and same_record(found, told(recorder.events, result))
    assert str(Path.cwd()).encode() not in written and str(tmp_path).encode() not in written
