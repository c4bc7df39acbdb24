"""What is said before a press: names, time, memory, what that rests on, and what to lower."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.config import preset
from ga2app.errors import ConfigError
from ga2app.paths import Home
from ga2app.services.forecast import Basis, Estimate, workload_of
from ga2app.services.run_requests import Asked, lower_first
from ga2app.types import AnchorClip, Dataset, EventKind, LabelledClip, RunState, Subset
from ga2app.web import Studio
from ga2app.web.pages.train import train_view
from ga2app.web.pages.train.train_view import Preview, about, estimate_rows, memory_text

from ..fakes import FakeEstimator
from ..studios import BASE, NOVEL, add_bundle, add_dataset, add_run, make_studio
from .test_plan import entered

CLIPS = tuple(
    LabelledClip(f"/{label}-{place}.mp4", label, Subset.TRAIN if place < 3 else Subset.TEST)
    for label in (*BASE, *NOVEL)
    for place in range(5)
)
KITCHEN = Dataset("kitchen", BASE, NOVEL, CLIPS, (AnchorClip("/wall.mp4", "a wall"),), ("else", "nothing"))


def preview_of(studio: Studio, given: Asked, *, silent: bool = False) -> Preview:
    try:
        return train_view.preview_of(studio, studio.training.plan(given), silent=silent)
    except ConfigError as exc:
        return train_view.preview_of(studio, exc.faults, silent=silent)


def test_a_preview_names_the_run_and_says_time_memory_and_queue(studio: Studio) -> None:
    add_dataset(studio)
    preview = preview_of(studio, entered())
    assert "Queues one run: <b>demo</b>" in preview.html
    assert "Estimated from a short measurement of this machine" in preview.html
    assert "The queue is empty" in preview.html
    assert (preview.button, preview.again) == ("Queue this run", False)


def test_several_runs_are_counted_and_named(studio: Studio) -> None:
    add_dataset(studio)
    preview = preview_of(studio, entered(seeds="3 draws"))
    assert "Queues <b>3 runs</b>" in preview.html and "<li>demo · seed 1026</li>" in preview.html
    assert preview.button == "Queue 3 runs"
    assert "a run," in preview.html and "together" in preview.html


def test_names_are_escaped(studio: Studio) -> None:
    add_dataset(studio)
    assert "<img" not in preview_of(studio, entered(name="<img src=x>")).html


def test_while_the_speed_is_measured_the_page_says_so_and_looks_again(home: Home) -> None:
    studio = make_studio(home, estimator=FakeEstimator(ready=False))
    add_dataset(studio)
    preview = preview_of(studio, entered())
    assert "Measuring how fast this machine is" in preview.html
    assert preview.again
    studio.store.close()


def test_what_an_estimate_cannot_know_is_said_to_be_unknown() -> None:
    away = Estimate(Basis.UNKNOWN, note="unknown until 'away' is on this machine")
    assert estimate_rows([(preset("quick"), away)], 1) == (
        [],
        "Time and memory: unknown until 'away' is on this machine.",
    )
    assert "as soon as the data set is there" in estimate_rows([(preset("quick"), None)], 1)[1]


def test_too_little_memory_is_a_warning_that_names_the_setting_to_lower(home: Home) -> None:
    studio = make_studio(home, estimator=FakeEstimator(free_bytes=10 << 20))
    add_dataset(studio)
    html = preview_of(studio, entered(preset_name="full", anchors="", objective__keep=0)).html
    assert "10 MB are free: lower the batch size to 4 and set gradient accumulation to 2" in html
    studio.store.close()


def test_what_is_lowered_first_costs_least() -> None:
    full = preset("full")
    alone = replace(full, optimizer=replace(full.optimizer, batch_size=1))
    assert lower_first(full).startswith("lower the batch size to 4")
    assert lower_first(alone) == "turn gradient checkpointing on, which trains alike and takes longer"
    sparing = replace(alone, optimizer=replace(alone.optimizer, checkpointing=True))
    assert lower_first(sparing) == "lower anchor clips a step"
    assert lower_first(preset("quick")) == "lower the number of frames"


def test_where_anchors_and_negatives_come_from_stands_beside_their_choice(studio: Studio) -> None:
    studio.store.datasets.add(KITCHEN, origin="test")
    assert (
        "kitchen: 1 anchor clip (its own), 2 negative prompts (its own)."
        in preview_of(studio, entered(["kitchen"])).note
    )
    studio.store.datasets.add(replace(KITCHEN, name="bare", anchors=(), negatives=()), origin="test")
    assert "bare: 0 anchor clips (borrowed from the drawn demo)" in preview_of(studio, entered(["bare"])).note


def test_faults_are_told_in_the_place_of_the_plan_unless_they_are_told_already(studio: Studio) -> None:
    given = entered(seeds="x")
    assert "<b>Seeds</b> must be whole numbers" in preview_of(studio, given).html
    assert preview_of(studio, given, silent=True).html == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.1, "1 s"), (7.4, "7 s"), (33.0, "35 s"), (200.0, "3 min"), (5000.0, "1 h 20 min"), (None, "?")],
)
def test_an_estimate_has_no_more_digits_than_it_deserves(seconds: float | None, text: str) -> None:
    assert about(seconds) == text


def test_memory_says_where_it_is_needed() -> None:
    on_gpu = Estimate(Basis.MEASURED, peak_bytes=3 << 30, free_bytes=8 << 30, on_gpu=True)
    assert memory_text(on_gpu) == "about 3.2 GB on the GPU, 8.6 GB there"


def test_the_work_of_a_quick_run_is_counted() -> None:
    config = preset("quick")
    work = workload_of(replace(config, shots=2), KITCHEN)
    assert (work.shots, work.steps, work.epochs, work.visual) == (4, 30, 30, False)
    assert work.plain_clips == 4 + 8 + 1  # shots, test clips, and the anchor that the whitening looks at
    assert work.measured_clips == work.anchors_a_step == 0
    assert work.texts == 2 + 3 + 48  # labels; captions and negatives; attributes and the hard prompt's labels


def test_the_work_of_a_full_run_is_counted() -> None:
    config = preset("full")
    optimizer = replace(config.optimizer, epochs=4, evaluate_every=3, batch_size=2, accumulate=2)
    work = workload_of(replace(config, shots=3, optimizer=optimizer), KITCHEN)
    assert (work.shots, work.batch, work.steps) == (6, 2, 2 * 4)
    assert work.anchors_a_step == 1  # there is but one
    assert work.measured_clips == 2 * (8 + 6 + 1)  # after epochs 3 and 4: test clips, and what whitens
    assert (work.text, work.residual) == (True, True)


def test_a_sample_is_spread_over_the_training_clips() -> None:
    assert len(set(KITCHEN.sample())) == 3
    assert all(Path(path).stem.split("-")[-1] in "012" for path in KITCHEN.sample())


def test_past_runs_on_the_same_backbone_tell_what_a_step_took(studio: Studio) -> None:
    add_dataset(studio)
    run_id = add_run(studio, RunState.DONE, steps=40, bundle=add_bundle(studio))
    add_run(studio, RunState.QUEUED)
    (pace,) = studio.training.past_paces(preset("quick"))
    assert (pace.run_id, pace.seconds_per_step) == (run_id, 0.5)
    assert studio.training.past_paces(replace(preset("quick"), device="cpu")) == []
    html = preview_of(studio, entered()).html
    assert f"Estimated from run {run_id}." in html
    assert studio.store.runs.latest(run_id, EventKind.STEP)


def test_the_button_waits_until_it_is_known_whether_clips_are_filmed(home: Home) -> None:
    studio = make_studio(home, estimator=FakeEstimator(ready=False))
    add_dataset(studio)
    add_dataset(studio, "kitchen")
    on_sketch = preview_of(studio, entered(["kitchen"]))
    assert (on_sketch.checking, on_sketch.button, on_sketch.again) == (True, "Looking at the clips…", True)
    assert not preview_of(studio, entered(["demo"])).checking, "the demo is drawn, as everybody knows"
    real = preview_of(studio, entered(["kitchen"], prompts__hard_prompt="random", backbone="real"))
    assert real.again and not real.checking
    studio.store.close()


def test_that_the_machine_is_measured_once_is_said_once() -> None:
    first = estimate_rows([(preset("quick"), Estimate(Basis.MEASURING))], 1)[1]
    then = estimate_rows([(preset("quick"), Estimate(Basis.MEASURING, note="Reading a few of its clips…"))], 1)[1]
    assert "once…" in first and "once" not in then and "Reading a few of its clips…" in then
