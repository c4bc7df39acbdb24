"""CLIPs on this machine by name: the embedded one, folders, and the local Hugging Face cache, by commit."""

from __future__ import annotations

import functools
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path

from ga2app.clip.files.clip_folder import ClipFolder, clip_config, look_into
from ga2app.config import SKETCH
from ga2app.errors import BackboneError, shown
from ga2app.paths import SKETCH_CLIP

_REPOSITORY = re.compile(r"[\w.-]+(?:/[\w.-]+)?")
_IMAGE_PX = 224
"""Side of a CLIP whose configuration does not say: transformers leaves out what is usual."""

_log = logging.getLogger(__name__)


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
    vision = clip_config(found.folder).get("vision_config")
    size = vision.get("image_size", _IMAGE_PX) if isinstance(vision, Mapping) else _IMAGE_PX
    found.preprocessing(size, name)
    return found


def may_be_on_the_hub(name: str) -> bool:
    """Whether ``name`` can be that of a repository: of a folder or file here it is not, nor is a path."""
    place = Path(os.path.expanduser(name))
    return name != SKETCH and not os.path.exists(place) and not place.is_absolute() and not name.startswith((".", "~"))


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
            _left_out(str(exc))
    return found


@functools.lru_cache(maxsize=256)
def _left_out(why: str) -> None:
    """Said once and not at each look: of what lies in the cache the most are models of other kinds."""
    _log.info("left out of the list of backbones: %s", why)


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
