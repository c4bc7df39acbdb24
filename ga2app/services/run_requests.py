"""What is asked of Train, as records and plain text: several data sets and seeds, names, settings of programs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ga2app.config import SKETCH, RunConfig, preset, with_shorter_warmup
from ga2app.config.reading import by_key
from ga2app.errors import ConfigError, Fault, counted
from ga2app.services.forecast import Estimate
from ga2app.services.remote_jobs import JobAsked, JobOffer
from ga2app.services.run_checks import FOOTAGE
from ga2app.services.sweep_points import Point, SweepAsked, point_text
from ga2app.types import Dataset, Subset
from ga2app.types.reliability_types import LEAST_CLIPS
from ga2app.untrusted import one_line

MOST_RUNS = 50
FIRST_SEED = 1024
LONGEST_NAME = 80
_LARGEST_SEED = 2**32 - 1
_ENOUGH_ROOM = 0.9
"""A run that needs more than this share of what is free is warned of."""


@dataclass(frozen=True)
class Asked:
    """What one press asks for: a run of each data set and seed. ``settings`` are those of a run by dotted path.

    ``job`` asks for a machine of Hugging Face; None for this one. ``sweep`` makes each of its points such runs.
    """

    datasets: tuple[str, ...]
    seeds: str
    settings: Mapping[str, Any]
    name: str = ""
    job: JobAsked | None = None
    sweep: SweepAsked | None = None


@dataclass(frozen=True)
class PlannedRun:
    """One run of a plan; ``dataset`` as the worker will see it, None while it is being drawn.

    ``note`` says where its anchors and negative prompts come from, ``point`` what is its own in a sweep.
    """

    name: str
    config: RunConfig
    dataset: Dataset | None
    note: str = ""
    point: Point = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All runs of one press, what their owner should know before they start, and what each costs elsewhere.

    ``sweep`` is what ties them where it is one: what was asked for (``SweepAsked.to_dict``), and the ``paths`` of the
    settings that vary, with those on a logarithmic scale under ``log``.
    """

    runs: tuple[PlannedRun, ...]
    warnings: tuple[str, ...] = ()
    job: JobOffer | None = None
    sweep: Mapping[str, Any] | None = None

    def but_for_seeds(self) -> list[PlannedRun]:
        """Seeds take as long as each other: the first run of each data set and point."""
        firsts = {(run.config.dataset, repr(run.point)): run for run in reversed(self.runs)}
        return list(firsts.values())[::-1]


def estimate_warnings(estimates: Sequence[tuple[RunConfig, Estimate | None]]) -> list[str]:
    """What estimates say that a run's owner should know: clips that are filmed, and memory that is short."""
    warnings = []
    for config, estimate in estimates:
        if estimate is None:
            continue
        if estimate.photographic and config.backbone == SKETCH:
            warnings.append(FOOTAGE.format(dataset=config.dataset))
        if estimate.peak_bytes and estimate.free_bytes and estimate.peak_bytes > _ENOUGH_ROOM * estimate.free_bytes:
            warnings.append(
                f"This needs about {gigabytes(estimate.peak_bytes)} and {gigabytes(estimate.free_bytes)} are free: "
                f"{lower_first(config)}."
            )
    return list(dict.fromkeys(warnings))


def few_held_out(config: RunConfig, dataset: Dataset | None) -> list[str]:
    """A warning where a sweep on ``dataset`` has too few training clips left over to choose a point by."""
    if dataset is None:
        return []
    there = [dataset.counts(Subset.TRAIN)[label] for label in dataset.base]
    spare, fewest = sum(max(0, count - config.shots) for count in there), min(there, default=0)
    if spare >= LEAST_CLIPS:
        return []
    advice = f"take fewer, such as {fewest * 3 // 4}" if fewest > 1 else "add training clips"
    return [
        f"{counted(config.shots, 'shot')} leave {counted(spare, 'training clip')} of '{dataset.name}' over, and the "
        f"best point is chosen by at least {LEAST_CLIPS}: {advice}, or no point is marked."
    ]


def lower_first(config: RunConfig) -> str:
    """Which setting to lower when memory is short: the one that costs least."""
    optimizer, objective = config.optimizer, config.losses
    if config.prompts.visual_depth and optimizer.batch_size > 1:
        half, batches = optimizer.batch_size // 2, optimizer.accumulate * 2
        return f"lower the batch size to {half} and set gradient accumulation to {batches}, which trains alike"
    if config.prompts.visual_depth and not optimizer.checkpointing:
        return "turn gradient checkpointing on, which trains alike and takes longer"
    if config.prompts.visual_depth and objective.needs_anchor_clips() and objective.anchors_per_step > 1:
        return "lower anchor clips a step"
    return "lower the number of frames"


def gigabytes(count: int) -> str:
    """Bytes in GB, in MB below one."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(round(count / 1e6), 1)} MB"


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
        if piece.isascii() and piece.isdigit() and int(piece[:12]) <= _LARGEST_SEED:
            seeds.append(int(piece))
        elif piece:
            wrong.append(piece)
    if wrong or not seeds:
        given = ", ".join(f"'{piece[:20]}'" for piece in wrong[:3]) or "empty"
        rule = f"must be whole numbers from 0 to {_LARGEST_SEED}, as in '1024, 1025', or '3 draws' (it is {given})"
        raise ConfigError([Fault("seed", rule)])
    return list(dict.fromkeys(seeds))


def run_name(name: str, dataset: str, seed: int, *, several: tuple[bool, bool], point: Point | None = None) -> str:
    """What the list of runs calls a run of a plan with ``several`` data sets, and ``several`` seeds, or of a sweep."""
    own = one_line(name, "the name", lambda told: ConfigError([Fault("name", told)]))
    parts = [own or dataset]
    if own and several[0]:
        parts.append(dataset)
    if several[1]:
        parts.append(f"seed {seed}")
    if point:
        parts.append(point_text(point)[:56])
    tail = " · ".join(parts[1:])
    room = LONGEST_NAME - (len(tail) + 3 if tail else 0)
    return " · ".join([parts[0][: max(room, 8)], *parts[1:]])


def merged_settings(changes: Any, preset_name: str = "") -> dict[str, Any]:
    """The settings of a preset, or none, with ``changes``; a warm-up that is not given fits the number of epochs.

    Raises ConfigError for ``changes`` that are no object, and for an unknown preset.
    """
    if not isinstance(changes, dict):
        raise ConfigError([Fault("config", f"must be a JSON object, not {changes!r}")])
    changes = by_key(RunConfig, changes)
    backbone, optimizer = changes.get("backbone"), changes.get("optimizer")
    start: dict[str, Any] = {}
    if preset_name:
        start = preset(preset_name, *([backbone] if isinstance(backbone, str) else [])).to_dict()
        if isinstance(optimizer, dict):
            start = with_shorter_warmup(start, optimizer.get("epochs"))
    return _merged(start, changes)


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by dotted path as the sections of plain JSON."""
    data: dict[str, Any] = {}
    for path, value in values.items():
        section, _, name = path.rpartition(".")
        (data.setdefault(section, {}) if section else data)[name] = value
    return data


def _merged(start: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(start)
    for key, value in changes.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged
