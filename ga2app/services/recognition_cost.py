"""What a recognition would cost, known before any work is done, and lists that are too long to be looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ga2app.errors import LabelError, LimitError
from ga2app.labels import MOST_TEMPLATES, check_lengths, parse_labels
from ga2app.services.prompt_fit import facts_of
from ga2app.store import Quotas
from ga2app.types import RecognitionRequest

DEFAULT_FRAMES = 8
"""Frames that are looked at of each clip without a bundle."""
MOST_LABELS = 20_000
MOST_SIGNS = 500_000
"""Characters of a list of labels or sentences; it is not even read beyond that."""


@dataclass(frozen=True)
class Cost:
    """What a recognition costs: texts through the text tower, frames through the vision tower."""

    texts: int
    frames: int

    def check(self, quotas: Quotas) -> None:
        """Raises LimitError, with the sum and what to lessen, for more than one request may cost."""
        if self.texts > quotas.texts:
            raise LimitError(
                f"this asks for {self.texts:,} texts (labels × sentences, and the labels once more for each bundle), "
                f"and {quotas.texts:,} are the most at a time",
                hint="use fewer labels, sentences or bundles",
            )
        if self.frames > quotas.frames:
            raise LimitError(
                f"this asks for {self.frames:,} frames (clips × frames, and once more for each bundle), and "
                f"{quotas.frames:,} are the most at a time",
                hint="give fewer clips at a time, or fewer bundles",
            )


def cost(request: RecognitionRequest) -> Cost:
    """What a request that has been resolved costs."""
    facts = [facts_of(folder) for folder in request.bundles or ()]
    frames = [one.num_frames if one else DEFAULT_FRAMES for one in facts]
    none = request.none_of_these
    texts = len(request.labels) + len(none.negatives or () if none else ())
    passes = max(len(request.templates or ()), 1) + len(facts)
    each = max(frames, default=DEFAULT_FRAMES)
    return Cost(texts * passes, len(request.files) * each * (1 + len(facts)))


def read_lists(request: RecognitionRequest) -> tuple[list[str], list[str]]:
    """The labels and the sentences round them of ``request``; raises LabelError for too many, before they are read."""
    _check_length("label", request.labels, MOST_LABELS)
    _check_length("sentence", request.templates or (), MOST_TEMPLATES)
    labels, sentences = parse_labels(request.labels), templates(request.templates)
    _check_length("label", labels, MOST_LABELS)
    _check_length("sentence", sentences, MOST_TEMPLATES)
    return labels, sentences


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
