"""Going on with runs whose labels and clips may have changed, and beginning them anew."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from types import SimpleNamespace

import pytest
from sets import add_set

from ga2app.config import preset
from ga2app.errors import StoreError, TrainingError
from ga2app.paths import Home
from ga2app.services.run_checks import check_unchanged
from ga2app.services.runs import RunService
from ga2app.store import Store
from ga2app.store.clip_pages import ClipFilter
from ga2app.store.dataset_edits import ROOM
from ga2app.types import RunState, Subset, TrainingData


def resume(store: Store, run_id: int, *, restart: bool = False) -> None:
    studio = SimpleNamespace(store=store, home=store._database.home, wake_worker=lambda: None)
    RunService(studio).resume(run_id, restart=restart)  # type: ignore[arg-type]


@pytest.fixture
def mine(store: Store) -> int:
    return add_set(store, {"jump": 4, "climb": 4, "swim": 4, "wave": 2}, novel=("wave",))


@pytest.fixture
def stopped(store: Store, home: Home, mine: int) -> int:
    """A run that was stopped after its first checkpoint."""
    config = replace(preset("quick"), dataset="mine", anchors="none", negatives=("none",))
    run_id = store.runs.queue(config)
    store.runs.claim(1, 1.0)
    store.runs.keep_data(run_id, TrainingData.of(store.datasets.get("mine")).to_dict())
    home.checkpoint(run_id).parent.mkdir(parents=True)
    home.checkpoint(run_id).write_bytes(b"learned")
    store.runs.finish(run_id, RunState.STOPPED, exit_code=0)
    return run_id


def label_id(store: Store, mine: int, name: str) -> int:
    return next(label.id for label in store.clips.labels(mine) if label.name == name)


def test_a_run_keeps_what_it_is_trained_on(store: Store, stopped: int) -> None:
    kept = store.runs.data_of(stopped)
    assert kept is not None and kept.base == ("jump", "climb", "swim")
    assert store.runs.get(stopped).data_hash == kept.hash


def test_a_run_is_not_resumed_after_a_label_was_deleted_until_that_is_undone(
    store: Store, mine: int, stopped: int
) -> None:
    store.dataset_edits.delete_labels(mine, [label_id(store, mine, "swim")])
    with pytest.raises(
        TrainingError, match=r"have changed since run 1 .*: label 'swim' removed; 4 clips removed .*Undo"
    ):
        resume(store, stopped)
    assert store.runs.get(stopped).state is RunState.STOPPED
    last = store.trash.last(ROOM)
    assert last
    store.trash.restore(last.id)
    resume(store, stopped)
    assert store.runs.get(stopped).state is RunState.QUEUED


def test_a_run_is_not_resumed_after_as_many_clips_changed_sides(store: Store, mine: int, stopped: int) -> None:
    of_jump = {clip.subset: clip.id for clip in store.clips.page(mine, ClipFilter(), limit=4)}
    store.dataset_edits.move_clips([of_jump[Subset.TEST]], subset=Subset.TRAIN)
    store.dataset_edits.move_clips([of_jump[Subset.TRAIN]], subset=Subset.TEST)
    with pytest.raises(TrainingError, match="2 clips moved between train and test .*Undo on Datasets.*Start over"):
        resume(store, stopped)


def test_a_run_is_not_resumed_after_a_clip_was_replaced_and_is_after_one_was_moved(store: Store, stopped: int) -> None:
    dataset = store.datasets.get("mine")
    digests = {clip.path: sha256(clip.path.encode()).hexdigest() for clip in dataset.clips}
    with store._database.write() as db:
        for path, digest in digests.items():
            db.execute("UPDATE clips SET digest = ? WHERE path = ?", [digest, path])
    store.runs.keep_data(stopped, TrainingData.of(dataset, lambda path: digests[path][:32]).to_dict())
    with store._database.write() as db:
        db.execute("UPDATE clips SET path = '/elsewhere/renamed.mp4' WHERE path = '/clips/jump-0.mp4'")
    check_unchanged(store, stopped)
    with store._database.write() as db:
        db.execute("UPDATE clips SET digest = 'another' WHERE path = '/elsewhere/renamed.mp4'")
    with pytest.raises(TrainingError, match="1 clip removed .'clips/jump-0.mp4'.; 1 clip added"):
        resume(store, stopped)


def test_a_run_may_begin_anew_after_a_change(store: Store, home: Home, mine: int, stopped: int) -> None:
    store.dataset_edits.delete_labels(mine, [label_id(store, mine, "swim")])
    resume(store, stopped, restart=True)
    assert store.runs.get(stopped).state is RunState.QUEUED
    assert not home.checkpoint(stopped).exists() and store.runs.data_of(stopped) is None


def test_a_run_without_a_checkpoint_begins_at_step_0_whatever_has_changed(
    store: Store, home: Home, mine: int, stopped: int
) -> None:
    home.checkpoint(stopped).unlink()
    store.dataset_edits.delete_labels(mine, [label_id(store, mine, "swim")])
    resume(store, stopped)
    assert store.runs.get(stopped).state is RunState.QUEUED


def test_the_checkpoints_of_runs_that_are_done_go(store: Store, home: Home, stopped: int) -> None:
    with pytest.raises(StoreError, match="only a stopped or failed run can be queued again"):
        done = store.runs.queue(preset("quick"))
        resume(store, done, restart=True)
    assert store.runs.drop_done_checkpoints() == 0
    store.runs.request_stop(done)
    resume(store, stopped)
    store.runs.claim(1, 1.0)
    store.runs.finish(stopped, RunState.DONE, exit_code=0)
    assert store.runs.drop_done_checkpoints() == 1
    assert not home.checkpoint(stopped).exists()


def test_what_two_runs_are_trained_on_is_kept_once(store: Store, stopped: int) -> None:
    other = store.runs.queue(preset("quick"))
    kept = store.runs.data_of(stopped)
    assert kept is not None
    store.runs.keep_data(other, kept.to_dict())
    assert store.runs.get(other).data_hash == store.runs.get(stopped).data_hash
    assert store.runs.data_of(other) == kept
