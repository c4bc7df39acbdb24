"""The door to the backbones on this machine."""

from __future__ import annotations

import math
import threading
import time

from ga2app import hub
from ga2app.config import SKETCH
from ga2app.contracts import BackboneChoice

_LOOK_S = 30.0


class Backbones:
    """What can be used without a download, the default first. Looks into the cache's folders now and then only."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_s = -math.inf
        self._choices: list[BackboneChoice] = []

    def __call__(self) -> list[BackboneChoice]:
        with self._lock:
            if time.monotonic() - self._looked_s > _LOOK_S:
                self._choices = self._look()
                self._looked_s = time.monotonic()
            return self._choices

    def _look(self) -> list[BackboneChoice]:
        found = [*hub.cached_backbones(), BackboneChoice(SKETCH, "sketch (embedded, knows drawings only)")]
        default = hub.default_backbone()
        if default not in {choice.name for choice in found}:
            found.append(BackboneChoice(default, f"{default} (named by GA2_BACKBONE)"))
        return sorted(found, key=lambda choice: choice.name != default)
