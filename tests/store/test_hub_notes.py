"""What bundles and anchor sets are on the Hub, kept beside their rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.errors import BundleError, StoreError
from ga2app.paths import Home
from ga2app.store import BundleQuery, Store
from ga2app.store.anchor_sets import AnchorFile
from ga2app.types import BundleCard, HubRevision

HERE = HubRevision("alice/jumps", "0123456789abcdef" * 2 + "01234567")


def card(folder: Path, origin: str = "trained") -> BundleCard:
    return BundleCard(str(folder), folder.name, "sketch", ("a",), ("b",), {}, {}, origin)


def test_a_note_at_a_bundle_stays_with_it_through_training_again_and_the_trash(store: Store, home: Home) -> None:
    one = card(home.bundles / "one")
    store.bundles.add(one)
    assert store.bundles.get(one.folder).hub is None
    store.hub_notes.note_bundle(one.folder, HERE)
    store.bundles.add(replace(one, metrics={"hm": 1.0}))
    assert store.bundles.get(one.folder).hub == HERE
    store.trash.restore(store.bundles.discard(one.folder))
    assert store.bundles.list()[0].hub == HERE
    with pytest.raises(BundleError, match="there is no bundle '/gone' in the library any more"):
        store.hub_notes.note_bundle("/gone", HERE)


def test_bundles_from_the_hub_are_found_by_their_origin(store: Store, home: Home) -> None:
    pulled = card(home.bundles / "one", HERE.origin)
    for listed in (pulled, card(home.bundles / "two", "imported"), card(home.bundles / "three", "hubcap")):
        store.bundles.add(listed)
    assert store.bundles.page(BundleQuery(origin="hub"), limit=9) == [pulled]


def test_a_note_at_an_anchor_set_says_which_set_a_commit_is(store: Store) -> None:
    set_id = store.anchors.create("walls")
    assert store.hub_notes.anchors(set_id) is None and store.hub_notes.anchors_at(HERE) is None
    store.hub_notes.note_anchors(set_id, HERE)
    assert store.hub_notes.anchors(set_id) == HERE and store.hub_notes.anchors_at(HERE) == set_id
    with pytest.raises(StoreError, match="this anchor set is not there any more"):
        store.hub_notes.note_anchors(set_id + 99, HERE)


def test_files_of_this_home_are_found_by_their_content(store: Store, home: Home) -> None:
    inside = home.media / "a.mp4"
    store.anchors.add(store.anchors.create("walls"), [AnchorFile(str(inside), "a wall", "1" * 64)])
    assert store.hub_notes.copies({"1" * 64, "2" * 64}) == {"1" * 64: str(inside)}
    assert store.hub_notes.copies(set()) == {}
