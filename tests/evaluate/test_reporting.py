"""The numbers of a report, on features whose answers are known beforehand."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ga2app.config import RunConfig
from ga2app.errors import StoreError
from ga2app.evaluation import Side, make_report
from ga2app.evaluation.run_report import Cloud, axes_of, spread_over_classes
from ga2app.types import REPORT, Dataset, LabelKind, LabelledClip, Report, Subset, read_report
from tests.clips import write_color_clip

EYE = torch.eye(6)
BASE, NOVEL, NEGATIVES = ("walk", "run"), ("jump", "read"), ("nothing",)
DIRECTIONS = {"walk": EYE[0], "run": EYE[1], "jump": EYE[2], "read": EYE[3], "nothing": EYE[4]}


@dataclass
class Scale:
    scale: Tensor = torch.tensor(10.0)

    def class_features(self, names: tuple[str, ...]) -> Tensor:
        return torch.stack([DIRECTIONS[name] for name in names])


class KnownTexts:
    """A model whose text features are axes: the answer is the axis that a clip's feature has most of."""

    backbone = Scale()

    def encode_names(self, names: tuple[str, ...]) -> Tensor:
        return self.backbone.class_features(names)

    def whiten_texts(self, features: Tensor) -> Tensor:
        return features


def side(answers: list[str]) -> Side:
    clips = torch.stack([DIRECTIONS[answer] for answer in answers]) + 0.01 * torch.arange(6.0)
    return Side(KnownTexts(), clips, EYE[5:6])  # type: ignore[arg-type]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    clips = [
        LabelledClip(write_color_clip(tmp_path / f"{label}-{number}.mp4", (200, 30, 30), number), label, Subset.TEST)
        for label in (*BASE, *NOVEL)
        for number in range(2)
    ]
    return Dataset("colors", BASE, NOVEL, tuple(clips), negatives=NEGATIVES)


PLAIN = ["walk", "run", "run", "run", "jump", "jump", "read", "walk"]
TUNED = ["walk", "walk", "run", "walk", "jump", "read", "read", "read"]


@pytest.fixture
def report(dataset: Dataset) -> Report:
    config = RunConfig(dataset="colors", seed=7, shots=2)
    return make_report(
        config, dataset, dataset.clips, side(PLAIN), side(TUNED), anchors=["a wall"], steps=9, packages={"torch": "2"}
    )


def test_both_models_are_measured_in_each_group_and_with_all_labels_together(report: Report) -> None:
    # plain: walk 1 of 2, run 2 of 2; jump and read 2 of 2 (the clip nearest to walk is nearer to read than to jump)
    assert report.plain.metrics == pytest.approx({"base": 75.0, "novel": 100.0, "hm": 2 * 75 * 100 / 175}, rel=1e-4)
    assert report.bundle.metrics == {"base": 75.0, "novel": 75.0, "hm": 75.0}
    assert dict(report.bundle.groups["base"].per_class) == {"walk": 100.0, "run": 50.0}
    assert report.plain.groups["base"].confusion == ((0, 0, 1), (0, 1, 1), (1, 1, 2))
    assert report.plain.groups["joint"].clips == 8
    assert (3, 0, 1) in report.plain.groups["joint"].confusion  # read taken for walk where all names compete
    assert report.plain.joint_metrics["novel"] == 75.0


def test_clips_that_changed_sides_are_named_with_both_answers_and_a_picture(report: Report) -> None:
    told = [(Path(clip.path).name, clip.kind, clip.plain, clip.bundle, clip.gained) for clip in report.changed]
    assert told == [
        ("walk-1.mp4", LabelKind.BASE, "run", "walk", True),
        ("run-1.mp4", LabelKind.BASE, "run", "walk", False),
        ("jump-1.mp4", LabelKind.NOVEL, "jump", "read", False),
    ]
    assert (report.gained, report.lost) == (1, 2)
    assert all(base64.b64decode(clip.thumbnail).startswith(b"\xff\xd8\xff") for clip in report.changed)


def test_the_map_has_clips_labels_anchors_and_negatives(report: Report) -> None:
    kinds = [point.what for point in report.points]
    assert {kind: kinds.count(kind) for kind in kinds} == {"clip": 8, "anchor": 1, "class": 4, "negative": 1}
    assert [point.name for point in report.points if point.what == "anchor"] == ["a wall"]
    assert all(0 < share <= 100 for share in report.map_share)
    moved = [point for point in report.points if point.what == "clip" and point.before != point.after]
    assert moved


def test_a_report_comes_back_from_its_file_as_it_was(report: Report, tmp_path: Path) -> None:
    file = tmp_path / REPORT
    assert read_report(file) is None
    file.write_text(report.to_json(), encoding="utf-8")
    assert read_report(file) == report


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "cannot be read"),
        ('{"format": 99}', "format 99 and this program reads format 1"),
        ('{"format": 1}', "whole"),
    ],
)
def test_a_damaged_or_foreign_report_is_refused_with_the_reason(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / REPORT
    file.write_text(text)
    with pytest.raises(StoreError, match=told):
        read_report(file)


def test_a_clip_that_is_gone_costs_its_picture_and_nothing_else(dataset: Dataset) -> None:
    for clip in dataset.clips:
        Path(clip.path).unlink()
    report = make_report(RunConfig(), dataset, dataset.clips, side(PLAIN), side(TUNED), anchors=[""])
    assert len(report.changed) == 3
    assert not any(clip.thumbnail for clip in report.changed)


def test_without_novel_labels_there_is_one_group(dataset: Dataset) -> None:
    alone = replace(dataset, novel=(), clips=dataset.clips[:4])
    report = make_report(RunConfig(), alone, alone.clips, side(PLAIN[:4]), side(TUNED[:4]), anchors=[""])
    assert set(report.bundle.groups) == {"base"}
    assert report.bundle.metrics == {"base": 75.0}


def test_many_clips_are_thinned_evenly_over_classes() -> None:
    clips = [
        LabelledClip(f"{label}{number}", label) for label, count in (("a", 50), ("b", 3)) for number in range(count)
    ]
    chosen = [clips[place].label for place in spread_over_classes(clips, 8)]
    assert (chosen.count("a"), chosen.count("b")) == (5, 3)


def test_the_directions_of_the_map_are_those_of_the_widest_spread() -> None:
    torch.manual_seed(0)
    spread = torch.tensor([5.0, 3.0, 0.1, 0.1])
    cloud = Cloud(7 + torch.randn(200, 4) * spread, torch.randn(50, 4) * spread - 3).centered((200, 50))
    axes = axes_of(cloud)
    assert axes.directions.abs().argmax(dim=0).tolist() == [0, 1]
    assert axes.share(cloud) > 99
    assert torch.equal(axes_of(cloud).directions, axes.directions)
