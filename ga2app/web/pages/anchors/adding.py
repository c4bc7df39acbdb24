"""Clips into anchor sets: uploads, clips of data sets, clips made from clips. A set has copies of its own."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ga2app.datasets.clip_files import content_digest
from ga2app.errors import ClipError, DatasetError
from ga2app.labels import label_key, tidy
from ga2app.paths import Home, safe_name
from ga2app.services.studio import Studio
from ga2app.store import DatasetRow
from ga2app.store.anchor_sets import AnchorFile
from ga2app.store.ratings import Rating
from ga2app.types import AnchorClip, AnchorKind, ClipRating, Progress
from ga2app.web.components.markup import count_of
from ga2app.web.pages.anchors.anchor_messages import RELEVANT
from ga2app.web.pages.anchors.clip_cards import ProposedClip
from ga2app.web.pages.anchors.pictures import picture_path
from ga2app.web.pages.anchors.question import Asked

Item = TypeVar("Item")

LOOK_AT = 200
"""Clips of a pool that are looked at for a suggestion, spread evenly over it, unless told otherwise."""

_KEEP_MADE_S = 24 * 3600
_CAMERA_WORDS = re.compile(r"^(img|vid|mov|dsc|clip|video|mvi|pxl|gopro|untitled|copy)$", re.IGNORECASE)

SET, DATASET = "set:", "data:"
"""Pools are named by what they are: an anchor set's id or a data set's name behind it."""


@dataclass(frozen=True)
class Taken:
    """What became of clips that were to be added."""

    count: int
    doubles: tuple[str, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Proposed:
    """Clips to accept or to leave, whether their irrelevance says something by itself, and notes for the user."""

    clips: tuple[ProposedClip, ...]
    comparable: bool
    notes: tuple[str, ...] = ()


def take_clips(studio: Studio, set_id: int, clips: Iterable[AnchorClip], progress: Progress | None = None) -> Taken:
    """Copy clips into the set's folder, open each, and add those that can be read. A file is copied before all else.

    A clip that is in the set already is left out and told, and so is one that cannot be read, with the reason.
    """
    studio.may_change()
    wanted = list(clips)
    files: list[AnchorFile] = []
    faults: list[str] = []
    warnings: list[str] = []
    for number, clip in enumerate(wanted, 1):
        try:
            copied = _copy(studio, set_id, clip.path)
            try:
                file, told = _open(studio, copied, clip.caption)
            except ClipError:
                shutil.rmtree(copied.parent, ignore_errors=True)
                raise
        except ClipError as exc:
            faults.append(str(exc))
        else:
            files.append(file)
            warnings += [f"{copied.name}: {one}" for one in told]
        if progress:
            progress(number, len(wanted))
    added = studio.store.anchors.add(set_id, files)
    for path in added.doubles:
        shutil.rmtree(Path(path).parent, ignore_errors=True)
    return Taken(added.count, tuple(Path(path).name for path in added.doubles), tuple(faults), tuple(warnings))


def caption_of(name: str) -> str:
    """The caption that a file's name gives: "rain_on-window 02.mp4" is "rain on window"; none for "IMG_2034.mp4"."""
    words = re.findall(r"[^\W\d_]+", tidy(Path(name).stem))
    kept = [word.lower() for word in words if not _CAMERA_WORDS.match(word)]
    return " ".join(kept) if any(len(word) > 2 for word in kept) else ""


def pool_choices(studio: Studio, set_id: int | None) -> list[tuple[str, str]]:
    """Where clips can be suggested from: other anchor sets with clips in them, and every data set."""
    sets = [row for row in studio.store.anchors.sets() if row.clips and row.id != set_id]
    rows = studio.store.datasets.list()
    return [
        *((f"anchor set: {row.name} ({count_of(row.clips, 'clip')})", f"{SET}{row.id}") for row in sets),
        *((f"data set: {row.name} ({count_of(_size(row), 'clip')})", f"{DATASET}{row.name}") for row in rows),
    ]


def read_pool(studio: Studio, pool: str | None) -> list[AnchorClip]:
    """The clips of a pool: captions are class names or the anchors' captions. Raises DatasetError."""
    if pool and pool.startswith(SET) and pool.removeprefix(SET).isdigit():
        rows = studio.store.anchors.rows(int(pool.removeprefix(SET)))
        return [AnchorClip(row.path, row.caption) for row in rows]
    if pool and pool.startswith(DATASET):
        dataset = studio.store.datasets.get(pool.removeprefix(DATASET))
        return [*(AnchorClip(clip.path, tidy(clip.label)) for clip in dataset.clips), *dataset.anchors]
    raise DatasetError("no pool of clips was chosen; choose a data set or another anchor set to suggest from")


def suggest(
    studio: Studio,
    set_id: int,
    pool: str | None,
    question: Asked,
    count: int,
    look_at: int = LOOK_AT,
    progress: Progress | None = None,
) -> Proposed:
    """The most irrelevant yet diverse clips of a pool.

    Never a clip of a label's own class or of a novel class of the data set: these must not enter training through
    their clips or in a caption; nor one that the set has. Raises StudioError.
    """
    clips = read_pool(studio, pool)
    taken = {label_key(label) for label in question.every}
    free = [clip for clip in clips if label_key(clip.caption) not in taken]
    notes = (
        [f"{count_of(taken_out, 'clip')} of the labels' own classes {'was' if taken_out == 1 else 'were'} left out"]
        if (taken_out := len(clips) - len(free))
        else []
    )
    fresh = _not_in_set(studio, set_id, free)
    if not fresh:
        why = "of the labels' own classes" if not free else "in the set already, or of the labels' own classes"
        raise DatasetError(f"every clip of the pool ({len(clips)}) is {why}; choose another pool")
    looked = evenly(fresh, look_at)
    if len(looked) < len(fresh):
        notes.append(f"{len(looked)} of {len(fresh):,} clips were looked at, spread evenly over the pool")
    rated = studio.advisor.choose(looked, question.base, backbone=question.backbone, count=count, progress=progress)
    notes += rated.faults
    proposed = [ProposedClip(one.path, one.caption, rating_of(one, rated.comparable)) for one in rated.clips]
    return Proposed(tuple(proposed), rated.comparable, tuple(notes))


def make(
    studio: Studio,
    dataset: str | None,
    kinds: Sequence[AnchorKind],
    count: int,
    question: Asked,
    progress: Progress | None = None,
) -> Proposed:
    """Anchors made from ``count`` clips of a data set, the most irrelevant first. Raises StudioError."""
    studio.may_change()
    if not kinds:
        raise DatasetError("no way of making anchors was chosen; tick at least one")
    if not dataset:
        raise DatasetError("no data set was chosen; choose the one whose clips to make anchors from")
    sources = evenly([clip.path for clip in studio.store.datasets.get(dataset).clips], count)
    folder = _made_folder(studio.home)
    made = studio.advisor.make(sources, folder, kinds, progress=_half(progress, 0))
    if not made.clips:
        raise DatasetError(f"no anchor could be made of these clips: {made.faults[0] if made.faults else 'none given'}")
    paths = [clip.path for clip in made.clips]
    second = _half(progress, 1)
    rated = studio.advisor.irrelevance(paths, question.base, backbone=question.backbone, progress=second)
    ratings = {one.path: rating_of(one, rated.comparable) for one in rated.clips}
    restless = "still moves: the camera does, or nothing was still"
    proposed = [
        ProposedClip(one.path, one.caption, ratings.get(one.path), restless if one.restless else "")
        for one in made.clips
    ]
    proposed.sort(key=lambda one: -(one.rating.value if one.rating else -1.0))
    return Proposed(tuple(proposed), rated.comparable, (*made.faults, *rated.faults))


def rating_of(rated: ClipRating, comparable: bool) -> Rating:
    """What is kept of a clip's rating. Only figures that say something by themselves can warn."""
    return Rating(rated.irrelevance, rated.nearest, comparable and rated.irrelevance < RELEVANT)


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, spread evenly over them."""
    if len(items) <= count:
        return list(items)
    return [items[place * len(items) // count] for place in range(count)]


def _half(progress: Progress | None, half: int) -> Progress | None:
    """``progress`` of the first or the second half of the work."""
    return (lambda done, total: progress(half * total + done, 2 * total)) if progress else None


def _size(row: DatasetRow) -> int:
    return row.n_train + row.n_test + row.anchors


def _not_in_set(studio: Studio, set_id: int, clips: Sequence[AnchorClip]) -> list[AnchorClip]:
    had = {row.digest for row in studio.store.anchors.rows(set_id)} - {None}
    if not had:
        return list(clips)
    return [clip for clip in clips if not Path(clip.path).is_file() or content_digest(clip.path) not in had]


def _copy(studio: Studio, set_id: int, path: str) -> Path:
    """A copy of the file in a new folder of the set's own. Raises ClipError."""
    source = Path(path)
    name = safe_name(source.name)
    folder: Path | None = None
    try:
        home = studio.store.anchors.folder(set_id)
        home.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home, prefix="clip-"))
        return Path(shutil.copyfile(source, folder / name))
    except OSError as exc:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        raise ClipError(name, f"it could not be copied ({exc.strerror or exc})", "check the file and the disk") from exc


def _open(studio: Studio, path: Path, caption: str) -> tuple[AnchorFile, tuple[str, ...]]:
    """What opening the copy shows, its picture drawn, and warnings. Raises ClipError."""
    digest = content_digest(path)
    facts = studio.inspector.inspect(str(path), picture_path(studio, str(path), digest))
    file = AnchorFile(str(path), caption, digest, facts.seconds, facts.frames, facts.width, facts.height)
    return file, facts.warnings


def _made_folder(home: Home) -> Path:
    """A new folder for clips that are made; those of proposals that were left a day ago go."""
    made = home.media / "anchors" / "made"
    made.mkdir(parents=True, exist_ok=True)
    for old in made.iterdir():
        if old.is_dir() and time.time() - old.stat().st_mtime > _KEEP_MADE_S:
            shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=made))
