"""What plain CLIP makes of clips, computed once: every rung, draw and run on the same clips asks for it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ga2app.backbone import Backbone
from ga2app.evaluate.clips import encode_clips
from ga2app.model import plain_clip


class PlainFeatures:
    """Clip features (N, D) of plain CLIP by path, kept in memory: D numbers a clip."""

    def __init__(self, backbone: Backbone, num_frames: int) -> None:
        self.backbone, self.num_frames = backbone, num_frames
        self._model = plain_clip(backbone, ["something"])
        self._known: dict[str, Tensor] = {}

    def of(self, paths: Sequence[str], should_stop: Callable[[], bool] = lambda: False) -> Tensor:
        """Features (N, D) of ``paths``, of length 1; raises what ``encode_clips`` raises."""
        fresh = [path for path in dict.fromkeys(paths) if path not in self._known]
        features = encode_clips(self._model, fresh, self.num_frames, should_stop)  # (N, D)
        if len(fresh) == len(paths):
            self._known.update(zip(fresh, features, strict=True))
            return features
        self._known.update(zip(fresh, features, strict=True))
        return torch.stack([self._known[path] for path in paths])
