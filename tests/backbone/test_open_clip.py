"""Folders of open_clip are backbones where a class of transformers computes the same, and refused where none does."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPModel

from ga2app.bundles.checkpoints import import_checkpoint
from ga2app.clip import load_backbone
from ga2app.clip.files import check_clip
from ga2app.errors import BackboneError
from ga2app.services.prompt_fit import too_long, towers_of
from ga2app.video.preprocessing import Resample
from tests.backbone.clip_folders import TOKENIZER, cached, copy_of, say
from tests.backbone.open_clip_folders import OpenClipReference, make_open_clip
from tests.backbone.tower_folders import make_metaclip, make_siglip

CONFIG, WEIGHTS, PICKLED = "open_clip_config.json", "open_clip_model.safetensors", "open_clip_pytorch_model.bin"
Settings = dict[str, Any]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of each kind: "clip", "worldwide", "siglip"."""
    base = tmp_path_factory.mktemp("open_clip")
    make_open_clip("clip", base / "clip")
    make_open_clip("worldwide", base / "worldwide", make_metaclip(base / "metaclip"))
    make_open_clip("siglip", base / "siglip", make_siglip(base / "hf"))
    return base


def changed(folder: Path, place: Path, change: Callable[[Settings], object]) -> Path:
    """A copy of ``folder`` whose configuration ``change`` has been at."""
    made = copy_of(folder, place)
    told = json.loads((made / CONFIG).read_text())
    change(told)
    (made / CONFIG).write_text(json.dumps(told))
    return made


def refusal(folder: Path) -> str:
    with pytest.raises(BackboneError) as told:
        load_backbone(folder, device="cpu")
    return str(told.value)


def test_the_same_weights_in_both_formats_are_one_backbone(folders: Path, tmp_path: Path):
    found = load_backbone(folders / "clip", device="cpu")
    CLIPModel.from_pretrained(None, config=found.clip.config, state_dict=found.clip.state_dict()).save_pretrained(
        tmp_path
    )
    for file in (folders / "clip").glob("tokenizer*.json"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    say(tmp_path, "preprocessor_config.json", **found.preprocessing.to_config())
    assert load_backbone(tmp_path, device="cpu").identity.fingerprint == found.identity.fingerprint


class Scheduler:
    """Of a trainer; nothing may be made of it."""

    def __setstate__(self, state: object) -> None:
        raise AssertionError("it was made")


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_pickle_gives_the_same_backbone_and_nothing_in_it_is_called(wrapped: bool, folders: Path, tmp_path: Path):
    place = copy_of(folders / "siglip", tmp_path / "x", without=(WEIGHTS,))
    state = load_file(folders / "siglip" / WEIGHTS)
    if wrapped:
        scheduler = Scheduler()
        scheduler.rate = 0.1
        state = {"epoch": 3, "scheduler": scheduler, "state_dict": {f"module.{key}": one for key, one in state.items()}}
    torch.save(state, place / PICKLED)
    wanted = load_backbone(folders / "siglip", device="cpu").identity.fingerprint
    assert load_backbone(place, device="cpu").identity.fingerprint == wanted
    (place / PICKLED).write_bytes((place / PICKLED).read_bytes()[:5000])
    assert f"{PICKLED} cannot be read" in refusal(place)


@pytest.mark.parametrize("act", ["quick_gelu", "gelu", "gelu_pytorch_tanh"])
def test_the_activation_is_the_one_that_the_configuration_names(act: str, folders: Path, tmp_path: Path):
    def change(told: Settings) -> None:
        told["model_cfg"]["quick_gelu"] = act == "quick_gelu"
        if act == "gelu_pytorch_tanh":
            told["model_cfg"]["vision_cfg"]["act_kwargs"] = {"approximate": "tanh"}

    found = load_backbone(changed(folders / "clip", tmp_path / "x", change), device="cpu")
    assert found.clip.config.vision_config.hidden_act == act
    other = load_backbone(folders / "clip", device="cpu")
    assert (found.identity.fingerprint == other.identity.fingerprint) == (act == "quick_gelu")


def test_a_siglip_of_open_clip_is_not_the_one_of_transformers_and_says_so(folders: Path, tmp_path: Path):
    """The same weights with the tanh form in both towers, as transformers has it: another fingerprint."""
    found = load_backbone(folders / "siglip", device="cpu")
    acts = (found.clip.config.vision_config.hidden_act, found.clip.config.text_config.hidden_act)
    assert acts == ("gelu", "gelu_pytorch_tanh")
    vision = {"timm_model_name": "vit_base_patch32_siglip_256.v2_webli"}  # timm builds this one with the tanh form
    tanh = changed(folders / "siglip", tmp_path / "x", lambda told: told["model_cfg"]["vision_cfg"].update(vision))
    other = load_backbone(tanh, device="cpu")
    assert other.clip.config.vision_config.hidden_act == "gelu_pytorch_tanh"
    assert other.identity.fingerprint != found.identity.fingerprint


def test_texts_are_cleaned_as_the_configuration_says(folders: Path):
    siglip, worldwide = (load_backbone(folders / name, device="cpu") for name in ("siglip", "worldwide"))
    same = siglip.tokenize(["a Person_walking, running!", "a person walking running"]).ids
    assert torch.equal(same[0], same[1])
    cased = worldwide.tokenize(["Walking", "walking"]).ids
    assert not torch.equal(cased[0], cased[1])
    texts = OpenClipReference(folders / "siglip").texts(["waving; a HAND."])
    assert (siglip.text_features(["waving; a HAND."]) - texts).abs().max() < 1e-5


def test_pictures_are_made_as_preprocess_cfg_says(folders: Path, tmp_path: Path):
    how = {"mean": [0.1, 0.2, 0.3], "std": [0.5] * 3, "interpolation": "bilinear", "resize_mode": "squash"}
    found = load_backbone(
        changed(folders / "clip", tmp_path / "x", lambda told: told.update(preprocess_cfg=how)), device="cpu"
    ).preprocessing
    assert (found.short_side_px, found.mean, found.resample) == (None, (0.1, 0.2, 0.3), Resample.BILINEAR)
    assert load_backbone(folders / "clip", device="cpu").preprocessing.short_side_px == 37


def test_pages_and_forms_know_its_towers_without_loading_it(folders: Path):
    towers = towers_of(str(folders / "siglip"))
    assert towers is not None and (towers.text_positions, towers.visual_width, towers.frame_tokens) == (64, 32, 17)
    assert check_clip(str(folders / "worldwide")).kind == "metaclip_2"
    assert too_long(str(folders / "clip"), ("a " * 60, "walking"), 4) == ("a " * 60,)


def test_a_folder_that_is_both_is_read_as_transformers_wrote_it(folders: Path, tiny_clip_folder: Path, tmp_path: Path):
    both = copy_of(tiny_clip_folder, tmp_path / "both")
    for name in (CONFIG, WEIGHTS):
        (both / name).write_bytes((folders / "clip" / name).read_bytes())
    wanted = load_backbone(tiny_clip_folder, device="cpu").identity.fingerprint
    assert load_backbone(both, device="cpu").identity.fingerprint == wanted
    (both / "model.safetensors").unlink()  # what is left of it is no folder of transformers
    assert "its tokenizer has 22 entries and its text tower" in refusal(both)


def test_one_in_the_cache_of_the_hub_is_found(folders: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cached(folders / "siglip", tmp_path, name="timm/ViT-X", ref="main")
    assert load_backbone("timm/ViT-X", device="cpu").identity.revision


def _refused() -> Iterator[tuple[str, str, Callable[[Settings], object], str]]:
    """A kind, a name, what is changed, and what is said."""

    def put(part: str, **settings: Any) -> Callable[[Settings], object]:
        return lambda told: told["model_cfg"][part].update(settings)

    pe = put("vision_cfg", timm_model_name="vit_pe_core_base_patch16_224")
    yield "siglip", "pe", pe, "it is a Perception Encoder (vit_pe_core_base_patch16_224)"
    other = put("vision_cfg", timm_model_name="vit_base_patch16_siglip_gap_224")
    yield "siglip", "gap", other, "its vision tower is timm's vit_base_patch16_siglip_gap_224"
    yield "clip", "resnet", put("vision_cfg", layers=[3, 4, 6, 3]), "its vision tower is a ResNet"
    yield "clip", "hf", put("text_cfg", hf_model_name="roberta-base"), "its text tower is roberta-base"
    yield "clip", "coca", lambda told: told["model_cfg"].update(multimodal_cfg={}), "it is a CoCa"
    yield "clip", "scale", put("vision_cfg", ls_init_value=0.1), "ls_init_value of vision_cfg is '0.1'"
    yield "clip", "pooled", put("vision_cfg", pool_type="avg"), "pool_type of vision_cfg is 'avg'"
    yield "clip", "mask", put("text_cfg", no_causal_mask=True), "its texts are not those of a CLIP"
    yield "clip", "later", put("text_cfg", some_later_setting=7), "some_later_setting of text_cfg is '7'"
    yield "siglip", "size", put("vision_cfg", image_size=64), "image_size of vision_cfg is 64"
    yield "siglip", "first", put("text_cfg", pool_type="first"), "pool_type of text_cfg is 'first'"
    yield "siglip", "pictures", lambda told: told.pop("preprocess_cfg"), "is a SigLIP without a preprocess_cfg"
    yield "clip", "longest", lambda told: told["preprocess_cfg"].update(resize_mode="longest"), "which pads pictures"
    yield "clip", "clean", put("text_cfg", tokenizer_kwargs={"clean": "magic"}), "says 'magic', which is not known"
    yield "clip", "nothing", lambda told: told.pop("model_cfg"), "cannot be followed (ValueError: it has no model_cfg)"
    yield "clip", "odd", put("text_cfg", width="wide"), "cannot be followed (ValueError"
    yield "worldwide", "argmax", put("text_cfg", pool_type="argmax"), "is that of another tower (XLMRobertaTokenizer"
    yield "worldwide", "id", put("text_cfg", eos_id=5), "ends texts with 2 and its text tower is pooled at 5"
    yield "clip", "layers", put("vision_cfg", layers=4), "12 weights are not in it, such as visual.transformer"
    yield "clip", "fewer", put("vision_cfg", layers=2), "12 belong nowhere, such as visual.transformer"
    yield "clip", "width", put("text_cfg", context_length=99), "does not hold a CLIP that transformers can load"


@pytest.mark.parametrize(("kind", "name", "change", "said"), list(_refused()), ids=lambda value: str(value)[:12])
def test_what_no_class_computes_exactly_is_refused_by_its_name(
    kind: str, name: str, change: Callable[[Settings], object], said: str, folders: Path, tmp_path: Path
):
    assert said in refusal(changed(folders / kind, tmp_path / name, change))


def test_what_a_folder_lacks_is_told(folders: Path, tmp_path: Path):
    mute = copy_of(folders / "siglip", tmp_path / "mute", without=TOKENIZER)
    assert "no tokenizer" in refusal(mute) and "copy them from 'timm/ViT-B-16-SigLIP2'" in refusal(mute)
    assert f"without {WEIGHTS}" in refusal(copy_of(folders / "clip", tmp_path / "bare", without=(WEIGHTS,)))
    untold = copy_of(folders / "clip", tmp_path / "untold", without=(CONFIG,))
    assert f"it holds open_clip's weights without {CONFIG}" in refusal(untold)
    part = copy_of(folders / "clip", tmp_path / "part")
    weights = load_file(part / WEIGHTS)
    save_file({key: one for key, one in weights.items() if key != "visual.proj"}, part / WEIGHTS)
    assert "1 weights are not in it, such as visual.proj" in refusal(part)


def test_a_checkpoint_of_prompts_is_imported_on_it(folders: Path, tmp_path: Path):
    """CoOp's file holds nothing but its context, here as wide as the text tower."""
    backbone = load_backbone(folders / "clip", device="cpu")
    torch.save({"state_dict": {"ctx": torch.randn(4, 24)}}, tmp_path / "model.pth.tar-5")
    found = import_checkpoint(tmp_path / "model.pth.tar-5", backbone, out=tmp_path / "out", backbone_out=None)
    assert found.backbone.fingerprint == backbone.identity.fingerprint
