"""A map of clips and texts in two directions, the same before and after training.

Notation: N clips, K texts, D embedding width.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Cloud:
    """Features of one side of the map: ``clips`` (N, D) and ``texts`` (K, D)."""

    clips: Tensor
    texts: Tensor

    def centered(self, leading: tuple[int, int]) -> Cloud:
        """Clips and texts, each about the mean of the ``leading`` ones: anchors and negatives may lie far off.

        In CLIP's space all clips lie in one corner and all texts in another, far away. Without this the first
        direction of the map would tell that, and nothing else.
        """
        parts = zip((self.clips.double().cpu(), self.texts.double().cpu()), leading, strict=True)
        return Cloud(*(part - part[:count].mean(dim=0) for part, count in parts))

    def rows(self) -> Tensor:
        """All points (N + K, D), clips and texts with a spread of 1 each."""
        return torch.cat([part / part.square().sum().clamp(min=1e-12).sqrt() for part in (self.clips, self.texts)])


@dataclass(frozen=True)
class Axes:
    """Two ``directions`` (D, 2) in which clips and texts differ most."""

    directions: Tensor

    def place(self, features: Tensor) -> Tensor:
        """Places (N, 2) of centered ``features`` (N, D)."""
        return features @ self.directions

    def share(self, cloud: Cloud) -> float:
        """How much of the spread of a centered cloud the map holds, in percent."""
        rows = cloud.rows()
        return float(100 * self.place(rows).square().sum() / rows.square().sum().clamp(min=1e-12))


def axes_of(*clouds: Cloud) -> Axes:
    """The two principal directions of centered ``clouds``, all counting alike.

    Each points to where it is largest, so that two calls give the same map and not its mirror image.
    """
    _, _, directions = torch.linalg.svd(torch.cat([cloud.rows() for cloud in clouds]), full_matrices=False)
    chosen = directions[:2].T  # (D, 2)
    if chosen.shape[1] < 2:
        chosen = torch.cat([chosen, chosen.new_zeros(len(chosen), 2 - chosen.shape[1])], dim=1)
    largest = chosen.gather(0, chosen.abs().argmax(dim=0, keepdim=True))
    return Axes(chosen * torch.where(largest < 0, -1.0, 1.0))
