"""How long the baselines take on stored features: seconds by method, and each one's share of all.

``python -m benchmarks.baselines [--train 1000] [--test 1000] [--labels 60] [--width 512]``. Features are drawn, of the
width of ViT-B/16 and with as many labels as asked for: what is in them does not change how long a method takes by much.
"""

from __future__ import annotations

import argparse
import os
import time

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.config import WhiteningConfig
from ga2app.evaluation import TrainingClips, measure_baselines
from ga2app.types import Dataset, LabelledClip, Subset


class Drawn:
    """Stands for zero-shot CLIP: the text feature of a label lies near its clips."""

    class backbone:
        scale = torch.tensor(100.0)

    def __init__(self, centers: Tensor) -> None:
        self.texts = functional.normalize(centers + 0.07 * torch.randn_like(centers), dim=-1)

    def encode_names(self, names: tuple[str, ...]) -> Tensor:
        return self.texts[[int(name) for name in names]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, count in {"train": 1000, "test": 1000, "labels": 60, "width": 512}.items():
        parser.add_argument(f"--{name}", type=int, default=count)
    asked = parser.parse_args()
    torch.manual_seed(0)
    centers = functional.normalize(torch.randn(asked.labels, asked.width), dim=-1)

    def clips(count: int) -> tuple[Tensor, tuple[str, ...]]:
        of = torch.arange(count) % asked.labels
        return functional.normalize(centers[of] + 0.1 * torch.randn(count, asked.width), dim=-1), tuple(
            str(int(label)) for label in of
        )

    (known, labels), (shown, answers) = clips(asked.train), clips(asked.test)
    tested = [LabelledClip(f"{place}.mp4", label, Subset.TEST) for place, label in enumerate(answers)]
    dataset = Dataset("drawn", tuple(map(str, range(asked.labels))), (), tuple(tested))
    training = TrainingClips(known, labels, known[:0], WhiteningConfig(enabled=True))
    began_s = time.process_time()
    rows = measure_baselines(Drawn(centers), training, dataset, tested, shown)  # type: ignore[arg-type]
    used_s = time.process_time() - began_s
    total = sum(row.seconds for row in rows)
    print(f"{asked.train} training clips of {asked.labels} labels, {asked.test} test clips, width {asked.width}")
    print(f"load {os.getloadavg()[0]:.1f}: {total:.1f} s in all, {used_s:.1f} s of one processor")
    for row in rows:
        top1 = row.found.metrics()["base"] if row.found else float("nan")
        print(f"{row.name:14} {row.seconds:6.2f} s {100 * row.seconds / total:4.0f} %  top-1 {top1:.1f}  {row.chosen}")


if __name__ == "__main__":
    main()
