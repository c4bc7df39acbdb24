"""Anchor sets: filled, measured against labels, suggested from pools, made from clips."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ga2app.datasets.clip_files import content_digest
from ga2app.disk import drop_older
from ga2app.errors import ClipError, DatasetError, StoreError, StudioError, counted
from ga2app.services.anchor_pools import DATASET, SET, caption_of, evenly, kept_pool, of_other_classes, of_other_content
from ga2app.services.negatives import Asked, NegativePromptService, chosen, whole
from ga2app.services.quotas import check_clips
from ga2app.services.uploads import copy_into
from ga2app.store.anchor_rows import AnchorFile, Rating
from ga2app.types import AnchorClip, AnchorKind, ClipRating, Progress

log = logging.getLogger(__name__)

RELEVANT = 0.25
"""Below this irrelevance a clip looks relevant."""

LOOK_AT = 200
"""Clips of a pool that are looked at for a suggestion, spread evenly over it, unless told otherwise."""

_KEEP_MADE_S = 24 * 3600


@dataclass(frozen=True)
class ProposedClip:
    """A clip that may be added: its file, its caption, how irrelevant it is, a remark for the user, and its content.

    The content of one that was made is not needed: its picture lies beside it.
    """

    path: str
    caption: str
    rating: Rating | None
    remark: str = ""
    digest: str | None = None

    @property
    def ticked(self) -> bool:
        """Whether it is proposed to be taken: unless it looks relevant."""
        return self.rating is None or not self.rating.warned


@dataclass(frozen=True)
class Proposed:
    """Clips to accept or to leave, whether their irrelevance says something by itself, and notes for the user."""

    clips: tuple[ProposedClip, ...] = ()
    comparable: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taken:
    """What became of clips that were to be added."""

    count: int
    doubles: tuple[str, ...]
    faults: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Measured:
    """How many clips were measured against how many labels, how many look relevant, and which could not be read."""

    clips: int
    labels: int
    warned: int
    comparable: bool
    faults: tuple[str, ...]


class AnchorService(NegativePromptService):
    """The anchor sets and negative prompts of a studio. torch is loaded when something is first measured."""

    @property
    def _made(self) -> Path:
        """Where clips that were made wait, each proposal's in a folder of its own."""
        return self._studio.home.media / "anchors" / "made"

    @cached_property
    def _contents(self) -> dict[str, str]:
        """Contents that were found out for a picture, by files."""
        return {}

    def pools(self, set_id: int | None) -> list[tuple[str, str]]:
        """Where clips can be suggested from, title and name: other anchor sets with clips, and every data set."""
        sets = [row for row in self._store.anchors.sets() if row.clips and row.id != set_id]
        sizes = ((row.name, row.n_train + row.n_test + row.anchors) for row in self._store.datasets.list())
        return [
            *((f"anchor set: {row.name} ({counted(row.clips, 'clip')})", f"{SET}{row.id}") for row in sets),
            *((f"data set: {name} ({counted(count, 'clip')})", f"{DATASET}{name}") for name, count in sizes),
        ]

    def upload(self, set_id: int | None, files: Sequence[str], caption: str, progress: Progress | None = None) -> Taken:
        """Add files; each clip gets ``caption``, or the one that its file's name gives."""
        if not files:
            raise StoreError("no clip was given; choose one or several files")
        said = caption.strip()
        return self.take(set_id, [AnchorClip(path, said or caption_of(Path(path).name)) for path in files], progress)

    def accept(self, set_id: int | None, proposed: Sequence[ProposedClip], picked: Sequence[int]) -> Taken:
        """Add those proposed clips whose numbers were ticked."""
        ticked = [proposed[number] for number in picked if 0 <= number < len(proposed)]
        if not ticked:
            raise StoreError("none of the proposed clips is ticked; tick those that you want, or discard them")
        return self.take(set_id, [AnchorClip(one.path, one.caption) for one in ticked])

    def take(self, set_id: int | None, clips: Iterable[AnchorClip], progress: Progress | None = None) -> Taken:
        """Copy clips into the set's folder, open each, and add those that can be read. A file is copied first of all.

        A clip that is in the set already is left out and told, and so is one that cannot be read, with the reason.
        """
        self._studio.may_change()
        set_id, wanted = chosen(set_id), list(clips)
        self._store.may_change_row("anchor_sets", set_id)
        check_clips(self._store, [clip.path for clip in wanted])
        files, faults, warnings = list[AnchorFile](), list[str](), list[str]()
        for number, clip in enumerate(wanted, 1):
            try:
                copied = copy_into(self._store.anchors.folder(set_id), clip.path)
                try:
                    digest = content_digest(copied)
                    facts = self._studio.inspector.inspect(str(copied), self._studio.home.thumbs / f"{digest}.jpg")
                except ClipError:
                    shutil.rmtree(copied.parent, ignore_errors=True)
                    raise
            except ClipError as exc:
                faults.append(str(exc))
            else:
                size = (facts.seconds, facts.frames, facts.width, facts.height)
                files.append(AnchorFile(str(copied), clip.caption, digest, *size))
                warnings += [f"{copied.name}: {one}" for one in facts.warnings]
            if progress:
                progress(number, len(wanted))
        try:
            added = self._store.anchors.add(set_id, files)
        except StudioError:
            _drop(file.path for file in files)
            raise
        _drop(added.doubles)
        return Taken(added.count, tuple(Path(path).name for path in added.doubles), tuple(faults), tuple(warnings))

    def suggest_clips(
        self,
        set_id: int | None,
        pool: str | None,
        asked: Asked,
        count: float | None,
        look_at: int = LOOK_AT,
        progress: Progress | None = None,
    ) -> Proposed:
        """The most irrelevant yet diverse clips of a pool.

        Never a clip of a label's own class or of a novel class of the data set: these must not enter training through
        their clips or in a caption; nor one that the set has.
        """
        had = {row.digest for row in self._store.anchors.rows(chosen(set_id)) if row.digest}
        clips, wanted = kept_pool(self._store, pool), whole(count, "clips")
        free = of_other_classes(clips, asked.every)
        fresh = of_other_content(free, had)
        if not fresh:
            why = "of the labels' own classes" if not free else "in the set already, or of the labels' own classes"
            raise DatasetError(f"every clip of the pool ({len(clips)}) is {why}; choose another pool")
        notes = []
        if left := len(clips) - len(free):
            notes.append(
                f"{counted(left, 'clip')} of the labels' own classes {'was' if left == 1 else 'were'} left out"
            )
        looked = evenly(fresh, look_at)
        if len(looked) < len(fresh):
            notes.append(f"{len(looked)} of {len(fresh):,} clips were looked at, spread evenly over the pool")
        rated = self._studio.advisor.choose(
            [AnchorClip(one.path, one.caption) for one in looked],
            asked.base,
            backbone=asked.backbone,
            count=wanted,
            progress=progress,
        )
        known = {one.path: one.digest for one in looked}
        proposed = tuple(
            ProposedClip(one.path, one.caption, rating(one, rated.comparable), digest=known[one.path])
            for one in rated.clips
        )
        return Proposed(proposed, rated.comparable, (*notes, *rated.faults))

    def make_clips(
        self,
        dataset: str | None,
        kinds: Sequence[AnchorKind],
        count: float | None,
        asked: Asked,
        progress: Progress | None = None,
    ) -> Proposed:
        """Anchors made from ``count`` clips of a data set, the most irrelevant first."""
        self._studio.may_change()
        if not kinds:
            raise DatasetError("no way of making anchors was chosen; tick at least one")
        if not dataset:
            raise DatasetError("no data set was chosen; choose the one whose clips to make anchors from")
        clips = self._store.datasets.get(dataset).clips
        sources = evenly([clip.path for clip in clips], whole(count, "clips"))
        folder = _made_folder(self._made)
        made = self._studio.advisor.make(sources, folder, kinds, progress=_half(progress, 0))
        if not made.clips:
            why = made.faults[0] if made.faults else "none given"
            raise DatasetError(f"no anchor could be made of these clips: {why}")
        rated = self._studio.advisor.irrelevance(
            [AnchorClip(one.path, one.caption) for one in made.clips],
            asked.base,
            backbone=asked.backbone,
            progress=_half(progress, 1),
        )
        ratings = {one.path: rating(one, rated.comparable) for one in rated.clips}
        restless = "still moves: the camera does, or nothing was still"
        proposed = [
            ProposedClip(one.path, one.caption, ratings.get(one.path), restless if one.restless else "")
            for one in made.clips
        ]
        proposed.sort(key=lambda one: -(one.rating.value if one.rating else -1.0))
        return Proposed(tuple(proposed), rated.comparable, (*made.faults, *rated.faults))

    def measure_clips(self, set_id: int | None, asked: Asked, progress: Progress | None = None) -> Measured:
        """Measure the irrelevance of every clip of the set and keep it."""
        rows = self._store.anchors.rows(chosen(set_id))
        if not rows:
            raise StoreError("the set has no clips to measure; add some first")
        pool = [AnchorClip(row.path, row.caption) for row in rows]
        rated = self._studio.advisor.irrelevance(pool, asked.base, backbone=asked.backbone, progress=progress)
        kept = self._store.ratings.ask(asked.base, asked.backbone, asked.source)
        ratings = {one.path: rating(one, rated.comparable) for one in rated.clips}
        self._store.ratings.keep_clips(kept.id, ratings, comparable=rated.comparable)
        warned = sum(one.warned for one in ratings.values())
        return Measured(len(ratings), len(asked.base), warned, rated.comparable, rated.faults)

    def picture(self, path: str, digest: str | None = None) -> Path | None:
        """Where the picture of a clip is kept: by its content, or beside a clip that was made. None if not known."""
        if Path(path).is_relative_to(self._made):
            return Path(path).with_suffix(".jpg")
        digest = digest or self._contents.get(path)
        return self._studio.home.thumbs / f"{digest}.jpg" if digest else None

    def draw_pictures(self, clips: Iterable[tuple[str, str | None]]) -> bool:
        """Draw the pictures that are missing of clips, named by file and content; says whether there were any.

        A clip that cannot be read stays without one. Content that was not known is found out and kept.
        """
        drawn = False
        for path, digest in clips:
            place = self.picture(path, digest)
            if Path(path) in self._studio.unpictured or (place and place.exists()):
                continue
            drawn = True
            try:
                if place is None:
                    self._contents[path] = content_digest(path)
                    # Where the database cannot be written it is known to this process alone.
                    with contextlib.suppress(StudioError):
                        self._store.clips.learn_content(path, self._contents[path])
                    place = self._studio.home.thumbs / f"{self._contents[path]}.jpg"
                if not place.exists():
                    self._studio.inspector.thumbnail(path, place)
            except ClipError as exc:
                log.info("%s", exc)
                self._studio.unpictured.add(Path(path))
        return drawn


def rating(rated: ClipRating, comparable: bool) -> Rating:
    """What is kept of a clip's rating. Only figures that say something by themselves can warn."""
    return Rating(rated.irrelevance, rated.nearest, comparable and rated.irrelevance < RELEVANT)


def _half(progress: Progress | None, half: int) -> Progress | None:
    """``progress`` of the first or the second half of the work."""
    return (lambda done, total: progress(half * total + done, 2 * total)) if progress else None


def _drop(copies: Iterable[str]) -> None:
    """Delete copies, each with the folder that was made for it."""
    for path in copies:
        shutil.rmtree(Path(path).parent, ignore_errors=True)


def _made_folder(home: Path) -> Path:
    """A new folder for clips that are made; those of proposals that were left a day ago go."""
    home.mkdir(parents=True, exist_ok=True)
    drop_older(home.iterdir(), _KEEP_MADE_S)
    return Path(tempfile.mkdtemp(dir=home))
