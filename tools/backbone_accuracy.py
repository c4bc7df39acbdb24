"""How well the sketch backbone names drawn clips that it was not trained on, every action competing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from transformers import AutoTokenizer, CLIPModel
from transformers.utils import logging as transformers_logging

from ga2app.config import TEMPLATE
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.appearance import CAMCORDER_STRENGTH
from ga2app.synthetic.demo_dataset import CLIP_PX
from ga2app.synthetic.world import clip_frames
from tools.drawing_pool import IMAGE_PX, RESIZED_PX
from tools.pretrain import encode_images, encode_texts, normalize

EVALUATION_STREAM = 9501


@dataclass(frozen=True)
class ZeroShot:
    """``top1`` in percent of all clips, ``by_action`` of each; ``taken_for`` (right, answer, times), worst first."""

    top1: float
    by_action: dict[str, float]
    taken_for: list[tuple[str, str, int]]


def preprocess(frames: NDArray[np.uint8]) -> Tensor:
    """Square frames uint8 (T, H, H, 3) → normalized pixels (T, 3, S, S): bicubic to 73, the middle 64 kept."""
    edge = (RESIZED_PX - IMAGE_PX) // 2
    side = (RESIZED_PX, RESIZED_PX)
    small = [np.asarray(Image.fromarray(frame).resize(side, Image.Resampling.BICUBIC)) for frame in frames]
    crops = np.stack(small)[:, edge : edge + IMAGE_PX, edge : edge + IMAGE_PX]
    return normalize(torch.from_numpy(crops).permute(0, 3, 1, 2))


def zero_shot_accuracy(
    model_folder: Path,
    style: str,
    clips_per_class: int = 10,
    frames: int = 8,
    seed: int = 0,
    strength: float = CAMCORDER_STRENGTH,
) -> ZeroShot:
    """Zero-shot top-1 of the backbone in ``model_folder`` on held-out clips of every action in ``style``.

    A clip's feature is the mean over its frames of unnormalized frame features, then of length one. The template is
    "a video of a person {}.". Clips are drawn from seeds that pre-training never uses.
    """
    drawn = (
        (key, clip_frames(action, style, (seed, EVALUATION_STREAM, number, index), frames, CLIP_PX, strength))
        for number, (key, action) in enumerate(ACTIONS.items())
        for index in range(clips_per_class)
    )
    return score_clips(model_folder, drawn)


@torch.no_grad()
def score_clips(model_folder: Path, clips: Iterable[tuple[str, NDArray[np.uint8]]]) -> ZeroShot:
    """The same figures for any labelled clips: (action key, frames uint8 (T, H, H, 3)) each."""
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = CLIPModel.from_pretrained(model_folder, local_files_only=True, attn_implementation="eager")
    tokenizer = AutoTokenizer.from_pretrained(model_folder, local_files_only=True)
    names = encode_texts(model, tokenizer, [TEMPLATE.format(action.name) for action in ACTIONS.values()])
    keys = list(ACTIONS)
    answers: list[tuple[str, str]] = []
    for key, frames in clips:
        feature = encode_images(model, preprocess(frames)).mean(0)
        best = int((nn.functional.normalize(feature, dim=0) @ names.T).argmax())
        answers.append((key, keys[best]))
    return _tally(answers)


def _tally(answers: list[tuple[str, str]]) -> ZeroShot:
    """Figures from (right key, answered key) pairs."""
    by_action = {
        key: 100.0 * float(np.mean([answer == key for right, answer in answers if right == key]))
        for key in dict.fromkeys(right for right, _ in answers)
    }
    wrong = [pair for pair in answers if pair[0] != pair[1]]
    taken_for = sorted(((*pair, wrong.count(pair)) for pair in set(wrong)), key=lambda entry: (-entry[2], entry))
    return ZeroShot(100.0 * (1 - len(wrong) / len(answers)), by_action, taken_for)
