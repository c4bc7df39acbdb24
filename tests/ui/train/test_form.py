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
from ga2app.errors import ConfigError
from ga2app.web.pages.train import form
from ga2app.web.pages.train.settings_file import load_settings, settings_text
from ga2app.web.pages.train.train_settings import BESIDE, GROUPS, SETTINGS, Input, label_of

UNLIKE = {"device": "cpu", "prompts.hard_prompt": "random", "anchors": "my places", "negatives": ("objects", "places")}


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
        path = prefix + item.name
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


def test_every_field_comes_back_from_the_form() -> None:
    values = form.values_of(CHANGED)
    assert form.config_of(CHANGED.dataset, CHANGED.backbone, CHANGED.seed, values) == CHANGED


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
    config = preset(name)
    assert form.config_of(config.dataset, config.backbone, config.seed, form.values_of(config)) == config


@pytest.mark.parametrize("place", range(len(SETTINGS)), ids=[setting.path for setting in SETTINGS])
def test_a_changed_setting_reaches_its_field_and_no_other(place: int) -> None:
    config = preset("full")
    values, path = form.values_of(config), SETTINGS[place].path
    other = unlike(path, values[place]) if path != "precision" else "float32"
    values[place] = list(other) if isinstance(other, tuple) else other
    before = leaves(config.to_dict())
    after = leaves(form.config_of(config.dataset, config.backbone, config.seed, values).to_dict())
    assert {name for name in before if before[name] != after[name]} == {path}


def test_numbers_that_a_browser_sends_as_fractions_count_as_whole() -> None:
    values = form.values_of(preset("quick"))
    values[form.place_of("optimizer.epochs")] = 25.0
    assert form.config_of("demo", "sketch", 1, values).optimizer.epochs == 25


def test_a_list_that_a_browser_sends_as_nothing_is_empty() -> None:
    values = form.values_of(preset("quick"))
    values[form.place_of("negatives")] = None
    assert form.config_of("demo", "sketch", 1, values).negatives == ()


def faults_of(**entered: Any) -> ConfigError:
    values = dict(zip([setting.path for setting in SETTINGS], form.values_of(preset("quick")), strict=True))
    values.update({path.replace("__", "."): value for path, value in entered.items()})
    with pytest.raises(ConfigError) as caught:
        form.config_of("demo", "sketch", 1, list(values.values()))
    return caught.value


def test_all_faults_are_told_each_at_its_own_field() -> None:
    error = faults_of(optimizer__learning_rate=0, clips__num_frames=None, shots=0)
    updates = dict(zip([setting.path for setting in SETTINGS], form.field_updates(error.faults), strict=True))
    faulty = {path for path, update in updates.items() if update["elem_classes"] == ["faulty"]}
    assert faulty == {"optimizer.learning_rate", "clips.num_frames", "shots"}
    assert updates["optimizer.learning_rate"]["info"].startswith("⚠ must be above 0 and at most 1")
    assert updates["device"]["info"] == "auto, cpu, cuda, cuda:1 or mps."


@pytest.mark.parametrize("rate", [0, 1e6, -1, None])
def test_a_learning_rate_that_cannot_work_is_a_fault(rate: float | None) -> None:
    assert [fault.field for fault in faults_of(optimizer__learning_rate=rate).faults] == ["optimizer.learning_rate"]


def test_groups_with_a_fault_open() -> None:
    error = faults_of(device="gpu")
    opened = {
        group.title: update.get("open") for group, update in zip(GROUPS, form.group_updates(error.faults), strict=True)
    }
    assert opened.pop("Hardware") is True
    assert set(opened.values()) == {None}


def test_an_input_is_made_for_every_kind() -> None:
    assert {setting.input for setting in SETTINGS} == set(Input)
