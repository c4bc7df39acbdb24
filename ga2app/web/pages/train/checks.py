"""What would otherwise come up in the middle of a run: settings that fit neither data set nor backbone, told ahead."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ga2app.config import ANCHOR_TERMS, DEMO, NOTHING, RunConfig, left_to_name
from ga2app.config.effective_config import training_clips, warmup_faults
from ga2app.errors import DatasetError, Fault
from ga2app.services.run_warnings import run_warnings
from ga2app.services.studio import Studio
from ga2app.store.chosen_anchors import DRAWN_SCENES, borrow, borrows, with_chosen
from ga2app.types import Dataset, Subset
from ga2app.web.pages.train.hard_prompts import hard_prompt_faults
from ga2app.web.pages.train.towers import towers_of

_TEXTS_NEEDED = ("released", "reject", "extra_class")
_WORDS_NEEDED = ("keep", "relate", "vocabulary")
_SHOWN = 5


@dataclass(frozen=True)
class Checked:
    """A run's data set as the worker will see it, what is wrong, and what its owner should know before it starts.

    ``dataset`` is None while the demo is still being drawn, or where there is no such data set.
    """

    dataset: Dataset | None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()


def check_run(studio: Studio, config: RunConfig) -> Checked:
    """Everything that data set, library and backbone say about ``config``, all at once, without loading anything."""
    faults = [*left_to_name(config), *_tower_faults(config), *hard_prompt_faults(config)]
    names = [row.name for row in studio.store.datasets.list()]
    if config.dataset not in names:
        if config.dataset != DEMO:
            known = ", ".join(f"'{name}'" for name in dict.fromkeys([DEMO, *names]))
            faults.append(Fault("dataset", f"there is no data set '{config.dataset}'; choose one of: {known}"))
        return Checked(None, tuple(faults))
    own = studio.store.datasets.get(config.dataset)
    chosen, missing = _with_chosen(studio, config, own)
    lent = borrow(config, chosen, lambda: _demo(studio))
    faults += [*dataset_faults(own), *missing]
    if not missing:
        faults += _anchor_faults(config, lent)
    faults += [*_length_faults(studio, config, own), *_step_faults(config, own)]
    return Checked(lent, tuple(faults), tuple(run_warnings(config, own, chosen, lent)))


def dataset_faults(dataset: Dataset) -> list[Fault]:
    """Why nothing can be trained on ``dataset``."""
    faults = []
    if len(dataset.base) < 2:
        text = (
            f"'{dataset.name}' has {len(dataset.base)} base label{'' if len(dataset.base) == 1 else 's'}; training "
            "needs at least 2, because with one there is nothing to tell apart: add clips of another label"
        )
        faults.append(Fault("dataset", text))
    trained = {clip.label for clip in dataset.clips if clip.subset is Subset.TRAIN}
    if empty := [label for label in dataset.base if label not in trained]:
        text = (
            f"'{dataset.name}' has no training clips for {_some(empty)}; add clips of these labels, or make them novel"
        )
        faults.append(Fault("dataset", text))
    return faults


def brakes_note(studio: Studio, config: RunConfig) -> str:
    """Where the anchors and the negative prompts of a run come from, in one line."""
    try:
        own = studio.store.datasets.get(config.dataset)
    except DatasetError:
        return ""
    chosen, _ = _with_chosen(studio, config, own)
    lent = borrow(config, chosen, lambda: _demo(studio))
    anchors, negatives = borrows(config, chosen)
    of_anchors = f"{_counted(len(lent.anchors), 'anchor clip')} ({_whose(config.anchors, anchors)})"
    whose = _whose(", ".join(config.negatives), negatives)
    of_negatives = f"{_counted(len(lent.negatives), 'negative prompt')} ({whose})"
    return f"{own.name}: {of_anchors}, {of_negatives}."


def _counted(count: float, what: str) -> str:
    return f"{count:g} {what}{'' if count == 1 else 's'}"


def _whose(named: str, borrowed: bool) -> str:
    if borrowed:
        return "borrowed from the drawn demo"
    if named == NOTHING:
        return "none, as chosen"
    return f"of {named}" if named else "its own"


def _with_chosen(studio: Studio, config: RunConfig, own: Dataset) -> tuple[Dataset, list[Fault]]:
    """``own`` with what ``config`` names; what is gone is a fault of its field."""
    chosen, faults = own, []
    for field, alone in (("anchors", replace(config, negatives=())), ("negatives", replace(config, anchors=""))):
        drawn_later = field == "anchors" and config.anchors == DRAWN_SCENES and not _drawn(studio)
        try:
            if not drawn_later:
                chosen = with_chosen(studio.store, alone, chosen)
        except DatasetError as exc:
            faults.append(Fault(field, str(exc)))
    return chosen, faults


def _drawn(studio: Studio) -> bool:
    return DEMO in {row.name for row in studio.store.datasets.list()}


def _demo(studio: Studio) -> Dataset:
    return studio.store.datasets.get(DEMO) if _drawn(studio) else Dataset(DEMO, (), (), ())


def _tower_faults(config: RunConfig) -> list[Fault]:
    towers, prompts = towers_of(config.backbone), config.prompts
    if towers is None:
        return []
    faults = [
        Fault(
            f"prompts.{name}",
            f"must be at most {layers}, the layers of that tower (it is {depth}): "
            "lower it, or choose a larger backbone",
        )
        for name, depth, layers in (
            ("visual_depth", prompts.visual_depth, towers.visual_layers),
            ("text_depth", prompts.text_depth, towers.text_layers),
        )
        if depth > layers
    ]
    room = towers.text_positions // 2
    if prompts.text_depth and prompts.length > room:
        rule = f"must be at most {room}, half of what a text may have on this backbone (it is {prompts.length})"
        faults.append(Fault("prompts.length", rule))
    return faults


def _step_faults(config: RunConfig, dataset: Dataset) -> list[Fault]:
    """A warm-up that takes all steps that there are."""
    clips = sum(training_clips(config, dataset).values())
    return warmup_faults(config.optimizer, clips)


def _anchor_faults(config: RunConfig, dataset: Dataset) -> list[Fault]:
    """Terms that are on and lack their clips or texts, each at its own weight.

    They lack them only where none were chosen: otherwise the data set has its own, or borrows them.
    """
    objective = config.objective
    on = [name for name, weight in objective.weights().items() if weight]
    no_clips, no_texts = config.anchors == NOTHING, config.negatives == (NOTHING,)
    faults = []
    for name in on:
        if name in ANCHOR_TERMS and no_clips:
            text = "needs anchor clips and none are chosen; choose a set, or set it to 0"
            faults.append(Fault(f"objective.{name}", text))
        if name in _TEXTS_NEEDED and no_texts:
            text = "needs negative prompts and none are chosen; choose a group, or set it to 0"
            faults.append(Fault(f"objective.{name}", text))
        if name in _WORDS_NEEDED and no_clips and no_texts and not objective.attributes:
            text = "needs texts: choose anchors or negatives, turn the wide vocabulary on, or set it to 0"
            faults.append(Fault(f"objective.{name}", text))
    count = len(dataset.negatives)
    if objective.released and dataset.negatives and count not in (1, len(dataset.base)):
        text = (
            f"takes 1 negative prompt or one a label ({len(dataset.base)}), and {count} are chosen; choose a group "
            "with one ('else' alone in the published runs), or set it to 0"
        )
        faults.append(Fault("objective.released", text))
    return faults


def _length_faults(studio: Studio, config: RunConfig, dataset: Dataset) -> list[Fault]:
    """Labels that the text tower cannot take behind the prompt."""
    length = config.prompts.length if config.prompts.text_depth else 0
    labels = (*dataset.base, *dataset.novel)
    long = studio.estimator.too_long(config.backbone, labels, length)
    if not long:
        return []
    text = (
        f"'{dataset.name}' has labels that are longer than this backbone reads behind {length} prompt tokens: "
        f"{_some(list(long))}; shorten them on Datasets, or lower the prompt length"
    )
    return [Fault("dataset", text)]


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
