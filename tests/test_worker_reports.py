"""What the worker does with the report of a finished run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ga2app.config import OptimizerConfig, RunConfig
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.types import REPORT, ModelReport, Report, RunState, TrainResult, read_report
from ga2app.worker.queue_loop import Worker
from tests import fake_training

EMPTY = ModelReport({}, {}, {})
MADE = Report("demo", "plain", 1, 2, 15, ("a", "b"), (), EMPTY, EMPTY, 0, 0, (), (), (0.0, 0.0), 0)


def work(home: Home, store: Store, report: Report | None) -> int:
    """A run whose training gives ``report``; its number."""

    def train(*given: Any, **named: Any) -> TrainResult:
        return replace(fake_training.train(*given, **named), report=report)

    run_id = store.runs.queue(RunConfig(backbone="plain", optimizer=OptimizerConfig(epochs=3)))
    Worker(home, store, replace(fake_training.parts(), train=train)).work(once=True, idle_exit_s=0)
    return run_id


def test_the_report_lies_beside_the_log(home: Home, store: Store) -> None:
    run_id = work(home, store, MADE)
    assert store.runs.get(run_id).state is RunState.DONE
    assert read_report(home.run_folder(run_id) / REPORT) == replace(MADE, packages=None)


def test_a_run_without_a_report_is_done_all_the_same(home: Home, store: Store) -> None:
    run_id = work(home, store, None)
    assert store.runs.get(run_id).state is RunState.DONE
    assert not (home.run_folder(run_id) / REPORT).exists()


def test_a_report_that_cannot_be_written_is_told_in_the_log_and_fails_nothing(home: Home, store: Store) -> None:
    (home.run_folder(1) / REPORT / "in the way").mkdir(parents=True)
    run_id = work(home, store, MADE)
    assert run_id == 1 and store.runs.get(run_id).state is RunState.DONE
    assert "run 1 has no report" in (home.run_folder(1) / "log.txt").read_text()
