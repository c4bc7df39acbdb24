from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.actor_mask import actor_mask
from benchmarks.saliency import point
from ga2app.clip import Backbone, load_backbone
from ga2app.config import PromptConfig
from ga2app.inference.explanations import ClipScore, Method, contrast, default_cells, explain_pixels, saliency
from ga2app.inference.explanations.clip_importance import FRAMES_WITH_GRADIENTS, coarse, integrated_gradients
from ga2app.inference.explanations.explain_clip import Ways
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.method.prompts import PromptLearner
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.world import clip_frames
from ga2app.video.pixels import frames_to_pixels

NAMES = ["walking", "waving a hand", "reading a book"]


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def model(backbone: Backbone) -> PromptedClip:
    """Prompts in both towers, as a Full bundle has them."""
    config = PromptConfig(length=2, visual_depth=3, text_depth=3)
    prompts = PromptLearner(config, 32, 24, generator=torch.Generator().manual_seed(0))
    return PromptedClip(backbone, prompts.requires_grad_(False), NAMES).eval()


def clip(frames: int = 2) -> Tensor:
    return torch.randn(frames, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def score_of(model: PromptedClip) -> ClipScore:
    classes = model.encode_labels()
    return ClipScore(classes[0] - classes[1], model.backbone.scale)


@torch.no_grad()
def whole_score(model: PromptedClip, pixels: Tensor) -> float:
    """The margin of the first label over the second, by the model's own logits."""
    logits = model(pixels[None]).logits[0]
    return float(logits[0] - logits[1])


def test_occlusion_is_what_the_clip_loses_when_a_cell_is_really_blank(model: PromptedClip):
    """Against the whole clip encoded anew for a few cells, and for a place that is blank in both frames."""
    pixels, before = clip(), whole_score(model, clip())
    found = saliency(model, pixels, score_of(model), Method.OCCLUSION, cells=4)
    assert found.cells.shape == (2, 4, 4) and found.places.shape == (4, 4)
    for frame, row, column in ((0, 0, 0), (1, 2, 3), (0, 3, 1)):
        blank = pixels.clone()
        part = slice(8 * row, 8 * row + 8), slice(8 * column, 8 * column + 8)
        blank[frame, :, *part] = pixels[frame].mean(dim=(1, 2))[:, None, None]
        lost = before - whole_score(model, blank)
        assert float(found.cells[frame, row, column]) == pytest.approx(lost, abs=1e-4)
        blank[1 - frame, :, *part] = pixels[1 - frame].mean(dim=(1, 2))[:, None, None]
        lost = before - whole_score(model, blank)
        assert float(found.places[row, column]) == pytest.approx(lost, abs=1e-4)


def test_integrated_gradients_add_up_to_the_score_less_that_of_a_blank_clip(model: PromptedClip):
    pixels = clip()
    blank = pixels.mean(dim=(2, 3), keepdim=True).expand_as(pixels)
    found = integrated_gradients(model, pixels, score_of(model), cells=4, steps=64)
    difference = whole_score(model, pixels) - whole_score(model, blank)
    assert float(found.cells.sum()) == pytest.approx(difference, abs=0.02 * abs(difference) + 1e-3)
    assert torch.allclose(found.places, found.cells.sum(dim=0))


def test_many_frames_go_through_the_tower_a_few_at_a_time_to_the_same_end(model: PromptedClip):
    """Against one backward pass through all of them, at the one point half way."""
    pixels = clip(FRAMES_WITH_GRADIENTS + 3)
    blank = pixels.mean(dim=(2, 3), keepdim=True)
    half = ((pixels + blank) / 2).requires_grad_()
    (slope,) = torch.autograd.grad(score_of(model)(model.encode_frames(half[None])[0]), half)
    wanted = ((pixels - blank) * slope).sum(dim=(1, 2, 3))
    found = integrated_gradients(model, pixels, score_of(model), cells=4, steps=1)
    assert torch.allclose(found.cells.sum(dim=(1, 2)), wanted, atol=1e-4)


def test_gradients_find_the_only_cell_that_is_not_blank(model: PromptedClip):
    pixels = torch.zeros(2, 3, 32, 32)
    pixels[1, :, 8:16, 24:32] = clip(1)[0, :, :8, :8] - clip(1)[0, :, :8, :8].mean(dim=(1, 2), keepdim=True)
    found = saliency(model, pixels, score_of(model), Method.GRADIENT)
    assert int(found.cells.abs().argmax()) == 16 + 4 + 3
    assert found.cells.flatten()[torch.arange(32) != 23].abs().max() < 1e-5


@pytest.mark.parametrize("method", list(Method))
def test_a_clip_of_one_color_has_no_saliency(model: PromptedClip, method: Method):
    found = saliency(model, torch.full((2, 3, 32, 32), 0.5), score_of(model), method)
    assert found.cells.abs().max() < 1e-4


def test_gradients_are_found_inside_no_grad_and_leave_none_behind(model: PromptedClip):
    pixels = clip()
    with torch.no_grad():
        found = saliency(model, pixels, score_of(model), Method.GRADIENT)
    assert found.cells.abs().sum() > 0 and not found.cells.requires_grad and not pixels.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())


def test_cells_follow_the_patches_and_occlusion_takes_fewer_where_they_are_many(model: PromptedClip):
    assert default_cells(model, Method.GRADIENT) == default_cells(model, Method.OCCLUSION) == 4
    assert [coarse(patches) for patches in (7, 8, 14, 16, 24, 13)] == [7, 8, 7, 8, 8, 1]


def test_contrast_is_the_distance_from_the_frames_mean_color():
    """One pixel of 16 is 1.6, so the mean is 0.1: that pixel is 1.5 away and each of the other fifteen 0.1."""
    pixels = torch.zeros(1, 3, 4, 4)
    pixels[0, 0, 0, 3] = 1.6
    assert torch.allclose(contrast(pixels, 2), torch.tensor([[[0.4, 1.8], [0.4, 0.4]]]))


@pytest.mark.parametrize("cells", [0, 5, -4])
def test_cells_that_do_not_divide_the_frame_are_refused(model: PromptedClip, cells: int):
    with pytest.raises(ValueError, match="must divide the frame's side of 32"):
        saliency(model, clip(), score_of(model), cells=cells)


def test_the_explanation_of_pixels_agrees_with_the_models_own_answer(model: PromptedClip):
    pixels = clip(3)
    with torch.no_grad():
        out = model(pixels[None])
        frames = model.encode_frames(pixels[None])[0]
    shares = out.logits[0].softmax(dim=-1)
    found = explain_pixels(model, pixels, 2, ways=Ways())
    rival = int(out.logits[0, :2].argmax())
    assert found.share == pytest.approx(float(shares[2]), abs=1e-5) and found.rival == NAMES[rival]
    assert found.score == pytest.approx(float(out.logits[0, 2] - out.logits[0, rival]), abs=1e-4)
    direction = out.class_features[2] - out.class_features[rival]
    alone = model.backbone.scale * functional.normalize(frames, dim=-1) @ direction
    assert [frame.alone for frame in found.frames] == pytest.approx(alone.tolist(), abs=1e-4)
    assert [frame.index for frame in found.frames] == [0, 1, 2] and found.relatives is None


def test_saliency_of_plain_clip_lies_on_the_actor_of_drawn_clips():
    """Measured over many clips it is about six times the actor's area; these are three of the plain style."""
    model = plain_clip(
        load_backbone(), [ACTIONS[key].name for key in ("riding_a_bicycle", "walking_a_dog", "rowing_a_boat")]
    )
    found = []
    for label, key in enumerate(("riding_a_bicycle", "walking_a_dog", "rowing_a_boat")):
        drawn = clip_frames(ACTIONS[key], "plain", (11, label), 2, 73)
        actor = actor_mask(ACTIONS[key], "plain", (11, label), 2, 73)[:, 4:68, 4:68]
        cells = explain_pixels(model, frames_to_pixels(drawn, 64), label, ways=Ways()).saliency.cells
        found.append(point(cells, actor))
    assert all(one.share > 2 * one.area for one in found)
