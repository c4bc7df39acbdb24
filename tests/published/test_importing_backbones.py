from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoTokenizer, CLIPModel

from ga2app.bundles.checkpoints import import_checkpoint
from ga2app.clip import Backbone, load_backbone
from ga2app.errors import CheckpointError
from ga2app.method.prompted_model import plain_clip
from tests.published import openai_layout as theirs
from tests.published.conftest import Save

NAMES = ("walking", "waving hand", "reading a book")


@pytest.fixture(scope="module")
def fully_tuned(tuned: dict[str, Tensor]) -> dict[str, Tensor]:
    """Token embedding and all."""
    return {**tuned, "token_embedding.weight": tuned["token_embedding.weight"] * 1.1}


def zero_shot(folder: Path, pixels: Tensor) -> Tensor:
    """Logits of the zero-shot CLIP in ``folder``, its names behind the words X X X X."""
    backbone = load_backbone(folder, device="cpu", precision="float32")
    with torch.no_grad():
        clips = plain_clip(backbone, NAMES).encode_clips(pixels)
        texts = backbone.text_features([" ".join(["X"] * theirs.LENGTH) + f" {name}." for name in NAMES])
    return backbone.scale * clips @ texts.T


def test_a_tuned_clip_in_openais_keys_becomes_a_backbone_folder(
    world: theirs.World, backbone: Backbone, fully_tuned: dict[str, Tensor], save: Save, tmp_path: Path
):
    extra = {"input_resolution": torch.tensor(224), "context_length": torch.tensor(77)}
    file = save(
        "k400-vitb.pt",
        {f"module.{key}": value for key, value in {**fully_tuned, **extra}.items()},
        fusion_model_state_dict={"transformer.x": torch.zeros(2)},
    )
    answer = import_checkpoint(file, backbone, backbone_out=tmp_path / "k400")
    assert answer.backbone == load_backbone(tmp_path / "k400", device="cpu").identity
    pixels = torch.randn(2, 3, 3, theirs.SIDE, theirs.SIDE)
    wanted = theirs.logits(fully_tuned, world.folder, pixels, NAMES)
    assert (zero_shot(tmp_path / "k400", pixels) - wanted).abs().max() < 1e-5
    assert (zero_shot(world.folder, pixels) - wanted).abs().max() > 0.1
    assert answer.bundle is None and answer.ignored == ("epoch", "fusion_model_state_dict", "optimizer_state_dict")
    assert any("its token embedding differs, too" in note for note in answer.notes)
    reread = theirs.to_openai(CLIPModel.from_pretrained(tmp_path / "k400").state_dict())
    assert reread.keys() == fully_tuned.keys()
    assert all(torch.equal(reread[key], fully_tuned[key]) for key in reread)
    own, copied = (AutoTokenizer.from_pretrained(folder) for folder in (world.folder, tmp_path / "k400"))
    assert copied.get_vocab() == own.get_vocab() and copied.model_max_length == theirs.POSITIONS


def test_the_token_embedding_of_the_backbone_can_be_kept_as_the_published_runs_do(
    world: theirs.World, backbone: Backbone, fully_tuned: dict[str, Tensor], save: Save, tmp_path: Path
):
    import_checkpoint(
        save("k400-vitb.pt", fully_tuned), backbone, backbone_out=tmp_path / "k400", keep_token_embedding=True
    )
    mixed = {**fully_tuned, "token_embedding.weight": world.weights["token_embedding.weight"]}
    reread = theirs.to_openai(CLIPModel.from_pretrained(tmp_path / "k400").state_dict())
    assert all(torch.equal(reread[key], mixed[key]) for key in mixed)


def test_towers_without_prompts_in_published_keys_become_a_backbone_too(
    backbone: Backbone, fully_tuned: dict[str, Tensor], save: Save, tmp_path: Path
):
    answer = import_checkpoint(
        save("vifi.pt", theirs.published_weights(fully_tuned)), backbone, backbone_out=tmp_path / "vifi"
    )
    reread = theirs.to_openai(CLIPModel.from_pretrained(tmp_path / "vifi").state_dict())
    assert torch.equal(reread["visual.proj"], fully_tuned["visual.proj"])
    assert any("the token embedding is that of" in note for note in answer.notes)


def test_a_file_without_prompts_makes_no_bundle(world: theirs.World, backbone: Backbone, save: Save, tmp_path: Path):
    file = save("k400-vitb.pt", world.weights)
    for options in ({"out": tmp_path / "b"}, {}, {"out": tmp_path / "b", "backbone_out": tmp_path / "k"}):
        with pytest.raises(CheckpointError, match="'k400-vitb.pt' holds no prompts, so no bundle can come of it"):
            import_checkpoint(file, backbone, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["k400-vitb.pt"]


def test_a_folder_that_is_taken_is_left_alone(world: theirs.World, backbone: Backbone, save: Save, tmp_path: Path):
    (tmp_path / "k400").mkdir()
    (tmp_path / "k400" / "precious.txt").write_text("x")
    with pytest.raises(CheckpointError, match="k400' is there already and is not replaced"):
        import_checkpoint(save("k400-vitb.pt", world.weights), backbone, backbone_out=tmp_path / "k400")
    assert [path.name for path in (tmp_path / "k400").iterdir()] == ["precious.txt"]


def test_a_backbone_file_must_be_whole(world: theirs.World, backbone: Backbone, save: Save, tmp_path: Path):
    gaps = ("token_embedding.weight", "logit_scale", "visual.proj", "transformer.resblocks.1.attn.in_proj_bias")
    state = {key: value for key, value in world.weights.items() if key not in gaps}
    state["visual.time_embedding"] = torch.zeros(8, 32)
    with pytest.raises(CheckpointError) as refused:
        import_checkpoint(save("k400-vitb.pt", state), backbone, backbone_out=tmp_path / "k")
    assert {(fault.field, fault.message) for fault in refused.value.faults} == {
        *((key, "is missing") for key in gaps),
        ("visual.time_embedding", "is not expected"),
    }
    assert not (tmp_path / "k").exists()
