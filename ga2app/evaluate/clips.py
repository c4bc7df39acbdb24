"""Clips as a test sees them: which ones, and their features under one view or several.

Notation: N clips, W views of each, T frames a view, D embedding width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ga2app.contracts import Dataset, LabelledClip, Subset
from ga2app.errors import ClipError, DatasetError
from ga2app.model import PromptedClip
from ga2app.video.pixels import multi_view_pixels
from ga2app.video.sampling import MultiView

CLIPS_AT_ONCE = 16
SINGLE_VIEW = MultiView()


def encode_clips(
    model: PromptedClip, paths: Sequence[str], num_frames: int, should_stop: Callable[[], bool] = lambda: False
) -> Tensor:
    """Clip features (N, D) of ``paths`` under evaluation sampling, through the model's vision tower.

    Raises DatasetError that names the clips that cannot be read, and InterruptedError when asked to stop.
    """
    return encode_views(model, paths, num_frames, should_stop=should_stop)[:, 0]


@torch.no_grad()
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
    size = model.backbone.sizes.image_size
    at_once = max(1, CLIPS_AT_ONCE // views.count)
    features, faults = [], []
    for first in range(0, len(paths), at_once):
        if should_stop():
            raise InterruptedError
        pixels = []
        for path in paths[first : first + at_once]:
            try:
                pixels.append(multi_view_pixels(path, num_frames, size, views))
            except ClipError as exc:
                faults.append(str(exc))
        if pixels and not faults:
            encoded = model.encode_clips(torch.cat(pixels))  # (B·W, D)
            features.append(torch.unflatten(encoded, 0, (len(pixels), views.count)))
    if faults:
        shown = "; ".join(faults[:5]) + ("; …" if len(faults) > 5 else "")
        raise DatasetError(
            f"{len(faults)} of {len(paths)} clips cannot be read: {shown}. Remove or re-encode them, then start again"
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
