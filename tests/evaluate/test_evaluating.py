from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app import evaluate
from ga2app.backbone import Backbone, load_backbone
from ga2app.contracts import Dataset, LabelledClip, Subset
from ga2app.errors import DatasetError
from ga2app.model import plain_clip
from tests.clips import color_dataset


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


def test_the_harmonic_mean_punishes_the_weaker_side():
    # 2 · 90 · 30 / 120
    assert evaluate.harmonic_mean(90, 30) == pytest.approx(45)
    assert evaluate.harmonic_mean(0, 0) == 0


def test_base_clips_compete_among_base_names_and_novel_ones_among_novel_names(backbone: Backbone):
    """Features are the text features themselves, some of them swapped, so that the right counts are known."""
    names = ("walking", "running", "jumping", "reading")
    data = Dataset("set", names[:2], names[2:], tuple(LabelledClip("p", name, Subset.TEST) for name in names))
    model = plain_clip(backbone, data.base)
    clips = evaluate.test_clips(data)
    features = model.encode_names([clip.label for clip in clips])
    perfect = evaluate.evaluate_features(model, data, clips, features)
    assert perfect.metrics() == {"base": 100.0, "novel": 100.0, "hm": 100.0}
    assert perfect.base is not None and perfect.base.per_class == {"walking": 100.0, "running": 100.0}

    swapped = features.clone()
    swapped[1] = features[0]  # the clip of running looks like walking: base 1 of 2
    result = evaluate.evaluate_features(model, data, clips, swapped)
    assert result.metrics() == {"base": 50.0, "novel": 100.0, "hm": pytest.approx(200 / 3)}
    assert result.base is not None and result.base.per_class == {"walking": 100.0, "running": 0.0}
    assert result.base.top5 == 100.0


def test_without_novel_clips_there_is_no_novel_figure_and_no_hm(backbone: Backbone):
    data = Dataset("set", ("walking", "running"), (), (LabelledClip("p", "walking", Subset.TEST),))
    model = plain_clip(backbone, data.base)
    result = evaluate.evaluate_features(model, data, evaluate.test_clips(data), model.encode_names(["walking"]))
    assert result.metrics() == {"base": 100.0} and result.novel is None


def test_features_of_many_clips_equal_those_of_each_alone(backbone: Backbone, tmp_path: Path):
    paths = [clip.path for clip in color_dataset(tmp_path, train=3, test=2).clips]
    model = plain_clip(backbone, ["walking", "running"])
    together = evaluate.encode_clips(model, paths, 2)
    assert together.shape == (20, 16)
    alone = torch.cat([evaluate.encode_clips(model, [path], 2) for path in paths])
    assert (together - alone).abs().max() < 1e-5


def test_a_data_set_without_test_clips_says_what_to_do(backbone: Backbone, tmp_path: Path):
    data = color_dataset(tmp_path)
    bare = replace(data, clips=tuple(clip for clip in data.clips if clip.subset is Subset.TRAIN))
    with pytest.raises(DatasetError, match="has no test clips; mark some clips of its classes as test"):
        evaluate.evaluate(plain_clip(backbone, data.base), bare, 2)


def test_encoding_can_be_stopped(backbone: Backbone, tmp_path: Path):
    paths = [clip.path for clip in color_dataset(tmp_path, 1, 1).clips]
    with pytest.raises(InterruptedError):
        evaluate.encode_clips(plain_clip(backbone, ["walking"]), paths, 2, should_stop=lambda: True)
