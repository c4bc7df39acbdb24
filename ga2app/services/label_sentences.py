"""Descriptions of a data set's labels, as every door shows, changes, imports and proposes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ga2app import hub
from ga2app.datasets.label_descriptions import (
    Described,
    Given,
    format_descriptions,
    matched,
    parse_descriptions,
    read_descriptions,
)
from ga2app.errors import DatasetError, LanguageModelError, counted

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

PROPOSED = 3
"""Sentences of each label that a language model is asked for."""


class DescriptionService:
    """Sentences of labels by the id of their data set; nothing that is read or proposed is kept before it is saved."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store

    def save(self, dataset_id: int, text: str) -> str:
        """Give all labels the sentences in ``text``, and none to the others; gives in words what came of it.

        Raises LabelError where lines cannot be read, DatasetError where the data set may not be changed now.
        """
        self._studio.may_change()
        found = self._matched(dataset_id, [(name, one) for name, one in parse_descriptions(text) if one.strip()])
        labels = self._store.clips.labels(dataset_id)
        told = {label.id: found.sentences.get(label.name, ()) for label in labels}
        changed = self._store.dataset_edits.describe(dataset_id, told)
        sentences = sum(map(len, found.sentences.values()))
        said = f"{counted(len(found.sentences), 'label')} with {counted(sentences, 'sentence')}; {changed} changed."
        return " ".join([said, *(f"Note: {note}." for note in found.notes)])

    def read(self, dataset_id: int, file: Path, text: str) -> tuple[str, str]:
        """``text`` with the sentences of a JSON or CSV file beside its own, to be saved; and in words what was read."""
        return self._with(dataset_id, text, read_descriptions(file), "read from the file")

    def can_ask(self) -> bool:
        """Whether a language model of the Hub may be asked: with the login of this machine, never on a Space."""
        return hub.own_login()

    def propose(self, dataset_id: int, text: str, model: str, endpoint: str | None = None) -> tuple[str, str]:
        """``text`` with sentences that a language model proposes for labels without any, to be read and saved.

        Raises LanguageModelError where it cannot be asked or says nothing usable.
        """
        self._studio.may_change()
        self._studio.datasets.summary(dataset_id)
        if not model.strip():
            raise LanguageModelError("no language model was named; type one that the Hub serves, like Qwen/Qwen3-8B")
        if endpoint is None and not self.can_ask():
            raise LanguageModelError("a language model is asked with your own login; log in with: hf auth login")
        told = {name for name, one in parse_descriptions(text) if one.strip()}
        known = self._matched(dataset_id, [(name, "a") for name in told]).sentences
        bare = [label.name for label in self._store.clips.labels(dataset_id) if label.name not in known]
        if not bare:
            raise DatasetError("every label has a description already; clear those that are to be proposed anew")
        found = hub.propose_descriptions(model.strip(), bare, PROPOSED, endpoint=endpoint)
        given = [(label, one) for label, sentences in found.items() for one in sentences]
        return self._with(dataset_id, text, given, f"proposed by {model.strip()}; read them before you save")

    def _with(self, dataset_id: int, text: str, given: Given, how: str) -> tuple[str, str]:
        fresh = self._matched(dataset_id, given)
        count = sum(map(len, fresh.only().values()))
        typed = [(name, one) for name, one in parse_descriptions(text) if one.strip()]
        both = self._matched(dataset_id, [*typed, *given]).sentences
        labels = [label.name for label in self._store.clips.labels(dataset_id)]
        lines = format_descriptions({label: both.get(label) or ("",) for label in labels})
        said = f"{counted(count, 'sentence')} of {counted(len(fresh.sentences), 'label')} {how}. Nothing is saved yet."
        return lines, " ".join([said, *(f"Note: {note}." for note in fresh.notes)])

    def _matched(self, dataset_id: int, given: Given) -> Described:
        self._studio.datasets.summary(dataset_id)  # raises where it is not there, or not to be seen
        return matched(given, [label.name for label in self._store.clips.labels(dataset_id)])
