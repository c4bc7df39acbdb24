from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoTokenizer, CLIPModel

from ga2app.clip import Backbone, load_backbone
from ga2app.errors import BackboneError, ConfigError, LabelError
from tests.approx import same_record

NAMES = ["walking", "waving a hand", "reading a book"]


@pytest.fixture(scope="module")
def backbone(tiny_clip_folder: Path) -> Backbone:
    return load_backbone(tiny_clip_folder, precision="float32")


@pytest.fixture(scope="module")
def reference(tiny_clip_folder: Path) -> CLIPModel:
    return CLIPModel.from_pretrained(tiny_clip_folder).eval()


def test_text_without_prompts_equals_clip_model(backbone: Backbone, reference: CLIPModel, tiny_clip_folder: Path):
    texts = [f"a video of a person {name}." for name in NAMES]
    inputs = AutoTokenizer.from_pretrained(tiny_clip_folder)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        wanted = reference.get_text_features(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]
        ).pooler_output
    wanted = torch.nn.functional.normalize(wanted, dim=-1)
    assert (backbone.text_features(texts) - wanted).abs().max() < 1e-5


def test_frames_without_prompts_equal_clip_model(backbone: Backbone, reference: CLIPModel):
    pixels = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        wanted = reference.get_image_features(pixel_values=pixels).pooler_output
        assert (backbone.encode_frames(pixels) - wanted).abs().max() < 1e-5


def test_cropping_the_text_sequence_changes_no_output(backbone: Backbone):
    context, deep = torch.randn(4, 24), [torch.randn(4, 24), torch.randn(4, 24)]
    cropped, whole = (backbone.tokenize(NAMES, 4, crop=crop) for crop in (True, False))
    assert cropped.ids.shape[1] < whole.ids.shape[1] == 24
    with torch.no_grad():
        short, long = (backbone.encode_text(text, context, deep) for text in (cropped, whole))
    assert same_record(short, long)


def test_a_later_text_token_changes_no_earlier_output(backbone: Backbone):
    tokens = backbone.tokenize(["walking running jumping", "walking running reading"])
    early = type(tokens)(tokens.ids, torch.tensor([2, 2]))
    late = type(tokens)(tokens.ids, torch.tensor([3, 3]))
    with torch.no_grad():
        first, second = backbone.encode_text(early)
        assert same_record(first, second)
        first, second = backbone.encode_text(late)
        assert not torch.equal(first, second)


def test_a_label_too_long_for_the_tower_is_named(backbone: Backbone):
    with pytest.raises(LabelError, match=r"label 'walking walking.*…' has 30 tokens and .* has room for 22 \(24"):
        backbone.tokenize(["walking " * 30])


def test_nothing_of_a_backbone_can_be_trained(backbone: Backbone):
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not backbone.train().training


def test_unknown_words_are_those_the_tokenizer_never_saw(backbone: Backbone):
    assert backbone.unknown_words("walking a Zebra, 走る") == ["zebra", ",", "走る"]


def test_another_set_of_weights_has_another_fingerprint(tiny_clip_folder: Path, tmp_path: Path):
    torch.manual_seed(1)
    CLIPModel(AutoConfig.from_pretrained(tiny_clip_folder)).save_pretrained(tmp_path)
    AutoTokenizer.from_pretrained(tiny_clip_folder).save_pretrained(tmp_path)
    first, again, other = (load_backbone(folder) for folder in (tiny_clip_folder, tiny_clip_folder, tmp_path))
    assert first.identity.fingerprint == again.identity.fingerprint != other.identity.fingerprint


def test_a_name_that_is_not_in_the_cache_says_how_to_fetch_it():
    with pytest.raises(BackboneError, match=r"'nobody/no-such-clip' is neither a folder nor in the local"):
        load_backbone("nobody/no-such-clip")


def test_a_folder_without_a_clip_says_what_it_needs(tmp_path: Path):
    with pytest.raises(BackboneError, match=r"does not hold a CLIP .* it needs config.json, model.safetensors"):
        load_backbone(tmp_path)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ('"bert"', "is a bert model, not a CLIP"),
        ('["clip"]', "is a model whose model_type is no text"),
        ("null", "without a model_type"),
    ],
)
def test_a_model_that_is_not_a_clip_is_refused(tmp_path: Path, kind: str, said: str):
    (tmp_path / "config.json").write_text(f'{{"model_type": {kind}}}')
    with pytest.raises(BackboneError, match=said):
        load_backbone(tmp_path)


def test_a_device_that_is_not_here_is_named(tiny_clip_folder: Path):
    if torch.cuda.device_count() > 7:
        pytest.skip("this machine has more than 7 GPUs")
    with pytest.raises(ConfigError, match=r"device: 'cuda:7' is not here"):
        load_backbone(tiny_clip_folder, device="cuda:7")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_gives_the_same_text_features(tiny_clip_folder: Path, backbone: Backbone):
    on_gpu = load_backbone(tiny_clip_folder, device="cuda", precision="float32")
    assert (on_gpu.text_features(NAMES).cpu() - backbone.text_features(NAMES)).abs().max() < 1e-4


def test_bfloat16_autocast_stays_close_to_float32(tiny_clip_folder: Path, backbone: Backbone):
    half = load_backbone(tiny_clip_folder, precision="bfloat16")
    assert half.compute.dtype == torch.bfloat16
    assert (half.text_features(NAMES) - backbone.text_features(NAMES)).abs().max() < 0.03
