from __future__ import annotations

import math

import pytest
import torch

from ga2app.inference.explanations import ClipScore, best_rival, clip_score, leave_one_out

RIGHT = ClipScore(torch.tensor([1.0, 0.0]), scale=10.0)
FRAMES = torch.tensor([[1.0, 0.0], [0.0, 1.0]])


def test_the_loss_without_a_frame_is_the_score_less_that_of_the_others():
    """Whole: 10 · cos 45° = 7.07. Without the first frame 10 · 0, without the second 10 · 1."""
    whole = 10 * math.cos(math.pi / 4)
    assert leave_one_out(FRAMES, RIGHT).tolist() == pytest.approx([whole, whole - 10], abs=1e-5)


def test_frames_count_by_their_length_as_in_the_clip_feature():
    """Frames are averaged before anything is normalized: (3, 0) and (0, 1) point along (3, 1)."""
    assert float(RIGHT(torch.tensor([[3.0, 0.0], [0.0, 1.0]]))) == pytest.approx(10 * 3 / math.sqrt(10), abs=1e-5)


def test_order_changes_neither_the_score_nor_what_a_frame_is_worth():
    frames = torch.randn(5, 2, generator=torch.Generator().manual_seed(0))
    order = torch.tensor([3, 0, 4, 1, 2])
    assert float(RIGHT(frames[order])) == pytest.approx(float(RIGHT(frames)), abs=1e-5)
    assert torch.allclose(leave_one_out(frames[order], RIGHT), leave_one_out(frames, RIGHT)[order], atol=1e-5)


def test_of_like_frames_each_is_worth_little():
    alike = torch.tensor([[1.0, 0.2], [1.0, 0.2], [1.0, 0.2]])
    assert leave_one_out(alike, RIGHT).abs().max() < 1e-5


def test_the_only_frame_is_worth_the_whole_score():
    assert leave_one_out(FRAMES[:1], RIGHT).tolist() == pytest.approx([10.0], rel=1e-4)


def test_the_rival_is_the_best_of_the_others_wherever_the_label_stands():
    logits = torch.tensor([3.0, 9.0, 5.0])
    assert [best_rival(logits, label) for label in range(3)] == [1, 2, 1]
    assert logits.tolist() == [3.0, 9.0, 5.0]


def test_a_margin_is_the_difference_of_two_logits():
    classes = torch.nn.functional.normalize(torch.randn(3, 4, generator=torch.Generator().manual_seed(1)), dim=-1)
    frames = torch.randn(2, 4, generator=torch.Generator().manual_seed(2))
    logits = [float(clip_score(classes, 10.0, label, None)(frames)) for label in range(3)]
    assert float(clip_score(classes, 10.0, 0, 2)(frames)) == pytest.approx(logits[0] - logits[2], abs=1e-4)
