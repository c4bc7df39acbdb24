"""Frames to pixels: resizing, cropping and normalizing as CLIP was trained, in torch alone.

Notation: T frames, H × W their size, S the model's square side, all in pixels.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.video.preprocessing import (
    CLIP_MEAN,
    CLIP_STD,
    Preprocessing,
    Resample,
    Triple,
    clip_preprocessing,
    short_side_px,
)

__all__ = [
    "CLIP_MEAN",
    "CLIP_STD",
    "LUMA",
    "How",
    "crop_short_side_px",
    "denormalize",
    "evaluation_view",
    "evaluation_views",
    "normalize",
    "preprocessing_of",
    "short_side_px",
    "training_view",
]

LUMA = (0.299, 0.587, 0.114)

How: TypeAlias = Preprocessing | int
"""How pictures are preprocessed: as a backbone wants it, or for a side S as OpenAI's CLIP does."""


def preprocessing_of(how: How) -> Preprocessing:
    """``how`` in full."""
    return clip_preprocessing(how) if isinstance(how, int) else how


def evaluation_view(frames: Tensor, how: How) -> Tensor:
    """Center crop (T, 3, S, S), or the whole picture as a square, normalized, of uint8 ``frames`` (T, H, W, 3)."""
    how = preprocessing_of(how)
    images, size = _to_float(frames), how.size_px
    if how.short_side_px is None:
        return _normalize_as(_resize(images, size, size, how.resample), how)
    images = _resize_short_side(images, how.short_side_px, how.resample)
    height, width = images.shape[-2:]
    top, left = (height - size) // 2, (width - size) // 2
    return _normalize_as(images[..., top : top + size, left : left + size], how)


def crop_short_side_px(how: How, crops: int) -> int:
    """Length of the short side before ``crops`` crops are cut: the size itself for three, which span the long side."""
    how = preprocessing_of(how)
    return how.size_px if crops == 3 else how.read_px


def evaluation_views(frames: Tensor, how: How, crops: int) -> Tensor:
    """Crops (crops, T, 3, S, S), normalized, of uint8 ``frames`` (T, H, W, 3).

    1: the center crop of ``evaluation_view``. 3: the short side becomes S, and the crops lie at the left, in the
    middle and at the right, or at the top, in the middle and at the bottom of a picture that is higher than wide
    (the three crops of X-CLIP's and ViFi-CLIP's multi-view tests).
    """
    if crops == 1:
        return evaluation_view(frames, how)[None]
    if crops != 3:
        raise ValueError(f"crops is {crops}; it must be 1 or 3")
    how = preprocessing_of(how)
    size = how.size_px
    images = _resize_short_side(_to_float(frames), size, how.resample)
    height, width = images.shape[-2:]
    down, right = height - size, width - size  # one of them is 0
    parts = [
        images[..., top : top + size, left : left + size]
        for top, left in ((0, 0), (down // 2, right // 2), (down, right))
    ]
    return _normalize_as(torch.stack(parts), how)  # (3, T, 3, S, S)


def training_view(
    frames: Tensor,
    how: How,
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
    how = preprocessing_of(how)
    size, images = how.size_px, _to_float(frames)
    if how.short_side_px is None:
        side = short_side_px(size)
        images = _resize(images, side, side, how.resample)
    else:
        images = _resize_short_side(images, how.short_side_px, how.resample)
    top, left, height, width = _random_crop(images.shape[-2], images.shape[-1], generator, scale, ratio)
    images = _resize(images[..., top : top + height, left : left + width], size, size, how.resample)
    coins = torch.rand(2, generator=generator)
    if flip and coins[0] < 0.5:
        images = images.flip(-1)
    if coins[1] < grayscale:
        weights = images.new_tensor(LUMA)[:, None, None]
        images = (images * weights).sum(dim=-3, keepdim=True).expand_as(images)
    return _normalize_as(images, how)


def normalize(images: Tensor, mean: Triple = CLIP_MEAN, std: Triple = CLIP_STD) -> Tensor:
    """``images`` (…, 3, H, W) between 0 and 1, less ``mean``, by ``std``."""
    return (images - images.new_tensor(mean)[:, None, None]) / images.new_tensor(std)[:, None, None]


def denormalize(pixels: Tensor, how: How) -> Tensor:
    """The way back: images (…, 3, S, S) between 0 and 1 of normalized ``pixels``."""
    how = preprocessing_of(how)
    mean, std = (pixels.new_tensor(values)[:, None, None] for values in (how.mean, how.std))
    return pixels * std + mean


def _normalize_as(images: Tensor, how: Preprocessing) -> Tensor:
    return normalize(images, how.mean, how.std)


def _to_float(frames: Tensor) -> Tensor:
    """Images (T, 3, H, W) between 0 and 1 of uint8 ``frames`` (T, H, W, 3)."""
    return frames.permute(0, 3, 1, 2).float() / 255


def _resize_short_side(images: Tensor, side_px: int, resample: Resample) -> Tensor:
    height, width = images.shape[-2:]
    scale = side_px / min(height, width)
    return _resize(images, max(side_px, round(height * scale)), max(side_px, round(width * scale)), resample)


def _resize(images: Tensor, height: int, width: int, resample: Resample) -> Tensor:
    if images.shape[-2:] == (height, width):
        return images
    if resample is Resample.NEAREST:
        return functional.interpolate(images, (height, width), mode="nearest-exact")
    resized = functional.interpolate(images, (height, width), mode=resample.value, align_corners=False, antialias=True)
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
