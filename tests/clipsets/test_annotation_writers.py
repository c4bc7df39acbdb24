"""What is written for a labeling tool is read back the same, by us and by the tool's own library."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pympi
import pytest
import webvtt

from ga2app.datasets.annotation_writers import AnnotationFormat, written
from ga2app.datasets.annotations import LabeledStretch, read_annotations
from ga2app.errors import DatasetError
from ga2app.video.writer import write_clip

STRETCHES = (
    LabeledStretch("a.mp4", 0.0, 1.0, "run"),
    LabeledStretch("a.mp4", 1.0, 2.0, "run"),
    LabeledStretch("a.mp4", 1.52, 4.0, "=walk <fast> & far, \"so\" to --> say"),
    LabeledStretch("a.mp4", 1.6, 1.84, "run"),
    LabeledStretch("b.mp4", 0.04, 0.08, "café"),
)  # fmt: skip
"""On the grid of 25 frames a second, overlapping and side by side, with labels that each format has to escape."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videos")
    for name, frames in (("a.mp4", 125), ("b.mp4", 50)):
        write_clip(folder / name, np.zeros((frames, 32, 48, 3), np.uint8), 25)
    return folder


@pytest.mark.parametrize("form", AnnotationFormat)
def test_what_is_written_is_read_back_the_same(form: AnnotationFormat, root: Path, tmp_path: Path):
    files = written(STRETCHES, form, frame_rate=25.0, durations={"a.mp4": 5.0})
    found: list[LabeledStretch] = []
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        rate = 25.0 if form is AnnotationFormat.LABEL_STUDIO else None
        read = read_annotations(tmp_path / name, root, rate)
        assert not read.cut and not read.left_out
        found += read.stretches
    assert sorted(found, key=str) == sorted(STRETCHES, key=str)


def test_elan_is_read_by_pympi(tmp_path: Path):
    (tmp_path / "a.eaf").write_text(written(STRETCHES, AnnotationFormat.ELAN)["a.eaf"], encoding="utf-8")
    document = pympi.Eaf(str(tmp_path / "a.eaf"))
    assert list(document.get_tier_names()) == ["labels", "labels 2", "labels 3"]
    assert document.get_annotation_data_for_tier("labels") == [(0, 1000, "run"), (1000, 2000, "run")]
    assert document.get_annotation_data_for_tier("labels 2") == [(1520, 4000, STRETCHES[2].label)]
    assert document.get_linked_files()[0]["RELATIVE_MEDIA_URL"] == "./a.mp4"


def test_webvtt_is_read_by_webvtt_py(tmp_path: Path):
    (tmp_path / "a.vtt").write_text(written(STRETCHES, AnnotationFormat.WEBVTT)["a.vtt"], encoding="utf-8")
    cues = webvtt.read(str(tmp_path / "a.vtt"))
    assert [f"{cue.start} {cue.end}" for cue in cues][1:3] == [
        "00:00:01.000 00:00:02.000",
        "00:00:01.520 00:00:04.000",
    ]
    assert cues[0].text == "run"


def test_what_elan_and_a_subtitle_library_write_is_read(root: Path, tmp_path: Path):
    document = pympi.Eaf()
    document.add_tier("act")
    document.add_annotation("act", 2000, 4000, "run")
    document.add_linked_file(str(root / "a.mp4"), relpath="./a.mp4", mimetype="video/mp4", time_origin=500)
    document.to_file(str(tmp_path / "l.eaf"))
    assert read_annotations(tmp_path / "l.eaf", root).stretches == (LabeledStretch("a.mp4", 2.5, 4.5, "run"),)
    cues = webvtt.WebVTT()
    cues.captions.append(webvtt.Caption("00:00:02.000", "00:00:04.000", ["run", "walk"]))
    cues.save(str(tmp_path / "a.vtt"))
    cues.save_as_srt(str(tmp_path / "a.srt"))
    for name in ("a.vtt", "a.srt"):
        found = read_annotations(tmp_path / name, root)
        assert [(one.start, one.end, one.label) for one in found.stretches] == [(2.0, 4.0, "run"), (2.0, 4.0, "walk")]


def test_predictions_are_accepted_by_label_studios_own_library(tmp_path: Path):
    # 400 MB with what it needs, so that it is not among the tests' requirements: pip install label-studio-sdk==2.1.2
    interface = pytest.importorskip("label_studio_sdk.label_interface", exc_type=ImportError)
    config = (
        '<View><TimelineLabels name="videoLabels" toName="video"><Label value="run"/><Label value="café"/>'
        '</TimelineLabels><Video name="video" value="$video" frameRate="25"/></View>'
    )
    some = [one for one in STRETCHES if one.label in ("run", "café")]
    tasks = json.loads(written(some, AnnotationFormat.LABEL_STUDIO, frame_rate=25.0)["stretches.json"])
    for task in tasks:
        assert interface.LabelInterface(config).validate_prediction(task["predictions"][0], return_errors=True) == []
    assert tasks[0]["predictions"][0]["result"][0]["value"]["ranges"] == [{"start": 1, "end": 25}]


def test_what_cannot_be_written_is_said():
    with pytest.raises(DatasetError, match="give its rate, <Video frameRate>"):
        written(STRETCHES, AnnotationFormat.LABEL_STUDIO)
    with pytest.raises(DatasetError, match="there are no stretches to write"):
        written([], AnnotationFormat.CSV)
    two = [LabeledStretch(f"x/a.{ending}", 0, 1, "run") for ending in ("mp4", "avi")]
    with pytest.raises(DatasetError, match=r"several clips would be written to 'x/a\.vtt'"):
        written(two, AnnotationFormat.WEBVTT)
    apart = [LabeledStretch(f"{folder}/a.mp4", 0, 1, "run") for folder in "xy"]
    assert list(written(apart, AnnotationFormat.WEBVTT)) == ["x/a.vtt", "y/a.vtt"]
