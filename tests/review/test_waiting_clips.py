"""Recognized clips that wait to join a data set, and what a run's owner is told of what changed since."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.config import RunConfig, preset
from ga2app.errors import DatasetError
from ga2app.services.recognition_service import Results
from ga2app.services.run_checks import changes_since, told_changes
from ga2app.services.true_labels import sweep_recognized
from ga2app.store.clip_pages import ClipFilter
from ga2app.types import Dataset, RecognitionRequest, RunState, TrainingData
from ga2app.web import Studio
from ga2app.web.pages.recognize.recognize_state import Shown, clicked
from tests.clips import write_color_clip

LABELS = ["walking", "running", "jumping", "reading"]


@pytest.fixture
def results(studio: Studio, tmp_path: Path) -> Results:
    files = [write_color_clip(tmp_path / f"new-{n}.mp4", (90 * n, 60, 80), seed=700 + n) for n in range(3)]
    return studio.recognition.answer(RecognitionRequest(files, LABELS))


def test_recognized_clips_wait_the_least_certain_first_and_each_once(studio: Studio, results: Results) -> None:
    assert studio.waiting.keep(results) == "3 clips to review, 3 in all."
    assert studio.waiting.keep(results) == "0 clips to review, 3 in all."
    waiting = studio.waiting.all()
    ahead = [one.answers["Zero-shot CLIP"][0][1] - one.answers["Zero-shot CLIP"][1][1] for one in waiting]
    assert [one.certainty for one in waiting] == pytest.approx(sorted(ahead), rel=1e-4)
    assert all(Path(one.path).is_relative_to(studio.home.datasets / "recognized") for one in waiting)


def test_a_clip_joins_a_data_set_under_the_label_that_was_said(
    studio: Studio, results: Results, dataset_id: int
) -> None:
    studio.waiting.keep(results)
    first, second, _ = studio.waiting.all()
    assert "to 'colors'" in studio.waiting.join(first.id, dataset_id, "Walking")
    studio.waiting.join(second.id, dataset_id, "handstand")
    rows = {row.path: row for row in studio.store.clips.page(dataset_id, ClipFilter(), limit=100)}
    assert (rows[first.path].label, rows[first.path].subset) == ("walking", "train")
    assert rows[second.path].label == "handstand" and len(studio.waiting.all()) == 1
    assert studio.looks.look(dataset_id) == {}, "its file can be read"
    studio.datasets.undo()
    studio.datasets.undo()
    assert [one.id for one in studio.waiting.all()] == [one.id for one in (first, second, studio.waiting.all()[-1])]
    assert "handstand" not in [one.name for one in studio.store.clips.labels(dataset_id)]


def test_a_clip_that_is_in_the_data_set_already_does_not_join_it_twice(
    studio: Studio, dataset_id: int, colors: Dataset
) -> None:
    studio.looks.look(dataset_id)
    studio.waiting.keep(studio.recognition.answer(RecognitionRequest([colors.clips[0].path], LABELS)))
    with pytest.raises(DatasetError, match="is in 'colors' already"):
        studio.waiting.join(studio.waiting.all()[0].id, dataset_id, "walking")
    assert len(studio.waiting.all()) == 1


def test_what_is_left_out_comes_back_with_undo_and_its_file_goes_only_when_nothing_names_it(
    studio: Studio, results: Results
) -> None:
    studio.waiting.keep(results)
    (one, *_) = studio.waiting.all()
    studio.waiting.dismiss(one.id)
    assert len(studio.waiting.all()) == 2 and sweep_recognized(studio.home, studio.store) == 0
    studio.datasets.undo()
    assert len(studio.waiting.all()) == 3
    studio.waiting.dismiss(one.id)
    studio.store.trash.purge(keep_s=-1)
    assert sweep_recognized(studio.home, studio.store) == 1 and not Path(one.path).exists()
    assert all(Path(other.path).exists() for other in studio.waiting.all())


def test_the_button_of_recognize_keeps_the_clips_and_leads_to_their_review(studio: Studio, results: Results) -> None:
    (shown,) = clicked(studio, Shown(results), {"keep": True})
    assert "3 clips to review" in shown.told and "./review?show=waiting" in shown.told


def test_clips_that_were_not_kept_are_told(studio: Studio, results: Results) -> None:
    with pytest.raises(DatasetError, match="none of these clips was kept"):
        studio.waiting.keep(Results(results.recognition, "tiny", paths=("", "", "")))


def test_what_changed_since_a_run_is_told_in_words_and_numbers(
    studio: Studio, results: Results, dataset_id: int, colors: Dataset
) -> None:
    run = studio.store.runs.queue(RunConfig.from_dict(preset("quick").to_dict() | {"dataset": "colors"}))
    assert changes_since(studio.store, run) is None and told_changes(studio.store, run) == ""
    studio.store.runs.keep_data(run, TrainingData.of(colors).to_dict())
    studio.store.runs.claim(1, 1.0)
    studio.store.runs.finish(run, RunState.STOPPED, exit_code=0)
    assert told_changes(studio.store, run) == f"Its data is as it was since run {run} was trained."
    studio.waiting.keep(results)
    studio.waiting.join(studio.waiting.all()[0].id, dataset_id, "handstand")
    first, second, *_ = studio.store.clips.page(dataset_id, ClipFilter(), limit=100)
    studio.looks.look(dataset_id)
    studio.review.correct(first.id, "running")
    studio.review.leave_out(second.id)
    changes = changes_since(studio.store, run) or []
    assert [text.partition(" (")[0] for text in changes] == [
        "label 'handstand' added",
        "1 clip removed",
        "1 clip added",
        "1 clip under another label",
    ]
    assert told_changes(studio.store, run).startswith(f"What changed in its data since run {run} was trained: label")
