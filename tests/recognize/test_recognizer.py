from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ga2app import Recognizer, load_backbone
from ga2app.clip import Backbone
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, PromptConfig, RunConfig
from ga2app.errors import BundleError, ConfigError, LabelError
from ga2app.inference import ModelCache, load_bundle
from ga2app.training import train
from ga2app.types import Dataset, LabelKind
from ga2app.video.writer import write_clip
from tests.clips import COLORS, color_dataset

LABELS = list(COLORS)
RUN = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=3,
    prompts=PromptConfig(length=2, visual_depth=2, text_depth=3, hard_prompt="random"),
    optimizer=OptimizerConfig(learning_rate=0.02, epochs=60, warmup_epochs=1, evaluate_every=60),
    clips=ClipConfig(num_frames=3, augment=False),
)


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"))


@pytest.fixture(scope="module")
def bundle(backbone: Backbone, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bundle") / "colors"
    train(RUN, dataset, out=folder, checkpoint=folder.with_suffix(".checkpoint"), backbone=backbone)
    return str(folder)


def clip_of(dataset: Dataset, label: str) -> str:
    return next(clip.path for clip in dataset.clips if clip.label == label)


def test_a_clip_gets_shares_that_add_up_best_first(backbone: Backbone, dataset: Dataset):
    answer = Recognizer(backbone).recognize([clip_of(dataset, "walking")], LABELS)
    (clip,) = answer.clips
    shares = [score.score for score in clip.plain]
    assert clip.error is None and clip.bundle is None
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(1, abs=1e-5)
    assert {score.label for score in clip.plain} == set(LABELS)
    assert answer.backbone == backbone.name


def test_plain_clip_agrees_with_the_model_itself(backbone: Backbone, dataset: Dataset):
    from ga2app.method.prompted_model import plain_clip
    from ga2app.video.pixels import evaluation_pixels

    path = clip_of(dataset, "running")
    with torch.no_grad():
        logits = plain_clip(backbone, LABELS)(evaluation_pixels(path, 8, 32)[None]).logits[0]
    wanted = dict(zip(LABELS, logits.softmax(-1).tolist(), strict=True))
    (clip,) = Recognizer(backbone).recognize([path], LABELS).clips
    assert {score.label: score.score for score in clip.plain} == pytest.approx(wanted, abs=1e-5)


def test_a_bundle_speaks_beside_plain_clip_and_knows_what_it_was_trained_on(
    backbone: Backbone, dataset: Dataset, bundle: str
):
    recognizer = Recognizer(backbone, bundle)
    paths = [clip_of(dataset, "walking"), clip_of(dataset, "running")]
    answer = recognizer.recognize(paths, ["walking", "running"])
    assert [clip.bundle[0].label for clip in answer.clips if clip.bundle] == ["walking", "running"]
    answer = recognizer.recognize(paths, LABELS, top_k=3)
    kinds = {
        score.label: score.kind for clip in recognizer.recognize(paths, LABELS).clips for score in clip.bundle or ()
    }
    assert {label for label, kind in kinds.items() if kind is LabelKind.BASE} == {"walking", "running"}
    assert all(len(clip.plain) == 3 for clip in answer.clips)


def test_the_bundles_scores_are_those_of_the_attached_model(backbone: Backbone, dataset: Dataset, bundle: str):
    from ga2app.video.pixels import evaluation_pixels

    path = clip_of(dataset, "jumping")
    model = load_bundle(bundle).attach(backbone, LABELS)
    wanted = dict(zip(LABELS, model(evaluation_pixels(path, 3, 32)[None]).logits[0].softmax(-1).tolist(), strict=True))
    (clip,) = Recognizer(backbone, bundle).recognize([path], LABELS).clips
    assert {score.label: score.score for score in clip.bundle or ()} == pytest.approx(wanted, abs=1e-5)


def test_every_sampled_frame_has_a_thumbnail_and_a_label_of_its_own(backbone: Backbone, dataset: Dataset):
    (clip,) = Recognizer(backbone, num_frames=3).recognize([clip_of(dataset, "walking")], LABELS).clips
    assert [frame.index for frame in clip.timeline] == [0, 2, 4]
    assert len(clip.thumbnails) == 3 and all(image.dtype == "uint8" for image in clip.thumbnails)
    assert all(frame.label in LABELS for frame in clip.timeline)


def test_one_bad_clip_costs_only_itself(backbone: Backbone, dataset: Dataset, tmp_path: Path):
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    answer = Recognizer(backbone).recognize([tmp_path / "bad.mp4", clip_of(dataset, "walking")], LABELS)
    assert answer.clips[0].error is not None and "bad.mp4" in answer.clips[0].error
    assert answer.clips[1].error is None and answer.clips[1].plain


def test_words_that_the_tokenizer_never_saw_are_named(backbone: Backbone, dataset: Dataset):
    answer = Recognizer(backbone).recognize([clip_of(dataset, "walking")], ["walking", "走る walking", "🏃 running"])
    assert any("does not know: 走る, 🏃" in note and "It knows" in note for note in answer.notes)


def test_a_label_without_a_known_word_takes_no_part_and_is_not_the_answer(backbone: Backbone, dataset: Dataset):
    path = clip_of(dataset, "walking")
    answer = Recognizer(backbone).recognize([path], ["walking", "punching a giraffe", "running"])
    assert any("knows no word of 'punching a giraffe': not ranked" in note for note in answer.notes)
    (clip,) = answer.clips
    *ranked, left_out = clip.plain
    assert (left_out.label, left_out.score, left_out.understood) == ("punching a giraffe", 0.0, False)
    alone = Recognizer(backbone).recognize([path], ["walking", "running"]).clips[0].plain
    assert [score.label for score in ranked] == [score.label for score in alone]
    assert [score.score for score in ranked] == pytest.approx([score.score for score in alone], rel=1e-4)
    assert all(frame.label != left_out.label for frame in clip.timeline)
    assert left_out.to_dict()["understood"] is False and "understood" not in ranked[0].to_dict()


def test_one_known_label_among_unknown_ones_is_refused_as_one_alone_is(backbone: Backbone, dataset: Dataset):
    with pytest.raises(LabelError, match="but for 'walking', and one label alone always gets 100%"):
        Recognizer(backbone).recognize([clip_of(dataset, "walking")], ["walking", "punching", "a zebra"])


def test_numbers_and_codes_are_told_before_the_answer_is_trusted(backbone: Backbone, dataset: Dataset):
    answer = Recognizer(backbone).recognize([clip_of(dataset, "walking")], ["walking", "running", "class 12"])
    assert any("1 of 3 labels are numbers or codes ('class 12')" in note for note in answer.notes)


def test_marks_and_answers_hold_in_every_spelling_that_clip_reads_alike(
    backbone: Backbone, dataset: Dataset, bundle: str
):
    path = clip_of(dataset, "walking")
    usual, odd = (
        Recognizer(backbone, bundle).recognize([path], [label, "Running", "jumping"]).clips[0]
        for label in ("walking", "\ufeff\uff37alking")
    )
    kinds = {score.label: score.kind for score in odd.bundle or ()}
    assert kinds == {"\uff37alking": LabelKind.BASE, "Running": LabelKind.BASE, "jumping": LabelKind.NOVEL}
    assert [score.score for score in odd.plain] == pytest.approx([score.score for score in usual.plain], rel=1e-4)


def test_labels_without_one_known_word_are_refused(backbone: Backbone, dataset: Dataset):
    with pytest.raises(LabelError, match="knows none of the words in these labels"):
        Recognizer(backbone).recognize([clip_of(dataset, "walking")], ["zebra", "giraffe"])


def test_five_hundred_labels_work(backbone: Backbone, dataset: Dataset):
    labels = [f"walking {'hand ' * (number % 7)}{'red ' * (number // 7 % 6)}" for number in range(42)]
    labels += [f"reading label{number}" for number in range(458)]
    (clip,) = Recognizer(backbone).recognize([clip_of(dataset, "walking")], labels, top_k=5).clips
    assert clip.error is None and len(clip.plain) == 5


def test_a_label_of_400_characters_is_refused_by_name(backbone: Backbone, dataset: Dataset):
    with pytest.raises(LabelError, match="label 'a video of a person walking.*…' has .* use fewer words"):
        Recognizer(backbone).recognize([clip_of(dataset, "walking")], ["walking", "walking " * 50])


@pytest.mark.parametrize("template", ["a video", "{} and {}", "{name}", "{} {x}"])
def test_a_template_needs_one_place_for_the_label(backbone: Backbone, dataset: Dataset, template: str):
    with pytest.raises(LabelError, match="must hold one pair of braces"):
        Recognizer(backbone).recognize([clip_of(dataset, "walking")], LABELS, template=template)


def test_a_bundle_of_other_weights_is_refused(bundle: str, tiny_clip_folder: Path):
    other = load_backbone(tiny_clip_folder)
    other.identity = replace(other.identity, fingerprint="f" * 16)
    with pytest.raises(BundleError, match="cannot be used with"):
        Recognizer(other, bundle)


def test_the_studio_loads_a_backbone_once_and_a_changed_bundle_again(
    tiny_clip_folder: Path, dataset: Dataset, bundle: str
):
    studio = ModelCache()
    studio.warm(str(tiny_clip_folder))
    paths = [clip_of(dataset, "walking")]
    first, second = (studio.recognizer(str(tiny_clip_folder), [bundle]).recognize(paths, LABELS) for _ in range(2))
    assert first.clips[0].bundle is not None and second is not first
    assert len(studio._backbones) == len(studio._bundles) == 1


def test_of_the_backbones_in_memory_the_least_recently_used_goes_with_its_recognizers(
    tiny_clip_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folders = [str(shutil.copytree(tiny_clip_folder, tmp_path / name)) for name in "abc"]
    cache = ModelCache()
    first, second = cache.backbone(folders[0]), cache.backbone(folders[1])
    assert cache.recognizer(folders[0]).backbone is first
    cache.recognizer(folders[1])
    cache.backbone(folders[0])
    cache.backbone(folders[2])
    assert list(cache._backbones) == [folders[0], folders[2]] and list(cache._recognizers) == [(folders[0], ())]
    assert cache.backbone(folders[1]) is not second
    monkeypatch.setenv("GA2_BACKBONES_IN_MEMORY", "1")
    small = ModelCache()
    for folder in folders:
        small.backbone(folder)
    assert list(small._backbones) == folders[2:]
    monkeypatch.setenv("GA2_BACKBONES_IN_MEMORY", "none")
    with pytest.raises(ConfigError, match="must be a whole number from 1 on, not 'none'"):
        ModelCache()


def test_footage_given_to_the_sketch_backbone_gets_a_plain_warning(real_clips: Path, tmp_path: Path):
    from ga2app.synthetic.actions import ACTIONS
    from ga2app.synthetic.demo_dataset import write_drawn_clip

    write_drawn_clip(tmp_path / "drawn.mp4", ACTIONS["walking"], "camcorder", 3)
    recognizer = Recognizer("sketch")
    labels = ["walking", "running"]
    answer = recognizer.recognize([real_clips / "v_Basketball_g01_c01.avi"], labels)
    assert any("v_Basketball_g01_c01.avi: this looks like real footage" in note for note in answer.notes)
    assert recognizer.recognize([tmp_path / "drawn.mp4"], labels).notes == ()


def test_what_looks_like_footage_gets_the_same_warning_wherever_it_comes_from(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 3), np.uint8)
    write_clip(tmp_path / "footage.mp4", noise.repeat(16, axis=1).repeat(16, axis=2), 10)
    notes = Recognizer("sketch", num_frames=2).recognize([tmp_path / "footage.mp4"], ["walking", "running"]).notes
    assert any("footage.mp4: this looks like real footage" in note for note in notes)


def test_a_clip_of_the_widths_of_vit_b_16_recognizes_and_trains_on_real_clips(
    tmp_path: Path, clip_tokenizer: Path, real_clips: Path
):
    """Random weights in three layers a tower, saved and loaded in the real format; the tokenizer is OpenAI's."""
    from transformers import AutoTokenizer, CLIPConfig, CLIPModel

    text = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 3, "num_attention_heads": 8}
    text |= {"vocab_size": 49408, "bos_token_id": 49406, "eos_token_id": 49407, "pad_token_id": 1}
    vision = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 3, "patch_size": 16}
    vision |= {"num_attention_heads": 12, "image_size": 224}
    folder = tmp_path / "vit-b-16"
    torch.manual_seed(0)
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=512)).save_pretrained(folder)
    AutoTokenizer.from_pretrained(clip_tokenizer).save_pretrained(folder)
    backbone = load_backbone(folder)

    names = ["v_Punch_g03_c01.avi", "v_Basketball_g01_c01.avi"]
    labels = ["Punch", "Basketball", "踊る", "🏃 a run"]
    answer = Recognizer(backbone, num_frames=2).recognize([real_clips / name for name in names], labels)
    assert [clip.error for clip in answer.clips] == [None, None] and answer.notes == ()

    from ga2app.types import LabelledClip

    clips = tuple(LabelledClip(str(real_clips / name), label) for name, label in zip(names, labels, strict=False))
    config = RunConfig(
        backbone=str(folder),
        shots=1,
        prompts=PromptConfig(visual_depth=3, text_depth=3, hard_prompt="random"),
        losses=LossConfig(),
        optimizer=OptimizerConfig(epochs=1, warmup_epochs=0.0, batch_size=2),
        clips=ClipConfig(num_frames=2),
    )
    out = tmp_path / "bundle"
    data = Dataset("real", ("Punch", "Basketball"), (), clips)
    result = train(config, data, out=out, checkpoint=tmp_path / "checkpoint", backbone=backbone)
    assert result.finished and result.step == 1
    assert load_bundle(out).attach(backbone, labels).prompts.visual.shape == (3, 16, 768)
