"""The door to recognition where a GPU is lent for one call at a time, as ZeroGPU hardware does it."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ga2app.errors import StudioError
from ga2app.services.lazy_recognizer import LazyRecognizer
from ga2app.types import NoneOfThese, Recognition

if TYPE_CHECKING:
    from ga2app.inference import StudioRecognizer

Lend: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Makes of a function one that has a GPU while it runs, in a process forked for it; ``spaces.GPU`` with a duration.

Arguments and answers are pickled on their way. It raises where no GPU is to be had.
"""

WARM_WITHIN_S = 120.0

_log = logging.getLogger(__name__)


class LentRecognizer(LazyRecognizer):
    """Recognizes with a lent GPU, and on the CPU of its own process where there is none; other doors share the latter.

    The process must not be forked while it is still loading: what another thread holds then stays held in the copy.
    """

    def __init__(self, lend: Lend) -> None:
        super().__init__()
        self.ready = threading.Event()
        self._of_process: tuple[int, StudioRecognizer] | None = None
        self._on_gpu = lend(self._recognize_on_gpu)

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
        asked = {"backbone": backbone, "bundle": bundle, "template": template, "top_k": top_k}
        settings: dict[str, Any] = asked | {"none_of_these": none_of_these}
        self.ready.wait(WARM_WITHIN_S)
        try:
            answer = self._on_gpu([*paths], [*labels], settings)
        except Exception as exc:  # whatever the Hub's package raises: an answer comes all the same
            _log.warning("no GPU for this recognition (%s: %s)", type(exc).__name__, exc)
            found = super().recognize(paths, labels, **settings)
            return replace(
                found, notes=(*found.notes, f"the CPU answered, because no GPU was to be had: {said_by(exc)}")
            )
        if isinstance(answer, StudioError):
            raise answer
        recognized: Recognition = answer
        return recognized

    def warm(self, backbone: str) -> None:
        """Load on the CPU what the forked processes start from, and what they must not begin to import."""
        try:
            super().warm(backbone)
            import ga2app.training  # noqa: F401
        finally:
            self.ready.set()

    def _recognize_on_gpu(
        self, paths: Sequence[str], labels: Sequence[str], settings: dict[str, Any]
    ) -> Recognition | StudioError:
        """What runs while the GPU is lent. A StudioError is an answer: of what is raised only the name comes back."""
        from ga2app.clip.compute import lent

        with lent():
            try:
                return self._here.recognize(paths, labels, **settings)
            except StudioError as exc:
                return portable(exc)

    @property
    def _here(self) -> StudioRecognizer:
        """The recognizer of this process: one that was loaded before the fork knows no GPU."""
        if self._of_process is None or self._of_process[0] != os.getpid():
            from ga2app.inference import StudioRecognizer

            self._of_process = os.getpid(), StudioRecognizer()
        return self._of_process[1]


def portable(exc: StudioError) -> StudioError:
    """``exc`` as it survives pickling: itself, or its text."""
    try:
        copy = pickle.loads(pickle.dumps(exc))
    except Exception:
        return StudioError(str(exc))
    return exc if isinstance(copy, StudioError) and str(copy) == str(exc) else StudioError(str(exc))


def said_by(exc: Exception) -> str:
    """What the Hub's package says, without a full stop; Gradio's errors show their text quoted."""
    return str(getattr(exc, "message", exc)).strip().rstrip(".")[:200]
