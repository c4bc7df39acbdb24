"""Clips that show none of the labels, told by negative prompts, on drawn clips."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ga2app import Recognizer, load_backbone
from ga2app.clip import Backbone
from ga2app.errors import LabelError
from ga2app.paths import SKETCH_HARD_PROMPT, default_home
from ga2app.store import Store, default_prompts
from ga2app.synthetic.actions import ACTIONS, DEMO_BASE
from ga2app.synthetic.demo_dataset import write_drawn_clip
from ga2app.synthetic.scenes import SCENES
from ga2app.types import NONE_OF_THESE, LabelKind, NoneOfThese, NoneWay, RecognizedClip
from tests.approx import same_record
from tests.commands import document

LABELS = [ACTIONS[key].name for key in DEMO_BASE]
NEGATIVES = ("nothing", "no action", "an empty place", "something else", "an object", "an animal", "a vehicle")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("sketch")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Clips of the labels' actions and of scenes without a person, in the plain style and as a camcorder shows them."""
    folder = tmp_path_factory.mktemp("drawn")
    found: dict[str, list[str]] = {}
    for style in ("plain", "camcorder"):
        for kind, subjects in (("action", [ACTIONS[key] for key in DEMO_BASE][:5]), ("scene", [*SCENES.values()][:5])):
            paths = []
            for number, subject in enumerate(subjects):
                path = folder / f"{style}-{kind}-{number}.mp4"
                write_drawn_clip(path, subject, style, (77, number), 4)
                paths.append(str(path))
            found[f"{style} {kind}"] = paths
    return found


def share_of_none(clips: tuple[RecognizedClip, ...], speaker: int = 0) -> float:
    return sum(clip.answers[speaker].none for clip in clips) / len(clips)


@pytest.mark.parametrize("way", list(NoneWay))
def test_scenes_without_a_person_are_none_of_these_and_actions_are_not(
    backbone: Backbone, drawn: dict[str, list[str]], way: NoneWay
):
    recognizer = Recognizer(backbone, SKETCH_HARD_PROMPT, num_frames=4)
    asked = NoneOfThese(NEGATIVES, way)
    found = {kind: recognizer.recognize(paths, LABELS, none_of_these=asked).clips for kind, paths in drawn.items()}
    for speaker in (0, 1):
        shares = {kind: share_of_none(clips, speaker) for kind, clips in found.items()}
        assert shares["plain scene"] >= 0.8 and shares["plain action"] <= 0.2, shares
        # A style that the backbone never saw: many actions are lost to negatives, but scenes still come first.
        assert shares["camcorder scene"] > shares["camcorder action"], shares


def test_the_nearest_negative_takes_its_part_and_the_shares_add_up(backbone: Backbone, drawn: dict[str, list[str]]):
    recognizer = Recognizer(backbone)
    path = drawn["camcorder action"][0]
    (without,) = recognizer.recognize([path], LABELS).clips
    (clip,) = recognizer.recognize([path], LABELS, none_of_these=NoneOfThese(NEGATIVES)).clips
    (answer,) = clip.answers
    assert answer.verdict is not None and answer.best is not None
    assert sum(score.score for score in answer.scores) == pytest.approx(1, abs=1e-5)
    (negative,) = [score for score in answer.scores if score.kind is LabelKind.NEGATIVE]
    assert negative.label == NONE_OF_THESE and negative.score == pytest.approx(answer.verdict.against, rel=1e-4)
    assert answer.verdict.reached == answer.best.score
    # What the negative took, it took of all labels in proportion.
    assert answer.best.score == pytest.approx(without.plain[0].score * (1 - negative.score), abs=1e-5)
    assert answer.curves[-1].label == NONE_OF_THESE and len(answer.curves[-1].probabilities) == len(answer.timeline)


def test_more_negatives_that_are_farther_change_nothing(backbone: Backbone, drawn: dict[str, list[str]]):
    recognizer = Recognizer(backbone)
    path = drawn["camcorder action"][1]
    (all_of_them,) = recognizer.recognize([path], LABELS, none_of_these=NoneOfThese(NEGATIVES)).clips
    verdict = all_of_them.answers[0].verdict
    assert verdict is not None
    (one,) = recognizer.recognize([path], LABELS, none_of_these=NoneOfThese((verdict.negative,))).clips
    assert same_record(one.answers[0].scores, all_of_them.answers[0].scores)


def test_held_against_the_nearest_negative_the_labels_keep_their_shares(
    backbone: Backbone, drawn: dict[str, list[str]]
):
    recognizer = Recognizer(backbone)
    path = drawn["camcorder action"][0]
    (without,) = recognizer.recognize([path], LABELS).clips
    compete, bar = (
        recognizer.recognize([path], LABELS, none_of_these=NoneOfThese(NEGATIVES, way)).clips[0].answers[0]
        for way in NoneWay
    )
    assert same_record(bar.scores, without.plain)
    assert bar.verdict is not None and compete.verdict is not None and compete.best is not None
    lead = math.log(compete.best.score / compete.verdict.against)
    assert bar.verdict.reached == pytest.approx(1 / (1 + math.exp(-lead)), abs=1e-4)
    assert bar.none == (lead < 0) == compete.none


def test_a_threshold_that_nothing_reaches_makes_everything_none_of_these(
    backbone: Backbone, drawn: dict[str, list[str]]
):
    paths = drawn["plain action"][:3]
    for way in NoneWay:
        strict, easy = (
            Recognizer(backbone).recognize(paths, LABELS, none_of_these=NoneOfThese(NEGATIVES, way, threshold)).clips
            for threshold in (1.0, 0.01)
        )
        assert [clip.answers[0].said for clip in strict] == [NONE_OF_THESE] * 3
        assert share_of_none(easy) == 0


def test_negatives_with_unknown_words_are_left_out_by_name_and_labels_are_no_negatives(
    backbone: Backbone, drawn: dict[str, list[str]]
):
    recognizer = Recognizer(backbone)
    path = drawn["plain action"][0]
    asked = NoneOfThese(("zebra crossing", LABELS[0].upper(), "an object"))
    answer = recognizer.recognize([path], LABELS, none_of_these=asked)
    assert any("left out of 'none of these'" in note and "zebra crossing" in note for note in answer.notes)
    verdict = answer.clips[0].answers[0].verdict
    assert verdict is not None and verdict.negative == "an object"
    with pytest.raises(LabelError, match="knows the words of none of them; switch some on in Anchors"):
        recognizer.recognize([path], LABELS, none_of_these=NoneOfThese(("zebra",)))
    with pytest.raises(LabelError, match="there are none; switch some on"):
        recognizer.recognize([path], LABELS, none_of_these=NoneOfThese(()))


def test_a_clip_that_cannot_be_read_has_no_answer(backbone: Backbone, tmp_path: Path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    (clip,) = Recognizer(backbone).recognize([tmp_path / "bad.mp4"], LABELS, none_of_these=NoneOfThese(NEGATIVES)).clips
    assert clip.error and clip.answers == () and clip.bundle is None and clip.timeline == ()
    assert clip.to_dict()["plain"] == [] and clip.to_dict()["none_of_these"] is None


def test_a_newcomer_is_not_told_of_texts_that_the_app_came_with(
    capsys: pytest.CaptureFixture[str], drawn: dict[str, list[str]]
):
    """Some of them hold words that the sketch backbone does not know; those of one's own are named."""
    asked = ["recognize", drawn["plain scene"][0], "--labels", "walking,running", "--none-of-these"]
    answer = document(capsys, *asked)
    assert answer["notes"] == [] and answer["clips"][0]["none_of_these"]["negative"] in default_prompts()
    with Store.open(default_home()) as store:
        store.negatives.add(store.negatives.create_group("mine"), ["zebra crossing"])
    (note,) = document(capsys, *asked)["notes"]
    assert note.endswith("does not know their words: zebra crossing")
    (note,) = document(capsys, *asked, "--negatives", "an object, a landscape")["notes"]
    assert note.endswith("does not know their words: a landscape")
