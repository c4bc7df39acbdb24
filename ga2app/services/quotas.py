"""What one request, one person and all together may ask of a studio, what a request costs, and the words of a refusal.

On one's own machine they keep a slip of the hand from taking the machine for hours; a Space's are smaller, and its
variables change them.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from ga2app.config import RunConfig
from ga2app.datasets.label_descriptions import by_name, given_descriptions
from ga2app.errors import BusyError, ConfigError, Fault, LabelError, LimitError, counted, shown
from ga2app.labels import MOST_TEMPLATES, check_lengths, parse_labels
from ga2app.services.forecast import workload_of
from ga2app.services.prompt_fit import facts_of
from ga2app.store import Quotas, Store
from ga2app.store.holdings import Holdings
from ga2app.stretches import file_of
from ga2app.types import Dataset, RecognitionRequest

_FIRST_GUESS_S = 2.0


ON_SPACE = Quotas(texts=10_000, frames=5_000)


def variable(name: str) -> str:
    """The environment variable of the quota ``name``."""
    return f"GA2_MOST_{name.upper()}"


def present_quotas(on_space: bool, environment: Mapping[str, str] = os.environ) -> Quotas:
    """The bounds that hold here. Raises ConfigError with every variable at fault."""
    quotas, faults = ON_SPACE if on_space else Quotas(), []
    for name in (field.name for field in fields(Quotas)):
        given = environment.get(variable(name), "").strip()
        if not given:
            continue
        if given.isascii() and given.isdigit() and 0 < int(given[:12]) and len(given) <= 12:
            quotas = replace(quotas, **{name: int(given)})
        else:
            faults.append(Fault(variable(name), f"must be a whole number from 1 on, not '{shown(given)}'"))
    if faults:
        raise ConfigError(faults)
    return quotas


class Admission:
    """How many recognitions and explanations are under way, of whom, and how fast they are done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._inside: dict[object, str | None] = {}
        self._last_s, self._pace_s = 0.0, _FIRST_GUESS_S

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Let one more in for as long as the block lasts, of whoever asks. Raises BusyError."""
        ticket, began_s, person = object(), time.monotonic(), self._store.person()
        with self._lock:
            self._check(person)
            self._inside[ticket] = person
        try:
            yield
        finally:
            with self._lock:
                del self._inside[ticket]
                now_s = time.monotonic()
                took_s = now_s - max(self._last_s, began_s)  # since the one before was done, or since this one began
                self._last_s, self._pace_s = now_s, 0.8 * self._pace_s + 0.2 * took_s

    def _check(self, person: str | None) -> None:
        inside, quotas = [*self._inside.values()], self._store.quotas
        if person:
            mine, most, whose = inside.count(person), quotas.recognitions_each, "of yours "
        elif person is None:
            mine, most, whose = inside.count(None), quotas.strangers, ""
        else:
            mine, most, whose = 0, quotas.recognitions, ""
        if mine >= most or len(inside) >= quotas.recognitions:
            before = mine if mine >= most else len(inside)
            said = whose if mine >= most else ""
            again_s = max(1, round(before * self._pace_s))
            raise BusyError(
                f"busy: {counted(before, 'recognition')} {said}before this one",
                hint=f"try again in about {counted(again_s, 'second')}",
            )


def check_clips(store: Store, paths: Sequence[str]) -> None:
    """Raises LimitError where whoever acts may not keep these clips, too, on a Space."""
    check_coming(store, len(paths), _size_of(paths) if store.person() else 0)


def check_coming(store: Store, count: int, size_bytes: int) -> None:
    """Raises LimitError where whoever acts may not keep so many clips more, or so many bytes, on a Space."""
    if not (person := store.person()):
        return
    quotas, had = store.quotas, store.holdings(person)
    if had.clips + count > quotas.clips:
        raise LimitError(
            f"you keep {counted(had.clips, 'clip')} here, this is {count:,} more, and {quotas.clips:,} are the most "
            "for one person",
            hint="delete data sets or anchor clips that you need no more, or take fewer clips",
        )
    _check_bytes(had, quotas, size_bytes)


def check_room(store: Store, paths: Iterable[str | Path]) -> None:
    """Raises LimitError where whoever acts may not keep these files, too, on a Space."""
    if person := store.person():
        _check_bytes(store.holdings(person), store.quotas, _size_of(paths))


def _size_of(paths: Iterable[str | Path]) -> int:
    return sum(os.path.getsize(path) for path in set(map(file_of, paths)) if os.path.isfile(path))


def _check_bytes(had: Holdings, quotas: Quotas, size_bytes: int) -> None:
    if had.size_bytes + size_bytes > quotas.megabytes * 1_000_000:
        raise LimitError(
            f"your clips and bundles here take {had.size_bytes / 1e6:,.0f} MB, this is {size_bytes / 1e6:,.0f} MB "
            f"more, and {quotas.megabytes:,} MB are the most for one person",
            hint="delete data sets, anchor clips or bundles that you need no more, or take shorter clips",
        )


def check_runs(store: Store, runs: Sequence[tuple[RunConfig, Dataset | None] | None]) -> None:
    """Raises LimitError where whoever acts may not queue ``runs`` on a Space.

    A run is told by its settings and its data set, None while that is being drawn; one that was queued before by None.
    """
    if not (person := store.person()):
        return
    quotas, waiting = store.quotas, store.holdings(person).waiting_runs
    if waiting + len(runs) > quotas.waiting_runs:
        raise LimitError(
            f"{counted(waiting, 'run')} of yours wait, this is {len(runs):,} more, and {quotas.waiting_runs:,} are the "
            "most for one person",
            hint="wait until some are done, or delete some from the queue",
        )
    steps = max((workload_of(run[0], run[1]).steps for run in runs if run and run[1]), default=0)
    if steps > quotas.steps:
        raise LimitError(
            f"this run would take {steps:,} steps, and {quotas.steps:,} are the most here",
            hint="train fewer epochs, or raise the batch size",
        )


DEFAULT_FRAMES = 8
"""Frames that are looked at of each clip without a bundle."""
PASSES_OF_A_WHY = 17
"""Passes of a frame through the vision tower that find which parts of it count: four steps, each as dear as four."""
MOST_LABELS = 20_000
MOST_SIGNS = 500_000
"""Characters of a list of labels or sentences; it is not even read beyond that."""


@dataclass(frozen=True)
class Cost:
    """What is asked for: texts through the text tower, frames through the vision tower; ``why`` of an explanation."""

    texts: int
    frames: int
    why: bool = False

    def check(self, quotas: Quotas) -> None:
        """Raises LimitError, with the sum and what to lessen, for more than one request may cost."""
        frames = "clips × frames, and once more for each bundle"
        texts = "labels × sentences, the labels once more for each bundle, and descriptions"
        fewer = "labels, sentences or bundles"
        lessen = "give fewer clips at a time, or fewer bundles"
        if self.why:
            texts, fewer = "labels × sentences, negative prompts, descriptions", "labels, sentences or negatives"
            frames = f"{PASSES_OF_A_WHY} times the clip's and those of the anchor clips, for each model"
            lessen = "switch anchor sets off, or ask about an answer of zero-shot CLIP"
        if self.texts > quotas.texts:
            raise LimitError(
                f"this asks for {self.texts:,} texts ({texts}), and {quotas.texts:,} are the most at a time",
                hint=f"use fewer {fewer}",
            )
        if self.frames > quotas.frames:
            raise LimitError(
                f"this asks for {self.frames:,} frames ({frames}), and {quotas.frames:,} are the most at a time",
                hint=lessen,
            )


def cost(request: RecognitionRequest) -> Cost:
    """What a request that has been resolved costs."""
    facts = [facts_of(folder) for folder in request.bundles or ()]
    frames = [one.num_frames if one else DEFAULT_FRAMES for one in facts]
    none = request.none_of_these
    texts = len(request.labels) + len(none.negatives or () if none else ())
    passes = max(len(request.templates or ()), 1) + len(facts)
    told = sum(map(len, (read_descriptions(request) or {}).values()))
    each = max(frames, default=DEFAULT_FRAMES)
    return Cost(texts * passes + told, len(request.files) * each * (1 + len(facts)))


def cost_of_why(
    labels: Sequence[str], sentences: Sequence[str], told: int, bundle: str | None, anchors: int, negatives: int
) -> Cost:
    """What it costs to explain an answer of zero-shot CLIP, and of that bundle; ``told`` is how many descriptions."""
    facts = facts_of(bundle) if bundle else None
    frames = facts.num_frames if facts else DEFAULT_FRAMES
    models, passes = (2 if bundle else 1), max(len(sentences), 1) + bool(bundle)
    texts = (len(labels) + negatives) * passes + told
    return Cost(texts, models * frames * (PASSES_OF_A_WHY + anchors), why=True)


def read_lists(request: RecognitionRequest) -> tuple[list[str], list[str]]:
    """The labels and the sentences round them of ``request``; raises LabelError for too many, before they are read."""
    _check_length("label", request.labels, MOST_LABELS)
    _check_length("sentence", request.templates or (), MOST_TEMPLATES)
    labels, sentences = parse_labels(request.labels), templates(request.templates)
    _check_length("label", labels, MOST_LABELS)
    _check_length("sentence", sentences, MOST_TEMPLATES)
    return labels, sentences


def read_descriptions(request: RecognitionRequest) -> dict[str, list[str]] | None:
    """The sentences of ``request`` by name, None where names alone count; raises LabelError for what is no list."""
    if request.descriptions is None:
        return None
    return by_name(given_descriptions(request.descriptions))


def templates(given: str | Sequence[str] | None) -> list[str]:
    """The sentences round a label, one a line; none for the default."""
    lines = given.splitlines() if isinstance(given, str) else given or ()
    return [line.strip() for line in lines if line.strip()]


def _check_length(what: str, given: str | Sequence[str], most: int) -> None:
    if not isinstance(given, str) and len(given) > most:
        raise LabelError(f"there are {len(given):,} {what}s; {most:,} are the most, use fewer")
    if not isinstance(given, str):
        check_lengths(given, what)
    size = len(given) if isinstance(given, str) else sum(map(len, given))
    if size > MOST_SIGNS:
        raise LabelError(f"the {what}s have {size:,} characters; {MOST_SIGNS:,} are the most, use fewer")
