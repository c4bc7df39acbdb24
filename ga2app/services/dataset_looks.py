"""Looking at the clips of a data set, once: in the background or while a command waits, with progress and cancel.

What the towers made of the clips is stored in the data directory (``features``), so that a look that was cancelled, or
ended by a restart, goes on where it was, and a second one finds all there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ga2app.datasets.clip_files import content_digest
from ga2app.environment import OwnThread
from ga2app.errors import ClipError, StudioError, counted
from ga2app.services.quotas import Cost
from ga2app.store.clip_pages import ClipFilter, ClipRow
from ga2app.store.row_guard import acting_as
from ga2app.types import Progress

if TYPE_CHECKING:
    from ga2app.inference.dataset_features import DatasetFeatures
    from ga2app.services.studio import Studio

FEATURES = "features"
"""The folder in the data directory; it may be deleted at any time."""
MOST_CLIPS = 1_000_000
_KEPT = 4
"""Data sets whose features stay open."""
_UNEXPECTED = "something went wrong inside the studio, and its log says what; look at the clips again"


@dataclass(frozen=True)
class Looking:
    """How far a look is: ``done`` of ``total`` clips that were not known before it.

    ``faults`` say by address which clips cannot be read, ``error`` why it ended early.
    """

    done: int = 0
    total: int = 0
    running: bool = False
    error: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SeenClips:
    """The clips of a data set that were looked at, in their order, and how many were not."""

    rows: tuple[ClipRow, ...]
    digests: tuple[str, ...]
    unseen: int
    features: DatasetFeatures


class DatasetLooks:
    """Looks at data sets with zero-shot CLIP, or with a bundle beside it."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._lock = threading.Lock()
        self._state: dict[tuple[str | None, int, str], Looking] = {}
        self._cancelled: set[tuple[str | None, int, str]] = set()
        self._open: OrderedDict[object, DatasetFeatures] = OrderedDict()

    def state(self, dataset_id: int, bundle: str = "") -> Looking:
        """How far the look is that whoever asks has begun."""
        with self._lock:
            return self._state.get(self._key(dataset_id, bundle), Looking())

    def start(self, dataset_id: int, bundle: str = "") -> None:
        """Begin to look in the background, unless that is going on. Raises StudioError."""
        self._studio.datasets.summary(dataset_id)
        self._studio.recognition.chosen_bundles(bundle)
        key = self._key(dataset_id, bundle)
        with self._lock:
            if self._state.get(key, Looking()).running:
                return
            self._state[key] = Looking(running=True)
            self._cancelled.discard(key)
        work = acting_as(self._studio.store.actor())(self._work)
        OwnThread(target=work, args=(key,), daemon=True, name=f"looking at data set {dataset_id}").start()

    def cancel(self, dataset_id: int, bundle: str = "") -> None:
        """Stop looking after the clips that are under way; what was seen stays."""
        self._cancelled.add(self._key(dataset_id, bundle))

    def _work(self, key: tuple[str | None, int, str]) -> None:
        _, dataset_id, bundle = key

        def tell(done: int, total: int) -> None:
            with self._lock:
                self._state[key] = replace(self._state[key], done=done, total=total)

        error, faults = "", {}
        try:
            faults = self.look(dataset_id, bundle, tell, lambda: key in self._cancelled)
        except StudioError as exc:
            error = str(exc)
        except BaseException:
            error = _UNEXPECTED
            raise
        finally:
            with self._lock:
                self._state[key] = replace(self._state[key], running=False, error=error, faults=faults)

    def look(
        self,
        dataset_id: int,
        bundle: str = "",
        progress: Progress = lambda done, total: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> dict[str, str]:
        """Look at all clips that are not known yet; gives by address what is wrong with those that cannot be read.

        It counts as a recognition. Raises StudioError: LimitError where it would cost too much, BusyError where too
        many are under way.
        """
        studio, features = self._studio, self.features(bundle)
        known = studio.store.clips.digests(studio.datasets.summary(dataset_id).name)
        clips, faults = {}, {}
        for row in self._rows(dataset_id):
            try:
                digest = known.get(row.path) or content_digest(row.path)
            except ClipError as exc:
                faults[row.path] = str(exc)
                continue
            if row.path not in known:
                with suppress(StudioError):  # it is read again next time
                    studio.store.clips.learn_content(row.path, digest)
            clips[digest] = row.path
        wanted = features.unknown(list(clips))
        passes = 1 + sum(bool(one.manifest.run.prompts.visual_depth) for one in features.recognizer.bundles)
        Cost(0, len(wanted) * features.recognizer.num_frames * passes).check(studio.store.quotas)
        if not wanted:
            return faults
        with studio.recognition.admission.admitted():
            found = features.encode({digest: clips[digest] for digest in wanted}, progress, should_stop)
        return faults | {clips[digest]: told for digest, told in found.items()}

    def seen(self, dataset_id: int, bundle: str = "") -> SeenClips:
        """The clips of a data set that were looked at. Raises StudioError."""
        features, rows = self.features(bundle), self._rows(dataset_id)
        known = self._studio.store.clips.digests(self._studio.datasets.summary(dataset_id).name)
        lacking = set(features.unknown(list(known.values())))
        there = [row for row in rows if row.path in known and known[row.path] not in lacking]
        return SeenClips(tuple(there), tuple(known[row.path] for row in there), len(rows) - len(there), features)

    def features(self, bundle: str = "") -> DatasetFeatures:
        """The features by zero-shot CLIP and the bundle under that key; zero-shot CLIP alone for none. Raises
        StudioError.
        """
        from ga2app.inference.dataset_features import DatasetFeatures

        studio, cards = self._studio, self._studio.recognition.chosen_bundles(bundle)
        backbone = studio.known_backbone(cards[0].backbone if cards else None)
        recognizer = studio.recognizer.models.recognizer(backbone, [card.folder for card in cards])
        with self._lock:
            if (found := self._open.get(id(recognizer))) is None or found.recognizer is not recognizer:
                found = DatasetFeatures(recognizer, studio.home.root / FEATURES)
                self._open[id(recognizer)] = found
            self._open.move_to_end(id(recognizer))
            while len(self._open) > _KEPT:
                self._open.popitem(last=False)
        return found

    def _rows(self, dataset_id: int) -> Sequence[ClipRow]:
        return self._studio.store.clips.page(dataset_id, ClipFilter(), limit=MOST_CLIPS)

    def _key(self, dataset_id: int, bundle: str) -> tuple[str | None, int, str]:
        return self._studio.store.person(), dataset_id, bundle


def told_unseen(count: int) -> str:
    """What is said where clips were not looked at."""
    return f"{counted(count, 'clip')} {'was' if count == 1 else 'were'} not looked at yet" if count else ""
