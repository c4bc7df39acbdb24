"""What the screens need of the torch side, as protocols. ``app.py`` passes the real ones in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ga2app.contracts.recognition import Recognition


class RecognizerService(Protocol):
    """What the screens need of the torch side. ``app.py`` passes the real one in."""

    def recognize(
        self,
        paths: Sequence[str],
        labels: Sequence[str],
        *,
        backbone: str,
        bundle: str | None = None,
        template: str | None = None,
        top_k: int = 5,
    ) -> Recognition:
        """Answer for each clip; one that cannot be read has its error set. Raises StudioError otherwise."""
        ...

    def warm(self, backbone: str) -> None:
        """Load what the first request would have to wait for."""
        ...
