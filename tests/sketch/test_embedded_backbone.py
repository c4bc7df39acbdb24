"""The weights that ship: they load offline, are small, and their accuracy is what the studio says it is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer, CLIPModel

from ga2app.paths import SKETCH_CLIP
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from ga2app.video import sample_frames
from tools.backbone_accuracy import score_clips, zero_shot_accuracy
from tools.captions import subject_names
from tools.word_tokenizer import vocabulary


def test_it_loads_offline_and_is_small(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    model = CLIPModel.from_pretrained(SKETCH_CLIP, local_files_only=True)
    assert model.config.vision_config.image_size == 64
    assert sum(path.stat().st_size for path in SKETCH_CLIP.iterdir()) < 10_000_000


def test_its_tokenizer_is_the_one_of_this_code():
    tokenizer = AutoTokenizer.from_pretrained(SKETCH_CLIP, local_files_only=True)
    assert tokenizer.get_vocab() == vocabulary()


def test_its_preprocessing_is_written_beside_it():
    settings = json.loads((SKETCH_CLIP / "preprocessor_config.json").read_text())
    assert settings["crop_size"] == {"height": 64, "width": 64}
    assert settings["size"] == {"shortest_edge": round(64 * 256 / 224)}


def test_its_log_and_card_lie_beside_it():
    rows = [json.loads(line) for line in (SKETCH_CLIP / "pretrain_log.jsonl").read_text().splitlines()]
    assert rows[-1]["step"] == rows[0]["config"]["steps"]
    card = (SKETCH_CLIP / "README.md").read_text()
    assert "knows drawings only" in card


def test_it_names_held_out_plain_clips_among_all_actions():
    assert zero_shot_accuracy(SKETCH_CLIP, "plain", clips_per_class=1, seed=77).top1 >= 90


def test_a_bad_camera_leaves_it_something_to_learn():
    assert 45 <= zero_shot_accuracy(SKETCH_CLIP, "camcorder", clips_per_class=1, seed=77).top1 <= 75


def test_real_files_through_the_real_decoder_are_named_as_well(tmp_path: Path):
    clips: list[tuple[str, np.ndarray]] = []
    for index, (key, action) in enumerate(list(ACTIONS.items())[::4]):
        path = tmp_path / f"{key}.mp4"
        write_drawn_clip(path, action, "plain", (78, index))
        clips.append((key, sample_frames(path, 8)))
    assert score_clips(SKETCH_CLIP, clips).top1 >= 88


def test_every_subject_can_be_asked_for_by_name_or_key():
    for key, name in subject_names().items():
        if key != "nothing_happening":
            assert subject_named(name) is subject_named(key)
