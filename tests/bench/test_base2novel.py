"""The whole benchmark in small: every rung, table, JSON, picture, and going on after an interruption."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.base2novel import drawn_data as world
from benchmarks.base2novel import outcomes as base2novel
from benchmarks.base2novel import report
from benchmarks.base2novel.action_descriptions import ACTION_DESCRIPTIONS, captions_of
from benchmarks.base2novel.command import BESIDE
from benchmarks.base2novel.methods import ABLATIONS, Variant, settings, variant
from benchmarks.base2novel.outcomes import Outcome, Plan
from ga2app.clip import load_backbone
from ga2app.clip.described_texts import usable_descriptions
from ga2app.config import ClipConfig, PromptConfig
from ga2app.config.presets import COMPARED
from ga2app.errors import ConfigError, StoreError
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.reversible_actions import PAIRS
from ga2app.training.checkpoint import hashed_settings
from ga2app.types import Subset


def plan(**changes: object) -> Plan:
    config = settings("narrow")
    small = replace(
        config,
        prompts=replace(config.prompts, visual_depth=1, text_depth=2),
        clips=ClipConfig(num_frames=1),
        optimizer=replace(config.optimizer, epochs=1, warmup_epochs=0, evaluate_every=1),
        shots=2,
    )
    return replace(Plan("narrow", (3,), COMPARED, (1, 2), small), **changes)


@pytest.fixture(scope="module", autouse=True)
def _few_clips():
    """Two training and one test clip of each of six base and six novel classes: drawing is the slow part."""
    base, novel = world.classes("narrow", 3)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(world, "classes", lambda setting, seed: (base, novel[:6]))
        for name, clips in {"TRAIN_CLIPS": 2, "TEST_CLIPS": 1, "CLIPS_PER_SCENE": 1}.items():
            small.setattr(world, name, clips)
        yield


@pytest.fixture(scope="module")
def outcomes(_few_clips: None) -> list[Outcome]:
    return base2novel.run_seed(plan(), 3)


def test_every_rung_is_measured_at_every_number_of_shots(outcomes: list[Outcome]) -> None:
    assert [(one.method, one.shots) for one in outcomes] == [(method, shots) for method in COMPARED for shots in (1, 2)]
    for one in outcomes:
        assert one.hm == pytest.approx(2 * one.base * one.novel / (one.base + one.novel), rel=1e-4)
        assert one.peak_bytes > 100 * 2**20
        assert (one.seconds > 0) == (one.method != "zero-shot")


def test_baselines_are_methods_and_have_a_dash_for_what_they_do_not_answer(tmp_path: Path) -> None:
    asked = plan(methods=("zero-shot", *BESIDE), shots=(2,))
    found = base2novel.run_seed(asked, 3)
    by_name = {one.method: one for one in found}
    assert tuple(by_name) == asked.methods
    for name, one in by_name.items():
        answers = name.startswith(("zero-shot", "tip"))
        assert one.base is not None and (one.novel is not None) == (one.hm is not None) == answers, name
    assert by_name["tip-adapter"].novel == by_name["zero-shot"].novel
    rows = report.table(asked, found).splitlines()
    assert "zero-shot less …" in "\n".join(rows)
    assert next(row for row in rows if row.startswith("linear-probe")).split()[2:4] == ["–", "–"]
    assert report.document(asked, found)["methods"]["knn"]["novel"] == [None]
    report.draw(asked, found, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 1000


def test_ga2_plus_with_one_part_changed_is_measured_on_the_same_clips() -> None:
    """Every change is told by the variant that it makes; one of each kind is trained."""
    changed = ("no-whitening", "text-alone", "anchors-none", "anchors-video", "negatives-1")
    described = ("zero-shot+captions", "whitened+descriptions", "ga2-plus+descriptions", "ga2-plus+captions")
    names = ("zero-shot", "ga2-plus", *changed, *described)
    found = {one.method: one for one in base2novel.run_seed(plan(methods=names, shots=(2,)), 3)}
    assert tuple(found) == names
    assert len({(one.base, one.novel) for one in found.values()}) > 2


def test_on_pairs_a_figure_says_how_many_clips_are_told_from_the_reverse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "classes", lambda setting, seed: PAIRS[:2])
    asked = plan(setting="pairs", methods=("zero-shot", "ordered-pooling"), shots=(2,))
    asked = replace(asked, config=replace(asked.config, clips=ClipConfig(num_frames=2)))
    found = base2novel.run_seed(asked, 3)
    assert all(one.base_pairs == one.base and one.novel_pairs == one.novel for one in found)  # of two labels
    told = report.document(asked, found)
    assert told["methods"]["zero-shot"]["base_pairs"] == [found[0].base_pairs]
    assert told["ours_less"]["ordered-pooling"].keys() >= {"base", "novel_pairs"}
    assert "base pairs" in report.table(asked, found)
    assert "base pairs" not in report.table(replace(asked, setting="narrow"), found)


def test_a_variant_changes_what_its_name_says_and_nothing_else() -> None:
    whole = Variant(settings("narrow"), "scenes", 6)
    for name in ABLATIONS:
        other = variant(name, whole)
        then, now = (_flat({"pool": one.pool, "count": one.negatives} | one.config.to_dict()) for one in (whole, other))
        assert {key for key in now if now[key] != then[key]} == set(CHANGED[name]), name
    assert variant("ga2-plus", whole) == whole
    with pytest.raises(ConfigError):
        variant("no-such-thing", whole)


CHANGED = {
    "no-whitening": ["whitening.enabled"],
    "no-residual": ["prompts.residual"],
    "no-keep": ["objective.keep"],
    "no-vocabulary": ["objective.vocabulary"],
    "no-terms": ["objective.keep", "objective.vocabulary"],
    "text-alone": ["prompts.visual_depth", "prompts.residual", "objective.keep"],
    "random-hard-prompt": ["prompts.hard_prompt"],
    "ordered-pooling": ["prompts.pooling"],
    "ordered-kept": ["prompts.pooling"],  # these settings have that weight already; those of Quick do not
    "float32": ["precision"],
    "anchors-none": ["pool", "objective.keep"],
    "anchors-random": ["pool"],
    "anchors-chosen": ["pool"],
    "anchors-video": ["pool"],
    "negatives-1": ["count"],
    "negatives-3": ["count"],
    "negatives-10": ["count"],
}


def _flat(values: dict[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat


def test_a_quick_look_tests_fewer_clips_under_a_name_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "QUICK_TEST_CLIPS", 2)
    whole, quick = (world.draw(tmp_path / str(quick), "narrow", 3, quick=quick) for quick in (False, True))
    assert [sum(clip.subset is Subset.TEST for clip in one.clips) for one in (whole, quick)] == [12, 24]
    assert plan(quick=True).key() != plan().key()


def test_plain_clip_is_the_same_at_every_number_of_shots_and_training_is_not(outcomes: list[Outcome]) -> None:
    figures = {(one.method, one.shots): (one.base, one.novel) for one in outcomes}
    assert figures["zero-shot", 1] == figures["zero-shot", 2]
    assert len({figures[method, 2] for method in COMPARED}) > 3


def test_the_document_holds_a_figure_a_seed_for_each_method(outcomes: list[Outcome]) -> None:
    document = json.loads(json.dumps(report.document(plan(), outcomes)))
    assert list(document["methods"]) == list(COMPARED)
    ours = document["methods"]["ga2-plus"]
    assert len(ours["base"]) == len(ours["novel"]) == len(ours["hm"]) == len(ours["seconds"]) == 1
    assert document["few_shot"]["2"] == document["methods"] and document["ours"] == "ga2-plus"
    assert "ga2" in document["ours_less"] and "ga2-plus" not in document["ours_less"]


def test_percentages_are_judged_for_every_method_that_answers(outcomes: list[Outcome]) -> None:
    document = json.loads(json.dumps(report.document(plan(), outcomes)))["confidence"]
    assert list(document) == list(COMPARED)
    for method in COMPARED:
        figures = document[method]["figures"]
        assert {"ece_base", "ece_novel", "ece_joint", "auroc_anchors_best", "fpr95_novel_best"} <= figures.keys()
        assert all(len(values) == 1 and math.isfinite(values[0]) for values in figures.values())
        for group, gap in document[method]["ece_after_less_before"].items():
            assert gap["mean"] == pytest.approx(figures[f"ece_{group}_after"][0] - figures[f"ece_{group}"][0], rel=1e-4)
    assert "percentages" in report.table(plan(), outcomes)


def test_outcomes_of_before_have_no_such_figures_and_are_shown(outcomes: list[Outcome]) -> None:
    before = [replace(outcome, confidence={}) for outcome in outcomes]
    assert report.document(plan(), before)["confidence"] == {} and "percentages" not in report.table(plan(), before)


def test_without_ga2_plus_the_others_are_held_against_ga2_and_without_either_against_none(
    outcomes: list[Outcome],
) -> None:
    assert report.document(plan(methods=("coupled", "ga2")), outcomes)["ours"] == "ga2"
    assert list(report.differences(outcomes, ("coupled", "ga2"), 2)) == ["coupled"]
    assert report.differences(outcomes, ("ivlp", "coupled"), 2) == {}
    assert "less …" not in report.table(plan(methods=("ivlp", "coupled")), outcomes)


def test_the_table_and_the_picture_show_every_method(outcomes: list[Outcome], tmp_path: Path) -> None:
    text = report.table(plan(), outcomes)
    assert all(method in text for method in COMPARED) and "ga2-plus less …" in text and "HM by shots" in text
    report.draw(plan(), outcomes, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_every_method_has_a_color_of_its_own_in_the_picture() -> None:
    names = (*COMPARED, *ABLATIONS)
    found = dict(report.colored(names))
    assert tuple(found) == names and len(set(found.values())) == len(names)


def test_a_seed_that_is_written_down_is_not_trained_again(outcomes: list[Outcome], tmp_path: Path) -> None:
    mine = plan()
    place = tmp_path / "seeds" / f"narrow-{mine.key()}-3.json"
    base2novel.write_json(place, [{**vars(outcomes[0]), "base": 12.5}])
    said: list[str] = []
    assert [one.base for one in base2novel.run(mine, tmp_path, 2, said.append)] == [12.5]
    assert said == ["seeds that are there from an earlier run: 1"]


def test_outcomes_of_what_was_called_ga2_are_not_taken_for_those_of_the_papers_method() -> None:
    """The key of version 0.1.0, whose files may lie in the folder still; of other methods it is as it was."""

    def key_of_before(methods: tuple[str, ...]) -> str:
        mine = plan(methods=methods)
        told = [mine.setting, list(methods), list(mine.shots), mine.pool, mine.negatives, hashed_settings(mine.config)]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

    assert plan(methods=("ga2",)).key() != key_of_before(("ga2",))
    assert plan(methods=("coupled",)).key() == key_of_before(("coupled",))


def test_other_settings_share_no_seed_with_these() -> None:
    other = replace(plan().config, prompts=PromptConfig(4, 1, 2))
    assert plan().key() == plan().key() != plan(config=other).key() != plan(shots=(2,)).key()


def test_figures_that_cannot_be_written_are_an_error_that_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        StoreError, match="'.*narrow.json' could not be written .*; free some space or choose another --out"
    ):
        base2novel.write_json(tmp_path / "file" / "narrow.json", {})


def test_every_action_is_described_in_words_that_the_sketch_backbone_knows() -> None:
    backbone = load_backbone("sketch")
    names = [action.name for action in ACTIONS.values()]
    assert set(ACTION_DESCRIPTIONS) == set(names)
    for sentences in (ACTION_DESCRIPTIONS, {name: captions_of(name) for name in names}):
        told, faults = usable_descriptions(backbone, names, sentences)
        assert not faults and told == dict(sentences)
