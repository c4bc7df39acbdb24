"""From what is chosen to the runs of one press: their number, their names, their settings."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ga2app.config import NOTHING, preset
from ga2app.config.settings_files import settings_text
from ga2app.errors import ConfigError
from ga2app.services.run_requests import Asked, parse_seeds, run_name
from ga2app.store.row_guard import acting_as, owner_of
from ga2app.types import AnchorClip, Dataset, LabelledClip, RunState, Subset
from ga2app.web import Studio
from ga2app.web.pages.train.train_settings import values_of

from ..studios import BASE, NOVEL, add_bundle, add_dataset, add_run


def entered(
    datasets: Sequence[str] = ("demo",),
    seeds: str = "1024",
    name: str = "",
    preset_name: str = "quick",
    backbone: str = "sketch",
    **changes: Any,
) -> Asked:
    changed = {path.replace("__", "."): value for path, value in changes.items()}
    settings = values_of(preset(preset_name)) | changed | {"backbone": backbone}
    return Asked(tuple(datasets), seeds, settings, name)


def faults(studio: Studio, given: Asked) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        studio.training.plan(given)
    return {fault.field: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("1024", [1024]),
        ("1024, 1025;1026\n3", [1024, 1025, 1026, 3]),
        (" 7 7 ", [7]),
        ("3 draws", [1024, 1025, 1026]),
        ("1 Draw", [1024]),
    ],
)
def test_seeds_are_numbers_or_a_count_of_draws(text: str, seeds: list[int]) -> None:
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "  ", "x", "1, two", "-1", "1.5", "4294967296", "0 draws", "51 draws", "9" * 40])
def test_other_seeds_are_a_fault_of_their_field(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_seeds(text)
    assert [fault.field for fault in caught.value.faults] == ["seed"]


def test_each_data_set_with_each_seed_is_a_run_with_a_name_of_its_own(studio: Studio) -> None:
    add_dataset(studio)
    add_dataset(studio, "kitchen")
    plan = studio.training.plan(entered(["demo", "kitchen"], "1, 2", "try"))
    assert [run.name for run in plan.runs] == [
        "try · demo · seed 1",
        "try · demo · seed 2",
        "try · kitchen · seed 1",
        "try · kitchen · seed 2",
    ]
    assert [(run.config.dataset, run.config.seed) for run in plan.runs] == [
        ("demo", 1),
        ("demo", 2),
        ("kitchen", 1),
        ("kitchen", 2),
    ]


def test_one_run_goes_by_its_name_or_its_data_set() -> None:
    assert run_name("", "demo", 1, several=(False, False)) == "demo"
    assert run_name(" my  try ", "demo", 1, several=(False, False)) == "my try"
    assert run_name("", "demo", 7, several=(True, True)) == "demo · seed 7"
    assert len(run_name("x" * 200, "demo", 7, several=(True, True))) <= 80


def test_all_of_a_plan_is_queued_in_its_order(studio: Studio) -> None:
    add_dataset(studio)
    numbers = studio.training.queue(studio.training.plan(entered(seeds="3 draws")))
    records = [studio.store.runs.get(number) for number in numbers]
    assert [record.name for record in records] == ["demo · seed 1024", "demo · seed 1025", "demo · seed 1026"]
    assert [record.config["seed"] for record in records] == [1024, 1025, 1026]
    assert studio.store.runs.waiting() == numbers


def test_faults_of_seeds_data_set_backbone_and_settings_are_told_together(studio: Studio) -> None:
    given = entered([], "x", shots=0, backbone="elsewhere")
    assert faults(studio, given).keys() == {"seed", "dataset", "backbone", "shots"}


def test_more_runs_than_anybody_means_are_refused(studio: Studio) -> None:
    add_dataset(studio)
    add_dataset(studio, "kitchen")
    assert "that makes 60 runs" in faults(studio, entered(["demo", "kitchen"], ",".join(map(str, range(30)))))["seed"]


def test_the_demo_may_be_planned_while_it_is_being_drawn(studio: Studio) -> None:
    (run,) = studio.training.plan(entered()).runs
    assert run.dataset is None


def test_a_data_set_that_is_gone_is_named_with_those_that_are_there(studio: Studio) -> None:
    add_dataset(studio, "kitchen")
    assert faults(studio, entered(["attic"]))["dataset"] == (
        "there is no data set 'attic'; choose one of: 'demo', 'kitchen'"
    )


def test_a_tracker_that_is_not_installed_is_refused_before_the_run_is_queued_and_none_is_imported(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dataset(studio)
    for package in ("accelerate", "wandb"):
        monkeypatch.setitem(sys.modules, package, None)  # as where it is not there
    rule = "needs accelerate and wandb, not installed here: pip install accelerate wandb, or leave it out"
    assert faults(studio, entered(report_to=["wandb"]))["report_to"] == rule
    with pytest.raises(ConfigError, match=re.escape(rule)):
        studio.training.queue_settings({"report_to": ["wandb"]}, "quick")
    assert studio.store.runs.list() == []
    assert faults(studio, entered(report_to=["diary"]))["report_to"].startswith("names any of trackio, tensorboard")


def test_on_a_server_of_others_nothing_is_reported_under_its_account(studio: Studio) -> None:
    add_dataset(studio)
    shared = replace(studio, server_paths=False)
    assert faults(shared, entered(report_to=["tensorboard"]))["report_to"].startswith("would report under the account")


def test_depths_and_lengths_that_the_towers_do_not_have_are_told_ahead(studio: Studio) -> None:
    add_dataset(studio)
    told = faults(
        studio,
        entered(prompts__visual_depth=6, prompts__text_depth=4, prompts__length=25, prompts__hard_prompt="random"),
    )
    assert (
        told["prompts.visual_depth"]
        == "must be at most 5, the layers of that tower (it is 6): lower it, or choose a larger backbone"
    )
    assert (
        told["prompts.text_depth"]
        == "must be at most 3, the layers of that tower (it is 4): lower it, or choose a larger backbone"
    )
    assert told["prompts.length"].startswith("must be at most 24, half of what a text may have")


def test_a_data_set_with_one_base_label_is_told_ahead(studio: Studio) -> None:
    add_dataset(studio)
    whole = studio.store.datasets.get("demo")
    alone = replace(whole, name="alone", base=whole.base[:1], novel=whole.novel + whole.base[1:])
    studio.store.datasets.add(alone, origin="test")
    assert "'alone' has 1 base label; training needs at least 2" in faults(studio, entered(["alone"]))["dataset"]


def test_labels_without_training_clips_are_told_ahead(studio: Studio) -> None:
    add_dataset(studio)
    whole = studio.store.datasets.get("demo")
    kept = tuple(clip for clip in whole.clips if clip.label != whole.base[0])
    studio.store.datasets.add(replace(whole, name="bare", clips=kept), origin="test")
    assert "no training clips for 'climbing a ladder'" in faults(studio, entered(["bare"]))["dataset"]


def test_labels_that_are_too_long_for_the_text_tower_are_told_ahead(studio: Studio) -> None:
    add_dataset(studio)
    whole = studio.store.datasets.get("demo")
    long = "walking " * 70 + "home"
    studio.store.datasets.add(replace(whole, name="wordy", novel=(*whole.novel, long)), origin="test")
    assert f"'{long}'; shorten them" in faults(studio, entered(["wordy"]))["dataset"]


def test_keep_without_anchor_clips_is_a_fault_of_its_weight(studio: Studio) -> None:
    add_dataset(studio)
    told = faults(studio, entered(preset_name="full", anchors=NOTHING))
    assert told == {"objective.keep": "needs anchor clips and none are chosen; choose a set, or set it to 0"}


def test_a_term_of_texts_without_any_is_a_fault_of_its_weight(studio: Studio) -> None:
    add_dataset(studio)
    given = entered(anchors=NOTHING, negatives=[NOTHING], objective__attributes=False)
    assert faults(studio, given)["objective.vocabulary"].startswith("needs texts: choose anchors or negatives")


def test_a_set_and_a_group_that_are_gone_are_told_at_their_fields(studio: Studio) -> None:
    add_dataset(studio)
    told = faults(studio, entered(anchors="gone", negatives=["lost"]))
    assert "there is no anchor set 'gone'" in told["anchors"]
    assert "there is no group of negative prompts 'lost'" in told["negatives"]


def test_the_released_term_takes_one_negative_or_one_a_label(studio: Studio) -> None:
    add_dataset(studio)
    group = next(name for name in studio.store.negatives.groups() if len(studio.store.negatives.texts(name)) > 2)
    told = faults(studio, entered(objective__released=1.0, negatives=[group]))
    assert told["objective.released"].startswith("takes 1 negative prompt or one a label (2)")


def test_borrowed_anchors_are_told_before_the_start(studio: Studio) -> None:
    add_dataset(studio)
    add_dataset(studio, "kitchen")
    told = studio.training.plan(entered(["kitchen"])).warnings
    assert any("'kitchen' has no anchor clips: drawn scenes of the demo are borrowed" in text for text in told)
    studio.store.anchors.add_clips("my places", [AnchorClip("/hall.mp4", "an empty hall")])
    told = studio.training.plan(entered(["kitchen"], anchors="my places")).warnings
    assert not any("borrowed" in text for text in told)


def test_a_data_set_without_test_clips_trains_but_it_is_said_that_nothing_is_measured(studio: Studio) -> None:
    add_dataset(studio)
    whole = studio.store.datasets.get("demo")
    trained = tuple(clip for clip in whole.clips if clip.subset.value == "train")
    studio.store.datasets.add(Dataset("untested", whole.base, whole.novel, trained), origin="test")
    told = studio.training.plan(entered(["untested"])).warnings
    assert "'untested' has no test clips: it trains, but nothing is measured." in told


@pytest.mark.parametrize(
    ("clips", "shots", "warned"), [(7, 16, "7 clips"), (16, 1, "1 clip"), (8, 16, ""), (16, 8, "")]
)
def test_few_clips_a_label_are_warned_of(studio: Studio, clips: int, shots: int, warned: str) -> None:
    trained = [LabelledClip(f"/{label}-{n}.mp4", label, Subset.TRAIN) for label in BASE for n in range(clips)]
    studio.store.datasets.add(Dataset("kitchen", BASE, NOVEL, tuple(trained)), origin="test")
    told = studio.training.plan(entered(["kitchen"], shots=shots)).warnings
    found = [text for text in told if "on drawn clips prompts needed 8 to be better" in text]
    assert [text.split(" a label")[0] for text in found] == ([f"'kitchen' gives {warned}"] if warned else [])


def test_programs_are_told_the_same_faults(studio: Studio) -> None:
    add_dataset(studio)
    config = preset("quick")
    with pytest.raises(ConfigError, match="prompts.text_depth: must be at most 3"):
        studio.training.queue_config(replace(config, prompts=replace(config.prompts, text_depth=9)))
    assert studio.store.runs.count() == 0


def test_the_line_at_the_button_says_what_comes_first(studio: Studio) -> None:
    assert studio.training.queue_line() == "The queue is empty: it starts at once."
    add_run(studio, RunState.DONE, bundle=add_bundle(studio))
    add_run(studio, RunState.RUNNING, steps=10)
    for _ in range(3):
        add_run(studio, RunState.QUEUED)
    assert (
        studio.training.queue_line() == "Position 5 in the queue, after run 2 (step 10 of 40), run 3, run 4 and 1 more."
    )


def test_the_line_counts_the_runs_of_other_people_and_does_not_name_them(studio: Studio) -> None:
    for person, said in (("bob", "1 run"), ("bob", "2 runs")):
        with acting_as(owner_of(person)):
            studio.store.runs.queue(preset("quick"), name="a secret plan")
        with acting_as(owner_of("eve")):
            assert studio.training.queue_line().endswith(f"in the queue, after {said} of others.")


def test_settings_that_cannot_run_here_can_be_saved_all_the_same(studio: Studio) -> None:
    add_dataset(studio)
    given = entered(preset_name="paper-k400")
    assert "prompts.visual_depth" in faults(studio, given)
    saved = json.loads(settings_text(studio.training.config(given)))
    assert saved["prompts"]["visual_depth"] == preset("paper-k400").prompts.visual_depth
