"""Many stretches of one long video: opened once for many of them, and each frame decoded once for all epochs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from ga2app import load_backbone
from ga2app.config import ClipConfig
from ga2app.errors import ClipError
from ga2app.evaluation.clip_features import encode_clips
from ga2app.method.prompted_model import plain_clip
from ga2app.training.training_batches import PixelSource
from ga2app.video.clip_loader import ClipLoader
from ga2app.video.decoder_pool import shared_pool
from ga2app.video.disk_frame_cache import DiskFrameCache
from ga2app.video.pixels import evaluation_pixels
from ga2app.video.sampling import Evaluation
from tests.video.made_clips import Recording, numbered

EPOCHS, COUNT = 3, 16


@pytest.fixture
def stretches(tmp_path: Path) -> list[str]:
    """Stretches of a video of 60 frames at 25 a second, in no order."""
    path = numbered(tmp_path / "long.mp4", Recording(options={"g": "12"}), frames=60)
    addresses = [f"{path}#t={number * 0.12},{number * 0.12 + 0.32}" for number in range(COUNT)]
    random.Random(1).shuffle(addresses)
    return addresses


def all_epochs(paths: list[str], loader: ClipLoader) -> list[torch.Tensor]:
    config = ClipConfig(num_frames=4, augment=False)
    source = PixelSource(paths, config, 32, 5, loader, epochs=EPOCHS)
    order = [list(range(COUNT // 2)), list(range(COUNT // 2, COUNT))]
    return [batch.clone() for epoch in range(EPOCHS) for batch in source.batches(order, epoch)]


def one_by_one(paths: list[str], loader: ClipLoader) -> list[torch.Tensor]:
    loader.expect = lambda wanted, short_side_px: None  # type: ignore[method-assign]
    return all_epochs(paths, loader)


def test_with_the_frame_cache_a_video_is_opened_once_for_all_stretches_and_epochs(
    stretches: list[str], tmp_path: Path
) -> None:
    singly = one_by_one(stretches, ClipLoader())
    before = shared_pool.opened
    together = all_epochs(stretches, ClipLoader(2, DiskFrameCache(tmp_path / "frames", 10**9)))
    assert shared_pool.opened - before == 1
    for one, other in zip(together, singly, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_without_the_cache_a_video_is_opened_once_an_epoch(stretches: list[str]) -> None:
    singly, before = one_by_one(stretches, ClipLoader()), shared_pool.opened
    together = all_epochs(stretches, ClipLoader(2))
    assert shared_pool.opened - before == EPOCHS
    for one, other in zip(together, singly, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_features_of_many_stretches_open_the_video_once(stretches: list[str], tiny_clip_folder: Path) -> None:
    tiny_backbone = load_backbone(tiny_clip_folder, precision="float32")
    model = plain_clip(tiny_backbone, ["walking", "running"])
    before = shared_pool.opened
    found = encode_clips(model, stretches, 2)
    assert shared_pool.opened - before == 1
    pixels = torch.stack([evaluation_pixels(path, 2, tiny_backbone.preprocessing) for path in stretches])
    with torch.no_grad():
        torch.testing.assert_close(found, model.encode_clips(pixels))


def test_a_stretch_that_is_none_is_named_and_the_others_are_read_together(stretches: list[str]) -> None:
    bad = stretches[0].partition("#")[0] + "#t=50,51"
    loader = ClipLoader(2)
    loader.expect(dict.fromkeys([*stretches, bad], Evaluation(2)), 32)
    before = shared_pool.opened
    with pytest.raises(ClipError, match="50–51 s lies outside"):
        loader.read(bad, Evaluation(2), short_side_px=32)
    assert all(loader.read(path, Evaluation(2), short_side_px=32).frames.shape[0] == 2 for path in stretches)
    assert shared_pool.opened - before == 1
