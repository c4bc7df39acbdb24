from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ga2app import bundles
from ga2app.clip import Backbone, load_backbone
from ga2app.config import PromptConfig, RunConfig
from ga2app.errors import BundleError, ClipError, DatasetError, LabelError
from ga2app.inference.explanations import Method, ScoreKind, Ways, explain_clip
from ga2app.method.prompts import PromptLearner
from ga2app.types import AnchorClip
from ga2app.video import sample_frames
from tests.clips import COLORS, write_color_clip

NAMES = ["walking", "running", "jumping"]
CONFIG = RunConfig(backbone="tiny", prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"))


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_color_clip(tmp_path_factory.mktemp("clips") / "red.mp4", COLORS["walking"], seed=1)


@pytest.fixture(scope="module")
def bundle(backbone: Backbone) -> bundles.Bundle:
    return made(backbone, seed=4)


def made(backbone: Backbone, seed: int) -> bundles.Bundle:
    """A bundle of random prompts in both towers."""
    prompts = PromptLearner(CONFIG.prompts, 32, 24, generator=torch.Generator().manual_seed(seed))
    manifest = bundles.Manifest(
        format_version=bundles.FORMAT_VERSION,
        name="colors",
        backbone=backbone.identity.to_dict(),
        config=CONFIG.to_dict(),
        base=("walking", "running"),
        novel=("jumping",),
        dataset_hash="0123",
        anchor_captions=(),
        negatives=("nothing",),
        preprocessing={"image_size": 32, "num_frames": 2},
        steps=3,
        metrics={},
        zero_shot={},
        packages={},
    )
    return bundles.Bundle(manifest, prompts.tensors())


def test_plain_clip_and_the_bundle_explain_the_same_label(backbone: Backbone, bundle: bundles.Bundle, clip: str):
    found = explain_clip(backbone, clip, NAMES, bundle=bundle, label="Running", num_frames=3)
    assert found.bundle is not None and found.label == "running" and found.backbone == backbone.name
    assert found.plain.rival in ("walking", "jumping") and found.plain.score != found.bundle.score
    assert not np.array_equal(found.plain.saliency.cells, found.bundle.saliency.cells)
    assert [frame.index for frame in found.plain.frames] == [0, 2, 4]
    assert found.pictures.shape == (3, 32, 32, 3) and found.pictures.dtype == np.uint8
    assert list(found.models()) == ["zero-shot CLIP", "bundle"]


def test_without_a_label_the_best_one_is_explained_and_where_there_is_a_bundle_the_bundles(
    backbone: Backbone, clip: str
):
    """With a bundle that disagrees with zero-shot CLIP, so that the two can be told apart."""
    plain = explain_clip(backbone, clip, NAMES, num_frames=2)
    assert plain.bundle is None and plain.plain.score > 0
    found = (explain_clip(backbone, clip, NAMES, bundle=made(backbone, seed), num_frames=2) for seed in range(20))
    both = next(one for one in found if one.label != plain.label)
    assert both.bundle is not None and both.bundle.score > 0 > both.plain.score


def test_the_logit_has_no_rival(backbone: Backbone, clip: str):
    found = explain_clip(backbone, clip, NAMES, num_frames=2, ways=Ways(score=ScoreKind.LOGIT, method=Method.OCCLUSION))
    assert found.plain.rival is None and found.kind == "logit" and found.plain.saliency.method == "occlusion"


def test_the_pictures_are_the_frames_as_the_model_sees_them(backbone: Backbone, clip: str):
    """The clip is 40 pixels wide, resized to 37 and cropped to 32: its mean color stays."""
    found = explain_clip(backbone, clip, NAMES, num_frames=3)
    wanted = sample_frames(clip, 3).reshape(-1, 3).mean(axis=0)
    assert found.pictures.reshape(-1, 3).mean(axis=0) == pytest.approx(wanted, abs=4)


def test_the_clip_itself_is_its_nearest_anchor(backbone: Backbone, bundle: bundles.Bundle, clip: str, tmp_path: Path):
    others = [
        AnchorClip(write_color_clip(tmp_path / f"{name}.mp4", color, seed=5), name) for name, color in COLORS.items()
    ]
    ways = Ways(anchors=(*others, AnchorClip(clip, "itself")), negatives=("nothing", "something else"))
    found = explain_clip(backbone, clip, NAMES, bundle=bundle, num_frames=2, ways=ways)
    for part in found.models().values():
        assert part.relatives is not None
        near = part.relatives.anchors
        assert (near[0].name, near[0].path) == ("itself", clip) and near[0].cosine == pytest.approx(1, abs=1e-4)
        assert len(near) == 3 and near[0].cosine >= near[1].cosine >= near[2].cosine
        assert {one.name for one in part.relatives.negatives} == {"nothing", "something else"}


def test_a_negative_that_is_the_label_has_the_labels_cosine(backbone: Backbone, bundle: bundles.Bundle, clip: str):
    """Each model reads negatives as it reads labels."""
    ways = Ways(negatives=("nothing", "walking"))
    found = explain_clip(backbone, clip, NAMES, bundle=bundle, label="walking", num_frames=2, ways=ways)
    for part in found.models().values():
        assert part.relatives is not None and part.relatives.anchors == ()
        cosines = {one.name: one.cosine for one in part.relatives.negatives}
        assert cosines["walking"] == pytest.approx(part.relatives.label_cosine, abs=1e-5)


def test_an_explanation_is_one_json_document(backbone: Backbone, bundle: bundles.Bundle, clip: str):
    ways = Ways(negatives=("nothing",))
    found = explain_clip(backbone, clip, NAMES, bundle=bundle, num_frames=2, ways=ways)
    document = json.loads(json.dumps(found.to_dict()))
    assert document["score"] == "margin" and len(document["bundle"]["saliency"]["cells"]) == 2
    assert document["plain"]["relatives"]["negatives"][0]["name"] == "nothing"
    assert explain_clip(backbone, clip, NAMES, num_frames=2).to_dict()["bundle"] is None


def test_one_frame_is_enough(backbone: Backbone, clip: str):
    (frame,) = explain_clip(backbone, clip, NAMES, num_frames=1).plain.frames
    assert frame.contribution == pytest.approx(frame.alone, abs=1e-5)


def test_what_cannot_be_explained_is_refused_with_its_reason(
    backbone: Backbone, bundle: bundles.Bundle, clip: str, tmp_path: Path
):
    with pytest.raises(LabelError, match=r"label 'swimming' is not among the labels \(walking, running, jumping\)"):
        explain_clip(backbone, clip, NAMES, label="swimming")
    with pytest.raises(LabelError, match="is the only label"):
        explain_clip(backbone, clip, ["walking"])
    with pytest.raises(LabelError, match="knows none of the words"):
        explain_clip(backbone, clip, ["qwerty", "asdf"])
    with pytest.raises(ClipError, match="nowhere"):
        explain_clip(backbone, tmp_path / "nowhere.mp4", NAMES)
    with pytest.raises(DatasetError, match=r"1 of 1 clips cannot be read"):
        explain_clip(backbone, clip, NAMES, ways=Ways(anchors=(AnchorClip(str(tmp_path / "gone.mp4")),)))
    manifest = replace(bundle.manifest, backbone={**bundle.manifest.backbone, "fingerprint": "other"})
    with pytest.raises(BundleError, match="other weights"):
        explain_clip(backbone, clip, NAMES, bundle=replace(bundle, manifest=manifest))


def test_reasons_for_real_footage_come_with_a_warning_from_the_sketch_backbone(real_clips: Path):
    found = explain_clip(load_backbone(), real_clips / "abseiling_k400.mp4", ["walking", "running"], num_frames=1)
    assert "real footage" in found.notes[0]


def test_words_that_the_backbone_does_not_know_are_noted(backbone: Backbone, clip: str):
    assert "does not know: qwerty" in explain_clip(backbone, clip, ["walking", "qwerty"], num_frames=2).notes[0]
