"""The settings form and ``RunConfig`` hold the same fields, and every one of them survives the way there and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from ga2app.config import PRESETS, RunConfig, preset
from ga2app.config.reading import key_of
from ga2app.config.settings_files import load_settings, settings_text
from ga2app.errors import ConfigError
from ga2app.services.run_requests import nested
from ga2app.web.components.markup import render
from ga2app.web.pages.train.train_settings import (
    BESIDE,
    GROUPS,
    SETTINGS,
    Input,
    Setting,
    by_field,
    entered,
    fits,
    label_of,
    values_of,
)

UNLIKE = {
    "attention": "eager",
    "device": "cpu",
    "processes": 2,
    "threads": 1,
    "prompts.hard_prompt": "random",
    "anchors": "my places",
    "negatives": ("objects", "places"),
    "report_to": ("trackio", "wandb"),
    "project": "mine",
    "trackio_space_id": "me/metrics",
}


def leaves(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat |= leaves(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def unlike(path: str, value: Any) -> Any:
    """A valid value that differs from ``value``."""
    if path in UNLIKE:
        return UNLIKE[path]
    if isinstance(value, bool):
        return not value
    if isinstance(value, StrEnum):
        return next(one for one in type(value) if one is not value)
    if isinstance(value, str):
        return f"other {value}"
    return value + 1 if isinstance(value, int) else value / 2 + 0.17


def all_changed(section: Any, prefix: str = "") -> Any:
    """``section`` with every field, in every section below it, changed to another valid value."""
    changes = {}
    for item in fields(section):
        value = getattr(section, item.name)
        path = prefix + key_of(item)
        changes[item.name] = all_changed(value, f"{path}.") if is_dataclass(value) else unlike(path, value)
    return replace(section, **changes)


CHANGED = all_changed(RunConfig())


def test_every_field_is_changed_for_the_tests_below() -> None:
    before, after = leaves(RunConfig().to_dict()), leaves(CHANGED.to_dict())
    assert before.keys() == after.keys()
    assert [path for path in before if before[path] == after[path]] == []


def test_every_field_comes_back_from_json() -> None:
    assert RunConfig.from_dict(json.loads(json.dumps(CHANGED.to_dict()))) == CHANGED


def test_every_field_comes_back_from_a_file_of_settings(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(settings_text(CHANGED), encoding="utf-8")
    assert load_settings(file) == CHANGED


def config_of(values: dict[str, Any], like: RunConfig) -> RunConfig:
    """The configuration that the form holds, on the data set, backbone and seed of ``like``."""
    beside = {"dataset": like.dataset, "backbone": like.backbone, "seed": like.seed}
    return RunConfig.from_dict(nested(entered(json.loads(json.dumps(values))) | beside))


def test_every_field_comes_back_from_the_form() -> None:
    assert config_of(values_of(CHANGED), CHANGED) == CHANGED


def test_every_field_is_in_the_form_or_beside_it_with_the_reason() -> None:
    paths = [setting.path for setting in SETTINGS]
    assert len(set(paths)) == len(paths)
    assert {*paths, *BESIDE} == leaves(RunConfig().to_dict()).keys()
    assert not set(paths) & BESIDE.keys()
    assert all(len(reason) > 20 for reason in BESIDE.values())


def test_every_setting_has_a_name_and_help() -> None:
    assert all(setting.label and setting.help.endswith(".") for setting in SETTINGS)
    assert all(label_of(path) != path for path in BESIDE)


def test_groups_go_from_few_settings_that_are_open_to_many_that_are_closed() -> None:
    assert [group.open for group in GROUPS] == [True] + [False] * (len(GROUPS) - 1)
    assert len(GROUPS[0].settings) <= 6


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_comes_back_from_the_form_unchanged(name: str) -> None:
    assert config_of(values_of(preset(name)), preset(name)) == preset(name)


@pytest.mark.parametrize("setting", SETTINGS, ids=[setting.path for setting in SETTINGS])
def test_a_changed_setting_reaches_its_field_and_no_other(setting: Setting) -> None:
    config = preset("full")
    values, path = values_of(config), setting.path
    values[path] = unlike(path, values[path]) if path != "precision" else "float32"
    before, after = leaves(config.to_dict()), leaves(config_of(values, config).to_dict())
    assert {name for name in before if before[name] != after[name]} == {path}


def test_numbers_that_a_browser_sends_as_fractions_count_as_whole() -> None:
    assert entered({"optimizer.epochs": 25.0})["optimizer.epochs"] == 25


def test_a_list_that_a_browser_sends_as_nothing_is_empty_and_what_is_no_setting_is_left_out() -> None:
    assert entered({"negatives": None, "dataset": "x", "evil": 1}).keys() == {setting.path for setting in SETTINGS}
    assert entered(None)["negatives"] == []


def test_all_faults_are_told_each_at_its_own_field() -> None:
    values = values_of(preset("quick")) | {"optimizer.learning_rate": 0, "clips.num_frames": None, "shots": 0}
    with pytest.raises(ConfigError) as caught:
        config_of(values, RunConfig())
    told = by_field(caught.value.faults)
    assert told.keys() == {"optimizer.learning_rate", "clips.num_frames", "shots"}
    assert told["optimizer.learning_rate"].startswith("⚠ must be above 0 and at most 1")


def test_values_that_a_browser_kept_of_another_kind_do_not_fit() -> None:
    by_path = {setting.path: setting for setting in SETTINGS}
    assert fits(by_path["shots"], 3) and not fits(by_path["shots"], "3") and not fits(by_path["shots"], True)
    assert fits(by_path["precision"], "float32") and not fits(by_path["precision"], "float8")
    assert fits(by_path["negatives"], ["a"]) and not fits(by_path["negatives"], [1])


def test_the_form_has_one_named_and_described_input_for_each_setting() -> None:
    html = str(render("train_form.html", groups=GROUPS, wide=GROUPS[1].title, typed=""))
    for setting in SETTINGS:
        assert html.count(f'data-path="{setting.path}"') == 1
        assert setting.label in html and setting.help in html.replace("&#39;", "'")
    assert not any(sign in html for sign in ("`", "${", "{{")), "the page reads it as a template of its own"


def test_an_input_is_made_for_every_kind() -> None:
    assert {setting.input for setting in SETTINGS} == set(Input)
