"""A bundle measured again: what has changed since its training, and which clips do not count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.datasets.clip_files import among, clip_marks, clips_identity
from ga2app.evaluation import Trained, to_measure_again
from ga2app.types import Dataset, LabelledClip, Subset


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Two labels with one training and two test clips each; their content is not looked at as video."""
    clips = []
    for label in ("walk", "run"):
        for number, subset in enumerate((Subset.TRAIN, Subset.TEST, Subset.TEST)):
            path = tmp_path / f"{label}-{number}.mp4"
            path.write_bytes(f"{label} {number}".encode())
            clips.append(LabelledClip(str(path), label, subset))
    return Dataset("mine", ("walk", "run"), (), tuple(clips))


def trained_on(dataset: Dataset, *, marks: bool = True, data: bool = True) -> Trained:
    paths = [clip.path for clip in dataset.clips if clip.subset is Subset.TRAIN]
    identity = clips_identity(dataset) if data else ""
    return Trained(dataset.name, dataset.base, dataset.novel, identity, clip_marks(paths) if marks else ())


def turned(dataset: Dataset) -> Dataset:
    """Training and test clips have changed places."""
    other = {Subset.TRAIN: Subset.TEST, Subset.TEST: Subset.TRAIN}
    return replace(dataset, clips=tuple(replace(clip, subset=other[clip.subset]) for clip in dataset.clips))


def test_nothing_is_said_and_every_test_clip_counts_where_nothing_has_changed(dataset: Dataset) -> None:
    found = to_measure_again(dataset, trained_on(dataset))
    assert (found.dataset, found.seen, found.tested, found.changed, found.notes) == (dataset, 0, 4, False, ())
    assert to_measure_again(dataset, trained_on(dataset, marks=False)).notes == ()


def test_clips_are_known_by_their_content_wherever_they_lie_and_whatever_they_are_called(
    dataset: Dataset, tmp_path: Path
) -> None:
    copy = tmp_path / "elsewhere" / "other.mp4"
    copy.parent.mkdir()
    copy.write_bytes(Path(dataset.clips[0].path).read_bytes())
    other = replace(dataset, name="other", clips=(LabelledClip(str(copy), "walk", Subset.TEST), *dataset.clips[1:]))
    found = to_measure_again(other, trained_on(dataset))
    assert found.seen == 1 and str(copy) not in {clip.path for clip in found.dataset.clips} and not found.changed
    copy.write_bytes(b"walk 9")  # as many bytes, another content
    assert among([str(copy), str(tmp_path / "gone.mp4")], trained_on(dataset).marks) == set()


def test_a_bundle_that_does_not_say_its_clips_is_said_to_be_too_good_after_a_change(dataset: Dataset) -> None:
    for trained in (trained_on(dataset, marks=False), trained_on(dataset, marks=False, data=False)):
        told = " ".join(to_measure_again(turned(dataset), trained).notes)
        assert "does not say which clips it was trained on" in told and "figures are too good" in told


def test_labels_that_came_went_or_changed_sides_are_named(dataset: Dataset) -> None:
    now = replace(dataset, base=("walk", "jump"), novel=("run",))
    (note,) = to_measure_again(now, trained_on(replace(dataset, base=("walk", "run", "swim")))).notes
    assert note.endswith("new labels: jump; labels gone: swim; base or novel: run")


def test_the_identity_of_clips_is_that_of_labels_names_sizes_and_split(dataset: Dataset, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    clips = []
    for clip in reversed(dataset.clips):
        (moved / Path(clip.path).name).write_bytes(Path(clip.path).read_bytes())
        clips.append(replace(clip, path=str(moved / Path(clip.path).name)))
    assert clips_identity(replace(dataset, name="x", clips=tuple(clips))) == clips_identity(dataset)
    assert clips_identity(turned(dataset)) != clips_identity(dataset)
    assert clips_identity(replace(dataset, base=("walk",), novel=("run",))) != clips_identity(dataset)
