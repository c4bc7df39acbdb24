"""How long a run will take and what memory it needs: from past runs, a short calibration, the shapes of the towers."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median

from ga2app.clip.files import find_clip
from ga2app.config import RunConfig
from ga2app.config.effective_config import steps_of, training_clips, whitening_anchors
from ga2app.errors import BackboneError, StoreError
from ga2app.paths import PROJECT, write_whole
from ga2app.services.calibration import FRAMES
from ga2app.services.prompt_fit import Towers, towers_of
from ga2app.types import Dataset, Subset
from ga2app.untrusted import stored_json

CALIBRATE = (sys.executable, "-m", "ga2app.services.calibration")
_TIME_LIMIT_S = 300.0
_WIDE_VOCABULARY = 48  # attributes and the hard prompt's labels, about; see ``ga2app.method.prompts``
_LAYER_BYTES, _HALF_LAYER_BYTES, _ENDS_BYTES, _INPUT_BYTES, _LABEL_TOKENS = 72, 56, 30, 4, 6
"""For each number of a tower's width, and each token, what going back takes: of a layer in float32 and in half of it,
of what is before the first layer and in the last, and of a layer that is recomputed. Then the tokens of a label, its
end included. Peaks of a process, measured: what a layer saves, and room for gradients and products beside it."""
RECOMPUTED_AT_ONCE = 8
"""As in ``ga2app.clip.prompt_layers``, which needs torch; a test compares them."""
_ENCODED_AT_ONCE, _CLIPS_AT_ONCE, _CACHE_BYTES, _ENDING_S = 256, 16, 512 << 20, 1.0
_OF_TOWERS = 7  # fields of ``Speed``, the first ones, that are the same with other clips

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Speed:
    """Seconds that a backbone takes on a device: to be loaded, for a frame or a text, without and with learning.

    ``base_bytes`` is what the process takes with the backbone loaded, ``device_bytes`` the memory of the GPU. Then what
    reading a clip takes: the first time, again, and the bytes that are kept of it between. ``photographic``: footage.
    """

    load_s: float
    base_bytes: int
    frame_s: float
    learned_frame_s: float
    learned_text_s: float
    image_px: int
    device_bytes: int = 0
    first_s: float = 0.02  # of a data set that has no clips yet: the demo while it is being drawn
    again_s: float = 0.005
    kept_bytes: int = 0
    photographic: bool = False


@dataclass(frozen=True)
class Workload:
    """What a run has to compute; ``clips`` are a few of its own, to be read as a sample.

    ``batch`` clips of ``frames`` frames pass the towers at once. ``shots`` training clips are seen in each of
    ``epochs``, in ``steps`` optimizer steps altogether, with ``anchors_a_step`` anchor clips and ``texts`` texts each.
    ``plain_clips`` pass the frozen vision tower once, ``measured_clips`` the learned one in all evaluations together;
    without ``visual`` prompts no clip passes a tower in a step. ``text``: the text tower learns. ``residual``: frozen
    features are mixed in. ``recompute``: gradient checkpointing.
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
    recompute: bool = False


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

    ``runs`` are the earlier ones that it rests on; ``peak_bytes`` are needed and ``free_bytes`` free now, of the GPU or
    else the machine. ``photographic``: the clips look like footage. ``note`` says why there is no estimate.
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
        if self.preparing_s is None or self.training_s is None or self.measuring_s is None:
            return None
        return self.preparing_s + self.training_s + self.measuring_s


def workload_of(config: RunConfig, dataset: Dataset) -> Workload:
    """The numbers behind a run on ``dataset``, which has the anchors and negatives that the run will get."""
    objective, optimizer, prompts = config.losses, config.optimizer, config.prompts
    shots, tested = sum(training_clips(config, dataset).values()), sum(dataset.counts(Subset.TEST).values())
    visual = prompts.visual_depth > 0
    anchors = len(dataset.anchors) if objective.needs_anchor_clips() else 0
    scattered = len(whitening_anchors(config, dataset)) if config.whitening.enabled else 0
    looked_at = not visual or config.whitening.enabled or objective.needs_frozen_clips()
    whitened = shots + scattered if config.whitening.enabled else 0
    generic = len({*dataset.negatives, *(anchor.caption for anchor in dataset.anchors)})
    generic += _WIDE_VOCABULARY if objective.attributes else 0
    return Workload(
        backbone=config.backbone,
        device=config.device,
        precision=config.precision.value,
        clips=dataset.sample(),
        frames=config.clips.num_frames,
        batch=min(optimizer.batch_size, max(shots, 1)),
        shots=shots,
        epochs=optimizer.epochs,
        steps=steps_of(optimizer, shots).total,
        visual=visual,
        text=prompts.text_depth > 0,
        residual=prompts.zero_shot_ratio > 0,
        prompt_length=prompts.length,
        anchors_a_step=min(objective.anchors_drawn(), anchors) if visual else 0,
        texts=len(dataset.base) + (generic if objective.text_distillation else 0),
        plain_clips=(shots if looked_at else 0) + tested + max(anchors, scattered),
        measured_clips=math.ceil(optimizer.epochs / optimizer.evaluate_every) * (tested + whitened) if visual else 0,
        all_clips=shots + tested + max(anchors, scattered),
        recompute=optimizer.checkpointing,
    )


def step_seconds(work: Workload, speed: Speed) -> float:
    """Seconds of the towers in one optimizer step, without reading clips."""
    seconds = work.texts * speed.learned_text_s if work.text else 0.0
    if work.visual and work.steps:
        clips = work.shots * work.epochs / work.steps
        early = max(clips - work.batch, 0.0)  # pass the tower twice, once without a graph
        seconds += work.frames * ((clips + work.anchors_a_step) * speed.learned_frame_s + early * speed.frame_s)
    return seconds


def peak_bytes(work: Workload, speed: Speed, towers: Towers) -> int:
    """Bytes that the run needs where memory is short: of the GPU if there is one, of the machine otherwise."""
    layer = _HALF_LAYER_BYTES if work.precision in ("bfloat16", "float16") else _LAYER_BYTES
    frame = (towers.frame_tokens + (work.prompt_length if work.visual else 0)) * towers.visual_width
    moving = min(_ENCODED_AT_ONCE, _CLIPS_AT_ONCE * work.frames) * frame * layer  # one layer at a time, and not all
    graph = 0
    if work.text:  # start and context pass the tower once for all labels
        row = (1 + work.prompt_length + work.texts * _LABEL_TOKENS) * towers.text_width
        graph += row * (layer * (towers.text_layers - 1) + _ENDS_BYTES)
    if work.visual:
        kept = _INPUT_BYTES if work.recompute else layer
        frames = (work.batch + work.anchors_a_step) * work.frames
        graph += frames * frame * (kept * (towers.visual_layers - 1) + _ENDS_BYTES)
        graph += min(frames, RECOMPUTED_AT_ONCE) * frame * layer if work.recompute else 0
    read = max(3 * work.batch if work.visual else 0, _CLIPS_AT_ONCE)  # three batches: two being read, one in the towers
    needed = max(graph, moving) + read * work.frames * 3 * speed.image_px**2 * 4
    if speed.device_bytes:
        return speed.base_bytes // 2 + needed
    return speed.base_bytes + needed + min(_CACHE_BYTES, work.all_clips * speed.kept_bytes)


def forecast(
    work: Workload, speed: Speed, past: Sequence[PastPace], towers: Towers | None, free_bytes: int | None = None
) -> Estimate:
    """The estimate; it rests on ``past`` runs where there are any, scaled to this one's work."""
    paces = [(pace.run_id, pace.seconds_per_step, step_seconds(pace.workload, speed)) for pace in past]
    ratios = {run_id: seconds / expected for run_id, seconds, expected in paces if expected > 0}
    factor = median(ratios.values()) if ratios else 1.0
    look = work.frames * speed.frame_s * factor
    longer = math.sqrt(max(1.0, work.frames / FRAMES))  # reading more frames than were timed
    reading = work.epochs * work.shots * speed.again_s * longer if work.visual else 0.0
    measured = speed.again_s * longer + look * (2 if work.residual else 1)
    return Estimate(
        basis=Basis.RUNS if ratios else Basis.MEASURED,
        preparing_s=speed.load_s + work.plain_clips * (speed.first_s * longer + look),
        training_s=work.steps * step_seconds(work, speed) * factor + reading,
        measuring_s=work.measured_clips * measured + _ENDING_S,
        peak_bytes=peak_bytes(work, speed, towers) if towers else None,
        free_bytes=speed.device_bytes or free_bytes,
        on_gpu=speed.device_bytes > 0,
        photographic=speed.photographic,
        runs=tuple(ratios),
    )


class SpeedEstimator:
    """Says ahead how long a run will take; this machine is measured once for each backbone, in the background.

    What was measured is kept in ``file``. ``program`` is the command that measures. Threads may share it.
    """

    def __init__(self, file: Path, program: Sequence[str] = CALIBRATE) -> None:
        self._file, self._program = file, tuple(program)
        self._lock = threading.Lock()
        self._under_way: set[str] = set()
        self._failed: dict[str, str] = {}
        self._known: dict[str, Speed] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):  # absent, or of another version
            self._known = {key: Speed(**one) for key, one in stored_json(file.read_bytes()).items()}

    def estimate(self, work: Workload, past: Sequence[PastPace] = ()) -> Estimate:
        """The estimate, or that it is being made: then ask again in a few seconds. Never blocks."""
        try:
            find_clip(work.backbone)
        except BackboneError:
            return Estimate(Basis.UNKNOWN, note=f"unknown until '{work.backbone}' is on this machine")
        tower = "|".join((work.backbone, work.device, work.precision, ""))
        key = tower + "|".join(work.clips)
        with self._lock:
            if speed := self._known.get(key):
                return forecast(work, speed, past, towers_of(work.backbone), free_memory())
            if failed := self._failed.get(key):
                return Estimate(Basis.UNKNOWN, note=failed)
            # With other clips the towers are as fast as they were.
            known = next((one for name, one in self._known.items() if name.startswith(tower)), None)
            if key not in self._under_way:
                self._under_way.add(key)
                wanted = (key, work, known)
                threading.Thread(target=self._measure, args=wanted, daemon=True, name="measuring the speed").start()
        return Estimate(Basis.MEASURING, note="Reading a few of its clips to see how long that takes…" if known else "")

    def _measure(self, key: str, work: Workload, known: Speed | None) -> None:
        named = ("--backbone", work.backbone, "--device", work.device, "--precision", work.precision)
        command = [*self._program, *(("--image-px", str(known.image_px)) if known else named), "--", *work.clips]
        try:
            ended = subprocess.run(
                command, cwd=PROJECT, capture_output=True, text=True, timeout=_TIME_LIMIT_S, check=False
            )
            if ended.returncode:
                raise ValueError((ended.stderr.strip().splitlines() or ["no reason was given"])[-1])
            towers = [*asdict(known).items()][:_OF_TOWERS] if known else []
            speed = Speed(**dict(towers) | stored_json(ended.stdout.splitlines()[-1]))
        except (OSError, ValueError, TypeError, IndexError, subprocess.TimeoutExpired) as exc:
            _log.warning("the speed could not be measured: %s", exc)
            with self._lock:
                self._under_way.discard(key)
                self._failed[key] = str(exc)
            return
        with self._lock:
            self._under_way.discard(key)
            self._known[key] = speed
            try:
                write_whole(self._file, json.dumps(self._known, default=asdict, indent=1, sort_keys=True))
            except StoreError as exc:
                _log.warning("%s", exc)


def free_memory() -> int:
    """Bytes that a new process may take now: of the machine, or of the container that this one is in."""
    import psutil

    free = int(psutil.virtual_memory().available)
    with contextlib.suppress(OSError, ValueError):  # no such limit: there is no file, or "max" in it
        limit, used = (int(Path(f"/sys/fs/cgroup/memory.{name}").read_text()) for name in ("max", "current"))
        free = min(free, max(limit - used, 0))
    return free
