"""What ``open_clip_config.json`` says, in the words of transformers: folders of open_clip as backbones.

Three kinds become a class of transformers exactly: class ``CLIP`` in OpenAI's layout, the same with the tokenizer of
MetaCLIP 2, and ``CustomTextCLIP`` with a SigLIP of timm. A setting that none of these computes is refused by its name;
nothing is left out. Settings as in open_clip 3.3 (``model.py``), sizes as in timm 1.0.31 (``vision_transformer.py``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ga2app.errors import BackboneError
from ga2app.video.preprocessing import CLIP_MEAN, CLIP_STD, Resample

OPEN_CLIP_CONFIG = "open_clip_config.json"
OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""By the names that open_clip gives them; the first that is there counts."""

CLEANINGS = ("whitespace", "lower", "canonicalize")
"""What a text goes through before the tokenizer; see ``ga2app.clip.tokenizers``."""

_READ_VISION = {"layers", "width", "head_width", "mlp_ratio", "patch_size", "image_size", "act_kwargs", "norm_kwargs"}
_READ_TIMM = {"timm_model_name", "timm_pool", "timm_proj", "timm_model_kwargs", "image_size"}
_READ_TEXT = {
    "context_length", "vocab_size", "hf_tokenizer_name", "tokenizer_kwargs", "width", "heads", "layers", "mlp_ratio",
    "act_kwargs", "norm_kwargs", "no_causal_mask", "pool_type", "eos_id", "proj_bias",
}  # fmt: skip
_READ_ALL = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text"}
_NO_MATTER = {
    "patch_dropout", "output_tokens", "output_dict", "attn_pooler_queries", "attn_pooler_heads", "timm_drop",
    "timm_drop_path", "timm_model_pretrained", "timm_proj_bias", "pad_id", "hf_model_pretrained", "hf_proj_type",
    "hf_pooler_type", "init_logit_scale", "init_logit_bias", "nonscalar_logit_scale",
}  # fmt: skip
"""Settings of training alone, of parts that are refused when they are there, or whose outcome is a weight."""

_USUAL = {"pos_embed_type": "learnable", "block_type": "default", "proj_type": "linear", "text_arch": "clip"}

_SIGLIP = re.compile(r"vit_(base|large|so400m|giantopt)_patch(14|16|32)_siglip_(\d+)")
_SIGLIP_SIZES = {
    "base": (768, 12, 12, 4.0),
    "large": (1024, 24, 16, 4.0),
    "so400m": (1152, 27, 16, 3.7362),
    "giantopt": (1536, 40, 16, 4.0),
}
"""Width, layers, heads, and the MLP's width by the tower's."""
_SIGLIP_TANH = re.compile(r"vit_(base_patch32|large_patch16_siglip_512|so400m_patch16|giantopt)")
"""Vision towers that timm builds with the tanh form of GELU; the others have the exact one."""

_TIMM_KWARGS = {"embed_dim", "depth", "num_heads", "mlp_ratio", "img_size", "patch_size", "act_layer"}


@dataclass(frozen=True)
class OpenClip:
    """``config`` and ``pictures`` are what config.json and preprocessor_config.json would say.

    ``clean`` is one of ``CLEANINGS``, ``tokenizer`` the repository that the tokenizer is of.
    """

    config: Mapping[str, Any]
    pictures: Mapping[str, Any]
    clean: str
    tokenizer: str


class _Unlike(ValueError):
    """A setting that no class of ours computes."""


def read_open_clip(data: Mapping[str, Any], shown: str) -> OpenClip:
    """The settings ``data`` of the open_clip folder that messages call ``shown``. Raises BackboneError."""
    try:
        model = _part(data, "model_cfg")
        text, vision = _part(model, "text_cfg"), _part(model, "vision_cfg")
        config = _config(model, vision, text)
        how = text.get("tokenizer_kwargs") or {}
        usual = "whitespace" if text.get("hf_tokenizer_name") else "lower"
        clean = how.get("clean", usual)
        odd = sorted(name for name, value in how.items() if name != "clean" and value)
        if odd or clean not in CLEANINGS:
            raise _Unlike(f"tokenizer_kwargs of text_cfg says {odd[0] if odd else clean!r}, which is not known here")
        pictures = _pictures(data, int(config["vision_config"]["image_size"]), config["model_type"])
        return OpenClip(config, pictures, clean, str(text.get("hf_tokenizer_name") or "openai/clip-vit-base-patch16"))
    except _Unlike as exc:
        raise BackboneError(
            f"{shown} is an open_clip folder that cannot be used: {exc}; take the same model in the transformers "
            "format where there is one, or another one"
        ) from exc
    except (KeyError, TypeError, ValueError, ArithmeticError) as exc:
        raise BackboneError(
            f"{shown}: {OPEN_CLIP_CONFIG} cannot be followed ({type(exc).__name__}: {exc}); get a fresh copy"
        ) from exc


def _part(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = data.get(name)
    if not isinstance(part, Mapping):
        raise ValueError(f"it has no {name}")
    return part


def _config(model: Mapping[str, Any], vision: Mapping[str, Any], text: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of the class of transformers that computes the same."""
    name = str(vision.get("timm_model_name") or "")
    if "vit_pe_" in name:
        raise _Unlike(
            f"it is a Perception Encoder ({name}), whose vision tower has rotary positions and an attention pool, for "
            "which transformers has no class"
        )
    if "multimodal_cfg" in model:
        raise _Unlike("it is a CoCa, which writes captions with a third tower")
    if text.get("hf_model_name"):
        raise _Unlike(f"its text tower is {text['hf_model_name']}, which takes no prompts here")
    if name and not _SIGLIP.fullmatch(name.partition(".")[0]):
        raise _Unlike(f"its vision tower is timm's {name}; of timm's towers SigLIP's with an attention pool are read")
    if isinstance(vision.get("layers"), list | tuple):
        raise _Unlike("its vision tower is a ResNet, which takes no prompts")
    _nothing_else(model, _READ_ALL, "model_cfg")
    _nothing_else(text, _READ_TEXT, "text_cfg")
    _nothing_else(vision, _READ_TIMM if name else _READ_VISION, "vision_cfg", {"pool_type": "tok"})
    made = _siglip(model, vision, text, name) if name else _clip(model, vision, text)
    # Class defaults are OpenAI's ids, which are beyond other vocabularies; texts begin as their tokenizer says.
    made["text_config"] |= {
        "bos_token_id": None,
        "vocab_size": int(text.get("vocab_size", 49408)),
        "max_position_embeddings": int(text.get("context_length", 77)),
    }
    return made


def _nothing_else(part: Mapping[str, Any], read: set[str], where: str, usual: Mapping[str, Any] = _USUAL) -> None:
    for name, value in part.items():
        if name in read | _NO_MATTER or value in (None, False) or value == {**_USUAL, **usual}.get(name):
            continue
        if name.startswith("hf_") or (name.startswith("timm_") and "timm_model_name" not in part):
            continue
        raise _Unlike(f"{name} of {where} is {str(value)[:60]!r}, which transformers' classes do not compute")


def _clip(model: Mapping[str, Any], vision: Mapping[str, Any], text: Mapping[str, Any]) -> dict[str, Any]:
    """Class ``CLIP``: causal texts, pooled at their end; pictures at their class token."""
    pooled = text.get("pool_type", "argmax")
    if text.get("no_causal_mask") or text.get("proj_bias") or pooled not in ("argmax", "eos"):
        raise _Unlike(
            "its texts are not those of a CLIP: they have no causal mask, or are not pooled at their end (pool_type "
            f"{pooled!r})"
        )
    if pooled == "eos" and text.get("eos_id") is None:
        raise _Unlike("pool_type 'eos' of text_cfg comes without an eos_id")
    width, wide = int(vision.get("width", 768)), int(text.get("width", 512))
    # transformers pools at the largest id where the end is 2 in its configuration, as open_clip's argmax does.
    worldwide = pooled == "eos" and bool(text.get("hf_tokenizer_name"))
    ends = {"eos_token_id": int(text["eos_id"]) if pooled == "eos" else 2}
    return {
        "model_type": "metaclip_2" if worldwide else "clip",
        "projection_dim": int(model["embed_dim"]),
        "vision_config": {
            "hidden_size": width,
            "num_hidden_layers": int(vision.get("layers", 12)),
            "num_attention_heads": width // int(vision.get("head_width", 64)),
            "intermediate_size": int(width * vision.get("mlp_ratio", 4)),
            "patch_size": _side(vision.get("patch_size", 16)),
            "image_size": _side(vision.get("image_size", 224)),
            **_computed(model, vision),
        },
        "text_config": {
            "hidden_size": wide,
            "num_hidden_layers": int(text.get("layers", 12)),
            "num_attention_heads": int(text.get("heads", 8)),
            "intermediate_size": int(wide * text.get("mlp_ratio", 4)),
            **ends,
            **_computed(model, text),
        },
    }


def _siglip(model: Mapping[str, Any], vision: Mapping[str, Any], text: Mapping[str, Any], name: str) -> dict[str, Any]:
    """``CustomTextCLIP`` of a SigLIP: both text and pictures are pooled as SigLIP's."""
    wanted = {"no_causal_mask": True, "pool_type": "last", "proj_bias": True}
    odd = next((key for key, value in wanted.items() if text.get(key) != value), None)
    if odd or vision.get("timm_pool") != "map" or vision.get("timm_proj") != "none" or model.get("quick_gelu"):
        what = f"{odd} of text_cfg is {text.get(odd)!r}" if odd else "timm_pool, timm_proj or quick_gelu is another one"
        raise _Unlike(f"it has a SigLIP's vision tower and not the rest of it ({what})")
    name = name.partition(".")[0]
    found = _SIGLIP.fullmatch(name)
    assert found is not None  # told by the caller
    width, layers, heads, ratio = _SIGLIP_SIZES[found[1]]
    more = vision.get("timm_model_kwargs") or {}
    odd = next((key for key in more if key not in _TIMM_KWARGS), None)
    if odd:
        raise _Unlike(f"{odd} of timm_model_kwargs is not known here")
    width, ratio = int(more.get("embed_dim", width)), float(more.get("mlp_ratio", ratio))
    side = _side(more.get("img_size", int(found[3])))
    if _side(vision.get("image_size", side)) != side:
        raise _Unlike(f"image_size of vision_cfg is {vision['image_size']}, and {name} takes {side} pixels")
    if int(model["embed_dim"]) != width:
        raise _Unlike(f"embed_dim is {model['embed_dim']}, and {name} without a projection gives {width}")
    act = more.get("act_layer", "gelu_tanh" if _SIGLIP_TANH.match(name) else "gelu")
    wide = int(text.get("width", 512))
    return {
        "model_type": "siglip",
        "vision_config": {
            "hidden_size": width,
            "num_hidden_layers": int(more.get("depth", layers)),
            "num_attention_heads": int(more.get("num_heads", heads)),
            "intermediate_size": int(width * ratio),
            "patch_size": _side(more.get("patch_size", int(found[2]))),
            "image_size": side,
            "layer_norm_eps": 1e-6,
            "hidden_act": {"gelu_tanh": "gelu_pytorch_tanh", "gelu": "gelu"}[act],
        },
        "text_config": {
            "hidden_size": wide,
            "num_hidden_layers": int(text.get("layers", 12)),
            "num_attention_heads": int(text.get("heads", 8)),
            "intermediate_size": int(wide * text.get("mlp_ratio", 4)),
            "projection_size": width,
            "eos_token_id": None,
            **_computed(model, text),
        },
    }


def _computed(model: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Activation and the epsilon of the norms of one tower."""
    act, norm = part.get("act_kwargs") or {}, part.get("norm_kwargs") or {}
    if set(act) - {"approximate"} or set(norm) - {"eps"} or act.get("approximate", "none") not in ("none", "tanh"):
        raise _Unlike(f"act_kwargs {dict(act)} and norm_kwargs {dict(norm)} are not known here")
    if model.get("quick_gelu") and act:
        raise _Unlike("it wants QuickGELU and another activation at once")
    kind = "gelu_pytorch_tanh" if act.get("approximate") == "tanh" else "gelu"
    return {"hidden_act": "quick_gelu" if model.get("quick_gelu") else kind, "layer_norm_eps": norm.get("eps", 1e-5)}


def _pictures(data: Mapping[str, Any], side: int, kind: str) -> dict[str, Any]:
    """``preprocess_cfg`` as an image processor's settings; the tower's size holds, as in open_clip."""
    how = data.get("preprocess_cfg")
    if not isinstance(how, Mapping):
        if kind == "siglip":
            raise _Unlike("it is a SigLIP without a preprocess_cfg, which says how its pictures are made")
        how = {}
    mode, filtered = how.get("resize_mode", "shortest"), how.get("interpolation", "bicubic")
    if mode not in ("shortest", "squash"):
        raise _Unlike(f"resize_mode of preprocess_cfg is {mode!r}, which pads pictures, and frames are not padded here")
    square = {"height": side, "width": side}
    return {
        "size": square if mode == "squash" else {"shortest_edge": side},
        "do_center_crop": mode != "squash",
        "crop_size": square,
        "resample": (Resample.BILINEAR if filtered == "bilinear" else Resample.BICUBIC).pillow,
        "image_mean": list(how.get("mean", CLIP_MEAN)),
        "image_std": list(how.get("std", CLIP_STD)),
    }


def _side(value: Any) -> int:
    sides = value if isinstance(value, list | tuple) else (value, value)
    if len(set(sides)) != 1:
        raise _Unlike(f"its pictures or patches are oblong ({value})")
    return int(sides[0])
