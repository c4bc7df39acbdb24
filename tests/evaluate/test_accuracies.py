"""Accuracies from scores that are written down, with the arithmetic beside them."""

from __future__ import annotations

import json

import pytest
import torch

from ga2app.evaluation import Evaluation, GroupAccuracy, group_accuracy, harmonic_mean
from ga2app.types import SampleSize

NAMES = ("walking", "running", "jumping")


def of(scores: list[list[float]], targets: list[int], names: tuple[str, ...] = NAMES) -> GroupAccuracy:
    return group_accuracy(torch.tensor(scores), torch.tensor(targets), names)


def test_the_harmonic_mean_punishes_the_weaker_side():
    # 2 · 90 · 30 / 120
    assert harmonic_mean(90, 30) == pytest.approx(45, rel=1e-4)
    assert harmonic_mean(0, 0) == 0


def test_clips_classes_and_the_confusion_matrix_are_counted():
    # Four clips of walking, three of them right; one clip of running, taken for jumping.
    result = of([[3, 1, 2], [3, 1, 2], [3, 1, 2], [1, 3, 2], [1, 2, 3]], [0, 0, 0, 0, 1])
    assert result.clips == 5
    assert result.top1 == pytest.approx(60, rel=1e-4)  # 3 of 5
    assert result.per_class == {"walking": 75.0, "running": 0.0}  # jumping has no clips
    assert result.mean_class == pytest.approx(37.5, rel=1e-4)  # (75 + 0) / 2: a class without clips does not count
    assert result.confusion == ((3, 1, 0), (0, 0, 1), (0, 0, 0))  # rows are the truth
    assert result.labels == NAMES


def test_top5_counts_the_true_label_among_the_best_five():
    names = tuple("abcdefg")
    falling = [7.0, 6, 5, 4, 3, 2, 1]
    result = of([falling] * 4, [0, 4, 5, 6], names)
    assert result.top1 == 25 and result.top5 == 50  # places 1 and 5 are among the best five, 6 and 7 are not


def test_with_five_labels_or_fewer_there_is_no_top5_and_with_one_no_figure_at_all():
    assert of([[1, 2, 3]], [0]).top5 is None and of([[1, 2, 3, 4, 5]], [0], tuple("abcde")).top5 is None
    assert of([[1, 2, 3, 4, 5, 6]], [0], tuple("abcdef")).top5 == 0
    assert of([[1.0]], [0], ("walking",)).figures() == {"top1": None, "top5": None, "mean_class": None}


def test_one_novel_label_gives_no_novel_accuracy_and_no_hm():
    base, novel = of([[3, 1]], [0], ("walking", "running")), of([[1.0]], [0], ("jumping",))
    joint = of([[3, 1, 2], [1, 3, 2]], [0, 2])
    found = Evaluation(base, novel, joint)
    assert found.metrics() == {"base": 100.0} == Evaluation(base, None).metrics()
    assert Evaluation(novel, base).metrics() == {"novel": 100.0}
    # Where all names compete, one novel label is told apart from the base ones: that is no construction.
    assert found.joint_metrics() == {"base": 100.0, "novel": 0.0, "hm": 0.0, "all": 50.0}
    assert found.tested() == {"base": SampleSize(1, 2), "novel": SampleSize(1, 1)}
    assert found.jointly_tested() == {"base": SampleSize(1, 3), "novel": SampleSize(1, 3)}
    assert found.to_dict()["novel"]["top1"] is None


def test_of_equal_scores_the_label_that_comes_first_wins():
    names = tuple("abcdefg")
    level = [0.5] * 7
    result = of([level, level, level], [0, 4, 5], names)
    assert result.top1 == pytest.approx(100 / 3, rel=1e-4)  # only a
    assert result.top5 == pytest.approx(200 / 3, rel=1e-4)  # a and e, the fifth; not f
    assert [sum(column) for column in zip(*result.confusion, strict=True)] == [3, 0, 0, 0, 0, 0, 0]


def test_a_score_that_is_no_number_is_never_right():
    nan = float("nan")
    assert of([[nan, 1, 2], [nan, nan, nan], [3, nan, 1]], [0, 1, 0]).top1 == 0


def test_accuracy_of_some_labels_alone_is_read_from_the_matrix():
    result = of([[3, 1, 2], [1, 3, 2], [1, 2, 3], [1, 3, 2]], [0, 0, 1, 1])
    assert result.accuracy_of(["walking"]) == 50  # one of two
    assert result.accuracy_of(["walking", "running"]) == 50  # two of four
    assert result.accuracy_of(["jumping"]) is None and result.accuracy_of(["reading"]) is None


def test_an_evaluation_gives_base_novel_and_hm_apart_and_together():
    base = of([[3, 1]] * 4 + [[3, 1]], [0, 0, 0, 0, 1], ("walking", "running"))
    novel = of([[3, 1], [3, 1]], [0, 1], ("jumping", "reading"))
    # Together: 2 of the 5 base clips and 1 of the 2 novel ones are still right, 3 of 7.
    right, wrong = [9.0, 0, 0, 0], [0.0, 0, 0, 9]
    joint = of(
        [right, right, wrong, wrong, wrong, [0, 0, 9, 0], right],
        [0, 0, 0, 0, 1, 2, 3],
        ("walking", "running", "jumping", "reading"),
    )
    both = Evaluation(base, novel, joint)
    assert both.metrics() == {"base": 80.0, "novel": 50.0, "hm": pytest.approx(2 * 80 * 50 / 130, rel=1e-4)}
    assert both.joint_metrics() == pytest.approx(
        {"base": 40, "novel": 50, "hm": 2 * 40 * 50 / 90, "all": 300 / 7}, rel=1e-4
    )
    assert Evaluation(base, novel).joint_metrics() == {}
    assert Evaluation(base, None).metrics() == {"base": 80.0}
    assert Evaluation(base, None, joint).joint_metrics().keys() == {"base", "all"}


def test_the_record_is_plain_json():
    base = of([[3, 1, 2]], [0])
    document = json.loads(json.dumps(Evaluation(base, None).to_dict()))
    assert document == {
        "base": {
            "top1": 100,
            "top5": None,
            "mean_class": 100,
            "clips": 1,
            "per_class": {"walking": 100},
            "labels": ["walking", "running", "jumping"],
            "confusion": [[1, 0, 0], [0, 0, 0], [0, 0, 0]],
        }
    }
