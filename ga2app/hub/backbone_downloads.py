"""The CLIP backbones on this machine, the default first, and one download at a time, which somebody has asked for."""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from huggingface_hub.constants import HF_HUB_CACHE

from ga2app.clip.files import FAVORITE, ClipFolder, cached_clips, download, download_size, find_clip
from ga2app.config import SKETCH
from ga2app.errors import BackboneError, StoreError
from ga2app.paths import write_whole
from ga2app.types import BackboneChoice
from ga2app.untrusted import stored_json

TOY_BYTES = 20_000_000
"""Weights smaller than this are a toy made for tests. They can be chosen, but are nobody's default."""

_log = logging.getLogger(__name__)


def cached_backbones(cache: Path | None = None) -> list[BackboneChoice]:
    """The CLIPs that can be loaded from the local cache, the best default first.

    ``cache`` is the cache's folder if not the usual one. A cache that is absent or partly broken offers less, and
    raises nothing.
    """
    return [
        BackboneChoice(name, f"{name} ({clip.weight_bytes / 1e6:,.0f} MB, on this computer)")
        for name, clip in _best_first(cache)
    ]


def default_backbone(cache: Path | None = None) -> str:
    """What ``GA2_BACKBONE`` names, else a real CLIP from the local cache, else "sketch"."""
    named = os.environ.get("GA2_BACKBONE", "").strip()
    if named:
        return named
    return next((name for name, clip in _best_first(cache) if clip.weight_bytes >= TOY_BYTES), SKETCH)


def _best_first(cache: Path | None) -> list[tuple[str, ClipFolder]]:
    found = cached_clips(cache).items()
    return sorted(found, key=lambda item: (item[0] != FAVORITE, item[1].weight_bytes < TOY_BYTES, item[0]))


class DownloadState(StrEnum):
    """Where a download stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class DownloadStatus:
    """A download: which repository, bytes done and in all, and why it failed."""

    repo_id: str
    state: DownloadState
    done_bytes: int = 0
    total_bytes: int = 0
    error: str = ""


class Downloads:
    """Looks up what a backbone would take, and fetches it when told to. Threads may share it.

    ``size`` and ``fetch`` are ``hub.download_size`` and ``hub.download`` unless others are given.
    """

    def __init__(self, size: Callable[[str], int] = download_size, fetch: Callable[..., None] = download) -> None:
        self._size, self._fetch = size, fetch
        self._lock = threading.Lock()
        self._status: DownloadStatus | None = None
        self.finished = 0
        """How many downloads have ended well: the list of backbones is read anew when it grows."""

    @property
    def place(self) -> Path:
        """The folder that downloads go to."""
        return Path(HF_HUB_CACHE)

    def size(self, repo_id: str) -> int:
        """Bytes that ``start`` would fetch. Raises BackboneError: no such CLIP, or no way to the Hub."""
        return self._size(repo_id.strip())

    def status(self) -> DownloadStatus | None:
        """The download under way, or the last one; None before the first."""
        with self._lock:
            return self._status

    def start(self, repo_id: str) -> None:
        """Begin to fetch in the background. Raises BackboneError while another download is under way."""
        repo_id = repo_id.strip()
        with self._lock:
            if self._status and self._status.state is DownloadState.RUNNING:
                raise BackboneError(
                    f"'{self._status.repo_id}' is being fetched just now; wait for it, then fetch '{repo_id}'"
                )
            self._status = DownloadStatus(repo_id, DownloadState.RUNNING)
        threading.Thread(target=self._run, args=(repo_id,), daemon=True, name=f"download of {repo_id}").start()

    def _run(self, repo_id: str) -> None:
        try:
            self._fetch(repo_id, self._progress)
        except BackboneError as exc:
            self._end(DownloadState.FAILED, str(exc))
        except Exception as exc:
            _log.exception("the download of %s failed", repo_id)
            self._end(DownloadState.FAILED, f"'{repo_id}' could not be fetched ({exc}); try again")
        else:
            self._end(DownloadState.DONE)

    def _progress(self, done_bytes: int, total_bytes: int) -> None:
        with self._lock:
            if self._status:
                self._status = replace(self._status, done_bytes=done_bytes, total_bytes=total_bytes)

    def _end(self, state: DownloadState, error: str = "") -> None:
        with self._lock:
            if self._status:
                self._status = replace(self._status, state=state, error=error)
            self.finished += state is DownloadState.DONE


_LOOK_S = 30.0
_MOST_FOLDERS = 20


class Backbones:
    """What can be used without a download, the default first. Looks into the cache's folders now and then only.

    It looks at once when ``changes`` gives another number than before. ``file`` keeps the folders that people have
    typed, the last one first; without it none are kept.
    """

    def __init__(self, changes: Callable[[], int] = lambda: 0, file: Path | None = None) -> None:
        self._changes, self._seen = changes, 0
        self._file = file
        self._lock = threading.Lock()
        self._looked_s = -math.inf
        self._choices: list[BackboneChoice] = []

    def __call__(self) -> list[BackboneChoice]:
        with self._lock:
            changes = self._changes()
            if changes != self._seen or time.monotonic() - self._looked_s > _LOOK_S:
                self._seen = changes
                self._choices = self._look()
                self._looked_s = time.monotonic()
            return self._choices

    def remember(self, folder: str) -> None:
        """Keep ``folder`` in the list from now on, as far as the disk allows."""
        if self._file is None:
            return
        with self._lock:
            folders = [folder, *(other for other in self._folders() if other != folder)][:_MOST_FOLDERS]
            try:
                write_whole(self._file, json.dumps(folders, indent=1))
            except StoreError as exc:
                _log.warning("the folder of a backbone is not remembered: %s", exc)
            self._looked_s = -math.inf

    def _look(self) -> list[BackboneChoice]:
        found = [*cached_backbones(), BackboneChoice(SKETCH, "sketch (embedded, knows drawings only)")]
        found += [BackboneChoice(folder, _title(folder)) for folder in self._folders() if _is_clip(folder)]
        default = default_backbone()
        if default not in {choice.name for choice in found}:
            found.append(BackboneChoice(default, f"{default} (named by GA2_BACKBONE)"))
        return sorted(found, key=lambda choice: choice.name != default)

    def _folders(self) -> list[str]:
        try:
            data = stored_json(self._file.read_bytes()) if self._file else []
        except FileNotFoundError:
            return []
        except (OSError, ValueError) as exc:
            _log.warning("the folders of backbones in '%s' cannot be read (%s)", self._file, exc)
            return []
        return [folder for folder in data if isinstance(folder, str)] if isinstance(data, list) else []


def _title(folder: str) -> str:
    return f"{Path(folder).name} (folder {folder})"


def _is_clip(folder: str) -> bool:
    """A folder that is gone, or whose disk is not there just now, is not offered; it stays in mind."""
    try:
        find_clip(folder)
    except BackboneError:
        return False
    return True
