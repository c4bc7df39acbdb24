from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ga2app import bundles
from ga2app.bundles.checkpoints import Origin, import_checkpoint
from ga2app.clip import Backbone, load_backbone
from ga2app.errors import BundleError
from ga2app.inference import Recognizer, load_bundle
from ga2app.types import LabelKind
from tests.clips import write_color_clip
from tests.published import openai_layout as theirs
from tests.published.conftest import BASE, Save

NAMES = ("walking", "waving hand", "reading a book", "something")
TOLERANCE = 1e-5
"""Of logits up to about five, so that nothing but the order of float32 sums may differ."""


@pytest.fixture(scope="module")
def pixels() -> Tensor:
    """Two clips of three frames."""
    return torch.randn(2, 3, 3, theirs.SIDE, theirs.SIDE, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def coupled(world: theirs.World) -> dict[str, Tensor]:
    """A whole published checkpoint with coupled prompts, its towers as in the backbone."""
    return {
        **theirs.random_prompts(1, coupled=True),
        **theirs.published_weights(world.weights),
        **theirs.embedded_names(world.weights, world.folder, BASE),
    }


@pytest.fixture
def base(save: Save) -> Path:
    """The checkpoint that the run started from: its soft prompt is the hard one."""
    return save("k400_base_pre.pt", theirs.random_prompts(2, coupled=False))


def hard_of(base: Path) -> Tensor:
    state = torch.load(base, weights_only=True)["model_state_dict"]
    hard: Tensor = state["prompt_learner.ctx_VPT"]
    return hard


def ours(bundle: Path, backbone: Backbone, pixels: Tensor, names: Sequence[str] = NAMES) -> Tensor:
    with torch.no_grad():
        logits: Tensor = load_bundle(bundle).attach(backbone, names)(pixels).logits
    return logits


def apart(first: Tensor, second: Tensor) -> float:
    return float((first - second).abs().max())


def test_logits_of_coupled_prompts_equal_the_published_model(
    world: theirs.World,
    backbone: Backbone,
    pixels: Tensor,
    coupled: dict[str, Tensor],
    base: Path,
    save: Save,
    tmp_path: Path,
):
    answer = import_checkpoint(save("hmdb.pt", coupled), backbone, hard_prompt=base, out=tmp_path / "hmdb")
    wanted = theirs.logits(world.weights, world.folder, pixels, NAMES, coupled, hard_of(base))
    assert apart(ours(tmp_path / "hmdb", backbone, pixels), wanted) < TOLERANCE
    # The figures above say something: prompts, order of the coupling and depths all show in the logits.
    assert apart(wanted, theirs.logits(world.weights, world.folder, pixels, NAMES)) > 0.1
    swapped = {**coupled, "prompt_learner.ctx_VPT": hard_of(base)}
    soft = coupled["prompt_learner.ctx_VPT"]
    assert apart(wanted, theirs.logits(world.weights, world.folder, pixels, NAMES, swapped, soft)) > 0.1
    for tower in ("image_encoder", "text_encoder"):
        shallow = {key: value for key, value in coupled.items() if not (tower in key and "VPT_shallow" in key)}
        others = theirs.logits(world.weights, world.folder, pixels, NAMES, shallow, hard_of(base))
        assert apart(wanted, others) > 0.01
    assert answer.prompts is not None and answer.prompts.coupled and answer.backbone_folder is None
    assert (answer.prompts.length, answer.prompts.visual_depth, answer.prompts.text_depth) == (4, 4, 3)


def test_with_the_real_tokenizer_logits_are_equal_and_names_are_read_back(
    pixels: Tensor, base: Path, save: Save, tmp_path: Path, clip_tokenizer: Path
):
    world = theirs.make_world(tmp_path / "clip", clip_tokenizer)
    names = ("brush hair", "push-up", "walk the dog", "high_jump")
    state = {
        **theirs.random_prompts(1, coupled=True),
        **theirs.published_weights(world.weights),
        **theirs.embedded_names(world.weights, world.folder, names),
    }
    backbone = load_backbone(world.folder, device="cpu", precision="float32")
    answer = import_checkpoint(save("hmdb.pt", state), backbone, hard_prompt=base, out=tmp_path / "hmdb")
    wanted = theirs.logits(world.weights, world.folder, pixels, names, state, hard_of(base))
    assert apart(ours(tmp_path / "hmdb", backbone, pixels, names), wanted) < TOLERANCE
    assert answer.base == ("brush hair", "push - up", "walk the dog", "high jump")
    assert apart(ours(tmp_path / "hmdb", backbone, pixels, answer.base), wanted) < TOLERANCE


def test_uncoupled_prompts_become_an_uncoupled_bundle_without_a_hard_prompt(
    world: theirs.World, backbone: Backbone, pixels: Tensor, base: Path, save: Save, tmp_path: Path
):
    state = {**theirs.random_prompts(1, coupled=False), **theirs.published_weights(world.weights)}
    answer = import_checkpoint(save("plain.pt", state), backbone, hard_prompt=base, out=tmp_path / "plain")
    wanted = theirs.logits(world.weights, world.folder, pixels, NAMES, state)
    assert apart(ours(tmp_path / "plain", backbone, pixels), wanted) < TOLERANCE
    assert answer.prompts is not None and not answer.prompts.coupled
    assert any("not coupled" in note and "'k400_base_pre.pt' was not used" in note for note in answer.notes)


def test_the_prefix_of_parallel_training_is_taken_off(
    world: theirs.World,
    backbone: Backbone,
    pixels: Tensor,
    coupled: dict[str, Tensor],
    base: Path,
    save: Save,
    tmp_path: Path,
):
    file = save("ddp.pt", {f"module.{key}": value for key, value in coupled.items()})
    import_checkpoint(file, backbone, hard_prompt=base, out=tmp_path / "ddp")
    wanted = theirs.logits(world.weights, world.folder, pixels, NAMES, coupled, hard_of(base))
    assert apart(ours(tmp_path / "ddp", backbone, pixels), wanted) < TOLERANCE


def test_a_float16_file_is_widened_and_its_rounded_towers_are_those_of_the_backbone(
    world: theirs.World,
    backbone: Backbone,
    pixels: Tensor,
    coupled: dict[str, Tensor],
    base: Path,
    save: Save,
    tmp_path: Path,
):
    half = {key: value.half() for key, value in coupled.items()}
    answer = import_checkpoint(save("half.pt", half), backbone, hard_prompt=base, out=tmp_path / "half")
    assert answer.backbone_folder is None and answer.base == BASE
    tensors = bundles.load_folder(tmp_path / "half").tensors
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    rounded = {key: value.float() for key, value in half.items()}
    wanted = theirs.logits(world.weights, world.folder, pixels, NAMES, rounded, hard_of(base))
    assert apart(ours(tmp_path / "half", backbone, pixels), wanted) < TOLERANCE


def test_the_older_file_format_and_bfloat16_are_read_too(
    backbone: Backbone, coupled: dict[str, Tensor], base: Path, tmp_path: Path
):
    state = {key: value.bfloat16() for key, value in coupled.items()}
    torch.save({"model_state_dict": state}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    answer = import_checkpoint(tmp_path / "old.pt", backbone, hard_prompt=base, out=tmp_path / "old")
    assert answer.backbone_folder is None
    soft = bundles.load_folder(tmp_path / "old").tensors["soft"]
    assert torch.equal(soft, state["prompt_learner.ctx_VPT"].float())


def test_tuned_towers_are_kept_as_a_backbone_that_the_bundle_belongs_to(
    world: theirs.World,
    tuned: dict[str, Tensor],
    backbone: Backbone,
    pixels: Tensor,
    coupled: dict[str, Tensor],
    base: Path,
    save: Save,
    tmp_path: Path,
):
    state = {**coupled, **theirs.published_weights(tuned)}
    answer = import_checkpoint(save("hmdb.pt", state), backbone, hard_prompt=base, out=tmp_path / "hmdb")
    assert answer.backbone_folder == tmp_path / "hmdb-backbone"
    kept = load_backbone(answer.backbone_folder, device="cpu", precision="float32")
    wanted = theirs.logits(tuned, world.folder, pixels, NAMES, state, hard_of(base))
    assert apart(ours(tmp_path / "hmdb", kept, pixels), wanted) < TOLERANCE
    assert apart(wanted, theirs.logits(world.weights, world.folder, pixels, NAMES, state, hard_of(base))) > 0.1
    with pytest.raises(BundleError, match="cannot be used with"):
        load_bundle(tmp_path / "hmdb").attach(backbone, NAMES)
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= {
        path.name for path in answer.backbone_folder.iterdir()
    }
    # The next bundle of the same backbone uses the folder that is there.
    again = import_checkpoint(save("ucf.pt", state), kept, hard_prompt=base, out=tmp_path / "ucf")
    assert again.backbone_folder is None and again.backbone.fingerprint == answer.backbone.fingerprint
    assert load_bundle(tmp_path / "ucf").manifest.run.backbone == str(answer.backbone_folder)


def test_a_bundle_finds_its_backbone_from_any_folder(
    world: theirs.World,
    tuned: dict[str, Tensor],
    save: Save,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    Path("given").symlink_to(world.folder)
    prompts = theirs.random_prompts(1, coupled=False)
    for name, weights in (("same", world.weights), ("other", tuned)):
        file = save(f"{name}.pt", {**prompts, **theirs.published_weights(weights)})
        import_checkpoint(file, load_backbone("given", device="cpu"), out=Path(name))
    for name, folder in (("same", world.folder), ("other", tmp_path / "other-backbone")):
        manifest = bundles.load_folder(name).manifest
        assert Path(manifest.backbone["name"]).is_absolute() and manifest.run.backbone == manifest.backbone["name"]
        assert Path(manifest.backbone["name"]).samefile(folder)


def test_a_change_that_float16_would_hide_is_none_and_a_larger_one_of_a_single_weight_is(
    world: theirs.World, backbone: Backbone, save: Save, tmp_path: Path
):
    def imported(name: str, factor: float) -> Path | None:
        weights = theirs.published_weights(world.weights)
        changed = weights["text_encoder.transformer.resblocks.2.mlp.c_fc.weight"].clone()
        changed[5, 7] *= factor
        weights["text_encoder.transformer.resblocks.2.mlp.c_fc.weight"] = changed
        state = {**theirs.random_prompts(1, coupled=False), **weights}
        return import_checkpoint(save(f"{name}.pt", state), backbone, out=tmp_path / name).backbone_folder

    assert imported("hidden", 1 + 2**-12) is None
    assert imported("shown", 1 + 2**-9) == tmp_path / "shown-backbone"


def test_the_activation_of_the_published_code_goes_into_the_backbone(
    world: theirs.World, pixels: Tensor, coupled: dict[str, Tensor], base: Path, save: Save, tmp_path: Path
):
    other = tmp_path / "gelu"
    other.mkdir()
    for path in world.folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "config.json").write_text((world.folder / "config.json").read_text().replace("quick_gelu", "gelu"))
    answer = import_checkpoint(
        save("hmdb.pt", coupled), load_backbone(other, device="cpu"), hard_prompt=base, out=tmp_path / "hmdb"
    )
    assert answer.backbone_folder is not None
    kept = load_backbone(answer.backbone_folder, device="cpu", precision="float32")
    wanted = theirs.logits(world.weights, world.folder, pixels, NAMES, coupled, hard_of(base))
    assert apart(ours(tmp_path / "hmdb", kept, pixels), wanted) < TOLERANCE


def test_prompts_alone_are_taken_on_trust_and_that_is_said(backbone: Backbone, save: Save, tmp_path: Path):
    answer = import_checkpoint(
        save("bare.pt", theirs.random_prompts(1, coupled=False)), backbone, out=tmp_path / "bare"
    )
    assert any("holds no frozen weights" in note for note in answer.notes)
    assert any("no base labels are known" in note for note in answer.notes)
    assert answer.base == () and bundles.load_folder(tmp_path / "bare").manifest.base == ()


def test_the_manifest_says_what_is_known_and_no_figures(
    backbone: Backbone, coupled: dict[str, Tensor], base: Path, save: Save, tmp_path: Path
):
    origin = Origin(name="HMDB", base=("walking", "running"), dataset="hmdb51", num_frames=8)
    import_checkpoint(save("x.pt", coupled), backbone, hard_prompt=base, out=tmp_path / "x", origin=origin)
    manifest = bundles.load_folder(tmp_path / "x").manifest
    config = manifest.run
    assert (manifest.name, manifest.base, config.dataset, config.clips.num_frames) == (
        "HMDB",
        ("walking", "running"),
        "hmdb51",
        8,
    )
    assert config.prompts.hard_prompt == "k400_base_pre.pt" and config.optimizer.learning_rate == 0.004
    assert manifest.metrics == manifest.zero_shot == {} and manifest.steps == 0
    assert json.loads((tmp_path / "x" / "bundle.json").read_text())["preprocessing"] == {
        "image_size": theirs.SIDE,
        "num_frames": 8,
    }


def test_the_recognizer_uses_it_and_marks_the_base_labels_of_the_file(
    backbone: Backbone, coupled: dict[str, Tensor], base: Path, save: Save, tmp_path: Path
):
    import_checkpoint(
        save("x.pt", coupled), backbone, hard_prompt=base, out=tmp_path / "x", origin=Origin(num_frames=2)
    )
    clip = write_color_clip(tmp_path / "a.mp4", (200, 40, 40), 0)
    (answer,) = Recognizer(backbone, tmp_path / "x").recognize([clip], ["walking", "jumping"]).clips
    assert answer.error is None and answer.bundle is not None
    assert {score.label: score.kind for score in answer.bundle} == {
        "walking": LabelKind.BASE,
        "jumping": LabelKind.NOVEL,
    }


def test_a_temporal_head_is_left_out_and_that_is_said(
    backbone: Backbone, coupled: dict[str, Tensor], base: Path, save: Save, tmp_path: Path
):
    file = save("x.pt", coupled, fusion_model_state_dict={"frame_position_embeddings.weight": torch.zeros(2, 2)})
    answer = import_checkpoint(file, backbone, hard_prompt=base, out=tmp_path / "x")
    assert answer.ignored == ("epoch", "fusion_model_state_dict", "optimizer_state_dict")
    assert any("temporal head (fusion_model_state_dict) is not imported" in note for note in answer.notes)
