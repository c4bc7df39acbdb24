"""Every kind of tower computes what its own library computes, is trained and bundled; whose files these are is told."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from torch.nn import functional
from transformers import CLIPModel

from ga2app.clip import Backbone, TokenizedText, load_backbone
from ga2app.config import PromptConfig, RunConfig
from ga2app.errors import BackboneError, LabelError
from ga2app.inference import Recognizer, load_bundle
from ga2app.method.prompted_model import PromptedClip
from ga2app.method.prompts import PromptLearner
from ga2app.types import Dataset, EventKind
from tests.backbone.clip_folders import TOKENIZER, copy_of, say
from tests.backbone.tower_folders import (
    NAMES,
    POSITIONS,
    TOWERS,
    ClipReference,
    Tower,
    differences,
    make_clip,
    make_metaclip,
    make_siglip,
    refused_rows,
    resized,
    sentencepiece_tokenizer,
    some_pixels,
)
from tests.clips import color_dataset
from tests.train.test_loop import FULL, QUICK, Recorder, run

Made = tuple[Tower, Path, Backbone]


@pytest.fixture(scope="module", params=TOWERS, ids=lambda tower: tower.title)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("tower")
    request.param.make(folder)
    return request.param, folder, load_backbone(folder, device="cpu", precision="float32")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("depth", range(4))
def test_both_towers_equal_the_library_with_prompts_and_without(depth: int, made: Made):
    tower, folder, backbone = made
    assert max(differences(tower, folder, backbone, depth)) < 1e-5


def test_without_prompts_the_model_is_the_library(made: Made):
    tower, folder, backbone = made
    none = PromptLearner(PromptConfig(length=1, visual_depth=0, text_depth=0, coupled=False), 32, 24)
    found, reference = PromptedClip(backbone, none, NAMES).eval()(some_pixels()), tower.reference(folder)
    texts = reference.texts([f"a video of a person {name}." for name in NAMES])
    frames = reference.frames(some_pixels().flatten(0, 1)).unflatten(0, (2, 3)).mean(dim=1)
    assert (found.class_features - texts).abs().max() < 1e-5
    assert (found.clip_features - functional.normalize(frames, dim=-1)).abs().max() < 1e-5


def test_a_label_does_not_depend_on_the_labels_beside_it(made: Made):
    texts = made[2].text_features
    assert (texts([*NAMES, "a very long name of it"])[:1] - texts(NAMES[:1])).abs().max() < 1e-5


def test_a_later_token_changes_no_earlier_output_where_the_tower_is_causal(made: Made):
    tower, _, backbone = made
    text = backbone.tokenize(NAMES, crop=False)
    before, other = text.ids, text.ids.clone()
    end = text.ends.min() + 1 if tower.causal else before.shape[1] - 2
    other[text.ends == text.ends.min(), end:] = 5
    found = backbone.encode_text(TokenizedText(other, text.ends)) - backbone.encode_text(text)
    assert (found.abs().max() < 1e-6) == tower.causal


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"))


@pytest.mark.parametrize("config", [FULL, QUICK], ids=["full", "quick"])
def test_runs_on_it_are_trained_bundled_and_recognize(config: RunConfig, made: Made, dataset: Dataset, tmp_path: Path):
    _, folder, backbone = made
    recorder = Recorder()
    assert run(replace(config, backbone=str(folder)), dataset, backbone, tmp_path, recorder).finished
    losses = [event.values["total"] for event in recorder.of(EventKind.STEP)]
    assert min(losses[-2:]) < losses[0]
    recognizer = Recognizer(backbone, tmp_path / "bundle")
    (answer,) = recognizer.recognize([dataset.clips[0].path], dataset.base).clips
    assert answer.error is None and answer.bundle is not None and answer.plain != answer.bundle
    assert load_bundle(tmp_path / "bundle").manifest.backbone["fingerprint"] == backbone.identity.fingerprint


def test_a_label_too_long_for_the_tower_is_named(made: Made):
    backbone = made[2]
    room = backbone.sizes.text_positions - 4 - (0 if not made[0].causal else 1 + len(backbone.start))
    with pytest.raises(LabelError, match=rf"has \d+ tokens and .* has room for {room} \(\d+ positions, 4 of them"):
        backbone.tokenize(["x " * backbone.sizes.text_positions], 4)


def test_the_table_of_towers_in_the_documents_is_the_one_that_is_printed(tmp_path: Path):
    told = (Path(__file__).parents[2] / "docs/formats.md").read_text()
    for row in (*(tower.row for tower in TOWERS), *refused_rows(tmp_path)):
        assert row in told, f"python -m tests.published.checkpoint_table\n{row}"


def test_the_class_of_another_clip_would_give_other_texts_without_a_word(tmp_path: Path):
    backbone = load_backbone(make_metaclip(tmp_path), device="cpu")
    wrong = ClipReference(tmp_path, CLIPModel).texts(NAMES)
    assert (backbone.text_features(NAMES) - wrong).abs().max() > 1e-2
    assert (backbone.text_features(["Walking"]) - backbone.text_features(["walking"])).abs().max() > 1e-3


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("folders")
    make_clip(base / "clip"), make_metaclip(base / "metaclip"), make_siglip(base / "siglip")
    make_metaclip(base / "mt5", mt5=True)
    return base


def refusal(folder: Path) -> str:
    with pytest.raises(BackboneError) as told:
        load_backbone(folder, device="cpu")
    return str(told.value)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("siglip2", "it takes pictures in their own shape"),
        ("chinese_clip", "its text tower is a BERT"),
        ("altclip", "its text tower is an XLM-RoBERTa"),
    ],
)
def test_towers_that_are_none_of_ours_are_refused_with_the_reason(
    kind: str, reason: str, folders: Path, tmp_path: Path
):
    folder = say(copy_of(folders / "metaclip", tmp_path / kind), "config.json", model_type=kind)
    assert f"is a {kind} model, not a CLIP ({reason}" in refusal(folder)


def relabeled(folder: Path, kind: str, **text: int) -> Path:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"] |= text
    return say(folder, "config.json", model_type=kind, text_config=config["text_config"])


def test_a_folder_under_the_type_of_another_tower_is_refused(folders: Path, tmp_path: Path):
    told = refusal(relabeled(copy_of(folders / "metaclip", tmp_path / "a"), "clip"))
    assert "another tower (XLMRobertaTokenizer beside the model_type clip, where a MetaCLIP 2 says metaclip_2)" in told
    told = refusal(relabeled(copy_of(folders / "mt5", tmp_path / "b"), "clip"))
    assert "its tokenizer has no start or end token" in told


@pytest.mark.parametrize("whose", ["metaclip", "mt5", "siglip"])
def test_a_folder_with_the_tokenizer_of_another_tower_is_refused(whose: str, folders: Path, tmp_path: Path):
    for other in ("clip", "metaclip", "siglip"):
        if other == whose:
            continue
        folder = copy_of(folders / whose, tmp_path / other, without=TOKENIZER)
        for file in (folders / other).glob("tokenizer*.json"):
            (folder / file.name).write_bytes(file.read_bytes())
        assert "copy the tokenizer's files of the CLIP that it was made from" in refusal(folder)


def test_ends_that_tokenizer_and_configuration_do_not_share_are_refused(folders: Path, tmp_path: Path):
    folder = relabeled(copy_of(folders / "metaclip", tmp_path / "a"), "metaclip_2", eos_token_id=3)
    assert "ends texts with 2 and its text tower is pooled at 3" in refusal(folder)


def test_image_settings_of_another_tower_are_refused(folders: Path, tmp_path: Path):
    clip = say(
        copy_of(folders / "clip", tmp_path / "a"),
        "preprocessor_config.json",
        image_processor_type="SiglipImageProcessor",
    )
    assert "is that of another tower (a SiglipImageProcessor beside a CLIP)" in refusal(clip)
    siglip = say(
        copy_of(folders / "siglip", tmp_path / "b"),
        "preprocessor_config.json",
        image_processor_type="CLIPImageProcessor",
    )
    assert "is that of another tower (a CLIPImageProcessor beside a SigLIP)" in refusal(siglip)


def test_a_metaclip_with_the_sentencepiece_file_of_mt5_equals_the_library(folders: Path, tmp_path: Path):
    """Its tokenizer is SigLIP's first one, which needs a package of its own."""
    pytest.importorskip("sentencepiece")
    folder = copy_of(folders / "mt5", tmp_path / "spiece", without=TOKENIZER)
    resized(folder, sentencepiece_tokenizer(folder))
    backbone, reference = load_backbone(folder, device="cpu"), ClipReference(folder)
    texts = ["Walking!", "a fox"]
    assert (backbone.text_features(texts) - reference.texts(texts)).abs().max() < 1e-5
    assert backbone.tokenize(texts).ids.shape[1] < POSITIONS
