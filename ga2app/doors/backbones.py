"""The door to the backbones on this machine."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from ga2app import hub
from ga2app.config import SKETCH
from ga2app.contracts import BackboneChoice

_LOOK_S = 30.0


class Backbones:
    """What can be used without a download, the default first. Looks into the cache's folders now and then only.

    It looks at once when ``changes`` gives another number than before.
    """

    def __init__(self, changes: Callable[[], int] = lambda: 0) -> None:
        self._changes, self._seen = changes, 0
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

    def _look(self) -> list[BackboneChoice]:
        found = [*hub.cached_backbones(), BackboneChoice(SKETCH, "sketch (embedded, knows drawings only)")]
        default = hub.default_backbone()
        if default not in {choice.name for choice in found}:
            found.append(BackboneChoice(default, f"{default} (named by GA2_BACKBONE)"))
        return sorted(found, key=lambda choice: choice.name != default)
