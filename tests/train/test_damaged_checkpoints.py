"""Checkpoints that a disk has changed or has no room for: told, set aside, and never the cause of another bundle."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from ga2app.bundles import load_folder
from ga2app.bundles.bundle_files import save
from ga2app.clip import Backbone
from ga2app.disk import checkpoint_before, damaged_checkpoint, drop_checkpoint
from ga2app.errors import BundleError, ErrorCode, TrainingError, code_of
from ga2app.training import checkpoint_file, train
from ga2app.training.training_checks import writing_to
from ga2app.types import Dataset, Event, EventKind
from tests.train.test_loop import QUICK, Recorder, run

TENSORS = {"prompt.soft": torch.arange(6.0).reshape(2, 3), "adam.step.soft": torch.tensor(3.0)}
METADATA = {"step": "3", "settings": '{"seed": 7}'}


def content(path: Path) -> tuple[object, dict[str, str]] | None:
    """What a file holds, for comparison; None if it is told to be damaged."""
    try:
        tensors, metadata = checkpoint_file.read(path)
    except ValueError:
        return None
    return {name: tensor.tolist() for name, tensor in tensors.items()}, metadata


def flip(path: Path, place: int, bit: int = 0) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def texts(recorder: Recorder) -> list[str]:
    return [event.values["text"] for event in recorder.of(EventKind.LOG)]


def same_bundle(first: Path, second: Path) -> bool:
    one, two = load_folder(first), load_folder(second)
    same = all(torch.equal(one.tensors[name], two.tensors[name]) for name in one.tensors)
    return same and one.manifest.metrics == two.manifest.metrics


def test_no_flipped_bit_goes_unnoticed_and_no_cut_either(tmp_path: Path):
    path = tmp_path / "checkpoint"
    checkpoint_file.write(path, TENSORS, METADATA)
    whole, wrote = path.read_bytes(), content(path)
    assert wrote is not None and wrote[1] == METADATA
    for place in range(len(whole)):
        path.write_bytes(whole)
        flip(path, place, place % 8)
        assert content(path) in (None, wrote), f"byte {place}: {content(path)}"
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        assert content(path) is None


@pytest.fixture
def straight(dataset: Dataset, backbone: Backbone, tmp_path: Path) -> Path:
    """The bundle of an undisturbed run of QUICK, which has 8 steps in 4 epochs."""
    run(QUICK, dataset, backbone, tmp_path / "straight")
    return tmp_path / "straight" / "bundle"


def stopped(dataset: Dataset, backbone: Backbone, folder: Path, step: int) -> Path:
    assert not run(QUICK, dataset, backbone, folder, Recorder(stop_after=step)).finished
    return folder / "checkpoint.safetensors"


@pytest.mark.parametrize("damage", ["flipped", "cut", "other"])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_serves(
    damage: str, straight: Path, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    path = stopped(dataset, backbone, tmp_path, 5)
    data = path.read_bytes()
    if damage == "flipped":
        flip(path, len(data) - 9)  # in a tensor: the bundle would be another, and nothing would tell
    else:
        path.write_bytes(data[: len(data) // 2] if damage == "cut" else b"not a checkpoint")
    recorder = Recorder()
    assert run(QUICK, dataset, backbone, tmp_path, recorder).finished
    assert texts(recorder) == [
        "the checkpoint was damaged and is set aside as 'checkpoint.safetensors.damaged'; the run goes on from the "
        "checkpoint before it",
        "resumed at step 4",
    ]
    assert [event.step for event in recorder.of(EventKind.STEP)] == [5, 6, 7, 8]
    assert damaged_checkpoint(path).exists() and same_bundle(tmp_path / "bundle", straight)


def test_without_a_whole_one_the_run_begins_again_and_says_so(
    straight: Path, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    path = stopped(dataset, backbone, tmp_path, 5)
    for file in (path, checkpoint_before(path)):
        flip(file, len(file.read_bytes()) - 9)
    recorder = Recorder()
    assert run(QUICK, dataset, backbone, tmp_path, recorder).finished
    assert texts(recorder)[0].endswith("the run begins again at step 0")
    assert texts(recorder)[1] == "resumed at step 0"
    assert len(recorder.of(EventKind.STEP)) == 8 and same_bundle(tmp_path / "bundle", straight)


def test_a_run_that_begins_anew_forgets_the_checkpoint_before(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    path = stopped(dataset, backbone, tmp_path, 5)
    path.unlink()  # as messages advise
    recorder = Recorder(stop_after=1)
    run(QUICK, dataset, backbone, tmp_path, recorder)
    assert texts(recorder) == [] and not checkpoint_before(path).exists()
    assert drop_checkpoint(path) and not drop_checkpoint(path)


def test_before_a_checkpoint_is_written_all_that_led_to_it_is_to_be_kept(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    """Whoever is killed then goes on behind these steps, and nothing tells them again."""
    path, told = tmp_path / "checkpoint.safetensors", list[Event]()

    def tell(event: Event) -> None:
        told.append(event)
        if event.kind is EventKind.SAVING:
            assert not path.exists() or int(checkpoint_file.read(path)[1]["step"]) < event.step
            assert max(one.step for one in told if one.kind is EventKind.STEP) == event.step

    train(QUICK, dataset, out=tmp_path / "bundle", checkpoint=path, emit=tell, backbone=backbone)
    assert [one.step for one in told if one.kind is EventKind.SAVING] == [2, 4, 6, 8]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_full_disk_is_told_with_what_is_needed_and_the_checkpoint_before_stays(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    path = stopped(dataset, backbone, tmp_path, 3)
    (tmp_path / "checkpoint.safetensors.new").symlink_to("/dev/full")
    before = path.read_bytes()
    with pytest.raises(TrainingError, match=r"could not be written \(disk full: needs \d+ kB, free .* MB at '") as e:
        run(QUICK, dataset, backbone, tmp_path)
    assert e.value.code is ErrorCode.DISK_FULL
    assert path.read_bytes() == before and not path.with_name(path.name + ".new").is_symlink()
    assert run(QUICK, dataset, backbone, tmp_path).finished, "with room it goes on"


def test_a_bundle_that_has_no_room_is_told_alike_and_leaves_nothing(
    straight: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bundle = load_folder(straight)

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BundleError, match=r"bundle '.*' could not be written \(disk full: needs .* kB, free") as told:
        save(bundle, tmp_path / "new")
    assert told.value.code is ErrorCode.DISK_FULL
    assert not [path for path in tmp_path.iterdir() if "new" in path.name]


def test_what_safetensors_says_of_a_full_disk_is_one():
    assert code_of(RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")) == (
        ErrorCode.DISK_FULL
    )


def test_what_a_killed_process_left_of_a_bundle_goes_when_the_run_goes_on(straight: Path, tmp_path: Path):
    out = straight.parent / "again"
    for name in (".again.new-12345", ".again.new-0f3a", ".other.new-1"):
        (out.with_name(name)).mkdir()
    straight.rename(out.with_name(".again.old-77"))  # it was killed between two renames
    with writing_to(out):
        assert load_folder(out).manifest.name == "bundle"
    assert sorted(path.name for path in out.parent.glob(".*")) == [".other.new-1"]
