"""Imports in the database: a page finds them again, and nothing is half done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sets import add_set

from ga2app.errors import DatasetError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.clip_pages import ClipFilter
from ga2app.store.dataset_edits import ROOM
from ga2app.store.import_records import ImportState
from ga2app.types import ClipFacts, Dataset, LabelledClip


def begin(store: Store, name: str = "walks") -> int:
    return store.imports.begin(name, "walks.zip", pid=7, process_started_s=1.5)


def test_progress_is_found_again_by_another_store(store: Store, home: Home) -> None:
    import_id = begin(store)
    assert store.imports.progress(import_id, "Looking at clips", 3, 20)
    with Store.open(home) as other:
        row = other.imports.running()
        assert row and (row.id, row.stage, row.done, row.total, row.source) == (
            import_id,
            "Looking at clips",
            3,
            20,
            "walks.zip",
        )


def test_a_finished_import_has_its_data_set_its_facts_and_its_report(store: Store, home: Home) -> None:
    import_id = begin(store)
    path = str(home.datasets / "import-1" / "walk" / "a.mp4")
    dataset = Dataset("walks", ("walk",), (), (LabelledClip(path, "walk"),))
    facts = {path: ClipFacts(2.0, 16, 64, 48, digest="abc")}
    folder = str(home.datasets / "import-1")
    dataset_id = store.imports.complete(import_id, dataset, {"clips": 1}, facts=facts, folder=folder)
    row = store.imports.get(import_id)
    assert (row.state, row.report) == (ImportState.DONE, {"clips": 1, "dataset_id": dataset_id})
    assert store.datasets.get("walks") == dataset
    (clip,) = store.clips.page(dataset_id, ClipFilter(), limit=9)
    assert clip.facts == facts[path]
    assert store.imports.folders() == {folder}
    assert store.imports.folders() == {folder}


def test_the_folder_is_needed_until_the_deletion_is_purged(store: Store, home: Home) -> None:
    folder = home.datasets / "import-1"
    folder.mkdir(parents=True)
    dataset = Dataset("walks", ("walk",), (), (LabelledClip(str(folder / "a.mp4"), "walk"),))
    dataset_id = store.imports.complete(begin(store), dataset, {}, facts={}, folder=str(folder))
    store.dataset_edits.delete(dataset_id)
    assert store.imports.folders() == {str(folder)} and store.trash.last(ROOM)
    store.trash.purge(keep_s=-1)
    assert store.imports.folders() == set() and not folder.exists()


def test_a_cancelled_import_may_not_go_on_and_cannot_be_completed(store: Store) -> None:
    import_id = begin(store)
    store.imports.cancel(import_id)
    assert not store.imports.progress(import_id, "Looking at clips", 4, 20)
    dataset = Dataset("walks", ("walk",), (), (LabelledClip("/a.mp4", "walk"),))
    with pytest.raises(DatasetError, match="the import was cancelled"):
        store.imports.complete(import_id, dataset, {}, facts={}, folder=None)
    assert store.datasets.list() == []


def test_a_name_that_was_taken_meanwhile_keeps_nothing(store: Store) -> None:
    import_id = begin(store)
    add_set(store, {"jump": 1}, "walks")
    dataset = Dataset("walks", ("walk",), (), (LabelledClip("/a.mp4", "walk"),))
    with pytest.raises(DatasetError, match="there is a data set 'walks' already"):
        store.imports.complete(import_id, dataset, {}, facts={}, folder=None)
    assert store.imports.get(import_id).state is ImportState.RUNNING
    assert store.datasets.get("walks").base == ("jump",)


def test_one_import_runs_at_a_time_and_under_a_free_name(store: Store) -> None:
    import_id = begin(store)
    with pytest.raises(DatasetError, match="the import of 'walks' is still running; wait for it, or cancel it first"):
        begin(store, "other")
    store.imports.give_up(import_id, ImportState.FAILED, "the zip cannot be read", {"flaws": []})
    row = store.imports.get(store.imports.latest()[0].id)
    assert (row.state, row.error, row.report) == (ImportState.FAILED, "the zip cannot be read", {"flaws": []})
    add_set(store, {"jump": 1}, "taken")
    with pytest.raises(DatasetError, match="there is a data set 'taken' already"):
        begin(store, "taken")
    with pytest.raises(DatasetError, match="needs a name"):
        begin(store, " ")


def test_only_imports_of_dead_processes_are_given_up(store: Store, tmp_path: Path) -> None:
    import_id = begin(store)
    assert store.imports.abandon_dead(lambda pid, started_s: (pid, started_s) == (7, 1.5)) == []
    assert store.imports.abandon_dead(lambda pid, started_s: False) == [import_id]
    row = store.imports.get(import_id)
    assert row.state is ImportState.FAILED and "closed during the import" in (row.error or "")
    assert store.imports.running() is None


def test_lists_of_imports_leave_out_reports_and_a_report_is_read_a_page_at_a_time(store: Store) -> None:
    import_id = begin(store)
    flaws = [{"file": f"{number}.mp4", "kind": "left out" if number % 4 else "taken"} for number in range(2000)]
    store.imports.give_up(import_id, ImportState.FAILED, "no", {"name": "walks", "flaws": flaws, "notes": ["much"]})
    assert [row.report for row in store.imports.latest()] == [None]
    outline = store.imports.outline(import_id)
    assert outline.told == {"name": "walks", "notes": ["much"]}
    assert outline.lengths == {"flaws": 2000, "faults": 0, "missing": 0, "repeated": 0}
    assert outline.kinds == {"left out": 1500, "taken": 500}
    assert store.imports.flaws(import_id, limit=3, offset=1998) == flaws[1998:]
    assert store.imports.outline(import_id + 1).told == {} and store.imports.flaws(import_id + 1, limit=3) == []


def test_an_import_of_another_machine_is_given_up_when_it_is_silent_and_one_of_its_own_when_it_has_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GA2_HOST", "far")
    import_id = begin(store)
    monkeypatch.setenv("GA2_HOST", "near")
    assert store.imports.abandon_dead(lambda pid, started_s: False) == []
    store.imports.beat(import_id)
    assert store.imports.abandon_dead(lambda pid, started_s: False) == []
    assert store.imports.abandon_dead(lambda pid, started_s: True, stale_after_s=0.0) == [import_id]
    own = store.imports.begin("own", "own.zip", pid=os.getpid(), process_started_s=1.0)
    assert store.imports.abandon_dead(lambda pid, started_s: True, own=lambda id_: True) == []
    assert store.imports.abandon_dead(lambda pid, started_s: True, own=lambda id_: False) == [own]
