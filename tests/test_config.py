from __future__ import annotations

import json
from dataclasses import fields, is_dataclass, replace

import pytest

from ga2app.config import (
    PRESETS,
    ClipConfig,
    LossConfig,
    OptimizerConfig,
    Pooling,
    Precision,
    PromptConfig,
    RunConfig,
    WhiteningConfig,
    left_to_name,
    preset,
)
from ga2app.errors import ConfigError
from ga2app.services.run_requests import merged_settings


def faults(data: object) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        RunConfig.from_dict(data)
    return {fault.field: fault.message for fault in caught.value.faults}


def test_every_field_survives_the_round_trip_through_json():
    config = RunConfig(
        dataset="mine",
        backbone="openai/clip-vit-base-patch16",
        shots=4,
        seed=3,
        device="cpu",
        precision=Precision.BFLOAT16,
        processes=2,
        threads=3,
        attention="eager",
        prompts=PromptConfig(5, 2, 3, False, 0.25, "random", 0.5, Pooling.ORDERED),
        losses=LossConfig(*(0.1 * place for place in range(1, 9)), attributes=False, margin=0.7, anchors_per_step=8),
        whitening=WhiteningConfig(True, 0.5, 0.1, 0.75),
        optimizer=OptimizerConfig(0.02, 0.03, 9, 1.5, 6, 2, 0.8, 3, True),
        clips=ClipConfig(4, False, 0.1, False, 3, 0),
        anchors="rain and clouds",
        negatives=("objects", "places"),
        report_to=("tensorboard",),
        project="mine",
        trackio_space_id="me/metrics",
    )
    default = RunConfig()
    for item in fields(config):
        mine, theirs = getattr(config, item.name), getattr(default, item.name)
        inner = [(getattr(mine, f.name), getattr(theirs, f.name)) for f in fields(mine)] if is_dataclass(mine) else []
        assert all(a != b for a, b in inner or [(mine, theirs)]), f"{item.name} is not tried with another value"
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_settings_saved_before_anchor_sets_could_be_named_are_still_read():
    old = RunConfig().to_dict()
    del old["anchors"], old["negatives"]
    assert RunConfig.from_dict(old) == RunConfig()


@pytest.mark.parametrize(
    ("negatives", "fault"),
    [
        ("objects", "must be a list (it is 'objects')"),
        ([3], "must be text (it is 3)"),
        (["none", "objects"], "names groups or 'none', not both (it is ('none', 'objects'))"),
    ],
)
def test_negatives_are_a_list_of_groups_or_none(negatives, fault):
    assert faults({"negatives": negatives}) == {"negatives": fault}


def test_all_faults_are_told_at_once_each_at_its_field():
    told = faults(
        {
            "shots": 0,
            "seed": "x",
            "colour": 1,
            "optimizer": {"learning_rate": 0, "epochs": 1.5, "momentum": 0.9},
            "prompts": {"length": 0, "dropout": 1.0},
            "precision": "float8",
        }
    )
    assert told.keys() == {
        "shots",
        "seed",
        "colour",
        "optimizer.learning_rate",
        "optimizer.epochs",
        "optimizer.momentum",
        "prompts.length",
        "prompts.dropout",
        "precision",
    }
    assert told["optimizer.learning_rate"] == "must be above 0 and at most 1; 0.004 is a good start (it is 0.0)"
    assert told["seed"] == "must be a whole number (it is 'x')"
    assert told["precision"] == "must be one of auto, float32, bfloat16, float16 (it is 'float8')"


@pytest.mark.parametrize("rate", [0, 1e6, -1, float("nan"), float("inf")])
def test_a_learning_rate_out_of_range_is_a_fault(rate: float):
    assert "optimizer.learning_rate" in faults({"optimizer": {"learning_rate": rate}})


def test_true_is_no_number():
    assert faults({"shots": True})["shots"] == "must be a whole number (it is True)"


def test_something_that_is_no_object_is_a_fault():
    assert faults([]) == {"config": "must be a JSON object, not []"}
    assert faults({"clips": 3}) == {"clips": "must be a JSON object, not 3"}


def test_terms_that_could_not_act_are_faults():
    quick = {"visual_depth": 0}
    assert "objective.keep" in faults({"prompts": quick, "objective": {"keep": 1.0}})
    text_off = {"text_depth": 0, "coupled": False}
    assert "objective.twin" in faults({"prompts": text_off, "objective": {"twin": 1.0}})
    assert "prompts.text_depth" in faults({"prompts": {**text_off, **quick}})


def test_coupling_needs_text_prompts():
    assert "prompts.coupled" in faults({"prompts": {"text_depth": 0, "coupled": True}})


def test_quick_leaves_the_vision_tower_alone_and_full_does_not():
    assert preset("quick").prompts.visual_depth == 0 < preset("full").prompts.visual_depth


@pytest.mark.parametrize("name", ["quick", "full", "ga2"])
def test_a_real_clip_gets_the_papers_prompts_and_no_foreign_hard_prompt(name: str):
    prompts = preset(name, "openai/clip-vit-base-patch16").prompts
    assert (prompts.length, prompts.text_depth, prompts.hard_prompt) == (16, 9, "random")
    assert preset(name).prompts.hard_prompt == "embedded"


PAPER = [name for name in PRESETS if name.startswith("paper-")]


@pytest.mark.parametrize("name", PAPER)
def test_a_paper_preset_holds_every_default_of_the_published_runs(name: str):
    config = preset(name)
    assert (config.backbone, config.shots, config.seed) == ("openai/clip-vit-base-patch16", 16, 1024)
    prompts = config.prompts
    assert (prompts.length, prompts.visual_depth, prompts.text_depth, prompts.dropout) == (16, 9, 9, 0.5)
    assert prompts.coupled and prompts.zero_shot_ratio == 0
    assert config.losses == LossConfig(released=1.0, anchors_per_step=1)
    optimizer = config.optimizer
    assert (optimizer.epochs, optimizer.warmup_epochs, optimizer.weight_decay) == (12, 2, 1e-3)
    assert (optimizer.max_gradient_norm, optimizer.accumulate) == (0, 1)
    assert (config.clips.num_frames, config.clips.grayscale, config.clips.augment) == (32, 0.2, True)
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_the_paper_presets_differ_where_the_published_runs_do():
    """Learning rate (× 0.1 on HMDB-51), batch (4 on SSv2), flip (not on SSv2), hard prompt (none before K400)."""
    assert {
        name: (
            config.dataset,
            config.optimizer.learning_rate,
            config.optimizer.batch_size,
            config.clips.flip,
            config.prompts.hard_prompt == "random",
        )
        for name in PAPER
        for config in [preset(name)]
    } == {
        "paper-hmdb": ("hmdb51", 4e-3, 8, True, False),
        "paper-ucf": ("ucf101", 4e-2, 8, True, False),
        "paper-ssv2": ("ssv2", 4e-2, 4, False, False),
        "paper-k400": ("k400", 4e-2, 8, True, True),
    }


def test_a_paper_preset_leaves_the_hard_prompt_to_the_user_and_says_what_to_name():
    config = preset("paper-hmdb")
    (fault,) = left_to_name(config)
    assert fault.field == "prompts.hard_prompt"
    assert "name the folder of a bundle trained on Kinetics-400" in fault.message
    named = replace(config, prompts=replace(config.prompts, hard_prompt="k400-bundle"))
    uncoupled = replace(config, prompts=replace(config.prompts, coupled=False))
    assert left_to_name(named) == left_to_name(uncoupled) == left_to_name(preset("paper-k400")) == []


def test_a_paper_preset_takes_another_clip_but_not_the_drawn_one():
    assert preset("paper-ucf", "openai/clip-vit-large-patch14").backbone == "openai/clip-vit-large-patch14"
    assert preset("paper-ucf", "sketch").backbone == "openai/clip-vit-base-patch16"


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match="'best' is not a preset; choose one of quick, full, ga2, paper-hmdb"):
        preset("best")


def test_a_changed_copy_is_checked_too():
    with pytest.raises(ConfigError, match="must be below epochs|below epochs"):
        replace(OptimizerConfig(), warmup_epochs=12.0)


def test_a_setting_is_read_under_the_fields_word_for_it_and_written_under_the_key_that_every_version_reads():
    words = {
        "losses": {
            "anchor_distillation": 0.3,
            "relation_distillation": 0.4,
            "feature_distillation": 0.5,
            "text_distillation": 4,
            "class_relation_distillation": 0.6,
            "anchor_rejection": 0.7,
            "background_class": 0.8,
        },
        "prompts": {"zero_shot_ratio": 0.25},
    }
    config = RunConfig.from_dict(words)
    assert config.losses == LossConfig(
        anchor_distillation=0.3,
        relation_distillation=0.4,
        feature_distillation=0.5,
        text_distillation=4.0,
        class_relation_distillation=0.6,
        anchor_rejection=0.7,
        background_class=0.8,
    )
    assert config.prompts.zero_shot_ratio == pytest.approx(0.25, rel=1e-4)
    assert config.to_dict()["objective"]["keep"] == pytest.approx(0.3, rel=1e-4)
    assert faults({"losses": {"keep": 1.0, "anchor_distillation": 1.0}}) == {
        "objective.anchor_distillation": "is the same setting as 'keep'; keep one of the two"
    }


def test_faults_of_fields_and_faults_between_fields_are_told_together():
    assert faults({"shots": 0, "prompts": {"visual_depth": 0}, "objective": {"keep": 1.0, "stay": 1.0}}).keys() == {
        "shots",
        "objective.keep",
        "objective.stay",
    }


def test_a_preset_is_changed_under_the_names_of_the_field_as_under_the_short_ones() -> None:
    changes = {"losses": {"anchor_distillation": 0.7}, "prompts": {"zero_shot_ratio": 0.1}}
    merged = merged_settings(changes, "full")
    assert merged == merged_settings({"objective": {"keep": 0.7}, "prompts": {"residual": 0.1}}, "full")
    assert RunConfig.from_dict(merged).to_dict()["objective"]["vocabulary"] == 4.0, "the preset's other weights stay"
    with pytest.raises(ConfigError, match="is the same setting as 'keep'; keep one of the two"):
        RunConfig.from_dict(merged_settings({"losses": {"keep": 1.0, "anchor_distillation": 0.7}}, "full"))
