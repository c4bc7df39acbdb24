"""A folder of a CLIP can be named on every screen, and at every door, of one's own machine; on a Space nowhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.config import SKETCH
from ga2app.errors import BackboneError, ConfigError
from ga2app.hub.backbone_downloads import Backbones
from ga2app.paths import Home
from ga2app.types import RecognitionRequest
from ga2app.web import Studio
from ga2app.web.api.run_endpoints import RunEndpoints
from ga2app.web.components.form_fields import choices, settle_choice
from ga2app.web.pages.recognize.recognize_controls import bundle_choice, misfit_html
from tests.backbone.clip_folders import copy_of
from tests.ui.studios import BASE, add_bundle, add_dataset, make_studio
from tests.ui.train.test_plan import entered


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A studio that remembers folders, over a cache without a CLIP."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    listed = Backbones(file=tmp_path / "folders.json")
    made = make_studio(Home(tmp_path / "home"), backbones=listed, remember_backbone=listed.remember)
    yield made
    made.store.close()


@pytest.fixture
def folder(tiny_clip_folder: Path, tmp_path: Path) -> str:
    return str(copy_of(tiny_clip_folder, tmp_path / "my clip"))


@pytest.mark.parametrize("how", ["{}", '"{}"', " {} ", "{}/"])
def test_a_typed_folder_is_chosen_by_its_whole_path_and_remembered(how: str, studio: Studio, folder: str) -> None:
    update, fault = settle_choice(studio, how.format(folder), "help")
    assert (update["value"], update["info"], fault) == (folder, "help", "")
    assert (f"my clip (folder {folder})", folder) in update["choices"] == choices(studio)
    again = Backbones(file=studio.home.root.parent / "folders.json")
    assert folder in [choice.name for choice in again()]


def test_a_folder_that_cannot_be_used_is_told_at_once_with_the_reason(studio: Studio, folder: str) -> None:
    (Path(folder) / "tokenizer.json").unlink()
    update, fault = settle_choice(studio, folder, "help")
    assert "no tokenizer" in fault and fault in update["info"] and "value" not in update
    (Path(folder) / "preprocessor_config.json").write_text(json.dumps({"do_pad": True}))
    assert "no tokenizer" in settle_choice(studio, folder, "help")[1]
    for typed, reason in (
        ("/no/such/folder", "is not a folder on this machine"),
        ("some/clip", "choose one of: sketch"),
    ):
        assert reason in settle_choice(studio, typed, "help")[1]
    assert choices(studio) == [("sketch (embedded, knows drawings only)", SKETCH)]


def test_a_folder_that_has_gone_is_not_offered_and_comes_back_with_its_disk(studio: Studio, folder: str) -> None:
    studio.known_backbone(folder)
    file = studio.home.root.parent / "folders.json"
    away = Path(folder).rename(Path(folder).with_name("away"))
    assert folder not in [choice.name for choice in Backbones(file=file)()]
    away.rename(folder)
    assert folder in [choice.name for choice in Backbones(file=file)()]


def test_strangers_can_name_no_folder_of_the_machine(studio: Studio, folder: str) -> None:
    public = replace(studio, server_paths=False)
    add_dataset(studio)
    with pytest.raises(BackboneError, match="is not on this machine; choose one of: sketch"):
        public.known_backbone(folder)
    with pytest.raises(BackboneError, match="is not on this machine"):
        public.recognition.answer(RecognitionRequest([studio.examples[0].path], "a, b", backbone=folder))
    with pytest.raises(ConfigError, match="backbone: .* is not on this machine"):
        RunEndpoints(public).queue_run({"backbone": folder, "dataset": "demo"}, "quick", "")
    with pytest.raises(ConfigError, match="is not on this machine"):
        public.training.plan(entered(backbone=folder))
    assert not public.has_backbone(folder)


def test_recognize_answers_with_a_folder_that_was_typed(studio: Studio, folder: str) -> None:
    told = studio.recognition.answer(RecognitionRequest([studio.examples[0].path], "a, b", backbone=f"'{folder}'"))
    assert told.recognition.backbone == folder


def test_a_run_is_planned_with_the_whole_path_of_a_typed_folder(studio: Studio, folder: str) -> None:
    add_dataset(studio)
    with pytest.raises(ConfigError) as told:
        studio.training.plan(entered(backbone="/no/such/folder"))
    assert "backbone" in [fault.field for fault in told.value.faults if "is not a folder" in fault.message]
    fitting = entered(prompts__coupled=False, prompts__text_depth=2, clips__num_frames=2, backbone=f"{folder}/")
    plan = studio.training.plan(fitting)
    assert [run.config.backbone for run in plan.runs] == [folder]


def test_anchors_begin_with_the_folder_that_was_asked_last(studio: Studio, folder: str) -> None:
    add_dataset(studio)
    studio.store.ratings.ask(BASE, folder, "demo")
    assert studio.anchors.start_values()[2] == folder


def test_a_bundle_of_a_folder_chooses_it(studio: Studio, folder: str) -> None:
    add_bundle(studio, "mine", folder)
    update, _ = bundle_choice(studio, ["mine"])
    assert update["value"] == folder and misfit_html(studio, ["mine"], folder) == ""
