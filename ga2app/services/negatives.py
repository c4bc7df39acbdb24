"""Negative prompts, and what they and anchors are measured against."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.errors import LabelError, StoreError, StudioError
from ga2app.labels import format_labels, label_key, merge_labels, parse_labels, tidy
from ga2app.store.anchor_rows import AddedTexts, ImportedTexts, Rating
from ga2app.store.anchor_sets import ROOM
from ga2app.store.prompt_files import pasted, read_prompts, write_prompts
from ga2app.types import ProposalKind, TextProposal, TextRatings
from ga2app.untrusted import read_ordinary

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

TYPED = ""
"""The name of a data set that stands for labels typed by hand."""

IDEAS = 12
_MAX_FILE_BYTES = 20 << 20


@dataclass(frozen=True)
class Asked:
    """What anchors and negative prompts are measured against.

    Clips are held against the ``base`` labels, which are trained on. Texts are held against ``every`` label: a
    negative prompt must keep away from novel ones, too.
    """

    source: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    backbone: str

    @property
    def every(self) -> tuple[str, ...]:
        return (*self.base, *self.novel)


class NegativePromptService:
    """The groups of negative prompts of a studio, the labels that were asked about, and the undo of both pages' edits.

    Every method raises StudioError, and StoreError where a group or a choice is missing.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store

    def asked(self, source: str | None, typed: str | None, backbone: str | None) -> Asked:
        """The labels of the data set ``source``, or those that were typed, and the backbone; all checked."""
        name = self._studio.known_backbone(backbone)
        if source:
            row = next((row for row in self._store.datasets.list() if row.name == source), None)
            if row is None:
                raise LabelError(f"the data set '{source}' is not there any more; choose another, or type the labels")
            return Asked(source, row.base, row.novel, name)
        labels = tuple(merge_labels(map(tidy, parse_labels(typed))).names.values())
        if not labels:
            raise LabelError("there are no labels to measure against; choose a data set above, or type labels")
        return Asked(TYPED, labels, (), name)

    def questions(self, source: str | None, typed: str | None, backbone: str | None) -> tuple[int | None, int | None]:
        """The numbers under which answers about clips and about texts are kept, where they were asked before."""
        try:
            now = self.asked(source, typed, backbone)
        except StudioError:
            return None, None
        found = [self._store.ratings.find(labels, now.backbone) for labels in (now.base, now.every)]
        clips, texts = (one.id if one else None for one in found)
        return clips, texts

    def start_values(self) -> tuple[str, str, str]:
        """Data set, typed labels and backbone as asked last; else the first data set and the default backbone."""
        studio, last = self._studio, self._store.ratings.last()
        names = [row.name for row in self._store.datasets.list()]
        backbone = last.backbone if last and studio.has_backbone(last.backbone) else studio.known_backbone(None)
        if last and not last.source:
            return TYPED, format_labels(last.labels), backbone
        if last and last.source in names:
            return last.source, "", backbone
        return (names[0] if names else TYPED), "", backbone

    def ideas(self, asked: Asked) -> list[TextProposal]:
        """Captions of clips that would make good anchors: to film, or to look for."""
        advisor = self._studio.advisor
        return advisor.suggest(asked.every, backbone=asked.backbone, count=IDEAS, kind=ProposalKind.CAPTION)

    def add_prompts(self, group_id: int | None, text: str) -> AddedTexts:
        """Add prompts that were typed or pasted, one a line; what is there already is told."""
        texts, group = pasted(text), chosen(group_id, "group")
        if not texts:
            raise StoreError("no prompt was typed; type one, or paste several, one a line")
        return self._store.negatives.add(group, texts)

    def accept_prompts(
        self, group_id: int | None, proposed: Sequence[TextProposal], picked: Sequence[int]
    ) -> AddedTexts:
        """Add those proposed prompts whose numbers were ticked."""
        texts = [proposed[number].text for number in picked if 0 <= number < len(proposed)]
        if not texts:
            raise StoreError("none of the proposed prompts is ticked; tick those that you want, or discard them")
        return self._store.negatives.add(chosen(group_id, "group"), texts)

    def measure_prompts(self, group_id: int | None, asked: Asked) -> TextRatings:
        """Measure how close the prompts of a group, or all, come to the labels, and keep it."""
        texts = list(dict.fromkeys(row.text for row in self._store.negatives.rows(group_id)))
        if not texts:
            raise StoreError("there are no prompts to measure; add some first")
        rated = self._studio.advisor.text_similarity(texts, asked.every, backbone=asked.backbone)
        kept = self._store.ratings.ask(asked.every, asked.backbone, asked.source)
        ratings = {one.text: Rating(one.cosine, one.nearest, one.too_close) for one in rated.texts}
        self._store.ratings.keep_texts(kept.id, ratings)
        return rated

    def suggest_prompts(
        self, group_id: int | None, asked: Asked, count: float | None, language_model: str | None = None
    ) -> tuple[list[TextProposal], int]:
        """Proposed prompts that the group does not have yet, and how many were left out because it has them."""
        group, wanted = chosen(group_id, "group"), whole(count, "prompts")
        found = self._studio.advisor.suggest(
            asked.every,
            backbone=asked.backbone,
            count=wanted,
            kind=ProposalKind.NEGATIVE,
            language_model=language_model,
        )
        there = {label_key(row.text) for row in self._store.negatives.rows(group)}
        fresh = [one for one in found if label_key(one.text) not in there]
        return fresh, len(found) - len(fresh)

    def import_prompts(self, path: str | None) -> tuple[ImportedTexts, tuple[str, ...]]:
        """Take over a CSV file: its good lines go in; gives what came of them, and the faults by line."""
        if not path:
            raise StoreError("no file was given; choose a CSV file")
        file = Path(path)
        try:
            content = read_ordinary(file, _MAX_FILE_BYTES)
        except OSError as exc:
            what = "split it" if exc.errno == errno.EFBIG else "choose it again"
            raise StoreError(f"'{file.name}' cannot be read ({exc.strerror or exc}); {what}") from exc
        read = read_prompts(content)
        return self._store.negatives.put(read.entries), read.faults

    def export_prompts(self) -> tuple[str, int]:
        """All prompts as the text of a CSV file, and how many there are."""
        rows = self._store.negatives.rows()
        return write_prompts(rows), len(rows)

    def undo(self) -> str:
        """Undo the last deletion or edit; gives what came of it."""
        return self._store.trash.undo(ROOM)

    def to_undo(self) -> str:
        """What ``undo`` would do, for its button; empty where there is nothing."""
        return self._store.trash.offer(ROOM)


def chosen(id_: int | None, what: str = "anchor set") -> int:
    """The number of the chosen set or group. Raises StoreError if none is chosen."""
    if id_ is None:
        more = (
            "choose one from the list, or make one"
            if what == "anchor set"
            else ("choose the one to work on from the list, or make a new one")
        )
        raise StoreError(f"no {what} is chosen; {more}")
    return id_


def whole(count: float | None, what: str) -> int:
    """A number that was typed. Raises StoreError unless it is at least 1."""
    if not count or count < 1:
        raise StoreError(f"type how many {what} you want, at least 1")
    return int(count)
