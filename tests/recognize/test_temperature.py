"""A bundle's temperature: other percentages, the same answers; and its threshold, chosen from data."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app import Recognizer, load_backbone, load_bundle
from ga2app.bundles import Bundle, PromptBundle, read_manifest
from ga2app.clip import Backbone
from ga2app.errors import BundleError
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.synthetic.actions import ACTIONS, DEMO_BASE
from ga2app.synthetic.demo_dataset import write_drawn_clip
from ga2app.types import Answer, LabelKind, NoneOfThese, NoneWay, Temperature

LABELS = [ACTIONS[key].name for key in DEMO_BASE]
NEGATIVES = ("nothing", "an empty place", "an object")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone("sketch")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    paths = [tmp_path_factory.mktemp("drawn") / f"{number}.mp4" for number in range(3)]
    for number, path in enumerate(paths):
        write_drawn_clip(path, ACTIONS[DEMO_BASE[number]], "camcorder", (5, number), 4)
    return [str(path) for path in paths]


def tempered(temperature: Temperature) -> PromptBundle:
    """The embedded bundle as a run would store it that has fitted ``temperature``."""
    known = load_bundle(SKETCH_HARD_PROMPT)
    manifest = replace(known.manifest, temperature=temperature.to_dict())
    return PromptBundle(Bundle(manifest, known.bundle.tensors), known.folder)


def answers(backbone: Backbone, clips: list[str], heat: float, none: NoneOfThese | None = None) -> list[Answer]:
    recognizer = Recognizer(backbone, tempered(Temperature(heat)), num_frames=4)
    return [clip.answers[1] for clip in recognizer.recognize(clips, LABELS, none_of_these=none).clips]


@pytest.mark.parametrize("none", [None, NoneOfThese(NEGATIVES), NoneOfThese(NEGATIVES, NoneWay.THRESHOLD)])
@pytest.mark.parametrize("heat", [0.05, 0.4, 3.0, 20.0])
def test_a_temperature_changes_percentages_and_no_answer(
    backbone: Backbone, clips: list[str], heat: float, none: NoneOfThese | None
) -> None:
    for before, after in zip(answers(backbone, clips, 1, none), answers(backbone, clips, heat, none), strict=True):
        ranked = [
            [score.label for score in answer.scores if score.kind is not LabelKind.NEGATIVE]
            for answer in (before, after)
        ]
        assert ranked[0] == ranked[1] and before.said == after.said and before.none == after.none
        assert [frame.label for frame in before.timeline] == [frame.label for frame in after.timeline]
        assert before.best is not None and after.best is not None
        assert (after.best.score < before.best.score) is (heat > 1)
        assert sum(score.score for score in after.scores) == pytest.approx(1, abs=1e-5)
        assert (before.temperature, after.temperature) == (1.0, heat)


def test_zero_shot_clip_and_bundles_of_before_have_no_temperature(backbone: Backbone, clips: list[str]) -> None:
    known = load_bundle(SKETCH_HARD_PROMPT)
    assert known.manifest.calibrated == Temperature()
    (clip,) = Recognizer(backbone, [known, tempered(Temperature(2.0))], num_frames=4).recognize(clips[:1], LABELS).clips
    assert [answer.temperature for answer in clip.answers] == [1.0, 1.0, 2.0]
    assert [one["temperature"] for one in clip.to_dict()["bundles"]] == [1.0, 2.0]


def test_who_names_no_threshold_gets_the_one_chosen_from_data(backbone: Backbone, clips: list[str]) -> None:
    recognizer = Recognizer(backbone, tempered(Temperature(1.5, threshold=0.9, chosen="it keeps 95%")), num_frames=4)

    def thresholds(asked: NoneOfThese) -> list[float]:
        (clip,) = recognizer.recognize(clips[:1], LABELS, none_of_these=asked).clips
        return [answer.verdict.threshold for answer in clip.answers if answer.verdict]

    assert thresholds(NoneOfThese(NEGATIVES, NoneWay.THRESHOLD)) == [0.5, 0.9]
    assert thresholds(NoneOfThese(NEGATIVES, NoneWay.THRESHOLD, 0.3)) == [0.3, 0.3]
    assert thresholds(NoneOfThese(NEGATIVES, NoneWay.COMPETE)) == [0.0, 0.0]


@pytest.mark.parametrize("odd", [{"value": 0.0}, {"value": "hot"}, {"threshold": 3}, {"heat": 1}, [1], "1"])
def test_a_manifest_with_a_temperature_that_cannot_be_is_refused(tmp_path: Path, odd: object) -> None:
    root = shutil.copytree(SKETCH_HARD_PROMPT, tmp_path / "bundle")
    manifest = json.loads((root / "bundle.json").read_text())
    (root / "bundle.json").write_text(json.dumps(manifest | {"temperature": odd}))
    with pytest.raises(BundleError, match="temperature: must be what a run stores of it"):
        read_manifest(root)
