"""The score that is explained, as a function of a clip's frame features.

Notation: T frames, C class names, D embedding width, τ = exp(logit_scale).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from torch import Tensor
from torch.nn import functional


class ScoreKind(StrEnum):
    """``logit`` is τ · cosine to the label; ``margin`` is that minus the logit of the best other label.

    The margin asks why this label rather than that one: what speaks for all labels alike cancels.
    """

    LOGIT = "logit"
    MARGIN = "margin"


@dataclass(frozen=True)
class ClipScore:
    """τ · v · direction for the clip feature v, the mean of unnormalized frame features, of length 1 and whitened.

    ``direction`` (D,) is the label's class feature, less the rival's for a margin. The mean over frames is blind to
    their order, so no explanation of a score can ever name the order as a reason.
    """

    direction: Tensor
    scale: float
    whiten: Callable[[Tensor], Tensor] | None = None

    def __call__(self, frames: Tensor) -> Tensor:
        """Scores (…) of clips given by frame features (…, T, D)."""
        return self.of_mean(frames.mean(dim=-2))

    def of_mean(self, mean: Tensor) -> Tensor:
        """Scores (…) of clips given by the means (…, D) of their frame features."""
        clips = functional.normalize(mean, dim=-1)
        if self.whiten is not None:
            clips = self.whiten(clips)
        scores: Tensor = self.scale * clips @ self.direction
        return scores


def best_rival(logits: Tensor, label: int) -> int:
    """The label other than ``label`` with the highest of ``logits`` (C,), C ≥ 2.

    It is found once, on the whole clip, and stays the rival whatever is taken away from the clip.
    """
    others = logits.clone()
    others[label] = float("-inf")
    return int(others.argmax())


def clip_score(
    classes: Tensor, scale: float, label: int, rival: int | None, whiten: Callable[[Tensor], Tensor] | None = None
) -> ClipScore:
    """The score of ``label`` among the class features ``classes`` (C, D): its logit, or its margin over ``rival``.

    ``whiten`` makes of a clip feature what can be compared with ``classes``; without it they share a space already.
    """
    return ClipScore(classes[label] if rival is None else classes[label] - classes[rival], scale, whiten)


def leave_one_out(frames: Tensor, score: ClipScore) -> Tensor:
    """How much of the score (T,) is lost with each frame: exact, from the frame features (T, D) alone.

    Positive where the frame speaks for the label. Two like frames stand in for each other, so each loses little; the
    losses need not add up to the score. With one frame the whole score hangs on it.
    """
    whole = score(frames)
    if len(frames) == 1:
        return whole[None]
    without = (frames.sum(dim=0) - frames) / (len(frames) - 1)  # (T, D)
    return whole - score.of_mean(without)
