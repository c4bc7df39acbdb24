"""The hard prompts on offer: those that fit, under keys that tell no path of the server."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.config import HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, SKETCH, preset
from ga2app.errors import ConfigError
from ga2app.paths import SKETCH_HARD_PROMPT
from ga2app.services.prompt_fit import facts_of, hard_prompt_faults
from ga2app.web import Studio

from ..studios import add_bundle, add_dataset


def write_manifest(folder: str, *, backbone: str = SKETCH, length: int = 8, text_depth: int = 3) -> None:
    Path(folder).mkdir(parents=True)
    prompts = {"length": length, "text_depth": text_depth}
    manifest = {"backbone": {"name": backbone}, "config": {"prompts": prompts}}
    (Path(folder) / "bundle.json").write_text(json.dumps(manifest))


@pytest.fixture
def library(studio: Studio) -> Studio:
    write_manifest(add_bundle(studio, "fits", name="fits"))
    write_manifest(add_bundle(studio, "longer", name="longer"), length=16)
    write_manifest(add_bundle(studio, "foreign", "real", name="foreign"), backbone="real")
    write_manifest(add_bundle(studio, "textless", name="textless"), text_depth=0)
    add_bundle(studio, "lost", name="lost")
    return studio


def test_the_embedded_prompt_can_be_read_for_what_it_is() -> None:
    facts = facts_of(SKETCH_HARD_PROMPT)
    assert facts is not None and facts.fault(SKETCH, 8) is None


def test_only_bundles_that_fit_are_offered(library: Studio) -> None:
    assert [value for _, value in library.training.hard_prompts(SKETCH, 8, "random")] == ["embedded", "random", "fits"]
    assert [value for _, value in library.training.hard_prompts(SKETCH, 16, "random")] == ["random", "longer"]
    assert [value for _, value in library.training.hard_prompts("real", 8, "random")] == ["random", "foreign"]
    assert [value for _, value in library.training.hard_prompts(SKETCH, None, "random")] == ["random"]


def test_what_is_chosen_stays_in_the_list_when_it_fits_no_more(library: Studio) -> None:
    choices = dict((value, title) for title, value in library.training.hard_prompts(SKETCH, 16, "fits"))
    assert choices["fits"].endswith("(does not fit)")


def test_a_browser_sees_keys_and_a_run_gets_folders(library: Studio) -> None:
    folder = library.training.hard_prompt_folder("fits")
    assert folder == str(library.home.bundles / "fits")
    assert library.training.hard_prompt_key(str(folder)) == "fits"
    assert library.training.hard_prompt_folder(HARD_PROMPT_RANDOM) == HARD_PROMPT_RANDOM


def test_a_path_may_be_typed_on_ones_own_machine_only(library: Studio) -> None:
    assert library.training.hard_prompt_folder("/some/where") == "/some/where"
    with pytest.raises(ConfigError, match="there is no bundle '/some/where' in the library; choose one of the list"):
        replace(library, server_paths=False).training.hard_prompt_folder("/some/where")


def test_programs_name_a_bundle_by_its_key_and_no_path_of_a_public_server(library: Studio) -> None:
    add_dataset(library)
    config = preset("quick")
    named = replace(config, prompts=replace(config.prompts, hard_prompt="fits"))
    run_id = library.training.queue_config(named)
    folder = str(library.home.bundles / "fits")
    assert library.store.runs.get(run_id).config["prompts"]["hard_prompt"] == folder
    public = replace(library, server_paths=False)
    public.training.queue_config(replace(config, prompts=replace(config.prompts, hard_prompt=folder)))
    with pytest.raises(ConfigError, match="there is no bundle '/etc' in the library"):
        public.training.queue_config(replace(config, prompts=replace(config.prompts, hard_prompt="/etc")))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("longer", "it has 16 tokens and this run's prompt length is 8; set the prompt length to 16"),
        ("foreign", "it belongs to backbone 'real', not to 'sketch'; choose another one, or 'random'"),
        ("textless", "it has no text prompts; choose another bundle"),
        ("lost", "is not the folder of a prompt bundle; choose one of the list, or 'random'"),
    ],
)
def test_one_that_does_not_fit_says_why(library: Studio, name: str, message: str) -> None:
    config = preset("quick")
    named = replace(config.prompts, hard_prompt=str(library.home.bundles / name))
    (fault,) = hard_prompt_faults(replace(config, prompts=named))
    assert fault.field == "prompts.hard_prompt" and message in fault.message


def test_the_embedded_one_belongs_to_the_sketch_backbone_and_needs_its_length() -> None:
    config = preset("quick")
    assert hard_prompt_faults(config) == []
    (fault,) = hard_prompt_faults(replace(config, backbone="real"))
    assert "the embedded one belongs to backbone 'sketch', not to 'real'" in fault.message
    (fault,) = hard_prompt_faults(replace(config, prompts=replace(config.prompts, length=4)))
    assert "it has 8 tokens and this run's prompt length is 4" in fault.message
    uncoupled = replace(config.prompts, coupled=False, hard_prompt=HARD_PROMPT_EMBEDDED)
    assert hard_prompt_faults(replace(config, backbone="real", prompts=uncoupled)) == []
