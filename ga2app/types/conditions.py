"""What a run really used and was tested on, where that is not what its settings asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ga2app.types.headline import SampleSize, read_tested, to_counts


@dataclass(frozen=True)
class Adjustment:
    """A setting, by its dotted path, that could not be used as ``asked``: what was ``used`` instead, and why."""

    setting: str
    asked: Any
    used: Any
    reason: str


@dataclass(frozen=True)
class Conditions:
    """What a run used and was tested on.

    ``data`` identifies its clips, their labels and their split. ``clips`` is the number of training clips in all,
    ``least`` and ``most`` are those of a base label. ``anchors`` and ``negatives`` say in words how many there were
    and where they came from: the data set itself, a set that was chosen, or borrowed from another data set. All of it
    is empty in records of before.
    """

    data: str = ""
    tested: Mapping[str, SampleSize] = field(default_factory=dict)
    clips: int = 0
    least: int = 0
    most: int = 0
    anchors: str = ""
    negatives: str = ""
    adjustments: tuple[Adjustment, ...] = ()

    def shots_text(self, shots: int) -> str:
        """``shots``, with the clips a label that there really were: "16 shots (6 clips a label)"."""
        asked = "1 shot" if shots == 1 else f"{shots} shots"
        if not self.most or self.least == self.most == shots:
            return asked
        real = str(self.most) if self.least == self.most else f"{self.least} to {self.most}"
        return f"{asked} ({real} clip{'' if real == '1' else 's'} a label)"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "data": self.data,
            "tested": to_counts(self.tested),
            "clips": self.clips,
            "least": self.least,
            "most": self.most,
            "anchors": self.anchors,
            "negatives": self.negatives,
            "adjustments": [dict(vars(one)) for one in self.adjustments],
        }


def read_conditions(data: Any) -> Conditions:
    """What ``to_dict`` wrote. What is missing, or of another kind, is as in records of before: empty."""
    if not isinstance(data, Mapping):
        return Conditions()
    texts = {name: data[name] for name in ("data", "anchors", "negatives") if isinstance(data.get(name), str)}
    counts = {name: data[name] for name in ("clips", "least", "most") if type(data.get(name)) is int}
    listed = data.get("adjustments")
    told = [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list | tuple) else []
    adjustments = tuple(
        Adjustment(str(one.get("setting", "")), one.get("asked"), one.get("used"), str(one.get("reason", "")))
        for one in told
    )
    return Conditions(**texts, **counts, tested=read_tested(data.get("tested")), adjustments=adjustments)
