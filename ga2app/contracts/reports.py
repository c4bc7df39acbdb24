"""The report of a finished run: the numbers that its pictures are drawn from. Figures are percent.

Made by the torch side, written beside the run as ``report.json``, read by the screens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ga2app.contracts.recognition import LabelKind
from ga2app.errors import StoreError

REPORT = "report.json"
REPORT_FORMAT = 1

GROUPS = ("base", "novel", "joint")
"""Base clips among base names, novel clips among novel names, all clips among all names."""


@dataclass(frozen=True)
class GroupReport:
    """How one model recognized the ``clips`` clips of a group among the names of this group.

    ``confusion`` holds (true label, answer, clips) as places in ``labels``, without zeros: most of it is empty.
    ``per_class`` is the top-1 of each label that has clips.
    """

    top1: float
    top5: float
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
    """A clip that plain CLIP and the bundle answered differently, one of them rightly.

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
    """A clip, class name, anchor or negative prompt on the map: where it lay under plain CLIP, and where it lies now.

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
    format: int = REPORT_FORMAT

    def labels(self, group: str) -> tuple[str, ...]:
        """The names that compete in a group."""
        return {"base": self.base, "novel": self.novel}.get(group, (*self.base, *self.novel))

    def to_json(self) -> str:
        """The text of ``report.json``."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))


def read_report(file: Path) -> Report | None:
    """The report in ``file``; None where there is none. Raises StoreError for one that cannot be read."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
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


def _report(data: Mapping[str, Any]) -> Report:
    known = {item.name: data[item.name] for item in fields(Report)}
    known |= {
        "plain": _model(data["plain"]),
        "bundle": _model(data["bundle"]),
        "changed": tuple(ChangedClip(**(item | {"kind": LabelKind(item["kind"])})) for item in data["changed"]),
        "points": tuple(
            MapPoint(
                **(
                    item
                    | {
                        "kind": LabelKind(item["kind"]),
                        "before": _pair(item["before"]),
                        "after": _pair(item["after"]),
                    }
                )
            )
            for item in data["points"]
        ),
        "map_share": _pair(data["map_share"]),
    }
    known |= {name: tuple(data[name]) for name in ("base", "novel", "anchor_captions", "negatives")}
    return Report(**known)


def _model(data: Mapping[str, Any]) -> ModelReport:
    groups = {
        name: GroupReport(
            **(group | {"confusion": tuple((row, column, clips) for row, column, clips in group["confusion"])})
        )
        for name, group in data["groups"].items()
    }
    return ModelReport(data["metrics"], data["joint_metrics"], groups)


def _pair(values: Sequence[float]) -> tuple[float, float]:
    first, second = values
    return float(first), float(second)
