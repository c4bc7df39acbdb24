"""From a file to what a vision tower takes, in one call.

Notation: T frames a view, W views, S the model's square side in pixels.
"""

from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ga2app.config import ClipConfig
from ga2app.video import Evaluation, Training, Views, read_clip
from ga2app.video.sampling import MultiView
from ga2app.video.transforms import (
    How,
    crop_short_side_px,
    evaluation_view,
    evaluation_views,
    preprocessing_of,
    training_view,
)

THUMBNAIL_PX = 96


def evaluation_pixels(path: str | os.PathLike[str], num_frames: int, how: How) -> Tensor:
    """Pixels (T, 3, S, S) of a clip under evaluation sampling and the central crop; raises ClipError."""
    clip = read_clip(path, Evaluation(num_frames), short_side_px=preprocessing_of(how).read_px)
    return frames_to_pixels(clip.frames, how)


def multi_view_pixels(path: str | os.PathLike[str], num_frames: int, how: How, views: MultiView) -> Tensor:
    """Pixels (W, T, 3, S, S) of each view of a clip, the crops of the first temporal view first; raises ClipError.

    A single view is ``evaluation_pixels``.
    """
    sampling = Views(num_frames, views.clips)
    clip = read_clip(path, sampling, short_side_px=crop_short_side_px(how, views.crops))
    crops = evaluation_views(torch.from_numpy(clip.frames), how, views.crops)  # (crops, clips·T, 3, S, S)
    return torch.unflatten(crops, 1, (views.clips, num_frames)).transpose(0, 1).flatten(0, 1)


def training_pixels(path: str | os.PathLike[str], config: ClipConfig, how: How, seed: int) -> Tensor:
    """Pixels (T, 3, S, S) of a clip under training sampling and augmentation, fixed by ``seed``; raises ClipError."""
    how = preprocessing_of(how)
    clip = read_clip(path, Training(config.num_frames, seed), short_side_px=how.read_px)
    if not config.augment:
        return frames_to_pixels(clip.frames, how)
    generator = torch.Generator().manual_seed(seed)
    frames = torch.from_numpy(clip.frames)
    return training_view(frames, how, generator, flip=config.flip, grayscale=config.grayscale)


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
