"""From a published checkpoint to a prompt bundle and, where its weights were tuned, a backbone folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from ga2app.bundles.checkpoints.checkpoint_reader import FUSION, Checkpoint, TensorReader, read_checkpoint, refuse
from ga2app.bundles.checkpoints.checkpoint_writer import QUICK_GELU, Origin, activations, write_backbone, write_bundle
from ga2app.bundles.checkpoints.prompt_layouts import LEARNER, Layout, layout_of
from ga2app.bundles.checkpoints.published_prompts import (
    FROZEN_COPY,
    HARD_PROMPT,
    embedded,
    read_names,
    read_prompts,
    same_embedding,
)
from ga2app.bundles.checkpoints.weight_layout import FrozenWeights, read_weights
from ga2app.clip import Backbone, BackboneId
from ga2app.clip.openai_weights import TOKEN_EMBEDDING, Part
from ga2app.clip.siglip_towers import SiglipBackbone
from ga2app.config import PAPER_BACKBONE, PromptConfig
from ga2app.errors import CheckpointError, Fault, shown

OLD_SIZES = ("input_resolution", "context_length", "vocab_size")
"""Whole numbers in OpenAI's own files that repeat what the shapes say."""

LEFT_OUT = (f"{LEARNER}complete_text_embeddings", *OLD_SIZES)

MOST_NAMED = 5
"""Classes of a file, of which nothing was made, that a note names."""


@dataclass(frozen=True)
class Imported:
    """What came of a checkpoint: ``bundle`` and ``backbone_folder`` are None where none was written.

    ``backbone`` is what the bundle belongs to; ``ignored`` names entries of the file that were not used; ``notes`` are
    for people.
    """

    bundle: Path | None
    backbone: BackboneId
    backbone_folder: Path | None
    prompts: PromptConfig | None
    base: tuple[str, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


class Folders(NamedTuple):
    """Where to write: new folders, or None where none is named."""

    bundle: Path | None
    backbone: Path | None

    def check(self) -> None:
        """Raises CheckpointError where a folder is taken, or one lies in the other."""
        named = [folder for folder in self if folder is not None]
        for folder in named:
            try:
                taken = any(folder.iterdir()) if folder.is_dir() else os.path.lexists(folder)
                above = next((parent for parent in folder.parents if parent.exists()), folder)
                if not above.is_dir():
                    raise NotADirectoryError(f"'{above}' is a file")
            except (OSError, ValueError) as exc:
                raise CheckpointError(f"'{folder}' cannot be used as a folder ({exc}); name another") from exc
            if taken:
                raise CheckpointError(f"'{folder}' is there already and is not replaced; name a new folder")
        places = [folder.resolve() for folder in named]
        if len(places) == 2 and (places[0].is_relative_to(places[1]) or places[1].is_relative_to(places[0])):
            raise CheckpointError(f"'{named[0]}' and '{named[1]}' lie in each other; name two folders side by side")


def import_checkpoint(
    file: str | os.PathLike[str],
    backbone: Backbone,
    *,
    out: Path | None = None,
    backbone_out: Path | None = None,
    hard_prompt: str | os.PathLike[str] | None = None,
    keep_token_embedding: bool = False,
    origin: Origin | None = None,
) -> Imported:
    """Turn ``file`` into a bundle in ``out``; one without prompts into a backbone in ``backbone_out``.

    Weights in the file that differ from those of ``backbone`` by more than float16's rounding are kept as a backbone
    folder (``backbone_out``, else beside the bundle), and the bundle belongs to that. ``hard_prompt`` is the checkpoint
    that the run started from. ``keep_token_embedding`` takes the token embedding of ``backbone`` even if the file has
    one. Raises StudioError, and then nothing is written.
    """
    if isinstance(backbone, SiglipBackbone):
        raise CheckpointError(
            f"'{backbone.name}' is a SigLIP, and these checkpoints were learned on CLIP, whose towers have other "
            f"layers; choose the backbone of the run, such as {PAPER_BACKBONE}"
        )
    folders = Folders(out, backbone_out)
    folders.check()
    checkpoint = read_checkpoint(file)
    base = read_checkpoint(hard_prompt) if hard_prompt is not None else None
    skip = frozenset({Part.TOKENS} if keep_token_embedding else ())
    layout = layout_of(checkpoint)
    if layout is not None:
        return _import_prompts(checkpoint, layout, base, backbone, folders, skip, origin or Origin())
    return _import_backbone(checkpoint, backbone, folders, skip)


def _import_prompts(
    checkpoint: Checkpoint,
    layout: Layout,
    base: Checkpoint | None,
    backbone: Backbone,
    folders: Folders,
    skip: frozenset[Part],
    origin: Origin,
) -> Imported:
    if folders.bundle is None:
        raise CheckpointError(f"'{checkpoint.name}' holds prompts; name a folder for their bundle (--out)")
    own, reader = backbone.clip.state_dict(), _reader(checkpoint)
    prompts = read_prompts(reader, backbone.sizes, layout, base)
    weights = read_weights(reader, own, backbone.sizes, published=True, skip=skip)
    reader.leftovers()
    embedding = weights.read(TOKEN_EMBEDDING) if TOKEN_EMBEDDING in weights.sources else own[TOKEN_EMBEDDING]
    faults = [*reader.faults, *_misfits(checkpoint, backbone, weights, embedding)]
    if faults or prompts is None:
        raise _refuse(checkpoint, backbone, faults)
    folder = None
    if weights.differing or activations(backbone) != {QUICK_GELU}:
        folder = folders.backbone or folders.bundle.with_name(f"{folders.bundle.name}-backbone")
        Folders(folders.bundle, folder).check()
    labels = origin.base or read_names(checkpoint.tensors, embedding, backbone.tokenizer)
    del own, embedding
    named = replace(origin, name=origin.name or _name(checkpoint, layout), base=labels)
    written = write_bundle(prompts, backbone, weights, folders.bundle, folder, named)
    notes = [*_layout_notes(checkpoint, layout), *_weight_notes(backbone, weights, written)]
    if folders.backbone and not folder:
        notes.append(f"'{folders.backbone}' is not needed and was not written")
    if not prompts.config.coupled:
        unused = f"; '{base.name}' was not used" if base else ""
        notes.append(f"the prompts are not coupled: the bundle needs no hard prompt{unused}")
    if checkpoint.fusion:
        notes.append(f"its temporal head ({FUSION}) is not imported: the clip feature is the mean over the frames")
    if not origin.base:
        notes.append(
            f"the {len(labels)} base labels were read back from the file"
            if labels
            else "no base labels are known, so every label will be marked as novel; name them with --base-labels"
        )
    return Imported(folders.bundle, written, folder, prompts.config, labels, checkpoint.ignored, tuple(notes))


def _import_backbone(checkpoint: Checkpoint, backbone: Backbone, folders: Folders, skip: frozenset[Part]) -> Imported:
    """A file without prompts: a tuned CLIP in OpenAI's key names, or in those of the published prompt checkpoints."""
    if folders.bundle is not None or folders.backbone is None:
        raise CheckpointError(
            f"'{checkpoint.name}' holds no prompts, so no bundle can come of it; name a folder for its backbone "
            "(--backbone-out) and none for a bundle"
        )
    own, reader = backbone.clip.state_dict(), _reader(checkpoint)
    published = any(key.startswith(("image_encoder.", "text_encoder.")) for key in checkpoint.tensors)
    needed = frozenset(Part) - skip - ({Part.TOKENS} if published else set())
    weights = read_weights(reader, own, backbone.sizes, published=published, skip=skip, needed=needed)
    reader.leftovers()
    if reader.faults:
        raise _refuse(checkpoint, backbone, reader.faults)
    written = write_backbone(backbone, weights, folders.backbone)
    notes = [*_layout_notes(checkpoint, None), *_weight_notes(backbone, weights, written)]
    if Part.TOKENS not in weights.parts:
        notes.append(f"the token embedding is that of '{backbone.name}'")
    elif TOKEN_EMBEDDING in weights.differing:
        notes.append(
            "its token embedding differs, too; the published runs that start from such a file embed names with that "
            f"of {PAPER_BACKBONE}, as --keep-token-embedding does"
        )
    return Imported(None, written, folders.backbone, None, (), checkpoint.ignored, tuple(notes))


def _reader(checkpoint: Checkpoint) -> TensorReader:
    reader = TensorReader(checkpoint.tensors)
    reader.ignore(*LEFT_OUT, *(embedded(checkpoint.tensors, kind) for kind in ("prefix", "suffix")))
    reader.ignore(*(key for key in checkpoint.tensors if key.startswith(FROZEN_COPY)))
    return reader


def _refuse(checkpoint: Checkpoint, backbone: Backbone, faults: list[Fault]) -> CheckpointError:
    advice = ""
    if any(fault.field != HARD_PROMPT for fault in faults):
        origin = f"the backbone that it was trained on ({PAPER_BACKBONE} for the published ones)"
        advice = f". Choose {origin}, or get a whole file"
    return refuse(checkpoint.name, backbone.name, faults, advice)


def _misfits(checkpoint: Checkpoint, backbone: Backbone, weights: FrozenWeights, embedding: Tensor) -> Iterator[Fault]:
    """Faults of the backbone that no shape tells."""
    found = activations(backbone)
    if found != {QUICK_GELU} and not {Part.VISION, Part.TEXT} <= weights.parts:
        yield Fault(
            "backbone",
            f"computes with {', '.join(sorted(found))} where published checkpoints need {QUICK_GELU}, and the file "
            "does not hold both towers",
        )
    if not same_embedding(checkpoint.tensors, embedding, backbone.tokenizer.bos_token_id):
        yield Fault(
            embedded(checkpoint.tensors, "prefix"),
            "comes of another token embedding than the backbone's (published runs embed names with the original one, "
            "also where the towers are tuned)",
        )


def _name(checkpoint: Checkpoint, layout: Layout) -> str:
    """What a bundle is called without another name: other trainers call every file ``model.pth.tar-5``."""
    if layout is Layout.GA2 or checkpoint.path.suffix in (".pt", ".pth"):
        return checkpoint.path.stem
    return f"{layout} {checkpoint.name}"


def _layout_notes(checkpoint: Checkpoint, layout: Layout | None) -> Iterator[str]:
    """What was made of the file, and what was not."""
    if layout is Layout.MAPLE:
        yield "MaPLe's linear maps of its text prompts were folded into visual prompts"
    elif layout is Layout.COOP:
        yield (
            "the file does not say where a class name stands; it is read as standing after the context (CoOp's 'end'). "
            "If the run had CLASS_TOKEN_POSITION 'middle' or 'front', do not use the bundle"
        )
    if any(key.startswith(FROZEN_COPY) for key in checkpoint.tensors):
        yield f"PromptSRC's frozen copy of the vision tower ({FROZEN_COPY}*) is not used: it only trained the prompts"
    if checkpoint.foreign:
        more = f" and {len(checkpoint.foreign) - MOST_NAMED} more" if len(checkpoint.foreign) > MOST_NAMED else ""
        named = ", ".join(map(shown, checkpoint.foreign[:MOST_NAMED]))
        yield f"the file also holds objects of {named}{more}; nothing was made of them, and nothing in it was called"


def _weight_notes(backbone: Backbone, weights: FrozenWeights, written: BackboneId) -> Iterator[str]:
    """What became of the frozen weights."""
    if not weights.parts:
        yield f"the file holds no frozen weights, so it cannot be checked that it belongs to '{backbone.name}'"
    elif weights.differing:
        yield (
            f"{len(weights.differing)} of {len(weights.sources)} weights differ from those of '{backbone.name}', by up "
            f"to {max(weights.differing.values()):.2g}"
        )
        if written.fingerprint == backbone.identity.fingerprint:
            yield f"they are none of those that tell backbones apart: take care not to use '{backbone.name}' instead"
    else:
        yield f"the frozen weights are those of '{backbone.name}', as far as float16 can tell"
