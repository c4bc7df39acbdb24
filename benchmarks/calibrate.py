"""Processor seconds of all that a report says of percentages, on the features of 1,000 clips of 100 labels.

The features are random: the time does not depend on what they are, and no clip is decoded.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from ga2app.evaluation import confidence_of, seen_by
from ga2app.types import Dataset, LabelledClip, Subset

CLIPS, LABELS, WIDTH, ANCHORS, NEGATIVES = 1_000, 100, 512, 64, 10
REPEATS = 5


@dataclass
class _Scale:
    scale: float = 100.0


class _Texts:
    """A model whose text features are random, of length 1."""

    backbone = _Scale()

    def encode_names(self, names: tuple[str, ...]) -> Tensor:
        generator = torch.Generator().manual_seed(len(names))
        return torch.nn.functional.normalize(torch.randn(len(names), WIDTH, generator=generator), dim=1)


def seconds() -> list[float]:
    """Processor seconds of each repetition: calibration of three groups, three temperatures, open-set rejection."""
    names = [f"label {number}" for number in range(LABELS)]
    half = LABELS // 2
    clips = [LabelledClip(f"{place}.mp4", names[place % LABELS], Subset.TEST) for place in range(CLIPS)]
    negatives = tuple(f"negative {number}" for number in range(NEGATIVES))
    data = Dataset("random", tuple(names[:half]), tuple(names[half:]), tuple(clips), negatives=negatives)
    generator = torch.Generator().manual_seed(0)
    features, anchors = (
        torch.nn.functional.normalize(torch.randn(count, WIDTH, generator=generator), dim=1)
        for count in (CLIPS, ANCHORS)
    )
    took = []
    for _ in range(REPEATS):
        began_s = time.process_time()
        found = confidence_of(seen_by(_Texts(), data, features, anchors), data, clips)  # type: ignore[arg-type]
        took.append(time.process_time() - began_s)
        assert len(found.after) == 3 and len(found.rejection) == 4
    return took


if __name__ == "__main__":
    took = sorted(seconds())
    median, most = took[len(took) // 2], took[-1]
    print(f"{CLIPS} clips, {LABELS} labels: median {median:.2f} s of processor time, most {most:.2f} s of {REPEATS}")  # noqa: T201
