"""Reasons through the door, with the real backbone behind it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.errors import ClipError
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.services.lazy_explainer import LazyExplainer
from ga2app.services.lazy_recognizer import LazyRecognizer
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import write_drawn_clip
from ga2app.synthetic.scenes import SCENES
from ga2app.types import AnchorClip

LABELS = ["climbing a ladder", "riding a bicycle", "walking a dog"]
BUNDLE = str(SKETCH_HARD_PROMPT)


@pytest.fixture(scope="module")
def recognizer() -> LazyRecognizer:
    return LazyRecognizer()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("drawn") / "climbing.mp4"
    write_drawn_clip(path, ACTIONS["climbing_a_ladder"], "camcorder", 5)
    return str(path)


def test_both_speakers_are_explained_and_agree_with_what_they_answered(
    recognizer: LazyRecognizer, clip: str, tmp_path: Path
):
    anchor = tmp_path / "scene.mp4"
    write_drawn_clip(anchor, next(iter(SCENES.values())), "camcorder", 1)
    found = LazyExplainer(recognizer).explain(
        clip,
        LABELS,
        "walking a dog",
        backbone="sketch",
        bundle=BUNDLE,
        anchors=[AnchorClip(str(anchor), "a scene")],
        negatives=["an object", "nothing", "a zebra"],
    )
    plain, tuned = found.speakers
    answer = recognizer.recognize([clip], LABELS, backbone="sketch", bundle=BUNDLE).clips[0]
    for speaker, said in zip(found.speakers, answer.answers, strict=True):
        shares = {score.label: score.score for score in said.scores}
        assert speaker.bundle == said.bundle
        assert speaker.share == pytest.approx(shares["walking a dog"], abs=0.02)
        assert [frame.index for frame in speaker.frames] == [moment.index for moment in said.timeline]
        assert len(speaker.overlays) == len(found.pictures) == len(speaker.frames)
        assert [one.name for one in speaker.anchors] == ["a scene"]
        assert {one.name for one in speaker.negatives} == {"an object", "nothing"}
    assert found.label == "walking a dog" and plain.rival and plain.lead < 0
    assert found.notes == ()


def test_the_sentences_that_were_asked_with_are_explained(recognizer: LazyRecognizer, clip: str) -> None:
    sentences = ["{}.", "a drawing of nothing, {}."]
    known = recognizer.recognize([clip], LABELS, backbone="sketch", template=sentences).clips[0].answers[0]
    second = known.scores[1]
    asked, usual = (
        LazyExplainer(recognizer).explain(clip, LABELS, second.label, backbone="sketch", template=given).speakers[0]
        for given in (sentences, None)
    )
    assert asked.share == pytest.approx(second.score, rel=1e-3)
    assert usual.share != pytest.approx(second.score, rel=0.05) and usual.lead != pytest.approx(asked.lead, abs=0.05)


def test_anchors_that_cannot_be_read_cost_only_themselves(recognizer: LazyRecognizer, clip: str, tmp_path: Path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    found = LazyExplainer(recognizer).explain(
        clip, LABELS, LABELS[0], backbone="sketch", anchors=[AnchorClip(str(tmp_path / "bad.mp4"), "bad")]
    )
    (plain,) = found.speakers
    assert plain.anchors == () and "the anchors were left out" in found.notes[0] and "bad.mp4" in found.notes[0]


def test_a_clip_that_cannot_be_read_is_refused(recognizer: LazyRecognizer, tmp_path: Path):
    with pytest.raises(ClipError, match=r"gone\.mp4"):
        LazyExplainer(recognizer).explain(str(tmp_path / "gone.mp4"), LABELS, LABELS[0], backbone="sketch")


def test_the_tokens_that_the_text_tower_reads_are_read_once(recognizer: LazyRecognizer):
    explainer = LazyExplainer(recognizer)
    tokens = explainer.read_tokens(backbone="sketch", bundle=BUNDLE)
    length = recognizer.real.bundle(BUNDLE).manifest.run.prompts.length
    assert [token.place for token in tokens] == list(range(1, length + 1))
    assert all(token.words[0][1] >= token.words[-1][1] for token in tokens)
    assert {token.meant for token in tokens} <= {"word", "blend", "noise"}
    assert explainer.read_tokens(backbone="sketch", bundle=BUNDLE) is tokens
