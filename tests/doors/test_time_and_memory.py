"""Estimates: counted from a speed, measured for real, and held against a real run."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from ga2app.clip import load_backbone, prompt_layers
from ga2app.config import preset
from ga2app.services.forecast import (
    RECOMPUTED_AT_ONCE,
    Basis,
    Estimate,
    PastPace,
    Speed,
    SpeedEstimator,
    Workload,
    forecast,
    free_memory,
    peak_bytes,
    step_seconds,
    workload_of,
)
from ga2app.services.prompt_fit import Towers, too_long, towers_of
from ga2app.types import Dataset
from tests.clips import color_dataset

SPEED = Speed(
    load_s=5.0,
    base_bytes=400_000_000,
    frame_s=0.001,
    learned_frame_s=0.003,
    learned_text_s=0.001,
    image_px=64,
    first_s=0.1,
    again_s=0.01,
    kept_bytes=100_000,
)
TOWERS = Towers(visual_layers=5, visual_width=192, frame_tokens=65, text_layers=3, text_width=128, text_positions=48)
QUICK = Workload(
    backbone="sketch",
    device="auto",
    precision="auto",
    clips=("/a.mp4",),
    frames=8,
    batch=8,
    shots=32,
    epochs=10,
    steps=40,
    visual=False,
    text=True,
    residual=False,
    prompt_length=4,
    anchors_a_step=0,
    texts=50,
    plain_clips=100,
    measured_clips=0,
    all_clips=100,
)
FULL = replace(QUICK, visual=True, anchors_a_step=4, measured_clips=1000, residual=True)


def test_a_step_of_quick_mode_is_texts_alone() -> None:
    assert step_seconds(QUICK, SPEED) == pytest.approx(50 * 0.001, rel=1e-4)


def test_a_step_of_full_mode_adds_clips_and_anchors() -> None:
    assert step_seconds(FULL, SPEED) == pytest.approx(0.05 + (8 + 4) * 8 * 0.003, rel=1e-4)


def test_batches_gathered_in_one_step_pass_the_tower_twice_but_for_the_last() -> None:
    gathered = replace(FULL, steps=20)  # 16 clips a step, 8 at once
    assert step_seconds(gathered, SPEED) == pytest.approx(0.05 + (16 + 4) * 8 * 0.003 + 8 * 8 * 0.001, rel=1e-4)


def test_the_parts_of_an_estimate_add_up() -> None:
    told = forecast(FULL, SPEED, (), TOWERS, 8 << 30)
    assert told.basis is Basis.MEASURED
    assert told.preparing_s == pytest.approx(5.0 + 100 * (0.1 + 0.008), rel=1e-4)
    assert told.training_s == pytest.approx(40 * step_seconds(FULL, SPEED) + 10 * 32 * 0.01, rel=1e-4)
    assert told.total_s == pytest.approx(told.preparing_s + told.training_s + (told.measuring_s or 0), rel=1e-4)


def test_what_earlier_runs_took_corrects_the_estimate() -> None:
    slow = PastPace(7, QUICK, 3 * step_seconds(QUICK, SPEED))
    told = forecast(FULL, SPEED, [slow], TOWERS)
    assert (told.basis, told.runs) == (Basis.RUNS, (7,))
    assert told.training_s == pytest.approx(3 * 40 * step_seconds(FULL, SPEED) + 10 * 32 * 0.01, rel=1e-4)


def test_memory_follows_from_the_shapes_of_the_towers() -> None:
    there = peak_bytes(FULL, SPEED, TOWERS)
    frames, texts = 12 * 8 * 69 * 192 * (72 * 4 + 30), (1 + 4 + 50 * 6) * 128 * (72 * 2 + 30)
    assert there == 400_000_000 + frames + texts + 24 * 8 * 3 * 64**2 * 4 + 100 * 100_000
    assert peak_bytes(replace(FULL, batch=4), SPEED, TOWERS) < there
    assert peak_bytes(replace(FULL, frames=16), SPEED, TOWERS) > there
    assert peak_bytes(replace(FULL, precision="bfloat16"), SPEED, TOWERS) < there


def test_with_checkpointing_a_run_needs_the_inputs_of_the_layers_alone() -> None:
    there, less = (peak_bytes(replace(FULL, recompute=on, batch=64), SPEED, TOWERS) for on in (False, True))
    frames, frame = 68 * 8, 69 * 192
    assert there - less == frames * frame * 4 * (72 - 4) - 8 * frame * 72
    optimizer = replace(preset("full").optimizer, checkpointing=True)
    dataset = Dataset("few", ("a", "b"), (), ())
    assert workload_of(replace(preset("full"), optimizer=optimizer), dataset).recompute
    assert RECOMPUTED_AT_ONCE == prompt_layers.RECOMPUTED_AT_ONCE


def test_a_hundred_more_labels_cost_their_own_tokens_and_not_the_prompt_again() -> None:
    long = replace(QUICK, prompt_length=32, texts=10_000)
    more = peak_bytes(replace(long, texts=10_100), SPEED, TOWERS) - peak_bytes(long, SPEED, TOWERS)
    assert more == 100 * 6 * 128 * (72 * 2 + 30)


@pytest.mark.parametrize("recompute", [False, True])
def test_the_graph_of_the_vision_tower_fits_its_forecast(recompute: bool) -> None:
    backbone = load_backbone("sketch", device="cpu", precision="float32")
    sizes, kept = backbone.sizes, {}
    weights = {one.untyped_storage().data_ptr() for one in backbone.parameters()}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    prompts = torch.zeros(sizes.visual_layers, 4, sizes.visual_width, requires_grad=True).unbind(0)
    pixels = torch.zeros(64, 3, sizes.image_size, sizes.image_size)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        backbone.encode_frames(pixels, prompts, recompute=recompute)
    saved = sum(size for place, size in kept.items() if place not in weights)
    work = replace(FULL, text=False, frames=1, batch=64, anchors_a_step=0, recompute=recompute)
    towers = towers_of("sketch")
    assert towers is not None
    without = replace(work, visual=False, frames=0)
    forecast = peak_bytes(work, SPEED, towers) - peak_bytes(without, SPEED, towers) - 3 * pixels.nbytes
    assert saved < forecast < 3 * saved, "gradients and products take room beside it"


def test_a_backbone_that_is_not_here_is_unknown_until_it_is(tmp_path: Path) -> None:
    told = SpeedEstimator(tmp_path / "speeds.json").estimate(replace(QUICK, backbone="openai/nowhere-to-be-found"))
    assert told == Estimate(Basis.UNKNOWN, note="unknown until 'openai/nowhere-to-be-found' is on this machine")


def test_labels_that_are_too_long_are_found_without_loading_the_backbone() -> None:
    long = "walking a dog " * 14
    assert too_long("sketch", ("waving", long), 8) == (long,)
    assert not too_long("sketch", ("waving",), 8)
    assert not too_long("openai/nowhere-to-be-found", (long,), 8)


def test_free_memory_is_a_plausible_number() -> None:
    assert 1 << 20 < free_memory() < 1 << 50


def waited_for(estimator: SpeedEstimator, work: Workload, past: tuple[PastPace, ...] = ()) -> Estimate:
    deadline = time.monotonic() + 240
    while (told := estimator.estimate(work, past)).basis is Basis.MEASURING:
        assert time.monotonic() < deadline, "the speed was not measured in time"
        time.sleep(0.1)
    return told


def stub(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_what_cannot_be_measured_is_said_with_its_reason(tmp_path: Path) -> None:
    reason = "device: 'cuda:97' is not here: 0 CUDA devices; choose auto or cpu"
    program = stub(f"import sys; sys.exit({reason!r})")
    told = waited_for(SpeedEstimator(tmp_path / "speeds.json", program), replace(QUICK, device="cuda:97"))
    assert told.basis is Basis.UNKNOWN
    assert told.note == reason


def test_a_speed_is_measured_once_and_kept_and_clips_of_another_data_set_alone(tmp_path: Path) -> None:
    file, calls = tmp_path / "speeds.json", tmp_path / "calls"
    answer = asdict(SPEED)
    program = stub(
        f"import sys; open({str(calls)!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n'); print({json.dumps(answer)!r})"
    )
    first = SpeedEstimator(file, program)
    assert first.estimate(QUICK).basis is Basis.MEASURING, "the page is not held up"
    once, again = (replace(waited_for(first, QUICK), free_bytes=0) for _ in range(2))
    assert once == again
    assert waited_for(SpeedEstimator(file, program), FULL).basis is Basis.MEASURED
    waited_for(first, replace(QUICK, clips=("/other.mp4",)))
    assert calls.read_text().splitlines() == [
        "--backbone sketch --device auto --precision auto -- /a.mp4",
        "--image-px 64 -- /other.mp4",
    ]


def test_the_speed_of_this_machine_is_measured_and_kept_for_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    work = workload_of(preset("quick"), color_dataset(tmp_path / "clips", train=2, test=1))
    file = tmp_path / "speeds.json"
    told = waited_for(SpeedEstimator(file), work)
    assert told.basis is Basis.MEASURED
    assert told.total_s is not None and told.total_s > 0 and told.peak_bytes is not None and told.peak_bytes > 2**20
    assert SpeedEstimator(file).estimate(work).basis is Basis.MEASURED
