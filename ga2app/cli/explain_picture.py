"""Saliency over the frames, as a picture file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ga2app.errors import ConfigError, Fault
from ga2app.explain import ClipExplanation, ModelExplanation, overlay

FRAME_PX = 160
GAP_PX = 6
TEXT_PX = 14
LINE_PX = 22
PAPER, INK, WARM, COLD = (255, 255, 255), (30, 30, 34), (255, 120, 0), (0, 110, 255)


def save_picture(found: ClipExplanation, path: Path) -> None:
    """Write a strip of the frames, and one of their saliency for each model; raises ConfigError.

    Orange speaks for the label, blue against it; each model's strongest cell has the full color. Below each frame is
    what the score loses without it.
    """
    font = ImageFont.load_default(TEXT_PX)
    count = len(found.pictures)
    height = FRAME_PX + LINE_PX
    rows = [(found.label, None), *((title, part) for title, part in found.models().items())]
    image = Image.new("RGB", (count * (FRAME_PX + GAP_PX) + GAP_PX, len(rows) * (height + LINE_PX) + GAP_PX), PAPER)
    draw = ImageDraw.Draw(image)
    for row, (title, part) in enumerate(rows):
        top = row * (height + LINE_PX)
        draw.text((GAP_PX, top + 3), title if part is None else _title(title, part), INK, font)
        frames = found.pictures if part is None else overlay(found.pictures, part.saliency.cells)
        for place, frame in enumerate(frames):
            left = GAP_PX + place * (FRAME_PX + GAP_PX)
            image.paste(_enlarged(frame), (left, top + LINE_PX))
            if part is not None:
                value = part.frames[place].contribution
                draw.text((left, top + LINE_PX + FRAME_PX + 2), f"{value:+.2f}", WARM if value > 0 else COLD, font)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    except (OSError, ValueError) as exc:
        message = f"'{path}' cannot be written ({exc}); name a file that ends with .png in a folder of yours"
        raise ConfigError([Fault("picture", message)]) from exc


def _title(title: str, part: ModelExplanation) -> str:
    over = f"margin {part.score:+.2f} over {part.rival}" if part.rival else f"logit {part.score:.2f}"
    return f"{title}: {part.share:.1%}, {over}"


def _enlarged(frame: np.ndarray) -> Image.Image:
    return Image.fromarray(frame).resize((FRAME_PX, FRAME_PX), Image.Resampling.NEAREST)
