"""What the owner of a run should know before it starts: told by Train and by the command line alike."""

from __future__ import annotations

from collections import Counter
from statistics import median

from ga2app.config import DEMO, RunConfig
from ga2app.config.effective_config import effective, tested_on
from ga2app.labels import unreadable
from ga2app.store.chosen_anchors import DRAWN_SCENES, borrows
from ga2app.types import Dataset, Subset, cautions

ENOUGH_SHOTS = 8
"""Clips a label from which on ``ga2`` was above plain CLIP, clear of zero: docs/experiments.md, few-shot curve."""

FOOTAGE = (
    "'{dataset}' looks like real footage, and the sketch backbone knows drawings only: choose another CLIP as the "
    "backbone, or fetch one under it."
)
_SHOWN = 5


def run_warnings(config: RunConfig, own: Dataset, chosen: Dataset, lent: Dataset) -> list[str]:
    """What is to be known of a run of ``config`` on the data set ``own``.

    ``chosen`` is ``own`` with the anchors that the settings name, ``lent`` the same with what it borrows besides.
    """
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
    told = {
        "whitening.enabled": "Whitening will be off: {}.",
        "whitening.anchors": "Whitening will not be as set: {}.",
    }
    return [text.format(adjustments[setting]) for setting, text in told.items() if setting in adjustments]


def _anchor_warnings(config: RunConfig, own: Dataset, chosen: Dataset) -> list[str]:
    warnings = []
    anchors, _ = borrows(config, chosen)
    if anchors and own.name != DEMO:
        warnings.append(
            f"'{own.name}' has no anchor clips: drawn scenes of the demo are borrowed. For filmed clips they help "
            "little; choose an anchor set of your own footage where you have one."
        )
    if config.anchors == DRAWN_SCENES and own.name != DEMO:
        warnings.append("The anchor set 'drawn scenes' shows drawings: for filmed clips it helps little.")
    return warnings


def _test_warnings(own: Dataset) -> list[str]:
    tested = {clip.label for clip in own.clips if clip.subset is Subset.TEST}
    if not tested:
        return [f"'{own.name}' has no test clips: it trains, but nothing is measured."]
    if own.novel and not tested & set(own.novel):
        return [f"'{own.name}' has no test clips of novel labels: whether it forgets is not measured."]
    return cautions(tested_on(own))


def _shot_warnings(config: RunConfig, own: Dataset) -> list[str]:
    warnings = []
    counts = Counter(clip.label for clip in own.clips if clip.subset is Subset.TRAIN)
    if few := [label for label in own.base if 0 < counts[label] < config.shots]:
        warnings.append(f"'{own.name}' has fewer than {config.shots} training clips for {_some(few)}: all are taken.")
    drawn = [min(config.shots, counts[label]) for label in own.base if counts[label]]
    if drawn and median(drawn) < ENOUGH_SHOTS:
        count = median(drawn)
        warnings.append(
            f"'{own.name}' gives {count:g} clip{'' if count == 1 else 's'} a label: on drawn clips prompts needed "
            f"{ENOUGH_SHOTS} to be better than plain CLIP. Add clips where you can, and look at the report before you "
            "rely on the bundle."
        )
    return warnings


def _some(names: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_SHOWN])
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
