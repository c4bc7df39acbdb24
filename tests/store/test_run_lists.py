"""Lists of runs: filters, names, figures of many runs at once, seeds of the same settings."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ga2app.config import preset
from ga2app.errors import StoreError
from ga2app.store import RunFilter, Store
from ga2app.types import Event, EventKind, RunState

CONFIG = preset("quick")
OTHER = replace(preset("full"), dataset="sports", backbone="openai/clip")


@pytest.fixture
def ids(store: Store) -> list[int]:
    made = [store.runs.queue(CONFIG, name=name) for name in ("first try", "100% sure", "under_score")]
    return [*made, store.runs.queue(OTHER, name="sport")]


@pytest.mark.parametrize(
    ("only", "places"),
    [
        (RunFilter(), [3, 2, 1, 0]),
        (RunFilter(dataset="sports"), [3]),
        (RunFilter(dataset="demo", backbone="sketch"), [2, 1, 0]),
        (RunFilter(backbone="openai/clip", dataset="demo"), []),
        (RunFilter(text="TRY"), [0]),
        (RunFilter(text="0%"), [1]),
        (RunFilter(text="r_s"), [2]),
        (RunFilter(text="openai"), [3]),
        (RunFilter(text=" #1 "), [0]),
        (RunFilter(text="2"), [1]),
        (RunFilter(states=(RunState.DONE,)), []),
        (RunFilter(states=()), []),
        (RunFilter(text="' OR 1=1 --"), []),
    ],
)
def test_a_list_holds_what_the_filter_lets_pass(
    store: Store, ids: list[int], only: RunFilter, places: list[int]
) -> None:
    assert [run.id for run in store.runs.list(only=only)] == [ids[place] for place in places]
    assert store.runs.count(only=only) == len(places)


def test_a_failed_run_is_found_by_its_reason(store: Store, ids: list[int]) -> None:
    store.runs.claim(1, 1.0)
    store.runs.finish(ids[0], RunState.FAILED, exit_code=1, error="there was not enough memory")
    assert [run.id for run in store.runs.list(only=RunFilter(text="memory"))] == [ids[0]]


def test_the_list_begins_with_what_is_worked_on_then_the_queue_then_the_newest(store: Store, ids: list[int]) -> None:
    late = store.runs.queue(CONFIG)
    store.runs.request_stop(ids[0])
    store.runs.request_stop(ids[2])
    store.runs.claim(1, 1.0)
    assert [run.id for run in store.runs.list(queue_first=True)] == [ids[1], ids[3], late, ids[2], ids[0]]


def test_the_choices_of_the_filter_are_what_the_runs_name(store: Store, ids: list[int]) -> None:
    facets = store.runs.facets()
    assert (facets.datasets, facets.backbones) == (("demo", "sports"), ("openai/clip", "sketch"))


def test_the_last_figures_of_many_runs_are_read_at_once(store: Store, ids: list[int]) -> None:
    for run_id in ids[:2]:
        for epoch in (1, 2):
            store.runs.append(run_id, Event(EventKind.EPOCH, epoch, {"hm": float(10 * run_id + epoch)}))
    found = store.runs.last_epochs(ids)
    assert {run_id: event.values["hm"] for run_id, event in found.items()} == {
        ids[0]: 10.0 * ids[0] + 2,
        ids[1]: 10.0 * ids[1] + 2,
    }
    assert store.runs.last_epochs([]) == {}


def test_seeds_of_the_same_settings_are_found(store: Store) -> None:
    same = [store.runs.queue(replace(CONFIG, seed=seed)) for seed in (3, 1, 2)]
    other = store.runs.queue(replace(CONFIG, seed=1, shots=4))
    for run_id in [*same, other]:
        store.runs.claim(1, 1.0)
        if run_id != same[2]:
            store.runs.finish(run_id, RunState.DONE, exit_code=0)
    assert [run.id for run in store.runs.same_but_seed(same[0])] == [same[1], same[0]]


def test_a_run_is_renamed_and_too_long_a_name_is_refused(store: Store, ids: list[int]) -> None:
    assert store.runs.rename(ids[0], "  a\tnew  name ") == "a new name"
    assert store.runs.get(ids[0]).name == "a new name"
    assert store.runs.get(ids[1]).name == "100% sure"
    assert store.runs.rename(ids[0], "") == ""
    with pytest.raises(StoreError, match="the name has 121 characters; use at most 120"):
        store.runs.rename(ids[0], "x" * 121)
    with pytest.raises(StoreError, match="there is no run 99"):
        store.runs.rename(99, "x")


def test_dropped_events_are_noticed_by_whoever_has_read_them(store: Store, ids: list[int]) -> None:
    store.runs.append_many(ids[0], [Event(EventKind.STEP, step, {"total": 1.0}) for step in (1, 2)])
    last = store.runs.events(ids[0])[-1].id
    assert store.runs.holds_event(last)
    store.runs.drop_events_after(ids[0], 1)
    assert not store.runs.holds_event(last)
