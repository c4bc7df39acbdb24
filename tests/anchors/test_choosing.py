"""Irrelevance and the choice of anchors: the arithmetic, and what it makes of drawn clips."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from ga2app.errors import DatasetError
from ga2app.inference.anchors import choose, irrelevance, nearest_label

TWO_LABELS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def rows(*vectors: tuple[float, ...]) -> Tensor:
    return functional.normalize(torch.tensor(vectors), dim=-1)


def test_the_nearest_label_is_the_one_with_the_highest_cosine():
    found = nearest_label(rows((0.6, 0.8, 0.0), (0.8, 0.0, 0.6), (0.0, 0.0, 1.0)), TWO_LABELS)
    assert found.label.tolist()[:2] == [1, 0]
    assert found.cosine.tolist() == pytest.approx([0.8, 0.8, 0.0], rel=1e-4)


def test_without_generic_texts_irrelevance_is_the_highest_cosine_turned_round():
    clips = rows((1.0, 0.0, 0.0), (0.6, 0.8, 0.0), (0.0, 0.0, 1.0), (-1.0, -1.0, 0.0))
    assert irrelevance(clips, TWO_LABELS).tolist() == pytest.approx([0.0, 0.1, 0.5, 0.5 + math.sqrt(0.5) / 2], rel=1e-4)


def test_irrelevance_is_where_the_nearest_label_stands_among_the_generic_texts():
    # Cosines to the generic texts: 0.6, 0.8 and 0 with mean 7/15 and standard deviation 0.41633; to the label: 0.6.
    clip = rows((0.6, 0.8, 0.0))
    expected = 0.5 * math.erfc((0.6 - 7 / 15) / 0.416333 / math.sqrt(2))
    assert irrelevance(clip, TWO_LABELS[:1], torch.eye(3)).item() == pytest.approx(expected, abs=1e-5)


def test_a_label_that_is_like_the_average_generic_text_gives_a_half():
    clip, generic = rows((0.6, 0.8, 0.0)), torch.eye(3)[:2]
    label = torch.tensor([[0.5, 0.5, 0.0]])  # cosine 0.7, the mean of 0.6 and 0.8
    assert irrelevance(clip, label, generic).item() == pytest.approx(0.5, abs=1e-6)


def test_an_offset_and_a_scale_of_all_cosines_leave_irrelevance_as_it_is():
    generator = torch.Generator().manual_seed(0)
    clips, labels, generic = (torch.randn(n, 6, generator=generator) for n in (5, 3, 9))
    # One more direction in which every text has 2 and every clip 0.7 adds 1.4 to each product.
    moved = [torch.cat([3 * part, torch.full((len(part), 1), value)], dim=1) for part, value in
             ((clips, 0.7), (labels, 2.0), (generic, 2.0))]  # fmt: skip
    assert torch.allclose(irrelevance(clips, labels, generic), irrelevance(*moved), atol=1e-5)


def test_one_more_label_never_makes_a_clip_more_irrelevant():
    generator = torch.Generator().manual_seed(1)
    clips, labels, generic = (functional.normalize(torch.randn(n, 8, generator=generator)) for n in (20, 5, 12))
    for reference in (None, generic):
        few, many = irrelevance(clips, labels[:3], reference), irrelevance(clips, labels, reference)
        assert (many <= few).all() and (many < few).any()


# Cosine to the one label: 0, 0.28, 0.6, 1, so u = 1 − cosine (less that of the last clip, 0) over 2: 0.5, 0.36, 0.2, 0.
FAN = rows((0.0, 1.0), (0.28, 0.96), (0.6, 0.8), (1.0, 0.0))
ONE_LABEL = torch.tensor([[1.0, 0.0]])


def test_without_diversity_the_most_irrelevant_clips_are_chosen_in_their_order():
    assert choose(FAN, ONE_LABEL, 4, diversity=0.0) == [0, 1, 2, 3]


def test_with_diversity_distance_counts_as_much_as_irrelevance():
    # d to clip 0, the sine: 0.28, 0.6, 1. √(u·d): clip 1 √(0.36·0.28) = 0.317, clip 2 √(0.2·0.6) = 0.346, clip 3 0.
    assert choose(FAN, ONE_LABEL, 3, diversity=0.5) == [0, 2, 1]
    # δ = 0.3: clip 1 0.36^0.7·0.28^0.3 = 0.334, clip 2 0.2^0.7·0.6^0.3 = 0.278.
    assert choose(FAN, ONE_LABEL, 2, diversity=0.3) == [0, 1]


def test_with_diversity_alone_the_second_clip_is_the_farthest_from_the_first():
    assert choose(FAN, ONE_LABEL, 2, diversity=1.0) == [0, 3]


def test_beyond_a_right_angle_clips_are_as_unlike_as_can_be():
    # Angles to the first clip: cosine 0.6, −1, −0.6. The last two are equally far, and clip 2 is the more irrelevant.
    pool = rows((-0.6, 0.8), (0.28, 0.96), (0.6, -0.8), (1.0, 0.0))
    assert choose(pool, ONE_LABEL, 2, diversity=1.0) == [0, 2]


def test_a_copy_of_a_chosen_clip_comes_after_everything_else_that_is_irrelevant():
    pool = FAN[[0, 0, 1, 2, 0]]
    assert choose(torch.cat([pool, FAN[3:]]), ONE_LABEL, 4) == [0, 3, 2, 1]


def test_equals_are_taken_in_the_order_of_the_pool():
    assert choose(FAN[[2, 2, 2]], ONE_LABEL, 3) == [0, 1, 2]


@pytest.mark.parametrize("count", [0, -1, 5])
def test_a_count_that_the_pool_cannot_give_is_refused(count: int):
    with pytest.raises(DatasetError, match=f"{count} cannot be chosen from a pool of 4"):
        choose(FAN, ONE_LABEL, count)


@pytest.mark.parametrize("diversity", [-0.1, 1.1, math.nan])
def test_a_diversity_that_is_no_share_is_refused(diversity: float):
    with pytest.raises(ValueError, match="between 0 and 1"):
        choose(FAN, ONE_LABEL, 2, diversity)


class Pool(NamedTuple):
    names: list[str]
    features: Tensor
    labels: Tensor
    generic: Tensor


LABELS = ("walking", "riding a bicycle", "playing the guitar")
GENERIC = (
    "nothing",
    "an object",
    "an empty place",
    "red",
    "water",
    "a street",
    "an animal",
    "a wall",
    "snow",
    "a person",
)


@pytest.fixture(scope="module")
def drawn_pool() -> Pool:
    """Three clips of each of three actions and each of four scenes, and a copy of the last."""
    from ga2app.clip import load_backbone
    from ga2app.method.prompted_model import plain_clip
    from ga2app.synthetic.demo_dataset import subject_named
    from ga2app.synthetic.world import clip_frames
    from ga2app.video.pixels import frames_to_pixels

    backbone = load_backbone("sketch")
    names = [name for name in (*LABELS, "snow falling", "a clock ticking", "a train passing", "fish swimming")] * 3
    clips = [clip_frames(subject_named(name), "camcorder", (71, i), 4, 64) for i, name in enumerate(names)]
    pixels = torch.stack([frames_to_pixels(frames, backbone.sizes.image_size) for frames in (*clips, clips[-1])])
    model = plain_clip(backbone, LABELS)
    with torch.no_grad():
        features, labels = model.encode_clips(pixels), model.encode_labels()
    return Pool([*names, names[-1]], features, labels, backbone.text_features(GENERIC))


@pytest.mark.parametrize("diversity", [0.0, 0.3, 0.5])
def test_from_drawn_clips_scenes_are_chosen_rather_than_clips_of_the_labels(drawn_pool: Pool, diversity: float):
    for generic, count in ((None, 4), (drawn_pool.generic, 6)):
        chosen = choose(drawn_pool.features, drawn_pool.labels, count, diversity, generic)
        assert not {drawn_pool.names[row] for row in chosen} & set(LABELS)


def test_a_diverse_choice_has_more_kinds_of_scenes_and_no_near_duplicates(drawn_pool: Pool):
    def choice(diversity: float) -> tuple[set[str], float]:
        chosen = choose(drawn_pool.features, drawn_pool.labels, 5, diversity, drawn_pool.generic)
        likeness = drawn_pool.features[chosen] @ drawn_pool.features[chosen].T - 2 * torch.eye(5)
        return {drawn_pool.names[row] for row in chosen}, likeness.max().item()

    (alike, nearest), (various, apart) = choice(0.0), choice(0.5)
    assert len(alike) == 2 and nearest > 0.9
    assert len(various) == 4 and apart < 0.9


def test_clips_of_the_labels_are_less_irrelevant_than_scenes(drawn_pool: Pool):
    figures = irrelevance(drawn_pool.features, drawn_pool.labels, drawn_pool.generic)
    mine = torch.tensor([name in LABELS for name in drawn_pool.names])
    assert ((figures > 0) & (figures < 1)).all()
    assert figures[mine].max() < figures[~mine].min()
