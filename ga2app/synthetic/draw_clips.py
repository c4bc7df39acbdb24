"""Drawn clips as real H.264 files, read again by the same decoder as anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ga2app.errors import DatasetError
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.drawing import Subject
from ga2app.synthetic.drawing_styles import STYLES
from ga2app.synthetic.scenes import SCENES
from ga2app.synthetic.world import clip_frames
from ga2app.video.writer import write_clip

CLIP_PX = 96
CLIP_FRAMES = 12
CLIP_FPS = 8.0
GENERATED_STREAM = 9001


def subject_named(name: str) -> Subject:
    """The action or scene with this key or name. Raises DatasetError with some names that exist."""
    key = name.strip().replace(" ", "_")
    found = ACTIONS.get(key) or SCENES.get(key)
    if found is None:
        known = ", ".join(subject.name for subject in list(ACTIONS.values())[:6])
        raise DatasetError(f"the sketch world has no '{name}'; it knows {len(ACTIONS)} actions, such as {known}")
    return found


def write_drawn_clip(
    path: Path,
    subject: Subject,
    style: str,
    seed: int | tuple[int, ...],
    num_frames: int = CLIP_FRAMES,
    size_px: int = CLIP_PX,
) -> None:
    """Draw one clip and write it as mp4 at ``CLIP_FPS``; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(path, clip_frames(subject, style, seed, num_frames, size_px), CLIP_FPS)


def generate(
    folder: Path, style: str = "plain", clips_per_class: int = 2, seed: int = 0, names: Sequence[str] = ()
) -> list[tuple[Path, str]]:
    """Draw ``clips_per_class`` clips of each named subject, or of every action: class folders under ``folder``.

    Returns (path, label) of each clip. Raises DatasetError for a style or a name that does not exist.
    """
    if style not in STYLES:
        raise DatasetError(f"style '{style}' does not exist; choose one of {', '.join(STYLES)}")
    if clips_per_class < 1:
        raise DatasetError(f"clips_per_class is {clips_per_class}, but must be at least 1")
    subjects = [subject_named(name) for name in names] or list(ACTIONS.values())
    order = [*ACTIONS, *SCENES]
    made = []
    for subject in subjects:
        for index in range(clips_per_class):
            path = folder / subject.key / f"{subject.key}-{index:03d}.mp4"
            write_drawn_clip(path, subject, style, (seed, GENERATED_STREAM, order.index(subject.key), index))
            made.append((path, subject.name))
    return made
