"""Data sets in the database: whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.errors import DatasetError
from ga2app.paths import Home
from ga2app.store import DatasetRow, Store
from ga2app.types import AnchorClip, Dataset, LabelledClip, Subset


@pytest.fixture
def dataset(home: Home) -> Dataset:
    return Dataset(
        name="jumps",
        base=("jump", "Ünïcode 跳"),
        novel=("climb",),
        clips=(
            LabelledClip(str(home.media / "b.mp4"), "jump"),
            LabelledClip(str(home.media / "a.mp4"), "jump", Subset.TEST),
            LabelledClip("/elsewhere/c.mp4", "climb", Subset.TEST),
        ),
        anchors=(AnchorClip(str(home.media / "rain.mp4"), "rain"), AnchorClip("/elsewhere/fire.mp4")),
        negatives=("nothing", "else"),
    )


def test_a_data_set_comes_back_equal_in_content_and_order(store: Store, dataset: Dataset) -> None:
    store.datasets.add(dataset, origin="zip")
    assert store.datasets.get("jumps") == dataset


def test_the_list_counts_clips_by_subset_and_anchors(store: Store, dataset: Dataset) -> None:
    dataset_id = store.datasets.add(dataset, origin="zip")
    assert store.datasets.list() == [DatasetRow(dataset_id, "jumps", dataset.base, dataset.novel, 1, 2, 2, "zip")]


def test_a_taken_name_is_refused(store: Store, dataset: Dataset) -> None:
    store.datasets.add(dataset, origin="zip")
    with pytest.raises(DatasetError, match="there is a data set 'jumps' already; choose another name"):
        store.datasets.add(dataset, origin="csv")
    assert [row.origin for row in store.datasets.list()] == ["zip"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clips": ()}, "data set 'jumps' has no usable clips; add at least one clip"),
        ({"name": " "}, "a data set needs a name"),
        ({"novel": ("jump", "climb")}, "has the label 'jump' twice"),
        ({"novel": ()}, "has clips labelled 'climb', which is neither a base nor a novel label"),
    ],
)
def test_a_data_set_that_does_not_fit_together_is_refused_with_the_reason(
    store: Store, dataset: Dataset, change: dict[str, object], message: str
) -> None:
    with pytest.raises(DatasetError, match=message):
        store.datasets.add(replace(dataset, **change), origin="zip")  # type: ignore[arg-type]
    assert store.datasets.list() == []


def test_an_unknown_name_is_answered_with_the_known_ones(store: Store, dataset: Dataset) -> None:
    with pytest.raises(DatasetError, match="there is no data set 'x'; known data sets: none yet"):
        store.datasets.get("x")
    store.datasets.add(dataset, origin="zip")
    with pytest.raises(DatasetError, match="there is no data set 'x'; known data sets: 'jumps'"):
        store.datasets.delete("x")


def test_deleting_a_data_set_takes_its_anchors_and_negatives_along_and_nothing_else(
    store: Store, dataset: Dataset
) -> None:
    shipped = store.negatives.texts()
    store.datasets.add(dataset, origin="zip")
    other = replace(dataset, name="other")
    store.datasets.add(other, origin="zip")
    store.datasets.delete("jumps")
    assert store.datasets.get("other") == other
    assert store.negatives.texts() == shipped
    store.datasets.add(dataset, origin="zip")
    assert store.datasets.get("jumps") == dataset


def test_clips_in_the_home_are_found_after_it_has_moved(home: Home, dataset: Dataset, tmp_path: Path) -> None:
    with Store.open(home) as store:
        store.datasets.add(dataset, origin="zip")
    moved = Home(home.root.rename(tmp_path / "moved"))
    with Store.open(moved) as store:
        paths = [clip.path for clip in store.datasets.get("jumps").clips]
    assert paths == [str(moved.media / "b.mp4"), str(moved.media / "a.mp4"), "/elsewhere/c.mp4"]


def test_sentences_of_labels_and_negatives_are_kept_with_the_data_set(store: Store, dataset: Dataset) -> None:
    told = {"jump": ("a person leaves the ground", "“up” and down"), "climb": ("hands on a wall",), "else": ("rain",)}
    store.datasets.add(replace(dataset, descriptions=told), origin="zip")
    assert store.datasets.get("jumps").descriptions == told
    assert store.datasets.outline("jumps").descriptions == told
