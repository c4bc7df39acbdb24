"""CLIPs in folders: whether all files are there, and belong to each other."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ga2app.clip.files.clip_types import check_kind
from ga2app.clip.files.open_clip_config import OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS, OpenClip, read_open_clip
from ga2app.errors import BackboneError
from ga2app.untrusted import open_ordinary, parse_json, read_ordinary, special_files
from ga2app.video.preprocessing import PREPROCESSOR, PROCESSOR, Preprocessing, follow, read_preprocessing

CONFIG = "config.json"
WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLED, PICKLED_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
"""Weights as torch.save wrote them; transformers takes tensors out of them, and no code."""

TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("spiece.model",))
"""Files that make up a tokenizer, any one set. Beside neither, transformers builds one of two or three entries."""

NEEDED = "it needs config.json, model.safetensors and the tokenizer's files, as save_pretrained writes them"

_OPEN_CLIP = "open_clip_"
"""How the names of open_clip's files begin."""

_LFS = b"version https://git-lfs"
_TORCH_SAVE = (b"PK\x03\x04", b"\x80")
"""How a zip begins, and a pickle, which torch.save wrote before."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ClipFolder:
    """A whole CLIP on this machine: its folder, the names of its weight files, their bytes, and its ``model_type``.

    ``commit`` is that of its repository, where it lies in the Hugging Face cache. ``open_clip`` is what a folder of
    open_clip says, which has other weights and another configuration.
    """

    folder: Path
    weights: tuple[str, ...]
    weight_bytes: int
    commit: str | None = None
    kind: str = "clip"
    open_clip: OpenClip | None = None

    @property
    def config_file(self) -> Path:
        return self.folder / (OPEN_CLIP_CONFIG if self.open_clip else CONFIG)

    def preprocessing(self, size_px: int, shown: str) -> Preprocessing:
        """How frames become pixels for its vision tower of ``size_px``. Raises BackboneError."""
        if self.open_clip:
            return follow(self.open_clip.pictures, size_px, shown, OPEN_CLIP_CONFIG)
        return read_preprocessing(self.folder, size_px, shown)


def look_into(folder: Path, shown: str, advice: str = "") -> ClipFolder:
    """The CLIP in ``folder``, which messages call ``shown``; raises BackboneError with what is wrong or missing.

    ``advice`` says how to get the files that are missing.
    """
    try:
        sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
        special = special_files(folder)
    except OSError as exc:
        raise BackboneError(f"{shown} cannot be read ({exc.strerror or exc}); check the folder's rights") from exc
    if special:  # whatever opened one would wait for ever
        raise BackboneError(f"{shown} holds '{special[0]}', which is no ordinary file; take it out of the folder")
    opened = _open_clip(folder, sizes, shown)
    if opened is None and CONFIG not in sizes:
        raise _refusal(shown, _foreign(sizes) or f"no {CONFIG}", advice)
    config = opened.config if opened else _json(folder / CONFIG, shown)
    kind = config.get("model_type")
    check_kind(kind, shown)
    weights = (_open_clip_weights(sizes, shown),) if opened else _weights(folder, sizes, shown, advice)
    for name in weights:
        _check_start(folder / name, shown)
    if not any(set(names) <= sizes.keys() for names in TOKENIZERS):
        source = f"'{opened.tokenizer}'" if opened else "the CLIP that it was made from"
        raise _refusal(
            shown,
            f"no tokenizer: neither tokenizer.json nor vocab.json with merges.txt; copy them from {source}",
            advice,
        )
    if opened is None:
        _check_pictures(folder, str(kind), sizes, shown)
    commit = folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else None
    return ClipFolder(folder, weights, sum(sizes[name] for name in weights), commit, str(kind), opened)


def clip_config(folder: Path) -> Mapping[str, Any]:
    """The configuration of the CLIP in ``folder`` in the words of transformers. Raises BackboneError, or OSError."""
    shown = f"folder '{folder}'"
    opened = _open_clip(folder, {path.name: 0 for path in folder.iterdir()}, shown)
    return opened.config if opened else _json(folder / CONFIG, shown)


def _open_clip(folder: Path, names: Collection[str], shown: str) -> OpenClip | None:
    """What open_clip's configuration says, where the folder is not one of transformers as well."""
    theirs = {WEIGHTS, WEIGHTS_INDEX, PICKLED, PICKLED_INDEX} & set(names)
    if OPEN_CLIP_CONFIG not in names or (theirs and CONFIG in names):
        return None
    return read_open_clip(_json(folder / OPEN_CLIP_CONFIG, shown), shown)


def _open_clip_weights(names: Collection[str], shown: str) -> str:
    found = next((name for name in OPEN_CLIP_WEIGHTS if name in names), None)
    if found is None:
        raise BackboneError(f"{shown} is an open_clip folder without {OPEN_CLIP_WEIGHTS[0]}; get a whole copy of it")
    return found


def _check_pictures(folder: Path, kind: str, names: Collection[str], shown: str) -> None:
    """Raises BackboneError where the image settings are not there, or plainly another tower's."""
    siglip = kind == "siglip"
    if siglip and not {PREPROCESSOR, PROCESSOR} & set(names):
        raise BackboneError(
            f"{shown} is a SigLIP without {PREPROCESSOR}, which says how its pictures are made; copy it from the "
            "SigLIP that it was made from"
        )
    if PREPROCESSOR in names:
        made_by = str(_json(folder / PREPROCESSOR, shown).get("image_processor_type"))
        if made_by.startswith("CLIP" if siglip else "Siglip"):
            own = "SigLIP" if siglip else "CLIP"
            raise BackboneError(
                f"{shown}: {PREPROCESSOR} is that of another tower (a {made_by} beside a {own}); copy it from the "
                f"{own} that it was made from, or, if it was trained so, change image_processor_type in the file"
            )


def looks_like_clip(folder: Path) -> bool:
    """Whether somebody saved a model into ``folder``: what is wrong with it is then worth more than other choices."""
    try:
        return any(path.name == CONFIG or path.name.startswith(_OPEN_CLIP) for path in folder.iterdir())
    except OSError:
        return False


def _weights(folder: Path, sizes: Mapping[str, int], shown: str, advice: str) -> tuple[str, ...]:
    """Names of the weight files, all that an index names; raises BackboneError."""
    for whole, index in ((WEIGHTS, WEIGHTS_INDEX), (PICKLED, PICKLED_INDEX)):
        if whole in sizes:
            return (whole,)
        if index in sizes:
            parts = _json(folder / index, shown).get("weight_map")
            if not isinstance(parts, Mapping) or not parts:
                raise BackboneError(f"{shown}: {index} names no weights; get a fresh copy")
            names = sorted({str(part) for part in parts.values()})
            missing = [name for name in names if name not in sizes]
            if missing:
                raise _refusal(
                    shown, f"{len(missing)} of {len(names)} files with weights missing: {missing[0]}", advice
                )
            return tuple(names)
    raise _refusal(shown, _foreign(sizes) or f"no {WEIGHTS}", advice)


def _check_start(file: Path, shown: str) -> None:
    """Raises BackboneError where ``file`` plainly holds no weights, as after a git clone without git-lfs."""
    try:
        with open_ordinary(file) as opened:
            start = opened.read(len(_LFS))
    except OSError as exc:
        raise BackboneError(f"{shown}: {file.name} cannot be read ({exc.strerror or exc}); check its rights") from exc
    if start == _LFS:
        raise BackboneError(
            f"{shown}: {file.name} is a pointer of git-lfs and not the weights; get them with git lfs pull, or fetch "
            "the repository with hf download"
        )
    if file.suffix == ".bin" and not start.startswith(_TORCH_SAVE):
        raise BackboneError(f"{shown}: {file.name} is not a file that torch.save wrote, or is damaged; fetch it again")


def _foreign(names: Collection[str]) -> str:
    """What files of another program say about a folder; empty where there are none."""
    if any(name.startswith(_OPEN_CLIP) for name in names):
        return f"it holds open_clip's weights without {OPEN_CLIP_CONFIG}; get that file from where they come from"
    if "adapter_config.json" in names:
        return "it is an adapter without its CLIP; merge the two with merge_and_unload, then save_pretrained"
    if {"tf_model.h5", "flax_model.msgpack"} & set(names):
        return (
            "its weights are those of TensorFlow or Flax, which transformers 5 does not read; save them with "
            "transformers 4 and from_tf=True or from_flax=True"
        )
    return ""


def _refusal(shown: str, why: str, advice: str) -> BackboneError:
    return BackboneError(f"{shown} does not hold a CLIP that transformers can load ({why}); {NEEDED}{advice}")


def _json(file: Path, shown: str) -> Mapping[str, Any]:
    try:
        data = parse_json(read_ordinary(file))
    except (OSError, ValueError) as exc:
        raise BackboneError(f"{shown}: {file.name} cannot be read ({exc}); get a fresh copy") from exc
    if not isinstance(data, Mapping):
        raise BackboneError(f"{shown}: {file.name} holds no settings by name; get a fresh copy")
    return data
