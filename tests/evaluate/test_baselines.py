"""Baselines on features whose answers are known beforehand, and what they do with input that is not as it should be."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ga2app.config import WhiteningConfig
from ga2app.evaluation import MeasuredBaseline, TrainingClips, measure_baselines
from ga2app.evaluation import few_shot_classifiers as few_shot
from ga2app.types import BASELINES, Dataset, LabelledClip, Subset

BASE, NOVEL = ("walk", "run", "sit"), ("jump", "read")
NAMES = (*BASE, *NOVEL)
WIDTH = 16
AXES = dict(zip(NAMES, torch.eye(WIDTH), strict=False))
approx = partial(pytest.approx, rel=1e-4)
NEEDS_CLIPS = {name for name, rule in BASELINES.items() if not rule.answers_novel}


class Plain:
    """A zero-shot CLIP whose text features are axes, except that it takes run for sit and sit for run."""

    class backbone:
        scale = torch.tensor(5.0)

    def encode_names(self, names: tuple[str, ...]) -> Tensor:
        swapped = {"run": "sit", "sit": "run"}
        return torch.stack([AXES[swapped.get(name, name)] for name in names])


def clips_of(names: tuple[str, ...], each: int, seed: int) -> tuple[Tensor, tuple[str, ...]]:
    """Features near the axes of ``names``, ``each`` of them, and their labels."""
    labels = tuple(name for name in names for _ in range(each))
    noise = torch.randn(len(labels), WIDTH, generator=torch.Generator().manual_seed(seed))
    return functional.normalize(torch.stack([AXES[name] for name in labels]) + 0.1 * noise, dim=-1), labels


def training(each: int = 8, **changes: object) -> TrainingClips:
    features, labels = clips_of(BASE, each, 1)
    anchors = functional.normalize(torch.randn(6, WIDTH, generator=torch.Generator().manual_seed(3)), dim=-1)
    return replace(TrainingClips(features, labels, anchors, WhiteningConfig(enabled=True)), **changes)


def measured(
    clips: TrainingClips, *, novel: tuple[str, ...] = NOVEL, features: Tensor | None = None, joint: bool = False
) -> dict[str, MeasuredBaseline]:
    shown, labels = clips_of((*BASE, *novel), 4, 2)
    tested = [LabelledClip(f"{place}.mp4", label, Subset.TEST) for place, label in enumerate(labels)]
    dataset = Dataset("axes", BASE, novel, tuple(tested))
    rows = measure_baselines(Plain(), clips, dataset, tested, shown if features is None else features, joint=joint)  # type: ignore[arg-type]
    return {row.name: row for row in rows}


def figures(row: MeasuredBaseline) -> dict[str, float]:
    return row.found.metrics() if row.found else {}


def test_all_are_measured_and_what_has_no_training_clips_has_no_figure_but_by_its_name() -> None:
    found = measured(training(), joint=True)
    assert list(found) == list(BASELINES)
    for name, row in found.items():
        answers = name not in NEEDS_CLIPS
        assert set(figures(row)) == ({"base", "novel", "hm"} if answers else {"base"}), name
        assert ("no novel label has training clips" in row.note) == (not answers)
        assert row.found is not None and (row.found.joint is not None) == answers
    assert all(figures(found[name])["base"] == 100 for name in ("class-mean", "knn", "linear-probe", "tip-adapter-f"))
    assert figures(found["whitened"])["base"] == approx(100 / 3)  # it reads names alone, two of which are swapped
    assert figures(found["tip-adapter"])["novel"] == 100  # zero-shot CLIP's part
    assert "C = " in found["linear-probe"].chosen and "β = " in found["tip-adapter"].chosen
    assert found["tip-adapter"].report().metrics == figures(found["tip-adapter"])


def test_the_probe_has_the_weights_of_regularized_logistic_regression() -> None:
    """Two clips on a line, x = ±1, C = 1: W = (w, -w) by symmetry, and w² + 2 log(1 + exp(-2w)) is to be least.

    So 2w = 4 / (1 + exp(2w)).
    """
    weights = few_shot.probe(torch.tensor([[1.0], [-1.0]]), torch.tensor([0, 1]), 2, 1.0)
    w = float(weights[0, 0])
    assert weights[0, 1] == approx(-w) and abs(float(weights[1, 0] - weights[1, 1])) < 1e-3
    assert 2 * w == pytest.approx(4 / (1 + math.exp(2 * w)), rel=1e-3)


def test_votes_are_weighted_by_distance_and_the_order_of_clips_decides_nothing() -> None:
    angles = torch.tensor([0.1, -0.2, -0.2, 1.0])
    keys, targets = torch.stack([angles.cos(), angles.sin()], dim=1), torch.tensor([0, 1, 1, 2])
    clip = torch.tensor([[1.0, 0.0]])
    near, far = 1 / (2 * math.sin(0.05)), 1 / (2 * math.sin(0.1))
    shares = few_shot.neighbor_votes(clip, keys, targets, 3, 2).exp()
    # the second and the third clip are equally near: both vote, though two were asked for
    assert shares[0, :2].tolist() == approx([near / (near + 2 * far), 2 * far / (near + 2 * far)])
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0, 3, 2]):
        turned = few_shot.neighbor_votes(clip, keys[order], targets[order], 3, 2).exp()
        assert turned.tolist() == [approx(shares[0].tolist())]
    alone = few_shot.neighbor_votes(clip, keys, targets, 3, 1)
    assert alone.argmax() == 0 and alone[0, 1] > alone[0, 2]  # without a vote the nearer label is ahead


def test_tip_adapter_adds_what_its_cache_holds_to_the_logits_of_zero_shot_clip() -> None:
    cosines, values = torch.tensor([[1.0, 0.5, 0.0]]), functional.one_hot(torch.tensor([0, 0, 1])).float()
    cache = few_shot.cache_logits(cosines, values, 2.0)
    assert cache.tolist() == [approx([1 + math.exp(-1), math.exp(-2)])]


def test_a_clip_is_held_out_once_and_the_only_one_of_a_label_never() -> None:
    assert few_shot.quarters_of(torch.tensor([0, 1, 0, 0, 2, 0, 0, 2])).tolist() == [0, -1, 1, 2, 0, 3, 0, 1]


def test_one_clip_a_label_leaves_nothing_to_choose_on_which_is_said() -> None:
    found = measured(training(each=1))
    for name in ("knn", "linear-probe", "tip-adapter", "tip-adapter-f"):
        assert "not chosen" in found[name].chosen and "base" in figures(found[name])
    mixed = training()
    rows = [0, *range(8, 24)]  # one clip of walk, eight of the others
    few = measured(replace(mixed, features=mixed.features[rows], labels=tuple(mixed.labels[row] for row in rows)))
    assert all(figures(row).get("base") for row in few.values())


def test_a_label_without_clips_costs_the_figure_of_those_who_need_some_and_no_other() -> None:
    whole = training()
    found = measured(replace(whole, features=whole.features[:16], labels=whole.labels[:16]))
    for name, row in found.items():
        assert ("base" in figures(row)) == (name not in NEEDS_CLIPS)
        assert ("sit has no training clips, so that it has no figure" in row.note) == (name in NEEDS_CLIPS)


def test_features_that_are_all_equal_say_so_where_nothing_can_be_whitened_and_are_answered_elsewhere() -> None:
    one = functional.normalize(torch.ones(24, WIDTH), dim=-1)
    found = measured(training(features=one, anchors=one[:0]), features=one[:20])
    assert "nothing to whiten by" in found["whitened"].note and not figures(found["whitened"])
    for name in set(BASELINES) - {"whitened"}:
        assert figures(found[name])["base"] == approx(100 / 3), name


def test_features_that_are_not_numbers_are_left_out_of_training_and_count_as_wrong_in_tests() -> None:
    broken = training()
    broken.features[0] = torch.nan
    shown, _ = clips_of(NAMES, 4, 2)
    shown[0, 3] = torch.inf
    found = measured(broken, features=shown)
    for name, row in found.items():
        assert "1 training clip with features that are not numbers are left out" in row.note
        assert "1 test clip with features that are not numbers count as wrong" in row.note
        assert "base" in figures(row)
        if name in ("class-mean", "linear-probe"):
            assert figures(row)["base"] == approx(100 * 11 / 12)
    nothing = measured(training(features=torch.full((24, WIDTH), torch.nan)))
    assert all("no training clips to learn from" in row.note and row.found is None for row in nothing.values())


def test_one_that_fails_has_a_row_that_says_so_and_the_others_their_figures(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(known: object) -> None:
        raise ZeroDivisionError("a bug in it")

    monkeypatch.setitem(few_shot.FITS, "knn", broken)
    found = measured(training())
    assert found["knn"].found is None and "ZeroDivisionError: a bug in it" in found["knn"].note
    assert "the baseline knn failed" in caplog.text
    assert all(figures(row) for name, row in found.items() if name != "knn")


def test_several_views_of_a_clip_are_one_answer() -> None:
    shown, _ = clips_of(NAMES, 4, 2)
    views = torch.stack([shown, shown], dim=1)
    alone, twice = measured(training()), measured(training(), features=views)
    assert {name: figures(row) for name, row in twice.items()} == {name: figures(row) for name, row in alone.items()}
