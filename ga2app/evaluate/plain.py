"""What plain CLIP makes of clips, computed once: every rung, draw and run on the same clips asks for it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.backbone import Backbone
from ga2app.evaluate.clips import mean_frames
from ga2app.model import plain_clip


class PlainFeatures:
    """What clips are to plain CLIP, by path, kept in memory: D numbers a clip."""

    def __init__(self, backbone: Backbone, num_frames: int) -> None:
        self.backbone, self.num_frames = backbone, num_frames
        self._model = plain_clip(backbone, ["something"])
        self._known: dict[str, Tensor] = {}

    def of(self, paths: Sequence[str], should_stop: Callable[[], bool] = lambda: False) -> Tensor:
        """Clip features (N, D) of ``paths``, of length 1; raises what ``means`` raises."""
        return functional.normalize(self.means(paths, should_stop), dim=-1)

    def means(self, paths: Sequence[str], should_stop: Callable[[], bool] = lambda: False) -> Tensor:
        """Means over T of the frame features (N, D) of ``paths``; raises what ``encode_clips`` raises."""
        fresh = [path for path in dict.fromkeys(paths) if path not in self._known]
        means = mean_frames(self._model, fresh, self.num_frames, should_stop)  # (N, D)
        self._known.update(zip(fresh, means, strict=True))
        return means if len(fresh) == len(paths) else torch.stack([self._known[path] for path in paths])
