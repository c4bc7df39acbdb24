"""What the screen shows, asks and refuses, without a browser."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from ga2app.datasets import Half
from ga2app.datasets.train_test import draw_shots
from ga2app.errors import DatasetError
from ga2app.services.import_sources import FolderSource, ListsSource, ZipSource
from ga2app.store.clip_pages import ClipFilter, Copies
from ga2app.store.import_records import ImportState
from ga2app.types import Dataset, LabelKind, LabelledClip, Subset
from ga2app.web import Studio
from ga2app.web.pages.datasets import edits
from ga2app.web.pages.datasets.dataset_view import ALL, EITHER, NEW, Parts, SetPage, Wanted
from ga2app.web.pages.datasets.draw_dataset import drawn_rows
from ga2app.web.pages.datasets.importing import ZIP, Form, followed_values, name_of, source_of
from ga2app.web.pages.datasets.media import Pictures, preview_of
from ga2app.web.pages.datasets.overview import health, list_html
from ga2app.web.pages.datasets.wiring import drawn_html, play

from ..studios import add_dataset


@pytest.fixture
def page(studio: Studio) -> SetPage:
    return SetPage(studio, Pictures(studio))


def add_many(studio: Studio, count: int) -> int:
    labels = tuple(f"label {number}" for number in range(20))
    clips = tuple(LabelledClip(f"/clips/{number}.mp4", labels[number % 20]) for number in range(count))
    return studio.store.datasets.add(Dataset("many", labels, (), clips), origin="test")


def faults_and_notes(studio: Studio) -> tuple[list[str], list[str]]:
    (row,) = studio.store.clips.sets()
    return health(row, studio.store.clips.labels(row.id), studio.store.clips.copies(row.id))


def test_two_thousand_clips_open_with_one_page_and_few_queries(studio: Studio, page: SetPage) -> None:
    dataset_id = add_many(studio, 2000)
    asked: list[str] = []
    with studio.store._database.read() as db:
        db.conn.set_trace_callback(asked.append)
    shown = "".join(str(part) for part in page.show(Wanted(dataset_id)))
    with studio.store._database.read() as db:
        db.conn.set_trace_callback(None)
    assert shown.count('class="ds-clip"') == 60 and "of 2,000" in shown
    assert 5 <= len([statement for statement in asked if statement.startswith("SELECT")]) <= 8


def test_without_a_data_set_the_form_is_shown_and_the_demo_announced(studio: Studio, page: SetPage) -> None:
    listing, chosen, importing, detail, *_ = page.show(Wanted())
    assert "They are being drawn" in listing and chosen == NEW
    assert importing["visible"] and not detail["visible"]


def test_the_newest_data_set_is_open_at_first_and_the_one_asked_for_later(studio: Studio, page: SetPage) -> None:
    add_dataset(studio, "first")
    add_dataset(studio, "second")
    first, second = (row.id for row in studio.store.clips.sets())
    assert page.show(Wanted())[1] == second
    assert page.show(Wanted(first))[1] == first
    assert page.show(Wanted(9999))[1] == second
    studio.store.imports.begin("third", "third.zip", 1, 1.0)
    assert page.show(Wanted())[1] == NEW and page.show(Wanted(first))[1] == first


def test_what_a_browser_sends_is_never_trusted() -> None:
    assert Wanted.of(None, None, "nonsense", None, -4) == Wanted(as_typed=True)
    assert Wanted.of(3, 5, "test", " rope ", 2).filter == ClipFilter(5, Subset.TEST, " rope ")
    assert Wanted.of(3, 0, EITHER, "", 0).filter == ClipFilter()
    assert edits.ids_of("1,2,x,-3,,4 ; DROP") == [1, 2]


def test_names_from_outside_are_escaped(studio: Studio, page: SetPage) -> None:
    clips = (LabelledClip("/<img src=x>.mp4", "<b>bold</b>"), LabelledClip('/"quote.mp4', "other"))
    studio.store.datasets.add(Dataset("<i>set</i>", ("<b>bold</b>", "other"), (), clips), origin="<u>")
    drawn = page.show(Wanted())
    html = "".join(part for part in drawn if isinstance(part, str) and "<" in part and "class=" in part)
    assert not re.search(r"<(b>bold|i>set|u>|img src=x)", html)


def test_a_sound_data_set_has_no_faults(studio: Studio) -> None:
    add_dataset(studio)
    assert faults_and_notes(studio) == ([], [])


def test_what_stands_in_the_way_of_training_is_said(studio: Studio) -> None:
    clips = (LabelledClip("/a.mp4", "walk"), LabelledClip("/b.mp4", "swim"))
    studio.store.datasets.add(Dataset("poor", ("walk",), ("swim",), clips), origin="test")
    said = " ".join(faults_and_notes(studio)[0])
    assert "training needs at least two base labels, and there is one" in said
    assert "no clip is for testing" in said and "novel labels without a test clip" in said


def test_copies_are_told_by_how_bad_they_are(studio: Studio) -> None:
    add_dataset(studio)
    (row,) = studio.store.clips.sets()
    labels = studio.store.clips.labels(row.id)
    both, same = (Subset.TRAIN, Subset.TEST), (Subset.TRAIN, Subset.TRAIN)
    leak, torn = Copies(("a", "a"), both, ("/1.mp4", "/2.mp4")), Copies(("a", "b"), same, ("/3.mp4", "/4.mp4"))
    faults, notes = health(row, labels, [leak, torn, Copies(("a", "a"), same, ("/5.mp4", "/6.mp4"))])
    assert "both for training and for testing" in faults[0] and "'1.mp4' and '2.mp4'" in faults[0]
    assert "under two labels" in faults[1] and "more than once under one label" in notes[0]


def test_the_list_marks_what_is_open(studio: Studio) -> None:
    add_dataset(studio)
    (row,) = studio.store.clips.sets()
    assert list_html([row], row.id, waiting=False).count("aria-current") == 1
    assert 'data-set="0" aria-current="true"' in list_html([row], NEW, waiting=False)


def test_the_demo_that_is_being_drawn_stands_where_it_will_be(studio: Studio) -> None:
    """A card that comes or goes above another one moves it away under the pointer."""
    add_dataset(studio)
    (row,) = studio.store.clips.sets()
    drawn = list_html([row], row.id, waiting=True)
    assert drawn.index(row.name) < drawn.index("They are being drawn")
    assert "They are being drawn" not in list_html([row], row.id, waiting=False)


def test_the_draw_that_is_shown_is_the_one_that_a_run_makes(studio: Studio) -> None:
    dataset_id = add_many(studio, 200)
    dataset = studio.store.datasets.get("many")
    clips = studio.store.clips.page(dataset_id, ClipFilter(), limit=999)
    rows = drawn_rows(dataset, clips, 3, 7)
    assert [(row.path, row.label) for row in rows] == [(c.path, c.label) for c in draw_shots(dataset, 3, 7)]
    assert "60 clips of 20 labels with seed 7" in drawn_html(studio, dataset_id, 3, 7)
    with pytest.raises(DatasetError, match="this data set is not there any more"):
        drawn_html(studio, 9999, 3, 7)


def test_half_of_the_labels_become_novel(studio: Studio) -> None:
    add_dataset(studio)
    (row,) = studio.store.clips.sets()
    ticked = ",".join(str(label.id) for label in studio.store.clips.labels(row.id))
    edits.set_kind(studio.store, row.id, ticked, LabelKind.BASE)
    assert edits.divide_by_half(studio.store, row.id, Half.LIST) == "2 labels are base now, 2 novel."
    assert studio.store.datasets.get("demo").novel == ("jumping rope", "waving")


@pytest.mark.parametrize(("kind", "novel"), [(LabelKind.BASE, 2), (LabelKind.NOVEL, 2)])
def test_a_pasted_list_decides_in_any_spelling(studio: Studio, kind: LabelKind, novel: int) -> None:
    add_dataset(studio)
    (row,) = studio.store.clips.sets()
    edits.divide_by_list(studio.store, row.id, "Waving\nClimbing_a_ladder", kind)
    dataset = studio.store.datasets.get("demo")
    named = dataset.base if kind is LabelKind.BASE else dataset.novel
    assert set(named) == {"waving", "climbing a ladder"} and len(dataset.novel) == novel
    with pytest.raises(DatasetError, match="no label of this data set: flying; mend the list, nothing was changed"):
        edits.divide_by_list(studio.store, row.id, "waving, flying", kind)
    with pytest.raises(DatasetError, match="the list is empty"):
        edits.divide_by_list(studio.store, row.id, " \n", kind)


def test_pictures_are_made_in_the_background_and_a_fault_is_remembered(studio: Studio, page: SetPage) -> None:
    add_dataset(studio)
    broken = LabelledClip("/gone.mp4", "climbing a ladder")
    whole = studio.store.datasets.get("demo")
    dataset_id = studio.store.datasets.add(replace(whole, name="two", clips=(*whole.clips, broken)), origin="test")
    pictures = Pictures(studio)
    clips = studio.store.clips.page(dataset_id, ClipFilter(), limit=99)
    pictures.ask(clips)
    deadline = time.monotonic() + 30
    while pictures.busy and time.monotonic() < deadline:
        time.sleep(0.02)
    drawn = SetPage(studio, pictures).grid(Wanted(dataset_id))
    assert drawn.count("<img") == 8 and "the file cannot be read" in drawn
    opened = len(studio.inspector.opened)  # type: ignore[attr-defined]
    pictures.ask(studio.store.clips.page(dataset_id, ClipFilter(), limit=99))
    assert not pictures.busy and len(studio.inspector.opened) == opened  # type: ignore[attr-defined]


def test_a_clip_is_played_from_a_copy_that_is_made_once(studio: Studio) -> None:
    add_dataset(studio)
    clip = studio.store.clips.page(studio.store.clips.sets()[0].id, ClipFilter(), limit=1)[0]
    preview = preview_of(studio, clip)
    assert preview.is_relative_to(studio.home.media) and preview == preview_of(studio, clip)
    assert "<video" in play(studio, clip.id)
    assert "is not in the data set any more" in play(studio, 9999)


def test_a_form_names_the_source(tmp_path: Path) -> None:
    (tmp_path / "my clips").mkdir()
    (tmp_path / "list.txt").write_text("a.avi 1\n")
    source = source_of(Form("folder", folder=f'"{tmp_path}/my clips"'), server_paths=True)
    assert source == FolderSource(tmp_path / "my clips")
    assert name_of(Form(), source) == "my clips" and name_of(Form(name="  other  name "), source) == "other name"
    lists = source_of(Form("lists", train=f"{tmp_path}/list.txt\n\n"), server_paths=True)
    assert isinstance(lists, ListsSource) and lists.lists.train == (tmp_path / "list.txt",)
    assert source_of(Form(ZIP, upload="/tmp/a.zip"), server_paths=False) == ZipSource(Path("/tmp/a.zip"), "a.zip")


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (Form(), "no zip was given"),
        (Form("folder"), "the path of the folder of class folders is missing"),
        (Form("table", table="/nowhere.csv"), "there is no CSV '/nowhere.csv' on this machine"),
        (Form("lists"), "no list was named"),
    ],
)
def test_what_the_form_lacks_is_said(form: Form, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        source_of(form, server_paths=True)


@pytest.mark.parametrize("kind", ["folder", "table", "lists"])
def test_on_a_public_machine_nobody_reads_its_files(kind: str) -> None:
    with pytest.raises(DatasetError, match="files of the server cannot be imported here; upload a zip"):
        source_of(Form(kind, folder="/", table="/etc/passwd", train="/etc/passwd"), server_paths=False)


def test_the_report_of_the_newest_import_is_shown_and_others_can_be_chosen(studio: Studio) -> None:
    imports = studio.store.imports
    first = imports.begin("first", "first.zip", 1, 1.0)
    progress, cancel, past, report = followed_values(studio, None)
    assert "Starting" in progress and cancel["visible"] and report == "" and not past["visible"]
    imports.give_up(first, ImportState.FAILED, "the zip cannot be read; pack it again")
    second = imports.begin("second", "second.zip", 1, 1.0)
    flaw = {"file": "<a>.mp4", "label": "x", "kind": "left out", "reason": "no video", "fix": "another"}
    imports.give_up(second, ImportState.CANCELLED, "cancelled; nothing was kept", {"flaws": [flaw], "notes": []})
    values: list[Any] = followed_values(studio, None)
    assert values[0] == "" and not values[1]["visible"] and values[2]["visible"] and values[2]["value"] == second
    assert "cancelled; nothing was kept" in values[3] and "&lt;a&gt;.mp4" in values[3]
    assert "the zip cannot be read" in followed_values(studio, first)[3]


def test_what_was_typed_is_not_told_again_where_something_else_may_have_been_typed_since(
    studio: Studio, page: SetPage
) -> None:
    add_dataset(studio)
    nothing = gr.skip()
    (dataset,) = studio.store.clips.sets()
    names = list(Parts.__dataclass_fields__)
    first, later = (
        dict(zip(names, page.show(wanted), strict=True))
        for wanted in (Wanted(dataset.id), Wanted.of(dataset.id, ALL, EITHER, "rope", 0))
    )
    assert (first["text"], first["subset"], first["new_name"], first["label"]["value"]) == ("", EITHER, "demo", ALL)
    assert later["text"] == later["subset"] == later["new_name"] == nothing and "value" not in later["label"]
    assert later["grid"].count('class="ds-clip"') < first["grid"].count('class="ds-clip"')
    gone = dict(zip(names, page.show(Wanted.of(dataset.id, 999, EITHER, "", 0)), strict=True))
    assert gone["label"]["value"] == ALL
