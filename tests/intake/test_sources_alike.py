"""The same clips give the same data set through every door: as a zip, as a folder, and by a list."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest
from ui.fakes import FakeInspector
from zips import import_service, pack

from ga2app.datasets import Missing
from ga2app.datasets.import_report import flaws_of
from ga2app.paths import Home
from ga2app.services.import_sources import FileSource, Source
from ga2app.store import Store
from ga2app.store.import_records import ImportRow, ImportState

Outcome = tuple[tuple[str, ...], set[tuple[str, str, str]], list[str], set[str]]


def imported(home: Home, source: Source, name: str = "mine", missing: Missing = Missing.SKIP) -> ImportRow:
    with Store.open(home) as store:
        return import_service(home, store, FakeInspector()).run(source, name, missing=missing)


def outcome(home: Home, source: Source, name: str) -> Outcome:
    """Base labels, clips with label and part, notes, and what was left out."""
    row = imported(home, source, name)
    assert row.state is ImportState.DONE, row.error
    with Store.open(home) as store:
        dataset = store.datasets.get(name)
    clips = {(Path(clip.path).name, clip.label, clip.subset.value) for clip in dataset.clips}
    report = row.report or {}
    return dataset.base, clips, report["notes"], {Path(flaw.file).name for flaw in flaws_of(report)}


def unpacked(root: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def clips(folder: str, count: int = 4) -> dict[str, bytes]:
    label = folder.rpartition("/")[2]
    return {f"{folder}/{label}{number}.mp4": f"{folder} {number}".encode() for number in range(count)}


LAYOUTS = {
    "wrapper": clips("my clips/wave") | clips("my clips/jump") | {"__MACOSX/my clips/wave/._wave0.mp4": b"x"},
    "parts": clips("D/data/Train/wave")
    | clips("D/data/Train/jump")
    | clips("D/data/Val/wave")
    | clips("D/data/Val/jump"),
    "three": clips("train/wave") | clips("valid/wave") | clips("test/wave") | clips("train/jump"),
    "foreign": clips("wave") | clips("jump") | {".ipynb_checkpoints/a.mp4": b"a", ".Trash-1000/files/b.mp4": b"b"},
    "unlabeled": clips("wave") | clips("jump") | {"_unlabeled/c.mp4": b"wave 0", "_unlabeled/d.mp4": b"d"},
    "hub": {
        **{name.replace("/", "-"): content for name, content in (clips("wave") | clips("jump")).items()},
        "metadata.csv": b"file_name,label\n"
        + b"".join(b"%s-%s%d.mp4,%s\n" % (kind, kind, n, kind) for kind in (b"wave", b"jump") for n in range(4)),
    },
    "table": {
        **clips("cam1/wave"),
        **clips("cam2/jump"),
        "clips.csv": b"\xef\xbb\xbfVideo;Class\r\n"
        + b"".join(b"cam1\\wave\\wave%d.mp4;Wave\r\n" % n for n in range(4))
        + b"".join(b"cam2\\jump\\jump%d.mp4;jump\r\n" % n for n in range(4))
        + b";\r\n",
    },
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_folder_and_its_zip_are_one_data_set(home: Home, tmp_path: Path, layout: str) -> None:
    folder = unpacked(tmp_path / "folder", LAYOUTS[layout])
    as_folder = outcome(home, FileSource(folder), "folder")
    as_zip = outcome(home, FileSource(pack(tmp_path / "a.zip", LAYOUTS[layout]), uploaded=True), "zip")
    assert as_folder == as_zip
    assert {label.casefold() for label in as_folder[0]} == {"wave", "jump"}
    assert as_folder[3] == set()


@pytest.mark.parametrize(
    ("layout", "parts"),
    [("parts", {"train": 8, "test": 8}), ("three", {"train": 8, "test": 4}), ("unlabeled", {"train": 6, "test": 2})],
)
def test_parts_are_as_meant(home: Home, tmp_path: Path, layout: str, parts: dict[str, int]) -> None:
    found = outcome(home, FileSource(unpacked(tmp_path / "folder", LAYOUTS[layout])), "mine")
    assert Counter(part for _, _, part in found[1]) == parts


def test_the_split_is_made_of_the_clips_that_are_left(home: Home, tmp_path: Path) -> None:
    """Of two clips of a label, one is a copy of another's: the other is trained on, whatever its name."""
    for number in range(6):
        files = clips("jump") | {
            f"segway/{number}.mp4": b"one",
            "segway/copy.mp4": b"jump 0",
            "segway/broken.mp4": b"x",
        }
        folder = unpacked(tmp_path / str(number), files)
        base, found, notes, left_out = outcome(home, FileSource(folder), str(number))
        assert base == ("jump", "segway") and left_out == {"copy.mp4", "broken.mp4"}
        assert (f"{number}.mp4", "segway", "train") in found
        assert notes == ["labels without a test clip, which no figure covers (1): segway"]
        shutil.rmtree(folder)


def test_labels_that_are_numbers_or_codes_are_told(home: Home, tmp_path: Path) -> None:
    notes = outcome(home, FileSource(unpacked(tmp_path / "codes", clips("0") | clips("n01855672"))), "codes")[2]
    assert notes[-1].startswith("all labels are numbers or codes ('0', 'n01855672'). CLIP reads a label as words")


def test_a_table_in_a_zip_that_is_not_followed_is_named(home: Home, tmp_path: Path) -> None:
    files = clips("wave") | clips("jump") | {"subjects.csv": b"subject,age\n1,30\n"}
    notes = outcome(home, FileSource(pack(tmp_path / "a.zip", files), uploaded=True), "mine")[2]
    assert notes[0].startswith("1 table not read as a list of clips: subjects.csv")


def test_a_fold_is_chosen_for_testing_or_the_import_is_refused(home: Home, tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "set", clips("wave") | clips("jump"))
    rows = [f"{kind}/{kind}{n}.mp4,{kind},{1 + n % 2}" for kind in ("wave", "jump") for n in range(4)]
    (folder / "list.csv").write_text("\n".join(["path,label,fold", *rows]))
    row = imported(home, FileSource(folder / "list.csv"))
    assert row.state is ImportState.FAILED and "nothing says which of them is for testing" in (row.error or "")
    found = outcome(home, FileSource(folder / "list.csv", 2), "second")[1]
    assert {name for name, _, part in found if part == "test"} == {"wave1.mp4", "wave3.mp4", "jump1.mp4", "jump3.mp4"}


@pytest.mark.parametrize("bad", ["unreadable", "absent", "faulty line"])
def test_where_everything_has_to_be_right_one_bad_clip_leaves_all_out(home: Home, tmp_path: Path, bad: str) -> None:
    folder = unpacked(tmp_path / "set", clips("wave") | clips("jump") | {"wave/broken.mp4": b"x"})
    line = {"unreadable": "wave/broken.mp4,wave", "absent": "wave/gone.mp4,wave", "faulty line": "wave/wave1.mp4,"}[bad]
    (folder / "list.csv").write_text(f"path,label\nwave/wave0.mp4,wave\njump/jump0.mp4,jump\n{line}\n")
    source = FileSource(folder / "list.csv")
    row = imported(home, source, missing=Missing.FAIL)
    assert row.state is ImportState.FAILED and (row.error or "").startswith("nothing was imported as 'mine': 1 ")
    with Store.open(home) as store:
        assert store.datasets.list() == []
    assert imported(home, source).state is ImportState.DONE
