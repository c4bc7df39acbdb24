"""One picture of the whole sketch world, for people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.figure import Subject
from ga2app.synthetic.scenes import SCENES
from ga2app.synthetic.world import clip_frames

TILE_PX = 96
COLUMNS = 10
CAPTION_PX = 13
FRAMES = 3  # a clip this short is drawn, and its first two frames are shown


def contact_sheet(path: Path, seed: int = 0) -> None:
    """Write a PNG with two moments of every action and scene: the first plain, the second as a camcorder sees it."""
    subjects = [*ACTIONS.values(), *SCENES.values()]
    tile_width, tile_height = TILE_PX * 2, TILE_PX + CAPTION_PX
    columns = COLUMNS // 2
    rows = -(-len(subjects) // columns)
    sheet = Image.new("RGB", (columns * tile_width, rows * tile_height), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    for index, subject in enumerate(subjects):
        left, top = index % columns * tile_width, index // columns * tile_height
        sheet.paste(Image.fromarray(_pair(subject, (seed, 9401, index))), (left, top + CAPTION_PX))
        draw.text((left + 3, top + 1), subject.name, fill=(40, 40, 40))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(192, dither=Image.Dither.NONE).save(path, optimize=True)


def _pair(subject: Subject, seed: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    styles = enumerate(("plain", "camcorder"))
    return np.concatenate([clip_frames(subject, style, seed, FRAMES, TILE_PX)[i] for i, style in styles], axis=1)
