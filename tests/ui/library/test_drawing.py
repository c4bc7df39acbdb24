"""What the library's pages say, for bundles of every kind."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.bundles import read_card
from ga2app.errors import BundleError
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.services.studio import bundle_key
from ga2app.store import BundleOrder
from ga2app.types import BundleCard
from ga2app.web import Studio
from ga2app.web.api.library_endpoints import zip_to_serve
from ga2app.web.pages.library import details
from ga2app.web.pages.library.draw_library import PAGE, Asked, drawn
from ga2app.web.pages.train.form import place_of
from ga2app.web.pages.train.from_address import hard_prompt_form
from ga2app.web.pages.train.hard_prompts import to_folder
from ga2app.web.pages.train.train_settings import SETTINGS

from ..studios import add_bundle, keep_bundle

KEY, LIST, PAGES, UNDO, HEAD, BODY, TRY_IT = 0, 2, 3, 7, 8, 10, 12
NEWEST = Asked("", "", "", BundleOrder.NEWEST.value, 0)


def test_an_empty_library_teaches_what_a_bundle_is(studio: Studio) -> None:
    view = drawn(studio, "", NEWEST)
    assert view[KEY] == "" and "What is a bundle?" in view[LIST] and view[PAGES] == view[HEAD] == view[BODY] == ""
    keep_bundle(studio)
    view = drawn(studio, "", replace(NEWEST, text="nothing like it"))
    assert "No bundle matches" in view[LIST] and view[HEAD] == ""


def test_a_bundle_is_shown_in_full(studio: Studio) -> None:
    keep_bundle(studio, "mine", "# A <b>card</b>")
    view = drawn(studio, "mine", NEWEST)
    for piece in ('data-bundle="mine" aria-current="true"', "base 90.0 percent, plain CLIP 70.0", 'left:70.0%"'):
        assert piece in view[LIST]
    assert "mine" in view[HEAD] and "cannot be used" not in view[HEAD]
    for piece in (
        "A &lt;b&gt;card",
        "Learning rate</dt><dd>0.004",
        "Coupled",
        "README.md",
        "<dt>torch</dt><dd>2",
        "e</dt><dd>sketch",
    ):
        assert piece in view[BODY], piece
    assert view[TRY_IT]["visible"] is True


def test_what_a_stranger_wrote_is_never_markup(studio: Studio) -> None:
    evil = "<script>alert(1)</script>"
    keep_bundle(studio, "evil", evil, name=evil, backbone=evil, base=[evil], novel=[evil], metrics={}, zero_shot={})
    view = drawn(studio, "evil", NEWEST)
    assert all(evil not in piece for piece in view if isinstance(piece, str))
    assert "Nothing was measured" in view[BODY]


def test_a_bundle_of_a_backbone_that_is_not_here_says_so_and_offers_no_jump(studio: Studio) -> None:
    keep_bundle(studio, backbone="someone/clip")
    view = drawn(studio, "", NEWEST)
    assert "It cannot be used until &#x27;someone/clip&#x27; is here." in view[HEAD]
    assert view[TRY_IT]["visible"] is False and "A card" in view[BODY]


def test_a_bundle_whose_folder_vanished_says_what_to_do(studio: Studio) -> None:
    shutil.rmtree(keep_bundle(studio))
    view = drawn(studio, "", NEWEST)
    assert "folder is missing" in view[LIST] and "upload the zip again" in view[BODY]
    assert str(studio.home.root) in view[BODY] and view[TRY_IT]["visible"] is False
    public = replace(studio, server_paths=False)
    assert str(studio.home.root) not in drawn(public, "", NEWEST)[BODY]


def test_a_bundle_that_is_damaged_on_disk_is_told_and_can_still_be_deleted(studio: Studio) -> None:
    (Path(keep_bundle(studio)) / "bundle.json").write_text("{")
    view = drawn(studio, "", NEWEST)
    assert "This bundle cannot be read." in view[BODY] and view[9]["visible"] is True


def test_the_list_comes_in_pages_and_finds_the_chosen_one_on_any(studio: Studio) -> None:
    for number in range(PAGE + 3):
        add_bundle(studio, f"b{number:02}", name=f"bundle {number:02}")
    first = drawn(studio, "b00", NEWEST)
    assert first[LIST].count("data-bundle=") == PAGE and "1–12 of 15 bundles" in first[PAGES]
    assert "bundle 00" in first[HEAD] and first[KEY] == "b00"
    last = drawn(studio, "", replace(NEWEST, first=999))
    assert last[LIST].count("data-bundle=") == 3 and "13–15 of 15" in last[PAGES]
    assert (last[4]["interactive"], last[5]["interactive"]) == (True, False)


def test_what_the_list_lacks_of_an_old_bundle_is_read_from_its_manifest(studio: Studio) -> None:
    folder = keep_bundle(studio)
    card = studio.store.bundles.get(folder)
    studio.store.bundles.add(replace(card, method="", dataset="", seed=None))
    drawn(studio, "", NEWEST)
    assert studio.store.bundles.get(folder).dataset == "demo"


def test_a_deletion_is_offered_to_be_undone(studio: Studio) -> None:
    assert drawn(studio, "", NEWEST)[UNDO]["visible"] is False
    studio.store.bundles.discard(keep_bundle(studio, "mine"))
    undo = drawn(studio, "", NEWEST)[UNDO]
    assert (undo["visible"], undo["value"]) == (True, "Undo: bring back bundle 'mine'")


def test_a_bundle_fills_the_train_form_as_its_hard_prompt(studio: Studio) -> None:
    config = {"prompts": {"length": 6, "text_depth": 2}}
    folder = keep_bundle(studio, "brake", config=config)
    filled = hard_prompt_form(studio, "brake")
    values = dict(zip((setting.path for setting in SETTINGS), filled[4:-1], strict=True))
    assert values["prompts.hard_prompt"]["value"] == "brake" and values["prompts.coupled"]["value"] is True
    assert values["prompts.length"]["value"] == 6 and "is the hard prompt" in filled[-1]
    entered = [values[setting.path]["value"] for setting in SETTINGS]
    assert to_folder(studio, entered[place_of("prompts.hard_prompt")]) == folder


def test_a_bundle_without_text_prompts_cannot_be_a_hard_prompt(studio: Studio) -> None:
    keep_bundle(studio, "seen", config={"prompts": {"length": 6, "text_depth": 0, "coupled": False}})
    with pytest.raises(BundleError, match="'seen' has no text prompts"):
        hard_prompt_form(studio, "seen")
    add_bundle(studio, "gone")
    with pytest.raises(BundleError, match="put its folder back"):
        hard_prompt_form(studio, "gone")


def test_the_embedded_bundle_is_shown_packed_and_taken_in_by_the_real_shelf(studio: Studio, tmp_path: Path) -> None:
    real = studio
    real.store.bundles.add(read_card(SKETCH_HARD_PROMPT, "embedded"))
    body = drawn(real, "", NEWEST)[BODY]
    for piece in ("18 base labels", "Text prompts alone", "Prompt length</dt><dd>8", "12 KiB", "1,080"):
        assert piece in body, piece
    key = bundle_key(real.store.bundles.list()[0])
    packed = zip_to_serve(real, key, tmp_path / "cache")
    assert Path(packed).name == "sketch-hard-prompt.zip"
    card, fresh = real.library.import_bundle(packed)
    assert (card.origin, fresh) == ("embedded", False)
    real.store.bundles.delete(card.folder)
    card, fresh = real.library.import_bundle(packed)
    assert (card.origin, fresh, Path(card.folder).parent) == ("imported", True, real.home.bundles)


@pytest.mark.parametrize("origin", ["trained", "imported", "embedded"])
def test_every_origin_says_what_to_do_about_a_missing_folder(origin: str) -> None:
    card = BundleCard("/x", "x", "sketch", (), (), {}, {}, origin)
    assert "not there any more" in details.missing_html(card, "")
