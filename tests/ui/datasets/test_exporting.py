"""An exported data set, read back, is the same data set."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.datasets import read_clipset
from ga2app.errors import DatasetError
from ga2app.services.dataset_export import export_csv, export_zip
from ga2app.services.import_sources import Duplicates, FileSource
from ga2app.store import Store
from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset
from ga2app.web import Studio

LABELS = ("pushing [a], slowly", 'say "hi"', "跳 / jump")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Labels with every sign that CSV and folders dislike, clips whose names repeat, anchors and negatives."""
    clips = []
    for place, label in enumerate(LABELS):
        for number, subset in enumerate((Subset.TRAIN, Subset.TEST, Subset.TRAIN)):
            path = tmp_path / "clips" / f"folder {place} {number}" / "näme, #1.mp4"
            path.parent.mkdir(parents=True)
            path.write_bytes(f"{label} {number}".encode())
            clips.append(LabelledClip(str(path), label, subset))
    anchor = tmp_path / "clips" / "rain.mp4"
    anchor.write_bytes(b"rain")
    anchors, negatives = (AnchorClip(str(anchor), "rain"),), ("nothing",)
    told = {LABELS[0]: ('a "[hand]", slowly', "it slides"), LABELS[2]: ("跳",), "nothing": ("an empty room",)}
    return Dataset("my, set", LABELS[:2], LABELS[2:], tuple(clips), anchors, negatives, descriptions=told)


def content(clips: Sequence[LabelledClip]) -> list[tuple[bytes, str, Subset]]:
    return [(Path(clip.path).read_bytes(), clip.label, clip.subset) for clip in clips]


def test_the_csv_is_read_back_to_the_same_data_set(tmp_path: Path, dataset: Dataset) -> None:
    file = export_csv(tmp_path, dataset)
    assert replace(read_clipset(file), name=dataset.name) == dataset


def test_the_csv_is_imported_to_the_same_data_set(studio: Studio, dataset: Dataset, tmp_path: Path) -> None:
    source = FileSource(export_csv(tmp_path, dataset))
    studio.imports.wait(studio.imports.start(source, dataset.name, duplicates=Duplicates.ALL), 30)
    assert studio.store.datasets.get(dataset.name) == dataset


def test_the_zip_is_imported_to_the_same_clips_labels_and_parts(
    studio: Studio, dataset: Dataset, tmp_path: Path
) -> None:
    file = export_zip(tmp_path, dataset)
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
    assert len(set(names)) == 11 and not any(name.startswith("/") or ".." in name for name in names)
    studio.imports.wait(studio.imports.start(FileSource(file), "again", duplicates=Duplicates.ALL), 30)
    again = studio.store.datasets.get("again")
    assert (again.base, again.novel, again.negatives) == (dataset.base, dataset.novel, dataset.negatives)
    assert content(again.clips) == content(dataset.clips) and again.descriptions == dataset.descriptions
    assert [anchor.caption for anchor in again.anchors] == ["rain"]


def test_a_zip_that_would_lack_a_clip_is_not_made(tmp_path: Path, dataset: Dataset) -> None:
    Path(dataset.clips[0].path).unlink()
    with pytest.raises(
        DatasetError, match="1 of the clips are not there any more, such as '.*bring them back or delete"
    ):
        export_zip(tmp_path, dataset)
    assert not list(tmp_path.glob("*.zip"))


def test_a_store_opened_anew_still_has_it(studio: Studio, dataset: Dataset, tmp_path: Path) -> None:
    studio.store.datasets.add(dataset, origin="test")
    with Store.open(studio.home) as other:
        file = export_csv(tmp_path, other.datasets.get(dataset.name))
    assert replace(read_clipset(file), name=dataset.name) == dataset
