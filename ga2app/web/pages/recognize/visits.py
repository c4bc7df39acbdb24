"""What somebody left on Recognize, kept for as long as the browser's tab is open: clips, labels, settings and answers.

A page that is opened again is a new session to Gradio, whose states begin anew. So each browser tab has a key of its
own, in its session storage (``visit_key.js``), and the server keeps under it what the page held: values and answers,
of which the pictures are files. Only memory: a restart forgets it.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ga2app.web.pages.recognize.recognize_state import Shown

MOST_VISITS, MOST_CLIPS = 200, 4000
"""Of so many tabs it is known what they held, and of those used last the answers about so many clips."""

_KEY = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, eq=False)
class Left:
    """What the page held: the controls' values by name, and the answer."""

    values: dict[str, Any] = field(default_factory=dict)
    shown: Shown = field(default_factory=Shown)

    @property
    def clips(self) -> int:
        """How many clips were answered for."""
        return len(self.shown.results.clips) if self.shown.results else 0


class Visits:
    """What was left in the browser's tabs that were used last."""

    def __init__(self, most: int = MOST_VISITS, most_clips: int = MOST_CLIPS) -> None:
        self._most, self._most_clips = most, most_clips
        self._left: OrderedDict[str, Left] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, key: str, values: Mapping[str, Any], shown: Shown) -> None:
        """Remember what the tab with ``key`` holds; nothing without a key."""
        if not _KEY.fullmatch(key or ""):
            return
        with self._lock:
            self._left[key] = Left(dict(values), shown)
            self._left.move_to_end(key)
            while len(self._left) > self._most:
                self._left.popitem(last=False)
            clips = 0
            for one in reversed(self._left):
                clips += self._left[one].clips
                if clips > self._most_clips:
                    self._left[one] = replace(self._left[one], shown=Shown())

    def recall(self, key: str) -> Left:
        """What the tab with ``key`` held; nothing for one that is not known."""
        with self._lock:
            return self._left.get(key or "", Left())
