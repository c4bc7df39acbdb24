"""What anchors and negative prompts are measured against: labels and a backbone."""

from __future__ import annotations

from dataclasses import dataclass

from ga2app.errors import LabelError, StudioError
from ga2app.labels import format_labels, merge_labels, parse_labels, tidy
from ga2app.services.studio import Studio
from ga2app.store.ratings import Question

TYPED = ""
"""The value of the list of data sets that stands for labels typed by hand."""


@dataclass(frozen=True)
class Asked:
    """What was chosen at the top of the screen.

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


def asked(studio: Studio, source: str | None, typed: str | None, backbone: str | None) -> Asked:
    """The labels and the backbone that were chosen. Raises StudioError if they cannot be used."""
    name = studio.known_backbone(backbone)
    if source:
        row = next((row for row in studio.store.datasets.list() if row.name == source), None)
        if row is None:
            raise LabelError(f"the data set '{source}' is not there any more; choose another, or type the labels")
        return Asked(source, row.base, row.novel, name)
    labels = tuple(merge_labels(map(tidy, parse_labels(typed))).names.values())
    if not labels:
        raise LabelError("there are no labels to measure against; choose a data set above, or type labels")
    return Asked(TYPED, labels, (), name)


def questions(
    studio: Studio, source: str | None, typed: str | None, backbone: str | None
) -> tuple[int | None, int | None]:
    """The numbers of the questions about clips and about texts, where they were asked before."""
    try:
        now = asked(studio, source, typed, backbone)
    except StudioError:
        return None, None
    clips, texts = studio.store.ratings.find(now.base, now.backbone), studio.store.ratings.find(now.every, now.backbone)
    return (clips.id if clips else None), (texts.id if texts else None)


def start_values(studio: Studio) -> tuple[str, str, str]:
    """Data set, typed labels and backbone as they were asked last; else the first data set and the default backbone."""
    names = [row.name for row in studio.store.datasets.list()]
    last = studio.store.ratings.last()
    backbone = last.backbone if last and studio.has_backbone(last.backbone) else studio.known_backbone(None)
    if last and not last.source:
        return TYPED, format_labels(last.labels), backbone
    if last and last.source in names:
        return last.source, "", backbone
    return (names[0] if names else TYPED), "", backbone


def source_choices(studio: Studio) -> list[tuple[str, str]]:
    """The data sets whose labels can be taken, and labels typed by hand."""
    rows = studio.store.datasets.list()
    return [*((f"{row.name}: {len(row.base)} base labels", row.name) for row in rows), ("Labels that I type", TYPED)]


def is_comparable(question: Question | None) -> bool:
    """Whether irrelevance under ``question`` says something by itself."""
    return question is None or question.comparable is not False
