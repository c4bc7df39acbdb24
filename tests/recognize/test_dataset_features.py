"""Clips encoded once, kept on disk, and answered for from there as Recognize answers."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ga2app import Recognizer, load_backbone
from ga2app.clip import Backbone
from ga2app.config import ClipConfig, OptimizerConfig, PromptConfig, RunConfig
from ga2app.datasets.clip_files import content_digest
from ga2app.evaluation.stored_features import MOST_FILES, StoredFeatures, unknown_to
from ga2app.inference.dataset_features import DatasetFeatures
from ga2app.training import train
from ga2app.types import Dataset
from tests.clips import COLORS, color_dataset

LABELS = list(COLORS)
RUN = RunConfig(
    dataset="colors",
    backbone="tiny",
    shots=2,
    prompts=PromptConfig(length=2, visual_depth=2, text_depth=3, hard_prompt="random", zero_shot_ratio=0.3),
    optimizer=OptimizerConfig(learning_rate=0.02, epochs=1, warmup_epochs=0),
    clips=ClipConfig(num_frames=3, augment=False),
)


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"), train=2, test=1)


@pytest.fixture(scope="module")
def bundle(backbone: Backbone, dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bundle") / "colors"
    train(RUN, dataset, out=folder, checkpoint=folder.with_suffix(".checkpoint"), backbone=backbone)
    return str(folder)


@pytest.fixture(scope="module")
def clips(dataset: Dataset) -> dict[str, str]:
    return {content_digest(clip.path): clip.path for clip in dataset.clips}


def test_stored_clips_get_the_very_answers_of_recognize(
    backbone: Backbone, bundle: str, clips: dict[str, str], tmp_path: Path
):
    recognizer = Recognizer(backbone, bundle)
    features = DatasetFeatures(recognizer, tmp_path)
    assert features.encode(clips) == {} and features.unknown(list(clips)) == []
    found, names = features.probabilities(list(clips), LABELS)
    answers = recognizer.recognize(list(clips.values()), LABELS)
    for row, clip in enumerate(answers.clips):
        for probabilities, answer in zip(found, clip.answers, strict=True):
            told = {score.label: score.score for score in answer.scores}
            assert [told[name] for name in names] == pytest.approx(probabilities[row].tolist(), rel=1e-4, abs=1e-6)


def test_a_clip_passes_the_tower_once_whoever_asks(
    backbone: Backbone, clips: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    DatasetFeatures(Recognizer(backbone, num_frames=3), tmp_path).encode(clips)
    again = DatasetFeatures(Recognizer(backbone, num_frames=3), tmp_path)
    told: list[int] = []
    assert again.encode(clips, lambda done, total: told.append(done)) == {} and told == []
    assert torch.equal(again.features(list(clips)).norm(dim=1).round(decimals=4), torch.ones(len(clips)))
    other = DatasetFeatures(Recognizer(backbone, num_frames=4), tmp_path)
    assert other.unknown(list(clips)) == list(clips), "other frames are other features"


def test_what_was_encoded_before_a_stop_is_kept(backbone: Backbone, clips: dict[str, str], tmp_path: Path):
    recognizer = Recognizer(backbone, num_frames=3)
    recognizer._clips_at_once = lambda: 4  # type: ignore[method-assign]
    features, told = DatasetFeatures(recognizer, tmp_path), []
    features.encode(clips, lambda done, total: told.append((done, total)), lambda: len(told) == 2)
    assert told == [(4, 12), (8, 12)]
    assert DatasetFeatures(recognizer, tmp_path).unknown(list(clips)) == list(clips)[8:]


def test_a_clip_that_cannot_be_read_is_named_and_keeps_no_other_out(
    backbone: Backbone, clips: dict[str, str], tmp_path: Path
):
    features = DatasetFeatures(Recognizer(backbone, num_frames=3), tmp_path)
    faults = features.encode({"gone": str(tmp_path / "gone.mp4"), **clips})
    assert list(faults) == ["gone"] and "there is no such file" in faults["gone"]
    assert features.unknown(list(clips)) == []


def test_pictures_are_those_of_the_frames(backbone: Backbone, clips: dict[str, str], tmp_path: Path):
    features = DatasetFeatures(Recognizer(backbone, num_frames=3), tmp_path)
    features.encode(clips)
    levels = features.pictures(list(clips)).float().mean(dim=(1, 2))
    by_label = {label: levels[3 * place : 3 * place + 3].mean() for place, label in enumerate(LABELS)}
    assert min(by_label, key=by_label.get) == "jumping" and max(by_label, key=by_label.get) == "reading"


FACTS = {"backbone": "one", "frames": "3", "precision": "float32"}


def kept(root: Path, digest: str, value: float, facts: dict[str, str] = FACTS) -> StoredFeatures:
    store = StoredFeatures(root, facts)
    store.keep([digest], torch.full((1, 4), value), torch.zeros(1, 2, 9, dtype=torch.uint8))
    return store


def test_rows_come_in_the_order_that_is_asked_for_from_whatever_file(tmp_path: Path):
    for number in range(4):
        kept(tmp_path, f"clip {number}", float(number))
    store = StoredFeatures(tmp_path, FACTS)
    assert store.rows(["clip 3", "clip 0", "clip 3"])[:, 0].tolist() == [3.0, 0.0, 3.0]
    assert unknown_to([store], ["clip 1", "other", "other"]) == ["other"]


def test_many_files_become_one_and_nothing_is_lost(tmp_path: Path):
    for number in range(MOST_FILES + 1):
        kept(tmp_path, f"clip {number}", float(number))
    store = StoredFeatures(tmp_path, FACTS)
    store.tidy()
    assert len(list(store.folder.iterdir())) == 1
    again = StoredFeatures(tmp_path, FACTS)
    for one in (store, again):
        assert one.rows([f"clip {number}" for number in range(MOST_FILES + 1)])[:, 0].tolist() == [
            *range(MOST_FILES + 1)
        ]


def test_the_towers_used_longest_ago_go_where_all_take_too_much(tmp_path: Path):
    old = kept(tmp_path, "a", 1.0, FACTS | {"frames": "8"})
    store = StoredFeatures(tmp_path, FACTS, most_bytes=1)
    store.keep(["a"], torch.ones(1, 4), torch.zeros(1, 2, 9, dtype=torch.uint8))
    store.tidy()
    assert not old.folder.exists() and store.folder.exists()


@pytest.mark.parametrize("damage", ["cut", "another tower's"])
def test_a_damaged_file_goes_and_its_clips_are_unknown_again(tmp_path: Path, damage: str, caplog):
    store = kept(tmp_path, "a", 1.0)
    (file,) = store.folder.iterdir()
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:100])
    else:
        other = kept(tmp_path / "other", "a", 1.0, FACTS | {"frames": "9"})
        shutil.copy(next(other.folder.iterdir()), file)
    assert "a" not in StoredFeatures(tmp_path, FACTS) and not file.exists()
    assert "encoded anew" in caplog.text


def test_a_file_without_digests_is_not_taken_for_features(tmp_path: Path, caplog):
    folder = StoredFeatures(tmp_path, FACTS).folder
    folder.mkdir(parents=True)
    save_file({"means": torch.ones(1, 4)}, str(folder / "x.safetensors"))
    assert "a" not in StoredFeatures(tmp_path, FACTS)
