"""Reviewing a data set: which of its clips to look at first, what was said of each, and clips that join it.

Every list starts from stored features (``dataset_looks``), so that it takes a moment once the clips were looked at:
lists that a bundle's or zero-shot CLIP's probabilities order, labels that are probably wrong, near-copies, and clips
found by words or by another clip.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ga2app.datasets.clip_files import content_digest
from ga2app.errors import DatasetError, counted, shown
from ga2app.labels import label_key
from ga2app.services.dataset_looks import SeenClips
from ga2app.services.near_copies import CopyPair, find_copies, named_clip
from ga2app.services.recognition_service import ZERO_SHOT
from ga2app.store.clip_pages import ClipRow
from ga2app.store.dataset_edits import ROOM
from ga2app.stretches import shown_address
from ga2app.types import Progress
from ga2app.types.dataset_types import Order, Reviewed

if TYPE_CHECKING:
    from torch import Tensor

    from ga2app.evaluation.label_review import Ranking
    from ga2app.services.studio import Studio

TOP = 5
"""Answers of a classifier that a clip is shown with."""
MOST_PAIRS = 500
_KEPT = 8
_LONGEST_SEARCH = 300


@dataclass(frozen=True)
class Ranked:
    """A clip of a list: how far it belongs to the front (``score``, which only the order's meaning explains), ``why``
    in words, what each classifier answers, the best first, and the label that it is ``suspected`` to have.
    """

    clip: ClipRow
    score: float
    why: str
    answers: Mapping[str, Sequence[tuple[str, float]]]
    suspected: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, with the clip's name and no path of the machine."""
        answers = {
            title: [{"label": name, "score": share} for name, share in best] for title, best in self.answers.items()
        }
        told = {"score": self.score, "why": self.why, "suspected": self.suspected or None}
        return named_clip(self.clip) | told | {"answers": answers}


@dataclass(frozen=True, eq=False)
class _List:
    """A ranking of ``seen`` clips, with the probabilities (N, C) of the labels ``names`` by each classifier's title."""

    seen: SeenClips
    ranking: Ranking
    probabilities: Mapping[str, Tensor]
    names: Sequence[str]

    @property
    def ids(self) -> list[int]:
        """The clips' ids in their order."""
        return [self.seen.rows[row].id for row in self.ranking.rows]


class ReviewService:
    """Lists of clips to look at, and what a person says of them."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store
        self._lists: OrderedDict[tuple[Any, ...], _List] = OrderedDict()
        self._pairs: dict[tuple[Any, ...], list[CopyPair]] = {}

    def ranked(
        self, dataset_id: int, order: str, bundle: str = "", *, count: int = 50, fresh: bool = True, done: bool = False
    ) -> list[Ranked]:
        """The first ``count`` clips by ``order`` that nobody has confirmed or corrected; skipped ones come last.

        ``fresh``: with the labels as they are now; else a list that was made before serves. ``done``: those that were
        confirmed or corrected, too. Raises StudioError: clips that were not looked at are in no list.
        """
        wanted, count = self._order(order, bundle), _count(count)
        made = self._list((dataset_id, bundle, wanted), lambda: self._ordered(dataset_id, wanted, bundle), fresh)
        still = self._store.reviews.open_clips(dataset_id)
        ids = made.ids
        left = [number for number, id_ in enumerate(ids) if done or id_ in still]
        left.sort(key=lambda number: still.get(ids[number], False))
        return self._shown(made, left[:count])

    def remaining(self, dataset_id: int, order: str, bundle: str = "") -> int:
        """How many clips ``ranked`` has in all."""
        wanted = self._order(order, bundle)
        made = self._list((dataset_id, bundle, wanted), lambda: self._ordered(dataset_id, wanted, bundle), False)
        still = self._store.reviews.open_clips(dataset_id)
        return sum(id_ in still for id_ in made.ids)

    def search(self, dataset_id: int, words: str, bundle: str = "", *, count: int = 50) -> list[Ranked]:
        """The clips whose features are nearest to ``words``: a label, or a sentence, as zero-shot CLIP reads them."""
        from ga2app.evaluation.label_review import nearest

        text, count = " ".join(words.split()), _count(count)
        if not text:
            raise DatasetError("there is nothing to search for; type a few words")
        if len(text) > _LONGEST_SEARCH:
            raise DatasetError(f"the words have {len(text)} characters; {_LONGEST_SEARCH} are the most, use fewer")
        seen = self._seen(dataset_id, bundle)
        sentence = seen.features.recognizer.backbone.unknown_words(text)
        if sentence and len(sentence) >= len(text.split()):
            raise DatasetError(f"the backbone knows none of the words '{shown(text)}'; use other words")
        wanted = seen.features.texts([text])[0]
        rows, cosines = nearest(seen.features.features(seen.digests), wanted, count)
        return _found(seen, zip(rows.tolist(), cosines.tolist(), strict=True), "cosine")

    def similar(self, dataset_id: int, clip: int | str, bundle: str = "", *, count: int = 50) -> list[Ranked]:
        """The clips nearest to a ``clip`` of the data set, by its id, or to any clip of this machine, by its path."""
        from ga2app.evaluation.label_review import nearest

        seen, count = self._seen(dataset_id, bundle), _count(count)
        if isinstance(clip, str):
            if not self._studio.server_paths:
                raise DatasetError("files of the server cannot be searched by; choose a clip of the data set")
            digest, path = content_digest(clip), clip
        else:
            row = self._store.clips.get(clip)
            digest, path = (row.facts.digest if row.facts and row.facts.digest else content_digest(row.path)), row.path
        if faults := seen.features.encode({digest: path}):
            raise DatasetError(next(iter(faults.values())))
        features = seen.features.features([*seen.digests, digest])
        rows, cosines = nearest(features[:-1], features[-1], count + 1)
        near = zip(rows.tolist(), cosines.tolist(), strict=True)
        return _found(seen, [(row, c) for row, c in near if seen.rows[row].id != clip][:count], "cosine")

    def copies(
        self,
        dataset_id: int,
        bundle: str = "",
        *,
        cosine: float | None = None,
        count: int = MOST_PAIRS,
        fresh: bool = True,
        progress: Progress = lambda done, total: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> list[CopyPair]:
        """Clips with the same content, stretches that overlap, and clips that show nearly the same: ``count`` pairs.

        Without ``fresh`` those of a search before, without clips that have gone since.
        """
        key, count = (self._store.person(), dataset_id, bundle), _count(count)
        if fresh or key not in self._pairs:
            found = find_copies(self._seen(dataset_id, bundle), cosine, progress, should_stop)
            self._pairs = {key: sorted(found, key=lambda pair: not pair.warning)[:MOST_PAIRS]}
        ids = {clip.id for pair in self._pairs[key] for clip in (pair.first, pair.second)}
        now = {row.id: row for row in self._store.clips.some(ids)}
        return [
            replace(pair, first=now[pair.first.id], second=now[pair.second.id])
            for pair in self._pairs[key]
            if pair.first.id in now and pair.second.id in now
        ][:count]

    def counts(self, dataset_id: int) -> dict[Reviewed, int]:
        """How many clips were reviewed how."""
        return self._store.reviews.counts(dataset_id)

    def confirm(self, clip_id: int) -> str:
        """Say that a clip's label is right."""
        return _done(self._store.reviews.say(clip_id, Reviewed.CONFIRMED))

    def correct(self, clip_id: int, label: str) -> str:
        """Give a clip another label, which is made if the data set does not have it."""
        if not label.strip():
            raise DatasetError("no label was chosen; choose one, or type a new one")
        return _done(self._store.reviews.say(clip_id, Reviewed.CORRECTED, label))

    def skip(self, clip_id: int) -> str:
        """Come back to a clip when all others are done."""
        return _done(self._store.reviews.say(clip_id, Reviewed.SKIPPED))

    def leave_out(self, clip_id: int) -> str:
        """Take a clip out of its data set; no file is deleted."""
        self._studio.may_change()
        name = shown_address(self._store.clips.get(clip_id).path)
        self._store.dataset_edits.delete_clips([clip_id])
        return f"Left out: {name}."

    def undo(self) -> str:
        """Undo the newest review, or another edit of a data set that came after it."""
        return self._store.trash.undo(ROOM)

    def _order(self, order: str, bundle: str) -> Order:
        if order not in list(Order):
            raise DatasetError(f"there is no order '{shown(order)}'; choose one of {', '.join(Order)}")
        if order == Order.DISAGREE and not bundle:
            raise DatasetError("a bundle disagrees with zero-shot CLIP, and no bundle is named; name one")
        return Order(order)

    def _list(self, about: tuple[Any, ...], make: Callable[[], _List], fresh: bool) -> _List:
        key = (self._store.person(), *about)
        made = None if fresh else self._lists.get(key)
        if made is None:
            made = self._lists[key] = make()
        self._lists.move_to_end(key)
        while len(self._lists) > _KEPT:
            self._lists.popitem(last=False)
        return made

    def _seen(self, dataset_id: int, bundle: str) -> SeenClips:
        seen = self._studio.looks.seen(dataset_id, bundle)
        if not seen.rows:
            count = counted(seen.unseen, "clip")
            raise DatasetError(f"none of the {count} of this data set was looked at yet; look at them first")
        return seen

    def _ordered(self, dataset_id: int, order: Order, bundle: str) -> _List:
        import torch

        from ga2app.evaluation.label_review import ranking

        seen = self._seen(dataset_id, bundle)
        labels = [label.name for label in self._store.clips.labels(dataset_id)]
        found, names = seen.features.probabilities(seen.digests, labels)
        titles = [ZERO_SHOT, *(self._studio.bundle_title(c) for c in self._studio.recognition.chosen_bundles(bundle))]
        places = {label_key(name): place for place, name in enumerate(names)}
        targets = torch.tensor([places[label_key(row.label)] for row in seen.rows])
        made = ranking(order, found, names, targets, seen.features.features(seen.digests), seen.digests)
        return _List(seen, made, dict(zip(titles, found, strict=True)), names)

    def _shown(self, made: _List, numbers: Sequence[int]) -> list[Ranked]:
        """The clips at ``numbers`` of a list, as they are now; those that have gone are left out."""
        ranked, shown_rows = made.ranking, [made.ranking.rows[number] for number in numbers]
        now = {row.id: row for row in self._store.clips.some(made.seen.rows[row].id for row in shown_rows)}
        return [
            Ranked(
                now[made.seen.rows[row].id],
                ranked.scores[row],
                ranked.whys[row],
                {title: _top(part[row], made.names) for title, part in made.probabilities.items()},
                ranked.suspected.get(row, ""),
            )
            for row in shown_rows
            if made.seen.rows[row].id in now
        ]


def _found(seen: SeenClips, found: Iterable[tuple[int, float]], what: str) -> list[Ranked]:
    return [Ranked(seen.rows[row], cosine, f"{what} {cosine:.3f}", {}) for row, cosine in found]


def _top(probabilities: Tensor, names: Sequence[str]) -> list[tuple[str, float]]:
    best = probabilities.topk(min(TOP, len(names)))
    return [(names[place], value) for place, value in zip(best.indices.tolist(), best.values.tolist(), strict=True)]


def _done(what: str) -> str:
    return f"Done: {what}."


def _count(count: int) -> int:
    """``count``; raises DatasetError where it is no number of clips to list."""
    if count < 1:
        raise DatasetError(f"{count} clips cannot be listed; ask for 1 or more")
    return count
