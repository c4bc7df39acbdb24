"""Frames to pixels: resizing, cropping and normalizing as CLIP was trained, in torch alone.

Notation: T frames, H × W their size, S the model's square side, all in pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
LUMA = (0.299, 0.587, 0.114)


def short_side_px(size_px: int) -> int:
    """Length of the short side before the crop to ``size_px``: 256 for 224, and in proportion."""
    return round(size_px * 256 / 224)


def evaluation_view(frames: Tensor, size_px: int) -> Tensor:
    """Center crop (T, 3, S, S), normalized, of uint8 ``frames`` (T, H, W, 3)."""
    images = _resize_short_side(_to_float(frames), short_side_px(size_px))
    height, width = images.shape[-2:]
    top, left = (height - size_px) // 2, (width - size_px) // 2
    return normalize(images[..., top : top + size_px, left : left + size_px])


def crop_short_side_px(size_px: int, crops: int) -> int:
    """Length of the short side before ``crops`` crops are cut: the size itself for three, which span the long side."""
    return size_px if crops == 3 else short_side_px(size_px)


def evaluation_views(frames: Tensor, size_px: int, crops: int) -> Tensor:
    """Crops (crops, T, 3, S, S), normalized, of uint8 ``frames`` (T, H, W, 3).

    1: the center crop of ``evaluation_view``. 3: the short side becomes S, and the crops lie at the left, in the
    middle and at the right, or at the top, in the middle and at the bottom of a picture that is higher than wide
    (the three crops of X-CLIP's and ViFi-CLIP's multi-view tests).
    """
    if crops == 1:
        return evaluation_view(frames, size_px)[None]
    if crops != 3:
        raise ValueError(f"crops is {crops}; it must be 1 or 3")
    images = _resize_short_side(_to_float(frames), size_px)
    height, width = images.shape[-2:]
    down, right = height - size_px, width - size_px  # one of them is 0
    parts = [
        images[..., top : top + size_px, left : left + size_px]
        for top, left in ((0, 0), (down // 2, right // 2), (down, right))
    ]
    return normalize(torch.stack(parts))  # (3, T, 3, S, S)


def training_view(
    frames: Tensor,
    size_px: int,
    generator: torch.Generator,
    *,
    flip: bool = True,
    grayscale: float = 0.2,
    scale: tuple[float, float] = (0.5, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> Tensor:
    """Augmented view (T, 3, S, S), normalized, of uint8 ``frames`` (T, H, W, 3); all frames are treated alike.

    Random resized crop of ``scale`` (share of the area) and ``ratio`` (width / height), flip with probability 0.5
    if ``flip``, gray with probability ``grayscale``.
    """
    images = _resize_short_side(_to_float(frames), short_side_px(size_px))
    top, left, height, width = _random_crop(images.shape[-2], images.shape[-1], generator, scale, ratio)
    images = _resize(images[..., top : top + height, left : left + width], size_px, size_px)
    coins = torch.rand(2, generator=generator)
    if flip and coins[0] < 0.5:
        images = images.flip(-1)
    if coins[1] < grayscale:
        weights = images.new_tensor(LUMA)[:, None, None]
        images = (images * weights).sum(dim=-3, keepdim=True).expand_as(images)
    return normalize(images)


def normalize(
    images: Tensor, mean: tuple[float, float, float] = CLIP_MEAN, std: tuple[float, float, float] = CLIP_STD
) -> Tensor:
    """``images`` (…, 3, H, W) between 0 and 1, less ``mean``, by ``std``."""
    return (images - images.new_tensor(mean)[:, None, None]) / images.new_tensor(std)[:, None, None]


def _to_float(frames: Tensor) -> Tensor:
    """Images (T, 3, H, W) between 0 and 1 of uint8 ``frames`` (T, H, W, 3)."""
    return frames.permute(0, 3, 1, 2).float() / 255


def _resize_short_side(images: Tensor, side_px: int) -> Tensor:
    height, width = images.shape[-2:]
    scale = side_px / min(height, width)
    return _resize(images, max(side_px, round(height * scale)), max(side_px, round(width * scale)))


def _resize(images: Tensor, height: int, width: int) -> Tensor:
    if images.shape[-2:] == (height, width):
        return images
    resized = functional.interpolate(images, (height, width), mode="bicubic", align_corners=False, antialias=True)
    return resized.clamp(0, 1)


def _random_crop(
    height: int, width: int, generator: torch.Generator, scale: tuple[float, float], ratio: tuple[float, float]
) -> tuple[int, int, int, int]:
    """Top, left, height and width of a random crop that fits, after ten tries the largest central one."""
    for _ in range(10):
        share, shape, down, right = torch.rand(4, generator=generator).tolist()
        area = height * width * (scale[0] + (scale[1] - scale[0]) * share)
        aspect = math.exp(math.log(ratio[0]) + (math.log(ratio[1]) - math.log(ratio[0])) * shape)
        wide, tall = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if 0 < wide <= width and 0 < tall <= height:
            return int(down * (height - tall + 1)), int(right * (width - wide + 1)), tall, wide
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side, side
