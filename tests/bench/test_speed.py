"""The speed benchmark compares like with like: equal losses first, sides by turns, and every ratio in its place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks import research_step, speed_side
from benchmarks import speed_inputs as inputs
from benchmarks.speed_bench import RATIOS, Bench, Side, Unavailable
from benchmarks.speed_rows import ROWS
from ga2app.paths import PROJECT

SIZES = inputs.SMALL


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("speed"), SIZES, pairs=3)


@pytest.fixture(scope="module")
def given(bench: Bench) -> dict[str, Any]:
    return bench.model | {"labels": inputs.labels_of(SIZES.classes), "precision": "float32"}


def research_turn(bench: Bench) -> dict[str, Any]:
    clip = Path(bench.clip)
    names = [f"{label}." for label in inputs.labels_of(SIZES.classes)]
    tokens = inputs.tokens_of(clip, names, SIZES.length)
    negative = inputs.tokens_of(clip, ["a video of a person else."], 0)
    return research_step.research_step(bench.clip, bench.tensors, tokens, negative)()


def test_our_step_and_the_research_step_have_the_same_loss_and_gradient(bench: Bench, given: dict[str, Any]) -> None:
    ours, theirs = speed_side.full_step(**given)(), research_turn(bench)
    assert ours == pytest.approx(theirs, rel=1e-4) and theirs["norm"] > 0


def test_a_step_whose_prompts_lie_elsewhere_has_another_loss(
    bench: Bench, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_the_end, behind_the_start = research_step._at_the_end, research_step._behind_the_start
    whole = research_turn(bench)
    for name, put in (("_at_the_end", behind_the_start), ("_behind_the_start", at_the_end)):
        with monkeypatch.context() as changed:
            changed.setattr(research_step, name, put)
            assert research_turn(bench)["norm"] != pytest.approx(whole["norm"], rel=1e-4), name


def test_operations_are_counted_in_attention_too(given: dict[str, Any]) -> None:
    turn = speed_side.full_step(**given)
    counted = speed_side._answer(turn, {"count": True})["flops"]
    weights = SIZES.layers * 12 * SIZES.visual_width**2
    seen = (SIZES.batch + 1) * SIZES.frames * ((SIZES.image_px // SIZES.patch_px) ** 2 + 1)
    assert 2 * 2 * weights * seen < counted < 20 * 2 * weights * seen
    told = speed_side._answer(turn, {})
    assert told["seconds"] > 0 and (not told.keys() & {"peak"} or told["peak"] >= told["resident"] // 2)


def turns(name: str, seconds: list[float], asked: list[str], **facts: float) -> Any:
    left: Iterator[float] = iter([0.0, *seconds])

    def turn() -> dict[str, Any]:
        asked.append(name)
        return {"seconds": next(left), **facts}

    return turn


def test_sides_take_turns_and_a_ratio_is_the_median_of_neighbors(bench: Bench) -> None:
    asked: list[str] = []
    found = bench.compare(turns("a", [1, 2, 4], asked), turns("b", [3, 10, 4], asked))
    assert found == (3.0, 2.0, 4.0)
    assert "".join(asked) == "ab" + "ab" + "ba" + "ab"


def test_sides_with_other_losses_are_not_compared(bench: Bench) -> None:
    one, other = turns("a", [1] * 3, [], loss=1.0, norm=1.0), turns("b", [1] * 3, [], loss=1.001, norm=1.0)
    with pytest.raises(Unavailable, match=r"the sides differ: loss 1\.0 here and 1\.001 there"):
        bench.compare(one, other, 1e-4)


def test_a_row_says_whether_its_target_is_reached(bench: Bench) -> None:
    said: list[str] = []
    told = Bench(bench.folder, SIZES, 1, say=said.append)
    for name, ratio in (("quick_step", 2.6), ("quick_step", 2.4), ("step_memory", 0.6), ("step_memory", 0.8)):
        told.note(name, ratio, "")
        assert told.ratios[name] == ratio
    assert [" yes " in line for line in said] == [True, False, True, False]


def test_every_ratio_has_a_row_in_the_order_of_the_table() -> None:
    assert list(ROWS) == list(RATIOS)
    assert " ".join(RATIOS) == (
        "quick_step quick_total text_tower_75 text_tower_200 full_step_float32 full_step_bfloat16 full_step_over_today "
        "first_epoch second_epoch waiting_share recognition_over_tower recognition_over_research "
        "vision_tower_over_today step_memory resident_memory import_10000 list_60000"
    )


def test_a_side_that_cannot_begin_says_why(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="import_clips of .*unexpected keyword argument 'nowhere'"):
        Side("import_clips", {"nowhere": str(tmp_path)})


def test_without_the_older_build_its_ratios_are_null_and_the_document_is_whole() -> None:
    command = [sys.executable, str(PROJECT / "benchmarks" / "speed.py"), "--quick", "--json", "--only", "quick_step"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == ["ratios", "peak_gflops", "fraction_of_peak"] and list(found["ratios"]) == list(RATIOS)
    assert not any(found["ratios"].values())
    assert list(found["peak_gflops"]) == ["float32", "bfloat16"] and min(found["peak_gflops"].values()) > 0
    assert "quick_step                 not measured: it needs the older build" in done.stderr


def test_the_data_set_that_is_imported_holds_no_copies(tmp_path: Path) -> None:
    folder = inputs.draw_data_set(tmp_path / "set", 6)
    files = sorted(folder.rglob("*.mp4"))
    assert len({file.read_bytes() for file in files}) == len(files) == 6
