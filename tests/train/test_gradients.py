from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ga2app.clip import Backbone, load_backbone
from ga2app.clip.compute import Compute
from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, PromptConfig, RunConfig
from ga2app.method import losses as objective
from ga2app.training.optimizer import Updater, add_gradients, micro_batches
from ga2app.training.training_state import Setup, prepare
from ga2app.types import Dataset
from tests.approx import same_record
from tests.clips import color_dataset

EVERY_TERM = LossConfig(
    anchor_rejection=0.3,
    background_class=0.5,
    anchor_distillation=0.7,
    text_distillation=1.0,
    class_relation_distillation=0.4,
    anchors_per_step=2,
)
FULL = RunConfig(
    backbone="tiny",
    shots=3,
    prompts=PromptConfig(length=2, visual_depth=2, text_depth=2, hard_prompt="random"),
    losses=EVERY_TERM,
    optimizer=OptimizerConfig(batch_size=2, accumulate=3),
    clips=ClipConfig(num_frames=2),
)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return color_dataset(tmp_path_factory.mktemp("colors"), train=3, test=0)


def prepared(config: RunConfig, dataset: Dataset, backbone: Backbone) -> Setup:
    setup = prepare(config, dataset, backbone, lambda: False)
    setup.model.train()
    return setup


def gradients(setup: Setup, sizes: list[int]) -> tuple[dict[str, Tensor], float]:
    """Gradients and loss of a step over the first clips, in micro-batches of ``sizes``."""
    clips = sum(sizes)
    (whole,) = setup.source.batches([list(range(clips))], 0)
    setup.model.prompts.zero_grad()
    torch.manual_seed(5)
    parts = add_gradients(setup, torch.split(whole, sizes), range(clips), 3, Tensor.backward)
    found = {name: one.grad.clone() for name, one in setup.model.prompts.named_parameters() if one.grad is not None}
    return found, parts.total.item()


@pytest.mark.parametrize("sizes", [[2, 2, 2], [2, 2, 1], [1, 1, 1, 1]], ids=str)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_micro_batches_have_the_gradients_of_one_batch_with_every_term_and_an_uneven_last_one(
    sizes: list[int], dropout: float, dataset: Dataset, backbone: Backbone
) -> None:
    setup = prepared(replace(FULL, prompts=replace(FULL.prompts, dropout=dropout)), dataset, backbone)
    one, many = gradients(setup, [sum(sizes)]), gradients(setup, sizes)
    assert many[1] == pytest.approx(one[1], rel=1e-4)
    assert one[0].keys() == many[0].keys() == {"visual", "soft", "text", "coupling.weight", "coupling.bias"}
    for name, gradient in one[0].items():
        assert gradient.norm() > 0
        assert (gradient - many[0][name]).norm() < 1e-4 * gradient.norm(), name


def test_each_clip_of_an_uneven_step_counts_the_same(dataset: Dataset, backbone: Backbone) -> None:
    """ce is a mean over clips: of 2 + 1 clips, its gradient is 2/3 of that of the two and 1/3 of that of the third."""
    setup = prepared(replace(FULL, losses=LossConfig()), dataset, backbone)
    (whole,) = setup.source.batches([[0, 1, 2]], 0)
    expected = torch.zeros_like(setup.model.prompts.visual_prompts()[0])
    for rows, share in (([0, 1], 2 / 3), ([2], 1 / 3)):
        setup.model.prompts.zero_grad()
        torch.manual_seed(5)
        features = setup.features(whole[rows], rows, 3)
        objective.loss(LossConfig(), features, setup.targets[rows], backbone.scale).total.backward()
        expected += share * setup.model.prompts.visual.grad[0]
    found = gradients(setup, [2, 1])[0]["visual"][0]
    assert (found - expected).norm() < 1e-4 * expected.norm()


@pytest.mark.parametrize(("dtype", "apart"), [(torch.float16, 0.02), (torch.bfloat16, 0.1)], ids=str)
def test_coarser_arithmetic_gives_nearly_the_same_gradients(
    dtype: torch.dtype, apart: float, dataset: Dataset, backbone: Backbone, tiny_clip_folder: Path
) -> None:
    """float16 has 11 binary digits and a scaled loss, bfloat16 has 8. Measured: 0.3 % and 4 % apart."""
    whole = load_backbone(tiny_clip_folder, precision="float32")
    coarse = Backbone(whole.clip, whole.tokenizer, "tiny", None, Compute(torch.device("cpu"), dtype))
    found = []
    for one in (backbone, coarse):
        setup = prepared(FULL, dataset, one)
        updater = Updater(setup.model.prompts, FULL.optimizer, one.compute)
        updater.load_scaling(updater.scaling() and {**updater.scaling(), "scale": 256.0})
        (whole,) = setup.source.batches([[0, 1, 2, 3]], 0)
        torch.manual_seed(5)
        add_gradients(setup, torch.split(whole, 2), range(4), 3, updater.backward)
        updater.limit_gradients()
        found.append({name: item.grad for name, item in setup.model.prompts.named_parameters()})
    for name, gradient in found[0].items():
        assert (gradient - found[1][name]).norm() < apart * gradient.norm(), name


def test_no_more_clips_than_a_micro_batch_leave_their_traces_in_memory(dataset: Dataset, backbone: Backbone) -> None:
    setup = prepared(FULL, dataset, backbone)
    tower = backbone.clip.vision_model.encoder.layers[0]
    remembered: list[int] = []
    seen = tower.register_forward_hook(
        lambda layer, args, output: remembered.append(len(args[0]) if output.requires_grad else 0)
    )
    gradients(setup, [2, 2, 2])
    seen.remove()
    # 2 frames a clip. Two looks without a graph; the last micro-batch and 2 anchors; two passes that go backward.
    assert remembered == [0, 0, 4, 4, 4, 4]


def test_texts_and_anchors_pass_their_towers_once_a_step(dataset: Dataset, backbone: Backbone) -> None:
    setup = prepared(FULL, dataset, backbone)
    passes: list[int] = []
    seen = backbone.clip.text_projection.register_forward_hook(lambda *_: passes.append(1))
    gradients(setup, [2, 2, 2])
    seen.remove()
    assert len(passes) == 1


def test_stored_features_are_not_divided(dataset: Dataset, backbone: Backbone) -> None:
    quick = replace(FULL, prompts=replace(FULL.prompts, visual_depth=0), losses=LossConfig(text_distillation=1.0))
    setup = prepared(quick, dataset, backbone)
    one, many = gradients(setup, [5]), gradients(setup, [2, 2, 1])
    assert same_record(one, many)


def test_micro_batches_deliver_every_clip_of_a_step_in_order() -> None:
    class Numbers:
        def batches(self, order: list[list[int]], epoch: int):
            yield from (torch.tensor(batch) for batch in order)

    steps = micro_batches(Numbers(), [[4, 1, 3, 0, 2], [6, 5]], 2, 0)
    assert [[part.tolist() for part in step] for step in steps] == [[[4, 1], [3, 0], [2]], [[6, 5]]]


def test_a_run_with_checkpointing_has_the_gradients_of_one_without(dataset: Dataset, backbone: Backbone) -> None:
    saving = replace(FULL, optimizer=replace(FULL.optimizer, checkpointing=True))
    found = [gradients(prepared(config, dataset, backbone), [2, 2]) for config in (saving, FULL)]
    assert prepared(saving, dataset, backbone).model.recompute
    assert same_record(*found)
