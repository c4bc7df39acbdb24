"""A run's report from the real training: the figures of the run, without encoding a test clip again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app import evaluation as evaluate
from ga2app.bundles import read_manifest
from ga2app.clip import Backbone
from ga2app.config import (
    ClipConfig,
    LossConfig,
    OptimizerConfig,
    PromptConfig,
    RunConfig,
    WhiteningConfig,
)
from ga2app.training import TrainResult, train
from ga2app.training.training_batches import draw_shots, spare_clips
from ga2app.types import BASELINES, Dataset, Event, EventKind, Subset
from tests.clips import color_dataset

FULL = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=2,
    prompts=PromptConfig(length=2, visual_depth=3, text_depth=3, hard_prompt="random"),
    losses=LossConfig(anchor_distillation=0.5, text_distillation=1.0, anchors_per_step=2),
    optimizer=OptimizerConfig(learning_rate=0.01, epochs=2, warmup_epochs=1, batch_size=4),
    clips=ClipConfig(num_frames=2),
)
QUICK = replace(FULL, prompts=replace(FULL.prompts, visual_depth=0), losses=LossConfig(text_distillation=1.0))
WHITENED = replace(QUICK, whitening=WhiteningConfig(enabled=True))


def run(config: RunConfig, dataset: Dataset, backbone: Backbone, folder: Path, *, reported: bool = True) -> TrainResult:
    out, checkpoint = folder / "bundle", folder / "checkpoint"
    return train(config, dataset, out=out, checkpoint=checkpoint, backbone=backbone, reported=reported)


@pytest.mark.parametrize("config", [FULL, WHITENED], ids=["full", "quick, whitened"])
def test_the_report_has_the_figures_of_the_run(
    config: RunConfig, dataset: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    result = run(config, dataset, backbone, tmp_path)
    assert result.report is not None
    assert result.report.bundle.metrics == pytest.approx(dict(result.metrics), rel=1e-4)
    assert result.report.plain.metrics == pytest.approx(dict(result.zero_shot), rel=1e-4)
    assert {point.what for point in result.report.points} == {"clip", "class", "anchor", "negative"}
    assert result.report.packages and "torch" in result.report.packages
    beside = {one.name: one for one in result.report.baselines}
    assert list(beside) == list(BASELINES) and all("base" in one.metrics for one in beside.values())
    assert beside["tip-adapter"].metrics["novel"] == pytest.approx(result.zero_shot["novel"], rel=1e-4)


def test_training_clips_that_are_gone_cost_the_baselines_their_figures_and_the_report_nothing_else(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    """Full needs no frozen features of its training clips before the report; then they are looked for in vain."""
    copies = []
    for place, clip in enumerate(dataset.clips):
        copies.append(replace(clip, path=str(shutil.copy(clip.path, tmp_path / f"{place}.mp4"))))
    own, told = replace(dataset, clips=tuple(copies)), []

    def lose(event: Event) -> None:
        told.append(event.kind)
        if event.kind is EventKind.BUNDLE:
            for clip in own.clips:
                if clip.subset is Subset.TRAIN:
                    Path(clip.path).unlink()

    place = {"out": tmp_path / "bundle", "checkpoint": tmp_path / "checkpoint", "backbone": backbone}
    result = train(replace(FULL, clips=ClipConfig(num_frames=2, cache_bytes=0)), own, **place, emit=lose, reported=True)
    assert result.finished and result.report is not None and result.report.bundle.metrics
    assert [one.metrics for one in result.report.baselines] == [{}] * len(BASELINES)
    assert all("cannot be read" in one.note for one in result.report.baselines)


def test_nobody_who_does_not_ask_pays_for_a_report(dataset: Dataset, backbone: Backbone, tmp_path: Path) -> None:
    assert run(QUICK, dataset, backbone, tmp_path, reported=False).report is None


def test_a_report_that_fails_costs_the_run_nothing(
    dataset: Dataset,
    backbone: Backbone,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*given: object, **named: object) -> None:
        raise ZeroDivisionError("a bug in the report")

    monkeypatch.setattr(evaluate, "make_report", broken)
    result = run(QUICK, dataset, backbone, tmp_path)
    assert result.finished and result.bundle and result.report is None
    assert (tmp_path / "bundle" / "bundle.json").exists()
    assert "the report could not be made" in caplog.text


def test_a_stop_while_percentages_are_judged_is_obeyed_and_the_next_attempt_ends_the_run(
    dataset: Dataset, backbone: Backbone, tmp_path: Path
) -> None:
    told: list[EventKind] = []
    place = {"out": tmp_path / "bundle", "checkpoint": tmp_path / "checkpoint", "backbone": backbone}
    stopped = train(
        FULL,
        dataset,
        **place,
        emit=lambda event: told.append(event.kind),
        should_stop=lambda: told.count(EventKind.EPOCH) == FULL.optimizer.epochs,
        reported=True,
    )
    assert told[-2:] == [EventKind.SAVING, EventKind.SAVING] and EventKind.BUNDLE not in told and not stopped.finished
    ended = run(FULL, dataset, backbone, tmp_path)
    assert ended.finished and ended.report is not None


@pytest.mark.parametrize("config", [FULL, WHITENED], ids=["full", "quick, whitened"])
def test_a_run_stores_its_temperature_and_the_report_has_the_figures(
    config: RunConfig, backbone: Backbone, tmp_path: Path
) -> None:
    data = color_dataset(tmp_path, train=8)
    result = run(config, data, backbone, tmp_path)
    stored = read_manifest(tmp_path / "bundle").calibrated
    assert stored == result.confidence.temperature and result.report is not None
    assert result.report.believed("bundle") == result.confidence
    assert result.report.believed("plain").before.keys() == {"base", "novel", "joint"}
    assert {one.unknown for one in result.confidence.rejection} == {"anchors", "novel"}
    assert stored.threshold is not None and "anchor clips" in stored.chosen
    if stored.value is None:  # a tiny CLIP may tell all of them apart
        assert "clips are right" in stored.fitted
    else:
        assert stored.fitted.startswith("10 training clips of base labels that the shots left over, and 2 anchor clips")


def test_the_clips_for_the_temperature_are_none_that_is_trained_or_tested_on(
    backbone: Backbone, tmp_path: Path
) -> None:
    data = color_dataset(tmp_path, train=8)
    config = replace(QUICK, dataset="colors")
    spare = spare_clips(config, data)
    shots = draw_shots(data, config.shots, config.seed)
    assert len(spare) == 10 and not {one.path for one in spare} & {one.path for one in shots}
    assert {one.subset for one in spare} == {Subset.TRAIN} and {one.label for one in spare} == set(data.base)
    assert [one.label for one in spare] == ["walking"] * 5 + ["running"] * 5
    Path(spare[0].path).unlink()
    assert spare[0] not in spare_clips(config, data) and len(spare_clips(config, data)) == 10
    assert not spare_clips(replace(config, shots=8), data)


def test_clips_left_over_that_cannot_be_read_cost_the_run_nothing(backbone: Backbone, tmp_path: Path) -> None:
    data = color_dataset(tmp_path, train=8)
    Path(spare_clips(QUICK, data)[0].path).write_bytes(b"no video")
    result = run(QUICK, data, backbone, tmp_path)
    assert result.finished and result.report is not None and result.confidence.before.keys() >= {"base", "novel"}


def test_a_stop_is_asked_for_between_two_clips_wherever_clips_are_looked_at(
    dataset: Dataset, backbone: Backbone
) -> None:
    paths = [clip.path for clip in dataset.clips][:5]
    for asked_before in range(5):
        answers = iter([False] * asked_before + [True])
        with pytest.raises(InterruptedError):
            evaluate.PlainFeatures(backbone, 2).of(paths, lambda answers=answers: next(answers))
