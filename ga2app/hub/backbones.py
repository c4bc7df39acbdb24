"""CLIP backbones on the Hugging Face Hub and in its local cache. Only ``download`` ever downloads."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import (
    CachedRepoInfo,
    CachedRevisionInfo,
    HfApi,
    scan_cache_dir,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    CacheNotFound,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils.tqdm import tqdm

from ga2app.config import SKETCH
from ga2app.contracts import BackboneChoice
from ga2app.errors import BackboneError
from ga2app.hub.http import HTTPError

FAVORITE = "openai/clip-vit-base-patch16"
"""Comes first where several are cached: the backbone of the published figures."""

WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
TOY_BYTES = 20_000_000
"""Weights smaller than this are a toy made for tests. They can be chosen, but are nobody's default."""

_SMALL_FILES = (
    "config.json",
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _CachedClip:
    repo_id: str
    weight_bytes: int


def cached_backbones(cache: Path | None = None) -> list[BackboneChoice]:
    """The CLIPs that can be loaded from the local cache, the best default first.

    ``cache`` is the cache's folder if not the usual one. A cache that is absent or partly broken offers less, and
    raises nothing.
    """
    return [
        BackboneChoice(clip.repo_id, f"{clip.repo_id} ({clip.weight_bytes / 1e6:,.0f} MB, on this computer)")
        for clip in _cached_clips(cache)
    ]


def default_backbone(cache: Path | None = None) -> str:
    """What ``GA2_BACKBONE`` names, else a real CLIP from the local cache, else "sketch"."""
    named = os.environ.get("GA2_BACKBONE", "").strip()
    if named:
        return named
    return next((clip.repo_id for clip in _cached_clips(cache) if clip.weight_bytes >= TOY_BYTES), SKETCH)


def cached_file(repo_id: str, name: str) -> Path | None:
    """A file of a repository in the local cache; None where it is not there."""
    try:
        found = try_to_load_from_cache(repo_id, name)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) else None


def download_size(repo_id: str, *, endpoint: str | None = None) -> int:
    """Bytes that ``download`` would fetch into an empty cache. Raises BackboneError."""
    return sum(_remote_files(repo_id, endpoint).values())


def download(
    repo_id: str,
    progress: Callable[[int, int], None] = lambda done_bytes, total_bytes: None,
    *,
    endpoint: str | None = None,
    cache: Path | None = None,
) -> None:
    """Fetch a CLIP into the local cache: configuration, tokenizer and safetensors weights, nothing else.

    ``progress`` hears of bytes done and in all, from several threads, one call at a time. What an interrupted
    download has fetched is used by the next. Raises BackboneError.
    """
    files = _remote_files(repo_id, endpoint)
    bar = _reporting_bar(progress, sum(files.values()))
    with _translated(repo_id):
        snapshot_download(repo_id, allow_patterns=list(files), tqdm_class=bar, endpoint=endpoint, cache_dir=cache)


def _cached_clips(cache: Path | None) -> list[_CachedClip]:
    try:
        found = scan_cache_dir(cache)
    except (CacheNotFound, OSError, ValueError) as exc:
        _log.info("no Hugging Face cache to look into: %s", exc)
        return []
    for warning in found.warnings:
        _log.info("left out of the list of backbones: %s", warning)
    clips = [clip for repo in found.repos if repo.repo_type == "model" and (clip := _cached_clip(repo))]
    return sorted(clips, key=lambda clip: (clip.repo_id != FAVORITE, clip.weight_bytes < TOY_BYTES, clip.repo_id))


def _cached_clip(repo: CachedRepoInfo) -> _CachedClip | None:
    """The repository's CLIP, None if it is none or not whole. Only what ``main`` points at is found by name."""
    revision: CachedRevisionInfo | None = repo.refs.get("main")
    if revision is None:
        return None
    sizes = {file.file_name: file.size_on_disk for file in revision.files}
    if "config.json" not in sizes or not ("tokenizer.json" in sizes or {"vocab.json", "merges.txt"} <= sizes.keys()):
        return None
    try:
        config = json.loads((revision.snapshot_path / "config.json").read_text(encoding="utf-8"))
        weights = _weights(sizes, lambda name: (revision.snapshot_path / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        _log.info("left out of the list of backbones: %s (%s)", repo.repo_id, exc)
        return None
    if not isinstance(config, dict) or config.get("model_type") != "clip" or not weights or weights - sizes.keys():
        return None
    return _CachedClip(repo.repo_id, sum(sizes[name] for name in weights))


def _weights(names: Collection[str], read: Callable[[str], str]) -> set[str]:
    """The safetensors files that make up the weights, all that the index names where there are several."""
    if WEIGHTS in names:
        return {WEIGHTS}
    if WEIGHTS_INDEX in names:
        return set(json.loads(read(WEIGHTS_INDEX))["weight_map"].values())
    return set()


def _remote_files(repo_id: str, endpoint: str | None) -> dict[str, int]:
    """Name and size in bytes of each file that a CLIP on the Hub needs."""
    with _translated(repo_id):
        info = HfApi(endpoint=endpoint).model_info(repo_id, files_metadata=True)
    kind = (info.config or {}).get("model_type")
    if kind not in (None, "clip"):
        raise BackboneError(f"'{repo_id}' is a {kind} model, not a CLIP; choose one such as {FAVORITE}")
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    shards = {name for name in sizes if name.startswith("model-") and name.endswith(".safetensors")}
    weights = {WEIGHTS} & sizes.keys() or (shards | {WEIGHTS_INDEX} if WEIGHTS_INDEX in sizes else set())
    if "config.json" not in sizes or not weights:
        missing = "config.json" if "config.json" not in sizes else WEIGHTS
        raise BackboneError(
            f"'{repo_id}' has no {missing}, so it cannot be loaded; choose a CLIP in the transformers format with "
            f"safetensors weights, such as {FAVORITE}"
        )
    return {name: sizes[name] for name in (*_SMALL_FILES, *sorted(weights)) if name in sizes}


def _reporting_bar(progress: Callable[[int, int], None], total_bytes: int) -> type[tqdm]:
    """A progress bar for ``snapshot_download`` that draws nothing and passes on the count of bytes."""
    lock = threading.Lock()
    done_bytes = 0

    class ReportingBar(tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            # Of the bars that it makes, this one counts bytes that have arrived on the disk.
            self._counts = kwargs.get("name") == "huggingface_hub.snapshot_download"
            super().__init__(*args, **(kwargs | {"disable": True}))  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> bool | None:
            nonlocal done_bytes
            if self._counts:
                with lock:
                    done_bytes += int(n or 0)
                    progress(min(done_bytes, total_bytes), total_bytes)
            return None

    return ReportingBar


@contextmanager
def _translated(repo_id: str) -> Iterator[None]:
    try:
        yield
    except (HTTPError, HFValidationError, OSError) as exc:
        raise BackboneError(explain(exc, repo_id)) from exc


def explain(exc: BaseException, repo_id: str) -> str:
    """What a fault of the Hub or on the way to it means for the user: what, why, and what to do next."""
    if isinstance(exc, LocalEntryNotFoundError) and exc.__cause__ is not None:
        # Raised when something else went wrong first, and then nothing was found in the cache either.
        return explain(exc.__cause__, repo_id)
    if isinstance(exc, HFValidationError):
        return f"'{repo_id}' is not the name of a repository; it should look like {FAVORITE}"
    if isinstance(exc, GatedRepoError):
        return (
            f"'{repo_id}' is open only to people who accepted its conditions; accept them at "
            f"https://huggingface.co/{repo_id}, then log in with: hf auth login"
        )
    if isinstance(exc, RepositoryNotFoundError):
        return (
            f"there is no '{repo_id}' on the Hub, or it is private; check the name, "
            "or log in with an account that may see it: hf auth login"
        )
    if isinstance(exc, OfflineModeIsEnabled):
        return f"'{repo_id}' cannot be fetched because HF_HUB_OFFLINE is set; unset it, or choose a cached backbone"
    if isinstance(exc, HfHubHTTPError):
        return f"the Hub answered {exc.response.status_code} when asked for '{repo_id}'; try again in a few minutes"
    if isinstance(exc, HTTPError | ConnectionError | TimeoutError):
        return (
            f"the Hub cannot be reached for '{repo_id}' ({type(exc).__name__}); check the network, "
            "or choose a cached backbone"
        )
    return f"'{repo_id}' could not be stored in the local cache ({exc}); free some disk space, or set HF_HOME elsewhere"
