"""Annotations over time at every door alike: what comes in, what is refused, what goes out."""

from __future__ import annotations

import errno
import json
import os
import re
import zipfile
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from commands import document, refused

from ga2app.cli.main import main
from ga2app.datasets.annotation_writers import AnnotationFormat
from ga2app.datasets.annotations import MOST_BYTES, LabeledStretch, read_annotations
from ga2app.errors import ClipError, DatasetError, StudioError
from ga2app.paths import default_home
from ga2app.services.annotation_files import AnnotationSource, needs_at, preview
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.dataset_export import export_refused
from ga2app.services.import_sources import FileSource, source_at, source_given
from ga2app.store import Store
from ga2app.types import Dataset, LabelledClip, Subset
from ga2app.video.decoder_pool import shared_pool
from ga2app.web import Studio
from ga2app.web.pages.datasets.dataset_handlers import Handlers
from ga2app.web.pages.datasets.dataset_views import MORE, View
from ga2app.web.pages.datasets.datasets_page import Parts
from tests.clipsets.test_annotations import BAD, BORIS_TSV, CVAT, ELAN, TRACK, label_studio, write_clip

from .test_page import BLANK

VTT = "WEBVTT\n\n00:01.000 --> 00:02.000\nrun\n\n00:02.000 --> 00:03.000\njump\n"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two videos of 5 s and 2 s, which no test changes; the second lies in a folder."""
    folder = tmp_path_factory.mktemp("videos")
    write_clip(folder / "a.mp4")
    (folder / "b").mkdir()
    write_clip(folder / "b" / "b.mp4", 50)
    return folder


def add_set(root: Path, name: str = "mine") -> None:
    """Stretches on the grid of 25 frames: a whole file, one without an end, one whose end lies beyond the video."""
    clips = [
        LabelledClip(f"{root / 'a.mp4'}#t=1,2", "run"),
        LabelledClip(f"{root / 'a.mp4'}#t=1.52,4", "jump, high", Subset.TEST),
        LabelledClip(f"{root / 'a.mp4'}#t=4.2", "run"),
        LabelledClip(f"{root / 'a.mp4'}#t=4.6,9", "jump, high"),
        LabelledClip(str(root / "b" / "b.mp4"), "run"),
    ]
    with Store.open(default_home()) as store:
        store.datasets.add(Dataset(name, ("run",), ("jump, high",), tuple(clips)), origin="test")


SAME = {
    LabeledStretch("a.mp4", 1.0, 2.0, "run"),
    LabeledStretch("a.mp4", 1.52, 4.0, "jump, high"),
    LabeledStretch("a.mp4", 4.2, 5.0, "run"),
    LabeledStretch("a.mp4", 4.6, 5.0, "jump, high"),
    LabeledStretch("b/b.mp4", 0.0, 2.0, "run"),
}


@pytest.mark.parametrize("form", AnnotationFormat)
def test_a_data_set_is_written_for_each_tool_and_read_back_the_same(
    form: AnnotationFormat, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    add_set(root)
    rate = ["--frame-rate", "25"] if form is AnnotationFormat.LABEL_STUDIO else []
    written = document(capsys, "export-dataset", "mine", str(tmp_path / "out"), "--as", form.value, *rate)["files"]
    assert sum(written.values()) == sum(file.stat().st_size for file in map(Path, written))
    found: set[LabeledStretch] = set()
    for file in written:
        read = read_annotations(file, root, 25.0 if rate else None)
        assert not read.cut and not read.left_out
        found |= set(read.stretches)
    assert found == SAME


def test_a_folder_that_cannot_be_written_is_told_without_talk_of_a_full_disk(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    add_set(root)
    (tmp_path / "file").write_text("in the way")
    told = refused(capsys, "export-dataset", "mine", str(tmp_path / "file" / "out"), "--as", "csv")
    assert "could not be written (Not a directory); choose a folder that is there" in told
    full = export_refused(OSError(errno.ENOSPC, "No space left on device"))
    assert "(No space left on device); free some disk space" in str(full)


def test_one_video_of_a_data_set_is_written_and_no_file_is_written_over(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    add_set(root)
    command = ["export-dataset", "mine", str(tmp_path), "--as", "webvtt", "--video", "b.mp4"]
    assert list(document(capsys, *command)["files"]) == [str(tmp_path / "b.vtt")]
    assert (tmp_path / "b.vtt").read_text() == "WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nrun\n"
    assert "b.vtt' is there already; choose another folder" in refused(capsys, *command)
    assert "no video is called 'c.mp4' in 'mine'; name one of 'a.mp4'" in refused(capsys, *command[:-1], "c.mp4")
    assert sorted(file.name for file in tmp_path.glob("*.*")) == ["b.vtt"]
    assert "give its rate, <Video frameRate>" in refused(capsys, *command[:4], "label-studio")
    assert "are for a labeling tool's file" in refused(capsys, *command[:3], "--video", "b.mp4")
    assert "there is no data set 'ours'; known data sets: 'mine'" in refused(capsys, "export-dataset", "ours")


def test_a_video_that_is_gone_hinders_only_clips_whose_end_it_has_to_tell(studio: Studio, tmp_path: Path):
    kept = (LabelledClip(f"{tmp_path / 'gone.mp4'}#t=1,2", "run"),)
    of = studio.store.datasets.add(Dataset("kept", ("run",), (), kept), origin="test")
    assert studio.annotations.written(of, "csv")["kept.csv"] == "path,label,start,end\ngone.mp4,run,1.000,2.000\n"
    of = studio.store.datasets.add(
        Dataset("open", ("run",), (), (LabelledClip(str(tmp_path / "gone.mp4"), "run"),)), origin="test"
    )
    with pytest.raises(ClipError, match="'gone.mp4': the file cannot be read .No such file"):
        studio.annotations.written(of, "csv")


@pytest.mark.parametrize(("form", "name"), [("list", "mine.csv"), ("zip", "mine.zip")])
def test_a_data_set_is_written_as_the_studio_reads_it_back(
    form: str, name: str, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    add_set(root)
    (file,) = document(capsys, "export-dataset", "mine", str(tmp_path), "--as", form)["files"]
    assert Path(file) == tmp_path / name
    assert main(["import-dataset", file, "--name", "again"]) == 0
    with Store.open(default_home()) as store:
        before, after = (store.datasets.get(name) for name in ("mine", "again"))
    assert (after.base, after.novel) == (before.base, before.novel)
    parts = [{(clip.label, clip.subset, clip.start_s) for clip in one.clips} for one in (before, after)]
    assert parts[0] == parts[1] and len(after.clips) == 5


def pack(file: Path, root: Path, **texts: str) -> Path:
    with zipfile.ZipFile(file, "w") as packed:
        for video in root.rglob("*.mp4"):
            packed.write(video, f"material/{video.relative_to(root)}")
        for name, text in texts.items():
            packed.writestr(f"material/labels/{name.replace('_', '.')}", text)
    return file


def test_a_zip_of_videos_with_a_tools_files_is_told_previewed_and_imported(studio: Studio, root: Path, tmp_path: Path):
    file = pack(tmp_path / "packed.zip", root, a_vtt=VTT, b_vtt=VTT, readme_txt="of somebody")
    needs = needs_at(file)
    assert needs and (needs.format, needs.frame_rate, needs.tiers) == ("WebVTT", False, ())
    source = source_given(str(file), "", "", None, None, server_paths=False)
    assert isinstance(source, AnnotationSource) and source.uploaded
    found = studio.annotations.preview(source)
    assert [(one.path, one.start) for one in found.stretches] == [
        ("material/a.mp4", 1.0), ("material/a.mp4", 2.0), ("material/b/b.mp4", 1.0)]  # fmt: skip
    assert [one.why for one in found.left_out] == ["lies outside: it starts at 2 s, and the clip lasts to 2 s"]
    assert dict(found.clips) == {"material/a.mp4": (0.0, 5.0), "material/b/b.mp4": (0.0, 2.0)}
    assert studio.store.datasets.list() == [] and studio.store.imports.latest() == []
    row = studio.imports.wait(studio.imports.start(source, "mine"), 60)
    assert row.state == "done", row.error
    clips = studio.store.datasets.get("mine").clips
    assert {(Path(clip.file).name, clip.start_s, clip.label) for clip in clips} == {
        ("a.mp4", 1.0, "run"), ("a.mp4", 2.0, "jump"), ("b.mp4", 1.0, "run")}  # fmt: skip
    kept = {file.relative_to(studio.home.datasets).as_posix() for file in studio.home.datasets.rglob("*.*")}
    assert kept == {"import-1/material/a.mp4", "import-1/material/b/b.mp4"}


def test_a_zip_of_clips_with_a_list_or_of_nothing_known_is_as_before(root: Path, tmp_path: Path):
    rows = "path,label,start,end\nmaterial/a.mp4,run,1,2\n"
    for name, texts in {"listed.zip": {"clips_csv": rows}, "plain.zip": {"readme_txt": "clips"}}.items():
        file = pack(tmp_path / name, root, **texts)
        assert needs_at(file) is None and source_at(file) == FileSource(file)
        with pytest.raises(DatasetError, match="holds no annotations over time, which alone have a frame rate and ti"):
            source_at(file, frame_rate=25.0)
    (tmp_path / "cut.zip").write_bytes(file.read_bytes()[:-40])
    assert needs_at(tmp_path / "cut.zip") is None


def test_a_zip_with_files_of_tools_in_several_folders_is_refused(root: Path, tmp_path: Path):
    file = pack(tmp_path / "packed.zip", root, a_vtt=VTT)
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr("more/b.vtt", VTT)
    with pytest.raises(DatasetError, match=r"annotations in 2 folders \(material/labels, more\); pack them in one"):
        preview(source_at(file))


def test_a_file_says_what_it_asks_for(tmp_path: Path):
    (tmp_path / "l.json").write_text(label_studio({"start": 51, "end": 100}))
    needs = needs_at(tmp_path / "l.json")
    assert needs and (needs.format, needs.frame_rate, needs.tiers) == ("Label Studio", True, ())
    second = (
        '<TIER LINGUISTIC_TYPE_REF="top" TIER_ID="who"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a2" '
        'ANNOTATION_REF="a1"><ANNOTATION_VALUE>left</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>'
    )
    (tmp_path / "l.eaf").write_text(ELAN.format("", "", second))
    needs = needs_at(tmp_path / "l.eaf")
    assert needs and (needs.format, needs.frame_rate, needs.tiers) == ("ELAN", False, ("act", "who"))
    (tmp_path / "l.txt").write_text("nothing of the kind")
    assert needs_at(tmp_path / "l.txt") is None


def faulty(name: str) -> tuple[str, str, dict[str, Any]]:
    """The name and content of a file, and what is asked beside it."""
    grid = label_studio({"start": 51, "end": 121})
    return {
        "a mixed bag": ("l.csv", BAD, {}),
        "frames": ("l.csv", "path,label,start_frame,end_frame\na.mp4,run,50,100\n", {}),
        "frames as seconds": ("l.csv", "path,label,start,end\na.mp4,run,50,100\na.mp4,run,1,2\n", {}),
        "no rate": ("l.json", grid, {}),
        "a rate that is too low": ("l.json", grid, {"frame_rate": 20.0}),
        "renamed": ("l.json", label_studio({"start": 1, "end": 9}, video="1a2b3c4d-a.mp4"), {"frame_rate": 25.0}),
        "XML that is cut": ("l.eaf", ELAN.format("", "", "")[:400], {}),
        "XML with entities": ("l.eaf", '<!DOCTYPE a [<!ENTITY b "ha">]><annotations>&b;</annotations>', {}),
        "XML that is deep": ("l.xml", CVAT.format(TRACK).replace("<annotations>", "<annotations>" + "<a>" * 200), {}),
        "no such tier": ("l.eaf", ELAN.format("", "", ""), {"tiers": ["deed"]}),
        "ten thousand": ("l.csv", "path,label,start,end\n" + "".join(
            f"a.mp4,run,{at / 2500:.4f},{at / 2500 + 0.5:.4f}\n" for at in range(10_000)), {}),
    }[name]  # fmt: skip


FAULTS = {
    "a mixed bag": (
        "lies outside: it starts at 6 s, and the clip lasts to 5 s", "20 frames too many", "is reversed: it ends at 2",
        "has no length: it starts and ends at 1 s", "'one' to 'two' are no times", "has no label: 1 s to 2 s",
        "is given twice: 1 s to 2 s", "'c.mp4' is not below", "run 1 s to 2 s, walk 1.5 s to 2.5 s",
    ),
    "frames": ("columns start_frame and end_frame count frames",),
    "frames as seconds": ("it starts at 50 s, and the clip lasts to 5 s", "are these frame numbers?"),
    "no rate": ("no export tells its rate; give --frame-rate",),
    "a rate that is too low": ("frame 121 of 'a.mp4' at 6.05 s, and it lasts to 5 s",),
    "renamed": ("1a2b3c4d-a.mp4 is a.mp4",),
    "XML that is cut": ("'l.eaf' is damaged: line 1",),
    "XML with entities": ("declares a document type",),
    "XML that is deep": ("nested more than 100 deep",),
    "no such tier": ("there is no tier 'deed'; it has 'act'",),
    "ten thousand": ("9,999 stretches overlap",),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_bad_input_is_told_in_the_same_words_at_every_door_and_nothing_is_imported(
    name: str, root: Path, tmp_path: Path, studio: Studio, capsys: pytest.CaptureFixture[str]
):
    file, content, asked = faulty(name)
    (tmp_path / file).write_text(content.replace("b.mp4", "c.mp4"))
    options = [f"--frame-rate={asked['frame_rate']}"] if "frame_rate" in asked else []
    options += [f"--tier={tier}" for tier in asked.get("tiers", ())]
    status = main(["import-dataset", str(tmp_path / file), "--root", str(root), "--dry-run", "--json", *options])
    answer = capsys.readouterr()
    assert (status == 0) == answer.out.startswith("{") and answer.err.count("\n") == (0 if status == 0 else 1)
    try:
        more = asked.get("frame_rate"), asked.get("tiers", ())
        given = source_given(None, str(tmp_path / file), str(root), None, *more, server_paths=True)
        by_service = json.dumps(studio.annotations.preview(given).to_dict(), ensure_ascii=False)
    except StudioError as exc:
        by_service = str(exc)
    for words in FAULTS[name]:
        assert words in answer.out + answer.err and words in by_service
    if status == 0:
        assert json.loads(answer.out) == json.loads(by_service)
    assert not default_home().database.exists() and studio.store.datasets.list() == []


def test_a_thousand_stretches_of_one_file_are_imported_by_opening_it_once(studio: Studio, root: Path, tmp_path: Path):
    rows = "".join(f"a.mp4,run {at % 3},{at / 250:.3f},{at / 250 + 0.1:.3f}\n" for at in range(1000))
    (tmp_path / "l.csv").write_text(f"path,label,start,end\n{rows}")
    looking, source = replace(studio, inspector=VideoInspector()), source_at(tmp_path / "l.csv", root=root)
    os.utime(root / "a.mp4")  # what was read of it before is not known any more
    before = shared_pool.opened
    row = looking.imports.run(source, "many")
    assert (row.state, row.error, shared_pool.opened - before) == ("done", None, 1)
    assert len(studio.store.datasets.get("many").clips) == 1000


def filled(parts: Parts, **given: Any) -> dict[Any, Any]:
    return {getattr(parts.form, name): value for name, value in (BLANK | given).items()}


def visible(parts: Parts, drawn: dict[Any, Any]) -> set[str]:
    names = ("folder", "rate", "tiers", "preview")
    return {name for name in names if drawn[getattr(parts.form, name)]["visible"]}


def test_the_form_asks_for_what_the_named_file_needs_and_for_nothing_else(parts: Parts, root: Path, tmp_path: Path):
    def asked(**given: Any) -> tuple[set[str], str, Any]:
        drawn = parts.form.look(filled(parts, **given))
        return visible(parts, drawn), drawn[parts.form.found], drawn[parts.form.tiers]["choices"]

    (tmp_path / "l.json").write_text(label_studio({"start": 51, "end": 100}))
    names, told, _ = asked(kind="place", place=f' "{tmp_path}/l.json" ')
    assert names == {"folder", "rate", "preview"} and "Labels over time (Label Studio)" in told
    (tmp_path / "l.eaf").write_text(ELAN.format("", "", "").replace('TIER_ID="act"', 'TIER_ID="deed"'))
    assert asked(kind="place", place=str(tmp_path / "l.eaf"))[0] == {"folder", "preview"}
    (tmp_path / "l.tsv").write_text(BORIS_TSV + BORIS_TSV.partition("\n")[2].replace("left", "right"))
    names, told, tiers = asked(kind="place", place=str(tmp_path / "l.tsv"))
    assert names == {"folder", "tiers", "preview"} and tiers == ["left", "right"]
    packed = str(pack(tmp_path / "packed.zip", root, a_vtt=VTT))
    assert asked(upload=packed)[0] == asked(kind="place", place=packed)[0] == {"preview"}
    for given in (
        {},
        {"kind": "place", "place": str(root)},
        {"kind": "place", "place": "/no\0where"},
        {"kind": "lists"},
    ):
        assert asked(**given)[:2] == (set(), "")


def test_on_a_public_machine_the_form_looks_into_no_file_of_it(studio: Studio, parts: Parts, tmp_path: Path):
    (tmp_path / "a.vtt").write_text(VTT)
    parts.form._studio = replace(studio, server_paths=False)
    drawn = parts.form.look(filled(parts, kind="place", place=str(tmp_path / "a.vtt")))
    assert visible(parts, drawn) == set()
    told = [*parts.form.show_preview(filled(parts, kind="place", place=str(tmp_path / "a.vtt")))][-1]
    assert "no zip was given" in told
    with pytest.raises(DatasetError, match="files of the server cannot be read here"):
        parts.form._studio.annotations.preview(AnnotationSource(tmp_path / "a.vtt"))


def test_the_preview_draws_what_the_command_prints_and_imports_nothing(
    studio: Studio, parts: Parts, page: Handlers, root: Path, tmp_path: Path
):
    (tmp_path / "l.csv").write_text(BAD.replace("b.mp4", "c.mp4") + "b/b.mp4,run,0.5,1\n")
    values = filled(parts, kind="place", place=str(tmp_path / "l.csv"), folder=str(root))
    wait, html = parts.form.show_preview(values)
    assert "Looking at the videos" in wait
    assert "CSV: 5 stretches of 4 labels in 2 videos would be imported; 2 cut to the video, 7 left out." in html
    assert html.count('<figure class="timeline"') == 2 and "<h4>b/b.mp4</h4>" in html
    drawn = re.findall(r'<span class="bar (\w+)" style="left', html)
    assert (drawn.count("in"), drawn.count("cut"), drawn.count("out")) == (3, 2, 5)
    for words in FAULTS["a mixed bag"]:
        assert words.replace("'", "&#39;") in html
    assert studio.store.imports.latest() == [] and studio.store.datasets.list() == []
    assert page.begin(values)[parts.form.told] == ""
    row = studio.imports.wait(studio.store.imports.latest()[0].id, 60)
    assert row.state == "done" and len(studio.store.datasets.get("l").clips) == 5


@pytest.mark.parametrize("name", FAULTS)
def test_the_page_tells_bad_input_in_the_words_of_the_command(name: str, parts: Parts, root: Path, tmp_path: Path):
    file, content, asked = faulty(name)
    (tmp_path / file).write_text(content.replace("b.mp4", "c.mp4"))
    values = filled(parts, kind="place", place=str(tmp_path / file), folder=str(root), rate=asked.get("frame_rate"),
                    tiers=asked.get("tiers", []))  # fmt: skip
    html = unescape([*parts.form.show_preview(values)][-1])
    expected = ("does not tell its rate; fill in 'Frame rate of the timeline'",) if name == "no rate" else FAULTS[name]
    assert all(words in html for words in expected), html[:2000]
    assert len(html) < 700_000


def test_a_huge_file_is_refused_in_one_line_at_every_door(
    parts: Parts, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "l.eaf"
    file.write_text("<ANNOTATION_DOCUMENT>")
    os.truncate(file, MOST_BYTES + 1)  # a hole: nothing is written
    assert "it is larger than 268 MB" in refused(capsys, "import-dataset", str(file), "--root", str(root))
    told = [*parts.form.show_preview(filled(parts, kind="place", place=str(file), folder=str(root)))][-1]
    assert "it is larger than 268 MB" in told


def test_the_rate_that_is_missing_is_asked_for_before_an_import_begins(
    studio: Studio, parts: Parts, page: Handlers, root: Path, tmp_path: Path
):
    (tmp_path / "l.json").write_text(label_studio({"start": 51, "end": 100}))
    values = filled(parts, kind="place", place=str(tmp_path / "l.json"), folder=str(root))
    assert "fill in &#39;Frame rate of the timeline&#39;" in page.begin(values)[parts.form.told]
    assert studio.store.imports.latest() == []
    assert page.begin(values | {parts.form.rate: 25})[parts.form.told] == ""
    assert studio.imports.wait(studio.store.imports.latest()[0].id, 60).state == "done"


def test_the_page_writes_a_data_set_for_a_tool(studio: Studio, parts: Parts, page: Handlers, root: Path):
    clips = (LabelledClip(f"{root / 'a.mp4'}#t=1,2", "run"), LabelledClip(str(root / "b" / "b.mp4"), "jump"))
    of = studio.store.datasets.add(Dataset("mine", ("run", "jump"), (), clips), origin="test")

    def exported(**given: Any) -> str:
        values, event = {parts.view: View(of)}, gr.EventData(None, {"as": "tool"} | given)
        return [*page.export(values, event)][-1]

    assert "Download mine-elan.zip" in exported(form="elan") and "Download b.eaf" in exported(
        form="elan", video="b.mp4"
    )
    assert "Download mine.json" in exported(form="label-studio", rate="29,97")
    assert "&lt;Video frameRate&gt;" in exported(form="label-studio", rate="")
    assert "a frame rate of &#39;fast&#39; is none" in exported(form="label-studio", rate="fast")
    assert "form &#39;pdf&#39; is not one of csv, webvtt, elan" in exported(form="pdf")
    assert "no video is called &#39;z.mp4&#39;" in exported(form="csv", video="z.mp4")
    assert page.draw_tab({parts.view: View(of)}, MORE)[parts.whole].count("<option") == len(AnnotationFormat)
