"""The list of bundles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ga2app.contracts import BundleCard
from ga2app.errors import BundleError
from ga2app.paths import Home
from ga2app.store import Store


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
