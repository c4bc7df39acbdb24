"""Finding and loading a CLIP: the embedded one, a folder that transformers saved, or a repository of the Hub."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from safetensors import safe_open

from ga2app.clip.compute import settle
from ga2app.clip.files import CLASSES, ClipFolder, download, find_clip, may_be_on_the_hub
from ga2app.clip.fingerprints import hash_of_files
from ga2app.clip.frozen_clip import Backbone
from ga2app.clip.measured_choices import faster_attention, faster_precision, faster_threads, gain_of_compiling
from ga2app.clip.open_clip_weights import read_open_clip_weights
from ga2app.clip.siglip_towers import SiglipBackbone
from ga2app.clip.tokenizers import check_tokenizer, clean_before
from ga2app.config import ATTENTIONS, AUTO, SKETCH, Precision, RunConfig
from ga2app.environment import give_back_memory
from ga2app.errors import BackboneError
from ga2app.fast_start import loaded


def load_backbone(
    name: str | os.PathLike[str] = SKETCH,
    *,
    device: str = "auto",
    precision: Precision | str = Precision.FLOAT32,
    attention: str = "auto",
    threads: int | str = "auto",
    compile: str = "off",
    revision: str | None = None,
    allow_download: bool = False,
) -> Backbone:
    """Load a frozen CLIP, ready for prompts in both towers (paper, section 3).

    Args:
        name: "sketch" (the embedded one), a folder as ``save_pretrained`` or open_clip writes it, or a repository of
            the Hugging Face Hub, such as "openai/clip-vit-base-patch16".
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        precision: of the matrix products: "float32", "bfloat16", "float16" (CUDA only), or "auto", which is bfloat16
            where the device computes in it and it was faster when it was measured on this machine, else float32.
            bfloat16 changes an answer now and then.
        attention: "sdpa", "eager", or "auto", the one that was faster when it was measured on this machine.
        threads: of a processor, while the towers compute; "auto" is torch's own number, or half of it where that was
            clearly faster when it was measured.
        compile: "on" lets torch compile the layers of the vision tower for whatever needs no gradient, which takes a
            minute; "auto" uses them only where they were faster when they were measured; "off".
        revision: commit, branch or tag of the repository.
        allow_download: whether a repository that is not in the Hugging Face cache is downloaded.

    Returns:
        The backbone: all weights frozen, always in eval mode, with ``sizes`` (S, Dv, Dt, D, layers), ``scale`` (τ),
        ``preprocessing`` and ``class_features``.

    Raises:
        BackboneError: there is no CLIP under that name, its files are not complete, its tokenizer does not fit, or
            the download failed.
        ConfigError: the device or the precision is not available here.

    Example:
        >>> from ga2app import load_backbone
        >>> backbone = load_backbone("sketch", device="cpu")
        >>> backbone.class_features(["jumping", "riding a bicycle"]).shape  # (C, D)
        torch.Size([2, 128])
    """
    compute, name = settle(device, precision), os.fspath(name)
    files = _found(name, revision, allow_download)
    clip, tokenizer = _load(files, name)
    made = SiglipBackbone if files.kind == "siglip" else Backbone
    check_tokenizer(tokenizer, clip.config.text_config, name, files.kind)
    preprocessing = files.preprocessing(clip.config.vision_config.image_size, name)
    weights = hash_of_files(clip, files)
    if Precision(precision) is Precision.AUTO:
        compute = faster_precision(clip, compute)
    compute = replace(compute, threads=faster_threads(clip, compute) if threads == "auto" else int(threads))
    backbone = made(clip, tokenizer, name, files.commit, compute, preprocessing=preprocessing, weights=weights)
    if compute.device.type == "cpu":
        _map_anew(clip, files)
    backbone.use_attention(faster_attention(backbone) if attention == "auto" else attention)
    if compile != "off":
        _compile(backbone, always=compile == "on")
    return backbone


def _compile(backbone: Backbone, always: bool) -> None:
    backbone.compile_layers()
    backbone.compile_gain = gain_of_compiling(backbone)
    backbone.compile_layers(always or backbone.compile_gain > 1)


def _found(name: str, revision: str | None, allow_download: bool) -> ClipFolder:
    try:
        return find_clip(name, revision)
    except BackboneError:
        if not allow_download or not may_be_on_the_hub(name):
            raise
    download(name, revision=revision)
    return find_clip(name, revision)


def load_for(config: RunConfig, *, processes: int = 1) -> Backbone:
    """The backbone of a run of ``config`` on one of its ``processes``, as it is to compute. Raises StudioError."""
    threads = config.threads if config.threads == AUTO else max(1, int(config.threads) // processes)
    return load_backbone(
        config.backbone,
        device=config.device,
        precision=config.precision,
        attention=config.attention,
        threads=threads,
    )


def with_kept_choices(config: RunConfig, kept: Mapping[str, Any], *, processes: int = 1) -> RunConfig:
    """``config`` where what it leaves open of attention, precision and threads is as a run ``kept`` it.

    Only as far as the device computes so by itself, and each of the ``processes`` has so many threads.
    """
    found: dict[str, Any] = {}
    if config.precision is Precision.AUTO and kept.get("precision") in (
        Precision.FLOAT32,
        settle(config.device).precision,
    ):
        found["precision"] = Precision(kept["precision"])
    if config.attention == AUTO and kept.get("attention") in ATTENTIONS:
        found["attention"] = kept["attention"]
    room, threads = processes * torch.get_num_threads(), kept.get("threads")
    if config.threads == AUTO and isinstance(threads, int) and 1 <= threads <= room:
        found["threads"] = threads
    return replace(config, **found)


def _load(files: ClipFolder, name: str) -> tuple[Any, Any]:
    """Model and tokenizer in ``files``; raises BackboneError."""
    import transformers
    from transformers.utils import logging as transformers_logging

    loaded()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    where = str(files.folder)
    model: Any = getattr(transformers, CLASSES[files.kind])
    how: dict[str, Any] = {"dtype": torch.float32, "output_loading_info": True, "local_files_only": True}
    try:
        if files.open_clip:
            config = model.config_class.from_dict(dict(files.open_clip.config))
            held = read_open_clip_weights(files, config, name)
            clip, report = model.from_pretrained(None, config=config, state_dict=held, **how)
            tokenizer = transformers.AutoTokenizer.from_pretrained(where, config=config, local_files_only=True)
            clean_before(tokenizer, files.open_clip.clean, name)
        else:
            clip, report = model.from_pretrained(where, **how)
            tokenizer = transformers.AutoTokenizer.from_pretrained(where, local_files_only=True)
    except ImportError as exc:
        raise BackboneError(
            f"backbone '{name}' needs a package that is not installed ({_first_line(exc)}); for the tokenizer of "
            "SigLIP: pip install sentencepiece protobuf"
        ) from exc
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, pickle.UnpicklingError) as exc:
        raise BackboneError(
            f"backbone '{name}' does not hold a CLIP that transformers can load ({_first_line(exc)}); "
            "it needs config.json, model.safetensors and the tokenizer's files, as save_pretrained writes them"
        ) from exc
    missing = sorted(report["missing_keys"])
    if missing:
        raise BackboneError(
            f"backbone '{name}': {len(missing)} weights are not in {files.weights[0]}, such as {missing[0]}, and "
            "transformers would take random numbers for them; get a whole copy, or save the whole model"
        )
    return clip, tokenizer


def _map_anew(clip: Any, files: ClipFolder) -> None:
    """Weights that are as in their file are mapped from it once more, which lets the first mapping go.

    Its pages have been read, to be hashed and to be copied: they would count as memory of this process for good.
    """
    held = dict(clip.named_parameters())
    for name in files.weights:
        if not name.endswith(".safetensors"):
            continue
        with safe_open(str(files.folder / name), framework="pt") as file:
            for key in file.keys() & held.keys():
                tensor = file.get_tensor(key)
                if tensor.dtype == held[key].dtype and tensor.shape == held[key].shape:
                    held[key].data = tensor
    give_back_memory()


def _first_line(exc: Exception) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0][:200]
