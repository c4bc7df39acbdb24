"""Pre-training: batches, losses, schedule, and a short run from end to end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer, CLIPModel

from tools.captions import Fact
from tools.drawing_pool import draw_chunk
from tools.pretrain import PretrainConfig, build_model, encode_images, learning_rate, pretrain, true_of
from tools.word_tokenizer import build_tokenizer

SHORT = PretrainConfig(
    seed=3,
    steps=2,
    batch=8,
    captioned=6,
    warmup_steps=1,
    sparse_share=0.5,
    chunks=2,
    chunk_images=8,
    refresh_every=1,
    log_every=1,
    evaluate_every=2,
    held_out_images=8,
    save_every_s=0,
)


def test_a_short_run_saves_a_folder_that_loads_and_the_same_seed_gives_the_same_weights(tmp_path: Path):
    threads = torch.get_num_threads()
    try:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            pretrain(SHORT, folder)
    finally:
        torch.set_num_threads(threads)
    one, two = (load_file(folder / "model.safetensors") for folder in folders)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert {tensor.dtype for tensor in one.values() if tensor.is_floating_point()} == {torch.float32}
    model = CLIPModel.from_pretrained(folders[0], local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folders[0], local_files_only=True)
    assert model.config.text_config.eos_token_id == tokenizer.eos_token_id != 2
    rows = [json.loads(line) for line in (folders[0] / "pretrain_log.jsonl").read_text().splitlines()]
    assert rows[0]["config"]["seed"] == 3
    assert [row["step"] for row in rows[1:]] == [1, 2]
    assert all(math.isfinite(row["total"]) for row in rows[1:])
    assert ["held_out_top1" in row for row in rows[1:]] == [False, True]
    assert not list(tmp_path.glob(".sketch-clip-*")), "nothing half-written stays"


def test_a_chunk_depends_on_its_seed_and_number_alone():
    one, again, other = draw_chunk(5, 1, 6), draw_chunk(5, 1, 6), draw_chunk(5, 2, 6)
    assert np.array_equal(one.pixels, again.pixels) and one.captions == again.captions
    assert not np.array_equal(one.pixels, other.pixels)


def test_the_table_of_true_captions_agrees_with_each_fact():
    chunk = draw_chunk(5, 0, 60)
    table = true_of(chunk.stated, chunk.shown)
    expected = [[stated.holds_for(shown) for stated in chunk.stated] for shown in chunk.shown]
    assert table.tolist() == expected
    assert table.diagonal().all()
    assert true_of([Fact(person=False)], [Fact(person=True, subject="boxing")]).tolist() == [[False]]


def test_the_schedule_warms_up_then_falls_to_zero():
    config = PretrainConfig(steps=100, warmup_steps=10, lr=1.0)
    assert learning_rate(0, config) == pytest.approx(0.1, rel=1e-4)
    assert learning_rate(9, config) == pytest.approx(1.0, rel=1e-4)
    assert learning_rate(55, config) == pytest.approx(0.5, rel=1e-4)
    assert learning_rate(100, config) == pytest.approx(0.0, rel=1e-4)


def test_all_patches_kept_is_the_model_itself():
    torch.manual_seed(0)
    model = build_model(build_tokenizer())
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        whole = model.get_image_features(pixel_values=pixels).pooler_output
        torch.testing.assert_close(encode_images(model, pixels), whole)
        torch.testing.assert_close(encode_images(model, pixels, keep=64), whole, atol=1e-5, rtol=1e-4)


def test_blank_patches_are_the_ones_left_out():
    torch.manual_seed(0)
    model = build_model(build_tokenizer())
    pixels = torch.zeros(1, 3, 64, 64)
    pixels[:, :, 8:16, 8:16] = torch.randn(3, 8, 8)
    moved = pixels.clone()
    moved[:, :, 40:48, 40:48] = 0.5  # another blank patch of another color: of no contrast, so not seen
    with torch.no_grad():
        torch.testing.assert_close(encode_images(model, pixels, keep=1), encode_images(model, moved, keep=1))
        assert not torch.allclose(encode_images(model, pixels, keep=1), encode_images(model, pixels * 0, keep=1))
        assert not torch.allclose(encode_images(model, pixels), encode_images(model, moved))
