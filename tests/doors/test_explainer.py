"""Reasons of the service, with the real backbone behind it."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ga2app.clip import load_backbone
from ga2app.errors import ClipError
from ga2app.inference.explanations.clip_importance import STEPS
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.services.explanations import Explainer
from ga2app.services.quotas import cost_of_why
from ga2app.services.recognizers import ROUNDED, OwnRecognizer
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import write_drawn_clip
from ga2app.synthetic.scenes import SCENES
from ga2app.types import AnchorClip, RecognitionRequest

LABELS = ["climbing a ladder", "riding a bicycle", "walking a dog"]
BUNDLE = str(SKETCH_HARD_PROMPT)


@pytest.fixture(scope="module")
def recognizer() -> OwnRecognizer:
    return OwnRecognizer()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("drawn") / "climbing.mp4"
    write_drawn_clip(path, ACTIONS["climbing_a_ladder"], "camcorder", 5)
    return str(path)


def test_both_classifiers_are_explained_and_agree_with_what_they_answered(
    recognizer: OwnRecognizer, clip: str, tmp_path: Path
):
    anchor = tmp_path / "scene.mp4"
    write_drawn_clip(anchor, next(iter(SCENES.values())), "camcorder", 1)
    found = Explainer(recognizer).explain(
        clip,
        LABELS,
        "walking a dog",
        backbone="sketch",
        bundle=BUNDLE,
        anchors=[AnchorClip(str(anchor), "a scene")],
        negatives=["an object", "nothing", "a zebra"],
    )
    plain = found.plain
    answer = recognizer.recognize(RecognitionRequest([clip], LABELS, [BUNDLE], "sketch")).clips[0]
    for classifier, said in zip(found.models().values(), answer.answers, strict=True):
        shares = {score.label: score.score for score in said.scores}
        assert classifier.share == pytest.approx(shares["walking a dog"], abs=0.02)
        assert [frame.index for frame in classifier.frames] == [moment.index for moment in said.timeline]
        assert classifier.saliency.cells.shape[0] == len(found.pictures) == len(classifier.frames)
        assert classifier.relatives is not None
        assert [one.name for one in classifier.relatives.anchors] == ["a scene"]
        assert {one.name for one in classifier.relatives.negatives} == {"an object", "nothing"}
    assert found.label == "walking a dog" and plain.rival and plain.score < 0
    assert found.notes == ()


def test_the_sentences_that_were_asked_with_are_explained(recognizer: OwnRecognizer, clip: str) -> None:
    sentences = ["{}.", "a drawing of nothing, {}."]
    known = recognizer.recognize(RecognitionRequest([clip], LABELS, None, "sketch", sentences)).clips[0].answers[0]
    second = known.scores[1]
    asked, usual = (
        Explainer(recognizer).explain(clip, LABELS, second.label, backbone="sketch", template=given).plain
        for given in (sentences, None)
    )
    assert asked.share == pytest.approx(second.score, rel=1e-3)
    assert usual.share != pytest.approx(second.score, rel=0.05) and usual.score != pytest.approx(asked.score, abs=0.05)


def test_anchors_that_cannot_be_read_cost_only_themselves(recognizer: OwnRecognizer, clip: str, tmp_path: Path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    found = Explainer(recognizer).explain(
        clip, LABELS, LABELS[0], backbone="sketch", anchors=[AnchorClip(str(tmp_path / "bad.mp4"), "bad")]
    )
    assert found.bundle is None and found.plain.relatives is None
    assert "the anchors were left out" in found.notes[0] and "bad.mp4" in found.notes[0]


def test_a_clip_that_cannot_be_read_is_refused(recognizer: OwnRecognizer, tmp_path: Path):
    with pytest.raises(ClipError, match=r"gone\.mp4"):
        Explainer(recognizer).explain(str(tmp_path / "gone.mp4"), LABELS, LABELS[0], backbone="sketch")


def test_the_tokens_that_the_text_tower_reads_are_read_once(recognizer: OwnRecognizer):
    explainer = Explainer(recognizer)
    tokens = explainer.read_tokens(backbone="sketch", bundle=BUNDLE)
    length = recognizer.models.bundle(BUNDLE).manifest.run.prompts.length
    assert [token.place for token in tokens] == list(range(1, length + 1))
    assert all(token.words[0].cosine >= token.words[-1].cosine for token in tokens)
    assert {token.reading for token in tokens} <= {"word", "blend", "noise"}
    assert explainer.read_tokens(backbone="sketch", bundle=BUNDLE) is tokens


def test_an_answer_says_that_it_is_rounded(clip: str):
    recognizer = OwnRecognizer()
    recognizer.models._backbones["sketch"] = load_backbone("sketch", precision="bfloat16")
    rounded = recognizer.recognize(RecognitionRequest([clip], LABELS, [], "sketch"))
    exact = OwnRecognizer().recognize(RecognitionRequest([clip], LABELS, [], "sketch"))
    assert rounded.notes == (*exact.notes, ROUNDED) and ROUNDED not in exact.notes


def test_another_visitors_clip_is_recognized_while_an_explanation_is_computed(
    recognizer: OwnRecognizer, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, own, passes, begun = recognizer.models.backbone("sketch"), threading.get_ident(), [], threading.Event()
    encode, inside = backbone.encode_frames, threading.Lock()

    def slow(*given: Any, **named: Any) -> Any:
        assert inside.acquire(blocking=False), "two computed at the same time"
        passes.append(threading.get_ident())
        begun.set()
        if passes[-1] != own:
            time.sleep(0.02)  # so that the other question is asked while this one is under way
        try:
            return encode(*given, **named)
        finally:
            inside.release()

    monkeypatch.setattr(backbone, "encode_frames", slow)
    found: list[Any] = []
    thread = threading.Thread(
        target=lambda: found.append(Explainer(recognizer).explain(clip, LABELS, LABELS[0], backbone="sketch"))
    )
    thread.start()
    begun.wait()
    answer = recognizer.recognize(RecognitionRequest([clip], LABELS, None, "sketch"))
    assert thread.is_alive() and answer.clips[0].error is None
    thread.join()
    assert found[0].label == LABELS[0]
    assert 0 < passes.index(own) < len(passes) - 1  # in between


def test_an_explanation_costs_what_is_said_of_it_before(recognizer: OwnRecognizer, clip: str) -> None:
    """Passes of the clip's frames through the tower, counted: the figure that bounds an explanation."""
    backbone, frames = recognizer.models.backbone("sketch"), []
    encode = backbone.encode_frames
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            backbone, "encode_frames", lambda chunk, *a, **n: frames.append(len(chunk)) or encode(chunk, *a, **n)
        )
        Explainer(recognizer).explain(clip, LABELS, LABELS[0], backbone="sketch", anchors=[AnchorClip(clip, "a")])
    once, there_and_back = 8, 2  # a gradient's own pass costs as much as two more
    said = cost_of_why(LABELS, (), 0, None, anchors=1, negatives=0)
    assert sum(frames) == once * (2 + 2 * STEPS)
    assert said.frames == sum(frames) + once * STEPS * there_and_back and said.texts == len(LABELS)
