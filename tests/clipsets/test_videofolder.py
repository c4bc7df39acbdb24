"""Data sets in the Hub's ``videofolder`` form: what is written, what is read of others, and what cannot be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from ga2app.datasets import Problem, read_clipset
from ga2app.datasets.class_folders import read_folder
from ga2app.datasets.drafts import Draft
from ga2app.errors import DatasetError
from ga2app.services.dataset_export import export_videofolder, file_stem
from ga2app.stretches import file_of, split_address
from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset

from .trees import touch, write

NAMES = ("a/0.mp4", "b/0.mp4", "a/1.webm", "b/1.mp4", "long.mp4", "still/0.mp4", "a/2.mp4")


@pytest.fixture
def made(tmp_path: Path) -> Dataset:
    """Labels that a CSV would spoil, clips of one name, stretches with and without an end, in both parts."""
    for number, name in enumerate(NAMES):
        touch(tmp_path / "clips", name)
        (tmp_path / "clips" / name).write_bytes(b"clip %d" % number)
    rows = [
        ("a/0.mp4", "007", Subset.TRAIN), ("a/1.webm", "007", Subset.TEST), ("b/0.mp4", "run, fast", Subset.TRAIN),
        ("long.mp4#t=0.25,0.5", "run, fast", Subset.TRAIN), ("long.mp4#t=0.5", "run, fast", Subset.TEST),
        ("a/2.mp4", "NA", Subset.TRAIN), ("b/1.mp4", "NA", Subset.TEST),
    ]  # fmt: skip
    clips = tuple(LabelledClip(str(tmp_path / "clips" / path), label, subset) for path, label, subset in rows)
    anchors = (AnchorClip(str(tmp_path / "clips" / "still/0.mp4"), 'an empty "room"'),)
    told = {"run, fast": ("legs move, fast", "a person runs")}
    return Dataset("Über: 007", ("007", "run, fast"), ("NA",), clips, anchors, ("else",), descriptions=told)


def facts(dataset: Dataset) -> object:
    """All of a data set but where its files lie, which are told by their content."""

    def content(path: str) -> tuple[bytes, str]:
        stretch = split_address(path)[1]
        return Path(file_of(path)).read_bytes(), stretch.fragment if stretch else ""

    clips = {(content(clip.path), clip.label, clip.subset) for clip in dataset.clips}
    anchors = [(content(one.path), one.caption) for one in dataset.anchors]
    return dataset.base, dataset.novel, clips, anchors, dataset.negatives, dict(dataset.descriptions)


def rows_in(folder: Path, part: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / part / "metadata.jsonl").read_text(encoding="utf-8").splitlines()]


def drafted(root: Path) -> tuple[Draft, list[str]]:
    problems: list[Problem] = []
    return read_folder(root, problems), [f"{one.entry}: {one.reason}" for one in problems]


def clips_in(draft: Draft) -> dict[str, tuple[str, str | None]]:
    return {os.path.basename(clip.path): (clip.label, clip.subset and clip.subset.value) for clip in draft.clips}


def test_a_data_set_that_was_written_is_read_back_as_it_was(made: Dataset, tmp_path: Path):
    folder = export_videofolder(tmp_path / "out" / "set", made)
    notes: list[str] = []
    assert facts(read_clipset(folder, notes=notes)) == facts(made)
    assert notes == [f"the clips are those of '{part}/metadata.jsonl'" for part in ("train", "test", "anchors")]


def test_rows_are_texts_and_numbers_without_gaps_and_no_two_clips_have_one_name(made: Dataset, tmp_path: Path):
    folder = export_videofolder(tmp_path / "set", made)
    rows = [row for part in ("train", "test", "anchors") for row in rows_in(folder, part)]
    assert {tuple(map(type, row.values())) for row in rows} == {(str, str, str, float, float)}
    assert rows[2] | {"file_name": ""} == {
        "file_name": "",
        "label": "run, fast",
        "group": "base",
        "start": 0.25,
        "end": 0.5,
    }
    files = [path for path in folder.rglob("*") if path.suffix in (".mp4", ".webm")]
    assert len({path.name for path in files}) == len(NAMES) and len(files) == len(NAMES) + 1  # one video in both parts
    head = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    assert list(head["dataset_info"][0]["features"][1]["dtype"]["class_label"]["names"].values()) == [
        "007",
        "run, fast",
        "NA",
    ]
    assert [one["split"] for one in head["configs"][0]["data_files"]] == ["train", "test"] and "license" not in head
    assert not any(str(tmp_path) in path.read_text(encoding="utf-8") for path in folder.rglob("*.[jmc][sd]*"))


def test_clips_are_not_copied_where_the_disk_allows_second_names(made: Dataset, tmp_path: Path):
    folder = export_videofolder(tmp_path / "set", made)
    assert (folder / "train" / "007" / "0.mp4").samefile(tmp_path / "clips" / "a" / "0.mp4")


def test_nothing_is_written_over_and_nothing_half_written_stays(made: Dataset, tmp_path: Path):
    folder = export_videofolder(tmp_path / "out" / "set", made)
    with pytest.raises(DatasetError, match="is there already"):
        export_videofolder(folder, made)
    (tmp_path / "clips" / "b" / "1.mp4").unlink()
    with pytest.raises(DatasetError, match=r"1 of the clips are not there any more.*b/1\.mp4"):
        export_videofolder(tmp_path / "out" / "other", made)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["set"]


def test_datasets_reads_what_was_written(made: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets")
    folder = str(export_videofolder(tmp_path / "set", made))

    def read(*named: str, **more: str) -> list[tuple[bytes, str, str, float, float]]:
        parts = datasets.load_dataset(*named, cache_dir=str(tmp_path / "cache"), **more)
        clips = [row for part in parts.values() for row in part.cast_column("video", datasets.Video(decode=False))]
        return [(Path(row.pop("video")["path"]).read_bytes(), *row.values()) for row in clips]

    expected = [
        (b"clip 0", "007", "base", 0.0, -1.0), (b"clip 1", "run, fast", "base", 0.0, -1.0),
        (b"clip 4", "run, fast", "base", 0.25, 0.5), (b"clip 6", "NA", "novel", 0.0, -1.0),
        (b"clip 2", "007", "base", 0.0, -1.0), (b"clip 4", "run, fast", "base", 0.5, -1.0),
        (b"clip 3", "NA", "novel", 0.0, -1.0),
    ]  # fmt: skip
    assert read(folder) == read("videofolder", data_dir=folder) == expected
    assert read(folder, "anchors") == [(b"clip 5", 'an empty "room"', "anchor", 0.0, -1.0)]


CARD = """---
dataset_info:
  features:
  - name: video
    dtype: video
  - name: label
    dtype:
      class_label:
        names:
          '0': walk
          '1': '007'
configs:
- config_name: default
  data_files:
  - {split: train, path: first/**}
  - {split: test, path: [second/*.mp4]}
---
"""


def test_numbers_in_a_table_are_the_classes_that_the_readme_names(tmp_path: Path):
    touch(tmp_path, *(f"{part}/{name}.mp4" for part in ("train", "validation") for name in "ab"))
    write(tmp_path / "README.md", *CARD.splitlines())
    for part in ("train", "validation"):
        write(tmp_path / part / "metadata.csv", "file_name,label", "a.mp4,1", "b.mp4,0", "c.mp4,2", "d.mp4,-1")
    draft, problems = drafted(tmp_path)
    assert clips_in(draft) == {"a.mp4": ("007", "test"), "b.mp4": ("walk", "test")}
    assert draft.base == ("walk", "007")  # in the order of the README
    assert problems[:2] == [
        "train/c.mp4: has the label 2, and the README names 2 classes",
        "train/d.mp4: has the label -1, and the README names 2 classes",
    ]
    with pytest.raises(DatasetError, match="has the label 2, and the README names 2 classes; correct it"):
        read_clipset(tmp_path)


def test_one_table_above_the_split_folders_gives_each_clip_the_part_of_its_folder(tmp_path: Path):
    touch(tmp_path, "train/a.mp4", "train/b.mp4", "test/c.webm", "test/stray.mp4")
    lines = ["train/a.mp4,walk", "train/b.mp4,run", "test/c.webm,run", "test/gone.mp4,run"]
    write(tmp_path / "metadata.csv", "file_name,label", *lines)
    parts = clips_in(drafted(tmp_path)[0])
    assert parts == {
        "a.mp4": ("walk", "train"), "b.mp4": ("run", "train"), "c.webm": ("run", "test"), "gone.mp4": ("run", "test")
    }  # fmt: skip


def test_parts_are_those_of_the_readme_where_folders_tell_none(tmp_path: Path):
    touch(tmp_path, "first/a.mp4", "second/b.mp4")
    write(tmp_path / "README.md", *CARD.splitlines())
    rows = [{"clip_file_name": "first/a.mp4", "label": 0}, {"clip_file_name": "second/b.mp4", "label": 1}]
    write(tmp_path / "metadata.jsonl", *map(json.dumps, rows))
    assert clips_in(drafted(tmp_path)[0]) == {"a.mp4": ("walk", "train"), "b.mp4": ("007", "test")}


def test_rows_that_lead_out_of_the_folder_are_refused(tmp_path: Path):
    touch(tmp_path, "secret.mp4", "set/train/a.mp4", "set/shared.mp4")
    lines = ("a.mp4,walk", "../shared.mp4,run", "../../secret.mp4,run", f"{tmp_path}/secret.mp4,run")
    write(tmp_path / "set" / "train" / "metadata.csv", "file_name,label", *lines)
    touch(tmp_path / "set", "test/walk/b.mp4")
    draft, problems = drafted(tmp_path / "set")
    assert set(clips_in(draft)) == {"a.mp4", "shared.mp4", "b.mp4"}
    assert problems == ["../secret.mp4: leads out of the folder"] * 2


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("a: &a [1]\nb: *a", "its YAML holds aliases"),
        ("a: [", "its YAML is none"),
        ("a: " + "[" * 100_000, "its YAML is nested too deep"),
        ("- " * 5000, "README.md"),
        ("a: '" + "x" * 300_000 + "'", "its YAML has 300,0"),
        ("dataset_info: {features: [{name: label, dtype: {class_label: {names: {'1': a, '7': b}}}}, 7]}", ""),
    ],
)
def test_a_readme_that_cannot_be_used_is_told_and_the_clips_are_read(tmp_path: Path, head: str, why: str):
    touch(tmp_path, "train/walk/a.mp4", "test/walk/b.mp4")
    write(tmp_path / "README.md", "---", head, "---")
    draft, _ = drafted(tmp_path)
    assert clips_in(draft) == {"a.mp4": ("walk", "train"), "b.mp4": ("walk", "test")}
    assert why in "".join(draft.notes) and bool(why) is any("README.md" in note for note in draft.notes)


def test_a_parquet_table_is_read_with_pyarrow_and_refused_without(tmp_path: Path):
    touch(tmp_path, "train/a.mp4", "test/b.mp4")
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        touch(tmp_path, "train/metadata.parquet")
        with pytest.raises(
            DatasetError, match="is a Parquet table, and pyarrow, which reads it, is missing; pip install"
        ):
            read_clipset(tmp_path)
        return
    for part, name in (("train", "a.mp4"), ("test", "b.mp4")):
        rows = pyarrow.table({"file_name": [name], "label": ["007"], "start": [1.5], "end": [2.0], "box": [[1, 2]]})
        parquet.write_table(rows, tmp_path / part / "metadata.parquet")
    assert clips_in(drafted(tmp_path)[0]) == {
        "a.mp4#t=1.5,2": ("007", "train"),
        "b.mp4#t=1.5,2": ("007", "test"),
    }
    (tmp_path / "test" / "metadata.parquet").write_bytes(b"PAR1 no PAR1")
    with pytest.raises(DatasetError, match="cannot be read as Parquet"):
        read_clipset(tmp_path)


def test_a_label_that_no_folder_can_be_called_is_kept(tmp_path: Path):
    touch(tmp_path, "a.mp4", "b.mp4")
    clips = [
        LabelledClip(str(tmp_path / name), label, Subset.TRAIN) for name, label in (("a.mp4", "../x"), ("b.mp4", "__y"))
    ]
    folder = export_videofolder(tmp_path / "set", Dataset("set", ("../x", "__y"), (), tuple(clips)))
    assert [row["label"] for row in rows_in(folder, "train")] == ["../x", "__y"]
    assert all((folder / "train" / str(row["file_name"])).is_file() for row in rows_in(folder, "train"))
    assert file_stem("../x") != "../x" and not list((folder / "train").glob("__*"))
