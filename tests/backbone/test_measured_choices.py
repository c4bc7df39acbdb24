from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, CLIPConfig, CLIPModel

from ga2app.cli.main import main
from ga2app.clip import load_backbone
from ga2app.clip.measured_choices import FILE, LEAST_WIDTH, kept_choices
from tests.approx import same_record


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GA2_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


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
    ((key, name),) = kept_choices().items()
    assert name == chosen and f"{LEAST_WIDTH}x17" in key and torch.__version__ in key
    other = {"sdpa": "eager", "eager": "sdpa"}[chosen]
    (home / FILE).write_text(json.dumps({key: other}))
    assert load_backbone(wide).attention == other
    main(["doctor"])
    assert f"{other} was faster: {key}" in capsys.readouterr().out


def test_damaged_choices_are_timed_anew_and_small_towers_are_not_timed(
    home: Path, wide: Path, tiny_clip_folder: Path
) -> None:
    home.mkdir()
    (home / FILE).write_text("{")
    load_backbone(tiny_clip_folder)
    assert kept_choices() == {}
    load_backbone(wide)
    assert len(kept_choices()) == 1


def test_attention_can_be_named_and_changes_nothing_but_rounding(tiny_clip_folder: Path) -> None:
    pixels = torch.randn(3, 3, 32, 32)
    backbones = [load_backbone(tiny_clip_folder, attention=name) for name in ("sdpa", "eager")]
    assert [one.attention for one in backbones] == ["sdpa", "eager"]
    with torch.no_grad():
        assert same_record(*(one.encode_frames(pixels) for one in backbones))
