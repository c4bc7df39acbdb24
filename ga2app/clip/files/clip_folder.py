"""CLIPs in folders and in the local Hugging Face cache: whether all files are there, by name, by commit."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ga2app.clip.files.clip_types import check_kind
from ga2app.config import SKETCH
from ga2app.errors import BackboneError, shown
from ga2app.paths import SKETCH_CLIP
from ga2app.untrusted import open_ordinary, parse_json, read_ordinary, special_files
from ga2app.video.preprocessing import PREPROCESSOR, PROCESSOR, read_preprocessing

CONFIG = "config.json"
WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
PICKLED, PICKLED_INDEX = "pytorch_model.bin", "pytorch_model.bin.index.json"
"""Weights as torch.save wrote them; transformers takes tensors out of them, and no code."""

TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("spiece.model",))
"""Files that make up a tokenizer, any one set. Beside neither, transformers builds one of two or three entries."""

NEEDED = "it needs config.json, model.safetensors and the tokenizer's files, as save_pretrained writes them"

_OPEN_CLIP = "open_clip_"
"""How the names of open_clip's files begin."""

_IMAGE_PX = 224
"""Side of a CLIP whose configuration does not say: transformers leaves out what is usual."""

_LFS = b"version https://git-lfs"
_TORCH_SAVE = (b"PK\x03\x04", b"\x80")
"""How a zip begins, and a pickle, which torch.save wrote before."""

_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class ClipFolder:
    """A whole CLIP on this machine: its folder, the names of its weight files, their bytes, and its ``model_type``.

    ``commit`` is that of its repository, where it lies in the Hugging Face cache.
    """

    folder: Path
    weights: tuple[str, ...]
    weight_bytes: int
    commit: str | None = None
    kind: str = "clip"


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
    if CONFIG not in sizes:
        raise _refusal(shown, _foreign(sizes) or f"no {CONFIG}", advice)
    config = _json(folder / CONFIG, shown)
    check_kind(config.get("model_type"), shown)
    weights = _weights(folder, sizes, shown, advice)
    for name in weights:
        _check_start(folder / name, shown)
    if not any(set(names) <= sizes.keys() for names in TOKENIZERS):
        raise _refusal(
            shown,
            "no tokenizer: neither tokenizer.json nor vocab.json with merges.txt; copy them from the CLIP that it was "
            "made from",
            advice,
        )
    if config["model_type"] == "siglip" and not {PREPROCESSOR, PROCESSOR} & sizes.keys():
        raise BackboneError(
            f"{shown} is a SigLIP without {PREPROCESSOR}, which says how its pictures are made; copy it from the "
            "SigLIP that it was made from"
        )
    commit = folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else None
    return ClipFolder(folder, weights, sum(sizes[name] for name in weights), commit, str(config["model_type"]))


def find_clip(name: str, revision: str | None = None) -> ClipFolder:
    """The CLIP ``name`` on this machine: "sketch", a folder, or a repository in the Hugging Face cache.

    Raises BackboneError with the reason why it cannot be used.
    """
    if name == SKETCH:
        return look_into(SKETCH_CLIP, f"backbone '{SKETCH}'")
    folder = Path(os.path.expanduser(name))
    if os.path.isdir(folder):
        return look_into(folder, f"folder '{name}'")
    if not may_be_on_the_hub(name):
        what = "is a file, and a backbone is a folder" if os.path.isfile(folder) else "is not a folder on this machine"
        raise BackboneError(f"backbone '{shown(name)}' {what}; check the path")
    return find_cached(name, revision)


def check_clip(name: str) -> ClipFolder:
    """``find_clip``, and that what it says of its pictures can be followed; raises BackboneError."""
    found = find_clip(name)
    vision = _json(found.folder / CONFIG, f"backbone '{name}'").get("vision_config")
    size = vision.get("image_size", _IMAGE_PX) if isinstance(vision, Mapping) else _IMAGE_PX
    read_preprocessing(found.folder, size, name)
    return found


def looks_like_clip(folder: Path) -> bool:
    """Whether somebody saved a model into ``folder``: what is wrong with it is then worth more than other choices."""
    try:
        return any(path.name == CONFIG or path.name.startswith(_OPEN_CLIP) for path in folder.iterdir())
    except OSError:
        return False


def may_be_on_the_hub(name: str) -> bool:
    """Whether ``name`` can be that of a repository: of a folder or file here it is not, nor is a path."""
    place = Path(os.path.expanduser(name))
    return name != SKETCH and not os.path.exists(place) and not place.is_absolute() and not name.startswith((".", "~"))


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
        return (
            "it is an open_clip folder, whose files have other names and another layout; take the same CLIP in the "
            "transformers format, which most open_clip repositories on the Hub hold, too, and fetch it with hf download"
        )
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


_REPOSITORY = re.compile(r"[\w.-]+(?:/[\w.-]+)?")

_log = logging.getLogger(__name__)


def cached_clips(cache: Path | None = None) -> dict[str, ClipFolder]:
    """The whole CLIPs in ``cache``, the usual one unless another is given, by repository.

    A cache that is absent or partly broken offers less, and raises nothing.
    """
    found = {}
    try:
        folders = sorted(_place(cache).glob("models--*"))
    except OSError as exc:
        _log.info("no Hugging Face cache to look into: %s", exc)
        return {}
    for folder in folders:
        name = folder.name.removeprefix("models--").replace("--", "/")
        try:
            found[name] = find_cached(name, cache=cache)
        except BackboneError as exc:
            _log.info("left out of the list of backbones: %s", exc)
    return found


def find_cached(name: str, revision: str | None = None, cache: Path | None = None) -> ClipFolder:
    """The CLIP of the repository ``name`` in ``cache``, at ``revision``: a commit, a branch or a tag.

    Without one it is what ``main`` points at; where nothing points anywhere, because it was fetched by its commit,
    the newest whole snapshot. Raises BackboneError: it is not there, or the reason why it cannot be used.
    """
    root = _place(cache) / f"models--{name.replace('/', '--')}"
    if not _REPOSITORY.fullmatch(name) or not os.path.isdir(root / "snapshots"):
        raise _absent(name, "")
    try:
        snapshots = sorted(
            (place for place in (root / "snapshots").iterdir() if place.is_dir()),
            key=lambda place: place.stat().st_mtime_ns,
            reverse=True,
        )
        named = _read_refs(root / "refs")
    except OSError as exc:
        raise BackboneError(f"the cache of '{name}' cannot be read ({exc}); check '{root}'") from exc
    commit = named.get(revision or "main", revision)
    if commit is not None:
        chosen = [place for place in snapshots if place.name == commit]
    else:
        chosen = [place for place in snapshots if place.name not in named.values()]
    if not chosen:
        others = ", ".join(sorted(named)) or ", ".join(place.name for place in snapshots)
        raise _absent(name, f" at {f'revision {revision!r}' if revision else 'its main branch'}", others)
    return _first_whole(chosen, name)


def _first_whole(snapshots: list[Path], name: str) -> ClipFolder:
    """The first that is whole; raises the fault of the first one where none is."""
    fault: BackboneError | None = None
    advice = f"; where the repository has them, this fetches what is missing: hf download {name}"
    for folder in snapshots:
        try:
            return look_into(folder, f"backbone '{name}' in the local Hugging Face cache", advice)
        except BackboneError as exc:
            fault = fault or exc
    raise fault or _absent(name, "")


def _read_refs(folder: Path) -> dict[str, str]:
    """The commits that branches and tags point at."""
    if not folder.is_dir():
        return {}
    refs = {}
    for file in folder.rglob("*"):
        if file.is_file():
            refs[file.relative_to(folder).as_posix()] = file.read_text(encoding="utf-8", errors="replace").strip()
    return refs


def _absent(name: str, where: str, others: str = "") -> BackboneError:
    has = f" (it holds: {others})" if others else ""
    return BackboneError(
        f"backbone '{shown(name)}' is neither a folder nor in the local Hugging Face cache{where}{has}; check the "
        f"name, or fetch it first with: hf download {shown(name)}"
    )


def _place(cache: Path | None) -> Path:
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) if cache is None else cache
