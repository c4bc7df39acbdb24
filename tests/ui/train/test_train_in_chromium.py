"""The Train page in Chromium: one journey, and what only a browser can show."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from ga2app.config import preset
from tests.browser import opened

from ..studios import Served, add_dataset, add_negatives

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect

LATE_S = 0.7


@pytest.fixture
def train(tab: Any, served: Served) -> Any:
    """Train, opened on a home with two data sets and nothing else."""
    add_dataset(served.studio)
    add_dataset(served.studio, "kitchen")
    add_negatives(served.studio)
    tab.set_viewport_size({"width": 1280, "height": 860})
    tab.goto(f"{served.address}/train")
    opened(tab)
    expect(tab.locator("#train-preview")).to_contain_text("Queues one run: demo")
    return tab


def test_from_two_data_sets_and_a_fault_that_is_mended_to_runs_in_the_queue(
    train: Any, served: Served, tmp_path: Path
) -> None:
    train.locator("#dataset input").click()
    train.get_by_role("option", name="kitchen").click()
    train.keyboard.press("Escape")
    train.locator("#seeds :is(input, textarea)").fill("3 draws")
    preview, queue = train.locator("#train-preview"), train.locator("#queue")
    expect(preview).to_contain_text("Queues 6 runs")
    expect(preview).to_contain_text("drawn scenes of the demo are borrowed")
    shots = train.locator("#set-shots")
    shots.locator("input").fill("0")
    expect(shots).to_have_class(re.compile("faulty"))
    expect(shots.locator("input")).to_have_attribute("aria-invalid", "true")
    shots.locator("input").fill("2")
    expect(shots).not_to_have_class(re.compile("faulty"))
    train.locator("summary", has_text="Hard prompt, anchors and negatives").click()
    train.get_by_label("things (").check()
    expect(train.locator("#anchors-note")).to_contain_text("of things")
    with train.expect_download() as download:
        train.locator("#save-settings").click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert saved == preset("quick").to_dict() | {"shots": 2, "negatives": ["things"]}
    expect(queue).to_have_text("Queue 6 runs")
    expect(queue).to_be_in_viewport(ratio=1)
    queue.click()
    expect(train.locator("#queue-answer")).to_contain_text(re.compile(r"Runs \d+ to \d+ are queued"))
    expect(train.locator("#watch")).to_be_in_viewport(ratio=1)
    train.reload()
    opened(train)
    expect(preview).to_contain_text("Queues 6 runs")
    expect(shots.locator("input")).to_have_value("2")
    expect(train.get_by_label("things (")).to_be_checked()


def test_what_was_said_of_another_preset_is_marked_as_old_and_cannot_be_queued(train: Any, served: Served) -> None:
    def late(route: Any) -> None:
        time.sleep(LATE_S)
        route.continue_()

    train.route("**/gradio_api/queue/join*", late)
    train.get_by_label("Full").check()
    expect(train.locator("body")).to_have_attribute("data-train-updating", "")
    expect(train.locator("#queue")).to_be_disabled()
    train.locator("#queue").dblclick(force=True)  # at once: the press is not lost, and it is one
    expect(train.locator("#queue-answer")).to_contain_text("is queued")
    (run,) = served.studio.store.runs.list()
    assert run.config["prompts"]["visual_depth"] == 4, "what the page said at the press"


def test_the_answer_of_a_late_preview_does_not_take_back_what_is_typed_meanwhile(train: Any, served: Served) -> None:
    epochs = train.locator("#set-optimizer-epochs input")
    epochs.fill("")
    epochs.press_sequentially("17", delay=400)
    expect(train.locator("body")).not_to_have_attribute("data-train-updating", "")
    expect(epochs).to_have_value("17")
    expect(epochs).to_be_focused()
