"""What the page of data sets shows, does and refuses, without a browser."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest
from clips import write_color_clip

from ga2app.config import DEMO
from ga2app.datasets import Half, SplitLists
from ga2app.datasets.train_test import draw_shots
from ga2app.disk import by_age
from ga2app.errors import DatasetError
from ga2app.services.clip_inspector import drop_oldest, preview_of
from ga2app.services.dataset_service import Health, health
from ga2app.services.import_sources import FileSource, ListsSource
from ga2app.store.clip_pages import ClipFilter, Copies
from ga2app.store.import_records import ImportState
from ga2app.types import Dataset, LabelKind, LabelledClip, Subset
from ga2app.web import Studio
from ga2app.web.pages.datasets.dataset_handlers import Handlers
from ga2app.web.pages.datasets.dataset_views import LABELS, MORE, View, list_html, panel_html, player_html, sample_html
from ga2app.web.pages.datasets.datasets_page import Parts
from ga2app.web.pages.datasets.import_form import source_of
from ga2app.worker.launcher import process_started_s

from ..studios import add_dataset

BLANK = {
    "kind": "zip",
    "upload": None,
    "place": "",
    "train": "",
    "test": "",
    "root": "",
    "labels": "",
    "layout": "auto",
    "fold": 1,
    "name": "",
    "novel": "",
    "test_fold": "",
    "spelling": "words",
    "duplicates": "first",
    "folder": "",
    "rate": None,
    "tiers": [],
}


def asked(**address: str) -> gr.Request:
    return cast(gr.Request, SimpleNamespace(query_params=address))


def pressed(**given: Any) -> gr.EventData:
    return gr.EventData(None, given)


def add_many(studio: Studio, count: int) -> int:
    labels = tuple(f"label {number}" for number in range(20))
    clips = tuple(LabelledClip(f"/clips/{number}.mp4", labels[number % 20]) for number in range(count))
    return studio.store.datasets.add(Dataset("many", labels, (), clips), origin="test")


def health_of(studio: Studio) -> Health:
    (row,) = studio.store.datasets.list()
    return studio.datasets.health(row)


def test_two_thousand_clips_open_with_one_page_and_few_queries(studio: Studio, page: Handlers, parts: Parts) -> None:
    dataset_id = add_many(studio, 2000)
    said: list[str] = []
    with studio.store._database.read() as db:
        db.conn.set_trace_callback(said.append)
    drawn = page.show(View(dataset_id))
    with studio.store._database.read() as db:
        db.conn.set_trace_callback(None)
    assert drawn[parts.grid].count('class="ds-clip"') == 60 and "of 2,000" in drawn[parts.grid]
    assert 5 <= len([statement for statement in said if statement.startswith("SELECT")]) <= 9


def test_without_a_data_set_the_form_is_shown_and_the_demo_announced(page: Handlers, parts: Parts) -> None:
    drawn = page.open({parts.view: None}, asked())
    assert "They are being drawn" in drawn[parts.listing] and drawn[parts.view] == View()
    assert drawn[parts.importing].visible and not drawn[parts.detail].visible


def test_the_newest_data_set_is_open_at_first_and_the_one_of_the_address_later(
    studio: Studio, page: Handlers, parts: Parts
) -> None:
    add_dataset(studio, "first")
    add_dataset(studio, "second")
    first, second = (row.id for row in studio.store.datasets.list())
    label = studio.store.clips.labels(first)[2].id

    def opened(**address: str) -> View:
        view: View = page.open({parts.view: None}, asked(**address))[parts.view]
        return view

    assert opened() == View(second) and opened(id=str(first)) == View(first)
    assert opened(id=str(first), label=str(label)) == View(first, label)
    assert opened(id=str(first), label="9999") == View(first) and opened(new="1") == View()
    studio.store.imports.begin("third", "third.zip", 1, 1.0)
    assert opened() == View() and opened(id=str(first)) == View(first)


@pytest.mark.parametrize("unknown", ["77", "<script>", "9" * 400, "-1", "0"])
def test_an_unknown_data_set_in_the_address_is_told_and_no_other_is_shown(
    studio: Studio, page: Handlers, parts: Parts, unknown: str
) -> None:
    add_dataset(studio)
    drawn = page.open({parts.view: None}, asked(id=unknown))
    assert drawn[parts.view] == View() and "There is no data set" in drawn[parts.told]
    assert "<script>" not in drawn[parts.told] and parts.grid not in drawn


def test_what_a_browser_sends_is_never_trusted(studio: Studio, page: Handlers, parts: Parts) -> None:
    add_dataset(studio)
    before = studio.store.datasets.get("demo")
    view = View(studio.store.datasets.list()[0].id)
    for given in (
        {"do": "drop"},
        {"do": "delete-clips", "ids": ["1; DROP", -3, None, "x"]},
        {"do": "delete-labels", "ids": "12"},
        {"do": "merge", "ids": [1], "keep": "<b>"},
        {"do": "page", "page": "many"},
        {},
    ):
        drawn = page.act({parts.view: view}, pressed(**given))
        assert "log" not in str(drawn.get(parts.told, ""))
    assert studio.store.datasets.get("demo") == before
    filters = {parts.view: view, parts.label: None, parts.subset: "nonsense", parts.text: None}
    assert page.filter(filters)[parts.view].filter == ClipFilter()


def test_names_from_outside_are_escaped(studio: Studio, page: Handlers, parts: Parts) -> None:
    clips = (LabelledClip("/<img src=x>.mp4", "<b>bold</b>"), LabelledClip('/"quote.mp4', "other"))
    studio.store.datasets.add(Dataset("<i>set</i>", ("<b>bold</b>", "other"), (), clips), origin="<u>")
    drawn = page.open({parts.view: None}, asked())
    tabs = [page.draw_tab(drawn, tab) for tab in (LABELS, MORE)]
    html = "".join(value for one in (drawn, *tabs) for value in one.values() if isinstance(value, str))
    assert "&lt;b&gt;bold" in html and not re.search(r"<(b>bold|i>set|u>|img src=x)", html)


def test_an_edit_is_done_told_and_undone(studio: Studio, page: Handlers, parts: Parts) -> None:
    add_dataset(studio)
    before = studio.store.datasets.get("demo")
    (row,) = studio.store.datasets.list()
    labels = studio.store.clips.labels(row.id)
    clip = studio.store.clips.page(row.id, ClipFilter(), limit=1)[0].id
    steps = [
        ({"do": "label", "ids": [clip], "label": "saluting"}, "1 clip moved to &#39;saluting&#39;."),
        ({"do": "test", "ids": [clip]}, "1 clip is for test now."),
        ({"do": "delete-clips", "ids": [clip]}, "1 clip deleted."),
        ({"do": "base", "ids": [labels[3].id]}, "1 label is base now."),
        ({"do": "rename-label", "ids": [labels[3].id], "name": " greeting  me "}, "is called &#39;greeting me&#39;"),
        ({"do": "merge", "ids": [labels[3].id], "keep": str(labels[2].id)}, "Merged: 2 clips moved."),
        ({"do": "delete-labels", "ids": [labels[2].id]}, "Deleted: label &#39;jumping rope&#39; with 4 clips."),
    ]
    for given, told in steps:
        drawn = page.act({parts.view: View(row.id)}, pressed(**given))
        assert told in drawn[parts.told] and 'id="ds-undo">Undo: ' in drawn[parts.told]
    for _ in steps:
        drawn = page.act({parts.view: View(row.id)}, pressed(do="undo"))
    assert "ds-undo" not in drawn[parts.told] and studio.store.datasets.get("demo") == before


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"do": "label", "label": "x"}, "no clip is ticked"),
        ({"do": "label", "ids": [1], "label": " "}, "no label was chosen"),
        ({"do": "delete-clips"}, "no clip is ticked"),
        ({"do": "delete-labels"}, "no label is ticked"),
        ({"do": "rename-label", "ids": [1, 2], "name": "x"}, "2 labels are ticked; tick the one to be renamed"),
        ({"do": "merge", "ids": [1]}, "choose which label stays"),
        ({"do": "rename", "name": "x" * 400}, "the name has 400 characters; at most 120 fit"),
        ({"do": "these-base", "pasted": " "}, "the list is empty"),
        ({"do": "undo"}, "there is nothing to undo any more"),
    ],
)
def test_what_an_edit_lacks_is_said(
    studio: Studio, page: Handlers, parts: Parts, given: dict[str, Any], told: str
) -> None:
    add_dataset(studio)
    (row,) = studio.store.datasets.list()
    assert told in page.act({parts.view: View(row.id)}, pressed(**given))[parts.told]


def test_a_deleted_data_set_makes_room_for_another_and_comes_back(studio: Studio, page: Handlers, parts: Parts) -> None:
    add_dataset(studio, "first")
    add_dataset(studio, "second")
    first, second = (row.id for row in studio.store.datasets.list())
    drawn = page.act({parts.view: View(first)}, pressed(do="delete"))
    assert drawn[parts.view] == View(second) and "Deleted: data set &#39;first&#39;." in drawn[parts.told]
    assert page.act({parts.view: View(second)}, pressed(do="delete"))[parts.view] == View()
    assert page.act({parts.view: View()}, pressed(do="undo"))[parts.view] == View(second)


def test_a_page_of_clips_is_turned_within_what_there_is(studio: Studio, page: Handlers, parts: Parts) -> None:
    view = View(add_many(studio, 130))
    last = page.act({parts.view: view}, pressed(do="page", page=2))
    assert "Clips 121 to 130 of 130" in last[parts.grid] and last[parts.view].page == 2
    assert page.act({parts.view: view}, pressed(do="page", page=99))[parts.view].page == 2
    left = page.filter({parts.view: last[parts.view], parts.label: 0, parts.subset: "train", parts.text: "127.mp4"})
    assert "Clips 1 to 1 of 1" in left[parts.grid] and left[parts.view].page == 0


def test_the_clock_tells_what_has_grown_and_draws_no_list_that_has_not_changed(
    studio: Studio, page: Handlers, parts: Parts
) -> None:
    imports, another = studio.store.imports, os.getppid()
    import_id = imports.begin("slow", "slow.zip", another, process_started_s(another) or 0.0)
    imports.progress(import_id, "Looking at clips", 5, 20)
    first = page.tick({parts.view: View(), parts.seen: None})
    assert "Looking at clips 5 of 20" in first[parts.form.panel] and parts.listing in first
    imports.progress(import_id, "Looking at clips", 12, 20)
    second = page.tick({parts.view: View(), parts.seen: first[parts.seen]})
    assert second[parts.live]["progress"]["share"] == 60 and second[parts.clock].active
    assert parts.listing not in second and parts.form.panel not in second
    panel = page.in_panel(pressed(do="cancel"))[parts.form.panel]
    assert "Cancelling: nothing of it will be kept." in panel and "ds-cancel" not in panel
    assert not imports.progress(import_id, "Looking at clips", 13, 20)


def test_what_ends_while_the_page_is_drawn_is_followed_once_more(
    studio: Studio, page: Handlers, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_dataset(studio, DEMO)
    view, imports = View(add_many(studio, 130)), studio.store.imports
    import_id = imports.begin("slow", "slow.zip", 1, 1.0)
    list_sets = studio.datasets.all

    def end_meanwhile() -> Any:
        imports.give_up(import_id, ImportState.FAILED, "the zip is damaged")
        return list_sets()

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(studio.datasets, "all", end_meanwhile)
        assert page.tick({parts.view: view, parts.seen: None})[parts.clock].active
    # What does not draw the import leaves the clock as it is: only a tick may stop it.
    finished = {parts.view: view, parts.label: 0, parts.subset: "", parts.text: ""}
    monkeypatch.setattr(type(studio.datasets.pictures), "busy", False)
    for drawn in (page.filter(finished), page.act({parts.view: view}, pressed(do="page", page=1)), page.show(view)):
        assert parts.clock not in drawn or drawn[parts.clock].active


def test_a_sound_data_set_has_no_faults(studio: Studio) -> None:
    add_dataset(studio)
    assert health_of(studio) == Health([], [])


def test_what_stands_in_the_way_of_training_is_said(studio: Studio) -> None:
    clips = (LabelledClip("/a.mp4", "walk"), LabelledClip("/b.mp4", "swim"))
    studio.store.datasets.add(Dataset("poor", ("walk",), ("swim",), clips), origin="test")
    said = " ".join(health_of(studio).faults)
    assert "training needs at least two base labels, and there is one" in said
    assert "no clip is for testing" in said and "novel labels without a test clip" in said


def test_copies_are_told_by_how_bad_they_are(studio: Studio) -> None:
    add_dataset(studio)
    (row,) = studio.store.datasets.list()
    labels = studio.store.clips.labels(row.id)
    both, same = (Subset.TRAIN, Subset.TEST), (Subset.TRAIN, Subset.TRAIN)
    leak, torn = Copies(("a", "a"), both, ("/1.mp4", "/2.mp4")), Copies(("a", "b"), same, ("/3.mp4", "/4.mp4"))
    found = health(row, labels, [leak, torn, Copies(("a", "a"), same, ("/5.mp4", "/6.mp4"))])
    assert "both for training and for testing" in found.faults[0] and "'1.mp4' and '2.mp4'" in found.faults[0]
    assert "under two labels" in found.faults[1] and "more than once under one label" in found.notes[0]


def test_the_list_marks_what_is_open_and_the_demo_stands_where_it_will_be(studio: Studio) -> None:
    """A card that comes or goes above another one moves it away under the pointer."""
    add_dataset(studio, "mine")
    (row,) = studio.store.datasets.list()
    drawn = list_html(studio, [row], row.id)
    assert drawn.count("aria-current") == 1 and f'href="./datasets?id={row.id}" aria-current="true"' in drawn
    assert drawn.index("mine") < drawn.index("They are being drawn")
    assert 'href="./datasets?new=1" aria-current="true"' in list_html(studio, [replace(row, name="demo")], None)
    assert "They are being drawn" not in list_html(studio, [replace(row, name="demo")], None)


def test_the_draw_that_is_shown_is_the_one_that_a_run_makes(studio: Studio) -> None:
    dataset_id = add_many(studio, 200)
    dataset = studio.store.datasets.get("many")
    drawn = studio.datasets.sample(dataset_id, 3, 7)
    rows = [row for rows in drawn.values() for row in rows]
    assert [(row.path, row.label) for row in rows] == [(c.path, c.label) for c in draw_shots(dataset, 3, 7)]
    assert "60 clips of 20 labels with seed 7" in sample_html(studio, drawn, 3, 7)
    with pytest.raises(DatasetError, match="this data set is not there any more"):
        studio.datasets.sample(9999, 3, 7)


def test_half_of_the_labels_become_novel(studio: Studio) -> None:
    add_dataset(studio)
    (row,) = studio.store.datasets.list()
    studio.datasets.set_kind(row.id, [label.id for label in studio.store.clips.labels(row.id)], LabelKind.BASE)
    assert studio.datasets.divide_by_half(row.id, Half.LIST) == "2 labels are base now, 2 novel."
    assert studio.store.datasets.get("demo").novel == ("jumping rope", "waving")


@pytest.mark.parametrize("kind", [LabelKind.BASE, LabelKind.NOVEL])
def test_a_pasted_list_decides_in_any_spelling(studio: Studio, kind: LabelKind) -> None:
    add_dataset(studio)
    (row,) = studio.store.datasets.list()
    studio.datasets.divide_by_list(row.id, "Waving\nClimbing_a_ladder", kind)
    dataset = studio.store.datasets.get("demo")
    named = dataset.base if kind is LabelKind.BASE else dataset.novel
    assert set(named) == {"waving", "climbing a ladder"} and len(dataset.novel) == 2
    with pytest.raises(DatasetError, match="no label of this data set: flying; correct the list, nothing was changed"):
        studio.datasets.divide_by_list(row.id, "waving, flying", kind)


def test_pictures_are_made_in_the_background_and_a_fault_is_remembered(
    studio: Studio, page: Handlers, parts: Parts
) -> None:
    add_dataset(studio)
    broken = LabelledClip("/gone.mp4", "climbing a ladder")
    whole = studio.store.datasets.get("demo")
    dataset_id = studio.store.datasets.add(replace(whole, name="two", clips=(*whole.clips, broken)), origin="test")
    assert "<img" not in page.show(View(dataset_id))[parts.grid]
    pictures = studio.datasets.pictures
    deadline = time.monotonic() + 30
    while pictures.busy and time.monotonic() < deadline:
        time.sleep(0.02)
    made = page.tick({parts.view: View(dataset_id), parts.seen: None})[parts.live]["pictures"].values()
    assert sum(bool(one["picture"]) for one in made) == 8
    assert [one["fault"] for one in made if one["fault"]][0].startswith("the file cannot be read")
    drawn = page.show(View(dataset_id))[parts.grid]
    assert drawn.count("<img") == 8 and "the file cannot be read" in drawn
    opened = len(studio.inspector.opened)  # type: ignore[attr-defined]
    pictures.ask(studio.store.clips.page(dataset_id, ClipFilter(), limit=99))
    assert not pictures.busy and len(studio.inspector.opened) == opened  # type: ignore[attr-defined]


def test_a_clip_is_played_from_a_copy_that_is_made_once(studio: Studio) -> None:
    add_dataset(studio)
    clip = studio.store.clips.page(studio.store.datasets.list()[0].id, ClipFilter(), limit=1)[0]
    preview = preview_of(studio, clip)
    assert preview.is_relative_to(studio.home.media) and preview == preview_of(studio, clip)
    assert "<video" in player_html(studio, clip.id)
    assert "is not in the data set any more" in player_html(studio, 9999)


def test_the_newest_previews_stay_and_those_that_are_being_written(tmp_path: Path) -> None:
    for number in range(203):
        (tmp_path / f"{number}.mp4").touch()
        os.utime(tmp_path / f"{number}.mp4", (number, number))
    (tmp_path / ".abc-204.mp4").touch()  # half written, by another thread
    os.utime(tmp_path / ".abc-204.mp4", (0, 0))
    drop_oldest(tmp_path)
    left = {file.name for file in tmp_path.iterdir()}
    assert ".abc-204.mp4" in left and "3.mp4" in left and "2.mp4" not in left and len(left) == 201


def test_what_goes_between_a_list_and_a_look_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "new").touch()
    (tmp_path / "old").touch()
    os.utime(tmp_path / "old", (5, 5))
    found = by_age([tmp_path / "new", tmp_path / "went", tmp_path / "old"])
    assert [path.name for _, path in found] == ["old", "new"] and found[0][0] == 5


def test_a_form_names_the_source(tmp_path: Path) -> None:
    (tmp_path / "my clips").mkdir()
    (tmp_path / "list.txt").write_text("a.avi 1\n")
    source = source_of(BLANK | {"kind": "place", "place": f'"{tmp_path}/my clips"'})
    assert source == FileSource(tmp_path / "my clips")
    lists = source_of(BLANK | {"kind": "lists", "train": f"{tmp_path}/list.txt\n\n"})
    assert isinstance(lists, ListsSource) and lists.lists.train == (tmp_path / "list.txt",)
    upload = BLANK | {"upload": "/tmp/a.zip", "test_fold": " 2 "}
    assert source_of(upload) == FileSource(Path("/tmp/a.zip"), 2, uploaded=True)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "no zip was given"),
        ({"kind": "place"}, "the path of the folder, CSV file or zip is missing"),
        ({"kind": "place", "place": "/nowhere.csv"}, "there is no folder, CSV file or zip '/nowhere.csv' on this mach"),
        ({"kind": "lists"}, "no list was named"),
        ({"upload": "a.zip", "test_fold": "two"}, "'two' is no fold; write its number into 'Fold for testing'"),
    ],
)
def test_what_the_form_lacks_is_said(studio: Studio, page: Handlers, parts: Parts, form: dict[str, Any], message: str):
    values = {getattr(parts.form, name): value for name, value in (BLANK | form).items()}
    told = page.begin(values)[parts.form.told]
    assert message.replace("'", "&#39;") in told and studio.store.imports.latest() == []


@pytest.mark.parametrize("kind", ["place", "lists"])
def test_on_a_public_machine_nobody_reads_its_files(studio: Studio, parts: Parts, kind: str) -> None:
    public = replace(studio, server_paths=False)
    given = BLANK | {"kind": kind, "place": "/etc/passwd", "train": "/etc/passwd"}
    told = Handlers(public, parts).begin({getattr(parts.form, name): value for name, value in given.items()})
    assert "no zip was given" in told[parts.form.told] and studio.store.imports.latest() == []
    for source in (FileSource(Path("/etc/passwd")), ListsSource(SplitLists("x", (Path("/etc/passwd"),)))):
        with pytest.raises(DatasetError, match="files of the server cannot be imported here; upload a zip"):
            public.imports.start(source)


def test_the_report_of_the_newest_import_is_shown_and_others_can_be_chosen(studio: Studio) -> None:
    imports = studio.store.imports
    first = imports.begin("first", "first.zip", 1, 1.0)
    assert "Starting" in panel_html(studio) and "ds-report" not in panel_html(studio)
    imports.give_up(first, ImportState.FAILED, "the zip cannot be read; pack it again")
    second = imports.begin("second", "second.zip", 1, 1.0)
    flaw = {"file": "<a>.mp4", "label": "x", "kind": "left out", "reason": "no video", "fix": "another"}
    imports.give_up(second, ImportState.CANCELLED, "cancelled; nothing was kept", {"flaws": [flaw], "notes": []})
    newest = panel_html(studio)
    assert f'<option value="{second}" selected>' in newest
    assert "cancelled; nothing was kept" in newest and "&lt;a&gt;.mp4" in newest
    assert "the zip cannot be read" in panel_html(studio, first)


def test_a_report_of_many_faults_is_sent_a_page_at_a_time_and_downloaded_whole(studio: Studio, parts: Parts) -> None:
    imports = studio.store.imports
    number = imports.begin("many", "many.zip", 1, 1.0)
    kinds = ("left out", "left out", "taken")
    flaws = [
        {
            "file": f"clip-{place}.mp4",
            "label": "walk",
            "kind": kinds[place % 3],
            "reason": "it is short",
            "fix": "longer",
        }
        for place in range(20_000)
    ]
    imports.give_up(number, ImportState.FAILED, "no", {"flaws": flaws, "notes": []})
    opened = panel_html(studio)
    assert len(opened) < 40_000 and "clip-99.mp4" in opened and "clip-100.mp4" not in opened
    assert "20,000 clips need a look" in opened and "13,334 left out, 6,666 taken" in opened
    assert "page 1 of 200" in opened and "data:text/csv" not in opened
    handlers = Handlers(studio, parts)
    event = SimpleNamespace(_data={"do": "report", "import": number, "page": 199})
    last = handlers.in_panel(cast(gr.EventData, event))[parts.form.panel]
    assert len(last) < 40_000 and "clip-19999.mp4" in last and "clip-19899.mp4" not in last
    event._data = {"do": "download", "import": number}
    told = handlers.in_panel(cast(gr.EventData, event))[parts.form.told]
    assert 'download="import-report.csv"' in told
    assert len(studio.imports.report_file(number).read_text().splitlines()) == 20_001


def test_the_filters_in_the_address_are_shown_and_leave_their_clips(
    studio: Studio, page: Handlers, parts: Parts
) -> None:
    add_dataset(studio)
    drawn = page.open({parts.view: None}, asked(id="1", part="test", find="waving"))
    assert (drawn[parts.subset], drawn[parts.text]) == ("test", "waving")
    assert (
        drawn[parts.view].filter == ClipFilter(None, Subset.TEST, "waving")
        and "Clips 1 to 1 of 1<" in drawn[parts.grid]
    )
    assert page.open({parts.view: None}, asked(id="1", part="<b>"))[parts.view].filter == ClipFilter()


def test_the_form_says_how_class_names_are_read(studio: Studio, page: Handlers, parts: Parts, tmp_path: Path) -> None:
    for number, name in enumerate(("TaiChi", "YoYo")):
        (tmp_path / "ucf" / name).mkdir(parents=True)
        write_color_clip(tmp_path / "ucf" / name / "a.mp4", (200, 60, 60), seed=number, frames=8, side=64)
    given = BLANK | {"kind": "place", "place": str(tmp_path / "ucf"), "spelling": "as-published"}
    page.begin({getattr(parts.form, name): value for name, value in given.items()})
    newest = studio.store.imports.latest(1)[0]
    assert studio.imports.wait(newest.id, 60).error is None
    assert studio.store.datasets.get("ucf").base == ("TaiChi", "YoYo")
