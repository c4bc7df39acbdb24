"""Answers made by hand, for tests of what is drawn from them."""

from __future__ import annotations

from collections.abc import Iterator

from ga2app.services.recognition_service import Results
from ga2app.services.studio import Studio
from ga2app.types import (
    NONE_OF_THESE,
    Answer,
    BundleCard,
    Curve,
    FrameScore,
    LabelKind,
    NoneWay,
    Recognition,
    RecognitionRequest,
    RecognizedClip,
    Score,
    Verdict,
)
from ga2app.web.pages.recognize import recognize_state
from ga2app.web.pages.recognize.recognize_state import Drawn, Shown

FRAME = "/pictures/0.jpg"
LABELS = ("run", "jump")


def answer(best: str = "run", *, bundle: str | None = None, none: bool | None = None) -> Answer:
    """One classifier's answer; ``none`` says whether it is none of these, None that it was not asked."""
    other = next(label for label in LABELS if label != best)
    kinds = {"run": LabelKind.BASE, "jump": LabelKind.NOVEL}
    scores = [Score(best, 0.75, kinds[best]), Score(other, 0.25, kinds[other])]
    verdict = None
    if none is not None:
        share = 0.9 if none else 0.1
        verdict = Verdict(NoneWay.COMPETE, 0.0, 0.75, "an empty place", share, wins=none)
        scores.append(Score(NONE_OF_THESE, share, LabelKind.NEGATIVE))
        scores.sort(key=lambda score: -score.score)
    timeline = (FrameScore(0, "run", 0.9), FrameScore(5, "run", 0.7), FrameScore(9, "jump", 0.6))
    curves = (Curve("run", (0.9, 0.7, 0.4)), Curve("jump", (0.1, 0.3, 0.6)))
    return Answer(tuple(scores), bundle, timeline, curves, verdict)


def clip(file: str = "/home/me/a.mp4", *said: str, none: bool | None = None) -> RecognizedClip:
    """A clip of which zero-shot CLIP says ``said[0]``, and a bundle each the others."""
    answers = [
        answer(best, bundle=f"/bundles/{place}" if place else None, none=none)
        for place, best in enumerate(said or ("run",))
    ]
    return RecognizedClip(file, None, tuple(answers), pictures=(FRAME,) * 3)


def card(number: int, base: tuple[str, ...] = ("run",)) -> BundleCard:
    return BundleCard(f"/bundles/{number}", f"bundle {number}", "sketch", base, ("jump",), {}, {}, "trained")


def results(*clips: RecognizedClip, cards: tuple[BundleCard, ...] = (), notes: tuple[str, ...] = ()) -> Results:
    """The answers for ``clips`` with the bundles of ``cards``."""
    titles = tuple(one.name for one in cards)
    paths = tuple(one.file for one in clips)
    return Results(Recognition("sketch", clips, notes), "sketch (embedded)", titles, LABELS, paths, cards)


def answer_pages(studio: Studio, request: RecognitionRequest, before: Shown | None = None) -> Iterator[Drawn]:
    """What the right side shows, step by step."""
    return recognize_state.answer_pages(studio, lambda _: (request, before or Shown()), lambda drawn: drawn, None)
