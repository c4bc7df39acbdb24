"""How well the benchmark's methods tell an action from its reverse, whose clips show the same frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from ga2app import evaluation as evaluate
from ga2app.bundles import load_bundle
from ga2app.method.prompted_model import PromptedClip
from ga2app.synthetic.reversible_actions import REVERSE
from ga2app.types import Dataset, LabelledClip

PAIR_FIGURES = ("base_pairs", "novel_pairs")


@torch.no_grad()
def pair_accuracy(
    model: PromptedClip, dataset: Dataset, clips: Sequence[LabelledClip], features: Tensor
) -> dict[str, float]:
    """The share of ``clips``, with ``features`` (N, D), that are nearer to their label than to its reverse, in percent.

    ``base_pairs`` and ``novel_pairs``; 50 for a model that is blind to order. Empty where no label has a reverse here.
    """
    found = {}
    for figure, names in zip(PAIR_FIGURES, (dataset.base, dataset.novel), strict=True):
        place = {name: number for number, name in enumerate(names)}
        rows = [row for row, clip in enumerate(clips) if clip.label in place and REVERSE.get(clip.label) in place]
        if not rows:
            continue
        cosines = features[rows] @ model.encode_names(names).T  # (M, C)
        own, other = (
            cosines.gather(1, torch.tensor([[place[one]] for one in labels], device=cosines.device))
            for labels in ([clips[row].label for row in rows], [REVERSE[clips[row].label] for row in rows])
        )
        # Of a tie, which a model makes that sees no difference at all, half are right.
        found[figure] = 100 * float(((own > other) + 0.5 * (own == other)).double().mean())
    return found


def pair_accuracy_of_bundle(bundle: Path, dataset: Dataset, known: evaluate.PlainFeatures) -> dict[str, float]:
    """``pair_accuracy`` of the trained ``bundle`` on the test clips of ``dataset``. Raises StudioError."""
    clips = evaluate.test_clips(dataset)
    paths = [clip.path for clip in clips]
    model = load_bundle(bundle).attach(known.backbone, dataset.base)
    moments = known.moments(paths)
    if not model.prompts.config.visual_depth:
        return pair_accuracy(model, dataset, clips, model.of_moments(moments))
    features = evaluate.encode_clips(model, paths, known.num_frames, frozen=moments)
    return pair_accuracy(model, dataset, clips, features)
