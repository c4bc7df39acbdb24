"""The Train page in Chromium: from a home whose demo is still being drawn to six runs in the queue."""

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


def test_settings_are_filled_in_mended_queued_and_found_again(tab: Any, served: Served) -> None:
    tab.set_viewport_size({"width": 1280, "height": 860})
    tab.goto(f"{served.address}/train")
    opened(tab)
    the_demo_is_queued_while_it_is_drawn_and_appears_by_itself(tab, served)
    every_fault_stands_at_its_field_and_goes_away(tab, served)
    what_was_said_of_another_preset_is_old_and_no_press_is_lost(tab, served)
    add_dataset(served.studio, "kitchen")
    add_negatives(served.studio)
    tab.reload()
    opened(tab)
    six_runs_of_two_data_sets_are_queued_and_their_settings_saved(tab)
    what_is_entered_before_the_page_is_as_it_was_left_stays(tab)
    expect(tab.locator("#train-preview")).to_contain_text("Queues 6 runs")
    expect(tab.locator("#set-shots input")).to_have_value("2")
    expect(tab.get_by_label("things (")).to_be_checked()
    a_late_answer_takes_back_nothing_that_is_typed(tab)
    what_is_entered_while_a_preset_is_on_its_way_stays_and_so_does_all_where_the_backbone_is_only_visited(tab)


def the_demo_is_queued_while_it_is_drawn_and_appears_by_itself(tab: Any, served: Served) -> None:
    card = tab.locator("#dataset-card")
    expect(card).to_contain_text("Being drawn")
    tab.locator("#queue").click()
    expect(tab.locator("#queue-answer")).to_contain_text("is queued")
    add_dataset(served.studio)
    expect(card).to_contain_text("2 base labels")
    expect(card.locator(".chip.novel").first).to_have_text("jumping rope")
    (run,) = served.studio.store.runs.list()
    assert served.woken
    served.studio.store.runs.delete(run.id)


def every_fault_stands_at_its_field_and_goes_away(tab: Any, served: Served) -> None:
    rate, epochs = tab.locator("#set-optimizer-learning-rate"), tab.locator("#set-optimizer-epochs")
    rate.locator("input").fill("1000000")
    epochs.locator("input").fill("0")
    tab.locator("#queue").click()
    expect(tab.locator("#queue-answer")).to_contain_text("settings need a change")
    for field in (rate, epochs):
        expect(field).to_have_class(re.compile("faulty"))
        expect(field.locator("input")).to_have_attribute("aria-invalid", "true")
    expect(rate).to_contain_text("must be above 0 and at most 1")
    assert served.studio.store.runs.count() == 0
    epochs.locator("input").fill("3")
    expect(epochs).not_to_have_class(re.compile("faulty"))
    tab.get_by_label("Full").check()
    expect(rate.locator("input")).to_have_value("0.004")
    expect(rate).not_to_have_class(re.compile("faulty"))


def late(route: Any) -> None:
    time.sleep(LATE_S)
    route.continue_()


def what_was_said_of_another_preset_is_old_and_no_press_is_lost(tab: Any, served: Served) -> None:
    expect(tab.locator("body")).not_to_have_attribute("data-train-updating", "")
    tab.route("**/gradio_api/queue/join*", late)
    tab.get_by_label("Quick").check()
    expect(tab.locator("body")).to_have_attribute("data-train-updating", "")
    expect(tab.locator("#queue")).to_be_disabled()
    tab.locator("#queue").dblclick(force=True)  # at once: the press is not lost, and it is one
    expect(tab.locator("#queue-answer")).to_contain_text("is queued")
    (run,) = served.studio.store.runs.list()
    assert run.config["prompts"] == preset("quick").to_dict()["prompts"], "what the page said at the press"
    tab.unroute("**/gradio_api/queue/join*")


def six_runs_of_two_data_sets_are_queued_and_their_settings_saved(tab: Any) -> None:
    preview, queue, shots = tab.locator("#train-preview"), tab.locator("#queue"), tab.locator("#set-shots input")
    tab.locator("#dataset input").click()
    tab.get_by_role("option", name="kitchen").click()
    tab.keyboard.press("Escape")
    tab.locator("#seeds :is(input, textarea)").fill("3 draws")
    expect(preview).to_contain_text("Queues 6 runs")
    expect(preview).to_contain_text("drawn scenes of the demo are borrowed")
    shots.fill("2")
    tab.locator("summary", has_text="Hard prompt, anchors and negatives").click()
    tab.get_by_label("things (").check()
    expect(tab.locator("#anchors-note")).to_contain_text("of things")
    with tab.expect_download() as download:
        tab.locator("#save-settings").click()
    saved = json.loads(Path(download.value.path()).read_text())
    assert saved == preset("quick").to_dict() | {"shots": 2, "negatives": ["things"]}
    expect(queue).to_have_text("Queue 6 runs")
    expect(queue).to_be_in_viewport(ratio=1)
    queue.click()
    expect(tab.locator("#queue-answer")).to_contain_text(re.compile(r"Runs \d+ to \d+ are queued"))
    expect(tab.locator("#watch")).to_be_in_viewport(ratio=1)


def what_is_entered_before_the_page_is_as_it_was_left_stays(tab: Any) -> None:
    tab.route("**/gradio_api/queue/join*", late)
    tab.reload()
    epochs = tab.locator("#set-optimizer-epochs input")
    epochs.fill("23")
    opened(tab)
    expect(tab.locator("#set-shots input")).to_have_value("2")
    expect(epochs).to_have_value("23")
    tab.unroute("**/gradio_api/queue/join*")


def a_late_answer_takes_back_nothing_that_is_typed(tab: Any) -> None:
    epochs = tab.locator("#set-optimizer-epochs input")
    epochs.fill("")
    epochs.press_sequentially("17", delay=400)
    expect(tab.locator("body")).not_to_have_attribute("data-train-updating", "")
    expect(epochs).to_have_value("17")
    expect(epochs).to_be_focused()


def what_is_entered_while_a_preset_is_on_its_way_stays_and_so_does_all_where_the_backbone_is_only_visited(
    tab: Any,
) -> None:
    epochs, shots, body = (
        tab.locator("#set-optimizer-epochs input"),
        tab.locator("#set-shots input"),
        tab.locator("body"),
    )
    tab.route("**/gradio_api/queue/join*", late)
    tab.get_by_label("Full").check()
    shots.fill("5")
    expect(epochs).to_have_value(str(preset("full").optimizer.epochs))
    expect(shots).to_have_value("5")
    tab.unroute("**/gradio_api/queue/join*")
    expect(body).not_to_have_attribute("data-train-updating", "")
    tab.locator("#train-backbone input").focus()
    with tab.expect_request(lambda one: "/queue/join" in one.url and '"sketch","full"' in (one.post_data or "")):
        tab.locator("#run-name :is(input, textarea)").focus()
    tab.locator("#run-name :is(input, textarea)").fill("five")
    expect(body).not_to_have_attribute("data-train-updating", "")
    expect(shots).to_have_value("5")
