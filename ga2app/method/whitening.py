"""Whitening of the joint space: directions in which irrelevant clips differ count for less.

Anchors are irrelevant to every label, and shots of one class share theirs: whatever varies among either (place, light,
camera, who acts) tells no labels apart. Within-class covariance normalization (Hatch and others, 2006, for speakers)
divides it out; here the anchors speak, too. It is linear, closed-form and of rank D, so that names which were never
trained on are whitened as well.

Notation: N shots, A anchor clips, K texts, C class names, D the embedding width. Features have length 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.config import WhiteningConfig
from ga2app.errors import BundleError, DatasetError, ErrorCode

CENTER, ROOT = "whitening.center", "whitening.root"
"""Names of the tensors in a bundle."""


@dataclass(frozen=True)
class Whitening:
    """Clips v become (v - ``center``) ``root``, texts w become w ``root``; both of length 1 again.

    ``center`` (D,) and ``root`` (D, D) = (Σ + ε I)^-½, see ``estimate``.
    """

    center: Tensor
    root: Tensor

    def clips(self, features: Tensor) -> Tensor:
        """Clip features (…, D), whitened."""
        return functional.normalize((features - self.center) @ self.root, dim=-1)

    def texts(self, features: Tensor) -> Tensor:
        """Text features (K, D), whitened."""
        return functional.normalize(features @ self.root, dim=-1)

    def to(self, device: torch.device | str) -> Whitening:
        """The same on ``device``."""
        return Whitening(self.center.to(device), self.root.to(device))

    def tensors(self) -> dict[str, Tensor]:
        """Everything needed to whiten again, by name, on the CPU."""
        return {name: value.cpu().contiguous() for name, value in ((CENTER, self.center), (ROOT, self.root))}


def read_whitening(config: WhiteningConfig, tensors: Mapping[str, Tensor], width: int) -> Whitening | None:
    """The whitening of a space of ``width`` D among the ``tensors`` of a bundle, None where ``config`` has none.

    Raises BundleError where tensors and settings disagree.
    """
    found = {CENTER, ROOT} & tensors.keys()
    if not config.enabled and not found:
        return None
    if not config.enabled:
        raise BundleError(f"these settings have no whitening, and there are tensors of one: {', '.join(sorted(found))}")
    if len(found) < 2:
        raise BundleError(f"the whitening is incomplete: {', '.join(sorted({CENTER, ROOT} - found))} is missing")
    whitening = Whitening(tensors[CENTER], tensors[ROOT])
    shapes, wanted = (tuple(whitening.center.shape), tuple(whitening.root.shape)), ((width,), (width, width))
    if shapes != wanted:
        raise BundleError(
            f"the whitening has shapes {shapes[0]} and {shapes[1]} instead of {wanted[0]} and {wanted[1]}"
        )
    return whitening


def estimate(config: WhiteningConfig, shots: Tensor, targets: Tensor, anchors: Tensor) -> Whitening:
    """The whitening that ``shots`` (N, D) of the classes ``targets`` (N,) and ``anchors`` (A, D) ask for.

    Σ = γ Σ_A / tr Σ_A + (1 - γ) Σ_W / tr Σ_W, with Σ_A the scatter of the anchors, Σ_W that of the shots within their
    classes and γ = ``config.anchors``; ε = ``config.shrinkage``, a share of the whole variance. The center is λ =
    ``config.center`` times the mean of the mean shot (classes count alike) and the mean anchor. Where one of both is
    not there, or does not vary, the other stands alone; raises DatasetError where neither varies.
    """
    shots, anchors = shots.double(), anchors.double()
    labels, places = torch.unique(targets, return_inverse=True)
    means = torch.stack([shots[places == place].mean(dim=0) for place in range(len(labels))])  # (C, D)
    within = _scatter(shots - means[places])
    among = _scatter(anchors - anchors.mean(dim=0)) if config.anchors and len(anchors) else None
    if within is None and among is None:
        raise DatasetError(
            "there is nothing to whiten by: it takes two shots of a class, or two anchor clips",
            hint="add some, or switch whitening.enabled off",
            code=ErrorCode.ANCHORS_MISSING,
        )
    parts = [part for part in (within, among) if part is not None]
    sigma = parts[0] if len(parts) == 1 else torch.lerp(parts[0], parts[1], config.anchors)
    values, directions = torch.linalg.eigh(sigma)
    root = directions * (values.clamp(min=0) + config.shrinkage).rsqrt() @ directions.T
    middle = means.mean(dim=0)
    if config.anchors and len(anchors):
        middle = (middle + anchors.mean(dim=0)) / 2
    return Whitening((config.center * middle).float(), root.float())


def _scatter(deviations: Tensor) -> Tensor | None:
    """Covariance (D, D) of ``deviations`` (N, D) with a trace of 1; None where there are none worth the name."""
    sigma = deviations.T @ deviations
    trace = sigma.trace()
    return sigma / trace if trace > 1e-9 else None
