"""The settings form and ``RunConfig`` hold the same fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ga2app.config import PRESETS, RunConfig, preset
from ga2app.errors import ConfigError
from ga2app.ui.train import form


def leaves(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in data.items():
        flat |= leaves(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def changed(setting: form.Setting, value: Any) -> Any:
    """A valid value that differs from ``value``."""
    if setting.choices:
        return next(choice for _, choice in setting.choices if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1 if setting.input is form.Input.WHOLE else value / 2 + 0.17
    return "cpu"


def test_every_field_of_a_run_has_its_place_in_the_form() -> None:
    paths = [setting.path for setting in form.SETTINGS]
    assert len(set(paths)) == len(paths)
    assert {*paths, *form.PLACED_ELSEWHERE} == leaves(RunConfig().to_dict()).keys()


def test_every_setting_has_a_name_and_help() -> None:
    assert all(setting.label and setting.help.endswith(".") for setting in form.SETTINGS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_comes_back_from_the_form_unchanged(name: str) -> None:
    config = preset(name)
    assert form.config_of(config.dataset, config.backbone, form.values_of(config)) == config


@pytest.mark.parametrize("place", range(len(form.SETTINGS)), ids=[setting.path for setting in form.SETTINGS])
def test_a_changed_setting_reaches_its_field_and_no_other(place: int) -> None:
    config = preset("full")
    values = form.values_of(config)
    values[place] = changed(form.SETTINGS[place], values[place])
    before = leaves(config.to_dict())
    after = leaves(form.config_of(config.dataset, config.backbone, values).to_dict())
    assert {path for path in before if before[path] != after[path]} == {form.SETTINGS[place].path}


def test_numbers_that_a_browser_sends_as_fractions_count_as_whole() -> None:
    values = form.values_of(preset("quick"))
    values[0] = 25.0
    assert form.config_of("demo", "sketch", values).optimizer.epochs == 25


def faults_of(**entered: Any) -> ConfigError:
    values = dict(zip([setting.path for setting in form.SETTINGS], form.values_of(preset("quick")), strict=True))
    values.update({path.replace("__", "."): value for path, value in entered.items()})
    with pytest.raises(ConfigError) as caught:
        form.config_of("demo", "sketch", list(values.values()))
    return caught.value


def test_all_faults_are_told_each_at_its_own_field() -> None:
    error = faults_of(optimizer__learning_rate=0, clips__num_frames=None, shots=0)
    updates = dict(zip([setting.path for setting in form.SETTINGS], form.field_updates(error.faults), strict=True))
    faulty = {path for path, update in updates.items() if update["elem_classes"] == ["faulty"]}
    assert faulty == {"optimizer.learning_rate", "clips.num_frames", "shots"}
    assert updates["optimizer.learning_rate"]["info"].startswith("⚠ must be above 0 and at most 1")
    assert updates["seed"]["info"] == "The same seed gives the same run."


@pytest.mark.parametrize("rate", [0, 1e6, -1, None])
def test_a_learning_rate_that_cannot_work_is_a_fault(rate: float | None) -> None:
    assert [fault.field for fault in faults_of(optimizer__learning_rate=rate).faults] == ["optimizer.learning_rate"]


def test_groups_with_a_fault_open() -> None:
    error = faults_of(seed=-1)
    opened = {
        group.title: update.get("open")
        for group, update in zip(form.GROUPS, form.group_updates(error.faults), strict=True)
    }
    assert opened.pop("Machine") is True
    assert set(opened.values()) == {None}
