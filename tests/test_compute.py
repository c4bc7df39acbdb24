from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch

from ga2app.cli.main import main
from ga2app.clip import compute
from ga2app.clip.compute import settle, unused_gpu
from ga2app.config import Precision
from ga2app.errors import ConfigError


def test_float32_runs_without_autocast_and_bfloat16_with_it_each_with_the_attention_that_is_faster():
    for precision, wanted, attention in (
        (Precision.FLOAT32, torch.float32, "sdpa"),
        (Precision.BFLOAT16, torch.bfloat16, "eager"),
    ):
        chosen = settle("cpu", precision)
        with chosen.autocast():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == wanted
        assert chosen.precision is precision and chosen.attention == attention


def test_auto_takes_bfloat16_only_where_the_cpu_has_it(monkeypatch: pytest.MonkeyPatch):
    for native, wanted in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda native=native: native)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda native=native: native)
        assert settle("cpu").dtype == wanted


def test_repeatable_computation_is_asked_for_and_given_up_again():
    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="enough"), settle("cpu").repeatable():
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.get_num_threads() == threads
        raise RuntimeError("enough")
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has MPS")
def test_a_device_that_is_not_here_is_a_fault_of_its_field():
    with pytest.raises(ConfigError, match="device: 'mps' is not available here; choose auto or cpu"):
        settle("mps")


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_float16_anywhere_but_on_cuda_is_a_fault_of_its_field(device: str):
    if device == "mps" and not torch.backends.mps.is_available():
        pytest.skip("needs MPS")
    with pytest.raises(
        ConfigError, match=f"precision: 'float16' is for CUDA devices and this is {device}; choose auto, float32"
    ):
        settle(device, Precision.FLOAT16)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_auto_takes_the_gpu():
    assert settle().device.type == "cuda" and settle().attention == "sdpa"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_attention_on_a_gpu_has_the_same_gradients_twice():
    compute = settle("cuda", Precision.FLOAT16)
    states = torch.randn(64, 8, 213, 64, device="cuda", generator=torch.Generator("cuda").manual_seed(1))
    found = []
    with compute.repeatable():
        for _ in range(2):
            leaf = states.clone().requires_grad_()
            with compute.autocast():
                query = leaf.half()
                torch.nn.functional.scaled_dot_product_attention(query, query, query).float().square().sum().backward()
            found.append(leaf.grad)
    assert torch.equal(*found)


def test_a_gpu_that_torch_cannot_use_is_told_in_torchs_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    def too_old() -> bool:
        warnings.warn("CUDA initialization: The NVIDIA driver on your system is too old", stacklevel=2)
        return False

    monkeypatch.setattr(torch.cuda, "is_available", too_old)
    assert unused_gpu() == "CUDA initialization: The NVIDIA driver on your system is too old"
    assert main(["doctor"]) == 1
    assert "BAD device" in (told := capsys.readouterr().out) and "cpu, though there is a GPU: CUDA init" in told
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(compute, "NVIDIA_DRIVER", tmp_path)
    monkeypatch.setattr(torch.version, "cuda", None)
    assert "was built for processors alone; install its CUDA build" in (unused_gpu() or "")
    monkeypatch.setattr(compute, "NVIDIA_DRIVER", tmp_path / "none")
    assert unused_gpu() is None
