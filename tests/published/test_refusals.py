"""Whatever is wrong with a checkpoint is said, and nothing is left behind."""

from __future__ import annotations

import resource
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ga2app.bundles.checkpoints import Origin, import_checkpoint
from ga2app.clip import Backbone, load_backbone
from ga2app.errors import BackboneError, BundleError, CheckpointError, ConfigError, StudioError
from tests.published import openai_layout as theirs
from tests.published.conftest import BASE, Save

SOFT = "prompt_learner.ctx_VPT"
DEEP = "image_encoder.transformer.resblocks.{}.VPT_shallow"


@pytest.fixture
def state(world: theirs.World) -> dict[str, Tensor]:
    return {**theirs.random_prompts(1, coupled=True), **theirs.published_weights(world.weights)}


@pytest.fixture
def base(save: Save) -> Path:
    return save("base.pt", theirs.random_prompts(2, coupled=False))


@pytest.fixture
def refused(backbone: Backbone, save: Save, base: Path, tmp_path: Path) -> Callable[..., CheckpointError]:
    """The error of importing a state, after a look that nothing was written."""

    def refused(state: dict[str, Tensor], hard_prompt: Path | None = base) -> CheckpointError:
        file = save("x.pt", state)
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(CheckpointError) as caught:
            import_checkpoint(file, backbone, hard_prompt=hard_prompt, out=tmp_path / "out" / "x")
        assert sorted(tmp_path.rglob("*")) == before
        return caught.value

    return refused


def told(error: CheckpointError) -> set[tuple[str, str]]:
    return {(fault.field, fault.message) for fault in error.faults}


def test_every_fault_of_a_file_is_named_at_once(refused: Callable[..., CheckpointError], state: dict[str, Tensor]):
    del state["image_encoder.VPT"], state["prompt_learner.proj_b2n_VPT.0.bias"]
    del state["text_encoder.ln_final.weight"]
    state["prompt_learner.proj_b2n_VPT.0.weight"] = torch.zeros(24, 24)
    state[DEEP.format(2)] = torch.full((4, 32), float("nan"))
    state["text_encoder.transformer.resblocks.1.VPT_shallow"] = torch.zeros(5, 24)
    state["image_encoder.proj"] = torch.zeros(16, 32)
    state["image_encoder.ln_pre.weight"] = torch.ones(32, dtype=torch.long)
    state["prompt_learner.ctx_VPT_2"] = torch.zeros(1)
    error = refused(state)
    assert told(error) == {
        ("image_encoder.VPT", "is missing"),
        ("prompt_learner.proj_b2n_VPT.0.bias", "is missing"),
        ("text_encoder.ln_final.weight", "is missing"),
        ("prompt_learner.proj_b2n_VPT.0.weight", "has shape (24, 24) instead of (24, 48)"),
        (DEEP.format(2), "holds numbers that are not finite"),
        ("text_encoder.transformer.resblocks.1.VPT_shallow", "has shape (5, 24) instead of (4, 24)"),
        ("image_encoder.proj", "has shape (16, 32) instead of (32, 16)"),
        ("image_encoder.ln_pre.weight", "is not a plain array of floating-point numbers (torch.int64)"),
        ("prompt_learner.ctx_VPT_2", "is not expected"),
    }
    assert all(f"{field} {message}" in str(error) for field, message in told(error))
    assert "checkpoint 'x.pt' cannot be imported on backbone" in str(error)


def test_a_gap_in_the_depth_is_a_missing_layer(refused: Callable[..., CheckpointError], state: dict[str, Tensor]):
    del state[DEEP.format(2)]
    assert told(refused(state)) == {(DEEP.format(2), "is missing")}


def test_prompts_for_layers_that_are_not_there_are_named(
    refused: Callable[..., CheckpointError], state: dict[str, Tensor]
):
    state |= {DEEP.format(layer): torch.zeros(4, 32) for layer in (0, 4, 5, 6, 8)}
    del state[DEEP.format(2)]
    error = refused(state)
    beyond = "is for a layer that is not there: this tower of the backbone has 5, numbered from 0"
    wanted = {(DEEP.format(0), "is not expected"), (DEEP.format(2), "is missing")}
    assert told(error) == wanted | {(DEEP.format(layer), beyond) for layer in (5, 6, 8)}
    assert f"{DEEP.format('{5-6,8}')} {beyond}" in str(error)


def test_a_soft_prompt_of_any_odd_shape_is_refused(refused: Callable[..., CheckpointError], state: dict[str, Tensor]):
    for shape in ((4, 32), (0, 24), (4,), (4, 24, 1), ()):
        error = refused({**state, SOFT: torch.zeros(shape)})
        assert told(error) == {(SOFT, f"has shape {shape} instead of (any, 24)")}
    del state[SOFT]
    assert told(refused(state)) == {(SOFT, "is missing")}


def test_prompts_that_leave_no_room_for_a_name_are_refused(refused: Callable[..., CheckpointError]):
    prompts = {
        key: value.repeat(8, 1) if value.dim() == 2 else value
        for key, value in theirs.random_prompts(1, coupled=False).items()
    }
    assert told(refused(prompts)) == {(SOFT, "leaves no room for a name: 32 tokens in 32 text positions")}


def test_a_tensor_larger_than_what_the_file_holds_is_refused(
    refused: Callable[..., CheckpointError], state: dict[str, Tensor]
):
    state[SOFT] = torch.zeros(1, 1).expand(1 << 40, 24)
    assert (SOFT, "is not a plain array of floating-point numbers (torch.float32)") in told(refused(state))


def test_coupled_prompts_need_the_hard_prompt_of_the_same_length(
    refused: Callable[..., CheckpointError], state: dict[str, Tensor], save: Save
):
    (fault,) = refused(state, None).faults
    assert "Choose the backbone" not in str(refused(state, None))
    assert fault.field == "hard prompt" and "name the checkpoint that its run took it from" in fault.message
    short = {**theirs.random_prompts(2, coupled=False), SOFT: torch.zeros(3, 24)}
    error = refused(state, save("short.pt", short))
    assert told(error) == {(f"hard prompt 'short.pt': {SOFT}", "has shape (3, 24) instead of (4, 24)")}
    error = refused(state, save("other.pt", {"x": torch.zeros(1)}))
    assert told(error) == {(f"hard prompt 'other.pt': {SOFT}", "is missing")}


def test_another_backbones_shape_is_told_once_for_all_layers(
    tiny_clip_folder: Path, state: dict[str, Tensor], base: Path, save: Save, tmp_path: Path
):
    with pytest.raises(CheckpointError) as caught:
        import_checkpoint(save("x.pt", state), load_backbone(tiny_clip_folder), hard_prompt=base, out=tmp_path / "x")
    told = str(caught.value)
    assert "image_encoder.transformer.resblocks.{3-4}.ln_1.weight is not expected" in told
    assert "text_encoder.positional_embedding has shape (32, 24) instead of (24, 24)" in told
    assert "Choose the backbone that it was trained on (openai/clip-vit-base-patch16 for the published ones)" in told


def test_names_embedded_by_another_token_embedding_are_refused(
    world: theirs.World, refused: Callable[..., CheckpointError], state: dict[str, Tensor]
):
    other = {"token_embedding.weight": 1.1 * world.weights["token_embedding.weight"]}
    error = refused({**state, **theirs.embedded_names(other, world.folder, BASE)})
    assert "prompt_learner.token_prefix comes of another token embedding than the backbone's" in str(error)


def test_a_backbone_with_another_activation_needs_both_towers_in_the_file(
    world: theirs.World, save: Save, tmp_path: Path
):
    other = tmp_path / "gelu"
    other.mkdir()
    for path in world.folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    (other / "config.json").write_text((world.folder / "config.json").read_text().replace("quick_gelu", "gelu"))
    with pytest.raises(CheckpointError, match="computes with gelu where published checkpoints need quick_gelu"):
        import_checkpoint(
            save("x.pt", theirs.random_prompts(1, coupled=False)), load_backbone(other), out=tmp_path / "x"
        )


def test_a_flood_of_faults_is_told_in_part_and_kept_whole(
    refused: Callable[..., CheckpointError], state: dict[str, Tensor]
):
    error = refused({**state, **{f"surplus.{chr(97 + number)}": torch.zeros(1) for number in range(26)}})
    assert len(error.faults) == 26
    assert "surplus.x is not expected; and 2 more: it belongs to a CLIP of another shape. Choose" in str(error)


def test_files_that_are_no_checkpoints_are_told_apart(backbone: Backbone, save: Save, tmp_path: Path):
    def refused(name: str, match: str) -> None:
        with pytest.raises(CheckpointError, match=match):
            import_checkpoint(tmp_path / name, backbone, out=tmp_path / "x")

    refused("nowhere.pt", "there is no file '.*nowhere.pt'; check the path")
    (tmp_path / "folder.pt").mkdir()
    refused("folder.pt", r"cannot be read \(Is a directory\)")
    for name, content in (("text.pt", b"hello\n"), ("empty.pt", b""), ("zip.pt", b"PK\x03\x04" + b"x" * 99)):
        (tmp_path / name).write_bytes(content)
        refused(name, "is not a file that torch.save wrote, or is damaged; fetch it again")
    whole = save("whole.pt", theirs.random_prompts(1, coupled=False)).read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    refused("cut.pt", "is not a file that torch.save wrote, or is damaged")
    torch.save([1, 2], tmp_path / "list.pt")
    refused("list.pt", "is not a published checkpoint: it holds a list and no model_state_dict")
    torch.save({"state_dict": {}, "epoch": 3}, tmp_path / "other.pt")
    refused("other.pt", r"it holds 2 entries \(state_dict, epoch\) and no model_state_dict")
    torch.save({"model_state_dict": {}}, tmp_path / "bare.pt")
    refused("bare.pt", "its model_state_dict holds nothing")
    save("values.pt", {"a": 1, "b": torch.zeros(1)})
    refused("values.pt", "no tensors are under a")
    save("twice.pt", {"a": torch.zeros(1), "module.a": torch.zeros(1)})
    refused("twice.pt", "with and without 'module.': a")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.ReLU()), str(tmp_path / "jit.pt"))
    refused("jit.pt", "is a TorchScript archive, which is code, and is not loaded")


def test_folders_that_are_taken_or_lie_in_each_other_are_refused(
    backbone: Backbone, tuned: dict[str, Tensor], state: dict[str, Tensor], base: Path, save: Save, tmp_path: Path
):
    file, taken = save("x.pt", {**state, **theirs.published_weights(tuned)}), tmp_path / "taken"
    taken.mkdir()
    (taken / "precious.txt").write_text("x")

    def refused(match: str, **folders: Path) -> None:
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(CheckpointError, match=match):
            import_checkpoint(file, backbone, hard_prompt=base, **folders)
        assert sorted(tmp_path.rglob("*")) == before

    refused("taken' is there already and is not replaced; name a new folder", out=taken)
    refused("base.pt' is there already", out=base)
    refused("taken' is there already", out=tmp_path / "x", backbone_out=taken)
    refused("lie in each other", out=tmp_path / "x", backbone_out=tmp_path / "x" / "y")
    refused("holds prompts; name a folder for their bundle")
    refused("cannot be used as a folder", out=tmp_path / ("x" * 300))
    refused("cannot be used as a folder", out=file / "x")
    (tmp_path / "x-backbone").mkdir()
    (tmp_path / "x-backbone" / "precious.txt").write_text("x")
    refused("x-backbone' is there already", out=tmp_path / "x")


def test_a_bundle_that_cannot_be_written_leaves_no_backbone_behind(
    backbone: Backbone, tuned: dict[str, Tensor], state: dict[str, Tensor], base: Path, save: Save, tmp_path: Path
):
    file = save("x.pt", {**state, **theirs.published_weights(tuned)})
    before = sorted(tmp_path.rglob("*"))
    long = tmp_path / ("x" * 250)  # room for its own name, none for that of the folder beside it that is written first
    with pytest.raises(BundleError, match="could not be written"):
        import_checkpoint(file, backbone, hard_prompt=base, out=long, backbone_out=tmp_path / "kept")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_full_disk_leaves_nothing_behind(
    backbone: Backbone, tuned: dict[str, Tensor], state: dict[str, Tensor], base: Path, save: Save, tmp_path: Path
):
    same, other = save("same.pt", state), save("other.pt", {**state, **theirs.published_weights(tuned)})
    before = sorted(tmp_path.rglob("*"))
    for file, error in ((same, BundleError), (other, BackboneError)):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
        try:
            with pytest.raises(error, match="could not be written"):
                import_checkpoint(file, backbone, hard_prompt=base, out=tmp_path / "x")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("frames", [0, -1, 257])
def test_a_nonsense_number_of_frames_is_refused(
    backbone: Backbone, tuned: dict[str, Tensor], save: Save, tmp_path: Path, frames: int
):
    state = {**theirs.random_prompts(1, coupled=False), **theirs.published_weights(tuned)}
    with pytest.raises(ConfigError, match="num_frames: must be between 1 and 256 frames"):
        import_checkpoint(save("x.pt", state), backbone, out=tmp_path / "x", origin=Origin(num_frames=frames))
    assert [path.name for path in tmp_path.iterdir()] == ["x.pt"]


def test_every_refusal_is_one_that_a_user_may_see():
    assert issubclass(CheckpointError, StudioError)
