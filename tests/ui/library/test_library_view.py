"""What the library's page says, for bundles of every kind, and what its service does with them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import sqlite_utils

from ga2app.bundles import read_card
from ga2app.config import PromptConfig, RunConfig, preset
from ga2app.config.presets import ablation
from ga2app.errors import BundleError, StoreError
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.store.bundle_records import BundleQuery
from ga2app.store.migrations import migrate
from ga2app.types import BundleCard
from ga2app.web import Studio
from ga2app.web.api.endpoints import zip_to_serve
from ga2app.web.pages.library.library_view import PAGE, Asked, library_view, missing_html

from ..studios import add_bundle, keep_bundle


def test_an_empty_library_teaches_what_a_bundle_is(studio: Studio) -> None:
    view = library_view(studio, "", Asked())
    assert "What is a bundle?" in view.listing and view.key == view.head == view.body == ""
    keep_bundle(studio)
    view = library_view(studio, "", Asked(text="nothing like it"))
    assert "No bundle matches" in view.listing and view.head == ""


def test_a_bundle_is_shown_in_full_with_links_to_recognize_and_train(studio: Studio) -> None:
    keep_bundle(studio, "mine", "# A <b>card</b>")
    view = library_view(studio, "mine", Asked())
    for piece in ('data-bundle="mine" aria-current="true"', "base 90.0 percent, zero-shot CLIP 70.0", 'left:70.0%"'):
        assert piece in view.listing
    for piece in ("mine", 'href="./?bundle=mine"', 'href="./train?hard_prompt=mine"'):
        assert piece in view.head
    assert "cannot be used" not in view.head
    for piece in (
        "A &lt;b&gt;card",
        "Learning rate</dt><dd>0.004",
        "Coupled",
        "README.md",
        "<dt>torch</dt><dd>2",
    ):
        assert piece in view.body, piece


def test_what_a_stranger_wrote_is_never_markup(studio: Studio) -> None:
    evil = "<script>alert(1)</script>"
    keep_bundle(studio, "evil", evil, name=evil, base=[evil], novel=[evil], metrics={}, zero_shot={}, backbone=evil)
    view = library_view(studio, "evil", Asked())
    assert "Nothing was measured" in view.body
    assert all(evil not in piece for piece in (view.listing, view.head, view.body))


@pytest.mark.parametrize("key", ["nobody", "<script>alert(1)</script>", "../../etc", "x" * 400])
def test_a_bundle_in_the_address_that_nobody_has_is_told_and_not_replaced(studio: Studio, key: str) -> None:
    keep_bundle(studio, "mine")
    view = library_view(studio, key, Asked())
    assert view.fault.startswith(f"there is no bundle '{key[:70]}") and len(view.fault) < 160
    assert view.key == view.head == view.body == "" and "mine" in view.listing and not view.deletable


def test_a_bundle_of_a_backbone_that_is_not_here_says_so_and_offers_no_links(studio: Studio) -> None:
    keep_bundle(studio, backbone="someone/clip")
    view = library_view(studio, "", Asked())
    assert "It cannot be used until 'someone/clip' is here." in view.head
    assert "href" not in view.head and "A card" in view.body


def test_a_bundle_whose_folder_vanished_says_what_to_do(studio: Studio) -> None:
    shutil.rmtree(keep_bundle(studio))
    view = library_view(studio, "", Asked())
    assert "folder is missing" in view.listing and "upload the zip again" in view.body
    assert str(studio.home.root) in view.body and "href" not in view.head
    public = replace(studio, server_paths=False)
    assert str(studio.home.root) not in library_view(public, "", Asked()).body


def test_a_bundle_that_is_damaged_on_disk_is_told_and_can_still_be_deleted(studio: Studio) -> None:
    (Path(keep_bundle(studio)) / "bundle.json").write_text("{")
    view = library_view(studio, "", Asked())
    assert "This bundle cannot be read." in view.body and view.deletable


def test_every_fault_of_a_manifest_is_told_at_once(studio: Studio) -> None:
    folder = Path(keep_bundle(studio))
    manifest = json.loads((folder / "bundle.json").read_text())
    del manifest["novel"]
    wrong = {"steps": -1, "metrics": {"base": "high"}, "config": manifest["config"] | {"shots": 0}, "extra": 1}
    (folder / "bundle.json").write_text(json.dumps(manifest | wrong))
    with pytest.raises(BundleError) as caught:
        read_card(folder, "imported")
    for told in ("missing or unknown: extra, novel", "steps: must be", "metrics: must be", "shots: must be at least 1"):
        assert told in str(caught.value)


def test_the_list_comes_in_pages_and_finds_the_chosen_one_on_any(studio: Studio) -> None:
    for number in range(PAGE + 3):
        add_bundle(studio, f"b{number:02}", name=f"bundle {number:02}")
    first = library_view(studio, "b00", Asked())
    assert first.listing.count("data-bundle=") == PAGE and "1–12 of 15 bundles" in first.listing
    assert "bundle 00" in first.head and first.key == "b00"
    last = library_view(studio, "", Asked(first=999))
    assert last.listing.count("data-bundle=") == 3 and "13–15 of 15" in last.listing
    assert 'data-step="1" disabled' in last.listing and 'data-step="-1" disabled' not in last.listing


def test_what_the_list_lacks_of_an_old_bundle_is_read_from_its_manifest(studio: Studio) -> None:
    folder = keep_bundle(studio)
    card = studio.store.bundles.get(folder)
    studio.store.bundles.add(replace(card, method="", dataset="", seed=None))
    library_view(studio, "", Asked())
    assert studio.store.bundles.get(folder).dataset == "demo"


def test_a_deleted_bundle_comes_back_by_undo_and_what_a_run_needs_stays(studio: Studio) -> None:
    assert library_view(studio, "", Asked()).undo == ""
    folder = keep_bundle(studio, "mine")
    studio.library.delete("mine")
    assert library_view(studio, "", Asked()).undo == "Undo: bring back bundle 'mine'"
    studio.library.undo()
    assert Path(folder).is_dir() and studio.library.bundle("mine").folder == folder
    with pytest.raises(StoreError, match="there is nothing to undo"):
        studio.library.undo()
    run = studio.store.runs.queue(RunConfig(prompts=PromptConfig(hard_prompt=folder)))
    with pytest.raises(BundleError, match=f"is the hard prompt of run {run}"):
        studio.library.delete("mine")


def test_the_embedded_bundle_is_not_offered_for_deletion(studio: Studio) -> None:
    card = studio.store.bundles.get(keep_bundle(studio, "shipped"))
    studio.store.bundles.add(replace(card, origin="embedded"))
    assert not library_view(studio, "shipped", Asked()).deletable


def test_the_embedded_bundle_is_shown_packed_and_imported(studio: Studio, tmp_path: Path) -> None:
    studio.store.bundles.add(read_card(SKETCH_HARD_PROMPT, "embedded"))
    body = library_view(studio, "", Asked()).body
    for piece in ("18 base labels", "Text prompts alone", "Prompt length</dt><dd>8", "12 KiB", "1,080"):
        assert piece in body, piece
    packed = zip_to_serve(studio, studio.store.bundles.list()[0].key, tmp_path / "cache")
    assert Path(packed).name == "sketch-hard-prompt.zip"
    card, fresh = studio.library.import_bundle(packed)
    assert (card.origin, fresh) == ("embedded", False)
    studio.store.bundles.delete(card.folder)
    card, fresh = studio.library.import_bundle(packed)
    assert (card.origin, fresh, Path(card.folder).parent) == ("imported", True, studio.home.bundles)


def test_a_folder_is_imported_as_a_zip_is_and_stays_as_it_was(studio: Studio, tmp_path: Path) -> None:
    given = Path(shutil.copytree(SKETCH_HARD_PROMPT, tmp_path / "given"))
    (given / "stray.pt").write_bytes(b"x")
    card, fresh = studio.library.import_bundle(given)
    assert fresh and {path.name for path in Path(card.folder).iterdir()} == {
        "bundle.json",
        "prompts.safetensors",
        "README.md",
    }
    assert (given / "stray.pt").exists() and studio.library.import_bundle(given) == (card, False)
    with pytest.raises(BundleError, match="'gone' cannot be read: there is no such file or folder; check the path"):
        studio.library.import_bundle(tmp_path / "gone")


@pytest.mark.parametrize("origin", ["trained", "imported", "embedded"])
def test_every_origin_says_what_to_do_about_a_missing_folder(origin: str) -> None:
    card = BundleCard("/x", "x", "sketch", (), (), {}, {}, origin)
    assert "not there any more" in missing_html(card, "")


def test_what_was_called_ga2_and_is_not_the_papers_method_is_called_what_it_is(studio: Studio) -> None:
    """The list of version 0.1.0 says ``ga2`` of every bundle with a part that the paper has not."""
    paper = ablation("ga2", preset("full")).to_dict()
    ours, papers = (
        keep_bundle(studio, "ours", config=preset("full").to_dict()),
        keep_bundle(studio, "papers", config=paper),
    )
    for folder in (ours, papers):
        studio.store.bundles.add(replace(studio.store.bundles.get(folder), method="ga2"))
    db = sqlite_utils.Database(studio.home.database)
    db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm020_methods_read_again'")
    db.conn.commit()
    migrate(db, studio.home.database)
    db.close()
    view = library_view(studio, "ours", Asked())
    assert {card.folder: card.method for card in studio.library.page(BundleQuery(), limit=9)} == {
        ours: "ga2-plus",
        papers: "ga2",
    }
    assert "GA²-CLIP, extended (ga2-plus): prompts in both towers, coupled to a hard prompt" in view.body
    assert "GA²-CLIP as in the paper (ga2): prompts in both towers" in library_view(studio, "papers", Asked()).body
