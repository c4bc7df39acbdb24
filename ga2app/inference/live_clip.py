"""A clip that goes on, as a camera's does: the frames seen last are recognized, and each passes the vision tower once.

Notation: T frames, H × W their size, D embedding width.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ga2app.config import SKETCH
from ga2app.inference.answer_notes import REAL_FOOTAGE, check_top_k
from ga2app.inference.classifiers import frame_features
from ga2app.types import Answer
from ga2app.video.domain_check import FEWEST_FRAMES, looks_photographic
from ga2app.video.pixels import frames_to_pixels, thumbnails

if TYPE_CHECKING:
    from ga2app.inference.recognizer import Recognizer


class LiveClip:
    """The last T frames of what goes on, T as the recognizer samples them from a clip.

    ``names`` are the labels, ``notes`` are on what weakens the answers. For one thread at a time.

    Args:
        recognizer: the backbone and the bundles that answer.
        labels: class names, at least two. None: the recognizer's own.
        top_k: how many labels to answer. None: all.
        asked: what else ``Recognizer.recognize`` takes: ``template``, ``none_of_these``, ``descriptions``.

    Raises:
        LabelError: as in ``Recognizer.recognize``.
        ConfigError: a ``top_k`` below 1.

    Example:
        >>> from ga2app import Recognizer
        >>> from ga2app.inference import LiveClip
        >>> from ga2app.video import sample_frames
        >>> live = LiveClip(Recognizer("sketch", num_frames=4), ["jumping", "dancing"])
        >>> for frame in sample_frames("clip.mp4", 6):
        ...     answers = live.see(frame)
        >>> answers[0].best.label
        'jumping'
    """

    def __init__(
        self, recognizer: Recognizer, labels: Sequence[str] | None = None, *, top_k: int | None = None, **asked: Any
    ) -> None:
        check_top_k(top_k)
        checked = recognizer._asked(labels, **asked)
        self.recognizer, self.names, self.notes = recognizer, tuple(checked.names), checked.notes
        self._top_k = top_k
        self._seen: deque[list[Tensor]] = deque(maxlen=recognizer.num_frames)
        self._small: list[NDArray[np.uint8]] = []
        with recognizer.turns.turn(), torch.no_grad():
            self._classifiers = recognizer._classifiers(checked)

    def see(self, frame: NDArray[np.uint8]) -> tuple[Answer, ...]:
        """Recognize the last frames, of which ``frame`` is the newest.

        While there are fewer than T, some count more than once, as for a clip that is as short.

        Args:
            frame: uint8 (H, W, 3), RGB, of any size.

        Returns:
            What zero-shot CLIP and each bundle say of the frames as one clip.

        Raises:
            StudioError: the model computes no number, because its weights are damaged.

        Example:
            >>> import numpy as np
            >>> from ga2app import Recognizer
            >>> from ga2app.inference import LiveClip
            >>> live = LiveClip(Recognizer("sketch"), ["jumping", "dancing"])
            >>> len(live.see(np.zeros((96, 128, 3), np.uint8))[0].timeline)
            8
        """
        frames, count = self.recognizer.num_frames, min(len(self._seen) + 1, self.recognizer.num_frames)
        pixels = frames_to_pixels(frame[None], self.recognizer.backbone.preprocessing)[None]  # (1, 1, 3, S, S)
        self._look(frame)
        with self.recognizer.turns.turn(), torch.no_grad():
            self._seen.append([one[0] for one in frame_features(pixels, self._classifiers)])
            numbers = [row * count // frames for row in range(frames)]
            towers = zip(*(self._seen[number] for number in numbers), strict=True)
            return tuple(
                classifier.answer(torch.cat(features), numbers, self._top_k)  # (T, D)
                for classifier, features in zip(self._classifiers, towers, strict=True)
            )

    def _look(self, frame: NDArray[np.uint8]) -> None:
        """Whether the sketch backbone is shown real footage, told by the first frames that are there."""
        if self.recognizer.backbone.name != SKETCH or len(self._small) == FEWEST_FRAMES:
            return
        self._small += [one for one in thumbnails(frame[None]) if not self._small or one.shape == self._small[0].shape]
        if len(self._small) == FEWEST_FRAMES and looks_photographic(np.stack(self._small)):
            self.notes = (*self.notes, f"this {REAL_FOOTAGE}")
