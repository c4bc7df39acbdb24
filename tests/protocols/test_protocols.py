"""The protocols on a tiny CLIP and small clips of noise: whole trainings, a second each."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app import evaluation as evaluate
from ga2app.bundles import load_folder
from ga2app.clip import Backbone, load_backbone
from ga2app.config import (
    ClipConfig,
    LossConfig,
    OptimizerConfig,
    Precision,
    PromptConfig,
    RunConfig,
    WhiteningConfig,
)
from ga2app.errors import ConfigError, DatasetError, TrainingError
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.protocols.few_shot_draws import Session
from ga2app.protocols.protocol_runs import base_to_novel, cross_dataset, few_shot
from ga2app.types import Dataset, Event, EventKind, LabelledClip, Subset
from ga2app.video.sampling import MultiView
from tests.clips import color_dataset, write_color_clip

QUICK = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=2,
    seed=7,
    prompts=PromptConfig(length=2, visual_depth=0, text_depth=2, hard_prompt="random"),
    losses=LossConfig(text_distillation=1.0),
    optimizer=OptimizerConfig(learning_rate=0.01, epochs=2, warmup_epochs=0, batch_size=4, evaluate_every=2),
    clips=ClipConfig(num_frames=2),
)
FULL = replace(QUICK, prompts=replace(QUICK.prompts, visual_depth=2))


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Two test clips each of Waving_Hand, which no other set has, and of Walking, which ``dataset`` trains on."""
    folder = tmp_path_factory.mktemp("other")
    clips = tuple(
        LabelledClip(write_color_clip(folder / f"{label}-{number}.mp4", color, number), label, Subset.TEST)
        for label, color in (("Waving_Hand", (90, 90, 200)), ("Walking", (220, 40, 40)))
        for number in range(2)
    )
    return Dataset("other", ("Waving_Hand",), ("Walking",), clips)


class Steps:
    """Hears of a session's events and asks for a stop after ``stop_after`` steps."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.events: list[Event] = []
        self.stop_after = stop_after

    def should_stop(self) -> bool:
        return self.stop_after is not None and self.count >= self.stop_after

    @property
    def count(self) -> int:
        return sum(event.kind is EventKind.STEP for event in self.events)

    @property
    def texts(self) -> list[str]:
        return [str(event.values["text"]) for event in self.events if event.kind is EventKind.LOG]

    def session(self, backbone: Backbone, out: Path, views: MultiView = evaluate.SINGLE_VIEW) -> Session:
        return Session(backbone, out, views, self.events.append, self.should_stop)


def folders(out: Path) -> list[str]:
    return sorted(path.name for path in out.iterdir())


def top1(found: evaluate.GroupAccuracy | None) -> float:
    assert found is not None
    return found.top1


@pytest.mark.parametrize("config", [QUICK, FULL], ids=["quick", "full"])
def test_base_to_novel_is_what_training_and_evaluating_by_hand_give(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    out = tmp_path / "draws"
    report = base_to_novel(config, dataset, [7, 8], Steps().session(backbone, out), joint=True)
    (series,) = report.series
    assert folders(out) == ["seed-7", "seed-8"]
    assert [(draw.name, draw.seed, draw.shots, draw.clips) for draw in series.draws] == [
        ("seed-7", 7, 2, 4),
        ("seed-8", 8, 2, 4),
    ]
    for draw in series.draws:
        bundle = load_folder(out / draw.name)
        assert bundle.manifest.run == replace(config, seed=draw.seed, precision=backbone.compute.precision)
        model = PromptedClip(backbone, bundle.learner(), dataset.base).eval()
        found = evaluate.evaluate(model, dataset, 2, joint=True)
        split = {name: draw.figures[name] for name in ("base", "novel", "hm")}
        assert split == found.metrics() == bundle.manifest.metrics
        joint = found.joint_metrics()
        assert {name: draw.figures[f"joint_{name}"] for name in ("base", "novel", "hm")} == {
            name: joint[name] for name in ("base", "novel", "hm")
        }
        assert draw.details == found.to_dict()
        assert {name: series.plain[name] for name in split} == bundle.manifest.zero_shot
    first, second = (load_folder(out / name).tensors["soft"] for name in ("seed-7", "seed-8"))
    assert not first.equal(second)


def test_draws_that_are_made_at_once_have_the_figures_of_those_made_one_after_another(
    dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
):
    config = replace(QUICK, backbone=str(tiny_clip_folder), precision=Precision.FLOAT32)
    backbone = load_backbone(config.backbone, precision="float32")
    alone = base_to_novel(config, dataset, [7, 8], Steps().session(backbone, tmp_path / "alone"))
    heard = Steps()
    session = replace(heard.session(backbone, tmp_path / "at-once"), workers=2)
    assert base_to_novel(config, dataset, [7, 8], session).to_dict() == alone.to_dict()
    assert {event.values["draw"] for event in heard.events if event.kind is EventKind.EPOCH} == {
        "seed-7",
        "seed-8",
    }


def test_a_stop_while_draws_are_made_at_once_is_obeyed_by_all_of_them(
    dataset: Dataset, tiny_clip_folder: Path, tmp_path: Path
):
    config = replace(QUICK, backbone=str(tiny_clip_folder), precision=Precision.FLOAT32)
    backbone = load_backbone(config.backbone, precision="float32")
    session = replace(Session(backbone, tmp_path, should_stop=lambda: True), workers=2)
    with pytest.raises(InterruptedError):
        base_to_novel(config, dataset, [7, 8], session)
    assert not list(tmp_path.glob("*/bundle.json"))


def test_several_views_are_used_by_the_bundle_and_by_plain_clip(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    views = MultiView(2, 3)
    report = base_to_novel(FULL, dataset, [7], Steps().session(backbone, tmp_path, views))
    (series,) = report.series
    model = PromptedClip(backbone, load_folder(tmp_path / "seed-7").learner(), dataset.base).eval()
    assert series.draws[0].details == evaluate.evaluate(model, dataset, 2, views).to_dict()
    assert series.plain_details == evaluate.evaluate(plain_clip(backbone, dataset.base), dataset, 2, views).to_dict()
    assert report.views == "2x3" and series.spread()["base"].std is None


def test_few_shot_trains_on_every_label_once_for_each_number_and_draw(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    report = few_shot(QUICK, dataset, [1, 3], [7, 8], Steps().session(backbone, tmp_path))
    assert folders(tmp_path) == ["shots-1-seed-7", "shots-1-seed-8", "shots-3-seed-7", "shots-3-seed-8"]
    assert [series.title for series in report.series] == ["1 shot", "3 shots"]
    assert [[draw.clips for draw in series.draws] for series in report.series] == [[4, 4], [12, 12]]
    manifest = load_folder(tmp_path / "shots-3-seed-8").manifest
    assert manifest.base == ("walking", "running", "jumping", "reading") and manifest.novel == ()
    assert (manifest.run.shots, manifest.run.seed) == (3, 8)
    figures = report.series[1].draws[1].figures
    assert figures.keys() == {"top1", "top5", "mean_class"} and figures["top1"] == manifest.metrics["base"]
    pooled = evaluate.pooled(dataset)
    assert report.series[0].plain["top1"] == top1(evaluate.evaluate(plain_clip(backbone, pooled.base), pooled, 2).base)
    assert report.to_dict()["config"].keys() & {"seed", "shots"} == set()


def test_cross_dataset_tests_each_draw_on_every_label_of_each_other_set(
    dataset: Dataset, other: Dataset, backbone: Backbone, tmp_path: Path
):
    third = replace(dataset, name="third", base=("jumping", "reading"), novel=(), clips=dataset.clips[10:])
    report = cross_dataset(QUICK, dataset, [other, third], [7, 8], Steps().session(backbone, tmp_path))
    assert folders(tmp_path) == ["seed-7", "seed-8"]
    assert [(series.title, series.shared) for series in report.series] == [("other", ("Walking",)), ("third", ())]
    assert load_folder(tmp_path / "seed-7").manifest.base == dataset.base
    labels = ("Waving_Hand", "Walking")
    model = PromptedClip(backbone, load_folder(tmp_path / "seed-8").learner(), labels).eval()
    found = evaluate.evaluate(model, evaluate.pooled(other), 2).base
    assert found is not None and found.clips == 4 and found.labels == labels and found.top5 is None
    assert report.series[0].draws[1].figures == found.figures()
    assert report.series[1].draws[0].details["base"]["labels"] == ["jumping", "reading"]


def test_finished_draws_are_not_trained_again_and_give_the_same_report(
    dataset: Dataset, other: Dataset, backbone: Backbone, tmp_path: Path
):
    first, again, crossed = Steps(), Steps(), Steps()
    report = base_to_novel(QUICK, dataset, [7, 8], first.session(backbone, tmp_path))
    assert first.count == 4  # 2 draws of 2 epochs of 4 clips in one batch
    assert base_to_novel(QUICK, dataset, [7, 8], again.session(backbone, tmp_path)) == report
    assert again.count == 0 and "seed-7: finished already" in again.texts
    # The draws of base-to-novel are those of cross-dataset, too.
    cross_dataset(QUICK, dataset, [other], [7, 8], crossed.session(backbone, tmp_path))
    assert crossed.count == 0


@pytest.mark.parametrize("config", [QUICK, FULL], ids=["quick", "full"])
def test_an_interrupted_protocol_goes_on_where_it_was(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    straight = base_to_novel(config, dataset, [7, 8], Steps().session(backbone, tmp_path / "straight"))
    stopped, resumed = Steps(stop_after=3), Steps()
    with pytest.raises(InterruptedError, match="stopped at step 1 of seed-8"):
        base_to_novel(config, dataset, [7, 8], stopped.session(backbone, tmp_path / "parts"))
    assert folders(tmp_path / "parts") == ["seed-7", "seed-8.checkpoint", "seed-8.checkpoint.before"]
    report = base_to_novel(config, dataset, [7, 8], resumed.session(backbone, tmp_path / "parts"))
    assert resumed.count == 1 and "resumed at step 1" in resumed.texts
    assert folders(tmp_path / "parts") == ["seed-7", "seed-8"]
    assert report == straight


def test_a_stop_while_measuring_loses_no_training(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    with pytest.raises(InterruptedError):
        base_to_novel(FULL, dataset, [7], Steps(stop_after=2).session(backbone, tmp_path))
    again = Steps()
    base_to_novel(FULL, dataset, [7], again.session(backbone, tmp_path))
    assert again.count == 0


def test_finished_draws_of_other_settings_or_clips_are_refused_before_anything_is_trained(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    base_to_novel(QUICK, dataset, [8], Steps().session(backbone, tmp_path))
    steps = Steps()
    changed = replace(QUICK, shots=3, optimizer=replace(QUICK.optimizer, epochs=3))
    with pytest.raises(TrainingError) as caught:
        base_to_novel(changed, dataset, [7, 8], steps.session(backbone, tmp_path))
    message = str(caught.value)
    assert "seed-8' was trained with other settings: shots was 2 and is now 3; " in message
    assert "optimizer.epochs was 2 and is now 3; name another folder with --out" in message
    with pytest.raises(TrainingError, match="the clips, labels, anchors or negatives of 'colors' have changed"):
        base_to_novel(QUICK, replace(dataset, clips=dataset.clips[1:]), [7, 8], steps.session(backbone, tmp_path))
    assert steps.count == 0 and folders(tmp_path) == ["seed-8"]


def test_data_sets_that_a_protocol_cannot_use_are_refused_before_anything_is_trained(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    session = Steps().session(backbone, tmp_path)
    for kind, labels in (("base", dataset.base), ("novel", dataset.novel)):
        few = tuple(clip for clip in dataset.clips if clip.subset is Subset.TRAIN or clip.label not in labels)
        with pytest.raises(DatasetError, match=f"'colors' has no test clips of {kind} labels"):
            base_to_novel(QUICK, replace(dataset, clips=few), [7], session)
    without = tuple(clip for clip in dataset.clips if clip.subset is Subset.TEST or clip.label in dataset.base)
    with pytest.raises(DatasetError, match="has no training clips for 2 of 4: jumping, reading; add training clips"):
        few_shot(QUICK, replace(dataset, clips=without), [1], [7], session)
    bare = replace(dataset, name="bare", clips=dataset.clips[:3])
    with pytest.raises(DatasetError, match="data set 'bare' has no test clips"):
        cross_dataset(QUICK, dataset, [bare], [7], session)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("shots", "seeds", "message"),
    [
        ([1], [], "seeds: at least one draw is needed"),
        ([1], [7, 7], "seeds: 7, 7 holds one twice"),
        ([1], [-1], "seed: must be between 0 and"),
        ([], [7], "shots: give each number"),
        ([2, 2], [7], "shots: give each number"),
        ([0], [7], "shots: must be at least 1"),
    ],
)
def test_numbers_that_make_no_sense_are_explained(
    shots: Sequence[int], seeds: Sequence[int], message: str, dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    with pytest.raises(ConfigError, match=message):
        few_shot(QUICK, dataset, shots, seeds, Steps().session(backbone, tmp_path))
    with pytest.raises(ConfigError, match="test: name at least one other data set"):
        cross_dataset(QUICK, dataset, [], [7], Steps().session(backbone, tmp_path))


def test_a_folder_of_something_else_in_the_place_of_a_draw_is_left_alone(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    shutil.copytree(Path(dataset.clips[0].path).parent, tmp_path / "seed-7")
    with pytest.raises(Exception, match="is not a bundle; name a new folder"):
        base_to_novel(QUICK, dataset, [7], Steps().session(backbone, tmp_path))
    assert len(folders(tmp_path / "seed-7")) == 22


def test_shots_beyond_the_clips_are_one_series_that_says_how_many_there_are(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    report = few_shot(QUICK, dataset, [2, 8, 16], [7], Steps().session(backbone, tmp_path))
    assert [series.title for series in report.series] == ["2 shots", "8, 16 shots (3 clips a label)"]
    assert folders(tmp_path) == ["shots-2-seed-7", "shots-8-seed-7"]
    (draw,) = report.series[1].draws
    assert draw.clips == 12 and draw.figures["top5"] is None and report.series[1].spread()["top5"] is None
    told = report.to_dict(details=False)["series"][1]
    assert told["mean"]["top5"] is None and told["tested"] == {"base": {"clips": 8, "labels": 4}}
    assert told["draws"][0]["intervals"].keys() == {"top1"}


def test_a_draw_whose_whitening_was_off_for_lack_of_clips_is_found_finished(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    bare = replace(dataset, anchors=(), negatives=())
    config = replace(QUICK, shots=1, losses=LossConfig(), whitening=WhiteningConfig(enabled=True))
    base_to_novel(config, bare, [7], Steps().session(backbone, tmp_path))
    again = Steps()
    base_to_novel(config, bare, [7], again.session(backbone, tmp_path))
    assert again.count == 0


def test_base_to_novel_refuses_a_single_novel_label(dataset: Dataset, backbone: Backbone, tmp_path: Path):
    clips = tuple(clip for clip in dataset.clips if clip.label != "reading")
    one = replace(dataset, novel=("jumping",), clips=clips)
    with pytest.raises(DatasetError, match="has only 1 novel label: with one there is nothing to tell apart"):
        base_to_novel(QUICK, one, [7], Steps().session(backbone, tmp_path))


def test_test_clips_of_another_set_that_were_trained_on_are_counted(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
):
    turned = tuple(replace(clip, subset=Subset.TEST) for clip in dataset.clips)
    report = cross_dataset(
        replace(QUICK, shots=3),
        dataset,
        [replace(dataset, name="turned", clips=turned)],
        [7],
        Steps().session(backbone, tmp_path),
    )
    assert report.series[0].draws[0].seen == 6  # 3 training clips of each of 2 base labels
