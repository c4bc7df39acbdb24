"""Going on from a checkpoint: what may differ, what may not, and what is said of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from ga2app.bundles import load_folder
from ga2app.clip import Backbone, load_backbone
from ga2app.clip.loading import with_kept_choices
from ga2app.config import LossConfig, Precision
from ga2app.errors import Diverged, TrainingError
from ga2app.training import training_loop as loop
from ga2app.training.checkpoint import settings_changes
from ga2app.training.training_checks import writing_to
from ga2app.types import Dataset, EventKind, Subset
from tests.clips import write_color_clip
from tests.train.test_loop import FULL, QUICK, Recorder, run


@pytest.fixture
def stopped(dataset: Dataset, backbone: Backbone, tmp_path: Path) -> Path:
    """A folder with the checkpoint of a run of QUICK that was stopped at step 3 of 8."""
    assert not run(QUICK, dataset, backbone, tmp_path, Recorder(stop_after=3)).finished
    return tmp_path


def rewrite(folder: Path, metadata: Mapping[str, str]) -> None:
    """Give the checkpoint in ``folder`` other metadata, as a former version wrote it."""
    file = folder / "checkpoint.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(file).items()}
    save_file(tensors, file, metadata=dict(metadata))


def metadata_of(folder: Path) -> dict[str, Any]:
    with safe_open(folder / "checkpoint.safetensors", framework="pt") as file:
        return dict(file.metadata())


def texts(recorder: Recorder) -> list[str]:
    return [event.values["text"] for event in recorder.of(EventKind.LOG)]


def relabelled(dataset: Dataset, name: str, **changes: Any) -> Dataset:
    clips = tuple(replace(clip, **changes) if clip.path.endswith(name) else clip for clip in dataset.clips)
    return replace(dataset, clips=clips)


def test_a_run_does_not_go_on_with_another_label(stopped: Path, dataset: Dataset, backbone: Backbone):
    fewer = replace(dataset, novel=("jumping",), clips=tuple(c for c in dataset.clips if c.label != "reading"))
    with pytest.raises(TrainingError) as caught:
        run(QUICK, fewer, backbone, stopped)
    told = str(caught.value)
    assert told.startswith(
        "the clips or labels of 'colors' have changed since step 3: label 'reading' removed; 5 clips"
    )
    assert (
        "/reading-0.mp4'" in told and "Start over on Runs, train --restart, or delete 'checkpoint.safetensors'" in told
    )
    assert not (stopped / "bundle").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda data: replace(data, base=("walking", "jumping"), novel=("running", "reading")),
            "base before and novel",
        ),
        (lambda data: relabelled(data, "walking-0.mp4", label="running"), "1 clip under another label"),
        (lambda data: relabelled(data, "walking-0.mp4", subset=Subset.TEST), "1 clip moved between train and test"),
        (lambda data: replace(data, anchors=data.anchors[:1]), "1 anchor clip removed"),
        (lambda data: replace(data, negatives=("something else",)), "1 negative prompt removed"),
        (lambda data: replace(data, base=("running", "walking")), "the order of its labels"),
    ],
    ids=["base and novel", "label", "subset", "anchors", "negatives", "order"],
)
def test_what_has_changed_is_named(change: Any, told: str, stopped: Path, dataset: Dataset, backbone: Backbone):
    with pytest.raises(TrainingError, match=f"have changed since step 3: .*{told}"):
        run(QUICK, change(dataset), backbone, stopped)


def test_a_clip_with_another_content_under_its_old_name_is_a_change(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    (tmp_path / "x").mkdir()
    path = write_color_clip(tmp_path / "x" / "own.mp4", (220, 40, 40), seed=1)
    own = replace(dataset, clips=(replace(dataset.clips[0], path=path), *dataset.clips[1:]))
    run(QUICK, own, backbone, tmp_path, Recorder(stop_after=3))
    write_color_clip(Path(path), (220, 40, 40), seed=2)
    with pytest.raises(TrainingError, match=r"1 clip with another content \('x/own.mp4'\)"):
        run(QUICK, own, backbone, tmp_path)


def test_a_run_goes_on_where_its_clips_have_moved_as_they_are(
    stopped: Path, dataset: Dataset, backbone: Backbone, tmp_path_factory: pytest.TempPathFactory
):
    there = tmp_path_factory.mktemp("elsewhere")

    def moved(path: str) -> str:
        copy = there / Path(path).name
        copy.write_bytes(Path(path).read_bytes())
        return str(copy)

    clips = tuple(replace(clip, path=moved(clip.path)) for clip in dataset.clips)
    anchors = tuple(replace(anchor, path=moved(anchor.path)) for anchor in dataset.anchors)
    assert run(QUICK, replace(dataset, clips=clips, anchors=anchors), backbone, stopped).finished


def test_another_setting_is_named_with_what_it_was_and_is(stopped: Path, dataset: Dataset, backbone: Backbone):
    other = replace(
        QUICK, optimizer=replace(QUICK.optimizer, weight_decay=0.5), losses=LossConfig(text_distillation=2.0)
    )
    with pytest.raises(TrainingError) as caught:
        run(other, dataset, backbone, stopped)
    told = str(caught.value)
    assert "objective.vocabulary was 1.0 and is 2.0; optimizer.weight_decay was 0.001 and is 0.5" in told


@pytest.fixture
def own_clip(tiny_clip_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny CLIP that a test may change."""
    return Path(shutil.copytree(tiny_clip_folder, tmp_path / "own-clip"))


def test_a_run_does_not_go_on_with_another_backbone_of_the_same_name(own_clip: Path, dataset: Dataset, tmp_path: Path):
    mine = replace(QUICK, backbone=str(own_clip))
    run(mine, dataset, None, tmp_path, Recorder(stop_after=3))
    weights = load_file(own_clip / "model.safetensors")
    weights["text_model.encoder.layers.0.mlp.fc2.bias"] += 0.5
    save_file(weights, own_clip / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(TrainingError) as caught:
        run(mine, dataset, None, tmp_path)
    told = str(caught.value)
    assert told.startswith(f"the backbone '{own_clip}' has changed since step 3: other weights in the inner layers, or")
    assert ". Bring it back as it was to go on from there, or begin anew at step 0" in told
    assert not (tmp_path / "bundle").exists()


def test_a_checkpoint_from_before_backbones_were_written_down_goes_on(
    stopped: Path, dataset: Dataset, backbone: Backbone
):
    metadata = metadata_of(stopped)
    del metadata["backbone"]
    rewrite(stopped, metadata)
    assert run(QUICK, dataset, backbone, stopped).finished


def test_a_setting_that_did_not_exist_then_has_its_default(stopped: Path, dataset: Dataset, backbone: Backbone):
    """A checkpoint of this form, from before whitening could be set."""
    metadata = metadata_of(stopped)
    settings = json.loads(metadata["settings"])
    del settings["whitening"], settings["optimizer"]["accumulate"]
    rewrite(stopped, metadata | {"settings": json.dumps(settings)})
    assert run(QUICK, dataset, backbone, stopped).finished


@pytest.mark.parametrize("left_out", [(), ("anchors", "negatives"), ("anchors", "negatives", "whitening")])
@pytest.mark.parametrize("precision", list(Precision))
def test_a_checkpoint_that_holds_a_hash_of_its_settings_goes_on(
    left_out: tuple[str, ...], precision: Precision, stopped: Path, dataset: Dataset, backbone: Backbone
):
    """As version 0.1.0 wrote them, before and after settings came, and on a machine of another arithmetic."""
    settings = replace(QUICK, precision=precision).to_dict()
    for name in ("processes", "attention", "threads", "report_to", "project", "trackio_space_id", *left_out):
        del settings[name]
    del settings["clips"]["decoders"], settings["clips"]["cache_bytes"], settings["optimizer"]["checkpointing"]
    del settings["prompts"]["pooling"]
    hashed = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    rewrite(stopped, {"step": "3", "config": hashed, "scaling": "{}"})
    recorder = Recorder()
    assert run(QUICK, dataset, backbone, stopped, recorder).finished
    assert texts(recorder)[0] == "resumed at step 3"


def test_a_hash_of_other_settings_is_refused(stopped: Path, dataset: Dataset, backbone: Backbone):
    rewrite(stopped, {"step": "3", "config": "0123456789abcdef", "scaling": "{}"})
    with pytest.raises(TrainingError, match="made with other settings: which ones cannot be told, .*begin anew"):
        run(QUICK, dataset, backbone, stopped)


def test_float32_goes_on_from_bfloat16_and_says_so(dataset: Dataset, tmp_path: Path, tiny_clip_folder: Path):
    first, second = (load_backbone(tiny_clip_folder, precision=name) for name in ("bfloat16", "float32"))
    run(QUICK, dataset, first, tmp_path, Recorder(stop_after=3))
    recorder = Recorder()
    assert run(QUICK, dataset, second, tmp_path, recorder).finished
    assert texts(recorder)[:2] == [
        "resumed at step 3",
        "it was trained in bfloat16 so far and goes on in float32: losses may differ a little",
    ]


def test_a_run_that_diverges_keeps_what_it_had_learned(
    dataset: Dataset, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    real = loop.add_gradients

    def spoilt(setup: Any, clips: Any, rows: Any, step: int, backward: Any) -> Any:
        parts = real(setup, clips, rows, step, backward)
        return replace(parts, total=parts.total * float("nan")) if step == 5 else parts

    monkeypatch.setattr(loop, "add_gradients", spoilt)
    with pytest.raises(Diverged, match=r"the loss is nan at step 5 .*first 4 steps learned is kept") as caught:
        run(QUICK, dataset, backbone, tmp_path)
    assert caught.value.bundle == str(tmp_path / "bundle")
    manifest = json.loads((tmp_path / "bundle" / "bundle.json").read_text())
    assert (manifest["steps"], manifest["name"]) == (4, "bundle (2 of 4 epochs: its training diverged)")
    monkeypatch.undo()
    recorder = Recorder()
    assert run(QUICK, dataset, backbone, tmp_path, recorder).finished
    assert texts(recorder)[0] == "resumed at step 4"


def test_a_stop_while_test_clips_are_measured_ends_between_two_batches(
    dataset: Dataset, backbone: Backbone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The figures of the epoch are made up for when the run goes on, and nothing else is different."""
    monkeypatch.setattr("ga2app.evaluation.clip_features.CLIPS_AT_ONCE", 2)
    straight, parts = Recorder(), Recorder()
    run(FULL, dataset, backbone, tmp_path / "straight", straight)
    asked = []

    def should_stop() -> bool:
        """Not before the steps of the first epoch are over, and then not at once."""
        asked.append(len(parts.of(EventKind.STEP)) == 2)
        return sum(asked) > 2

    parts.should_stop = should_stop  # type: ignore[method-assign]
    result = run(FULL, dataset, backbone, tmp_path / "parts", parts)
    assert (result.finished, result.step, parts.of(EventKind.EPOCH)) == (False, 2, [])
    parts.should_stop = lambda: False  # type: ignore[method-assign]
    assert run(FULL, dataset, backbone, tmp_path / "parts", parts).finished
    epochs = [[event.values for event in one.of(EventKind.EPOCH)] for one in (straight, parts)]
    assert epochs[0] == epochs[1]
    losses = [[event.values["total"] for event in one.of(EventKind.STEP)] for one in (straight, parts)]
    assert losses[0] == losses[1]


def test_a_second_run_into_the_same_folder_is_refused(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    with writing_to(tmp_path / "bundle"), pytest.raises(TrainingError, match="another run is writing to .* just now"):
        run(QUICK, dataset, backbone, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_time_left_counts_the_measuring(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    """However fast the machine is: after the last step of all, the last measurement is still to come."""
    recorder = Recorder()
    run(FULL, dataset, backbone, tmp_path, recorder)
    left = [event.values["seconds_left"] for event in recorder.of(EventKind.STEP)]
    assert all(seconds > 0 for seconds in left)


def test_a_checkpoint_holds_what_was_trained_on_without_paths(stopped: Path, dataset: Dataset):
    data = json.loads(metadata_of(stopped)["data"])
    assert data["base"] == ["walking", "running"] and len(data["clips"]) == len(dataset.clips)
    assert str(Path(dataset.clips[0].path).parent) not in json.dumps(data)


def test_a_run_goes_on_whose_anchors_and_prompts_are_called_otherwise_by_now():
    then = replace(QUICK, dataset="mine", anchors="walls", negatives=("doors",))
    now = replace(QUICK, dataset="my clips", anchors="rooms", negatives=("gates",))
    assert settings_changes(then.to_dict(), now) == []
    assert settings_changes(then.to_dict(), replace(now, shots=5)) == [f"shots was {QUICK.shots} and is 5"]


def test_a_run_goes_on_with_the_attention_and_threads_that_it_began_with_unless_others_are_set(
    dataset: Dataset, tmp_path: Path, tiny_clip_folder: Path
):
    began = replace(QUICK, attention="eager", threads=1)
    run(began, dataset, load_backbone(tiny_clip_folder), tmp_path, Recorder(stop_after=3))
    fresh = load_backbone(tiny_clip_folder)
    run(QUICK, dataset, fresh, tmp_path, Recorder(stop_after=1))
    assert fresh.attention == "eager" and fresh.choices()["threads"] == 1
    assert run(replace(QUICK, attention="sdpa"), dataset, fresh, tmp_path).finished
    assert fresh.attention == "sdpa"
    told = load_folder(tmp_path / "bundle").manifest.run
    assert told.attention == told.threads == "auto"


def test_what_a_run_kept_holds_where_this_machine_computes_so(monkeypatch: pytest.MonkeyPatch):
    kept = {"precision": "bfloat16", "attention": "eager", "threads": 1}
    for native, precision in ((True, Precision.BFLOAT16), (False, Precision.AUTO)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda native=native: native)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda native=native: native)
        found = with_kept_choices(replace(QUICK, device="cpu", precision=Precision.AUTO, attention="auto"), kept)
        assert (found.precision, found.attention, found.threads) == (precision, "eager", 1)
    own = replace(QUICK, precision=Precision.FLOAT32, attention="sdpa", threads=2)
    assert with_kept_choices(own, kept) == own
    more = {"threads": torch.get_num_threads() + 1}
    assert with_kept_choices(QUICK, more) == QUICK
    assert with_kept_choices(QUICK, more, processes=2).threads == torch.get_num_threads() + 1
