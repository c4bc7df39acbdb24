"""Anchors made from clips at hand: a held frame, the background without what moves, a crop away from it.

Notation: T frames, H × W their size in pixels. All functions take and give uint8 (T, H, W, 3).

What these are not: a clip run backwards is no anchor. The clip feature is a mean over frames, blind to their order:
"opening" and "closing" a door, or a clip and its reverse, have one and the same feature. For the same reason a held
frame still looks like its action wherever one picture is enough to tell it. ``rate_clips`` says which of the clips
made here are irrelevant in the eyes of a backbone; being made is no proof.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ga2app.errors import ClipError
from ga2app.types import AnchorKind, MadeClip, MadeClips, Progress
from ga2app.video import Evaluation, read_clip
from ga2app.video.writer import write_clip

Frames = NDArray[np.uint8]

SIDE_SHARE = 0.5
"""Sides of the crop away from the motion, as a share of the frame's sides."""

NUM_FRAMES = 16
READ_PX = 512
"""Short side to which larger clips are shrunk: twice what the common CLIPs look at, so that a crop stays sharp."""

USUAL_FPS = 25.0
FPS_RANGE = (0.5, 60.0)

Kind = AnchorKind

CAPTIONS = {Kind.HELD_FRAME: "a still picture", Kind.MEDIAN: "an empty place", Kind.AWAY: "the background"}
"""What each kind shows, in words that every backbone knows."""


class Window(NamedTuple):
    """A part of the frame: its place and size in pixels, and how its mean motion compares with the whole frame's."""

    top: int
    left: int
    height: int
    width: int
    motion_share: float


def held_frame(frames: Frames, index: int | None = None) -> Frames:
    """Frame ``index`` (the middle one unless told) held for all T: the appearance without the action.

    The clip feature is a mean over frames, blind to their order and to motion as such: a held frame of "riding a
    bicycle" may well be recognized as that. Choose among held frames by their irrelevance.
    """
    return np.repeat(frames[len(frames) // 2 if index is None else index][None], len(frames), axis=0)


def background(frames: Frames) -> Frames:
    """The temporal median of each pixel and channel, held for all T: whatever moves on is gone.

    What covers a pixel in more than half of the frames stays, so somebody who never leaves the spot stays too.
    When the camera moves, the whole picture does, and the median is a blur of it.
    """
    median = np.median(frames, axis=0).round().astype(np.uint8)  # (H, W, 3)
    return np.repeat(median[None], len(frames), axis=0)


def motion(frames: Frames) -> NDArray[np.float64]:
    """Motion energy (H, W): the mean over time and channels of the change from a frame to the next, 0 to 255."""
    if len(frames) < 2:
        return np.zeros(frames.shape[1:3])
    change = np.zeros(frames.shape[1:])  # (H, W, 3)
    for before, after in zip(frames[:-1], frames[1:], strict=True):
        change += np.abs(after.astype(np.int16) - before)
    energy: NDArray[np.float64] = change.mean(axis=-1) / (len(frames) - 1)
    return energy


def calm_window(frames: Frames, side_share: float = SIDE_SHARE) -> Window:
    """The window with the least motion energy, its sides ``side_share`` of the frame's and even; of equals the first.

    ``motion_share`` is its mean energy over that of the frame. Near 0 the motion is elsewhere; who holds still is not
    seen as one. When everything moves
    (the camera does) change is a matter of texture: the calmest window is the flattest, and its share tells how calm
    it is. When nothing moves there is nobody to keep away from: the share is 1.
    Raises ValueError for a share that is not above 0 and at most 1.
    """
    if not 0 < side_share <= 1:
        raise ValueError(f"side_share is {side_share}; it must be above 0 and at most 1")
    energy = motion(frames)
    height, width = (max(2, 2 * round(side * side_share / 2)) for side in energy.shape)
    height, width = min(height, energy.shape[0]), min(width, energy.shape[1])
    sums = np.pad(energy.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    # Rounded, so that equal windows stay equal in spite of the sums' rounding.
    top, left = np.unravel_index(inside.round(6).argmin(), inside.shape)
    mean, whole = max(0.0, float(inside[top, left])) / (height * width), float(energy.mean())
    return Window(int(top), int(left), height, width, mean / whole if whole > 0 else 1.0)


def away_from_mover(frames: Frames, side_share: float = SIDE_SHARE) -> Frames:
    """The crop (T, h, w, 3) to the window with the least motion, see ``calm_window``."""
    top, left, height, width, _ = calm_window(frames, side_share)
    return frames[:, top : top + height, left : left + width]


def make(kind: Kind, frames: Frames, side_share: float = SIDE_SHARE) -> Frames:
    """An anchor of ``kind`` from ``frames``; ``side_share`` is for the crop away from the motion."""
    if kind is Kind.AWAY:
        return away_from_mover(frames, side_share)
    return held_frame(frames) if kind is Kind.HELD_FRAME else background(frames)


def make_anchors(
    clips: Iterable[str],
    folder: Path,
    kinds: Sequence[Kind] = tuple(Kind),
    side_share: float = SIDE_SHARE,
    progress: Progress | None = None,
) -> MadeClips:
    """Write an anchor of each of ``kinds`` for each of ``clips`` to ``folder/caption/name.mp4``.

    An anchor has ``NUM_FRAMES`` frames and lasts as long as its clip; ``side_share`` is for the crop away from the
    mover. Clips of one name from several folders are told apart by a number; what is there under a name is replaced.
    A clip that cannot be read is told in ``faults``; ``progress`` hears of each clip.
    """
    made: list[MadeClip] = []
    faults: list[str] = []
    names: dict[str, int] = {}
    sources = list(dict.fromkeys(clips))
    for number, source in enumerate(sources, 1):
        stem = Path(source).stem
        names[stem] = names.get(stem, 0) + 1
        name = stem if names[stem] == 1 else f"{stem}-{names[stem]}"
        try:
            made += _make_from(source, name, folder, kinds, side_share)
        except ClipError as exc:
            faults.append(str(exc))
        if progress:
            progress(number, len(sources))
    return MadeClips(tuple(made), tuple(faults))


def _make_from(source: str, name: str, folder: Path, kinds: Sequence[Kind], side_share: float) -> list[MadeClip]:
    clip = read_clip(source, Evaluation(NUM_FRAMES), short_side_px=READ_PX)
    rate = NUM_FRAMES / (clip.seconds or clip.total_frames / USUAL_FPS)
    fps = min(max(rate, FPS_RANGE[0]), FPS_RANGE[1])
    frames = _even(clip.frames, source)
    made = []
    for kind in kinds:
        # Like any class folder it is named after what it shows, so that the folder alone makes a pool.
        target = folder / CAPTIONS[kind].replace(" ", "_") / f"{name}.mp4"
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ClipError(target.name, f"its folder cannot be made ({exc})", "choose another folder") from exc
        write_clip(target, make(kind, frames, side_share), fps)
        share = calm_window(frames, side_share).motion_share if kind is Kind.AWAY else None
        made.append(MadeClip(str(target), CAPTIONS[kind], kind, source, share))
    return made


def _even(frames: Frames, source: str) -> Frames:
    """``frames`` without the last row and column where these make an odd number, as H.264 needs it."""
    height, width = (side // 2 * 2 for side in frames.shape[1:3])
    if not height or not width:
        raise ClipError(Path(source).name, "it is a single pixel wide or tall", "choose another clip")
    return frames[:, :height, :width]
