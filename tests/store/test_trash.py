"""What is deleted can be put back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from ga2app.errors import StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.trash import Selected, discard
from ga2app.types import AnchorClip


def drop_set(store: Store, name: str, folder: str | None = None) -> int:
    with store._database.write() as db:
        (set_id,) = db.execute("SELECT id FROM anchor_sets WHERE name = ?", [name]).fetchone()
        parts = [Selected("anchor_sets", "id = ?", [set_id]), Selected("anchor_clips", "set_id = ?", [set_id])]
        return discard(db, "anchors", f"anchor set '{name}'", parts, [folder] if folder else [])


def test_a_deletion_is_undone_with_everything_below_it(store: Store) -> None:
    store.anchors.add_clips("mine", [AnchorClip("/a.mp4", "water"), AnchorClip("/b.mp4", "a wall")])
    before = store.anchors.clips("mine")
    entry = drop_set(store, "mine")
    assert "mine" not in store.anchors.names() and store.anchors.clips("mine") == []
    last = store.trash.last("anchors")
    assert last and (last.id, last.what) == (entry, "anchor set 'mine'")
    assert store.trash.last("library") is None
    store.trash.restore(entry)
    assert store.anchors.clips("mine") == before and store.trash.last("anchors") is None


def test_what_was_undone_cannot_be_undone_again(store: Store) -> None:
    store.anchors.add_clips("mine", [AnchorClip("/a.mp4")])
    entry = drop_set(store, "mine")
    store.trash.restore(entry)
    with pytest.raises(StoreError, match="undone before, or too long ago"):
        store.trash.restore(entry)


def test_a_name_that_is_taken_meanwhile_keeps_the_deletion_in_the_trash(store: Store) -> None:
    store.anchors.add_clips("mine", [AnchorClip("/a.mp4")])
    entry = drop_set(store, "mine")
    store.anchors.add_clips("mine", [AnchorClip("/other.mp4")])
    with pytest.raises(StoreError, match="anchor set 'mine' cannot come back: .* rename or delete that first"):
        store.trash.restore(entry)
    assert [clip.path for clip in store.anchors.clips("mine")] == ["/other.mp4"]
    assert store.trash.last("anchors") is not None


def test_an_old_deletion_is_purged_with_its_folders_and_a_new_one_stays(store: Store, home: Home) -> None:
    store.anchors.add_clips("mine", [AnchorClip("/a.mp4")])
    folder: Path = home.media / "mine"
    folder.mkdir(parents=True)
    drop_set(store, "mine", "media/mine")
    assert store.trash.purge() == 0 and folder.exists()
    assert store.trash.purge(keep_s=-1) == 1
    assert not folder.exists() and store.trash.last("anchors") is None
