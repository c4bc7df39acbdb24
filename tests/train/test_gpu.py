"""What only a CUDA device shows."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app.bundles import load_folder
from ga2app.clip import Backbone, load_backbone
from ga2app.config import Precision, RunConfig
from ga2app.errors import ErrorCode, code_of
from ga2app.types import Dataset
from ga2app.worker.run_faults import free_memory, spoils_gpu
from tests.clips import color_dataset
from tests.train.test_numerics import FULL, QUICK, logs, run, steps

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"))


def on_gpu(folder: Path, precision: Precision) -> Backbone:
    return load_backbone(folder, device="cuda", precision=precision)


@pytest.mark.parametrize("precision", [Precision.FLOAT16, Precision.BFLOAT16, Precision.FLOAT32])
@pytest.mark.parametrize("config", [FULL, QUICK], ids=["full", "quick"])
def test_a_stopped_and_resumed_run_equals_an_uninterrupted_one_bit_for_bit(
    config: RunConfig, precision: Precision, dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    config = replace(config, optimizer=replace(config.optimizer, batch_size=2, accumulate=2, max_gradient_norm=1.0))
    backbone = on_gpu(tiny_clip_folder, precision)
    straight = run(config, dataset, backbone, tmp_path / "straight")
    parts = [
        *run(config, dataset, backbone, tmp_path / "parts", 3),
        *run(config, dataset, backbone, tmp_path / "parts"),
    ]
    assert steps(parts) == steps(straight)
    one, other = (load_folder(tmp_path / name / "bundle") for name in ("straight", "parts"))
    assert all(torch.equal(one.tensors[name], other.tensors[name]) for name in one.tensors)
    assert one.manifest.run.precision is precision


def test_a_fault_of_the_gpu_is_known_as_one_and_a_fresh_process_computes_again() -> None:
    """In processes of their own: what is spoiled here would spoil all tests that follow."""
    program = (
        "import torch\n"
        "from ga2app.errors import code_of\n"
        "from ga2app.worker.run_faults import explain, spoils_gpu\n"
        "try:\n"
        "    torch.zeros(2, device='cuda')[torch.tensor([9], device='cuda')].cpu()\n"
        "except Exception as exc:\n"
        "    print(code_of(exc).value, spoils_gpu(exc), explain(exc), sep='|')\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    code, spoiled, reason = told.strip().split("|")
    assert (code, spoiled) == ("gpu fault", "True") and "device-side assert triggered); resume" in reason
    assert torch.ones(2, device="cuda").sum().item() == 2


def test_want_of_memory_on_the_gpu_is_known_and_spoils_nothing() -> None:
    with pytest.raises(torch.OutOfMemoryError) as caught:
        torch.empty(1 << 50, device="cuda")
    assert code_of(caught.value) is ErrorCode.OUT_OF_MEMORY and not spoils_gpu(caught.value)
    free_memory()
    assert torch.ones(2, device="cuda").sum().item() == 2


def test_float16_scales_the_loss_and_skips_what_overflows(
    dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
) -> None:
    config = replace(FULL, losses=replace(FULL.losses, text_distillation=30.0))
    told = logs(run(config, dataset, on_gpu(tiny_clip_folder, Precision.FLOAT16), tmp_path))
    assert told[0] == "step 0 skipped: its gradient overflows float16; the loss is scaled by 32768 now"


def test_float16_learns_what_float32_learns(dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path) -> None:
    half, full = (
        steps(run(QUICK, dataset, on_gpu(tiny_clip_folder, precision), tmp_path / precision.value))
        for precision in (Precision.FLOAT16, Precision.FLOAT32)
    )
    assert half[0] == pytest.approx(full[0], rel=0.02) and half[-1] < 0.8 * half[0]
