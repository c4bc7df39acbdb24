"""Runs of the queue, what they tell, and the data that they were trained on."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from ga2app.errors import TrainingError, counted, named
from ga2app.types.dataset_types import Dataset


class RunState(StrEnum):
    """Where a run stands. ``stopping`` is a wish that the worker fulfils at its next step."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DONE = "done"
    FAILED = "failed"


class EventKind(StrEnum):
    """What a run tells while it goes on. See ``Event``."""

    PLAN = "plan"
    ZERO_SHOT = "zero_shot"
    STEP = "step"
    EPOCH = "epoch"
    LOG = "log"
    BUNDLE = "bundle"
    DATA = "data"
    SAVING = "saving"
    VALIDATION = "validation"


@dataclass(frozen=True)
class Event:
    """One thing that happened at ``step`` (optimizer steps since the run began, kept across resumes).

    Values by kind: ``plan`` total_steps, steps_per_epoch, epochs, conditions (``Conditions.to_dict``) · ``zero_shot``
    and ``epoch`` base, novel, hm in percent (absent without clips, or with one label on a side), ``epoch`` also epoch
    and tested (clips and labels of each side) · ``step`` ce, anchor, total, learning_rate, seconds_per_step,
    seconds_waiting (for clips, before the step), seconds_left (to the end of the run, measuring counted) · ``log`` text
    · ``bundle`` path · ``data`` what ``TrainingData.to_dict`` gives · ``validation`` accuracy in percent and ce, the
    cross-entropy, on so many clips: those training clips of base labels that the shots left over.
    ``saving`` has none, and is kept nowhere: when it has been told, all before it has to be written down, for the
    checkpoint that follows is where a run goes on that is killed.
    """

    kind: EventKind
    step: int
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class RunRecord:
    """A row of the queue, as the screens show it. Times are seconds since the epoch.

    ``data_hash`` is that of what it is trained and measured on (``TrainingData.hash``), empty until it has begun.
    ``error_code`` says of which kind the error is that a run failed of, for a hint; empty where none is known.
    ``device`` is where it is trained, or was last. ``remote`` says what it asks of machines of others; empty for a run
    of this machine. On a Space ``owner`` says whose it is, and ``shared`` whether all see it. ``sweep_id`` is the
    number of the sweep that it is a point of, None for a run of its own, and ``sweep`` what that asked for.
    """

    id: int
    name: str
    owner: str
    state: RunState
    config: Mapping[str, Any]
    created_s: float
    started_s: float | None = None
    finished_s: float | None = None
    heartbeat_s: float | None = None
    pid: int | None = None
    exit_code: int | None = None
    error: str | None = None
    bundle: str | None = None
    attempts: int = 0
    data_hash: str = ""
    error_code: str = ""
    device: str = ""
    remote: Mapping[str, Any] = field(default_factory=dict)
    shared: bool = False
    sweep_id: int | None = None
    sweep: Mapping[str, Any] = field(default_factory=dict)

    @property
    def bundle_key(self) -> str | None:
        """The key of the run's bundle in the library; None where it has none."""
        return PurePath(self.bundle).name if self.bundle else None


DIGEST_CHARACTERS = 32
"""So much of a file's SHA-256 tells its content here."""

_NAMED = 3
"""Labels and clips that a change names; of more it gives the number."""


@dataclass(frozen=True)
class ClipState:
    """A clip of a run: the last two parts of its path, its label and subset (empty for an anchor), its content.

    ``digest`` is the start of the file's SHA-256, empty for a clip that the run does not look at.
    """

    name: str
    label: str
    subset: str
    digest: str = ""


@dataclass(frozen=True)
class TrainingData:
    """Labels, clips, anchors and negative prompts of a run, without any path of the machine."""

    base: tuple[str, ...]
    novel: tuple[str, ...]
    clips: tuple[ClipState, ...]
    anchors: tuple[ClipState, ...] = ()
    negatives: tuple[str, ...] = ()

    @classmethod
    def of(cls, dataset: Dataset, digest: Callable[[str], str] = lambda path: "") -> TrainingData:
        """The state of ``dataset``; ``digest`` gives the content of a file by its path, empty where nobody asks."""
        clips = (ClipState(clip_name(one.path), one.label, one.subset.value, digest(one.path)) for one in dataset.clips)
        anchors = (ClipState(clip_name(one.path), one.caption, "", digest(one.path)) for one in dataset.anchors)
        return cls(dataset.base, dataset.novel, tuple(clips), tuple(anchors), dataset.negatives)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrainingData:
        """What ``to_dict`` gave. Raises TrainingError for anything else."""
        try:
            clips, anchors = (tuple(ClipState(*row) for row in data[part]) for part in ("clips", "anchors"))
            return cls(tuple(data["base"]), tuple(data["novel"]), clips, anchors, tuple(data["negatives"]))
        except (KeyError, TypeError) as exc:
            raise TrainingError(
                f"what the run was trained on cannot be read ({exc}); begin anew at step 0 (Start over on Runs, or "
                "train --restart)"
            ) from exc

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = {
            part: [[clip.name, clip.label, clip.subset, clip.digest] for clip in clips]
            for part, clips in (("clips", self.clips), ("anchors", self.anchors))
        }
        return {"base": list(self.base), "novel": list(self.novel), "negatives": list(self.negatives), **rows}

    @property
    def hash(self) -> str:
        """One short text for all of it: the same wherever the files lie, and whatever those are called that it read."""
        rows = [
            sorted([clip.label, clip.subset, clip.digest or PurePath(clip.name).name] for clip in clips)
            for clips in (self.clips, self.anchors)
        ]
        whole = [list(self.base), list(self.novel), *rows, sorted(self.negatives)]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]

    def changes(self, now: TrainingData) -> list[str]:
        """What ``now`` has otherwise, in words; empty where it is the same.

        A side that knows no contents is compared by names alone.
        """
        if self.hash == now.hash:
            return []
        told = [*_labels(self, now), *_clips("clip", self.clips, now.clips)]
        told += _clips("anchor clip", self.anchors, now.anchors)
        gone, new = set(self.negatives) - set(now.negatives), set(now.negatives) - set(self.negatives)
        told += [f"{counted(len(gone), 'negative prompt')} removed"] if gone else []
        told += [f"{counted(len(new), 'negative prompt')} added"] if new else []
        if told or not (_knows_contents(self) and _knows_contents(now)):
            return told
        return ["the order of its labels, or the clips that are drawn from it"]


def clip_name(path: str) -> str:
    """What ``ClipState`` calls the clip of a file."""
    return "/".join(PurePath(path.replace("\\", "/")).parts[-2:])


def _knows_contents(data: TrainingData) -> bool:
    return any(clip.digest for clip in data.clips)


def _labels(then: TrainingData, now: TrainingData) -> list[str]:
    before, after = ({*data.base, *data.novel} for data in (then, now))
    told = []
    for names, what in (
        ([name for name in (*then.base, *then.novel) if name not in after], "removed"),
        ([name for name in (*now.base, *now.novel) if name not in before], "added"),
        ([name for name in then.base if name in now.novel], "base before and novel now"),
        ([name for name in then.novel if name in now.base], "novel before and base now"),
    ):
        if names:
            told.append(f"{'label' if len(names) == 1 else 'labels'} {named(names, _NAMED, quoted=True)} {what}")
    return told


def _clips(what: str, then: Iterable[ClipState], now: Iterable[ClipState]) -> list[str]:
    before, after = _by_name(then), _by_name(now)
    both = [name for name in before if name in after]
    pairs = [(name, before[name], after[name]) for name in both]
    told = []
    for names, how in (
        ([name for name in before if name not in after], "removed"),
        ([name for name in after if name not in before], "added"),
        ([name for name, old, new in pairs if old.label != new.label], "under another label"),
        ([name for name, old, new in pairs if old.subset != new.subset], "moved between train and test"),
        (
            [name for name, old, new in pairs if old.digest and new.digest and old.digest != new.digest],
            "with another content",
        ),
    ):
        if names:
            told.append(f"{counted(len(names), what)} {how} ({named(names, _NAMED, quoted=True)})")
    return told


def _by_name(clips: Iterable[ClipState]) -> dict[str, ClipState]:
    """Clips by name; of equal names the second and later ones are numbered."""
    seen: Counter[str] = Counter()
    found = {}
    for clip in clips:
        seen[clip.name] += 1
        found[clip.name if seen[clip.name] == 1 else f"{clip.name} ({seen[clip.name]})"] = clip
    return found
