"""What a run has to compute, in numbers, and how long that is expected to take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Workload:
    """What a run has to compute.

    ``clips`` are a few of its clips, to be read as a sample. ``batch`` clips of ``frames`` frames each pass the towers
    at once. ``shots`` training clips are seen in each of ``epochs``, in ``steps`` optimizer steps altogether; each step
    sees ``anchors_a_step`` anchor clips and ``texts`` texts. ``plain_clips`` pass the frozen vision tower once,
    ``measured_clips`` the learned one in all evaluations together. Without ``visual`` prompts no clip passes a
    tower in a step. ``text`` says whether the text tower learns, ``residual`` whether frozen features are mixed in.
    """

    backbone: str
    device: str
    precision: str
    clips: tuple[str, ...]
    frames: int
    batch: int
    shots: int
    epochs: int
    steps: int
    visual: bool
    text: bool
    residual: bool
    prompt_length: int
    anchors_a_step: int
    texts: int
    plain_clips: int
    measured_clips: int
    all_clips: int


@dataclass(frozen=True)
class PastPace:
    """What an earlier run on the same backbone really took: seconds of a step (median) of what it had to compute."""

    run_id: int
    workload: Workload
    seconds_per_step: float


class Basis(StrEnum):
    """What an estimate rests on. ``measuring``: the machine's speed is being measured, ask again in a few seconds."""

    RUNS = "runs"
    MEASURED = "measured"
    MEASURING = "measuring"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Estimate:
    """An estimate, no promise. Seconds and bytes are None while the basis is ``measuring`` or ``unknown``.

    ``runs`` are the earlier runs that it rests on; ``peak_bytes`` is what the run needs where it is short, and
    ``free_bytes`` what is free there now: memory of the machine or of its GPU. ``photographic`` says that the clips
    look like footage; ``note`` why there is no estimate.
    """

    basis: Basis
    preparing_s: float | None = None
    training_s: float | None = None
    measuring_s: float | None = None
    peak_bytes: int | None = None
    free_bytes: int | None = None
    on_gpu: bool = False
    photographic: bool = False
    runs: tuple[int, ...] = ()
    note: str = ""

    @property
    def total_s(self) -> float | None:
        """Everything together."""
        parts = (self.preparing_s, self.training_s, self.measuring_s)
        return None if any(part is None for part in parts) else sum(part for part in parts if part is not None)
