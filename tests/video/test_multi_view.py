"""Several temporal views and crops of a clip, as multi-view tests take them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from ga2app.errors import ConfigError
from ga2app.video.pixels import (
    crop_short_side_px,
    evaluation_pixels,
    evaluation_view,
    evaluation_views,
    multi_view_pixels,
    normalize,
)
from ga2app.video.preprocessing import CLIP_MEAN, CLIP_STD, short_side_px
from ga2app.video.sampling import MOST_VIEWS, MultiView
from ga2app.video.writer import write_clip

SIZE_PX = 28


def noise(height: int, width: int, frames: int = 2) -> Tensor:
    return torch.randint(0, 256, (frames, height, width, 3), generator=torch.Generator().manual_seed(0)).byte()


def cut(frames: Tensor, top: int, left: int) -> Tensor:
    """The normalized square of 28 px at (top, left), without any resizing."""
    return normalize(frames[:, top : top + SIZE_PX, left : left + SIZE_PX].permute(0, 3, 1, 2).float() / 255)


def test_three_crops_of_a_wide_picture_lie_left_center_and_right() -> None:
    frames = noise(SIZE_PX, 49)  # already 28 high: nothing is resized; offsets 0, (49 - 28) // 2 = 10, 49 - 28 = 21
    crops = evaluation_views(frames, SIZE_PX, 3)
    assert crops.shape == (3, 2, 3, SIZE_PX, SIZE_PX)
    assert torch.equal(crops, torch.stack([cut(frames, 0, left) for left in (0, 10, 21)]))


def test_three_crops_of_a_high_picture_lie_at_the_top_center_and_bottom() -> None:
    frames = noise(60, SIZE_PX)  # offsets 0, (60 - 28) / 2 = 16, 60 - 28 = 32
    assert torch.equal(evaluation_views(frames, SIZE_PX, 3), torch.stack([cut(frames, top, 0) for top in (0, 16, 32)]))


def test_three_crops_are_cut_where_the_short_side_is_the_crop_s_and_one_where_it_is_larger() -> None:
    assert [crop_short_side_px(224, crops) for crops in (1, 3)] == [256, 224]
    frames = torch.zeros(1, 56, 112, 3, dtype=torch.uint8)
    frames[:, :, :56] = 200  # the left half is light; at a short side of 28 it is 28 wide: exactly the first crop
    left, center, right = evaluation_views(frames, SIZE_PX, 3)[:, 0, 0]
    light, dark = (cut(torch.full((1, 28, 28, 3), level).byte(), 0, 0)[0, 0, 0, 0] for level in (200, 0))
    assert torch.allclose(left[:, :24], light.expand(28, 24), atol=1e-3)
    assert torch.allclose(right[:, 4:], dark.expand(28, 24), atol=1e-3)
    assert torch.allclose(center[:, :10], light.expand(28, 10), atol=1e-3)
    assert float(center[0, -1]) == pytest.approx(float(dark), rel=1e-4)


@pytest.mark.parametrize(("height", "width"), [(31, 200), (200, 31), (7, 7), (1080, 1400)])
def test_any_shape_has_three_squares_and_a_square_three_times_the_same(height: int, width: int) -> None:
    crops = evaluation_views(noise(height, width, 1), SIZE_PX, 3)
    assert crops.shape == (3, 1, 3, SIZE_PX, SIZE_PX)
    assert torch.equal(crops[0], crops[2]) is (height == width)


def test_one_crop_is_the_central_one_of_evaluation_bit_for_bit() -> None:
    frames = noise(40, 60)
    assert torch.equal(evaluation_views(frames, SIZE_PX, 1), evaluation_view(frames, SIZE_PX)[None])


def test_other_numbers_of_crops_are_not_cut() -> None:
    with pytest.raises(ValueError, match="crops is 2; it must be 1 or 3"):
        evaluation_views(noise(40, 60), SIZE_PX, 2)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """12 frames, 96x64; frame i is gray of level 20·i, but for its left third, which is black."""
    frames = np.zeros((12, 64, 96, 3), np.uint8)
    frames[:, :, 32:] = (20 * np.arange(12, dtype=np.uint8))[:, None, None, None]
    write_clip(tmp_path / "clip.mp4", frames, 12)
    return tmp_path / "clip.mp4"


def levels(pixels: Tensor) -> Tensor:
    """Levels 0 … 255 of normalized gray pixels (…, 3, S, S), the mean over the right quarter of each picture."""
    mean, std = torch.tensor(CLIP_MEAN)[:, None, None], torch.tensor(CLIP_STD)[:, None, None]
    return ((pixels * std + mean) * 255)[..., 24:].mean(dim=(-3, -2, -1))


def test_a_single_view_of_a_file_is_the_evaluation_view_bit_for_bit(clip: Path) -> None:
    assert torch.equal(multi_view_pixels(clip, 4, 32, MultiView())[0], evaluation_pixels(clip, 4, 32))


def test_views_of_a_file_are_ordered_by_time_and_then_by_crop(clip: Path) -> None:
    pixels = multi_view_pixels(clip, 3, 32, MultiView(2, 3))
    assert pixels.shape == (6, 3, 3, 32, 32)
    # 12 frames, 3 of them a view, 2 views: frames 0, 4, 8, then 2, 6, 10.
    first, second = torch.tensor([0.0, 80, 160]), torch.tensor([40.0, 120, 200])
    assert torch.allclose(levels(pixels[:3]), first.expand(3, 3), atol=5)
    assert torch.allclose(levels(pixels[3:]), second.expand(3, 3), atol=5)
    # The 48x32 picture is cut at 0, 8 and 16; its first 16 columns are black: all 16, 8 and none of the crop's.
    # Frame 8 of 160: (160 - black's share · 160), and nothing of it is black in the right crop.
    black = pixels[:3, 2].mean(dim=1)[:, :, :16] < normalize(torch.full((3, 1, 1), 80 / 255)).mean()
    assert black.float().mean(dim=(1, 2)).tolist() == pytest.approx([1, 0.5, 0], abs=0.07)


def test_several_temporal_views_alone_keep_the_larger_short_side(clip: Path) -> None:
    pixels = multi_view_pixels(clip, 4, 32, MultiView(2, 1))
    assert pixels.shape == (2, 4, 3, 32, 32) and short_side_px(32) == 37
    assert torch.equal(pixels[0], evaluation_pixels(clip, 4, 32))


def test_views_are_read_and_written_as_clips_by_crops() -> None:
    assert MultiView.parse("4x3") == MultiView(4, 3) == MultiView.parse(" 4 X 3 ")
    assert (str(MultiView(4, 3)), MultiView(4, 3).count, MultiView().count) == ("4x3", 12, 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must look like 4x3, clips x crops"),
        ("4", "must look like 4x3"),
        ("-1x3", "must look like 4x3"),
        ("4x3x2", "must look like 4x3"),
        ("4x2", r"crops must be 1, the center, or 3: .* \(it is 2\)"),
        ("0x1", rf"clips must be between 1 and {MOST_VIEWS} \(it is 0\)"),
        ("999x1", r"\(it is 999\)"),
    ],
)
def test_views_that_make_no_sense_are_explained(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MultiView.parse(text)
