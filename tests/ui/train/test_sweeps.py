"""Sweeps: their points, what is checked before anything is queued, their table, and what stops or deletes them all."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from ga2app.config import preset
from ga2app.errors import AccessError, ConfigError, StoreError
from ga2app.services.studio import Studio
from ga2app.services.sweep_points import MOST_SWEPT, Points, SweepAsked, points_of
from ga2app.services.sweeps import CHOSEN_BY, NONE_HELD_OUT, asked_around
from ga2app.store.row_guard import FOREIGN, Actor, acting_as
from ga2app.types import Event, EventKind, RunState

from ..studios import add_dataset

RATE, LENGTH = "optimizer.learning_rate", "prompts.length"


def points(*lines: str, draws: int | None = None, seed: int = 0) -> Points:
    return points_of(SweepAsked(lines, draws, seed))


def values(line: str, **how: Any) -> list[Any]:
    return [next(iter(point.values())) for point in points(line, **how).points]


def faults(*lines: str, draws: int | None = None) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        points(*lines, draws=draws)
    told: dict[str, str] = {}
    for fault in caught.value.faults:
        told[fault.field] = f"{told[fault.field]}; {fault.message}" if fault.field in told else fault.message
    return told


def plan(studio: Studio, *lines: str, seeds: str = "", **more: Any) -> Any:
    return studio.training.plan(asked_around(preset("quick"), SweepAsked(lines, **more), seeds=seeds))


def queued(studio: Studio, *lines: str, seeds: str = "") -> list[int]:
    return studio.training.queue(plan(studio, *lines, seeds=seeds))


def end(studio: Studio, run_id: int, accuracy: float | None, ce: float = 1.0, hm: float = 50.0) -> None:
    """The run is done; ``accuracy`` is that on training clips that were left over, None where there are none."""
    studio.store.runs.claim(1, 1.0)
    told = [Event(EventKind.EPOCH, 5, {"epoch": 1, "base": hm, "novel": hm, "hm": hm})]
    if accuracy is not None:
        told.append(Event(EventKind.VALIDATION, 5, {"accuracy": accuracy, "ce": ce, "clips": 24}))
    studio.store.runs.append_many(run_id, told)
    studio.store.runs.finish(run_id, RunState.DONE, exit_code=0)


def test_a_grid_takes_every_combination_in_the_order_of_its_lines() -> None:
    found = points(f"{RATE} = 0.001, 4e-3", "length=4..6")
    assert [list(point.items()) for point in found.points] == [
        [(RATE, rate), (LENGTH, length)] for rate in (0.001, 0.004) for length in (4, 5, 6)
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("prompts.length=2..16:3", [2, 9, 16]),
        ("prompts.length=1..1000:4:log", [1, 10, 100, 1000]),
        ("optimizer.learning_rate=0.001..0.1:log:3", [0.001, 0.01, 0.1]),
        ("prompts.coupled=on,false", [True, False]),
        ("negatives=none,one+other", [["none"], ["one", "other"]]),
        ("losses.text_distillation=0,4", [0.0, 4.0]),
        ("processes=auto,1", ["auto", "1"]),
    ],
)
def test_values_are_of_the_kind_of_their_setting(line: str, expected: list[Any]) -> None:
    assert values(line) == pytest.approx(expected, rel=1e-4) if isinstance(expected[0], float) else expected


def test_the_name_that_files_have_for_a_setting_is_the_one_that_is_kept() -> None:
    assert points("losses.text_distillation=0,4").varied[0].path == "objective.vocabulary"


def test_points_are_drawn_alike_for_the_same_seed_and_within_their_ranges() -> None:
    lines = (f"{RATE}=0.0001..0.1:log", "prompts.length=2..16", "prompts.dropout=0.2,0.5", "shots=2..9:2")
    found = points(*lines, draws=40, seed=3)
    assert found == points(*lines, draws=40, seed=3) != points(*lines, draws=40, seed=4)
    assert len({repr(point) for point in found.points}) == 40
    rates = [point[RATE] for point in found.points]
    assert all(0.0001 <= rate <= 0.1 for rate in rates) and sum(rate < 0.003 for rate in rates) > 10  # by logarithms
    assert {point["prompts.dropout"] for point in found.points} == {0.2, 0.5}
    assert {point["shots"] for point in found.points} == {2, 9}
    assert all(type(point[LENGTH]) is int and 2 <= point[LENGTH] <= 16 for point in found.points)


def test_points_that_are_the_same_are_trained_once_and_that_is_told() -> None:
    found = points(f"{RATE}=0.001,1e-3,0.002")
    assert len(found.points) == 2 and found.notes == ("1 point named twice: each is trained once.",)
    few = points("prompts.length=2..4", draws=9)
    assert sorted(point[LENGTH] for point in few.points) == [2, 3, 4] and "Only 3 different points" in few.notes[0]


def test_a_million_points_are_refused_before_any_is_made() -> None:
    told = faults("optimizer.epochs=1..1000", "prompts.length=1..1000")
    assert told == {
        "vary": f"that makes 1,000,000 points, and {MOST_SWEPT} runs are the most of one sweep: give fewer values, or "
        f"draw some at random, at most {MOST_SWEPT}"
    }
    assert "1,000,000 values" in faults("optimizer.learning_rate=0.1..0.2:1000000")[RATE]
    assert "at most 256" in faults("prompts.length=1..9", draws=1_000_000)["random"]
    assert "has 100,001 values" in str(faults("shots=" + "1,1," * 900)) or "setting and its values" in str(
        faults("shots=" + "1," * 100_000 + "1")
    )


def test_all_faults_of_the_lines_are_told_at_once_with_their_settings_and_values() -> None:
    told = faults("prompts.lenght=4", "optimizer.epochs=2,x", "seed=1,2", "prompts.coupled=maybe", "device=1..2", "no")
    assert "did you mean prompts.length" in told["vary"] and "'no' is no setting and its values" in told["vary"]
    assert told["optimizer.epochs"] == "must be a whole number (it is 'x')"
    assert "several seeds make a run each" in told["seed"]
    assert told["prompts.coupled"] == "must be on or off (it is 'maybe')"
    assert "takes no range" in told["device"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("prompts.length=2.5..4", "whole number, and so are the ends"),
        ("optimizer.learning_rate=0.2..0.1:3", "must go up"),
        ("optimizer.learning_rate=0..1:3:log", "begins above 0"),
        ("optimizer.learning_rate=0.1..0.2", "say how many values"),
        ("optimizer.learning_rate=0.1..0.2:1", "number of values from 2 on"),
        ("optimizer.learning_rate=0.1..0.2:3:ln", "number of values from 2 on"),
        ("optimizer.learning_rate=0.1,,0.2", "has an empty value"),
        ("optimizer.learning_rate=nan", "must be a number"),
    ],
)
def test_a_range_that_is_none_is_refused_with_what_would_be_right(line: str, rule: str) -> None:
    assert rule in next(iter(faults(line).values()))


def test_every_point_is_checked_by_the_rules_of_runs_before_any_is_queued(studio: Studio) -> None:
    with pytest.raises(ConfigError) as caught:
        queued(studio, f"{RATE}=0.01,3", "optimizer.epochs=0,5", "prompts.length=4,8")
    told = [(fault.field, fault.message) for fault in caught.value.faults]
    assert (RATE, "must be above 0 and at most 1; 0.004 is a good start (it is 3.0)") in told
    assert ("optimizer.epochs", "must be between 1 and 1000 (it is 0)") in told
    lengths = [message for field, message in told if field == "prompts.hard_prompt"]
    assert len(lengths) == 1 and lengths[0].endswith("(with learning_rate 0.01, epochs 5, length 4)")
    assert studio.store.runs.count() == 0
    with pytest.raises(ConfigError) as caught:
        plan(studio, f"{RATE}=0.01,0.02", seeds="x")
    assert [fault.field for fault in caught.value.faults] == ["seed"]


def test_seeds_and_data_sets_multiply_the_points_within_one_bound(studio: Studio) -> None:
    found = plan(studio, f"{RATE}=0.01,0.02", seeds="3 draws")
    assert [(run.config.optimizer.learning_rate, run.config.seed) for run in found.runs] == [
        (rate, seed) for rate in (0.01, 0.02) for seed in (1024, 1025, 1026)
    ]
    assert found.runs[0].name == "demo · seed 1024 · learning_rate 0.01"
    with pytest.raises(ConfigError, match="100 points of 3 runs each, and 256 runs are the most"):
        plan(studio, "prompts.length=1..100", seeds="3 draws")


def test_fewer_epochs_shorten_a_warm_up_that_does_not_vary(studio: Studio) -> None:
    found = plan(studio, "optimizer.epochs=2,30")
    assert [run.config.optimizer.warmup_epochs for run in found.runs] == pytest.approx([2 / 6, 2.0], rel=1e-4)


def test_the_runs_of_a_sweep_are_queued_together_under_the_number_of_the_first(studio: Studio) -> None:
    studio.store.runs.queue(preset("quick"))
    ids = queued(studio, f"{RATE}=0.01,0.02", "prompts.dropout=0.1,0.2")
    assert ids == [2, 3, 4, 5] and studio.store.runs.get(1).sweep_id is None
    sweep = studio.sweeps.get(2)
    assert sweep.paths == (RATE, "prompts.dropout") and [one.values for one in sweep.runs][1] == (0.01, 0.2)
    assert sweep.asked["vary"] == [f"{RATE}=0.01,0.02", "prompts.dropout=0.1,0.2"] and sweep.open == 4
    assert [first.sweep_id for first in studio.sweeps.all()] == [2]
    with pytest.raises(StoreError, match="no sweep 1"):
        studio.sweeps.get(1)


def test_the_best_point_is_chosen_on_held_out_training_clips_and_never_on_test_clips(studio: Studio) -> None:
    ids = queued(studio, f"{RATE}=0.01,0.02,0.03")
    end(studio, ids[0], 70.0, hm=99.0)
    end(studio, ids[1], 80.0, ce=0.9, hm=40.0)
    end(studio, ids[2], 80.0, ce=0.5, hm=30.0)
    sweep = studio.sweeps.get(ids[0])
    assert [one.best for one in sweep.runs] == [False, False, True] and sweep.note == CHOSEN_BY


def test_seeds_of_a_point_count_together(studio: Studio) -> None:
    ids = queued(studio, f"{RATE}=0.01,0.02", seeds="1, 2")
    for run_id, accuracy in zip(ids, (90.0, 50.0, 75.0, 74.0), strict=True):
        end(studio, run_id, accuracy)
    sweep = studio.sweeps.get(ids[0])
    assert [one.best for one in sweep.runs] == [False, False, True, True]
    assert sweep.paths == ("seed", RATE) and "other held-out clips" in sweep.note


def test_without_held_out_clips_no_point_is_the_best_and_that_is_told_before_and_after(studio: Studio) -> None:
    add_dataset(studio)
    found = plan(studio, f"{RATE}=0.01,0.02")
    assert any("training clips of 'demo' over" in text and "or no point is marked" in text for text in found.warnings)
    ids = studio.training.queue(found)
    end(studio, ids[0], None, hm=90.0)
    sweep = studio.sweeps.get(ids[0])
    assert not any(one.best for one in sweep.runs) and sweep.note == NONE_HELD_OUT


def test_the_table_is_a_csv_file_with_a_row_a_run(studio: Studio) -> None:
    ids = queued(studio, f"{RATE}=0.01,0.02")
    end(studio, ids[0], 80.0, hm=60.0)
    rows = list(csv.DictReader(io.StringIO(studio.sweeps.get(ids[0]).to_csv())))
    assert rows[0][RATE] == "0.01" and rows[0]["held_out"] == "80.0" and rows[0]["hm"] == "60.0"
    assert rows[0]["best"] == "1" and rows[1]["state"] == "queued" and rows[1]["hm"] == ""


def test_a_sweep_is_stopped_deleted_and_brought_back_as_a_whole(studio: Studio) -> None:
    ids = queued(studio, f"{RATE}=0.01,0.02,0.03")
    studio.store.runs.claim(1, 1.0)
    with pytest.raises(StoreError, match="run 1 is running; stop it"):
        studio.sweeps.delete(ids[0])
    assert studio.sweeps.stop(ids[0]) == "3 runs of sweep 1 stopped or stopping."
    assert [studio.store.runs.get(run).state for run in ids] == [
        RunState.STOPPING, RunState.STOPPED, RunState.STOPPED,
    ]  # fmt: skip
    studio.store.runs.finish(ids[0], RunState.STOPPED, exit_code=0)
    assert studio.sweeps.delete(ids[0]) == "sweep 1: 3 runs" and studio.store.runs.count() == 0
    studio.runs.undo()
    assert len(studio.sweeps.get(ids[0]).runs) == 3
    studio.runs.delete(ids[0])
    assert studio.sweeps.all()[0].id == ids[1] and studio.sweeps.all()[0].sweep_id == ids[0]


def test_a_sweep_that_somebody_else_shares_is_seen_and_cannot_be_stopped(studio: Studio) -> None:
    ids = queued(studio, f"{RATE}=0.01,0.02")
    with studio.store._database.write() as db:
        db.execute("UPDATE runs SET owner = 'bob', shared = id = 1")
    studio.store.guard(lambda: Actor("eve"))
    assert [one.run.id for one in studio.sweeps.get(ids[0]).runs] == [1]
    with pytest.raises(AccessError, match=FOREIGN[:40]), acting_as(Actor("eve")):
        studio.sweeps.stop(ids[0])
