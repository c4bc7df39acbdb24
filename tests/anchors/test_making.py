"""Held frames, backgrounds and crops away from the motion: on arithmetic, and on drawn clips with a known backdrop."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ga2app.inference.anchors import away_from_mover, background, calm_window, held_frame, motion
from ga2app.inference.anchors.synthetic_anchors import Kind, make
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import subject_named
from ga2app.synthetic.scenes import EMPTY
from ga2app.synthetic.world import clip_frames

MOVERS = ("doing a cartwheel", "running", "jumping", "swinging a baseball bat", "doing jumping jacks")


def blank(frames: int = 5, height: int = 8, width: int = 12) -> NDArray[np.uint8]:
    return np.full((frames, height, width, 3), 100, np.uint8)


def passing() -> NDArray[np.uint8]:
    """A white block of 2 × 2 pixels that goes from left to right through the upper half of a gray picture."""
    frames = blank()
    for number, frame in enumerate(frames):
        frame[1:3, 2 * number : 2 * number + 2] = 255
    return frames


def test_a_held_frame_is_the_middle_frame_again_and_again():
    frames = passing()
    assert (held_frame(frames) == frames[2]).all() and held_frame(frames).shape == frames.shape
    assert (held_frame(frames, 0) == frames[0]).all()
    assert (held_frame(frames, -1) == frames[4]).all()


def test_the_background_of_a_mover_that_moves_on_is_the_empty_picture():
    assert (background(passing()) == blank()).all()


def test_what_covers_a_pixel_in_most_frames_stays_in_the_background():
    frames = blank()
    frames[:3, 0, 0], frames[:2, 0, 1] = 200, 200
    assert background(frames)[0, 0, 0, 0] == 200 and background(frames)[0, 0, 1, 0] == 100


def test_motion_is_the_mean_change_from_a_frame_to_the_next():
    frames = blank(3, 4, 4)
    frames[1, 1, 2] = (130, 100, 100)  # up by 30 and down again in one of three channels: 60 / 3 channels / 2 steps
    assert motion(frames)[1, 2] == pytest.approx(10.0, rel=1e-4)
    assert motion(frames).sum() == pytest.approx(10.0, rel=1e-4)
    assert (motion(frames[:1]) == 0).all()


def test_the_calm_window_is_where_nothing_moves():
    window = calm_window(passing())
    assert window == (3, 0, 4, 6, 0.0)
    crop = away_from_mover(passing())
    assert crop.shape == (5, 4, 6, 3) and (crop == 100).all()


def test_the_calm_window_of_a_mover_below_lies_above_and_its_sides_are_even():
    frames = passing()[:, ::-1]
    assert calm_window(frames) == (0, 0, 4, 6, 0.0)
    assert calm_window(frames, 0.3) == (0, 0, 2, 4, 0.0)
    assert calm_window(frames, 0.4)[2:4] == (4, 4)
    assert calm_window(frames, 1.0)[:4] == (0, 0, 8, 12)
    assert calm_window(frames, 1.0).motion_share == pytest.approx(1.0, rel=1e-4)


def test_when_nothing_or_everything_moves_the_share_of_motion_tells():
    assert calm_window(blank()).motion_share == 1.0
    flicker = blank()
    flicker[::2] = 200
    assert calm_window(flicker).motion_share == pytest.approx(1.0, rel=1e-4)


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5, float("nan")])
def test_a_window_of_no_size_or_beyond_the_frame_is_refused(share: float):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        calm_window(blank(), share)


@pytest.mark.parametrize("kind", list(Kind))
def test_frames_stay_as_they_were_and_anchors_stay_frames(kind: Kind):
    frames = passing()
    before = frames.copy()
    frames.flags.writeable = False  # as those of a clip that is kept in memory are
    anchor = make(kind, frames)
    assert (frames == before).all()
    assert anchor.dtype == np.uint8 and anchor.shape[0] == 5 and anchor.shape[-1] == 3


@pytest.mark.parametrize("name", MOVERS)
def test_the_median_of_a_drawn_mover_is_nearer_to_the_empty_backdrop_than_any_frame(name: str):
    frames = clip_frames(subject_named(name), "plain", (3, 1), 12, 64)
    empty = clip_frames(EMPTY, "plain", (3, 1), 12, 64).astype(float)
    distances = np.abs(frames - empty).mean(axis=(1, 2, 3))
    assert np.abs(background(frames) - empty).mean() < 0.9 * distances.min()


@pytest.mark.parametrize("style", ["plain", "camcorder"])
def test_crops_from_drawn_clips_have_less_motion_than_any_average_window_and_less_of_the_movers(style: str):
    inside, overall = [], []
    for number, action in enumerate(list(ACTIONS.values())[::4]):
        frames, plain = (clip_frames(action, look, (3, number), 12, 64) for look in (style, "plain"))
        mover = (plain != clip_frames(EMPTY, "plain", (3, number), 12, 64)).any(axis=(0, 3))  # (H, W)
        window = calm_window(frames)
        assert window.motion_share < 1.0
        assert motion(away_from_mover(frames)).mean() < motion(frames).mean()
        inside.append(mover[window.top : window.top + window.height, window.left : window.left + window.width].mean())
        overall.append(mover.mean())
    assert np.mean(inside) < 0.7 * np.mean(overall)
