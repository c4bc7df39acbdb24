"""Saliency over the frames, as a picture file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ga2app.errors import ConfigError, Fault
from ga2app.inference.explanations import ClipExplanation, ModelExplanation, overlay

FRAME_PX = 160
GAP_PX = 6
TEXT_PX = 14
LINE_PX = 22
MOST_ACROSS = 8
PAPER, INK, WARM, COLD = (255, 255, 255), (30, 30, 34), (205, 90, 0), (0, 100, 230)


def save_picture(found: ClipExplanation, path: Path) -> None:
    """Write a strip of the frames, and one of their saliency for each model; raises ConfigError.

    Orange speaks for the label, blue against it; each model's strongest cell has the full color. Below each frame is
    what the score loses without it.
    """
    parts = [_strip(found.label, found.pictures, None)]
    for title, part in found.models().items():
        parts.append(_strip(_title(title, part), overlay(found.pictures, part.saliency.cells), part))
    image = Image.new("RGB", (parts[0].width, sum(part.height for part in parts)), PAPER)
    top = 0
    for strip in parts:
        image.paste(strip, (0, top))
        top += strip.height
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    except (OSError, ValueError) as exc:
        message = f"'{path}' cannot be written ({exc}); name a file that ends with .png in a folder of yours"
        raise ConfigError([Fault("picture", message)]) from exc


def _strip(title: str, pictures: NDArray[np.uint8], part: ModelExplanation | None) -> Image.Image:
    """``pictures`` (T, S, S, 3) side by side under ``title``, ``MOST_ACROSS`` in a line."""
    font = ImageFont.load_default(TEXT_PX)
    across = min(len(pictures), MOST_ACROSS)
    height = FRAME_PX + (GAP_PX if part is None else LINE_PX)
    lines = -(-len(pictures) // across)
    image = Image.new("RGB", (across * (FRAME_PX + GAP_PX) + GAP_PX, LINE_PX + lines * height + GAP_PX), PAPER)
    draw = ImageDraw.Draw(image)
    draw.text((GAP_PX, 3), title, INK, font)
    for place, picture in enumerate(pictures):
        left = GAP_PX + place % across * (FRAME_PX + GAP_PX)
        top = LINE_PX + place // across * height
        image.paste(Image.fromarray(picture).resize((FRAME_PX, FRAME_PX), Image.Resampling.NEAREST), (left, top))
        if part is not None:
            lost = part.frames[place].contribution
            draw.text((left, top + FRAME_PX + 2), f"{lost:+.2f}", WARM if lost > 0 else COLD, font)
    return image


def _title(title: str, part: ModelExplanation) -> str:
    over = f"margin {part.score:+.2f} over {part.rival}" if part.rival else f"logit {part.score:.2f}"
    return f"{title}: {part.share:.1%}, {over}"
