"""From a file to what a vision tower takes: frames are resized, cropped and normalized as CLIP was trained, in torch.

Notation: T frames a view, H × W their size, W views, S the model's square side, all in pixels.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ga2app.config import ClipConfig
from ga2app.video import ClipFrames, Evaluation, Training, Views, read_clip
from ga2app.video.clip_loader import ClipLoader
from ga2app.video.preprocessing import (
    CLIP_MEAN,
    CLIP_STD,
    Preprocessing,
    Resample,
    Triple,
    clip_preprocessing,
    short_side_px,
)
from ga2app.video.sampling import MultiView

THUMBNAIL_PX = 96
LUMA = (0.299, 0.587, 0.114)

How: TypeAlias = Preprocessing | int
"""How pictures are preprocessed: as a backbone wants it, or for a side S as OpenAI's CLIP does."""


def preprocessing_of(how: How) -> Preprocessing:
    """``how`` in full."""
    return clip_preprocessing(how) if isinstance(how, int) else how


def evaluation_view(frames: Tensor, how: How) -> Tensor:
    """Center crop (T, 3, S, S), or the whole picture as a square, normalized, of uint8 ``frames`` (T, H, W, 3)."""
    how = preprocessing_of(how)
    size = how.size_px
    if how.short_side_px is None:
        return _normalize_as(_resize(_to_float(frames), size, size, how.resample), how)
    as_large = min(frames.shape[1:3]) == how.short_side_px
    images = frames.permute(0, 3, 1, 2) if as_large else _to_float(frames)
    images = _resize_short_side(images, how.short_side_px, how.resample)
    height, width = images.shape[-2:]
    top, left = (height - size) // 2, (width - size) // 2
    images = images[..., top : top + size, left : left + size]
    return _normalize_as(images.float() / 255 if as_large else images, how)


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
    if ``flip``, gray with probability ``grayscale``. Pictures are resized as bytes, as by Pillow in the published code,
    which takes a tenth of the time that it takes with floats.
    """
    how = preprocessing_of(how)
    size, images = how.size_px, frames.permute(0, 3, 1, 2)
    if how.short_side_px is None:
        side = short_side_px(size)
        images = _resize(images, side, side, how.resample)
    else:
        images = _resize_short_side(images, how.short_side_px, how.resample)
    top, left, height, width = _random_crop(images.shape[-2], images.shape[-1], generator, scale, ratio)
    images = _resize(images[..., top : top + height, left : left + width], size, size, how.resample).float() / 255
    coins = torch.rand(2, generator=generator)
    if flip and coins[0] < 0.5:
        images = images.flip(-1)
    if coins[1] < grayscale:
        weights = images.new_tensor(LUMA)[:, None, None]
        images = (images * weights).sum(dim=-3, keepdim=True).expand_as(images)
    return _normalize_as(images, how)


def normalize(images: Tensor, mean: Triple = CLIP_MEAN, std: Triple = CLIP_STD) -> Tensor:
    """``images`` (…, 3, H, W) between 0 and 1, less ``mean``, by ``std``."""
    return (images - images.new_tensor(mean)[:, None, None]).div_(images.new_tensor(std)[:, None, None])


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
    return resized if images.dtype == torch.uint8 else resized.clamp_(0, 1)


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


def evaluation_pixels(
    path: str | os.PathLike[str], num_frames: int, how: How, loader: ClipLoader | None = None
) -> Tensor:
    """Pixels (T, 3, S, S) of a clip under evaluation sampling and the central crop; raises ClipError."""
    how = preprocessing_of(how)
    return frames_to_pixels(_read(path, Evaluation(num_frames), how.read_px, loader).frames, how)


def multi_view_pixels(
    path: str | os.PathLike[str], num_frames: int, how: How, views: MultiView, loader: ClipLoader | None = None
) -> Tensor:
    """Pixels (W, T, 3, S, S) of each view of a clip, the crops of the first temporal view first; raises ClipError.

    A single view is ``evaluation_pixels``.
    """
    sampling = Views(num_frames, views.clips)
    clip = _read(path, sampling, crop_short_side_px(how, views.crops), loader)
    crops = evaluation_views(torch.from_numpy(clip.frames), how, views.crops)  # (crops, clips·T, 3, S, S)
    return torch.unflatten(crops, 1, (views.clips, num_frames)).transpose(0, 1).flatten(0, 1)


def training_pixels(
    path: str | os.PathLike[str],
    config: ClipConfig,
    how: How,
    seed: int,
    loader: ClipLoader | None = None,
    later: Sequence[int] = (),
) -> Tensor:
    """Pixels (T, 3, S, S) of a clip under training sampling and augmentation, fixed by ``seed``; raises ClipError.

    ``later`` are the seeds of coming epochs, whose frames the ``loader`` may read and keep at the same time.
    """
    how = preprocessing_of(how)
    coming = [Training(config.num_frames, one) for one in later]
    clip = _read(path, Training(config.num_frames, seed), how.read_px, loader, coming)
    if not config.augment:
        return frames_to_pixels(clip.frames, how)
    generator = torch.Generator().manual_seed(seed)
    frames = torch.from_numpy(clip.frames)
    return training_view(frames, how, generator, flip=config.flip, grayscale=config.grayscale)


def _read(
    path: str | os.PathLike[str],
    sampling: Evaluation | Training | Views,
    short_side_px: int,
    loader: ClipLoader | None,
    later: Sequence[Training] = (),
) -> ClipFrames:
    if loader is None:
        return read_clip(path, sampling, short_side_px=short_side_px)
    return loader.read(path, sampling, short_side_px=short_side_px, later=later)


def frames_to_pixels(frames: NDArray[np.uint8], how: How) -> Tensor:
    """Pixels (T, 3, S, S), normalized, of decoded ``frames`` (T, H, W, 3)."""
    return evaluation_view(torch.from_numpy(frames), how)


def thumbnails(frames: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    """Each of ``frames`` (T, H, W, 3) with a short side of at most 96 pixels, for a strip on the screen."""
    height, width = frames.shape[1:3]
    scale = THUMBNAIL_PX / min(height, width)
    if scale >= 1:
        return tuple(frames)
    images = torch.from_numpy(frames).permute(0, 3, 1, 2).float()
    size = (round(height * scale), round(width * scale))
    small = functional.interpolate(images, size, mode="bilinear", antialias=True)
    return tuple(small.round().clamp(0, 255).byte().permute(0, 2, 3, 1).numpy())
