"""What would come up in the middle of a run, told before it starts, or before it goes on from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from statistics import median

from ga2app.config import ANCHOR_TERMS, DEMO, NOTHING, SKETCH, RunConfig, left_to_name
from ga2app.config.effective_config import effective, tested_on, training_clips, warmup_faults
from ga2app.errors import DatasetError, ErrorCode, Fault, TrainingError, counted, named
from ga2app.labels import unreadable
from ga2app.services.named_datasets import find_dataset, with_borrowed, with_named_anchors
from ga2app.services.prompt_fit import hard_prompt_faults, too_long, tower_faults
from ga2app.store import Store
from ga2app.store.chosen_anchors import DRAWN_SCENES, borrow, borrows, with_chosen
from ga2app.types import DIGEST_CHARACTERS, Dataset, Subset, TrainingData, cautions, clip_name

ENOUGH_SHOTS = 8
"""Clips a label from which on ``ga2-plus`` was above zero-shot CLIP, clear of zero: docs/experiments.md."""

FOOTAGE = (
    "'{dataset}' looks like real footage, and the sketch backbone knows drawings only: choose another CLIP as the "
    "backbone, or fetch one under it."
)

_TEXTS_NEEDED = ("released", "reject", "extra_class")
_WORDS_NEEDED = ("keep", "relate", "vocabulary")
_some = partial(named, shown=5, quoted=True)


@dataclass(frozen=True)
class Checked:
    """What is wrong with a run, each fault at its setting, and what its owner should know before it starts.

    ``dataset`` is the data set as the worker will see it, with what it borrows; None while it is not there yet.
    """

    dataset: Dataset | None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()


def settings_faults(config: RunConfig) -> list[Fault]:
    """What settings and backbone say without a data set."""
    return [*left_to_name(config), *tower_faults(config), *hard_prompt_faults(config), *tracker_faults(config)]


def tracker_faults(config: RunConfig) -> list[Fault]:
    """Trackers that are not installed here, with what installs them; nothing is imported."""
    asked = ("accelerate", *config.report_to) if config.report_to else ()
    if lacking := [name for name in asked if find_spec(name) is None]:
        rule = f"needs {' and '.join(lacking)}, not installed here: pip install {' '.join(lacking)}, or leave it out"
        return [Fault("report_to", rule)]
    return []


def check(config: RunConfig, own: Dataset, chosen: Dataset, lent: Dataset) -> Checked:
    """Everything that settings, backbone and data set say about a run, all at once, without loading anything.

    ``own`` is the data set, whole or in outline, ``chosen`` the same with the anchors that ``config`` names, ``lent``
    with what it borrows besides.
    """
    faults = [*settings_faults(config), *dataset_faults(config, own), *anchor_faults(config, lent)]
    return Checked(lent, tuple(faults), tuple(run_warnings(config, own, chosen, lent)))


def check_by_name(config: RunConfig, notes: list[str]) -> Checked:
    """``check`` with the data set that ``config`` names, whole, by whatever name a command takes, and a few clips read.

    What reading the data set says goes to ``notes``. Raises StudioError for what ``config`` names and nobody has.
    """
    own = find_dataset(config.dataset, notes)
    chosen = with_named_anchors(config, own)
    checked = check(config, own, chosen, with_borrowed(config, chosen))
    if checked.faults or not filmed(config, own):
        return checked
    return replace(checked, warnings=(*checked.warnings, FOOTAGE.format(dataset=own.name)))


def dataset_faults(config: RunConfig, own: Dataset) -> list[Fault]:
    """Why nothing can be trained on the labels and clips of ``own``."""
    faults = []
    if len(own.base) < 2:
        text = (
            f"'{own.name}' has {counted(len(own.base), 'base label')}; training needs at least "
            "2, because with one there is nothing to tell apart: add clips of another label"
        )
        faults.append(Fault("dataset", text))
    trained = own.counts(Subset.TRAIN)
    if idle := [label for label in own.base if not trained[label]]:
        text = f"'{own.name}' has no training clips for {_some(idle)}; add clips of these labels, or make them novel"
        faults.append(Fault("dataset", text))
    length = config.prompts.length if config.prompts.text_depth else 0
    if long := too_long(config.backbone, (*own.base, *own.novel), length):
        text = (
            f"'{own.name}' has labels that are longer than this backbone reads behind {length} prompt tokens: "
            f"{_some(long)}; shorten them on Datasets, or lower the prompt length"
        )
        faults.append(Fault("dataset", text))
    return [*faults, *warmup_faults(config.optimizer, sum(training_clips(config, own).values()))]


def anchor_faults(config: RunConfig, lent: Dataset) -> list[Fault]:
    """Losses that are on and lack their clips or texts, each at its own weight.

    They lack them only where none were chosen: otherwise the data set has its own, or borrows them.
    """
    objective = config.losses
    no_clips, no_texts = config.anchors == NOTHING, config.negatives == (NOTHING,)
    no_words = no_clips and no_texts and not objective.attributes
    faults = []
    for needing, lacking, rule in (
        (ANCHOR_TERMS, no_clips, "needs anchor clips and none are chosen; choose a set, or set it to 0"),
        (_TEXTS_NEEDED, no_texts, "needs negative prompts and none are chosen; choose a group, or set it to 0"),
        (
            _WORDS_NEEDED,
            no_words,
            "needs texts: choose anchors or negatives, turn the wide vocabulary on, or set it to 0",
        ),
    ):
        weights = objective.weights()
        faults += [Fault(f"objective.{name}", rule) for name in needing if lacking and weights[name]]
    count = len(lent.negatives)
    if objective.released and count and count not in (1, len(lent.base)):
        text = (
            f"takes 1 negative prompt or one a label ({len(lent.base)}), and {count} are chosen; choose a group "
            "with one ('else' alone in the published runs), or set it to 0"
        )
        faults.append(Fault("objective.released", text))
    return faults


def run_warnings(config: RunConfig, own: Dataset, chosen: Dataset, lent: Dataset) -> list[str]:
    """What is to be known of a run of ``config``; the data sets are those of ``check``."""
    return [
        *_anchor_warnings(config, own, chosen),
        *_test_warnings(own),
        *_shot_warnings(config, own),
        *whitening_warnings(config, lent),
        *filter(None, [unreadable((*own.base, *own.novel))]),
    ]


def whitening_warnings(config: RunConfig, lent: Dataset) -> list[str]:
    """What of the whitening of a run of ``config`` on ``lent`` will not be as asked for, and why."""
    adjustments = {one.setting: one.reason for one in effective(config, lent)[1]}
    told = {"whitening.enabled": "Whitening will be off: {}.", "whitening.anchors": "Whitening will not be as set: {}."}
    return [text.format(adjustments[setting]) for setting, text in told.items() if setting in adjustments]


def anchors_note(config: RunConfig, chosen: Dataset, lent: Dataset) -> str:
    """Where the anchors and the negative prompts of a run come from, in one line."""
    anchors, negatives = borrows(config, chosen)
    of_anchors = f"{counted(len(lent.anchors), 'anchor clip')} ({_whose(config.anchors, anchors)})"
    whose = _whose(", ".join(config.negatives), negatives)
    return f"{chosen.name}: {of_anchors}, {counted(len(lent.negatives), 'negative prompt')} ({whose})."


def filmed(config: RunConfig, dataset: Dataset) -> bool:
    """Whether a few of the training clips look like footage where the backbone knows drawings alone. Reads them."""
    if config.backbone != SKETCH or dataset.name == DEMO:
        return False
    from ga2app.errors import ClipError
    from ga2app.video import Evaluation, read_clip
    from ga2app.video.domain_check import looks_photographic

    paths, found = dataset.sample(), 0
    for path in paths:
        try:
            found += looks_photographic(read_clip(path, Evaluation(8)).frames)
        except ClipError:
            continue  # the training names it, and all others that cannot be read
    return 2 * found > len(paths)


def _whose(named: str, borrowed: bool) -> str:
    if borrowed:
        return "borrowed from the drawn demo"
    if named == NOTHING:
        return "none, as chosen"
    return f"of {named}" if named else "its own"


def _anchor_warnings(config: RunConfig, own: Dataset, chosen: Dataset) -> list[str]:
    if own.name == DEMO:
        return []
    warnings = []
    if borrows(config, chosen)[0]:
        warnings.append(
            f"'{own.name}' has no anchor clips: drawn scenes of the demo are borrowed. For filmed clips they help "
            "little; choose an anchor set of your own footage where you have one."
        )
    if config.anchors == DRAWN_SCENES:
        warnings.append("The anchor set 'drawn scenes' shows drawings: for filmed clips it helps little.")
    return warnings


def _test_warnings(own: Dataset) -> list[str]:
    tested = own.counts(Subset.TEST)
    if not tested:
        return [f"'{own.name}' has no test clips: it trains, but nothing is measured."]
    if own.novel and not any(tested[label] for label in own.novel):
        return [f"'{own.name}' has no test clips of novel labels: whether it forgets is not measured."]
    return cautions(tested_on(own))


def _shot_warnings(config: RunConfig, own: Dataset) -> list[str]:
    warnings = []
    counts = own.counts(Subset.TRAIN)
    if few := [label for label in own.base if 0 < counts[label] < config.shots]:
        warnings.append(f"'{own.name}' has fewer than {config.shots} training clips for {_some(few)}: all are taken.")
    drawn = [min(config.shots, counts[label]) for label in own.base if counts[label]]
    if drawn and median(drawn) < ENOUGH_SHOTS:
        warnings.append(
            f"'{own.name}' gives {counted(median(drawn), 'clip')} a label: on drawn clips prompts needed "
            f"{ENOUGH_SHOTS} to be better than zero-shot CLIP. Add clips where you can, and look at the report before "
            "you rely on the bundle."
        )
    return warnings


def changes_since(store: Store, run_id: int) -> list[str] | None:
    """What is different now in the data that a run is, or was, trained on, in words; None where that is not known.

    No file is read: contents are those that an import found. Raises StoreError for a run that is not there.
    """
    then = store.runs.data_of(run_id)
    config = RunConfig.from_dict(store.runs.get(run_id).config)
    if then is None:
        return None
    try:
        own = with_chosen(store, config, store.datasets.get(config.dataset))
        dataset = borrow(config, own, lambda: store.datasets.get(DEMO))
    except DatasetError:
        return None  # gone altogether: the worker says so, and what there is
    return then.changes(TrainingData.of(dataset, _content_by(then, store.runs.digests())))


def told_changes(store: Store, run_id: int) -> str:
    """``changes_since`` as a sentence, for whoever trains again; empty where nothing is known."""
    changes = changes_since(store, run_id)
    if changes is None:
        return ""
    since = f"since run {run_id} was trained"
    return f"What changed in its data {since}: {'; '.join(changes)}." if changes else f"Its data is as it was {since}."


def check_unchanged(store: Store, run_id: int) -> None:
    """Raises TrainingError, with what has changed, where the run cannot go on from its checkpoint.

    A worker that takes the run looks at the files.
    """
    if store.runs.has_checkpoint(run_id) and (changes := changes_since(store, run_id)):
        dataset = RunConfig.from_dict(store.runs.get(run_id).config).dataset
        raise TrainingError(
            f"the clips or labels of '{dataset}' have changed since run {run_id} was trained on them: "
            f"{'; '.join(changes)}",
            hint="Bring them back as they were (Undo on Datasets) to go on, or begin anew at step 0 (Start over)",
            code=ErrorCode.DATA_CHANGED,
        )


def _content_by(then: TrainingData, stored: Mapping[str, str]) -> Callable[[str], str]:
    """What a file holds, told without reading it: as its import found it, or else as it was ``then`` by that name."""
    clips = (*then.clips, *then.anchors)
    known, by_name = {clip.digest for clip in clips}, {clip.name: clip.digest for clip in clips}

    def content(path: str) -> str:
        digest = stored.get(path, "")[:DIGEST_CHARACTERS]
        if digest:
            return digest if digest in known else ""
        return by_name.get(clip_name(path), "")

    return content
