"""How many wrong labels of a data set are found: ``python benchmarks/wrong_labels.py``.

Draws actions of the sketch world in a style that the backbone has not seen, gives one label in ten to another class,
and asks ``evaluation.label_review.suspected_labels``, with both sources of probabilities and with each alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ga2app import Recognizer  # noqa: E402
from ga2app.datasets.clip_files import content_digest  # noqa: E402
from ga2app.evaluation.label_review import suspected_labels  # noqa: E402
from ga2app.inference.dataset_features import DatasetFeatures  # noqa: E402
from ga2app.synthetic.actions import ACTIONS, HARD_PROMPT_ACTIONS  # noqa: E402
from ga2app.synthetic.demo_dataset import DrawnSet, drawn_dataset  # noqa: E402

STREAM, FLIPPED = 9601, 0.1


def flipped(targets: Tensor, classes: int, seed: int) -> Tensor:
    """``targets`` with a tenth of them changed to another class, each as likely as any other."""
    drawn = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(targets), generator=drawn)[: round(FLIPPED * len(targets))]
    given = targets.clone()
    given[rows] = (given[rows] + torch.randint(1, classes, (len(rows),), generator=drawn)) % classes
    return given


def measured(
    features: Tensor, zero_shot: Tensor, right: Tensor, seed: int, content: list[str]
) -> dict[str, list[float]]:
    """Precision, recall, share of the corrections proposed that are right, and recall of the first tenth, percent."""
    classes, even = zero_shot.shape[1], torch.full_like(zero_shot, 1 / zero_shot.shape[1])
    given = flipped(right, classes, seed)
    wrong, found = given != right, {}
    sources = {
        "both": (features, zero_shot),
        "features alone": (features, even),
        "zero-shot alone": (torch.zeros_like(features), zero_shot),
    }
    for name, (seen, probabilities) in sources.items():
        suspects = suspected_labels(seen, probabilities, given, content)
        rows = suspects.rows
        hits = wrong[rows]
        proposed = suspects.likely[rows][hits] == right[rows][hits]
        first = int(wrong[rows[: int(wrong.sum())]].sum())
        found[name] = [
            100 * float(part)
            for part in (hits.float().mean(), hits.sum() / wrong.sum(), proposed.float().mean(), first / wrong.sum())
        ]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--classes", type=int, default=12)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--style", default="camcorder")
    args = parser.parse_args()
    pool = [key for key in ACTIONS if key not in HARD_PROMPT_ACTIONS]
    rows: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        features = DatasetFeatures(Recognizer("sketch"), Path(folder) / "features")
        for seed in range(args.seeds):
            order = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed)).tolist()
            keys = tuple(pool[place] for place in order[: args.classes])
            drawn = DrawnSet(f"wrong-{seed}", keys, (), args.style, STREAM, args.clips, 0, 0, 0)
            dataset = drawn_dataset(Path(folder) / str(seed), drawn, seed)
            clips = {content_digest(clip.path): clip.path for clip in dataset.clips}
            features.encode(clips)
            (zero_shot,), names = features.probabilities(list(clips), dataset.base)
            right = torch.tensor([names.index(clip.label) for clip in dataset.clips])
            for name, one in measured(features.features(list(clips)), zero_shot, right, seed, list(clips)).items():
                rows.setdefault(name, []).append(one)
            accuracy = 100 * float((zero_shot.argmax(dim=1) == right).float().mean())
            print(f"seed {seed}: {len(clips)} clips, zero-shot accuracy {accuracy:.1f}", file=sys.stderr)
    print(f"{'':16} precision   recall  correction  first tenth")
    for name, figures in rows.items():
        mean, spread = torch.tensor(figures).mean(dim=0).tolist(), torch.tensor(figures).std(dim=0).tolist()
        print(f"{name:16}" + "".join(f" {m:5.1f} ± {s:3.1f}" for m, s in zip(mean, spread, strict=True)))


if __name__ == "__main__":
    main()
