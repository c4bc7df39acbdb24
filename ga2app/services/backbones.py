"""The door to the backbones on this machine."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ga2app import hub
from ga2app.clip.files import find_clip
from ga2app.config import SKETCH
from ga2app.errors import BackboneError, StoreError
from ga2app.paths import write_whole
from ga2app.types import BackboneChoice

_LOOK_S = 30.0
_MOST_FOLDERS = 20

_log = logging.getLogger(__name__)


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
        found = [*hub.cached_backbones(), BackboneChoice(SKETCH, "sketch (embedded, knows drawings only)")]
        found += [BackboneChoice(folder, _title(folder)) for folder in self._folders() if _is_clip(folder)]
        default = hub.default_backbone()
        if default not in {choice.name for choice in found}:
            found.append(BackboneChoice(default, f"{default} (named by GA2_BACKBONE)"))
        return sorted(found, key=lambda choice: choice.name != default)

    def _folders(self) -> list[str]:
        try:
            data = json.loads(self._file.read_text(encoding="utf-8")) if self._file else []
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
