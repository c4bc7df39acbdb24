"""From a model and a data set to accuracies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ga2app import evaluation as evaluate
from ga2app.clip import Backbone, load_backbone
from ga2app.errors import DatasetError, TrainingError
from ga2app.method.prompted_model import plain_clip
from ga2app.types import Dataset, LabelledClip, Subset
from ga2app.video.pixels import evaluation_pixels, multi_view_pixels
from ga2app.video.sampling import MultiView
from tests.approx import same_record
from tests.clips import color_dataset

LABELS = ("walking", "running", "jumping", "reading")


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


def one_clip_each() -> Dataset:
    return Dataset("set", LABELS[:2], LABELS[2:], tuple(LabelledClip("p", name, Subset.TEST) for name in LABELS))


def test_base_clips_compete_among_base_names_and_novel_ones_among_novel_names(backbone: Backbone):
    """Features are the text features themselves, some of them swapped, so that the right counts are known."""
    data = one_clip_each()
    model = plain_clip(backbone, data.base)
    clips = evaluate.test_clips(data)
    features = model.encode_names([clip.label for clip in clips])
    perfect = evaluate.evaluate_features(model, data, clips, features)
    assert perfect.metrics() == {"base": 100.0, "novel": 100.0, "hm": 100.0}
    assert perfect.base is not None and perfect.base.per_class == {"walking": 100.0, "running": 100.0}
    assert perfect.joint is None

    swapped = features.clone()
    swapped[1] = features[0]  # the clip of running looks like walking: base 1 of 2
    result = evaluate.evaluate_features(model, data, clips, swapped)
    assert result.metrics() == {"base": 50.0, "novel": 100.0, "hm": pytest.approx(200 / 3, rel=1e-4)}
    assert result.base is not None and result.base.per_class == {"walking": 100.0, "running": 0.0}
    assert result.base.top5 is None and result.base.confusion == ((1, 0), (1, 0))


def test_together_a_novel_name_can_win_over_the_base_name(backbone: Backbone):
    """The clip of running looks like jumping most, but more like running than like walking."""
    data = one_clip_each()
    model = plain_clip(backbone, data.base)
    clips = evaluate.test_clips(data)
    texts = model.encode_names(LABELS)
    features = texts.clone()
    features[1] = torch.nn.functional.normalize(0.6 * texts[1] + texts[2], dim=0)
    assert texts[:2] @ features[1] @ torch.tensor([-1.0, 1.0]) > 0
    result = evaluate.evaluate_features(model, data, clips, features, joint=True)
    assert result.metrics() == {"base": 100.0, "novel": 100.0, "hm": 100.0}
    assert result.joint_metrics() == pytest.approx({"base": 50, "novel": 100, "hm": 200 / 3, "all": 75}, rel=1e-4)
    assert result.joint is not None and result.joint.confusion[1] == (0, 0, 1, 0)


def test_without_novel_clips_there_is_no_novel_figure_and_no_hm(backbone: Backbone):
    data = Dataset("set", ("walking", "running"), (), (LabelledClip("p", "walking", Subset.TEST),))
    model = plain_clip(backbone, data.base)
    clips, features = evaluate.test_clips(data), model.encode_names(["walking"])
    result = evaluate.evaluate_features(model, data, clips, features, joint=True)
    assert result.metrics() == {"base": 100.0} and result.novel is None
    assert result.joint_metrics() == {"base": 100.0, "all": 100.0}


def test_pooled_labels_are_one_group(backbone: Backbone):
    data = evaluate.pooled(one_clip_each())
    assert data.base == LABELS and data.novel == ()
    model = plain_clip(backbone, data.base)
    features = model.encode_names(LABELS)[:, None]  # (N, 1, D)
    result = evaluate.evaluate(model, data, 2, features=features)
    assert result.metrics() == {"base": 100.0} and result.base is not None and result.base.clips == 4


def test_labels_in_common_are_found_whatever_their_spelling():
    data = replace(one_clip_each(), base=("Playing_Violin", "running"), novel=("reading  a book", "SkyDiving"))
    assert evaluate.shared_labels(["PlayingViolin", "Reading a Book", "skiing", "sky diving"], data) == (
        "Playing_Violin",
        "reading  a book",
        "SkyDiving",
    )


def test_the_views_of_a_clip_vote_by_their_softmax_and_not_by_their_mean_feature(backbone: Backbone):
    """One view is sure of walking, two lean a little towards running: the shares add up to walking.

    With logits 6 and 0 the softmax is 0.9975 and 0.0025, with 0 and 2 it is 0.1192 and 0.8808: walking has
    0.9975 + 2 · 0.1192 = 1.236 of 3, less than running's 1.764. With 0 and 0.4 it is 0.4013 and 0.5987: walking has
    1.800. The mean of the logits, which is what the mean feature gives, says walking in both cases: 6 > 4 and 6 > 0.8.
    """
    data = Dataset("set", LABELS[:2], (), (LabelledClip("p", "walking", Subset.TEST),))
    model = plain_clip(backbone, data.base)
    texts = model.encode_names(data.base)
    solve = torch.linalg.pinv(texts) / backbone.scale  # (D, C): logits to a feature that gives them

    def top1(leaning: float) -> float:
        logits = torch.tensor([[6.0, 0.0], [0.0, leaning], [0.0, leaning]])
        features = (solve @ logits.T).T[None]  # (1, 3, D)
        result = evaluate.evaluate_features(model, data, evaluate.test_clips(data), features)
        assert result.base is not None
        return result.base.top1

    assert top1(2.0) == 0 and top1(0.4) == 100


def test_features_of_many_clips_equal_those_of_each_alone(backbone: Backbone, tmp_path: Path):
    paths = [clip.path for clip in color_dataset(tmp_path, train=3, test=2).clips]
    model = plain_clip(backbone, ["walking", "running"])
    together = evaluate.encode_clips(model, paths, 2)
    assert together.shape == (20, 16)
    alone = torch.cat([evaluate.encode_clips(model, [path], 2) for path in paths])
    assert same_record(together, alone)


def test_a_single_view_is_the_clip_feature(backbone: Backbone, tmp_path: Path):
    paths = [clip.path for clip in color_dataset(tmp_path, 1, 1).clips]
    model = plain_clip(backbone, ["walking"])
    with torch.no_grad():
        by_hand = model.encode_clips(torch.stack([evaluation_pixels(path, 2, 32) for path in paths]))
    assert same_record(evaluate.encode_clips(model, paths, 2), by_hand)
    assert same_record(evaluate.encode_views(model, paths, 2), by_hand[:, None])


def test_views_are_encoded_each_for_itself_and_in_order(backbone: Backbone, tmp_path: Path):
    paths = [clip.path for clip in color_dataset(tmp_path, 1, 1).clips]  # 8 clips of 6 views: several batches
    model, views = plain_clip(backbone, ["walking"]), MultiView(2, 3)
    features = evaluate.encode_views(model, paths, 2, views)
    assert features.shape == (8, 6, 16)
    with torch.no_grad():
        for row, path in enumerate(paths):
            pixels = multi_view_pixels(path, 2, 32, views)
            for view in range(6):
                assert (features[row, view] - model.encode_clips(pixels[view][None])[0]).abs().max() < 1e-5


def test_features_that_are_known_are_not_computed_again(backbone: Backbone, tmp_path: Path):
    data = color_dataset(tmp_path, 1, 1)
    model = plain_clip(backbone, data.base)
    features = evaluate.encode_test_clips(model, data, 2, MultiView(2, 1))
    first = evaluate.evaluate(model, data, 2, MultiView(2, 1))
    for clip in data.clips:
        Path(clip.path).unlink()
    assert evaluate.evaluate(model, data, 2, MultiView(2, 1), features=features) == first


def test_a_model_that_gives_no_numbers_is_not_measured(tiny_clip_folder: Path):
    sick = load_backbone(tiny_clip_folder, precision="float32")
    sick.clip.visual_projection.weight.fill_(float("nan"))
    data = one_clip_each()
    model = plain_clip(sick, data.base)
    with pytest.raises(TrainingError, match="not numbers: its training diverged.*lower learning rate"):
        evaluate.evaluate(model, data, 2, features=torch.full((4, 1, 16), float("nan")))


def test_a_data_set_without_test_clips_says_what_to_do(backbone: Backbone, tmp_path: Path):
    data = color_dataset(tmp_path)
    bare = replace(data, clips=tuple(clip for clip in data.clips if clip.subset is Subset.TRAIN))
    with pytest.raises(DatasetError, match="has no test clips; mark some clips of its classes as test"):
        evaluate.evaluate(plain_clip(backbone, data.base), bare, 2)


def test_encoding_can_be_stopped(backbone: Backbone, tmp_path: Path):
    paths = [clip.path for clip in color_dataset(tmp_path, 1, 1).clips]
    with pytest.raises(InterruptedError):
        evaluate.encode_clips(plain_clip(backbone, ["walking"]), paths, 2, should_stop=lambda: True)
