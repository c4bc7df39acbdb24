"""Whether somebody elsewhere is still at work, by what changes: the clocks of two machines need not agree."""

from __future__ import annotations

import time
from collections.abc import Collection


class Heartbeats:
    """The last heartbeat of each of several things, by number, and since when this process has seen no other."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, float]] = {}

    def keep(self, ids: Collection[int]) -> None:
        """Forget all but these."""
        self._seen = {number: seen for number, seen in list(self._seen.items()) if number in ids}

    def silent(self, number: int, beat_s: float, after_s: float) -> bool:
        """Note the heartbeat ``beat_s``, and tell whether it has been the last for more than ``after_s`` seconds."""
        now_s = time.monotonic()
        last_s, since_s = self._seen.get(number, (None, now_s))
        if last_s != beat_s:
            self._seen[number], since_s = (beat_s, now_s), now_s
        return now_s - since_s > after_s
