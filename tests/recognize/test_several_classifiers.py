"""Several bundles beside zero-shot CLIP, and several sentences round a label."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from ga2app import Recognizer, load_backbone
from ga2app.clip import Backbone
from ga2app.errors import LabelError
from ga2app.inference import ModelCache
from ga2app.inference.answer_notes import check_templates
from ga2app.inference.model_cache import MOST_BUNDLES
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import write_drawn_clip
from tests.approx import same_record

LABELS = ["climbing a ladder", "riding a bicycle", "flying a kite"]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("sketch")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("drawn") / "climbing.mp4"
    write_drawn_clip(path, ACTIONS["climbing_a_ladder"], "camcorder", 5)
    return str(path)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> str:
    return shutil.copytree(SKETCH_HARD_PROMPT, tmp_path_factory.mktemp("bundles") / "copy").as_posix()


def test_each_bundle_says_beside_the_others_what_it_says_alone(backbone: Backbone, clip: str, copy: str):
    (alone,) = Recognizer(backbone, SKETCH_HARD_PROMPT).recognize([clip], LABELS).clips
    (several,) = Recognizer(backbone, [SKETCH_HARD_PROMPT, copy]).recognize([clip], LABELS).clips
    assert [answer.bundle for answer in several.answers] == [None, str(SKETCH_HARD_PROMPT), copy]
    assert same_record(several.plain, alone.plain) and same_record(several.bundle, alone.bundle)
    assert same_record(several.bundles[1].scores, several.bundles[0].scores)
    assert several.timeline == several.bundles[0].timeline != several.answers[0].timeline


def test_the_curves_are_the_shares_of_each_frame_alone(backbone: Backbone, clip: str):
    (found,) = Recognizer(backbone, num_frames=4).recognize([clip], LABELS).clips
    (answer,) = found.answers
    assert [curve.label for curve in answer.curves] == [score.label for score in answer.scores]
    shares = np.array([curve.probabilities for curve in answer.curves])
    assert shares.shape == (3, 4) and np.allclose(shares.sum(axis=0), 1, atol=1e-5)
    for place, moment in enumerate(answer.timeline):
        assert moment.score == pytest.approx(shares[:, place].max(), rel=1e-4)


def test_of_several_sentences_the_mean_of_the_features_counts(backbone: Backbone, clip: str):
    templates = ("a video of a person {}.", "a photo of a person {}.", "someone is {}.")
    parts = torch.stack([backbone.class_features(LABELS, [template]) for template in templates]).mean(dim=0)
    mean = backbone.class_features(LABELS, templates)
    assert same_record(mean, parts / parts.norm(dim=-1, keepdim=True))
    recognizer = Recognizer(backbone)
    scores = [recognizer.recognize([clip], LABELS, template=one).clips[0].plain for one in (*templates, templates)]
    assert len({score[0].score for score in scores}) == 4


def test_bundles_read_none_of_the_sentences(backbone: Backbone, clip: str):
    recognizer = Recognizer(backbone, SKETCH_HARD_PROMPT)
    first, second = (recognizer.recognize([clip], LABELS, template=one).clips[0] for one in (None, ["{}.", "a {}"]))
    assert same_record(first.bundle, second.bundle) and first.plain != second.plain


def test_blank_sentences_and_doubles_are_left_out_and_too_many_are_refused():
    assert check_templates([" a {} ", "", "a {}", "b {}"]) == ("a {}", "b {}")
    assert check_templates([]) == check_templates("  ") == check_templates(None)
    with pytest.raises(LabelError, match="template 'b' must hold one pair of braces"):
        check_templates(["a {}", "b"])
    with pytest.raises(LabelError, match="101 sentences"):
        check_templates([f"{number} {{}}" for number in range(101)])


def test_the_studio_keeps_a_recognizer_ready_until_its_bundle_changes(clip: str, copy: str):
    studio = ModelCache()
    bundles = [str(SKETCH_HARD_PROMPT), copy]
    first = studio.recognizer("sketch", bundles).recognize([clip], LABELS).clips[0]
    (kept,) = studio._recognizers.values()
    again = studio.recognizer("sketch", bundles).recognize([clip], LABELS).clips[0]
    assert same_record(again.answers, first.answers)
    assert list(studio._recognizers.values()) == [kept]
    manifest = Path(copy) / "bundle.json"
    manifest.write_text(manifest.read_text().replace('"climbing', '"no climbing'))
    changed = studio.recognizer("sketch", bundles).recognize([clip], LABELS)
    assert len(studio._recognizers) == 2 and changed.clips[0].bundles[1].scores[0].label == first.plain[0].label


def test_so_many_bundles_stay_loaded_and_the_one_that_was_used_longest_ago_goes(tmp_path: Path) -> None:
    models = ModelCache()
    folders = [str(shutil.copytree(SKETCH_HARD_PROMPT, tmp_path / str(number))) for number in range(MOST_BUNDLES + 2)]
    first = models.bundle(folders[0])
    loaded = [models.bundle(folder) for folder in folders[1:-1]]
    assert models.bundle(folders[1]) is loaded[0] and models.bundle(folders[0]) is not first
    assert models.bundle(folders[1]) is loaded[0], "it was used just now"
    models.bundle(folders[-1])
    assert len(models._bundles) == MOST_BUNDLES
