"""The press of Queue in Chromium: its answer is in view and goes when it is old, and it waits for late answers."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ga2app.types import RunState
from tests.browser import opened

from ..studios import Served, add_dataset

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

LATE_S = 0.7


@pytest.fixture
def train(tab: Any, served: Served) -> Any:
    """Train, opened on a home with two data sets and nothing else."""
    add_dataset(served.studio)
    add_dataset(served.studio, "kitchen")
    tab.set_viewport_size({"width": 1280, "height": 860})
    tab.goto(f"{served.address}/train")
    opened(tab)
    expect(tab.locator("#train-preview")).to_contain_text("Queues one run: demo")
    return tab


def choose_kitchen_too(train: Any) -> None:
    train.locator("#dataset input").click()
    train.get_by_role("option", name="kitchen").click()
    train.keyboard.press("Escape")


def test_the_answer_and_watch_run_are_in_view_and_go_with_another_data_set(train: Any, served: Served) -> None:
    expect(train.locator("#queue")).to_be_in_viewport(ratio=1)
    train.locator("#queue").click()
    answer, watch = train.locator("#queue-answer"), train.locator("#watch")
    expect(answer).to_contain_text("is queued")
    expect(answer).to_be_in_viewport(ratio=1)
    expect(watch).to_be_in_viewport(ratio=1)
    choose_kitchen_too(train)
    expect(train.locator("#queue")).to_have_text("Queue 2 runs")
    expect(answer).not_to_contain_text("is queued")
    expect(watch).to_be_hidden()


def test_the_answer_goes_when_its_run_is_done(train: Any, served: Served) -> None:
    train.locator("#queue").click()
    answer = train.locator("#queue-answer")
    expect(answer).to_contain_text("is queued")
    runs = served.studio.store.runs
    (run_id,) = runs.waiting()
    runs.claim(1, 1.0)
    expect(answer).to_contain_text(f"Run {run_id} is under way.")
    expect(train.locator("#watch")).to_be_visible()
    runs.finish(run_id, RunState.DONE, exit_code=0)
    expect(answer).not_to_contain_text("Run")
    expect(train.locator("#watch")).to_be_hidden()


def test_what_was_said_of_another_preset_is_marked_as_old_and_queue_waits(train: Any, served: Served) -> None:
    def late(route: Any) -> None:
        time.sleep(LATE_S)
        route.continue_()

    train.route("**/gradio_api/queue/join*", late)
    train.get_by_label("Full").check()
    expect(train.locator("body")).to_have_attribute("data-train-updating", "")
    train.locator("#queue").click()
    expect(train.locator("#queue-answer")).to_contain_text("is queued")
    (run,) = served.studio.store.runs.list()
    assert run.config["prompts"]["visual_depth"] == 4, (
        "what the screen said at the press was queued, not what it says now"
    )
    expect(train.locator("body")).not_to_have_attribute("data-train-updating", "")


def test_a_form_that_was_filled_in_outlives_a_reload(train: Any, served: Served) -> None:
    choose_kitchen_too(train)
    train.get_by_role("button", name="Remove demo: 2 base and 2 novel labels").click()
    expect(train.locator("#train-preview")).to_contain_text("Queues one run: kitchen")
    train.get_by_label("Full").check()
    expect(train.locator("#set-optimizer-epochs input")).to_have_value("20")
    train.locator("#run-name :is(input, textarea)").fill("my try")
    train.locator("#seeds :is(input, textarea)").fill("7, 8")
    train.locator("#set-optimizer-epochs input").fill("17")
    expect(train.locator("#train-preview")).to_contain_text("my try · seed 8")
    expect(train.locator("body")).not_to_have_attribute("data-train-updating", "")
    train.wait_for_timeout(300)
    train.reload()
    opened(train)
    expect(train.locator("#train-preview")).to_contain_text("my try · seed 8")
    expect(train.locator("#set-optimizer-epochs input")).to_have_value("17")
    expect(train.get_by_label("Full")).to_be_checked()
    expect(train.locator("#dataset-card")).to_contain_text("training clips")
    train.locator("#queue").click()
    expect(train.locator("#queue-answer")).to_contain_text("are queued")
    runs = [served.studio.store.runs.get(number) for number in served.studio.store.runs.waiting()]
    assert [(run.config["dataset"], run.config["seed"]) for run in runs] == [("kitchen", 7), ("kitchen", 8)]
    assert {json.dumps(run.config["prompts"]["visual_depth"]) for run in runs} == {"4"}


def test_what_the_browser_kept_is_not_trusted(train: Any, served: Served) -> None:
    choose_kitchen_too(train)
    expect(train.locator("#queue")).to_have_text("Queue 2 runs")
    expect(train.locator("body")).not_to_have_attribute("data-train-updating", "")
    train.wait_for_timeout(300)
    served.studio.store.datasets.delete("kitchen")
    train.reload()
    opened(train)
    expect(train.locator("#train-preview")).to_contain_text("Queues one run: demo")
