"""The report of a finished run: the numbers that its pictures are drawn from. Figures are percent.

Made by the torch side, written beside the run as ``report.json``, read by the screens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple

from ga2app.errors import StoreError
from ga2app.types.baseline_types import BaselineReport, read_baselines
from ga2app.types.headline import SIDES, Conditions, SampleSize, defined, read_conditions
from ga2app.types.recognition import LabelKind
from ga2app.types.reliability_types import Confidence, read_confidence
from ga2app.untrusted import read_ordinary, stored_json

REPORT = "report.json"
REPORT_FORMAT = 1

TOP5_LABELS = 6
"""With fewer labels every clip's own is among the first five, so that there is no top-5."""

GROUPS = ("base", "novel", "joint")
"""Base clips among base names, novel clips among novel names, all clips among all names."""


class Finding(NamedTuple):
    """One check of ``doctor``: whether it is well, and what was seen."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True)
class GroupReport:
    """How one model recognized the ``clips`` clips of a group among the names of this group.

    ``confusion`` holds (true label, answer, clips) as places in ``labels``, without zeros: most of it is empty.
    ``per_class`` is the top-1 of each label that has clips. ``top5`` is None where there are five labels or fewer.
    """

    top1: float
    top5: float | None
    mean_class: float
    clips: int
    per_class: Mapping[str, float]
    confusion: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True)
class ModelReport:
    """One model's figures: ``metrics`` base, novel and HM; ``groups`` by name, those that were measured."""

    metrics: Mapping[str, float]
    joint_metrics: Mapping[str, float]
    groups: Mapping[str, GroupReport]


@dataclass(frozen=True)
class ChangedClip:
    """A clip that zero-shot CLIP and the bundle answered differently, one of them rightly.

    ``thumbnail`` is a JPEG in base64, empty where none was made.
    """

    path: str
    label: str
    kind: LabelKind
    plain: str
    bundle: str
    thumbnail: str = ""

    @property
    def gained(self) -> bool:
        """Whether the bundle is the one that is right."""
        return self.bundle == self.label


@dataclass(frozen=True)
class MapPoint:
    """A clip, class name, anchor or negative prompt on the map: where it lay under zero-shot CLIP, and lies now.

    ``what`` is clip, class, anchor or negative; ``label`` the class it belongs to, or the text itself.
    """

    what: str
    name: str
    label: str
    kind: LabelKind
    before: tuple[float, float]
    after: tuple[float, float]


@dataclass(frozen=True)
class Report:
    """Everything that a report shows. ``gained`` and ``lost`` count the clips that changed sides, ``changed`` has some.

    ``map_share`` is how much of the spread the two directions of the map hold before and after, in percent.
    ``conditions`` say what the run really used, ``confidence`` is ``Confidence.to_dict()`` of plain and bundle; reports
    of before have neither, and no ``baselines``. ``described`` has the figures of plain and bundle with descriptions of
    so many ``labels``, and ``notes`` on those left out; empty where no label is described.
    """

    dataset: str
    backbone: str
    seed: int
    shots: int
    steps: int
    base: tuple[str, ...]
    novel: tuple[str, ...]
    plain: ModelReport
    bundle: ModelReport
    gained: int
    lost: int
    changed: tuple[ChangedClip, ...]
    points: tuple[MapPoint, ...]
    map_share: tuple[float, float]
    clips_mapped: int
    anchor_captions: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    packages: Mapping[str, str] | None = None
    conditions: Conditions = field(default_factory=Conditions)
    confidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    baselines: tuple[BaselineReport, ...] = ()
    described: Mapping[str, Any] = field(default_factory=dict)
    format: int = REPORT_FORMAT

    def labels(self, group: str) -> tuple[str, ...]:
        """The names that compete in a group."""
        return {"base": self.base, "novel": self.novel}.get(group, (*self.base, *self.novel))

    def tested(self) -> dict[str, SampleSize]:
        """What base and novel accuracy rest on, by side."""
        groups = self.bundle.groups
        return {side: SampleSize(groups[side].clips, len(self.labels(side))) for side in SIDES if side in groups}

    def jointly_tested(self) -> dict[str, SampleSize]:
        """The same where all names compete."""
        return {side: SampleSize(one.clips, len(self.labels("joint"))) for side, one in self.tested().items()}

    def believed(self, model: str) -> Confidence:
        """How far the percentages of ``model``, plain or bundle, can be believed; empty in reports of before."""
        return read_confidence(self.confidence.get(model))

    def to_json(self) -> str:
        """The text of ``report.json``."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class TrainResult:
    """How a training ended. ``finished`` is False after a stop; then the checkpoint holds ``step`` steps."""

    finished: bool
    step: int = 0
    bundle: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    zero_shot: Mapping[str, float] = field(default_factory=dict)
    report: Report | None = None
    tested: Mapping[str, SampleSize] = field(default_factory=dict)
    confidence: Confidence = field(default_factory=Confidence)


def read_report(file: Path) -> Report | None:
    """The report in ``file``; None where there is none. Raises StoreError for one that cannot be read."""
    try:
        data = stored_json(read_ordinary(file))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        raise StoreError(
            f"the report '{file.name}' cannot be read ({exc}); train the run again to get a new one"
        ) from exc
    version = data.get("format") if isinstance(data, dict) else None
    if version != REPORT_FORMAT:
        raise StoreError(
            f"the report '{file.name}' has format {version!r} and this program reads format {REPORT_FORMAT}; "
            "update GA² Studio, or train the run again"
        )
    try:
        return _report(data)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise StoreError(f"the report '{file.name}' is not whole ({exc!r}); train the run again") from exc


_LATER = ("conditions", "confidence", "baselines", "described")
"""What reports of before do not have."""


def _report(data: Mapping[str, Any]) -> Report:
    known = {item.name: data[item.name] for item in fields(Report) if item.name not in _LATER}
    labels = {side: tuple(data[side]) for side in SIDES}
    known |= {
        "plain": _model(data["plain"], labels),
        "bundle": _model(data["bundle"], labels),
        "conditions": read_conditions(data.get("conditions")),
        "confidence": data.get("confidence", {}),
        "described": data.get("described", {}),
        "baselines": read_baselines(data.get("baselines"), {side: len(names) for side, names in labels.items()}),
        "changed": tuple(ChangedClip(**(item | {"kind": LabelKind(item["kind"])})) for item in data["changed"]),
        "points": tuple(map(_point, data["points"])),
        "map_share": _pair(data["map_share"]),
    }
    known |= {name: tuple(data[name]) for name in ("base", "novel", "anchor_captions", "negatives")}
    found = Report(**known)
    for model in found.confidence:
        found.believed(model)
    return found


def _point(item: Mapping[str, Any]) -> MapPoint:
    places = {name: _pair(item[name]) for name in ("before", "after")}
    return MapPoint(**{**item, **places, "kind": LabelKind(item["kind"])})


def _model(data: Mapping[str, Any], labels: Mapping[str, Sequence[str]]) -> ModelReport:
    """One model's figures. Reports of before give some that are 100% by construction, which are left out."""
    counts = {side: len(names) for side, names in labels.items()}
    groups = {}
    for name, group in data["groups"].items():
        cells = tuple((row, column, clips) for row, column, clips in group["confusion"])
        few = counts.get(name, sum(counts.values())) < TOP5_LABELS
        groups[name] = GroupReport(**(group | {"confusion": cells} | ({"top5": None} if few else {})))
    return ModelReport(defined(data["metrics"], counts), data["joint_metrics"], groups)


def _pair(values: Sequence[float]) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)
