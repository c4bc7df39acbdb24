"""How far a model's percentages can be believed, on features whose answers are known beforehand."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from ga2app.evaluation import confidence_of, seen_by, validation_of
from ga2app.evaluation.confidence import CROSSWISE
from ga2app.types import Confidence, Dataset, LabelledClip, Subset, Temperature
from ga2app.types.reliability_types import read_confidence

BASE, NOVEL, NEGATIVES = ("walk", "run", "sit"), ("jump", "read"), ("nothing",)
NAMES = (*BASE, *NOVEL, *NEGATIVES)
EACH = 20


@dataclass
class Scale:
    scale: float = 10.0


class Axes:
    """A model whose text features are axes."""

    backbone, temperature = Scale(), 1.0

    def encode_names(self, names: tuple[str, ...]) -> Tensor:
        return torch.eye(len(NAMES))[[NAMES.index(name) for name in names]]


def noisy(labels: list[str], *, right: float, seed: int = 0) -> Tensor:
    """Features of clips that are taken for their labels, most of the time."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.eye(len(NAMES))[[NAMES.index(label) for label in labels]]
    wrong = torch.rand(len(labels), generator=generator) > right
    features[wrong] = features[wrong].roll(1, dims=1)
    return torch.nn.functional.normalize(features + 0.1 * torch.randn(features.shape, generator=generator), dim=1)


def clips_of(labels: tuple[str, ...], each: int = EACH, subset: Subset = Subset.TEST) -> list[LabelledClip]:
    return [LabelledClip(f"{label}-{number}.mp4", label, subset) for label in labels for number in range(each)]


DATA = Dataset("axes", BASE, NOVEL, tuple(clips_of((*BASE, *NOVEL))), negatives=NEGATIVES)


def measured(
    data: Dataset = DATA,
    features: Tensor | None = None,
    anchors: int = 12,
    spare: int = 0,
    temperature: Temperature | None = None,
) -> Confidence:
    clips = list(data.clips)
    if features is None:
        features = noisy([clip.label for clip in clips], right=0.7)
    left = clips_of(BASE, spare, Subset.TRAIN)
    around = noisy(["nothing"] * anchors, right=0.8, seed=1)
    held_out = noisy([clip.label for clip in left], right=0.7, seed=2)
    seen = seen_by(Axes(), data, features, around, held_out, left)  # type: ignore[arg-type]
    return confidence_of(seen, data, clips, temperature)


def test_each_group_is_measured_without_and_with_a_temperature_that_mends_it() -> None:
    found = measured()
    assert [*found.before] == [*found.after] == ["base", "novel", "joint"]
    assert {name: one.clips for name, one in found.before.items()} == {"base": 60, "novel": 40, "joint": 100}
    for name in ("base", "joint"):
        assert found.after[name].ece < found.before[name].ece and found.temperature.used > 1
        assert found.after[name].accuracy == found.before[name].accuracy
    assert {(one.unknown, one.score) for one in found.rejection} == {
        ("anchors", "against"), ("anchors", "best"), ("novel", "against"), ("novel", "best"),
    }  # fmt: skip
    assert found.notes == (CROSSWISE,) and not measured(spare=8).notes


def test_it_is_fitted_on_training_clips_left_over_and_else_crosswise_on_base_test_clips() -> None:
    with_spare, without = measured(spare=8).temperature, measured().temperature
    assert with_spare.fitted.startswith(
        "24 training clips of base labels that the shots left over, and 12 anchor clips"
    )
    assert without.fitted.startswith("60 test clips of base labels, because the shots left no training clips over")
    assert (with_spare.on_test_clips, without.on_test_clips) == (False, True)


def test_no_clip_is_measured_with_a_temperature_that_it_was_fitted_on() -> None:
    # All novel clips and anchors stay; one base clip's features change, and with them its own half's temperature alone.
    features = noisy([clip.label for clip in DATA.clips], right=0.7)
    other = features.clone()
    other[0] = -other[0]
    before, after = measured(features=features, anchors=0), measured(features=other, anchors=0)
    assert before.temperature.value != after.temperature.value
    sizes = [sum(clips for clips, _, _ in one.after["base"].bins) for one in (before, after)]
    assert sizes == [60, 60]


def test_a_bundles_own_temperature_is_used_as_it_is() -> None:
    own = Temperature(3.0, "fitted elsewhere")
    found = measured(temperature=own)
    assert found.temperature == own and found.after["novel"].confidence < found.before["novel"].confidence
    assert not measured(temperature=Temperature()).after


def test_a_threshold_is_chosen_where_negative_prompts_take_part() -> None:
    found = measured()
    (against,) = [one for one in found.rejection if (one.unknown, one.score) == ("anchors", "against")]
    assert found.temperature.threshold == against.threshold and "12 anchor clips" in found.temperature.chosen
    without = measured(replace(DATA, negatives=()))
    assert without.temperature.threshold is None and {one.score for one in without.rejection} == {"best"}
    assert "40 clips of novel labels" in measured(anchors=0).temperature.chosen


def some(data: Dataset, *labels: str) -> Dataset:
    return replace(data, clips=tuple(clip for clip in data.clips if clip.label in labels))


@pytest.mark.parametrize(
    ("given", "groups", "says"),
    [
        ({"data": some(DATA, "walk", "jump", "read")}, 3, ""),  # a slice without two of its classes
        ({"data": some(DATA, *BASE)}, 2, "novel: not measured, because it has no test clips"),
        ({"data": some(DATA, *NOVEL)}, 2, "no temperature: there are 0 clips of base labels that training did not use"),
        ({"data": replace(DATA, clips=DATA.clips[:1]), "anchors": 0}, 2, "there are 1 clips of base labels"),
        ({"anchors": 0}, 3, "there are no anchor clips to measure open-set rejection with"),
        ({"features": torch.zeros(100, 6), "anchors": 0}, 3, "all labels score alike"),
        ({"features": torch.full((100, 6), math.nan)}, 0, "some scores are not numbers: the training diverged"),
        ({"data": replace(DATA, base=("walk",)), "features": noisy(["walk"] * 100, right=1)}, 2, "only one label"),
    ],
)
def test_what_cannot_be_measured_is_said_and_the_rest_is(given: dict[str, object], groups: int, says: str) -> None:
    found = measured(**given)  # type: ignore[arg-type]
    assert len(found.before) == groups
    assert says in " ".join(found.notes)
    assert all(math.isfinite(value) for value in found.figures().values())


def test_figures_survive_the_report_file() -> None:
    found = measured()
    assert read_confidence(json.loads(json.dumps(found.to_dict()))) == found
    assert read_confidence(None) == Confidence()
    assert {"ece_novel", "ece_novel_after", "temperature", "auroc_anchors_best"} <= found.figures().keys()


def test_settings_may_be_chosen_by_training_clips_that_were_left_over_and_no_test_clip_takes_part() -> None:
    left = clips_of(BASE, 8, Subset.TRAIN)
    held_out, tests = noisy([clip.label for clip in left], right=0.7, seed=2), noisy(["walk"] * 100, right=0.5)
    none = tests[:0]
    found = validation_of(seen_by(Axes(), DATA, tests, none, held_out, left), DATA)  # type: ignore[arg-type]
    answers = held_out[:, :3].argmax(dim=1)
    right = [BASE[place] == clip.label for place, clip in zip(answers.tolist(), left, strict=True)]
    assert found["accuracy"] == pytest.approx(100 * sum(right) / 24, rel=1e-4) and found["clips"] == 24
    assert found == validation_of(seen_by(Axes(), DATA, -tests, none, held_out, left), DATA)  # type: ignore[arg-type]
    assert validation_of(seen_by(Axes(), DATA, tests, none), DATA) == {}  # type: ignore[arg-type]
    broken = held_out * math.nan
    assert validation_of(seen_by(Axes(), DATA, tests, none, broken, left), DATA) == {}  # type: ignore[arg-type]
