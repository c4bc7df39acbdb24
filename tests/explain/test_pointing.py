from __future__ import annotations

import numpy as np
import pytest

from benchmarks.saliency import PLAIN, check, check_lines, point
from ga2app.bundles import load_folder
from ga2app.clip import load_backbone
from ga2app.errors import DatasetError
from ga2app.inference.explanations import SaliencyMap, Ways, overlay
from ga2app.paths import SKETCH_HARD_PROMPT

# One frame of 4 x 4 pixels in 2 x 2 cells: the actor fills the top left cell by a half and one pixel of its neighbor.
ACTOR = np.array([[[1, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]], np.float32)


def test_the_share_on_the_actor_is_that_of_each_cells_pixels():
    """Positive saliency 3 + 1; of the first cell's 3 a half, of the second's 1 a quarter: 1.75 of 4. The -5 is none."""
    found = point(np.array([[[3.0, 1.0], [-5.0, 0.0]]]), ACTOR)
    assert found.share == pytest.approx(1.75 / 4, rel=1e-4)
    assert found.area == pytest.approx(3 / 16, rel=1e-4)
    assert found.most == pytest.approx(0.5, rel=1e-4)
    assert found.hit and found.touched == pytest.approx(0.5, rel=1e-4)


def test_even_saliency_gets_the_actors_area():
    found = point(np.ones((1, 2, 2)), ACTOR)
    assert found.share == pytest.approx(found.area, rel=1e-4)


def test_saliency_beside_the_actor_gets_nothing():
    found = point(np.array([[[0.0, 0.0], [1.0, 2.0]]]), ACTOR)
    assert found.share == 0 and not found.hit


def test_no_positive_saliency_knows_nothing():
    found = point(-np.ones((1, 2, 2)), ACTOR)
    assert found.share == found.area


def test_cells_that_do_not_fit_the_frame_are_refused():
    with pytest.raises(ValueError, match="cannot be divided"):
        point(np.ones((1, 3, 3)), ACTOR)
    with pytest.raises(ValueError, match="cannot be divided"):
        point(np.ones((2, 2, 2)), ACTOR)


def test_ninths_of_a_map_add_up_whatever_its_cells():
    """Eight cells a side do not divide by three: the middle ninth of an even map still gets one ninth."""
    even = SaliencyMap("gradient", np.ones((2, 8, 8), np.float32), np.ones((8, 8), np.float32))
    assert even.thirds() == pytest.approx(np.full((3, 3), 1 / 9), rel=1e-4)
    corner = np.zeros((1, 3, 3), np.float32)
    corner[0, 0, 2], corner[0, 1, 1] = 3.0, -1.0
    assert SaliencyMap("gradient", corner, corner[0]).thirds()[0, 2] == pytest.approx(1, rel=1e-4)
    assert SaliencyMap("gradient", -corner.clip(0), corner[0]).thirds().sum() == 0


def test_the_strongest_cells_come_first_with_their_places():
    cells = np.zeros((2, 3, 3), np.float32)
    cells[1, 0, 2], cells[0, 2, 1], cells[0, 0, 0] = 5.0, 4.0, -9.0
    best = SaliencyMap("gradient", cells, cells[0]).strongest(2)
    assert [(cell.frame, cell.row, cell.column, cell.value) for cell in best] == [(1, 0, 2, 5.0), (0, 2, 1, 4.0)]


def test_the_overlay_is_warm_where_it_speaks_for_and_cold_where_against():
    frames = np.full((1, 4, 4, 3), 100, np.uint8)
    red, _, blue = np.moveaxis(overlay(frames, np.array([[[2.0, 0.0], [0.0, -2.0]]]))[0].astype(int), -1, 0)
    assert (red[:2, :2] > blue[:2, :2] + 50).all() and (blue[2:, 2:] > red[2:, 2:] + 50).all()
    assert (red[:2, 2:] == 100).all() and (blue[2:, :2] == 100).all()


def test_a_map_of_zeros_leaves_the_frames_gray():
    frames = np.full((1, 4, 4, 3), 100, np.uint8)
    assert (overlay(frames, np.zeros((1, 2, 2))) == 100).all()


def test_the_check_says_how_much_saliency_lies_on_the_actor() -> None:
    bundle = load_folder(SKETCH_HARD_PROMPT)
    found = check(load_backbone("sketch"), bundle, 3, "plain", 2, Ways())
    told = found.to_dict()
    assert len(found.clips) == 3 and told["share"].keys() == {PLAIN, "bundle", "contrast", "area"}
    assert told["share"][PLAIN] > 2 * told["share"]["area"] and told["most"] > told["share"][PLAIN]
    text = "\n".join(check_lines(found))
    assert "3 clips in plain style" in text and "best possible" in text
    with pytest.raises(DatasetError, match="style 'oil' does not exist"):
        check(load_backbone("sketch"), None, 2, "oil", 2, Ways())
