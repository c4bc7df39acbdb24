"""Annotations over time, as each tool writes the same stretch: frames 50 to 99 of a clip of 25 frames a second."""

from __future__ import annotations

import functools
import gzip
import json
import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ga2app.cli.main import main
from ga2app.datasets.annotations import Annotations, LabeledStretch, annotation_format, read_annotations
from ga2app.errors import DatasetError
from ga2app.paths import default_home
from ga2app.store import Store
from ga2app.stretches import address_of
from ga2app.video import Every, read_clip
from ga2app.video.decoder_pool import shared_pool

approx = functools.partial(pytest.approx, rel=1e-4)
RUN = LabeledStretch("a.mp4", 2.0, 4.0, "run")


def write_clip(path: Path, frames: int = 125, fps: int = 25, first: int = 0) -> Path:
    """A small clip of ``frames`` frames, the first one shown at ``first`` frames' time: mpeg4 with B-frames in ts."""
    with av.open(str(path), "w", options={"movflags": "+frag_keyframe+empty_moov"} if first else {}) as file:
        stream = file.add_stream("libx264" if path.suffix != ".ts" else "mpeg2video", rate=fps)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 2 * number % 256, np.uint8), "rgb24")
            frame.pts, frame.time_base = number + first, Fraction(1, fps)
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clip, which no test changes."""
    folder = tmp_path_factory.mktemp("videos")
    write_clip(folder / "a.mp4")
    return folder


def read(root: Path, folder: Path, name: str, content: str | bytes, **more: Any) -> Annotations:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_annotations(file, root, **more)


def label_studio(*ranges: dict[str, Any], video: str = "a.mp4", **more: Any) -> str:
    value = {"ranges": list(ranges), "timelinelabels": ["run"]}
    result = [{"id": "r1", "type": "timelinelabels", "from_name": "act", "to_name": "video", "value": value}]
    return json.dumps([{"id": 1, "data": {"video": video} | more, "annotations": [{"id": 1, "result": result}]}])


SOUND = {"start": 2.0, "end": 4.0, "channel": 0, "labels": ["run"]}
BOXES = "".join(
    f'<box frame="{at}" keyframe="{int(at == 50)}" outside="0" xtl="1" ytl="1"></box>' for at in range(50, 100)
)
CVAT = (
    "<?xml version='1.0'?><annotations><version>1.1</version><meta><task><name>t</name><size>125</size>"
    "<start_frame>0</start_frame><stop_frame>124</stop_frame><frame_filter></frame_filter><source>a.mp4</source></task>"
    "</meta>{}</annotations>"
)
TRACK = f'<track id="0" label="run" source="manual">{BOXES}<box frame="100" keyframe="1" outside="1"></box></track>'
TAGS = "".join(f'<image id="{at}" name="frame_{at:06d}"><tag label="run"></tag></image>' for at in range(50, 100))
ATTRIBUTE = {"1": {"aname": "act", "anchor_id": "FILE1_Z2_XY0", "type": 4, "options": {"3": "run"}}}
VIA = {
    "project": {"vid_list": ["1"]}, "attribute": ATTRIBUTE,
    "file": {"1": {"fid": "1", "fname": "a.mp4", "type": 4, "loc": 1, "src": ""}}, "view": {"1": {"fid_list": ["1"]}},
    "metadata": {"1_x": {"vid": "1", "flg": 0, "z": [2.0, "4.0"], "xy": [], "av": {"1": "3"}}},
}  # fmt: skip
VIA_CSV = (
    f"# Exported using VGG Image Annotator\n# ATTRIBUTE = {json.dumps(ATTRIBUTE)}\n"
    "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
    '"1_x","[""a.mp4""]",0,"[2,4]","[]","{""1"":""3""}"\n'
)
ELAN = (
    '<?xml version="1.0" encoding="UTF-8"?><ANNOTATION_DOCUMENT><HEADER TIME_UNITS="milliseconds">'
    '<MEDIA_DESCRIPTOR MEDIA_URL="file:///home/me/films/a.mp4" MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL="./a.mp4"{}/>'
    '</HEADER><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="2000"/>'
    '<TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="4000"/><TIME_SLOT TIME_SLOT_ID="ts3"/></TIME_ORDER>'
    '<TIER LINGUISTIC_TYPE_REF="top" TIER_ID="act"><ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" '
    'TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>run</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>'
    "</ANNOTATION>{}</TIER>{}</ANNOTATION_DOCUMENT>"
)
EVENTS = [[2.0, "left", "run", "", "", 50], [4.0, "left", "run", "", "", 100]]


def boris(events: list[list[Any]], files: dict[str, float] | None = None) -> dict[str, Any]:
    files = files or {"/home/me/a.mp4": 5.0}
    observation = {"file": {"1": list(files), "2": []}, "events": events, "time offset": 7.0,
                   "media_info": {"length": files, "fps": dict.fromkeys(files, 25.0)}}  # fmt: skip
    kinds = {"0": {"code": "run", "type": "State event"}, "1": {"code": "jump", "type": "Point event"}}
    return {"behaviors_conf": kinds, "observations": {"one": observation}}


BORIS_TSV = (
    "Observation id\tSource\tTime offset (s)\tMedia duration (s)\tFPS\tSubject\tBehavior\tBehavior type\tTime\t"
    "Media file name\tImage index\n"
    "one\tplayer #1:a.mp4\t7\t5.000\t25.000\tleft\trun\tSTART\t2.000\ta.mp4\t50\n"
    "one\tplayer #1:a.mp4\t7\t5.000\t25.000\tleft\trun\tSTOP\t4.000\ta.mp4\t100\n"
)
OLD_BORIS = (
    "Observation id\tone\n\nMedia file(s)\nPlayer #1\t/home/me/a.mp4\n\n"
    "Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tComment\tStatus\n"
    "2.000\t/home/me/a.mp4\t5.0\t25\tleft\trun\t\tSTART\n4.000\t/home/me/a.mp4\t5.0\t25\tleft\trun\t\tSTOP\n"
)
BORIS_AGGREGATED = (
    "Observation id,Source,Media duration (s),FPS (frame/s),Subject,Behavior,Behavior type,Start (s),Stop (s),"
    "Duration (s),Media file name\none,player #1:a.mp4,5.000,25.000,left,run,STATE,2.000,4.000,2.000,a.mp4\n"
)
ACTIVITY_NET = {"database": {"a": {"duration": 5.0, "subset": "training",
                "annotations": [{"segment": [2.0, 4.0], "label": "run"}]},
                "b": {"subset": "test", "annotations": []}}}  # fmt: skip
EPIC = "narration_id,video_id,start_timestamp,stop_timestamp,start_frame,stop_frame,narration,verb\n"
SAMPLES: dict[str, tuple[str, str, str | bytes]] = {
    "csv": ("CSV", "l.csv", "path,label,start,end\na.mp4,run,2.0,4.0\n"),
    "csv with a clock": ("CSV", "l.csv", "video;start;end;class\na.mp4;0:00:02.00;0:04;run\n"),
    "json lines": ("CSV", "l.jsonl", '{"path": "a.mp4", "label": "run", "start": 2, "end": 4}\n{"path": "", "end": 0}'),
    "label studio": ("Label Studio", "l.json", label_studio({"start": 51, "end": 100})),
    "label studio, one task": ("Label Studio", "l.json", label_studio({"start": 51, "end": 100})[1:-1]),
    "label studio, backend": ("Label Studio", "l.json",
                              label_studio({"start": 50, "end": 100}, {"start": 0, "end": 25})),
    "label studio, sound": ("Label Studio", "l.json", json.dumps([{"data": {"video": "/data/local-files/?d=x/a.mp4"},
                            "annotations": [{"result": [{"type": "labels", "original_length": 5, "value": SOUND}]}]}])),
    "label studio, minimal": ("Label Studio", "l.json", json.dumps([{"video": "/data/upload/3/1a2b3c4d-a.mp4", "id": 1,
                              "act": [{"ranges": [{"start": 51, "end": 100}], "timelinelabels": ["run"]}]}])),
    "label studio, csv": ("Label Studio", "l.csv", 'act,video,id\n"[{""ranges"":[{""start"":51,""end"":100}],'
                          '""timelinelabels"":[""run""]}]",/data/upload/3/1a2b3c4d-a.mp4,1\n'),
    "label studio, tsv": ("Label Studio", "l.tsv", f"act\tvideo\n{json.dumps([SOUND])}\ts3://bucket/a.mp4\n"),
    "cvat video": ("CVAT for video 1.1", "l.xml", CVAT.format(TRACK)),
    "cvat images": ("CVAT for images 1.1", "l.xml", CVAT.format(TAGS)),
    "cvat api": ("CVAT intervals", "l.json", json.dumps({"source": "a.mp4", "labels": [{"id": 1, "name": "run"}],
                 "intervals": [{"label_id": 1, "start": 50, "stop": 100}]})),
    "via": ("VIA 3 project", "l.json", json.dumps(VIA)),
    "via csv": ("VIA 3 CSV", "l.csv", VIA_CSV),
    "elan": ("ELAN", "l.eaf", ELAN.format("", "", "")),
    "boris": ("BORIS project", "l.boris", json.dumps(boris(EVENTS))),
    "boris, packed": ("BORIS project", "l.boris.gz", gzip.compress(json.dumps(boris(EVENTS)).encode(), mtime=0)),
    "boris, five values": ("BORIS project", "l.boris", json.dumps(boris([event[:5] for event in EVENTS]))),
    "boris events": ("BORIS tabular events", "l.tsv", BORIS_TSV),
    "boris events, old": ("BORIS tabular events", "l.tsv", OLD_BORIS),
    "boris aggregated": ("BORIS aggregated events", "l.csv", BORIS_AGGREGATED),
    "activitynet": ("ActivityNet", "l.json", json.dumps(ACTIVITY_NET)),
    "thumos": ("THUMOS-14", "run_val.txt", "a  2.0 4.0\n"),
    "charades": ("Charades", "l.csv", "id,subject,actions,length\na,X,run 2.00 4.00,5.00\nb,X,,5.00\n"),
    "epic-kitchens": ("EPIC-KITCHENS", "l.csv", f"{EPIC}a_0,a,00:00:02.00,00:00:04.00,120,240,run,go\n"),
    "fiftyone": ("FiftyOne temporal detections", "l.json",
                 '{"classes": ["run"], "labels": {"a": [{"label": 0, "support": [51, 100]}], "b": null}}'),
    "fiftyone, times": ("FiftyOne temporal detections", "l.json",
                        '{"classes": ["run"], "labels": {"a": [{"label": 0, "timestamps": [2.0161, 3.9919]}]}}'),
    "webvtt": ("WebVTT", "a.vtt", "WEBVTT\n\nNOTE it is\nrunning\n\n1\n00:02.000 --> 00:04.000 line:0\n<v Ann>run\n"),
    "srt": ("SRT", "a.srt", "1\n00:00:02,000 --> 00:00:04,000\nrun\n"),
}  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES)
def test_the_same_stretch_is_read_from_what_each_tool_writes(sample: str, root: Path, tmp_path: Path):
    kind, name, content = SAMPLES[sample]
    found = read(root, tmp_path, name, content, frame_rate=25.0 if "label studio" in sample else None)
    assert found.format == kind
    run = next(one for one in found.stretches if one.start > 1)
    assert (run.path, run.label) == ("a.mp4", "run")
    assert (run.start, run.end) == (approx(2.0), approx(4.0))
    assert not found.cut and all(not one.path or one.path == "b" for one in found.left_out)
    assert annotation_format(tmp_path / name) == kind


def test_frames_are_found_where_a_file_does_not_begin_at_zero(tmp_path: Path):
    write_clip(tmp_path / "a.mp4", first=2)
    (tmp_path / "l.xml").write_text(CVAT.format(TRACK))
    found = read_annotations(tmp_path / "l.xml", tmp_path)
    assert [(one.start, one.end) for one in found.stretches] == [(approx(2.08), approx(4.08))]
    (tmp_path / "l.csv").write_text("path,label,start,end\na.mp4,run,0,0.05\na.mp4,run,,\na.mp4,walk,5,5.08\n")
    found = read_annotations(tmp_path / "l.csv", tmp_path)
    assert [(one.start, one.end) for one in found.stretches] == [(approx(0.08), approx(5.08)), (5.0, 5.08)]
    assert [one.why for one in found.left_out] == ["lies outside: it ends at 0.05 s, and the clip begins at 0.08 s"]


def test_the_rate_of_label_studios_grid_is_asked_for_and_checked(root: Path, tmp_path: Path):
    content = label_studio({"start": 51, "end": 121}, fps=24)
    with pytest.raises(DatasetError, match=r"no export tells its rate; give --frame-rate.*field fps: 24.*24 where it"):
        read(root, tmp_path, "l.json", content)
    found = read(root, tmp_path, "l.json", content, frame_rate=24.0)
    assert [(one.start, one.end) for one in found.stretches] == [(approx(50 / 24), 5.0)]
    assert found.cut[0].why == "was 2.083 s to 5.042 s (1 frame too many), and the clip lasts to 5 s"
    told = (
        r"20 cannot be .* 1 stretch would end beyond the clip \(frame 121 of 'a.mp4' at 6.05 s, .* 5 s\).* 24.2 or more"
    )
    with pytest.raises(DatasetError, match=told):
        read(root, tmp_path, "l.json", content, frame_rate=20.0)
    with pytest.raises(DatasetError, match="a frame rate of 0 is none"):
        read(root, tmp_path, "l.json", content, frame_rate=0.0)


def test_a_clip_that_was_renamed_at_upload_is_found_and_told(root: Path, tmp_path: Path):
    content = label_studio({"start": 51, "end": 100}, video="/data/upload/3/1a2b3c4d-a.mp4")
    found = read(root, tmp_path, "l.json", content, frame_rate=25.0)
    assert found.stretches == (RUN,)
    assert found.notes == ("1 clip found without the prefix of an upload: 1a2b3c4d-a.mp4 is a.mp4",)
    found = read(root, tmp_path, "l.json", content.replace("a.mp4", "c.mp4"), frame_rate=25.0)
    assert found.left_out[0].why.startswith("'/data/upload/3/1a2b3c4d-c.mp4' is not below")


def test_a_clip_that_is_found_by_its_name_elsewhere_than_listed_is_told(root: Path, tmp_path: Path):
    (tmp_path / "inner").mkdir()
    os.link(root / "a.mp4", tmp_path / "inner" / "kick.mp4")
    found = read(tmp_path, tmp_path, "l.csv", "path,label,start,end\nkicks/kick.mp4,run,2,4\n")
    assert [one.path for one in found.stretches] == ["inner/kick.mp4"]
    assert found.notes == ("1 clip found by name elsewhere than listed: kicks/kick.mp4 is inner/kick.mp4",)


BAD = """path,label,start,end
a.mp4,beyond,6,7
a.mp4,cut,4.5,5.8
a.mp4,reversed,3,2
a.mp4,empty,1,1
a.mp4,no time,one,two
a.mp4,,1,2
a.mp4,run,1,2
a.mp4,run,1,2
a.mp4,walk,1.5,2.5
b.mp4,run,1,2
a.mp4,early,-0.5,1
"""


def test_what_cannot_be_taken_is_named_with_its_numbers_and_nothing_is_swapped(root: Path, tmp_path: Path):
    found = read(root, tmp_path, "l.csv", BAD)
    assert [(one.label, one.start, one.end) for one in found.stretches] == [
        ("cut", 4.5, 5.0), ("run", 1.0, 2.0), ("walk", 1.5, 2.5), ("early", 0.0, 1.0)]  # fmt: skip
    assert [one.why for one in found.cut] == [
        "was 4.5 s to 5.8 s (20 frames too many), and the clip lasts to 5 s",
        "was -0.5 s to 1 s, and no clip begins before 0 s",
    ]
    why = {one.label + one.path: one.why for one in found.left_out}
    assert why["beyonda.mp4"] == "lies outside: it starts at 6 s, and the clip lasts to 5 s"
    assert why["reverseda.mp4"] == "is reversed: it ends at 2 s, before its start at 3 s"
    assert why["emptya.mp4"] == "has no length: it starts and ends at 1 s"
    assert why["no timea.mp4"] == "line 6: 'one' to 'two' are no times"
    assert why["a.mp4"] == "has no label: 1 s to 2 s"
    assert why["runa.mp4"] == "is given twice: 1 s to 2 s"
    assert why["runb.mp4"].startswith("'b.mp4' is not below")
    assert (
        "1 stretch overlaps an earlier one of its clip (first in a.mp4: run 1 s to 2 s, walk 1.5 s to 2.5 s)"
        in found.notes
    )


def test_frames_where_seconds_are_meant_are_refused_or_doubted(root: Path, tmp_path: Path):
    with pytest.raises(DatasetError, match="columns start_frame and end_frame count frames, and nothing says"):
        read(root, tmp_path, "l.csv", "path,label,start_frame,end_frame\na.mp4,run,50,100\n")
    found = read(root, tmp_path, "l.csv", "path,label,start,end\na.mp4,run,50,100\n")
    assert found.left_out[0].why == "lies outside: it starts at 50 s, and the clip lasts to 5 s"
    assert any("are these frame numbers?" in note for note in found.notes)


@pytest.mark.parametrize(("name", "content", "told"), [
    ("l.xml", ELAN.format("", "", "")[:400], r"'l.xml' is damaged: line 1: .*was it cut off\?; export it again"),
    ("l.xml", '<!DOCTYPE a [<!ENTITY b "ha">]><annotations>&b;</annotations>', "declares a document type, .* entities"),
    ("l.xml", "<annotations>" + "<a>" * 200, "nested more than 100 deep"),
    ("l.xml", "<html></html>", "no file of annotations over time that is known: CSV with start"),
    ("l.json", '{"database": {"a": ', "'l.json' is damaged"),
    ("l.boris.gz", gzip.compress(json.dumps(boris(EVENTS)).encode(), mtime=0)[:60], "its end is missing; was it cut"),
    ("l.csv", "path,label\na.mp4,run\n", "no file of annotations over time that is known"),
    ("l.csv", "", "no file of annotations over time that is known"),
])  # fmt: skip
def test_a_file_that_is_damaged_or_none_is_refused_in_one_line(
    name: str, content: str | bytes, told: str, root: Path, tmp_path: Path
):
    with pytest.raises(DatasetError, match=told) as caught:
        read(root, tmp_path, name, content)
    assert "\n" not in str(caught.value)


def test_ten_thousand_stretches_open_their_clip_once(root: Path, tmp_path: Path):
    before = shared_pool.opened
    rows = "".join(f"a.mp4,run {at % 50},{at / 2500:.4f},{at / 2500 + 0.5:.4f}\n" for at in range(10_000))
    os.utime(root / "a.mp4")  # what was read of it before is not known any more
    found = read(root, tmp_path, "l.csv", f"path,label,start,end\n{rows}")
    assert len(found.stretches) == 10_000 and shared_pool.opened - before == 1
    assert any(note.startswith("9,999 stretches overlap") for note in found.notes)


def test_tracks_of_cvat_that_come_again_or_stay_and_its_projects(root: Path, tmp_path: Path):
    def boxes(*frames: tuple[int, int]) -> str:
        return "".join(f'<box frame="{at}" outside="{outside}"/>' for at, outside in frames)

    again = f'<track label="run">{boxes((0, 0), (25, 1), (50, 0), (75, 1), (100, 0))}</track>'
    found = read(root, tmp_path, "l.xml", CVAT.format(again))
    assert [(one.start, one.end) for one in found.stretches] == [(0.0, 1.0), (2.0, 3.0), (4.0, 5.0)]
    task = "<task><id>{}</id><size>{}</size><name>{}</name><source>{}</source></task>"
    tasks = task.format(7, 40, "x", "x.mp4") + task.format(9, 125, "a", "a.mp4")
    project = (
        f"<annotations><meta><project><id>1</id><name>p</name><tasks>{tasks}</tasks></project></meta>"
        f'<track label="run" task_id="9">{boxes((90, 0), (140, 1))}</track></annotations>'
    )
    assert read(root, tmp_path, "p.xml", project).stretches == (RUN,)
    with pytest.raises(DatasetError, match="moves the frames of each task, and one has no <size>"):
        read(root, tmp_path, "p.xml", project.replace("<size>40</size>", ""))
    with pytest.raises(DatasetError, match="'run' is of task '8', which the project does not list"):
        read(root, tmp_path, "p.xml", project.replace('task_id="9"', 'task_id="8"'))


def test_elans_origin_dependent_tiers_and_slots_without_a_time(root: Path, tmp_path: Path):
    late = ('<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">'
            "<ANNOTATION_VALUE>walk</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>")  # fmt: skip
    child = ('<TIER TIER_ID="how"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a3" ANNOTATION_REF="a1">'
             "<ANNOTATION_VALUE>fast</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>")  # fmt: skip
    found = read(root, tmp_path, "l.eaf", ELAN.format(' TIME_ORIGIN="500"', late, child))
    assert [(one.start, one.end, one.label) for one in found.stretches] == [(2.5, 4.5, "run"), (2.5, 4.5, "fast")]
    assert "no time of its own" in found.left_out[0].why
    assert any("2 tiers are taken: 'act', 'how'" in note for note in found.notes)
    found = read(root, tmp_path, "l.eaf", ELAN.format("", late, child), tiers=["how"])
    assert [one.label for one in found.stretches] == ["fast"]
    with pytest.raises(DatasetError, match="there is no tier 'who'; it has 'act', 'how'"):
        read(root, tmp_path, "l.eaf", ELAN.format("", "", child), tiers=["who"])


def test_an_observation_of_boris_over_several_files_is_split_at_their_ends(root: Path, tmp_path: Path):
    write_clip(tmp_path / "b.mp4", 50)
    (tmp_path / "a.mp4").write_bytes((root / "a.mp4").read_bytes())
    events: list[list[Any]] = [[4.0, "", "run", "", ""], [5.5, "", "run", "", ""], [6.0, "", "run", "", ""]]
    files = {"a.mp4": 5.0, "b.mp4": 2.0}
    found = read(tmp_path, tmp_path, "l.boris", json.dumps(boris([*events, [1.0, "", "jump", "", ""]], files)))
    assert found.stretches == (LabeledStretch("a.mp4", 4.0, 5.0, "run"), LabeledStretch("b.mp4", 0.0, 0.5, "run"))
    assert [one.why for one in found.left_out] == [
        "is a moment at 1 s (a point event), not a stretch", "has a start at 6 s and no stop"]  # fmt: skip
    rows = BORIS_AGGREGATED.replace("player #1:a.mp4,5.000", "player #1:a.mp4;b.mp4|player #2:c.mp4,5.000;2.000|7.0")
    found = read(tmp_path, tmp_path, "l.csv", rows.replace("2.000,4.000,2.000", "4.000,5.500,1.500"))
    assert [(one.path, one.start, one.end) for one in found.stretches] == [("a.mp4", 4.0, 5.0), ("b.mp4", 0.0, 0.5)]


def test_names_are_given_for_codes_and_a_list_of_other_folders_is_matched_by_name(root: Path, tmp_path: Path):
    rows = "path,label,start,end\nC:\\films\\a.mp4,c007,1,2\nC:\\films\\a.mp4,7,2,3\n"
    found = read(root, tmp_path, "l.csv", rows, labels={7: "run"})
    assert [(one.path, one.label) for one in found.stretches] == [("a.mp4", "run"), ("a.mp4", "run")]
    two = read(root, tmp_path, "l.csv", "path,label,start,end\nx/a.mp4,run,1,2\ny/a.mp4,walk,1,2\n")
    assert not two.stretches and "which may be another one" in two.left_out[0].why


def test_the_command_prints_seconds_and_imports_nothing(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "l.json").write_text(label_studio({"start": 51, "end": 100}))
    command = ["import-dataset", str(tmp_path / "l.json"), "--root", str(root)]
    assert main([*command, "--frame-rate", "25", "--dry-run", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["stretches"] == [{"path": "a.mp4", "start": 2.0, "end": 4.0, "label": "run"}]
    assert document["cut"] == document["left_out"] == []
    assert main([*command, "--frame-rate", "25", "--dry-run"]) == 0
    assert {"Label Studio: 1 stretch in 1 clip; nothing was imported", "  a.mp4 2.000-4.000 s run"} <= {
        *capsys.readouterr().out.splitlines()
    }
    (tmp_path / "two.csv").write_text("path,label,start,end\na.mp4,run,1,2\na.mp4,walk,2,3\n")
    assert main(["import-dataset", str(tmp_path / "two.csv"), "--root", str(root), "--dry-run"]) == 0
    assert "CSV: 2 stretches in 1 clip;" in capsys.readouterr().out
    assert main([*command, "--dry-run"]) == 1
    assert "give --frame-rate" in capsys.readouterr().err


def test_the_stretches_of_a_labeling_tool_become_clips_of_a_data_set(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rows = "a.mp4  0.0 1.0\na.mp4  2.0 4.0\na.mp4  4.5 9.0\na.mp4  9.0 9.5\n"
    (tmp_path / "run_val.txt").write_text(rows)
    command = ["import-dataset", str(tmp_path / "run_val.txt"), "--root", str(root), "--name", "runs"]
    assert main(command) == 1
    answer = capsys.readouterr()
    told = "'a.mp4 9–9.5 s' cannot be used: it lies outside: it starts at 9 s, and the clip lasts to 5 s"
    assert told in answer.out and "leave them out with --missing skip" in answer.err
    assert main([*command, "--missing", "skip"]) == 0
    assert "a.mp4 4.5–5 s: was 4.5 s to 9 s (100 frames too many)" in capsys.readouterr().out
    with Store.open(default_home()) as store:
        clips = store.datasets.get("runs").clips
    assert {(clip.path, clip.label) for clip in clips} == {
        (f"{root}/a.mp4#t={times}", "run") for times in ("0,1", "2,4", "4.5,5")
    }


def test_what_is_for_annotations_is_refused_beside_anything_else(root: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["import-dataset", str(root), "--dry-run"]) == 1
    assert "holds no file of annotations over time that is known" in capsys.readouterr().err
    assert main(["import-dataset", "--split", "a.txt", "--dry-run"]) == 1
    assert "--dry-run is for a file of annotations over time" in capsys.readouterr().err


def test_a_folder_of_files_one_for_each_label_or_clip_is_read_whole(root: Path, tmp_path: Path):
    for name, content in {"Run_val.txt": "a  0.0 1.0\n", "Jump_val.txt": "a  2.0 3.0\n", "readme.md": "of lists",
                          "a.vtt": "WEBVTT\n\n00:04.000 --> 00:05.000\nwalk\n"}.items():  # fmt: skip
        (tmp_path / name).write_text(content)
    (tmp_path / "cover.jpg").write_bytes(b"\xff\xd8\0\0")
    found = read_annotations(tmp_path, root)
    assert {(one.label, one.start) for one in found.stretches} == {("Run", 0.0), ("Jump", 2.0), ("walk", 4.0)}
    assert found.format == "THUMOS-14, WebVTT"
    assert found.notes == ("2 files without annotations over time: cover.jpg, readme.md",)
    command = ["import-dataset", str(tmp_path), "--root", str(root), "--name", "many"]
    assert main(command) == 0
    with Store.open(default_home()) as store:
        assert set(store.datasets.get("many").base) == {"Jump", "Run", "walk"}


def test_the_frames_that_a_tool_counted_are_the_frames_of_the_clip(tmp_path: Path):
    file = write_clip(tmp_path / "a.mp4", first=2)
    (tmp_path / "l.xml").write_text(CVAT.format(TRACK))
    (one,) = read_annotations(tmp_path / "l.xml", tmp_path).stretches
    stretch = read_clip(address_of(file, one.start, one.end), Every(1000)).frames
    assert np.array_equal(stretch, read_clip(file, Every(1000)).frames[50:100])
