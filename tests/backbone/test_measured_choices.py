from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, CLIPConfig, CLIPModel

from ga2app.cli.main import main
from ga2app.clip import load_backbone
from ga2app.clip.measured_choices import FILE, LEAST_WIDTH, kept_choices
from ga2app.config import Precision
from ga2app.errors import BackboneError
from ga2app.video.writer import write_clip
from tests.approx import same_record


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GA2_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated:DeprecationWarning")
"""torch's own, where it loads its compiler."""


def keep(home: Path, **choices: dict[str, str]) -> None:
    """Only these choices are kept."""
    (home / FILE).write_text(json.dumps(choices))


@pytest.fixture
def wide(tiny_clip_folder: Path, tmp_path: Path) -> Path:
    """A CLIP whose vision tower is wide enough to be timed."""
    config = CLIPConfig.from_pretrained(tiny_clip_folder)
    config.vision_config.hidden_size, config.vision_config.num_hidden_layers = LEAST_WIDTH, 1
    CLIPModel(config).save_pretrained(tmp_path / "wide")
    AutoTokenizer.from_pretrained(tiny_clip_folder).save_pretrained(tmp_path / "wide")
    return tmp_path / "wide"


def test_attention_is_timed_once_a_shape_and_what_was_chosen_is_told(
    home: Path, wide: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = load_backbone(wide).attention
    ((key, name),) = kept_choices()["attention"].items()
    assert name == chosen and f"{LEAST_WIDTH}x17" in key and torch.__version__ in key
    other = {"sdpa": "eager", "eager": "sdpa"}[chosen]
    keep(home, attention={key: other}, compile={key: "1.25"})
    assert load_backbone(wide).attention == other
    main(["doctor"])
    told = capsys.readouterr().out
    assert f"{other} was faster: {key}" in told and f"1.25 times as fast: {key}" in told


def test_damaged_choices_are_timed_anew_and_small_towers_are_not_timed(
    home: Path, wide: Path, tiny_clip_folder: Path
) -> None:
    home.mkdir()
    (home / FILE).write_text("{")
    load_backbone(tiny_clip_folder, precision="auto")
    assert not any(kept_choices().values())
    load_backbone(wide)
    assert len(kept_choices()["attention"]) == 1


@pytest.fixture
def native_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)


def test_bfloat16_is_taken_unasked_only_where_it_was_the_faster_one(
    home: Path, wide: Path, tiny_clip_folder: Path, native_bfloat16: None
) -> None:
    chosen = load_backbone(wide, precision="auto").compute.precision
    ((key, name),) = kept_choices()["precision"].items()
    assert name == chosen.value
    for name in ("float32", "bfloat16"):
        keep(home, precision={key: name})
        assert load_backbone(wide, precision="auto").compute.precision.value == name
    keep(home, precision={key: "float32"})
    assert load_backbone(wide, precision="bfloat16").compute.precision is Precision.BFLOAT16
    assert load_backbone(tiny_clip_folder, precision="auto").compute.precision is Precision.FLOAT32


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_threads_are_those_that_were_faster_and_only_while_the_towers_compute(
    home: Path, wide: Path, two_threads: None
) -> None:
    load_backbone(wide)
    ((key, count),) = kept_choices()["threads"].items()
    assert count in ("1", "2") and torch.get_num_threads() == 2
    for count in ("1", "2"):
        keep(home, threads={key: count})
        backbone = load_backbone(wide)
        assert backbone.choices()["threads"] == int(count) and torch.get_num_threads() == 2
        for computing in (backbone.compute.autocast(), backbone.compute.repeatable()):
            with computing:
                assert torch.get_num_threads() == int(count)
            assert torch.get_num_threads() == 2
    assert load_backbone(wide, threads=1).choices(processes=3)["threads"] == 3


def test_compiled_layers_give_the_same_features_and_what_learns_is_not_compiled(tiny_clip_folder: Path) -> None:
    plain, compiled = load_backbone(tiny_clip_folder), load_backbone(tiny_clip_folder)
    compiled.compile_layers(backend="eager")  # traced as for any other; a C++ compiler would take its time
    prompts = torch.randn(2, 4, plain.sizes.visual_width)
    for frames in (5, 2):
        pixels = torch.randn(frames, 3, 32, 32)
        with torch.no_grad():
            assert same_record(*(one.encode_frames(pixels, prompts) for one in (plain, compiled)))
    gradients = []
    for one in (plain, compiled):
        learned = prompts.clone().requires_grad_()
        one.encode_frames(pixels, learned).sum().backward()
        gradients.append(learned.grad)
    assert torch.equal(*gradients)


@pytest.fixture
def never_compiling() -> Iterator[None]:
    """torch takes every call as it is, compiled or not: nobody waits for a C++ compiler."""
    with torch.compiler.set_stance("force_eager"):
        yield


def test_what_compiling_gains_is_kept_and_decides_where_it_is_to(
    home: Path, tiny_clip_folder: Path, never_compiling: None
) -> None:
    compiled = load_backbone(tiny_clip_folder, compile="on")
    ((key, gain),) = kept_choices()["compile"].items()
    assert compiled.compiled and f"{compiled.compile_gain:.2f}" == gain
    for gain, used in (("0.98", False), ("1.10", True)):
        keep(home, compile={key: gain})
        chosen = load_backbone(tiny_clip_folder, compile="auto")
        assert chosen.compiled is used and chosen.compile_gain == float(gain)
    assert not load_backbone(tiny_clip_folder).compiled


def test_layers_that_cannot_be_compiled_are_an_error_that_says_what_to_do(
    tiny_clip_folder: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setattr(torch._inductor.config.cpp, "cxx", ("no-such-compiler",))
    with torch._inductor.utils.fresh_cache(), pytest.raises(BackboneError, match="cannot compile .* leave --compile"):
        load_backbone(tiny_clip_folder, compile="on")


def test_how_to_compute_is_an_option_of_recognize_that_says_what_it_gains(
    home: Path, tiny_clip_folder: Path, tmp_path: Path, never_compiling: None, capsys: pytest.CaptureFixture[str]
) -> None:
    write_clip(tmp_path / "clip.mp4", np.full((8, 64, 64, 3), 128, np.uint8), 8)
    clip, asked = str(tmp_path / "clip.mp4"), ["--labels", "walking, running", "--backbone", str(tiny_clip_folder)]
    options = ["--precision", "float32", "--attention", "eager", "--threads", "1", "--compile"]
    assert main(["recognize", clip, *asked, *options]) == 0
    assert "the vision tower is compiled: a compiled layer is" in capsys.readouterr().err
    assert main(["recognize", clip, *asked]) == 0
    assert "compiled" not in capsys.readouterr().err
    assert main(["recognize", clip, *asked, "--threads", "many"]) == 1
    assert "threads: must be auto or a number from 1 to 1024 (it is 'many')" in capsys.readouterr().err


def test_attention_can_be_named_and_changes_nothing_but_rounding(tiny_clip_folder: Path) -> None:
    pixels = torch.randn(3, 3, 32, 32)
    backbones = [load_backbone(tiny_clip_folder, attention=name) for name in ("sdpa", "eager")]
    assert [one.attention for one in backbones] == ["sdpa", "eager"]
    with torch.no_grad():
        assert same_record(*(one.encode_frames(pixels) for one in backbones))


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's account of memory")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_loaded_backbone_holds_no_pages_of_its_file_that_were_read_to_be_copied(
    precision: str, home: Path, wide: Path
) -> None:
    weights = wide / "model.safetensors"
    backbone = load_backbone(wide, precision=precision, attention="sdpa", threads=1)
    resident, of_file = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:  # the head of a mapping, which names its file
            of_file = line.endswith(str(weights))
        elif of_file and line.startswith("Rss:"):
            resident += 1024 * int(line.split()[1])
    assert resident < weights.stat().st_size / 3
    ours, held = backbone.clip.state_dict(), load_file(weights)
    assert all(torch.equal(ours[name], held[name].to(ours[name].dtype)) for name in held)
