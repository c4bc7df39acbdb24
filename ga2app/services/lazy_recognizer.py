"""The door to recognition."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ga2app.types import NoneOfThese, Recognition

if TYPE_CHECKING:
    from ga2app.inference import StudioRecognizer


class LazyRecognizer:
    """The real recognizer, imported at its first use: the page answers while torch is still being loaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._real: StudioRecognizer | None = None

    def recognize(
        self,
        paths: Sequence[str],
        labels: Sequence[str],
        *,
        backbone: str,
        bundle: str | Sequence[str] | None = None,
        template: str | Sequence[str] | None = None,
        top_k: int = 5,
        none_of_these: NoneOfThese | None = None,
    ) -> Recognition:
        """See ``contracts.RecognizerService``."""
        return self.real.recognize(
            paths,
            labels,
            backbone=backbone,
            bundle=bundle,
            template=template,
            top_k=top_k,
            none_of_these=none_of_these,
        )

    def warm(self, backbone: str) -> None:
        """See ``contracts.RecognizerService``."""
        self.real.warm(backbone)

    @property
    def real(self) -> StudioRecognizer:
        """The real one; other doors share what it has loaded."""
        with self._lock:
            if self._real is None:
                from ga2app.inference import StudioRecognizer

                self._real = StudioRecognizer()
            return self._real
