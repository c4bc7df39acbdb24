"""Baselines beside zero-shot CLIP and a bundle: their names, their rules in words, and their figures in a report.

All are made from features of the frozen CLIP: of the training clips that a run was given, and of the test clips.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from ga2app.types.headline import SampleSize, as_document, defined, with_nulls

_SLICE = "chosen on training clips that are held out, each quarter of them once"


class BaselineRule(NamedTuple):
    """What a baseline is called on a screen, its rule, and whether it answers for labels without training clips."""

    title: str
    rule: str
    answers_novel: bool


BASELINES: Mapping[str, BaselineRule] = {
    "whitened": BaselineRule(
        "Whitening alone",
        "zero-shot CLIP in a space whitened by training clips and anchors, without prompts",
        True,
    ),
    "class-mean": BaselineRule("Nearest class mean", "cosine to the mean of each label's training clips", False),
    "knn": BaselineRule(
        "k nearest neighbors",
        f"votes of the k nearest training clips, weighted by 1 / distance; k of 1 to 33 is {_SLICE}",
        False,
    ),
    "linear-probe": BaselineRule(
        "Linear probe", f"logistic regression in float32; C of 0.1 to 1,000 is {_SLICE}", False
    ),
    "tip-adapter": BaselineRule(
        "Tip-Adapter",
        "CLIP's logits + α exp(-β (1 - cosine to a training clip)), summed by label (Zhang and others, 2022); α and β "
        f"are {_SLICE}",
        True,
    ),
    "tip-adapter-f": BaselineRule(
        "Tip-Adapter, tuned",
        "Tip-Adapter whose training clips are tuned as keys for 20 epochs (AdamW, rate 0.001); the last epoch counts; "
        f"α and β are {_SLICE}",
        True,
    ),
}
"""By the name that a command knows them by, from what trains nothing to what trains most."""


@dataclass(frozen=True)
class BaselineReport:
    """One baseline's figures, as ``ModelReport`` has them.

    ``chosen`` says what was chosen on the held-out slice ("C = 10"), ``note`` why a figure is missing.
    """

    name: str
    metrics: Mapping[str, float]
    joint_metrics: Mapping[str, float] = field(default_factory=dict)
    chosen: str = ""
    note: str = ""
    seconds: float = 0.0

    @property
    def title(self) -> str:
        """What it is called on a screen."""
        return BASELINES[self.name].title if self.name in BASELINES else self.name

    @property
    def rule(self) -> str:
        """How it is made, in words."""
        return BASELINES[self.name].rule if self.name in BASELINES else ""

    def to_document(self, tested: Mapping[str, SampleSize]) -> dict[str, Any]:
        """Plain JSON values with 95% intervals; null for a figure that there is not."""
        about = {name: getattr(self, name) for name in ("rule", "chosen", "note", "seconds")}
        joint = {"joint": dict(self.joint_metrics)} if self.joint_metrics else {}
        return {"metrics": with_nulls(self.metrics), **joint, "intervals": as_document(self.metrics, tested), **about}


def told_of(baselines: Sequence[BaselineReport]) -> list[str]:
    """A line for each baseline: its rule, what was chosen, and why a figure is missing."""
    parts = [(one.name, one.rule, one.chosen and f"here {one.chosen}", one.note) for one in baselines]
    return [f"{name}: {'; '.join(filter(None, told))}" for name, *told in parts]


def read_baselines(data: Any, labels: Mapping[str, int]) -> tuple[BaselineReport, ...]:
    """The baselines of a stored report; none in reports of before. Raises what a damaged record does."""
    rows = [BaselineReport(**row) for row in data or ()]
    return tuple(BaselineReport(**{**asdict(row), "metrics": defined(row.metrics, labels)}) for row in rows)
