"""Frames to pixels, against cases worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ga2app.video.pixels import _random_crop, evaluation_view, training_view
from ga2app.video.preprocessing import CLIP_MEAN, CLIP_STD, clip_preprocessing, short_side_px

SIZE_PX = 28  # the short side before the crop is then round(28 · 256 / 224) = 32


def plain(frames: int, height: int, width: int, color: tuple[int, int, int] = (10, 100, 200)) -> Tensor:
    return torch.tensor(color, dtype=torch.uint8).expand(frames, height, width, 3)


def back_to_bytes(pixels: Tensor) -> Tensor:
    """Undo normalizing: (T, 3, S, S) to values between 0 and 255."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
    return (pixels * std + mean) * 255


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_short_side_is_256_for_224_and_in_proportion() -> None:
    assert [short_side_px(size) for size in (224, 336, 64, 32)] == [256, 384, 73, 37]


def test_a_plain_color_is_normalized_by_clip_s_mean_and_std() -> None:
    pixels = evaluation_view(plain(2, 40, 60, (255, 0, 51)), SIZE_PX)
    assert pixels.shape == (2, 3, SIZE_PX, SIZE_PX)
    assert pixels.dtype == torch.float32
    # red: 255 of 255 less 0.48145466, by 0.26862954; green: 0 less 0.4578275, by 0.26130258;
    # blue: 51 of 255, which is 0.2, less 0.40821073, by 0.27577711
    expected = torch.tensor([1.9303361, -1.7520971, -0.7549964])
    assert torch.allclose(pixels, expected[:, None, None].expand_as(pixels), atol=1e-4)


def test_the_central_square_is_what_evaluation_sees() -> None:
    # 32 × 64: already 32 high, so that nothing is resized. The crop of 28 begins at ((32 - 28) / 2, (64 - 28) / 2).
    frames = torch.arange(32 * 64 * 3).remainder(251).to(torch.uint8).reshape(1, 32, 64, 3)
    pixels = evaluation_view(frames, SIZE_PX)
    expected = frames[:, 2:30, 18:46].permute(0, 3, 1, 2).float()
    assert torch.allclose(back_to_bytes(pixels), expected, atol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(31, 200), (200, 31), (7, 7), (64, 48), (1080, 1081), (33, 32)])
def test_any_shape_becomes_a_square(height: int, width: int) -> None:
    assert evaluation_view(plain(1, height, width), SIZE_PX).shape == (1, 3, SIZE_PX, SIZE_PX)
    assert training_view(plain(1, height, width), SIZE_PX, generator(0)).shape == (1, 3, SIZE_PX, SIZE_PX)


def test_sharp_edges_do_not_leave_the_range_of_colors() -> None:
    stripes = torch.zeros(1, 64, 64, 3, dtype=torch.uint8)
    stripes[:, :, ::8] = 255
    seen = back_to_bytes(evaluation_view(stripes, SIZE_PX))
    assert seen.min() >= -1e-3
    assert seen.max() <= 255 + 1e-3


def test_shrinking_averages_instead_of_skipping_pixels() -> None:
    stripes = torch.zeros(1, 320, 320, 3, dtype=torch.uint8)
    stripes[:, :, ::10] = 250  # one pixel of ten: ten times smaller, all of it is 25
    seen = back_to_bytes(evaluation_view(stripes, SIZE_PX))
    assert torch.allclose(seen, torch.full_like(seen, 25), atol=1)


def test_all_frames_of_a_clip_are_cropped_flipped_and_grayed_alike() -> None:
    frame = torch.randint(0, 256, (1, 40, 60, 3), generator=generator(1), dtype=torch.uint8)
    for seed in range(20):
        pixels = training_view(frame.expand(4, 40, 60, 3), SIZE_PX, generator(seed))
        assert torch.equal(pixels, pixels[:1].expand_as(pixels))


def test_a_generator_fixes_the_view() -> None:
    frames = torch.randint(0, 256, (2, 40, 60, 3), generator=generator(1), dtype=torch.uint8)
    first, again, other = (training_view(frames, SIZE_PX, generator(seed)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def from_left_to_right(frames: int = 1) -> Tensor:
    """Brighter towards the right, 40 × 60."""
    return torch.arange(0, 240, 4, dtype=torch.uint8)[None, None, :, None].expand(frames, 40, 60, 3)


def test_half_of_the_views_are_mirrored_and_none_where_left_and_right_are_classes() -> None:
    def mirrored(flip: bool) -> int:
        views = (training_view(from_left_to_right(), SIZE_PX, generator(seed), flip=flip) for seed in range(200))
        return sum(bool(view[0, 0, 0, 0] > view[0, 0, 0, -1]) for view in views)

    assert 75 <= mirrored(flip=True) <= 125  # 100 ± 3.5 standard deviations of 7.1
    assert mirrored(flip=False) == 0


def test_a_fifth_of_the_views_is_gray_by_the_usual_weights() -> None:
    grays = 0
    for seed in range(200):
        seen = back_to_bytes(training_view(plain(1, 40, 60), SIZE_PX, generator(seed)))[0, :, 0, 0]
        if (seen[0] - seen[1]).abs() < 1e-2:
            grays += 1
            # 0.299 · 10 + 0.587 · 100 + 0.114 · 200 = 84.49
            assert torch.allclose(seen, torch.full((3,), 84.49), atol=1e-2)
    assert 20 <= grays <= 60  # 40 ± 3.5 standard deviations of 5.7


def test_random_crops_keep_to_their_share_of_the_area_and_to_their_shape() -> None:
    shares, shapes = [], []
    for seed in range(300):
        top, left, tall, wide = _random_crop(320, 400, generator(seed), (0.5, 1.0), (3 / 4, 4 / 3))
        assert 0 <= top <= 320 - tall
        assert 0 <= left <= 400 - wide
        shares.append(tall * wide / (320 * 400))
        shapes.append(wide / tall)
    assert 0.49 < min(shares) < 0.55
    assert 0.9 < max(shares) <= 1
    assert 0.74 < min(shapes) < max(shapes) < 1.35


def test_a_picture_too_narrow_for_a_random_crop_gives_its_central_square() -> None:
    assert _random_crop(32, 2000, generator(0), (0.5, 1.0), (3 / 4, 4 / 3)) == (0, 984, 32, 32)


def test_training_pictures_are_resized_as_pillow_resizes_those_of_the_published_code() -> None:
    frames = torch.randint(0, 256, (2, 40, 60, 3), generator=generator(3), dtype=torch.uint8)
    how, only = replace(clip_preprocessing(SIZE_PX), short_side_px=40), (1.0, 1.0)
    view = training_view(frames, how, generator(1), flip=False, grayscale=0, scale=only, ratio=(1.5, 1.5))
    seen = back_to_bytes(view)
    for frame, ours in zip(frames, seen, strict=True):
        theirs = Image.fromarray(frame.numpy()).resize((SIZE_PX, SIZE_PX), Image.Resampling.BICUBIC)
        assert np.abs(np.asarray(theirs).transpose(2, 0, 1).astype(int) - ours.numpy()).max() <= 1
