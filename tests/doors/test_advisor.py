"""The door to the anchors' torch side, with the embedded backbone and drawn clips."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.config import SKETCH
from ga2app.errors import LabelError, LanguageModelError
from ga2app.services.anchor_pools import AnchorAdvisor
from ga2app.synthetic.demo_dataset import subject_named, write_drawn_clip
from ga2app.types import AnchorClip, AnchorKind, ProposalKind

LABELS = ("riding a bicycle", "walking a dog")
SHOWN = ("riding a bicycle", "walking a dog", "snow falling", "a clock ticking")


@pytest.fixture(scope="module")
def advisor() -> AnchorAdvisor:
    return AnchorAdvisor()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two clips of actions, two of scenes."""
    folder = tmp_path_factory.mktemp("pool")
    for name in SHOWN:
        write_drawn_clip(folder / f"{name}.mp4", subject_named(name), "plain", 3, 6, 64)
    return [str(folder / f"{name}.mp4") for name in SHOWN]


def test_scenes_are_more_irrelevant_than_actions_and_a_broken_clip_is_told(
    advisor: AnchorAdvisor, clips: list[str], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_text("no video")
    told: list[tuple[int, int]] = []
    rated = advisor.irrelevance(
        [AnchorClip(path) for path in (*clips, str(broken))],
        LABELS,
        backbone=SKETCH,
        progress=lambda done, total: told.append((done, total)),
    )
    assert [one.path for one in rated.clips] == clips and rated.comparable
    bicycle, dog, snow, clock = rated.clips
    assert max(bicycle.irrelevance, dog.irrelevance) < 0.25 < min(snow.irrelevance, clock.irrelevance)
    assert (bicycle.nearest, dog.nearest) == LABELS
    assert len(rated.faults) == 1 and "broken.mp4" in rated.faults[0]
    assert told[-1] == (5, 5)


def test_the_choice_keeps_captions_and_is_no_larger_than_the_pool(advisor: AnchorAdvisor, clips: list[str]) -> None:
    pool = [AnchorClip(path, Path(path).stem) for path in clips[2:]]
    chosen = advisor.choose(pool, LABELS, backbone=SKETCH, count=8)
    assert {one.caption for one in chosen.clips} == set(SHOWN[2:])


def test_made_clips_are_written_and_can_be_rated(advisor: AnchorAdvisor, clips: list[str], tmp_path: Path) -> None:
    made = advisor.make(clips[:1], tmp_path / "made", [AnchorKind.HELD_FRAME, AnchorKind.AWAY])
    assert [one.kind for one in made.clips] == [AnchorKind.HELD_FRAME, AnchorKind.AWAY] and not made.faults
    assert all(Path(one.path).is_relative_to(tmp_path / "made") and one.source == clips[0] for one in made.clips)
    rated = advisor.irrelevance([AnchorClip(one.path) for one in made.clips], LABELS, backbone=SKETCH)
    assert rated.clips[0].irrelevance < 0.25, "a held frame of an action looks like the action"


def test_texts_with_words_of_a_label_are_too_close_and_generic_ones_are_not(advisor: AnchorAdvisor) -> None:
    rated = advisor.text_similarity(["a bicycle", "nothing", "xyzzy", "riding"], LABELS, backbone=SKETCH)
    assert [one.text for one in rated.texts] == ["a bicycle", "nothing", "xyzzy", "riding"]
    assert [one.too_close for one in rated.texts] == [True, False, False, True]
    assert rated.texts[0].nearest == "riding a bicycle" and rated.texts[0].cosine > rated.texts[1].cosine
    assert rated.texts[2].unknown == ("xyzzy",)
    assert rated.limit is not None and -1 < rated.limit < 1


def test_one_label_alone_sets_no_limit_but_shares_words(advisor: AnchorAdvisor) -> None:
    rated = advisor.text_similarity(["a bicycle", "nothing"], LABELS[:1], backbone=SKETCH)
    assert rated.limit is None and [one.too_close for one in rated.texts] == [True, False]
    assert advisor.text_similarity([], LABELS, backbone=SKETCH).texts == ()
    with pytest.raises(LabelError, match="no labels were given"):
        advisor.text_similarity(["nothing"], [], backbone=SKETCH)


def test_proposals_are_of_the_kind_that_was_asked_for(advisor: AnchorAdvisor) -> None:
    for kind in ProposalKind:
        found = advisor.suggest(LABELS, backbone=SKETCH, count=3, kind=kind)
        assert len(found) == 3 and {one.kind for one in found} == {kind}


def test_a_language_model_needs_the_login_of_the_machines_own_user(
    advisor: AnchorAdvisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "hf_somebody")
    assert advisor.login()
    monkeypatch.setenv("SPACE_ID", "somebody/studio")
    assert not advisor.login()
    monkeypatch.delenv("SPACE_ID")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert not advisor.login()
    with pytest.raises(LanguageModelError, match="HF_HUB_OFFLINE"):
        advisor.suggest(LABELS, backbone=SKETCH, count=3, kind=ProposalKind.NEGATIVE, language_model="some/model")
