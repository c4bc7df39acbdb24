"""The Train screen in Chromium, with an estimator and a worker that only pretend."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ga2app.config import preset
from ga2app.types import RunState

from ..studios import Served, add_bundle, add_dataset, add_run
from .test_hard_prompts import write_manifest

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture
def train(tab: Any, served: Served) -> Any:
    """The Train tab, opened on a home with two data sets and nothing else."""
    add_dataset(served.studio)
    add_dataset(served.studio, "kitchen")
    return tab


def open_train(tab: Any, served: Served) -> None:
    tab.goto(f"{served.address}/train")
    expect(tab.locator("#train-preview")).to_contain_text("Queues one run: demo")


def test_two_data_sets_with_three_draws_are_queued_in_one_press_told_before(train: Any, served: Served) -> None:
    open_train(train, served)
    train.locator("#dataset input").click()
    train.get_by_role("option", name="kitchen").click()
    train.locator("#seeds input, #seeds textarea").fill("3 draws")
    preview = train.locator("#train-preview")
    expect(preview).to_contain_text("Queues 6 runs")
    expect(preview.locator(".names")).to_contain_text("kitchen · seed 1026")
    expect(preview).to_contain_text("Estimated from a short measurement of this machine")
    expect(preview).to_contain_text("The queue is empty")
    expect(preview).to_contain_text("drawn scenes of the demo are borrowed")
    expect(train.locator("#dataset-card .lines li")).to_have_count(2)
    assert served.studio.store.runs.count() == 0
    expect(train.locator("#queue")).to_have_text("Queue 6 runs")
    train.locator("#queue").click()
    expect(train.locator("#queue-answer")).to_contain_text(re.compile(r"Runs \d+ to \d+ are queued"))
    expect(preview).to_contain_text("Position 7 in the queue")
    queued = [served.studio.store.runs.get(number) for number in served.studio.store.runs.waiting()]
    assert [run.name for run in queued] == [
        f"{name} · seed {seed}" for name in ("demo", "kitchen") for seed in (1024, 1025, 1026)
    ]
    train.locator("#watch").click()
    expect(train.locator("#run-head h2")).to_contain_text(f"Run {queued[0].id}")


def test_settings_are_saved_and_read_back_and_a_file_with_faults_says_all_of_them(
    train: Any, served: Served, tmp_path: Path
) -> None:
    open_train(train, served)
    train.locator("#set-optimizer-epochs input").fill("17")
    with train.expect_download() as download:
        train.locator("#save-settings").click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert saved["optimizer"]["epochs"] == 17
    assert saved == {**preset("quick").to_dict(), "optimizer": {**preset("quick").to_dict()["optimizer"], "epochs": 17}}

    changed = saved | {"dataset": "kitchen", "seed": 7, "shots": 3, "negatives": ["objects"]}
    (tmp_path / "good.json").write_text(json.dumps(changed))
    train.locator("input[data-testid='Load settings-upload-button']").first.set_input_files(tmp_path / "good.json")
    expect(train.locator("#settings-answer")).to_contain_text("The settings are those of the file.")
    expect(train.locator("#set-shots input")).to_have_value("3")
    expect(train.locator("#seeds input, #seeds textarea")).to_have_value("7")
    expect(train.locator("#train-preview")).to_contain_text("Queues one run: kitchen")

    (tmp_path / "bad.json").write_text(json.dumps(saved | {"shots": 0, "colour": 1}))
    train.locator("input[data-testid='Load settings-upload-button']").first.set_input_files(tmp_path / "bad.json")
    expect(train.locator("#settings-answer")).to_contain_text("2 settings need a change")
    expect(train.locator("#settings-answer")).to_contain_text("colour is not a setting")
    expect(train.locator("#set-shots input")).to_have_value("3")


def test_an_earlier_run_fills_the_form_with_its_hard_prompt_from_the_library(train: Any, served: Served) -> None:
    folder = add_bundle(served.studio, "k400", name="kinetics")
    if not Path(folder).exists():
        write_manifest(folder)
    run_id = add_run(served.studio, RunState.DONE, steps=40, bundle=folder)
    open_train(train, served)
    train.locator("#start-from input").click()
    train.get_by_role("option", name=f"Run {run_id}").click()
    expect(train.locator("#settings-answer")).to_contain_text(f"The settings are those of run {run_id}.")
    expect(train.locator("#preset")).to_contain_text(f"Filled in from run {run_id}")
    expect(train.locator("#train-preview")).to_contain_text(f"Estimated from run {run_id}.")
    train.get_by_role("button", name="Hard prompt, anchors and negatives").click()
    train.locator("#set-prompts-hard-prompt input").click()
    train.get_by_role("option", name="kinetics").click()
    expect(train.locator("#brakes")).to_contain_text("borrowed from the drawn demo")
    train.locator("#queue").click()
    expect(train.locator("#queue-answer")).to_contain_text("is queued")
    (number,) = served.studio.store.runs.waiting()
    assert served.studio.store.runs.get(number).config["prompts"]["hard_prompt"] == folder


def test_every_fault_is_marked_and_the_marks_go_as_soon_as_it_is_mended(train: Any, served: Served) -> None:
    open_train(train, served)
    seeds = train.locator("#seeds input, #seeds textarea")
    seeds.fill("one")
    train.locator("#set-shots input").fill("0")
    expect(train.locator("#train-preview")).to_contain_text("Before it can be queued")
    train.locator("#queue").click()
    expect(train.locator("#queue-answer")).to_contain_text("2 settings need a change")
    expect(train.locator("#set-shots")).to_have_class(re.compile("faulty"))
    seeds.fill("1")
    train.locator("#set-shots input").fill("2")
    expect(train.locator("#set-shots")).not_to_have_class(re.compile("faulty"))
    expect(train.locator("#queue-answer")).not_to_contain_text("need a change")
    expect(train.locator("#train-preview")).to_contain_text("Queues one run")
    assert served.studio.store.runs.count() == 0


def test_a_button_that_an_answer_moves_away_during_the_press_is_pressed_all_the_same(
    train: Any, served: Served
) -> None:
    open_train(train, served)
    train.locator("#queue").scroll_into_view_if_needed()
    spot = train.locator("#queue").bounding_box()
    x, y = spot["x"] + spot["width"] / 2, spot["y"] + spot["height"] / 2
    train.mouse.move(x, y)
    train.mouse.down()
    train.mouse.move(x, y - 200)
    train.mouse.up()
    train.mouse.move(x, y)
    train.mouse.down()
    train.evaluate("() => { document.querySelector('#train-preview').style.marginBottom = '90px'; }")
    train.mouse.up()
    expect(train.locator("#queue-answer")).to_contain_text(re.compile(r"Run \d+ is queued"))
    assert served.studio.store.runs.count() == 1, "a press that is drawn off the button is none"
