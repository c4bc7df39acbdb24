"""CLIP backbones on the Hugging Face Hub: how large they are, and fetching them. Only ``download`` ever downloads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils.tqdm import tqdm

from ga2app.clip.files.clip_folder import (
    CONFIG,
    PICKLED,
    PICKLED_INDEX,
    WEIGHTS,
    WEIGHTS_INDEX,
)
from ga2app.clip.files.clip_types import FAVORITE, check_kind
from ga2app.clip.files.open_clip_config import OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS
from ga2app.errors import BackboneError

# The base class of all errors of whichever HTTP library huggingface_hub uses.
HTTPError = cast(type[Exception], HfHubHTTPError.__bases__[0])

_SMALL_FILES = (
    CONFIG,
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "spiece.model",
)


def download_size(repo_id: str, *, endpoint: str | None = None) -> int:
    """Bytes that ``download`` would fetch into an empty cache. Raises BackboneError."""
    return sum(_remote_files(repo_id, endpoint).values())


def download(
    repo_id: str,
    progress: Callable[[int, int], None] = lambda done_bytes, total_bytes: None,
    *,
    endpoint: str | None = None,
    cache: Path | None = None,
    revision: str | None = None,
) -> None:
    """Fetch a CLIP into the local cache: configuration, tokenizer and safetensors weights, nothing else.

    ``progress`` hears of bytes done and in all, from several threads, one call at a time. What an interrupted
    download has fetched is used by the next. Raises BackboneError.
    """
    files = _remote_files(repo_id, endpoint, revision)
    bar = _reporting_bar(progress, sum(files.values()))
    with _translated(repo_id):
        snapshot_download(
            repo_id,
            revision=revision,
            allow_patterns=list(files),
            tqdm_class=bar,
            endpoint=endpoint,
            cache_dir=cache,
        )


def _remote_files(repo_id: str, endpoint: str | None, revision: str | None = None) -> dict[str, int]:
    """Name and size in bytes of each file that a CLIP on the Hub needs."""
    with _translated(repo_id):
        info = HfApi(endpoint=endpoint).model_info(repo_id, revision=revision, files_metadata=True)
    kind = (info.config or {}).get("model_type")
    if kind is not None:
        check_kind(kind, f"'{repo_id}'")
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or []}
    shards = {name for name in sizes if name.startswith("model-") and name.endswith(".safetensors")}
    weights = {WEIGHTS} & sizes.keys() or (shards | {WEIGHTS_INDEX} if WEIGHTS_INDEX in sizes else set())
    if {PICKLED, PICKLED_INDEX} & sizes.keys() and not weights | ({OPEN_CLIP_WEIGHTS[0]} & sizes.keys()):
        raise BackboneError(
            f"'{repo_id}' has no {WEIGHTS}, so it cannot be loaded; choose a CLIP in the transformers format with "
            f"safetensors weights, such as {FAVORITE}, or trust its {PICKLED} and fetch it with: hf download {repo_id}"
        )
    open_clip = {OPEN_CLIP_CONFIG, OPEN_CLIP_WEIGHTS[0]}
    if not weights and open_clip <= sizes.keys():
        weights = open_clip
    elif CONFIG not in sizes or not weights:
        missing = CONFIG if CONFIG not in sizes else WEIGHTS
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
    if _login_refused(exc):
        return f"the Hub did not accept your login when asked for '{repo_id}'; log in again with: hf auth login"
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


def _login_refused(exc: BaseException) -> bool:
    """Whether a token was sent and is not valid, or not any more; a 401 alone may also hide a private repository."""
    if not isinstance(exc, HfHubHTTPError) or exc.response.status_code != 401:
        return False
    return not isinstance(exc, RepositoryNotFoundError) or "expired" in str(exc).lower()
