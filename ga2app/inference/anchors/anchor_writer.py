"""Anchors made from clip files, written as clip files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ga2app.errors import ClipError
from ga2app.inference.anchors.synthetic_anchors import CAPTIONS, SIDE_SHARE, Frames, Kind, calm_window, make
from ga2app.types import AnchorClip, Progress
from ga2app.video import Evaluation, read_clip
from ga2app.video.writer import write_clip

NUM_FRAMES = 16
READ_PX = 512
"""Short side to which larger clips are shrunk: twice what the common CLIPs look at, so that a crop stays sharp."""

USUAL_FPS = 25.0
FPS_RANGE = (0.5, 60.0)


@dataclass(frozen=True)
class MadeAnchor:
    """An anchor clip that was written: its ``kind``, and the ``source`` that it was made from.

    ``motion_share`` of a crop away from the mover is its motion over the whole frame's, see ``calm_window``; above
    ``CALM`` it is hardly away from anything. None for other kinds.
    """

    clip: AnchorClip
    kind: Kind
    source: str
    motion_share: float | None = None


@dataclass(frozen=True)
class MadeAnchors:
    """What was written, and what was wrong with the clips of which nothing was made."""

    anchors: tuple[MadeAnchor, ...]
    faults: tuple[str, ...]


def make_anchors(
    clips: Iterable[str],
    folder: Path,
    kinds: Sequence[Kind] = tuple(Kind),
    side_share: float = SIDE_SHARE,
    progress: Progress | None = None,
) -> MadeAnchors:
    """Write an anchor of each of ``kinds`` for each of ``clips`` to ``folder/caption/name.mp4``.

    An anchor has ``NUM_FRAMES`` frames and lasts as long as its clip; ``side_share`` is for the crop away from the
    mover. Clips of one name from several folders are told apart by a number; what is there under a name is replaced.
    A clip that cannot be read is told in ``faults``; ``progress`` hears of each clip.
    """
    made: list[MadeAnchor] = []
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
    return MadeAnchors(tuple(made), tuple(faults))


def _make_from(source: str, name: str, folder: Path, kinds: Sequence[Kind], side_share: float) -> list[MadeAnchor]:
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
        made.append(MadeAnchor(AnchorClip(str(target), CAPTIONS[kind]), kind, source, share))
    return made


def _even(frames: Frames, source: str) -> Frames:
    """``frames`` without the last row and column where these make an odd number, as H.264 needs it."""
    height, width = (side // 2 * 2 for side in frames.shape[1:3])
    if not height or not width:
        raise ClipError(Path(source).name, "it is a single pixel wide or tall", "choose another clip")
    return frames[:, :height, :width]
