"""Asking why an answer is what it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ga2app.errors import ClipError
from ga2app.inference.explanations import ClipExplanation
from ga2app.services.explanations import MOST_ANCHORS, Question, question
from ga2app.services.studio import Studio
from ga2app.types import AnchorClip, RecognitionRequest
from ga2app.web.components.markup import UNEXPECTED
from ga2app.web.pages.recognize.recognize_state import Shown, asking_why, clicked, draw

from ..fakes import FakeExplainer
from ..studios import LABELS, add_bundle


def shown_by(studio: Studio, *bundles: str) -> Shown:
    request = RecognitionRequest([example.path for example in studio.examples[:2]], ", ".join(LABELS), bundles)
    return Shown(list(studio.recognition.answers(request, pictures=True))[-1])


def pages(studio: Studio, shown: Shown, **asked: Any) -> list[str]:
    return [draw(one).clips for one in clicked(studio, shown, asked)]


def test_reasons_of_plain_clip_and_of_the_bundle_come_into_the_clip_step_by_step(studio: Studio) -> None:
    add_bundle(studio)
    waiting, first, last = pages(studio, shown_by(studio, "tuned"), why=1, voice=1)
    assert "Finding which frames" in waiting and "Reading the bundle&#39;s tokens" not in waiting
    assert "Reading the bundle's tokens" in first
    block = last[last.index('id="clip-1"') :]
    assert 'class="reasons"' in block and 'class="reasons"' not in last[: last.index('id="clip-1"')]
    assert "Why “rowing a boat”?" in block and "sketch (embedded)" in block
    assert block.count('<ol class="overlays"') == 2
    assert "2.0 ahead of “climbing a ladder”. Frame 1 matters most." in block
    assert "+1.50" in block and "−0.10" in block
    assert "&lt;b&gt;rope" in block and "a random token comes as near" in block
    assert "blind to their order" in block


def test_plain_clips_own_answer_is_explained_alone(studio: Studio) -> None:
    add_bundle(studio)
    waiting, last = pages(studio, shown_by(studio, "tuned"), why=0, voice=0)
    assert last.count('<ol class="overlays"') == 1 and "tokens" not in last
    assert isinstance(studio.explainer, FakeExplainer)
    path, labels, label, backbone, bundle, _, negatives = studio.explainer.asked[-1]
    assert path.endswith("climbing-a-ladder.mp4") and (labels, label) == (LABELS, LABELS[0])
    assert (backbone, bundle) == ("sketch", None)
    assert list(negatives) == studio.store.negatives.texts()


def test_plain_clip_is_asked_why_in_the_sentences_of_the_answer(studio: Studio) -> None:
    request = RecognitionRequest([studio.examples[0].path], ", ".join(LABELS), templates="a {}.\n\n the {}.")
    pages(studio, Shown(list(studio.recognition.answers(request, pictures=True))[-1]), why=0, voice=0)
    assert isinstance(studio.explainer, FakeExplainer)
    assert studio.explainer.templates == ("a {}.", "the {}.")


def test_another_label_may_be_asked_about_and_reasons_may_be_closed(studio: Studio) -> None:
    shown = shown_by(studio)
    results = shown.results
    assert results is not None
    assert question(results, {"why": 0, "voice": 0, "label": "waving"}) == Question(0, 0, "waving")
    assert question(results, {"why": 0, "voice": 0, "label": "nonsense"}) == Question(0, 0, LABELS[0])
    for asked in ({"why": 9, "voice": 0}, {"why": 0, "voice": 3}, {"why": -1, "voice": 0}, {"why": "0"}, {}):
        assert question(results, asked) is None
    with_reasons = list(clicked(studio, shown, {"why": 0, "voice": 0}))[-1]
    assert "reasons" in draw(with_reasons).clips
    (closed,) = pages(studio, with_reasons, close=0)
    assert "reasons" not in closed


class Unwilling(FakeExplainer):
    def __init__(self, fault: Exception) -> None:
        super().__init__()
        self.fault = fault

    def explain(self, *args: Any, **kwargs: Any) -> ClipExplanation:
        raise self.fault


def test_what_cannot_be_explained_is_said_in_the_clip(studio: Studio) -> None:
    shown = shown_by(studio)
    gone = replace(studio, explainer=Unwilling(ClipError("a.mp4", "it is gone", "upload it again")))
    assert "it is gone; upload it again" in pages(gone, shown, why=0, voice=0)[-1]
    broken = replace(studio, explainer=Unwilling(ZeroDivisionError("a bug")))
    assert UNEXPECTED in pages(broken, shown, why=0, voice=0)[-1]


def test_anchors_are_taken_of_all_sets_in_turn_without_those_that_are_gone(studio: Studio) -> None:
    paths = []
    for number in range(2 * MOST_ANCHORS):
        path = studio.home.media / f"anchor-{number}.mp4"
        path.write_bytes(b"x")
        paths.append(AnchorClip(str(path), f"caption {number}"))
    studio.store.anchors.add_clips("mine", [AnchorClip("/gone.mp4", "gone"), *paths[:MOST_ANCHORS]])
    studio.store.anchors.add_clips("others", paths[MOST_ANCHORS:])
    found = [anchor.caption for anchor in studio.explanations.anchors_at_hand()]
    assert len(found) == MOST_ANCHORS and "gone" not in found
    assert found[:3] == [f"caption {MOST_ANCHORS}", "caption 0", f"caption {MOST_ANCHORS + 1}"]
    shown = shown_by(studio)
    assert shown.results is not None
    asked = list(asking_why(studio, shown, shown.results, Question(0, 0, LABELS[0])))
    assert "Nearest anchor clips: caption" in draw(asked[-1]).clips
