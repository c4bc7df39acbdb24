"""Whose rows are whose: what SQLite shows to a person and lets that person change."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlite_utils

from ga2app.config import RunConfig, preset
from ga2app.errors import AccessError, BundleError, DatasetError, StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.chosen_anchors import data_of_run
from ga2app.store.migrations import migrate, migrations
from ga2app.store.row_guard import PARTS, PRIVATE, READ_ONLY, SHARED, Actor, acting_as, owner_of
from ga2app.types import BundleCard, Dataset, LabelledClip, Subset

BOB, EVE = owner_of("bob"), owner_of("eve")
NOBODY = Actor(None, refusal="sign in first")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(Home(tmp_path)) as store:
        yield store


def a_dataset(name: str) -> Dataset:
    clips = (LabelledClip("/a.mp4", "waving", Subset.TRAIN), LabelledClip("/b.mp4", "rowing", Subset.TEST))
    return Dataset(name=name, clips=clips, base=("waving", "rowing"), novel=())


def a_config(**changes: object) -> RunConfig:
    return RunConfig.from_dict(preset("quick").to_dict() | changes)


def test_every_table_has_its_rule_and_a_new_one_shows_nothing_until_it_has(store: Store) -> None:
    with store._database.write() as db:
        tables = {name for name in db.table_names() if not name.startswith("sqlite_")}
        assert tables == {*SHARED, *PRIVATE, *PARTS, *READ_ONLY}
        db.execute("CREATE TABLE diaries (id INTEGER PRIMARY KEY, text TEXT)")
        db.execute("INSERT INTO diaries (text) VALUES ('secret')")
    with acting_as(BOB):
        with store._database.read() as db:
            assert db.execute("SELECT * FROM diaries").fetchall() == []
        with pytest.raises(AccessError), store._database.write() as db:
            db.execute("INSERT INTO diaries (text) VALUES ('x')")


def test_what_one_person_made_is_for_others_as_if_it_were_not_there(store: Store) -> None:
    with acting_as(BOB):
        made = store.datasets.add(a_dataset("mine"), origin="made")
        run = store.runs.queue(a_config(dataset="mine"))
    with acting_as(EVE):
        assert store.datasets.list() == [] and store.runs.list() == []
        for id_, what in ((made, "mine"), (999, "none")):
            with pytest.raises(DatasetError, match="this data set is not there any more; choose another"):
                store.dataset_edits.rename(id_, "hers")
            with pytest.raises(DatasetError, match=f"there is no data set '{what}'"):
                store.datasets.get(what)
        for number in (run, 999):
            with pytest.raises(StoreError, match=f"there is no run {number}; it may have been deleted"):
                store.runs.request_stop(number)
    with acting_as(BOB):
        assert [row.name for row in store.datasets.list()] == ["mine"]
        assert store.runs.request_stop(run) == "stopped"


def test_what_is_shared_can_be_seen_by_all_and_changed_by_nobody_else(store: Store) -> None:
    with acting_as(BOB):
        made = store.datasets.add(a_dataset("mine"), origin="made")
        store.share("datasets", made, True)
    for actor in (EVE, NOBODY):
        with acting_as(actor):
            assert store.datasets.get("mine").clips == a_dataset("mine").clips
            error = "only that person and the owner of this Space may change it" if actor is EVE else "sign in first"
            clips = [row.id for row in store.clips.some([1, 2])]
            with pytest.raises(AccessError, match=error):
                store.dataset_edits.delete(made)
            with pytest.raises(AccessError, match=error):
                store.dataset_edits.move_clips(clips, Subset.TEST)
            with pytest.raises(AccessError, match=error):
                store.share("datasets", made, False)
    store.share("datasets", made, False)  # whoever owns the Space may
    with acting_as(EVE):
        assert store.datasets.list() == []


def test_anchors_and_prompts_of_a_data_set_are_shared_with_it(store: Store) -> None:
    with acting_as(BOB):
        made = store.datasets.add(replace(a_dataset("mine"), negatives=("a purple hut",)), origin="made")
        store.share("datasets", "mine", True)
    with acting_as(EVE):
        assert store.datasets.get("mine").negatives == ("a purple hut",)
    store.share("datasets", made, False)
    with acting_as(EVE), store._database.read() as db:
        assert not db.execute("SELECT * FROM negatives WHERE text = 'a purple hut'").fetchall()


def test_a_name_that_is_taken_is_taken_for_all_and_nobody_learns_by_whom(store: Store) -> None:
    with acting_as(BOB):
        store.datasets.add(a_dataset("mine"), origin="made")
        store.anchors.create("rain")
        store.negatives.create_group("rooms")
    with acting_as(EVE):
        with pytest.raises(DatasetError, match="there is a data set 'mine' already; choose another name"):
            store.datasets.add(a_dataset("mine"), origin="made")
        with pytest.raises(DatasetError, match="already"):
            store.imports.begin("mine", "a.zip", 1, 1.0)
        with pytest.raises(StoreError, match="there is an anchor set 'rain' already"):
            store.anchors.create("rain")
        with pytest.raises(StoreError, match="there is a group 'rooms' already"):
            store.negatives.create_group("rooms")


def test_nobody_undoes_what_another_has_deleted_or_edited(store: Store) -> None:
    with acting_as(BOB):
        made = store.datasets.add(a_dataset("mine"), origin="made")
        store.share("datasets", made, True)
        store.dataset_edits.delete_clips([1])
        (entry,) = [store.trash.last("datasets")]
        assert entry
    for actor in (EVE, owner_of("")):
        with acting_as(actor):
            assert store.trash.last("datasets") is None
            with pytest.raises(StoreError, match="this cannot be undone any more"):
                store.trash.restore(entry.id)
    with acting_as(BOB):
        assert store.trash.undo("datasets") == "Brought back: 1 clip."


def test_the_edits_of_one_do_not_push_those_of_another_out_of_the_trash(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ga2app.store.trash.KEPT_EDITS", 1)
    sets = {}
    for actor in (BOB, EVE):
        with acting_as(actor):
            sets[actor] = store.anchors.create(f"of {actor.name}")
            store.anchors.describe(sets[actor], "first")
    with acting_as(EVE):
        store.anchors.describe(sets[EVE], "second")
        store.anchors.describe(sets[EVE], "third")
    with acting_as(BOB):
        assert "Undone" in store.trash.undo("anchors")


def test_a_run_names_what_its_owner_sees_and_is_trained_on_nothing_else(store: Store) -> None:
    with acting_as(BOB):
        made = store.datasets.add(a_dataset("mine"), origin="made")
        store.negatives.add(store.negatives.create_group("rooms"), ["an empty room"])
    with acting_as(EVE):
        for config in (a_config(dataset="mine"), a_config(negatives=["rooms"])):
            with pytest.raises(AccessError, match="there is no such data set, anchor set or group"):
                store.runs.queue(config)
        assert store.runs.count() == 0
    store.share("datasets", made, True)
    with acting_as(EVE):
        store.runs.queue(a_config(dataset="mine"))
    assert data_of_run(store, a_config(dataset="mine"), "eve").name == "mine"
    store.share("datasets", made, False)
    with pytest.raises(DatasetError, match="there is no data set 'mine'"):
        data_of_run(store, a_config(dataset="mine"), "eve")
    assert data_of_run(store, a_config(dataset="mine"), "bob").name == "mine"


def test_the_hard_prompt_of_a_run_is_a_bundle_that_its_owner_sees(store: Store) -> None:
    folder, figures = str(store._database.home.bundles / "his"), {"base": 1.0}
    with acting_as(BOB):
        store.datasets.add(a_dataset("mine"), origin="made")
        store.bundles.add(BundleCard(folder, "his", "sketch", ("a", "b"), (), figures, figures, "trained"))
    config = a_config(dataset="mine")
    config = replace(config, prompts=replace(config.prompts, coupled=True, hard_prompt=folder))
    assert data_of_run(store, config, "bob").name == "mine"
    store.share("datasets", "mine", True)
    with pytest.raises(BundleError, match="there is no bundle"):
        data_of_run(store, config, "eve")


def test_places_in_the_queue_count_the_runs_of_others_and_nobody_jumps_over_them(store: Store) -> None:
    numbers = []
    for actor in (BOB, EVE, BOB):
        with acting_as(actor):
            numbers.append(store.runs.queue(a_config()))
    with acting_as(BOB):
        assert store.runs.places() == {numbers[0]: 1, numbers[2]: 3}
        assert store.runs.move(numbers[2], "front") == [numbers[2], numbers[0]]
        assert store.runs.places() == {numbers[2]: 1, numbers[0]: 3}
    with acting_as(EVE):
        assert store.runs.places() == {numbers[1]: 2}


def test_what_others_runs_need_is_not_deleted_under_them_and_they_are_not_named(store: Store) -> None:
    with acting_as(BOB):
        made = store.datasets.add(a_dataset("mine"), origin="made")
        store.share("datasets", made, True)
    with acting_as(EVE):
        store.runs.queue(a_config(dataset="mine"), name="her secret plan")
    with acting_as(BOB):
        with pytest.raises(DatasetError, match="a run of somebody else still needs the data set 'mine'"):
            store.dataset_edits.delete(made)
        store.dataset_edits.rename(made, "ours")  # the name in her run follows
    with acting_as(EVE):
        assert store.runs.list()[0].config["dataset"] == "ours"


def test_another_import_is_told_of_without_its_name(store: Store) -> None:
    with acting_as(BOB):
        begun = store.imports.begin("secret clips", "a.zip", 1, 1.0)
    with acting_as(EVE):
        with pytest.raises(DatasetError, match="somebody else's import is still running"):
            store.imports.begin("hers", "b.zip", 1, 1.0)
        store.imports.cancel(begun)
    with acting_as(BOB):
        assert not store.imports.get(begun).cancelled


def test_off_a_space_connections_have_neither_views_nor_triggers(store: Store) -> None:
    store.datasets.add(a_dataset("mine"), origin="made")
    with store._database.read() as db:
        assert db.execute("SELECT count(*) FROM temp.sqlite_master").fetchone() == (0,)
    assert store._database._guarded == []


@pytest.mark.parametrize("on_space", [True, False])
def test_what_a_space_has_shown_before_stays_shown_and_what_a_machine_has_is_its_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_space: bool
) -> None:
    home = Home(tmp_path)
    with sqlite3.connect(home.database) as connection:
        db = sqlite_utils.Database(connection)
        migrations.apply(db, stop_before=["m019_owners"])
        db.execute(
            "INSERT INTO datasets (name, origin, created_s) VALUES ('old', 'made', 1), ('demo', 'drawn by the app', 2)"
        )
        db.execute("INSERT INTO anchor_sets (name, dataset_id) VALUES ('old', 1)")
        db.execute("INSERT INTO anchor_questions (labels, backbone, asked_s) VALUES ('[\"a\"]', 'sketch', 1)")
        db.execute("INSERT INTO anchor_ratings VALUES (1, 'text:x', 0.5, 'a', 0)")
        connection.commit()
        monkeypatch.setitem(os.environ, "SPACE_ID", "alice/studio") if on_space else None
        migrate(db, home.database)
        assert db.execute("SELECT value FROM anchor_ratings JOIN anchor_questions ON id = question_id").fetchone()
    connection.close()
    with Store.open(home) as store, acting_as(NOBODY):
        assert [row.name for row in store.datasets.list()] == (["old", "demo"] if on_space else ["demo"])
        assert store.negatives.groups(), "what the app comes with is everybody's"
