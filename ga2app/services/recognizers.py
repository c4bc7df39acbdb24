"""What recognizes clips: the models of this process, or of one that a GPU is lent to, as ZeroGPU hardware does it."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from ga2app.config import Precision
from ga2app.errors import StudioError
from ga2app.services.quotas import read_descriptions
from ga2app.types import Recognition, RecognitionRequest, Sliding, TimedLabels

if TYPE_CHECKING:
    from ga2app.inference import ModelCache
    from ga2app.inference.live_clip import LiveClip

Lend: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]
"""Makes of a function one that has a GPU while it runs, in a process forked for it; ``spaces.GPU`` with a duration.

Arguments and answers are pickled on their way. It raises where no GPU is available.
"""

WARM_WITHIN_S = 120.0
ROUNDED = "computed in bfloat16, which is faster on this machine and changes an answer in some hundreds"

_log = logging.getLogger(__name__)


class OwnRecognizer:
    """Recognizes in this process. Torch is imported at the first use: the page answers while that is being loaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._models: ModelCache | None = None

    def recognize(self, request: RecognitionRequest) -> Recognition:
        """Answer for each clip; one that cannot be read has its error set. Raises StudioError otherwise.

        The request has been resolved: its bundles are folders, its labels a list.
        """
        loaded = self.models.recognizer(request.backbone or "", request.bundles or ())
        found = loaded.recognize(
            request.files,
            list(request.labels),
            template=request.templates,
            top_k=request.top_k,
            none_of_these=request.none_of_these,
            descriptions=read_descriptions(request),
        )
        rounded = loaded.backbone.compute.precision is Precision.BFLOAT16
        return replace(found, notes=(*found.notes, ROUNDED)) if rounded else found

    def live(self, request: RecognitionRequest, before: LiveClip | None = None) -> LiveClip:
        """A clip that goes on, with the labels of ``request``, in this process. Raises StudioError.

        It is the one from ``before``, unless a bundle has changed or its models have had to make room.
        """
        from ga2app.inference import LiveClip

        loaded = self.models.recognizer(request.backbone or "", request.bundles or ())
        if before is not None and before.recognizer is loaded:
            return before
        asked: Any = {"template": request.templates, "none_of_these": request.none_of_these}
        asked["descriptions"] = read_descriptions(request)
        return LiveClip(loaded, list(request.labels), top_k=request.top_k, **asked)

    def over_time(
        self, request: RecognitionRequest, sliding: Sliding, most_frames: int
    ) -> Generator[float, None, TimedLabels]:
        """Label the one video of a request that has been resolved over time, in this process; yields the share that is
        done. Raises StudioError."""
        from ga2app.inference.sliding_windows import sweep

        loaded = self.models.recognizer(request.backbone or "", request.bundles or ())
        asked = request.templates, request.none_of_these, read_descriptions(request), most_frames
        found = yield from sweep(loaded, request.files[0], list(request.labels), sliding, *asked)
        rounded = loaded.backbone.compute.precision is Precision.BFLOAT16
        return replace(found, notes=(*found.notes, ROUNDED)) if rounded else found

    def warm(self, backbone: str) -> None:
        """Load what the first request would have to wait for."""
        self.models.warm(backbone)

    @property
    def models(self) -> ModelCache:
        """What is loaded; explanations use it, too."""
        with self._lock:
            if self._models is None:
                from ga2app.inference import ModelCache

                self._models = ModelCache()
            return self._models


class ZeroGpuRecognizer(OwnRecognizer):
    """Recognizes with a lent GPU, and on the CPU of its own process where there is none; ``models`` are of the latter.

    The process must not be forked while it is still loading: what another thread holds then stays held in the copy.
    """

    def __init__(self, lend: Lend) -> None:
        super().__init__()
        self.ready = threading.Event()
        self._of_process: tuple[int, OwnRecognizer] | None = None
        self._on_gpu = lend(self._recognize_on_gpu)

    def recognize(self, request: RecognitionRequest) -> Recognition:
        """As ``OwnRecognizer.recognize`` does, with a note where the CPU had to answer."""
        self.ready.wait(WARM_WITHIN_S)
        try:
            answer = self._on_gpu(request)
        except Exception as exc:  # whatever the Hub's package raises: an answer comes all the same
            _log.warning("no GPU for this recognition (%s: %s)", type(exc).__name__, exc)
            found = super().recognize(request)
            note = f"the CPU answered, because no GPU was available: {said_by(exc)}"
            return replace(found, notes=(*found.notes, note))
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

    def _recognize_on_gpu(self, request: RecognitionRequest) -> Recognition | StudioError:
        """What runs while the GPU is lent. A StudioError is an answer: of what is raised only the name comes back."""
        from ga2app.clip.compute import lent

        with lent():
            try:
                return self._here.recognize(request)
            except StudioError as exc:
                return portable(exc)

    @property
    def _here(self) -> OwnRecognizer:
        """The recognizer of this process: one that was loaded before the fork knows no GPU."""
        if self._of_process is None or self._of_process[0] != os.getpid():
            self._of_process = os.getpid(), OwnRecognizer()
        return self._of_process[1]


def portable(exc: StudioError) -> StudioError:
    """``exc`` as it survives pickling: itself, or its text."""
    try:
        copy = pickle.loads(pickle.dumps(exc))  # nosec B301
    except Exception:
        return StudioError(str(exc))
    return exc if isinstance(copy, StudioError) and str(copy) == str(exc) else StudioError(str(exc))


def said_by(exc: Exception) -> str:
    """What the Hub's package says, without a full stop; Gradio's errors show their text quoted."""
    return str(getattr(exc, "message", exc)).strip().rstrip(".")[:200]
