"""The list of bundles."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ga2app.config import PromptConfig, RunConfig, preset
from ga2app.errors import BundleError
from ga2app.paths import Home
from ga2app.store import BundleOrder, BundleQuery, Store
from ga2app.types import BundleCard


@pytest.fixture
def card(home: Home) -> BundleCard:
    return BundleCard(
        folder=str(home.bundles / "run-000001"),
        name="jumps",
        backbone="sketch",
        base=("jump", "run"),
        novel=("climb",),
        metrics={"base": 91.5, "hm": 67.5},
        zero_shot={"base": 50.0},
        origin="trained",
    )


def test_a_card_comes_back_equal(store: Store, card: BundleCard) -> None:
    store.bundles.add(card)
    assert store.bundles.get(card.folder) == card


def test_bundles_are_listed_newest_first(store: Store, card: BundleCard) -> None:
    other = replace(card, folder="/elsewhere/b")
    store.bundles.add(card)
    store.bundles.add(other)
    assert store.bundles.list() == [other, card]


def test_a_folder_that_is_trained_again_gets_the_new_card(store: Store, card: BundleCard) -> None:
    store.bundles.add(card)
    again = replace(card, metrics={"base": 95.0})
    store.bundles.add(again)
    assert store.bundles.list() == [again]


def test_a_bundle_that_is_not_listed_is_named(store: Store, card: BundleCard) -> None:
    store.bundles.add(card)
    store.bundles.delete(card.folder)
    with pytest.raises(BundleError, match="there is no bundle '.*run-000001' in the library"):
        store.bundles.get(card.folder)
    with pytest.raises(BundleError, match="it may have been deleted already"):
        store.bundles.delete(card.folder)


def titles(store: Store, **query: Any) -> list[str]:
    return [card.title for card in store.bundles.page(BundleQuery(**query), limit=-1)]


def fill(store: Store, card: BundleCard) -> None:
    """Three bundles: one trained by a run, one imported with labels beyond ASCII, one without figures."""
    run = store.runs.queue(preset("quick"), name="my jumps")
    store.bundles.add(replace(card, name=f"run-{run:06d}"))
    other = replace(card, folder="/elsewhere/b", name="läufe", base=("Läufer 100%",), backbone="big", origin="imported")
    store.bundles.add(replace(other, metrics={"base": 70.0, "hm": 80.0}, zero_shot={"hm": 79.0}, dataset="track"))
    store.bundles.add(replace(card, folder="/elsewhere/c", name="Bare", metrics={}, zero_shot={}, origin="imported"))


def test_a_trained_bundle_goes_by_its_run_and_any_by_the_title_it_was_given(store: Store, card: BundleCard) -> None:
    fill(store, card)
    assert titles(store) == ["Bare", "läufe", "Run 1: my jumps"]
    store.bundles.rename(card.folder, "  the best\n one ")
    assert titles(store)[-1] == "the best one"
    store.bundles.add(card)
    assert store.bundles.get(card.folder).title == "the best one"
    store.bundles.add(replace(card, folder="/elsewhere/d", name="run-000001", origin="imported"))
    assert titles(store)[0] == "run-000001"


@pytest.mark.parametrize(
    ("title", "told"),
    [(" ", "the name is empty"), ("x" * 81, "has 81 characters; 80 are"), ("Bare", "there is another")],
)
def test_a_title_that_will_not_do_is_refused(store: Store, card: BundleCard, title: str, told: str) -> None:
    fill(store, card)
    with pytest.raises(BundleError, match=told):
        store.bundles.rename(card.folder, title)
    assert store.bundles.get(card.folder).title == "Run 1: my jumps"


def test_bundles_are_found_by_all_words_in_title_labels_data_set_and_backbone(store: Store, card: BundleCard) -> None:
    fill(store, card)
    assert titles(store, text="JUMPS sketch") == ["Run 1: my jumps"]
    assert titles(store, text="Läufer 100%") == titles(store, text="track") == titles(store, text="big") == ["läufe"]
    assert titles(store, text="100_") == titles(store, text="jumps big") == []
    assert titles(store, backbone="sketch") == ["Bare", "Run 1: my jumps"]
    assert titles(store, origin="trained") == ["Run 1: my jumps"]
    assert store.bundles.count(BundleQuery(text="big")) == 1 and store.bundles.count() == 3
    assert store.bundles.backbones() == ["big", "sketch"]


def test_bundles_are_sorted_with_those_that_have_no_figure_last(store: Store, card: BundleCard) -> None:
    fill(store, card)
    assert titles(store, order=BundleOrder.HM) == ["läufe", "Run 1: my jumps", "Bare"]
    assert titles(store, order=BundleOrder.BASE) == ["Run 1: my jumps", "läufe", "Bare"]
    assert titles(store, order=BundleOrder.GAIN)[0] == "läufe"
    assert titles(store, order=BundleOrder.NAME) == ["Bare", "läufe", "Run 1: my jumps"]
    assert [item.title for item in store.bundles.page(BundleQuery(), limit=1, offset=1)] == ["läufe"]


def test_an_imported_bundle_whose_name_is_taken_gets_a_number(store: Store, card: BundleCard) -> None:
    folders = [f"/elsewhere/{letter}" for letter in "abc"]
    assert [store.bundles.admit(replace(card, folder=folder)).title for folder in folders] == [
        "jumps",
        "jumps 2",
        "jumps 3",
    ]


def test_a_deleted_bundle_comes_back_with_its_title_and_goes_with_its_folder_for_good(
    store: Store, card: BundleCard, home: Home
) -> None:
    Path(card.folder).mkdir(parents=True)
    store.bundles.add(card)
    store.bundles.rename(card.folder, "mine")
    entry = store.bundles.discard(card.folder)
    last = store.trash.last("library")
    assert last and (last.id, last.what) == (entry, "bundle 'mine'") and store.bundles.list() == []
    store.trash.restore(entry)
    assert store.bundles.get(card.folder).title == "mine"
    store.bundles.discard(card.folder)
    store.trash.purge(keep_s=-1)
    assert not Path(card.folder).exists()


def test_a_folder_outside_of_the_home_is_never_deleted(store: Store, card: BundleCard, tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.mkdir()
    store.bundles.add(replace(card, folder=str(outside)))
    store.bundles.discard(str(outside))
    store.trash.purge(keep_s=-1)
    assert outside.exists()


def test_the_embedded_bundle_cannot_be_deleted(store: Store, card: BundleCard) -> None:
    store.bundles.add(replace(card, origin="embedded"))
    with pytest.raises(BundleError, match="'jumps' is part of the program"):
        store.bundles.discard(card.folder)


def test_a_bundle_that_runs_in_the_queue_need_cannot_be_deleted(store: Store, card: BundleCard) -> None:
    store.bundles.add(card)
    needing = RunConfig(prompts=PromptConfig(hard_prompt=card.folder))
    first, second = store.runs.queue(needing), store.runs.queue(needing)
    store.runs.queue(RunConfig(prompts=PromptConfig(hard_prompt=card.folder, coupled=False)))
    store.runs.queue(preset("quick"))
    with pytest.raises(BundleError, match=f"'jumps' is the hard prompt of run {first}, run {second}; wait until"):
        store.bundles.discard(card.folder)
    for run in (first, second):
        store.runs.request_stop(run)
    store.bundles.discard(card.folder)
    assert store.bundles.list() == []
