"""Every reader, given a file that is nearly right, says in one line what is wrong, or reads what can be written."""

from __future__ import annotations

import functools
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from ga2app import bundles
from ga2app.bundles.bundle_zip import pack, take_in
from ga2app.bundles.checkpoints.checkpoint_reader import read_checkpoint
from ga2app.bundles.checkpoints.prompt_layouts import layout_of
from ga2app.bundles.front_matter import front_values
from ga2app.bundles.manifest import read_manifest, to_json
from ga2app.clip.files.clip_folder import look_into
from ga2app.config import RunConfig
from ga2app.config.settings_files import load_settings, settings_text
from ga2app.datasets.annotations import annotation_format, read_annotations
from ga2app.datasets.class_folders import read_folder
from ga2app.datasets.clip_table import read_table
from ga2app.datasets.import_report import ImportReport
from ga2app.datasets.label_list import read_label_list
from ga2app.datasets.split_lists import Layout, read_entries
from ga2app.errors import StudioError
from ga2app.hub.language_model import parse
from ga2app.labels import format_labels, parse_labels
from ga2app.paths import SKETCH_CLIP, SKETCH_HARD_PROMPT
from ga2app.services.anchor_set_files import AnchorList, ListedClip, read_anchor_list
from ga2app.services.prompt_fit import facts_of, towers_of
from ga2app.services.recognition_service import Results
from ga2app.services.run_requests import parse_seeds
from ga2app.services.true_labels import read_true_labels
from ga2app.services.zip_archive import unpack
from ga2app.store.anchor_rows import NegativeRow
from ga2app.store.prompt_files import read_prompts, write_prompts
from ga2app.training import checkpoint
from ga2app.types import Recognition, RecognizedClip, Subset
from ga2app.types.report_types import read_report
from ga2app.video.preprocessing import read_preprocessing
from ga2app.video.writer import write_clip
from ga2app.web.address import NOBODY, whole

PIECES = [
    *(b"NaN 1e999 -Infinity null true [] {} = +1 @ - \" ' , ; \\ / ../ \\ud800 \\u0000 0 -1 1e400 .mp4 #".split()),
    *(b"\0", b"\n", b"\r", b"\t", b"\xff", b"\xfe\xff", "é".encode(), "\u2028".encode(), b"9" * 400, b"9" * 5000),
    *(b"[" * 200, b'{"a":' * 200, b"x" * 300, b"sep=;\n", b'"' + b"y" * 140_000),
]
VALUES = [None, True, 0, -1, 1e308, 10**40, 10**400, "", "\ud800", "\0", "x" * 500, [], {}, [[]], {"a": None}, ["a", 1]]


@st.composite
def spoiled(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of ``seeds`` with a few pieces put in, taken out or changed; of JSON also with a value that is another."""
    content = draw(st.sampled_from(seeds))
    if content[:1] in (b"{", b"[") and b"}\n{" not in content and draw(st.booleans()):
        content = _other_value(draw, json.loads(content))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(content)))
        length = draw(st.integers(0, 6))
        piece = draw(st.sampled_from(PIECES) | st.binary(max_size=4))
        content = content[:place] + piece + content[place + length :]
    return content


def _other_value(draw: st.DrawFn, data: Any) -> bytes:
    places = list(_places(data))
    if not places:
        return json.dumps(draw(st.sampled_from(VALUES))).encode()
    node, key = places[draw(st.integers(0, len(places) - 1))]
    if draw(st.integers(0, 4)):
        node[key] = draw(st.sampled_from(VALUES))
    elif isinstance(node, dict):
        node[draw(st.sampled_from(["", "name", "\ud800", key + "x"]))] = node.pop(key)
    return json.dumps(data).encode()


def _places(data: Any) -> Any:
    for key in data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ():
        yield data, key
        yield from _places(data[key])


@dataclass(frozen=True)
class Reader:
    """``read`` takes a folder to work in and the content of a file; ``seeds`` are contents that are right."""

    read: Callable[[Path, bytes], Any]
    seeds: Callable[[], Sequence[bytes]]


@functools.cache
def _bundle() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        bundles.save(bundles.load_folder(SKETCH_HARD_PROMPT), Path(folder) / "one")
        pack(Path(folder) / "one", Path(folder) / "one.zip")
        return {path.name: path.read_bytes() for path in (*(Path(folder) / "one").iterdir(), Path(folder) / "one.zip")}


def _manifest(folder: Path, content: bytes) -> None:
    (folder / "bundle.json").write_bytes(content)
    facts_of(folder)
    found = read_manifest(folder)
    (folder / "bundle.json").write_text(to_json(found), encoding="utf-8")
    assert read_manifest(folder) == found


def _prompts(folder: Path, content: bytes) -> None:
    (folder / "bundle.json").write_bytes(_bundle()["bundle.json"])
    (folder / "prompts.safetensors").write_bytes(content)
    bundles.load_folder(folder).learner()


def _zipped(folder: Path, content: bytes) -> None:
    (folder / "up.zip").write_bytes(content)
    take_in(folder / "up.zip", folder / "shelf")


def _settings(folder: Path, content: bytes) -> None:
    (folder / "s.json").write_bytes(content)
    found = load_settings(folder / "s.json")
    (folder / "s.json").write_text(settings_text(found), encoding="utf-8")
    assert load_settings(folder / "s.json") == found


def _clip_list(folder: Path, content: bytes) -> None:
    for name in ("l.csv", "l.jsonl"):
        (folder / name).write_bytes(content)
        problems: list[Any] = []
        found = read_table(folder / name, problems)
        assert all(clip.label and clip.path for clip in found.clips)
        assert all("\n" not in str(problem) for problem in problems)
        str(found.clips).encode()


def _split_list(folder: Path, content: bytes) -> None:
    for name, layout in (("train.txt", Layout.AUTO), ("a_test_split1.txt", Layout.HMDB), ("t.csv", Layout.KINETICS),
                         ("t.json", Layout.SSV2), ("u.txt", Layout.UCF)):  # fmt: skip
        (folder / name).write_bytes(content)
        problems: list[Any] = []
        entries, _ = read_entries(folder / name, Subset.TRAIN, layout, problems)
        assert entries or problems
        str(entries).encode()


@functools.cache
def _clip() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write_clip(Path(folder) / "a.mp4", np.zeros((10, 16, 16, 3), np.uint8), 5)
        return (Path(folder) / "a.mp4").read_bytes()


def _annotations(folder: Path, content: bytes) -> None:
    (folder / "a.vtt").write_bytes(content)
    (folder / "a.mp4").write_bytes(_clip())
    annotation_format(folder / "a.vtt")
    found = read_annotations(folder / "a.vtt", folder, 25.0)
    json.dumps(found.to_dict(), allow_nan=False).encode()
    assert all(one.end > one.start >= 0 and one.label for one in found.stretches)


def _label_list(folder: Path, content: bytes) -> None:
    (folder / "labels.csv").write_bytes(content)
    problems: list[Any] = []
    found = read_label_list(folder / "labels.csv", problems)
    assert problems or found
    if found:
        again = json.dumps({name: number for number, name in found.names.items()}).encode()
        (folder / "again.json").write_bytes(again)
        assert read_label_list(folder / "again.json", []) is not None


def _negatives(folder: Path, content: bytes) -> None:
    found = read_prompts(content).entries
    rows = [NegativeRow(1, 1, one.group, one.text, one.enabled, None) for one in found]
    assert read_prompts(write_prompts(rows).encode()).entries == found


def _anchors(folder: Path, content: bytes) -> None:
    found = read_anchor_list(content, "user/set")
    assert read_anchor_list(found.to_json().encode(), "user/set") == found


def _pt(folder: Path, content: bytes) -> None:
    (folder / "weights.pt").write_bytes(content)
    found = read_checkpoint(folder / "weights.pt")
    layout_of(found)
    for tensor in found.tensors.values():
        assert not tensor.is_plain or tensor.read().shape == tensor.shape


def _resumed(folder: Path, content: bytes) -> None:
    (folder / "checkpoint.safetensors").write_bytes(content)
    checkpoint.kept_choices(folder / "checkpoint.safetensors")


def _typed(folder: Path, content: bytes) -> None:
    text = content.decode("utf-8", "surrogateescape")
    labels = parse_labels(text)
    assert parse_labels(format_labels(labels)) == labels
    assert whole(text) >= NOBODY
    clips = (RecognizedClip(file="a.mp4"), RecognizedClip(file="b.mp4"))
    assert read_true_labels(text, Results(Recognition("sketch", clips), "sketch", labels=("walking", "running")))
    front_values(text)


def _seeds(folder: Path, content: bytes) -> None:
    assert parse_seeds(content.decode("utf-8", "replace"))


def _answer(folder: Path, content: bytes) -> None:
    assert parse(content.decode("utf-8", "surrogateescape"), ["walking"], 5)


def _archive(folder: Path, content: bytes) -> None:
    (folder / "clips.zip").write_bytes(content)
    report = ImportReport("zip")
    unpack(folder / "clips.zip", folder / "into", report, lambda *told: None)
    inside = [path for path in folder.rglob("*") if path.is_file()]
    assert all(path.name == "clips.zip" or folder / "into" in path.parents for path in inside)


def _tree(folder: Path, content: bytes) -> None:
    root = os.fsencode(folder / "root")
    os.mkdir(root)
    for name in content.split(b"\n")[:6]:
        parts = [part[:100].replace(b"\0", b"") for part in name.split(b"/") if part.strip(b".")][:3]
        place = os.path.join(root, *(part for part in parts if part), b"clip.mp4")
        os.makedirs(os.path.dirname(place), exist_ok=True)
        if not os.path.isdir(place):
            with open(place, "wb") as file:
                file.write(b"x")
    assert read_folder(folder / "root", []).clips


def _backbone(folder: Path, content: bytes) -> None:
    for name in ("config.json", "preprocessor_config.json"):
        (folder / name).write_bytes(content)
    for name in ("model.safetensors", "tokenizer.json"):
        (folder / name).write_bytes(b"x")
    towers_of(str(folder))
    read_preprocessing(folder, 224, "shown")
    look_into(folder, "folder")


def _report(folder: Path, content: bytes) -> None:
    (folder / "report.json").write_bytes(content)
    read_report(folder / "report.json")


def _made(write: Callable[[Path], Any]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "made")
        return (Path(folder) / "made").read_bytes()


def _zip_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


SPLIT = [
    b"a/b.avi 1\nc/d e.avi 2\n", b"v_Run_g01_c01.avi 10 1\n", b"run/a.mp4\n", b"a.mp4,walking\n",
    b"clip.avi 1\nx.avi 2\n",
    b'[{"id": "7", "template": "Holding [something]"}]', b'{"id": "7", "template": "a"}\n{"id": "8", "template": "b"}',
    b"label,youtube_id,time_start,time_end,split\nrun,abcdefghijk,0,10,train\n",
]  # fmt: skip
CUES = b"WEBVTT\n\n00:01.000 --> 00:02.000\nrun\n\n1\n00:00:01,000 --> 00:00:02,000 align:left\nwalk\n"
STRETCHES = [
    CUES, b"path,label,start,end\na.mp4,run,1,2\n", b"a.mp4 1.0 2.0\n", b"id,actions\na,c001 1 2;c002 2 3\n",
    b'[{"data": {"video": "a.mp4"}, "annotations": [{"result": [{"value": {"ranges": [{"start": 1, "end": 9}], '
    b'"timelinelabels": ["run"]}}, {"value": {"start": 1, "end": 2, "labels": ["run"]}}]}]}]',
    b'{"intervals": [{"label_id": 1, "start": 5, "stop": 9}], "labels": [{"id": 1, "name": "run"}], "name": "a.mp4"}',
    b'{"attribute": {"1": {"anchor_id": "FILE1_Z2_XY0", "type": 2, "options": {"3": "run"}}}, "file": {"1": {"fname": '
    b'"a.mp4"}}, "view": {"1": {"fid_list": ["1"]}}, "metadata": {"x": {"vid": "1", "z": [1, 2], "av": {"1": "3,4"}}}}',
    b'{"behaviors_conf": {"0": {"code": "run", "type": "State event"}}, "observations": {"o": {"file": {"1": ["a.mp4", '
    b'"b.mp4"]}, "media_info": {"length": {"a.mp4": 1}}, "events": [[1, "", "run", "", ""], [2, "", "run", "", ""]]}}}',
    b'{"database": {"a": {"annotations": [{"segment": [1, 2], "label": "run"}]}}}',
    b'{"classes": ["run"], "labels": {"a": [{"label": 0, "support": [1, 9]}, {"label": 0, "timestamps": [1, 2]}]}}',
    b"Observation id,Source,Behavior,Behavior type,Time\no,player #1:a.mp4,run,START,1\no,a.mp4,run,STOP,2\n",
    b"Source,Behavior,Behavior type,Start (s),Stop (s)\nplayer #1:a.mp4;b.mp4,run,STATE,1,2\n",
    b'# ATTRIBUTE = {}\n# CSV_HEADER = id,file_list,temporal_coordinates,metadata\n"1","[""a.mp4""]","[1,2]",'
    b'"{""1"":""run""}"\n',
    b'<annotations><meta><task><source>a.mp4</source><stop_frame>9</stop_frame></task></meta><track label="run"><box '
    b'frame="1" outside="0"/><box frame="3" outside="1"/></track><image id="5"><tag label="x"/></image></annotations>',
    b'<ANNOTATION_DOCUMENT><HEADER><MEDIA_DESCRIPTOR MEDIA_URL="file:///a.mp4"/></HEADER><TIME_SLOT TIME_SLOT_ID="t" '
    b'TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="u" TIME_VALUE="9"/><TIER TIER_ID="x"><ALIGNABLE_ANNOTATION '
    b'ANNOTATION_ID="a" TIME_SLOT_REF1="t" TIME_SLOT_REF2="u"><ANNOTATION_VALUE>run</ANNOTATION_VALUE>'
    b'</ALIGNABLE_ANNOTATION><REF_ANNOTATION ANNOTATION_ID="b" ANNOTATION_REF="a"/></TIER></ANNOTATION_DOCUMENT>',
]  # fmt: skip
READERS = {
    "annotations over time": Reader(_annotations, lambda: STRETCHES),
    "manifest": Reader(_manifest, lambda: [_bundle()["bundle.json"]]),
    "prompts": Reader(_prompts, lambda: [_bundle()["prompts.safetensors"]]),
    "zipped bundle": Reader(_zipped, lambda: [_bundle()["one.zip"]]),
    "settings": Reader(_settings, lambda: [settings_text(RunConfig()).encode(), b'{"seed": 3}', b"{}"]),
    "list of clips": Reader(
        _clip_list,
        lambda: [
            b"path,label,subset,group,fold\na.mp4,=walk,train,base,1\nb.mp4,run,test,novel,2\n,text,,negative,\n",
            b'{"path": "a.mp4", "label": "run"}\n{"path": "b.mp4", "label": "\\u00e9"}',
            b"a.mp4;run\nb.mp4;walk\n",
        ],
    ),
    "split list": Reader(_split_list, lambda: SPLIT),
    "label list": Reader(
        _label_list,
        lambda: [b"id,name\n0,run\n1,walk\n", b'{"run": "0", "walk": "1"}', b'["run", "walk"]', b"1 Run\n2 Walk\n",
                 b"run\nwalk\n", b"run 1\nwalk 2\n"],
    ),
    "negative prompts": Reader(_negatives, lambda: [b"group,text,enabled\ng,=a,1\nh,'b,0\n", b"group;text\ng;a\n"]),
    "anchor set": Reader(
        _anchors,
        lambda: [
            AnchorList("set", "about", (ListedClip("a wall", True, "0" * 64, "clips/a.mp4"),)).to_json().encode()
        ],
    ),
    "published checkpoint": Reader(
        _pt,
        lambda: [
            _made(lambda file: torch.save({"model_state_dict": {"visual.a": torch.zeros(3)}, "epoch": 3}, file)),
            _made(lambda file: torch.save({"visual.a": torch.zeros(3)}, file, _use_new_zipfile_serialization=False)),
            _made(lambda file: torch.save({"state_dict": {"ctx": torch.zeros(2, 3).T}, "seed": Path("x")}, file)),
        ],
    ),
    "checkpoint": Reader(
        _resumed,
        lambda: [
            _made(lambda file: save_file({"a": torch.zeros(2)}, file, {"settings": '{"attention": "eager"}'})),
        ],
    ),
    "typed text": Reader(
        _typed, lambda: [b'walking, "lifting up, dropping"\nrunning', b"file,true_label\na.mp4,walking\n#2,running\n"]
    ),
    "typed seeds": Reader(_seeds, lambda: [b"1024, 1025", b"3 draws"]),
    "answer of a language model": Reader(_answer, lambda: [b'["a red wall", "water"]', b'```json\n["a cat"]\n```']),
    "zip of clips": Reader(_archive, lambda: [_zip_of({"run/a.mp4": b"x" * 99, "l.csv": b"z"})]),
    "class folders": Reader(_tree, lambda: [b"run\nwalk", b"train/Run\ntest/Run", b"caf\xe9\nwalk\n_unlabeled"]),
    "backbone": Reader(
        _backbone,
        lambda: [(SKETCH_CLIP / name).read_bytes() for name in ("config.json", "preprocessor_config.json")],
    ),
    "report": Reader(_report, lambda: [b'{"format": 1, "steps": 3}', b"[]"]),
}  # fmt: skip


def attempt(name: str, content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            READERS[name].read(Path(folder), content)
        except StudioError as exc:
            told = str(exc)
            assert told and "\n" not in told and len(told) < 5000 and told.encode(), told[:200]


def _fuzz(name: str, count: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    quick = settings(max_examples=count, deadline=None, derandomize=True, database=None, suppress_health_check=checks)

    @quick
    @given(spoiled(READERS[name].seeds()))
    def read(content: bytes) -> None:
        attempt(name, content)

    read()


@pytest.mark.parametrize("name", READERS)
def test_a_file_that_is_right_is_read(name: str) -> None:
    for content in READERS[name].seeds():
        with tempfile.TemporaryDirectory() as folder:
            if name not in ("report", "backbone"):
                READERS[name].read(Path(folder), content)


@pytest.mark.parametrize("name", READERS)
def test_a_spoiled_file_is_one_line_or_a_value_that_is_written_and_read_again(name: str) -> None:
    _fuzz(name, 30)


@pytest.mark.faults
@pytest.mark.filterwarnings("ignore:Generating overly large repr")
@pytest.mark.parametrize("name", READERS)
def test_thousands_of_spoiled_files_are_one_line_each(name: str) -> None:
    _fuzz(name, 600)
