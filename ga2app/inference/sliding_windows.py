"""Label a long video over time: its frames pass the tower once, and every window takes its own among them.

Notation: W windows, T frames a window, N frames of a piece, S side in pixels, C labels, D embedding width.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ga2app.config import SKETCH
from ga2app.errors import ConfigError, Fault, LimitError
from ga2app.inference.answer_notes import REAL_FOOTAGE, Asked, reading_notes
from ga2app.inference.classifiers import Classifier
from ga2app.types import NoneOfThese, Sliding, TimedLabels
from ga2app.video import ClipFrames, ClipReader, Evaluation, read_clip
from ga2app.video.domain_check import looks_photographic
from ga2app.video.pixels import frames_to_pixels
from ga2app.video.preprocessing import Preprocessing
from ga2app.video.windows import Windows

if TYPE_CHECKING:
    from ga2app.inference.recognizer import Recognizer

MOST_PROBABILITIES = 50_000_000
"""Windows times labels, 200 MB: two hours at a step of half a second with 3,400 labels."""


def sweep(
    recognizer: Recognizer,
    path: str | os.PathLike[str],
    labels: Sequence[str] | None,
    sliding: Sliding,
    template: str | Sequence[str] | None = None,
    none_of_these: NoneOfThese | None = None,
    descriptions: Mapping[str, str | Sequence[str]] | None = None,
    most_frames: int | None = None,
) -> Generator[float, None, TimedLabels]:
    """Yields which share of the video is done; gives what it shows over time.

    What is held of frames are the features of one window and one piece, so that memory does not grow with the video
    but by 4 bytes a window and label. Every visual prompt acts within its frame, so that a frame has one feature,
    whatever window looks at it. Raises ClipError, ConfigError, LabelError, and as soon as it can be told LimitError
    for more than ``most_frames``.
    """
    windows = Windows(sliding.window_s, sliding.step_s, recognizer.num_frames)
    file, asked = os.fspath(path), recognizer._asked(labels, template, none_of_these, descriptions)
    if len(recognizer.bundles) > 1:
        told = f"{len(recognizer.bundles)} bundles are loaded, and a video is labeled over time by one; take one"
        raise ConfigError([Fault("bundle", told)])
    how = recognizer.backbone.preprocessing
    work = _Sweep(recognizer, windows, asked)
    share = 0.0
    with ClipReader() as reader, closing(reader.sweep(file, windows, short_side_px=how.read_px)) as pieces:
        for piece in pieces:
            if piece.indices and piece.total_frames:
                share = min(0.999, piece.indices[-1] / piece.total_frames)
            _check_cost(work.frames + len(piece.frames), share, most_frames)
            work.take(piece)
            yield share
    if not work.starts_s:
        work.whole(file)
    yield 1.0
    notes = [*asked.notes, *reading_notes({file: piece.notes})]
    if recognizer.backbone.name == SKETCH and work.photographic:
        notes.append(f"this {REAL_FOOTAGE}")
    begin, lasts_s = piece.first_s, piece.seconds or 0.0
    starts = np.concatenate(work.starts_s) + begin
    none = np.concatenate(work.none) if work.none else None
    window_s = windows.window_s if len(starts) > 1 else min(windows.window_s, lasts_s)
    found = TimedLabels(file, recognizer.backbone.name, recognizer.bundles[0].folder if recognizer.bundles else None,
                        tuple(asked.names), begin, begin + lasts_s, window_s, windows.step_s, starts,
                        np.concatenate(work.probabilities), none, notes=tuple(notes))  # fmt: skip
    return found.with_rules(sliding.rules)


def _check_cost(frames: int, share: float, most: int | None) -> None:
    """Raises LimitError where so many ``frames`` of the first ``share`` of a video make more than ``most`` of all."""
    in_all = max(frames, round(frames / share)) if share > 0.001 else frames
    if most is not None and in_all > most:
        raise LimitError(
            f"this video has about {in_all:,} frames to look at, and {most:,} are the most at a time",
            hint="take a longer window or step, or a stretch of the video",
        )


def swept(shares: Generator[float, None, TimedLabels], progress: Callable[[float], object] | None) -> TimedLabels:
    """What ``sweep`` gives at its end; ``progress`` is told the shares on the way."""
    with closing(shares):
        while True:
            try:
                share = next(shares)
            except StopIteration as done:
                found: TimedLabels = done.value
                return found
            if progress:
                progress(share)


class _Sweep:
    """Frame features of what later windows look at, and what came of the windows so far."""

    def __init__(self, recognizer: Recognizer, windows: Windows, asked: Asked) -> None:
        self._recognizer, self._windows, self._asked = recognizer, windows, asked
        self._classifier: Classifier | None = None
        self._features: Tensor | None = None  # (N, D)
        self._times_s: list[float] = []
        self._done = 0
        self.frames = 0
        self.photographic = False
        self.starts_s: list[NDArray[np.float64]] = []
        self.probabilities: list[NDArray[np.float32]] = []
        self.none: list[NDArray[np.bool_]] = []

    def take(self, piece: ClipFrames) -> None:
        """Encode the frames of ``piece``, and answer the windows that end with it."""
        self.frames += len(piece.frames)
        if len(piece.frames):
            self.photographic |= not self._times_s and looks_photographic(piece.frames[:8])
            features = self._encoded(piece)
            self._features = features if self._features is None else torch.cat([self._features, features])
            self._times_s += piece.times_s
        if self._times_s:
            self._answer(self._times_s[-1] if piece.seconds is None else piece.seconds)

    def whole(self, path: str) -> None:
        """One window over a video that is shorter than one: what recognition answers for it."""
        clip = read_clip(path, Evaluation(self._windows.num_frames), short_side_px=self._how.read_px)
        self._keep(np.zeros(1), self._encoded(clip)[None])

    @property
    def _how(self) -> Preprocessing:
        return self._recognizer.backbone.preprocessing

    def _encoded(self, clip: ClipFrames) -> Tensor:
        """Frame features (N, D) as the classifier looks at them."""
        pixels = frames_to_pixels(clip.frames, self._how)  # (N, 3, S, S)
        with self._recognizer.turns.turn(), torch.no_grad():
            if self._classifier is None:
                self._classifier = self._recognizer._classifiers(self._asked)[-1]
            return self._classifier.model.encode_frames(pixels[None])[0]

    def _answer(self, until_s: float) -> None:
        """Answer the windows that end at ``until_s`` at the latest, and forget what no later one looks at."""
        windows = self._windows
        starts = windows.starts_s(until_s)[self._done :]
        if not len(starts):
            return
        assert self._features is not None
        places = torch.from_numpy(windows.frames(starts, self._times_s)).to(self._features.device)
        self._keep(starts, self._features[places])  # (W, T, D)
        self._done += len(starts)
        keep = max(0, int(np.searchsorted(self._times_s, self._done * windows.step_s, side="right")) - 1)
        self._features, self._times_s = self._features[keep:].clone(), self._times_s[keep:]

    def _keep(self, starts: NDArray[np.float64], windows: Tensor) -> None:
        assert self._classifier is not None
        with self._recognizer.turns.turn(), torch.no_grad():
            found, none = self._classifier.over_time(windows)
        most = MOST_PROBABILITIES // found.shape[1]
        if self._done + len(starts) > most:
            told = f"this asks for more than {most:,} windows of {found.shape[1]:,} labels"
            raise LimitError(told, hint="take a longer step, fewer labels, or a stretch of the video")
        self.starts_s.append(starts)
        self.probabilities.append(found.float().cpu().numpy())
        if none is not None:
            self.none.append(none.cpu().numpy())
