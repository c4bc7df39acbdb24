"""The pixels that a backbone's folder asks for, at every place where frames become pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ga2app.clip import Backbone, load_backbone
from ga2app.config import ClipConfig
from ga2app.evaluation import encode_clips
from ga2app.inference import Recognizer
from ga2app.inference.explanations.explain_clip import explain_clip
from ga2app.method.prompted_model import plain_clip
from ga2app.training.training_batches import PixelSource
from ga2app.video.pixels import evaluation_pixels, frames_to_pixels, multi_view_pixels
from ga2app.video.sampling import MultiView
from ga2app.video.writer import write_clip
from tests.backbone.clip_folders import copy_of, say

LABELS = ["walking", "running"]


@pytest.fixture(scope="module")
def half(tiny_clip_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    folder = copy_of(tiny_clip_folder, tmp_path_factory.mktemp("half") / "clip")
    return load_backbone(say(folder, "preprocessor_config.json", image_mean=[0.5] * 3, image_std=[0.5] * 3))


@pytest.fixture(scope="module")
def gray(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of gray 128."""
    file = tmp_path_factory.mktemp("gray") / "gray.mp4"
    write_clip(file, np.full((8, 64, 64, 3), 128, np.uint8), 8)
    return file


@pytest.fixture
def seen(half: Backbone, monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """The pixels that the tower of ``half`` was given."""
    given: list[torch.Tensor] = []
    real = half.encode_frames

    def watched(pixels: torch.Tensor, prompts: object = (), **_: object) -> torch.Tensor:
        given.append(pixels.detach())
        return real(pixels)

    monkeypatch.setattr(half, "encode_frames", watched)
    return given


def is_gray(pixels: torch.Tensor) -> bool:
    """Whether all are gray 128 of a mean and deviation of 0.5, as near as the clip's own coding comes to it."""
    return bool((pixels - (128 / 255 - 0.5) / 0.5).abs().max() < 2.5 / 255 / 0.5)


def test_gray_arrives_as_0_004_where_mean_and_deviation_are_a_half(half: Backbone):
    pixels = frames_to_pixels(np.full((1, 40, 60, 3), 128, np.uint8), half.preprocessing)
    assert torch.allclose(pixels, torch.full_like(pixels, 0.0039216), rtol=1e-4)


def test_recognizing_and_explaining_give_the_tower_the_backbones_own_pixels(
    half: Backbone, gray: Path, seen: list[torch.Tensor]
):
    Recognizer(half).recognize([gray], LABELS)
    assert seen and all(map(is_gray, seen))
    seen.clear()
    pictures = explain_clip(half, gray, LABELS, num_frames=2).pictures
    assert is_gray(seen[0]) and abs(pictures.astype(int) - 128).max() <= 1


def test_measuring_in_one_view_and_in_several_gives_the_tower_the_backbones_own_pixels(
    half: Backbone, gray: Path, seen: list[torch.Tensor]
):
    encode_clips(plain_clip(half, LABELS), [str(gray)], 2)
    assert seen and all(map(is_gray, seen))
    assert is_gray(multi_view_pixels(gray, 2, half.preprocessing, MultiView(2, 3)))


def test_training_sees_the_backbones_own_pixels_augmented_or_not(half: Backbone, gray: Path):
    for augment in (True, False):
        source = PixelSource([str(gray)], ClipConfig(num_frames=2, augment=augment), half.preprocessing, seed=1)
        assert is_gray(next(source.batches([[0]], 0)))


def test_a_backbone_that_squeezes_pictures_sees_their_edges(tiny_clip_folder: Path, tmp_path: Path):
    folder = copy_of(tiny_clip_folder, tmp_path / "square")
    square = load_backbone(
        say(folder, "preprocessor_config.json", size={"height": 32, "width": 32}, do_center_crop=False, resample=2)
    )
    frames = np.zeros((1, 64, 128, 3), np.uint8)
    frames[:, :, :16] = 255
    how = square.preprocessing
    cropped, squeezed = (frames_to_pixels(frames, each)[0, 0, 16] for each in (32, how))
    assert cropped.max() < 0 < squeezed[:3].min() and squeezed[-3:].max() < 0
    assert json.loads(json.dumps(how.to_dict()))["short_side_px"] is None


def test_the_size_alone_still_means_openais_clip(gray: Path, half: Backbone):
    assert not torch.allclose(evaluation_pixels(gray, 2, 32), evaluation_pixels(gray, 2, half.preprocessing))
