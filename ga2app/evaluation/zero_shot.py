"""What plain CLIP makes of clips, computed once: every rung, draw and run on the same clips asks for it again."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from ga2app.clip import Backbone
from ga2app.errors import StoreError
from ga2app.evaluation.clip_features import mean_frames
from ga2app.method.prompted_model import plain_clip

logger = logging.getLogger(__name__)


class PlainFeatures:
    """What clips are to plain CLIP, by path, kept in memory: D numbers a clip."""

    def __init__(self, backbone: Backbone, num_frames: int) -> None:
        self.backbone, self.num_frames = backbone, num_frames
        self._model = plain_clip(backbone, ["something"])
        self._known: dict[str, Tensor] = {}

    @property
    def count(self) -> int:
        """How many clips are known."""
        return len(self._known)

    def of(self, paths: Sequence[str], should_stop: Callable[[], bool] = lambda: False) -> Tensor:
        """Clip features (N, D) of ``paths``, of length 1; raises what ``means`` raises."""
        return functional.normalize(self.means(paths, should_stop), dim=-1)

    def means(self, paths: Sequence[str], should_stop: Callable[[], bool] = lambda: False) -> Tensor:
        """Means over T of the frame features (N, D) of ``paths``; raises what ``encode_clips`` raises.

        What was encoded before a stop is kept.
        """
        fresh = [path for path in dict.fromkeys(paths) if path not in self._known]
        means = mean_frames(self._model, fresh, self.num_frames, should_stop, self._keep)  # (N, D)
        return means if len(fresh) == len(paths) else torch.stack([self._known[path] for path in paths])

    def save(self, file: Path) -> None:
        """Write all that is known; whole or not at all. Raises StoreError."""
        fresh = file.with_name(file.name + ".new")
        width = self.backbone.sizes.embedding_width
        rows = torch.stack(list(self._known.values())).cpu() if self._known else torch.empty(0, width)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            save_file({"means": rows}, str(fresh), metadata=self._facts() | {"paths": json.dumps([*self._known])})
            os.replace(fresh, file)
        except (OSError, SafetensorError) as exc:  # the latter on a full disk
            raise StoreError(f"'{file}' could not be written ({exc}); free some space and try again") from exc

    def load(self, file: Path) -> None:
        """Take over what ``save`` wrote; nothing where that is not there, damaged, or of another backbone."""
        if not file.exists():
            return
        try:
            with safe_open(str(file), framework="pt") as stored:
                told, rows = dict(stored.metadata()), stored.get_tensor("means")
            paths = json.loads(told.pop("paths"))
        except (OSError, SafetensorError, KeyError, ValueError) as exc:
            logger.warning("'%s' is damaged (%s); its clips are encoded anew", file, exc)
            return
        if told == self._facts() and len(paths) == len(rows):
            self._known.update(zip(paths, rows.to(self.backbone.compute.device), strict=True))

    def _keep(self, paths: Sequence[str], means: Tensor) -> None:
        self._known.update(zip(paths, means, strict=True))

    def _facts(self) -> dict[str, str]:
        """What features have to agree in to be of use."""
        identity = json.dumps(self.backbone.identity.to_dict(), sort_keys=True)
        return {"backbone": identity, "frames": str(self.num_frames), "precision": self.backbone.compute.precision}
