"""Clips as a test sees them: which ones, and their features under one view or several.

Notation: N clips, W views of each, T frames a view, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ga2app.errors import ClipError, DatasetError, ErrorCode
from ga2app.method.prompted_model import PromptedClip
from ga2app.types import Dataset, LabelledClip, Subset
from ga2app.video.pixels import multi_view_pixels
from ga2app.video.sampling import MultiView

CLIPS_AT_ONCE = 16
SINGLE_VIEW = MultiView()


def encode_clips(
    model: PromptedClip,
    paths: Sequence[str],
    num_frames: int,
    should_stop: Callable[[], bool] = lambda: False,
    frozen: Tensor | None = None,
) -> Tensor:
    """Clip features (N, D) of ``paths`` under evaluation sampling, through the model's vision tower.

    ``frozen`` (N, D) are the means over T of plain CLIP's frame features, where they are known: a model with a residual
    share is spared its second pass. Raises what ``encode_views`` raises.
    """

    def encode(pixels: Tensor, rows: slice) -> Tensor:
        return model.encode_clips(pixels, None if frozen is None else frozen[rows])

    return _encode(model, paths, num_frames, SINGLE_VIEW, should_stop, encode)[:, 0]


def mean_frames(
    model: PromptedClip,
    paths: Sequence[str],
    num_frames: int,
    should_stop: Callable[[], bool] = lambda: False,
    keep: Callable[[Sequence[str], Tensor], None] = lambda paths, means: None,
) -> Tensor:
    """The mean over T of the frame features (N, D) of ``paths``, not normalized: what clip features are made from.

    ``keep`` is given each batch's paths and means (B, D): after a stop they are all that there is. Raises what
    ``encode_views`` raises.
    """

    def encode(pixels: Tensor, rows: slice) -> Tensor:
        means = model.encode_frames(pixels).mean(dim=-2)
        keep(paths[rows], means)
        return means

    return _encode(model, paths, num_frames, SINGLE_VIEW, should_stop, encode)[:, 0]


def encode_views(
    model: PromptedClip,
    paths: Sequence[str],
    num_frames: int,
    views: MultiView = SINGLE_VIEW,
    should_stop: Callable[[], bool] = lambda: False,
) -> Tensor:
    """Features (N, W, D) of each view of ``paths``, through the model's vision tower; each has length 1.

    Raises DatasetError that names the clips that cannot be read, and InterruptedError when asked to stop.
    """
    return _encode(model, paths, num_frames, views, should_stop, lambda pixels, rows: model.encode_clips(pixels))


@torch.no_grad()
def _encode(
    model: PromptedClip,
    paths: Sequence[str],
    num_frames: int,
    views: MultiView,
    should_stop: Callable[[], bool],
    encode: Callable[[Tensor, slice], Tensor],
) -> Tensor:
    """What ``encode`` makes (N, W, D) of the pixels (B·W, T, 3, S, S) of some of ``paths``, with their places."""
    how = model.backbone.preprocessing
    at_once = max(1, CLIPS_AT_ONCE // views.count)
    features, faults = [], []
    for first in range(0, len(paths), at_once):
        if should_stop():
            raise InterruptedError
        pixels = []
        for path in paths[first : first + at_once]:
            try:
                pixels.append(multi_view_pixels(path, num_frames, how, views))
            except ClipError as exc:
                faults.append(str(exc))
        if pixels and not faults:
            encoded = encode(torch.cat(pixels), slice(first, first + at_once))  # (B·W, D)
            features.append(torch.unflatten(encoded, 0, (len(pixels), views.count)))
    if faults:
        shown = "; ".join(faults[:5]) + ("; …" if len(faults) > 5 else "")
        raise DatasetError(
            f"{len(faults)} of {len(paths)} clips cannot be read: {shown}. Remove or re-encode them, then start again",
            code=ErrorCode.CLIPS_UNREADABLE,
        )
    if not features:
        width = model.backbone.sizes.embedding_width
        return torch.empty(0, views.count, width, device=model.backbone.compute.device)
    return torch.cat(features)


def test_clips(dataset: Dataset) -> list[LabelledClip]:
    """The test clips of ``dataset`` in a fixed order: base classes first, then novel ones."""
    order = {label: place for place, label in enumerate((*dataset.base, *dataset.novel))}
    chosen = [clip for clip in dataset.clips if clip.subset is Subset.TEST and clip.label in order]
    return sorted(chosen, key=lambda clip: (order[clip.label], clip.path))
