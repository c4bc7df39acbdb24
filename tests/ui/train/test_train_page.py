"""What the Train page answers: filled in by presets, files, runs and addresses, marked, queued and remembered."""

from __future__ import annotations

import asyncio
import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from ga2app.config import preset
from ga2app.config.settings_files import settings_text
from ga2app.errors import ConfigError, StoreError
from ga2app.services.prompt_fit import HARD_PROMPT
from ga2app.types import RunState
from ga2app.web import Studio
from ga2app.web.api.run_endpoints import RunEndpoints
from ga2app.web.pages.train.train_page import TrainPage
from tests.hub_server import LoopbackHub

from ..studios import add_bundle, add_dataset, add_run, keep_bundle


class _LaidOut(Exception):
    """So that Gradio makes no server for the page."""


async def _laid_out(studio: Studio) -> TrainPage:
    """The page alone. Gradio asks for an event loop, so this is a coroutine."""
    with contextlib.suppress(_LaidOut), gr.Blocks():
        page = TrainPage(studio)
        raise _LaidOut
    return page


class Screen:
    """The page as a browser holds it: the value of each component, changed by what the handlers answer."""

    def __init__(self, studio: Studio) -> None:
        with ThreadPoolExecutor(1) as thread:  # Playwright's event loop may run in this one
            page = self.page = thread.submit(asyncio.run, _laid_out(studio)).result()
        self.held: dict[Any, Any] = {
            page.name: "",
            page.dataset: ["demo"],
            page.backbone: "sketch",
            page.seeds: "1024",
            page.on: "",
            page.flavor: "t4-small",
            page.timeout: "2h",
            page.vary: "",
            page.draws: 0,
            page.draw_seed: 0,
            page.preset: "quick",
            page.form: page.form_value(preset("quick")),
            page.pressed: None,
            page.opened: True,
            page.memory: {},
        }
        self.told: dict[Any, Any] = {}

    def take(self, answer: dict[Any, Any]) -> None:
        for component, value in answer.items():
            if isinstance(value, dict) and value.get("__type__") == "update":
                self.told[component] = value
                if "value" in value:
                    self.held[component] = value["value"]
            else:
                self.told[component] = self.held[component] = value

    def draw(self, **changes: Any) -> str:
        """Draw the preview after ``changes`` of settings; gives its markup."""
        self.held[self.page.form]["values"].update({path.replace("__", "."): one for path, one in changes.items()})
        self.take(self.page.draw(self.held))
        return str(self.told[self.page.preview]["html"])

    def press(self) -> str:
        self.take(self.page.press(self.held))
        return str(self.told[self.page.told])

    def open(self, **query: str) -> str:
        """Open the page at an address; gives what is said of it."""
        request: Any = SimpleNamespace(query_params=query)
        self.take(self.page.open_page(self.held, request))
        return str(self.told.get(self.page.file_told, {}).get("html", ""))

    @property
    def values(self) -> dict[str, Any]:
        return dict(self.held[self.page.form]["values"])


@pytest.fixture
def screen(studio: Studio) -> Screen:
    add_dataset(studio)
    add_dataset(studio, "kitchen")
    return Screen(studio)


def test_a_preset_fills_in_every_setting_but_the_anchors_that_were_chosen(screen: Screen) -> None:
    screen.draw(negatives=["objects"])
    screen.held[screen.page.preset] = "full"
    screen.take(screen.page.fill_preset(screen.held))
    assert screen.values["prompts.visual_depth"] == 4 and screen.values["negatives"] == ["objects"]
    assert "Learns prompts in both towers" in screen.told[screen.page.preset]["info"]
    screen.draw(shots=3)
    screen.take(screen.page.fill_preset(screen.held))
    assert screen.values["shots"] == 3, "neither the preset nor the backbone has changed"
    screen.held[screen.page.backbone] = "real"
    screen.take(screen.page.fill_preset(screen.held))
    assert screen.values["shots"] == preset("full", "real").shots != 3


def test_a_paper_preset_asks_for_its_hard_prompt(screen: Screen, studio: Studio) -> None:
    screen.held[screen.page.preset], screen.held[screen.page.backbone] = "paper-hmdb", "real"
    screen.take(screen.page.fill_preset(screen.held))
    assert screen.values["optimizer.epochs"] == 12
    assert "1 setting needs a change" in screen.press()
    assert (
        "name the folder of a bundle trained on Kinetics-400" in screen.told[screen.page.preview]["faults"][HARD_PROMPT]
    )
    assert "1 setting needs a change" not in screen.draw(**{HARD_PROMPT: "random"}) and studio.store.runs.count() == 0
    assert "is queued" in screen.press()


def test_faults_stand_at_their_fields_in_the_form_and_beside_it_and_go_when_mended(screen: Screen) -> None:
    screen.held[screen.page.seeds] = "one"
    assert "<b>Seeds</b> must be whole numbers" in screen.draw(shots=0)
    assert screen.told[screen.page.preview]["faults"].keys() == {"seed", "shots"}
    assert screen.told[screen.page.seeds]["elem_classes"] == ["faulty"]
    assert "2 settings need a change" in screen.press()
    screen.held[screen.page.seeds] = "1"
    assert screen.draw(shots=0) == "" and "1 setting needs a change" in screen.told[screen.page.told]
    assert "Queues one run" in screen.draw(shots=2)
    assert screen.told[screen.page.preview]["faults"] == {} and screen.told[screen.page.told] == ""
    assert screen.told[screen.page.seeds]["elem_classes"] == []


def test_a_job_tells_its_price_before_the_press_and_its_runs_wait_for_a_machine_of_hugging_face(
    screen: Screen, studio: Studio, loopback_hub: LoopbackHub
) -> None:
    screen.held[screen.page.on] = "hf-jobs"
    html = screen.draw()
    assert "Hugging Face Jobs, t4-small (1 × T4, 16 GB)" in html
    assert "alice pays $0.40 an hour, at most $0.80 for 2 h a run" in html
    assert [name for _, name in screen.told[screen.page.flavor]["choices"]] == ["cpu-basic", "t4-small"]
    screen.held[screen.page.flavor], screen.held[screen.page.timeout] = "h900", "soon"
    assert "2 settings need a change" in screen.press() and studio.store.runs.count() == 0
    screen.draw()
    assert "there is no &#39;h900&#39;" in str(screen.told[screen.page.told])
    assert screen.told[screen.page.timeout]["elem_classes"] == ["faulty"]
    screen.held[screen.page.flavor], screen.held[screen.page.timeout] = "cpu-basic", "90m"
    assert "is queued" in screen.press()
    assert studio.store.runs.get(1).remote == {"on": "hf-jobs", "flavor": "cpu-basic", "timeout_s": 5400}
    assert studio.store.runs.count_remote() == 1


def test_without_a_login_a_job_is_refused_and_says_how_to_log_in(
    screen: Screen, loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    screen.held[screen.page.on] = "hf-jobs"
    assert "you are not logged in to Hugging Face" in screen.press()
    assert screen.told[screen.page.preview]["faults"].keys() == {"on"}


def test_a_program_asks_for_a_machine_of_hugging_face_by_name(studio: Studio, loopback_hub: LoopbackHub) -> None:
    add_dataset(studio)
    queue_job = RunEndpoints(studio).queue_job
    run = queue_job({"dataset": "demo"}, "quick", timeout="1h")["run"]
    assert studio.store.runs.get(run).remote == {"on": "hf-jobs", "flavor": "t4-small", "timeout_s": 3600}
    with pytest.raises(ConfigError, match="there is no 'h900' among Hugging Face Jobs"):
        queue_job({"dataset": "demo"}, "quick", flavor="h900")


def test_a_press_queues_all_runs_and_its_answer_leads_to_the_first(screen: Screen, studio: Studio) -> None:
    screen.held[screen.page.dataset], screen.held[screen.page.seeds] = ["demo", "kitchen"], "3 draws"
    screen.draw()
    assert screen.told[screen.page.queue]["value"] == "Queue 6 runs"
    told = screen.press()
    first, *_, last = studio.store.runs.waiting()
    assert f"Runs {first} to {last} are queued." in told and f'href="./runs?id={first}"' in told


def test_lines_that_vary_settings_make_a_sweep_and_the_answer_leads_to_it(screen: Screen, studio: Studio) -> None:
    screen.held[screen.page.vary] = "optimizer.learning_rate = 0.001, 0.004\n\nprompts.dropout = 0.1..0.9"
    screen.draw()
    assert "say how many values" in screen.held[screen.page.preview]["html"]
    screen.held[screen.page.draws], screen.held[screen.page.draw_seed] = 5, 3
    screen.draw()
    assert screen.told[screen.page.queue]["value"] == "Queue 5 runs"
    told = screen.press()
    first, *_, last = studio.store.runs.waiting()
    assert f"Sweep {first}: runs {first} to {last} are queued." in told and f'href="./sweep?id={first}"' in told
    assert studio.sweeps.get(first).asked["seed"] == 3


def test_an_answer_goes_with_another_setting_and_when_its_run_is_over(screen: Screen, studio: Studio) -> None:
    answer = screen.press()
    (run_id,) = studio.store.runs.waiting()
    screen.draw()
    assert screen.told[screen.page.told] == answer, "it stays while its run waits"
    studio.store.runs.claim(1, 1.0)
    screen.take(screen.page.look_again(screen.held))
    assert f"Run {run_id} is under way." in screen.told[screen.page.told]
    studio.store.runs.finish(run_id, RunState.DONE, exit_code=0)
    screen.take(screen.page.look_again(screen.held))
    assert screen.told[screen.page.told] == "" and screen.held[screen.page.pressed] is None
    screen.press()
    screen.draw(shots=3)
    assert screen.told[screen.page.told] == ""


def test_only_a_look_that_lists_the_data_sets_ends_the_waiting_for_the_demo(screen: Screen, studio: Studio) -> None:
    screen.take(screen.page.look_again(screen.held))
    assert not screen.told[screen.page.clock].active
    del screen.told[screen.page.clock]
    screen.draw(shots=3)
    assert screen.page.clock not in screen.told


def test_an_earlier_run_in_the_address_fills_the_page_in(screen: Screen, studio: Studio) -> None:
    run_id = add_run(studio, RunState.DONE, steps=40, bundle=add_bundle(studio))
    assert f"The settings are those of run {run_id}." in screen.open(**{"from": f"run-{run_id}"})
    assert f"Filled in from run {run_id}" in screen.told[screen.page.preset]["info"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"from": "run-999"}, "there is no run 999"),
        ({"from": "<script>"}, "&#39;&lt;script&gt;&#39; names no run"),
        ({"dataset": "77"}, "there is no data set 77; choose one from the list"),
        ({"hard_prompt": "nobody"}, "there is no bundle &#39;nobody&#39; in the library"),
    ],
)
def test_what_an_address_names_and_nobody_has_is_told_and_not_replaced(
    screen: Screen, query: dict[str, str], told: str
) -> None:
    before = screen.values
    assert told in screen.open(**query)
    assert screen.values == before and screen.held[screen.page.dataset] == ["demo"]


def test_a_data_set_in_the_address_is_chosen(screen: Screen, studio: Studio) -> None:
    ids = {name: id_ for id_, name in studio.store.datasets.names().items()}
    screen.open(dataset=str(ids["kitchen"]))
    assert screen.held[screen.page.dataset] == ["kitchen"]
    assert "Data set kitchen" in screen.told[screen.page.card]


def test_a_bundle_in_the_address_becomes_the_hard_prompt(screen: Screen, studio: Studio) -> None:
    folder = keep_bundle(studio, "regular", config={"prompts": {"length": 6, "text_depth": 2}})
    assert "is the hard prompt" in screen.open(hard_prompt="regular")
    assert (screen.values["prompts.hard_prompt"], screen.values["prompts.length"]) == ("regular", 6)
    assert studio.training.config(screen.page.asked_for(screen.held)).prompts.hard_prompt == folder


def test_a_bundle_without_text_prompts_cannot_be_a_hard_prompt(screen: Screen, studio: Studio) -> None:
    keep_bundle(studio, "seen", config={"prompts": {"length": 6, "text_depth": 0, "coupled": False}})
    assert "has no text prompts" in screen.open(hard_prompt="seen")


def test_what_was_filled_in_outlives_a_reload_but_for_what_is_gone(screen: Screen, studio: Studio) -> None:
    screen.held[screen.page.dataset], screen.held[screen.page.seeds] = ["kitchen"], "7, 8"
    screen.draw(shots=3)
    memory = json.loads(json.dumps(screen.held[screen.page.memory]))
    again = Screen(studio)
    again.held[again.page.memory] = memory
    again.open()
    assert (again.held[again.page.dataset], again.held[again.page.seeds]) == (["kitchen"], "7, 8")
    assert again.values["shots"] == 3
    studio.store.datasets.delete("kitchen")
    again.held[again.page.memory] = memory | {"values": {"shots": "many"}, "backbone": "gone", "seeds": 3}
    again.open()
    assert again.held[again.page.dataset] == ["demo"] and again.values["shots"] == 16


def test_a_file_fills_the_page_in_or_says_all_its_faults(screen: Screen, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps(preset("full").to_dict() | {"dataset": "kitchen", "shots": 3, "seed": 7}))
    screen.take(screen.page.fill_file(str(file)))
    assert "The settings are those of the file." in screen.told[screen.page.file_told]["html"]
    assert (screen.values["shots"], screen.held[screen.page.seeds]) == (3, "7")
    file.write_text(json.dumps({"shots": 0, "colour": 1}))
    screen.take(screen.page.fill_file(str(file)))
    told = screen.told[screen.page.file_told]["html"]
    assert "2 settings need a change" in told and "<b>colour</b> is not a setting" in told
    assert screen.values["shots"] == 3


def test_settings_are_saved_as_a_file_that_is_read_back(screen: Screen) -> None:
    screen.draw(shots=5)
    screen.take(screen.page.save_file(screen.held))
    saved = screen.told[screen.page.file_told]["save"]
    assert json.loads(saved)["shots"] == 5 and saved == settings_text(
        screen.page.training.config(screen.page.asked_for(screen.held))
    )


def test_a_run_that_is_gone_leaves_the_page_as_it_is(screen: Screen, studio: Studio) -> None:
    with pytest.raises(StoreError):
        studio.training.settings_of(99)
    before = screen.values
    screen.take(screen.page.fill_run(99))
    assert screen.values == before and "there is no run 99" in screen.told[screen.page.file_told]["html"]


def test_a_reload_keeps_what_was_changed_after_the_address_had_filled_the_page_in(
    screen: Screen, studio: Studio
) -> None:
    query = {"from": f"run-{add_run(studio, RunState.DONE)}"}
    screen.open(**query)
    screen.draw(shots=5)
    screen.held[screen.page.arrived] = "reload"
    assert "What you have changed since stays" in screen.open(**query) and screen.values["shots"] == 5
    screen.held[screen.page.arrived] = "navigate"
    assert "The settings are those of run" in screen.open(**query) and screen.values["shots"] != 5
