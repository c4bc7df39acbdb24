"""From what is chosen on the screen to the runs of one press: one for each data set and seed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ga2app.config import DEMO, RunConfig
from ga2app.errors import ConfigError, Fault, StudioError
from ga2app.services.studio import Studio
from ga2app.types import Dataset
from ga2app.web.pages.train import form
from ga2app.web.pages.train.checks import check_run
from ga2app.web.pages.train.hard_prompts import FIELD, to_folder

MOST_RUNS = 50
FIRST_SEED = 1024
_LARGEST = 2**32 - 1
_NAME = 80


@dataclass(frozen=True)
class Entered:
    """What the screen holds. ``values`` are those of the form, in the order of SETTINGS."""

    name: str
    datasets: Sequence[str]
    backbone: str
    seeds: str
    values: Sequence[Any]


@dataclass(frozen=True)
class PlannedRun:
    """One run of the plan; ``dataset`` as the worker will see it, None while it is being drawn."""

    name: str
    config: RunConfig
    dataset: Dataset | None


@dataclass(frozen=True)
class Plan:
    """All runs of one press, and what their owner should know before they start."""

    runs: tuple[PlannedRun, ...]
    warnings: tuple[str, ...] = ()


def make_plan(studio: Studio, entered: Entered) -> Plan:
    """The runs that ``entered`` asks for. Raises ConfigError with every fault, each at its own field."""
    faults: list[Fault] = []
    seeds: list[int] = []
    try:
        seeds = parse_seeds(entered.seeds)
    except ConfigError as exc:
        faults += exc.faults
    datasets = list(dict.fromkeys(entered.datasets or ()))
    if not datasets:
        faults.append(Fault("dataset", "choose at least one data set"))
    count = len(seeds) * len(datasets)
    if count > MOST_RUNS:
        faults.append(
            Fault("seed", f"that makes {count} runs; at most {MOST_RUNS} are queued at once: give fewer seeds")
        )
    faults += _backbone_faults(studio, entered.backbone)
    checked = []
    for dataset in datasets or ["-"]:
        try:
            config = _config(studio, entered, dataset, seeds[0] if seeds else FIRST_SEED)
        except ConfigError as exc:
            faults += exc.faults
            continue
        if datasets:
            found = check_run(studio, config)
            faults += found.faults
            checked.append((config, found))
    if faults:
        raise ConfigError(list(dict.fromkeys(faults)))
    runs = [
        PlannedRun(
            run_name(entered.name, config.dataset, seed, several=(len(datasets) > 1, len(seeds) > 1)),
            replace(config, seed=seed),
            found.dataset,
        )
        for config, found in checked
        for seed in seeds
    ]
    return Plan(tuple(runs), tuple(dict.fromkeys(text for _, found in checked for text in found.warnings)))


def plan_or_faults(studio: Studio, entered: Entered) -> Plan | tuple[Fault, ...]:
    """What ``make_plan`` gives, or every fault that it tells."""
    try:
        return make_plan(studio, entered)
    except ConfigError as exc:
        return tuple(exc.faults)


def first_config(studio: Studio, entered: Entered) -> RunConfig:
    """The settings of the first run that ``entered`` asks for, unchecked against data set and backbone.

    Raises ConfigError for seeds that are none, and for values that no setting has.
    """
    datasets = entered.datasets or (DEMO,)
    return _config(studio, entered, datasets[0], parse_seeds(entered.seeds)[0])


def parse_seeds(text: str) -> list[int]:
    """ "1024, 1025" are two seeds, "3 draws" the three from 1024 on. Raises ConfigError at "seed"."""
    text = (text or "").strip()
    if drawn := re.fullmatch(r"(\d{1,6})\s*(?:draws?|seeds?|runs?)", text, re.IGNORECASE):
        count = int(drawn[1])
        if not 1 <= count <= MOST_RUNS:
            raise ConfigError([Fault("seed", f"must be 1 to {MOST_RUNS} draws (it is {count})")])
        return [FIRST_SEED + place for place in range(count)]
    seeds, wrong = [], []
    for piece in re.split(r"[,;\s]+", text):
        if piece.isascii() and piece.isdigit() and int(piece[:12]) <= _LARGEST:
            seeds.append(int(piece))
        elif piece:
            wrong.append(piece)
    if wrong or not seeds:
        given = ", ".join(f"'{piece[:20]}'" for piece in wrong[:3]) or "empty"
        rule = f"must be whole numbers from 0 to {_LARGEST}, as in '1024, 1025', or '3 draws' (it is {given})"
        raise ConfigError([Fault("seed", rule)])
    return list(dict.fromkeys(seeds))


def run_name(name: str, dataset: str, seed: int, *, several: tuple[bool, bool]) -> str:
    """What the list of runs calls a run of a plan with ``several`` data sets, and ``several`` seeds."""
    parts = [" ".join(name.split())] if name.strip() else [dataset]
    if name.strip() and several[0]:
        parts.append(dataset)
    if several[1]:
        parts.append(f"seed {seed}")
    tail = " · ".join(parts[1:])
    room = _NAME - (len(tail) + 3 if tail else 0)
    return " · ".join([parts[0][: max(room, 8)], *parts[1:]])


def _config(studio: Studio, entered: Entered, dataset: str, seed: int) -> RunConfig:
    values = list(entered.values)
    faults: list[Fault] = []
    place = form.place_of(FIELD)
    try:
        if isinstance(values[place], str):
            values[place] = to_folder(studio, values[place])
    except ConfigError as exc:
        faults += exc.faults
    try:
        config = form.config_of(dataset, _named(studio, entered.backbone), seed, values)
    except ConfigError as exc:
        raise ConfigError([*faults, *exc.faults]) from exc
    if faults:
        raise ConfigError(faults)
    return config


def _named(studio: Studio, backbone: str) -> str:
    """The backbone of a run: of a folder that was typed the whole path. What cannot be used is told as a fault."""
    try:
        return studio.known_backbone(backbone)
    except StudioError:
        return backbone or "-"


def _backbone_faults(studio: Studio, backbone: str) -> list[Fault]:
    try:
        studio.known_backbone(backbone)
    except StudioError as exc:
        return [Fault("backbone", str(exc))]
    return []
