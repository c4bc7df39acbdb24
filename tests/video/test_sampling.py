"""Which frames are looked at, with the arithmetic written out."""

from __future__ import annotations

import pickle

import pytest

from ga2app.video import Evaluation, Every, Sampling, Training, Views


def test_evaluation_takes_the_first_frame_of_each_segment() -> None:
    # n = 10, T = 4: floor(0·10/4), floor(10/4), floor(20/4), floor(30/4)
    assert Evaluation(4).indices(10) == (0, 2, 5, 7)


def test_a_clip_of_as_many_frames_as_wanted_is_taken_whole() -> None:
    assert Evaluation(5).indices(5) == (0, 1, 2, 3, 4)


def test_a_shorter_clip_repeats_frames_in_order() -> None:
    # n = 3, T = 8: floor(i·3/8) for i = 0 … 7
    assert Evaluation(8).indices(3) == (0, 0, 0, 1, 1, 1, 2, 2)
    assert Evaluation(4).indices(1) == (0, 0, 0, 0)


def test_training_takes_one_frame_inside_each_segment() -> None:
    # n = 10, T = 4: segments [0, 2), [2, 5), [5, 7), [7, 10)
    segments = (range(2), range(2, 5), range(5, 7), range(7, 10))
    seen: list[set[int]] = [set() for _ in segments]
    for seed in range(200):
        for place, index in enumerate(Training(4, seed).indices(10)):
            seen[place].add(index)
    assert seen == [set(segment) for segment in segments]


def test_training_on_a_shorter_clip_repeats_frames_in_order() -> None:
    # n = 3, T = 8: every segment is shorter than a frame, so that nothing is left to chance
    assert Training(8, seed=1).indices(3) == Evaluation(8).indices(3)


def test_a_training_seed_fixes_the_choice() -> None:
    assert Training(16, 7).indices(500) == Training(16, 7).indices(500)
    assert Training(16, 7).indices(500) != Training(16, 8).indices(500)


def test_views_lie_between_the_frames_of_evaluation_and_the_first_is_evaluation() -> None:
    # n = 16, T = 4, 2 views: floor((i + 0/2)·4) = 0, 4, 8, 12, then floor((i + 1/2)·4) = 2, 6, 10, 14
    assert Views(4, views=2).indices(16) == (0, 4, 8, 12, 2, 6, 10, 14)
    assert Views(4, views=3).indices(101)[:4] == Evaluation(4).indices(101)


def test_every_frame_up_to_a_limit() -> None:
    assert Every(4).indices(10) == (0, 1, 2, 3)
    assert Every(40).indices(3) == (0, 1, 2)


@pytest.mark.parametrize("sampling", [Evaluation(16), Training(16, 3), Views(16, 3)])
@pytest.mark.parametrize("total", [1, 2, 15, 16, 17, 1000, 270_000])
def test_no_index_lies_outside_the_clip(sampling: Sampling, total: int) -> None:
    indices = sampling.indices(total)
    assert min(indices) >= 0
    assert max(indices) < total


@pytest.mark.parametrize("sampling", [Evaluation(16), Training(16, 3), Views(16, 3), Every(9)])
def test_a_sampling_survives_the_way_to_another_process(sampling: Sampling) -> None:
    assert pickle.loads(pickle.dumps(sampling)) == sampling


@pytest.mark.parametrize(
    ("kind", "values", "name"),
    [
        (Evaluation, (0,), "num_frames"),
        (Training, (-1, 3), "num_frames"),
        (Views, (4, 0), "views"),
        (Every, (0,), "limit"),
    ],
)
def test_no_frames_at_all_cannot_be_asked_for(kind: type, values: tuple[int, ...], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is -?[01]; it must be at least 1"):
        kind(*values)
