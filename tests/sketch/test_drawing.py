"""The drawn world: every subject renders, moves and is repeatable; styles differ."""

from __future__ import annotations

import numpy as np
import pytest

from ga2app.synthetic.actions import ACTIONS, DEMO_BASE, DEMO_NOVEL, HARD_PROMPT_ACTIONS
from ga2app.synthetic.appearance import COLORS, PLACES, STYLES, draw_camera, draw_look
from ga2app.synthetic.figure import Reach, body, swing
from ga2app.synthetic.scenes import EMPTY, SCENES
from ga2app.synthetic.world import clip_frames, render

SUBJECTS = {**ACTIONS, **SCENES}


def test_the_world_is_as_large_as_promised():
    assert len(ACTIONS) >= 46
    assert len(SCENES) >= 8
    assert len(DEMO_BASE) == 8 and 12 <= len(DEMO_NOVEL) <= 16 and len(HARD_PROMPT_ACTIONS) >= 14


def test_demo_and_hard_prompt_share_no_action():
    together = [*DEMO_BASE, *DEMO_NOVEL, *HARD_PROMPT_ACTIONS]
    assert len(set(together)) == len(together)
    assert set(together) <= set(ACTIONS)


@pytest.mark.parametrize("key", SUBJECTS)
def test_every_subject_shows_itself_and_moves_with_phase(key: str):
    look = draw_look(np.random.default_rng(3))
    frames = [render(SUBJECTS[key], look, phase, 64) for phase in (0.0, 0.13, 0.31, 0.58, 0.77)]
    nothing = render(EMPTY, look, 0.0, 64)
    for frame in frames:
        assert frame.shape == (64, 64, 3) and frame.dtype == np.uint8
        assert (np.abs(frame.astype(int) - nothing).sum(-1) > 60).sum() > 60, "the subject covers too little"
    assert len({frame.tobytes() for frame in frames}) >= 3, "it stands still"


def test_actions_have_a_person_and_scenes_have_none():
    for phase in (0.0, 0.3, 0.8):
        assert all(action.draw(phase).pose is not None and action.person for action in ACTIONS.values())
        assert all(scene.draw(phase).pose is None and not scene.person for scene in SCENES.values())
        for scene in SCENES.values():
            drawing = scene.draw(phase)
            assert not any(shape.color == "figure" for shape in (*drawing.behind, *drawing.front))


def test_a_motion_closes_after_one_phase():
    """The last moment before phase 1 is close to phase 0, so clips of several cycles do not jump."""
    jumpy = set()
    for key, action in ACTIONS.items():
        first, last = action.draw(0.0).pose, action.draw(0.9999).pose
        assert first is not None and last is not None
        joints = [np.array([p.hip, p.neck, p.head, *p.arms[0], *p.legs[0]]) for p in (first, last)]
        if np.abs(joints[0] - joints[1]).max() > 0.02:
            jumpy.add(key)
    assert jumpy == {"shooting_a_basketball"}, "only the ball thrower starts again from the ground"


def test_the_same_seed_draws_the_same_clip_and_another_seed_another():
    for style in STYLES:
        one, again = (clip_frames(ACTIONS["boxing"], style, 11, 4, 64) for _ in range(2))
        other = clip_frames(ACTIONS["boxing"], style, 12, 4, 64)
        assert np.array_equal(one, again)
        assert not np.array_equal(one, other)


def test_styles_show_the_same_clip_differently():
    plain, camcorder, film = (clip_frames(ACTIONS["fishing"], style, 5, 4, 64).astype(float) for style in STYLES)
    assert np.abs(plain - camcorder).mean() > 8
    assert np.abs(plain - film).mean() > 8
    assert np.abs(camcorder - film).mean() > 8


def test_a_camcorder_of_no_strength_is_a_perfect_one():
    plain = clip_frames(ACTIONS["fishing"], "plain", 5, 4, 64).astype(float)
    perfect = clip_frames(ACTIONS["fishing"], "camcorder", 5, 4, 64, strength=0.0).astype(float)
    assert np.abs(plain - perfect).max() <= 1


def test_a_camera_moves_smoothly():
    shake = draw_camera(np.random.default_rng(0), 48).shake
    assert np.abs(np.diff(shake, axis=0)).max() < np.ptp(shake) / 2


def test_an_unknown_style_is_named():
    with pytest.raises(ValueError, match="style 'oil' is not one of plain, camcorder, film"):
        clip_frames(ACTIONS["boxing"], "oil", 0, 2, 64)


def test_a_look_keeps_the_figure_visible():
    for seed in range(200):
        look = draw_look(np.random.default_rng(seed))
        assert look.color in COLORS and look.place in PLACES
        for background in (look.sky_rgb, look.ground_rgb):
            assert np.linalg.norm(np.subtract(look.figure_rgb, background)) > 40


def test_a_hand_reaches_what_it_is_told_to():
    pose = body(arms=(Reach(0.2, 0.7, -1), Reach(5.0, 0.78, -1)))
    assert pose.hand(0) == pytest.approx((0.2, 0.7), abs=1e-6)
    assert pose.hand(1) == pytest.approx((0.33, 0.78), abs=2e-3), "a point too far is reached for, not touched"


def test_a_blow_is_slow_then_quick():
    assert swing(0.0) == 0 and swing(0.75) == 1
    assert swing(0.375) == pytest.approx(0.5, rel=1e-4) == swing(0.875)
    assert swing(0.1875) == pytest.approx(0.25**2 * 2.5, rel=1e-4), "it eases in"
