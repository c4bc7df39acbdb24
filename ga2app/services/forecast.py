"""From a workload and the speed of this machine to seconds and bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from ga2app.services.calibration import FRAMES, ClipSpeed, Speed
from ga2app.types import Basis, Estimate, PastPace, Workload

_ENCODED_AT_ONCE = 256
"""Frames in the frozen tower at once; see ``ga2app.method.prompted_model``."""

_CLIPS_AT_ONCE = 16
_CACHE_BYTES = 512 << 20
_ENDING_S = 1.0
_PIXEL_S = 2e-5
"""A frame of a clip that is in memory, made into pixels, at least."""

_READ_AHEAD = 3
"""Batches of pixels that are there at once: two being read, one in the towers."""


def forecast(
    work: Workload, speed: Speed, clips: ClipSpeed, past: Sequence[PastPace], free_bytes: int | None
) -> Estimate:
    """The estimate; it rests on ``past`` runs where there are any, scaled to this one's work."""
    factor, runs = 1.0, []
    for pace in past:
        expected = step_seconds(pace.workload, speed)
        if expected > 0:
            runs.append((pace.run_id, pace.seconds_per_step / expected))
    if runs:
        factor = median(ratio for _, ratio in runs)
    look = _clip_look(work, speed, frozen=True) * factor
    gpu = speed.device_bytes > 0
    return Estimate(
        basis=Basis.RUNS if runs else Basis.MEASURED,
        preparing_s=speed.load_s + work.plain_clips * (_first(work, clips) + look),
        training_s=work.steps * step_seconds(work, speed) * factor + _reading(work, clips),
        measuring_s=work.measured_clips * (_again(work, clips) + _clip_look(work, speed, frozen=False) * factor)
        + work.epochs * speed.token_fixed_s
        + _ENDING_S,
        peak_bytes=peak_bytes(work, speed, clips),
        free_bytes=speed.device_bytes if gpu else free_bytes,
        on_gpu=gpu,
        photographic=clips.photographic,
        runs=tuple(run_id for run_id, _ in runs),
    )


def step_seconds(work: Workload, speed: Speed) -> float:
    """Seconds of the towers in one optimizer step, without reading clips."""
    steps_an_epoch = max(work.steps / max(work.epochs, 1), 1e-9)
    seconds = 0.0
    if work.text:
        seconds += speed.token_fixed_s + work.texts * (work.prompt_length + speed.name_tokens) * speed.token_s
    if work.visual:
        clips = work.shots / steps_an_epoch
        early = max(clips - work.batch, 0.0)  # pass the tower twice, once without a graph
        frames = (clips + work.anchors_a_step) * work.frames
        passes = max(clips / work.batch, 1.0) + (work.anchors_a_step > 0)
        seconds += frames * speed.learn_s + passes * speed.learn_fixed_s + early * work.frames * speed.frame_s
        seconds += work.anchors_a_step * work.frames * _PIXEL_S
    return seconds


def peak_bytes(work: Workload, speed: Speed, clips: ClipSpeed) -> int:
    """Bytes that the run needs where memory is short: of the GPU if there is one, of the machine otherwise."""
    pixel_bytes = 3 * speed.image_px**2 * 4
    graph = work.texts * (work.prompt_length + speed.name_tokens) * speed.token_bytes if work.text else 0
    looked_at = min(_ENCODED_AT_ONCE, _CLIPS_AT_ONCE * work.frames)
    passing = looked_at * speed.frame_bytes // 4  # of one layer at a time, and not of all
    if work.visual:
        graph += (work.batch + work.anchors_a_step) * work.frames * speed.frame_bytes
    moving = max(graph, passing)
    pixels = max(_READ_AHEAD * work.batch if work.visual else 0, _CLIPS_AT_ONCE) * work.frames * pixel_bytes
    if speed.device_bytes:
        return speed.base_bytes // 2 + moving + pixels
    return speed.base_bytes + moving + pixels + min(_CACHE_BYTES, work.all_clips * clips.kept_bytes)


def _clip_look(work: Workload, speed: Speed, *, frozen: bool) -> float:
    """Seconds for one clip in the tower, together with others; twice where frozen features are mixed in."""
    once = work.frames * speed.frame_s + speed.frame_fixed_s / _CLIPS_AT_ONCE
    return once * (2 if work.residual and not frozen else 1)


def _reading(work: Workload, clips: ClipSpeed) -> float:
    """Seconds of reading in all epochs; the next batch is read while this one is computed, on the same cores."""
    return work.epochs * work.shots * _again(work, clips) if work.visual else 0.0


def _first(work: Workload, clips: ClipSpeed) -> float:
    return clips.first_s * math.sqrt(max(1.0, work.frames / FRAMES))


def _again(work: Workload, clips: ClipSpeed) -> float:
    return clips.again_s * math.sqrt(max(1.0, work.frames / FRAMES))
