"""What a recognition or an explanation would cost, known before any work is done, and lists that are too long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ga2app.datasets.label_descriptions import by_name, given_descriptions
from ga2app.errors import LabelError, LimitError
from ga2app.labels import MOST_TEMPLATES, check_lengths, parse_labels
from ga2app.services.prompt_fit import facts_of
from ga2app.store import Quotas
from ga2app.types import RecognitionRequest

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
