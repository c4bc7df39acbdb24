"""Writing what came out of a checkpoint: a bundle, and a backbone folder as ``save_pretrained`` writes it."""

from __future__ import annotations

import copy
import json
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoTokenizer
from transformers.utils import SAFE_WEIGHTS_NAME

from ga2app import bundles
from ga2app.bundles.bundle_files import whole_folder
from ga2app.bundles.checkpoints.published_prompts import PublishedPrompts
from ga2app.bundles.checkpoints.weight_layout import FrozenWeights
from ga2app.clip import Backbone, BackboneId
from ga2app.clip.files import find_clip
from ga2app.clip.fingerprints import SIX, fingerprint, hash_named, six_tensor_fingerprint
from ga2app.clip.tokenizers import check_tokenizer
from ga2app.clip.torch_files import Storage, StoredTensor
from ga2app.config import SKETCH, LossConfig, RunConfig
from ga2app.config.presets import PAPER_RUNS, PaperRun, paper_preset
from ga2app.errors import BackboneError, BundleError
from ga2app.video.preprocessing import PREPROCESSOR, read_preprocessing

QUICK_GELU = "quick_gelu"
"""The activation of OpenAI's code, and so of every published checkpoint: x · sigmoid(1.702 x)."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Origin:
    """What a checkpoint does not say of itself. Without ``base`` labels, those that it embeds are read back."""

    name: str = ""
    base: tuple[str, ...] = ()
    dataset: str = UNKNOWN
    num_frames: int = 32


def activations(backbone: Backbone) -> set[str]:
    """Names of the activations in both towers."""
    config = backbone.clip.config
    return {config.vision_config.hidden_act, config.text_config.hidden_act}


def write_backbone(backbone: Backbone, weights: FrozenWeights, folder: Path) -> BackboneId:
    """Write ``backbone`` with ``weights`` in place of its own, and OpenAI's activation, to the new ``folder``.

    Shape and tokenizer are those of ``backbone``. Atomic: written beside it, read back once to see that it is well, and
    renamed; weights are in memory one at a time. Raises StudioError.
    """
    config = copy.deepcopy(backbone.clip.config)
    config.vision_config.hidden_act = config.text_config.hidden_act = QUICK_GELU
    config.architectures, config.dtype = [type(backbone.clip).__name__], torch.float32
    tokenizer = copy.deepcopy(backbone.tokenizer)
    tokenizer.model_max_length = backbone.sizes.text_positions
    try:
        with whole_folder(folder) as fresh:
            config.save_pretrained(fresh)
            written = _write_weights(fresh / SAFE_WEIGHTS_NAME, backbone.clip.state_dict(), weights)
            tokenizer.save_pretrained(fresh)
            told = json.dumps(backbone.preprocessing.to_config(), indent=2)
            (fresh / PREPROCESSOR).write_text(told + "\n", encoding="utf-8")
            find_clip(str(fresh))
            check_tokenizer(AutoTokenizer.from_pretrained(fresh), config.text_config, str(fresh), config.model_type)
            preprocessing = read_preprocessing(fresh, config.vision_config.image_size, str(fresh))
            hashed = hash_named(config, written, lambda name: written[name].read())
            six = six_tensor_fingerprint({name: written[name].read() for name in SIX})
    except OSError as exc:
        raise BackboneError(
            f"backbone folder '{folder}' could not be written ({exc}); free some space or choose another folder"
        ) from exc
    whole = fingerprint(hashed, preprocessing)
    return BackboneId(str(folder.resolve()), None, whole, backbone.sizes, hashed, six, preprocessing)


def _write_weights(path: Path, own: Mapping[str, Tensor], weights: FrozenWeights) -> dict[str, StoredTensor]:
    """Write a safetensors file of float32 weights, one at a time: those of ``own`` that ``weights`` do not replace.

    Answers with where each of them lies. The format is eight bytes with the length of a JSON header, the header, and
    the numbers, little end first.
    """
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, tensor in own.items():
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [end, end + 4 * tensor.numel()]}
        end += 4 * tensor.numel()
    told = json.dumps(header).encode()
    told += b" " * (-len(told) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(told)) + told)
        for name, tensor in own.items():
            whole = weights.read(name) if name in weights.sources else tensor.detach().cpu().float().contiguous()
            file.write(whole.numpy().astype("<f4", copy=False).reshape(-1).data)
    begin, written = 8 + len(told), {}
    for name, tensor in own.items():
        start, shape = begin + header[name]["data_offsets"][0], tuple(tensor.shape)
        steps = torch.empty(shape, device="meta").stride()
        storage = Storage(torch.float32, tensor.numel(), start)
        written[name] = StoredTensor(path, storage, torch.float32, 0, shape, steps)
    return written


def write_bundle(
    prompts: PublishedPrompts,
    backbone: Backbone,
    weights: FrozenWeights,
    out: Path,
    backbone_folder: Path | None,
    origin: Origin,
) -> BackboneId:
    """Write the bundle to ``out`` and, where a folder is named for it, ``backbone`` with ``weights``.

    Answers with the backbone that the bundle belongs to. Raises StudioError, and then neither is there.
    """
    name = backbone.name
    if backbone_folder or (name != SKETCH and Path(name).is_dir()):
        # A relative path would hold in this folder only.
        name = str((backbone_folder or Path(name)).resolve())
    config = _config(name, prompts, origin)
    identity = replace(backbone.identity, name=name)
    with _both_or_none(backbone_folder):
        if backbone_folder:
            identity = write_backbone(backbone, weights, backbone_folder)
        bundle = bundles.Bundle(_manifest(config, identity, origin), prompts.tensors)
        bundle.learner()
        try:
            bundles.save(bundle, out)
        except (OSError, SafetensorError) as exc:
            raise BundleError(f"bundle '{out}' could not be written ({exc}); choose another folder") from exc
    return identity


def _config(backbone: str, prompts: PublishedPrompts, origin: Origin) -> RunConfig:
    """The paper's settings for this data set, with what the file says of the prompts."""
    run = next((run for run in PAPER_RUNS.values() if run.dataset == origin.dataset), PaperRun(origin.dataset))
    config = paper_preset(run, backbone)
    return replace(
        config,
        backbone=backbone,
        prompts=prompts.config,
        # The runs that hard prompts come from had neither coupling nor anchors.
        losses=config.losses if prompts.config.coupled else LossConfig(),
        clips=replace(config.clips, num_frames=origin.num_frames),
    )


@contextmanager
def _both_or_none(backbone_folder: Path | None) -> Iterator[None]:
    """Takes the backbone folder away again if what comes after it fails."""
    try:
        yield
    except BaseException:
        if backbone_folder:
            shutil.rmtree(backbone_folder, ignore_errors=True)
        raise


def _manifest(config: RunConfig, identity: BackboneId, origin: Origin) -> bundles.Manifest:
    """What is known of a published run; its steps and figures are not in the file."""
    return bundles.Manifest(
        format_version=bundles.FORMAT_VERSION,
        name=origin.name,
        backbone=identity.to_dict(),
        config=config.to_dict(),
        base=origin.base,
        novel=(),
        dataset_hash=UNKNOWN,
        anchor_captions=(),
        negatives=(),
        preprocessing={"image_size": identity.sizes.image_size, "num_frames": origin.num_frames},
        steps=0,
        metrics={},
        zero_shot={},
        packages=bundles.package_versions(),
    )
