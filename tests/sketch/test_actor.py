from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.actor_mask import Part, actor_mask
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.figure import Drawing, Subject
from ga2app.synthetic.scenes import SCENES
from ga2app.synthetic.world import clip_frames

SEED, FRAMES, SIDE = (5, 3), 3, 48
KEYS = ["riding_a_bicycle", "rowing_a_boat", "skiing", "walking_a_dog"]


def without_actor(subject: Subject) -> Subject:
    """The same place with nobody and nothing in it."""

    def draw(phase: float) -> Drawing:
        return Drawing(None, ground=subject.draw(phase).ground)

    return replace(subject, draw=draw)


def without_figure(subject: Subject) -> Subject:
    """The same with all things and nobody."""
    return replace(subject, draw=lambda phase: replace(subject.draw(phase), pose=None))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("style", ["plain", "film"])
def test_where_the_mask_is_zero_taking_the_actor_away_changes_nothing(key: str, style: str):
    whole = clip_frames(ACTIONS[key], "plain", SEED, FRAMES, SIDE)
    empty = clip_frames(without_actor(ACTIONS[key]), "plain", SEED, FRAMES, SIDE)
    mask = actor_mask(ACTIONS[key], style, SEED, FRAMES, SIDE)
    changed = (whole != empty).any(axis=-1)
    assert mask.shape == (FRAMES, SIDE, SIDE) and not changed[mask == 0].any()
    # Some of the actor may have the color of what is behind it: the mask counts that, too.
    assert changed[mask == 1].mean() > 0.9


@pytest.mark.parametrize("key", KEYS)
def test_the_figures_own_mask_leaves_its_things_out(key: str):
    whole = clip_frames(ACTIONS[key], "plain", SEED, FRAMES, SIDE)
    alone = clip_frames(without_figure(ACTIONS[key]), "plain", SEED, FRAMES, SIDE)
    figure = actor_mask(ACTIONS[key], "plain", SEED, FRAMES, SIDE, part=Part.FIGURE)
    assert not (whole != alone).any(axis=-1)[figure == 0].any()
    assert 0 < figure.sum() < actor_mask(ACTIONS[key], "plain", SEED, FRAMES, SIDE).sum()


@pytest.mark.parametrize("key", KEYS)
def test_the_mask_moves_with_the_camera(key: str):
    """In camcorder style the actor shows beyond its mask by the lens's blur alone, some pixels wide."""
    side, reach = 96, 4
    whole = clip_frames(ACTIONS[key], "camcorder", SEED, FRAMES, side)
    empty = clip_frames(without_actor(ACTIONS[key]), "camcorder", SEED, FRAMES, side)
    mask = actor_mask(ACTIONS[key], "camcorder", SEED, FRAMES, side)
    changed = (whole != empty).any(axis=-1)  # the noise is the same in both
    assert not changed[widened(mask, reach) == 0].any()
    assert changed[mask > 0.5].mean() > 0.9


def widened(mask: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """The largest value within ``reach`` pixels of each pixel."""
    padded = np.pad(mask, ((0, 0), (reach, reach), (reach, reach)))
    around = sliding_window_view(padded, (2 * reach + 1, 2 * reach + 1), axis=(1, 2))
    widest: NDArray[np.float32] = around.max(axis=(-2, -1))
    return widest


def test_parts_of_pixels_are_counted_and_every_frame_has_its_own():
    mask = actor_mask(ACTIONS["riding_a_bicycle"], "plain", SEED, FRAMES, SIDE)
    assert mask.min() == 0 and mask.max() == 1 and ((mask > 0.1) & (mask < 0.9)).any()
    assert not np.array_equal(mask[0], mask[1])


def test_scenes_have_things_and_no_figure():
    assert actor_mask(SCENES["a_car_passing"], "plain", SEED, FRAMES, SIDE).sum() > 0
    assert actor_mask(SCENES["a_car_passing"], "plain", SEED, FRAMES, SIDE, part=Part.FIGURE).sum() == 0


def test_a_style_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="style 'oil' is not one of"):
        actor_mask(ACTIONS["skiing"], "oil", SEED, FRAMES, SIDE)
