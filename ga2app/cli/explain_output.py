"""Explanations as text, and saliency over the frames as a picture file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from ga2app.cli import common
from ga2app.errors import ConfigError, Fault
from ga2app.inference.explanations import ClipExplanation, ModelExplanation, TokenWords, Word, WordReport, overlay

BAR_CELLS = 20
FRAME_PX = 160
GAP_PX = 6
TEXT_PX = 14
LINE_PX = 22
MOST_ACROSS = 8
PAPER, INK, WARM, COLD = (255, 255, 255), (30, 30, 34), (205, 90, 0), (0, 100, 230)
READINGS = {"noise": "noise", "blend": "no single word", "word": "this word"}


def clip_lines(found: ClipExplanation) -> list[str]:
    """The explanation of a clip."""
    lines = [f"backbone {found.backbone}", *(f"note: {note}" for note in found.notes), "", found.file]
    for title, part in found.models().items():
        lines += ["", *_model_lines(title, found.label, part)]
    return lines


def word_lines(report: WordReport) -> list[str]:
    """The nearest words of all tokens under the figures that they are to be held against."""
    if not report.tokens:
        return ["this bundle has no text prompts; visual prompts stand among patches, where no word lies"]
    noise = [token.noise_cosine for token in report.tokens]
    lines = [
        f"nearest words among {report.words}, by cosine, and the distance of the first; for comparison:",
        f"  a word and its nearest other word: cosine {report.word_cosine:.2f}, distance {report.word_distance:.2f}; "
        f"length of a word {report.word_norm:.2f}",
        f"  99 % of random tokens of the same length stay below {min(noise):.2f} to {max(noise):.2f} (noise)",
        f"  99 % of random blends of all words stay below {report.blend_cosine:.2f} (no single word)",
    ]
    rows = {f"  {token.kind.value} {token.place}": _word_cells(token) for token in report.tokens}
    lines += common.table("  token", ("length", "nearest", "distance", "reading"), rows).splitlines()
    if {token.kind.value for token in report.tokens} == {"soft", "context"}:
        lines.append("  coupled: the text tower reads the context tokens, never the soft ones")
    return lines


def _model_lines(title: str, label: str, part: ModelExplanation) -> list[str]:
    over = f"margin {part.score:+.2f} over {part.rival}" if part.rival else f"logit {part.score:.2f}"
    lines = [f"{title}: {label}, {part.share:.1%}, {over}"]
    lines.append("  without this frame the score loses (the mean is blind to the order of the frames)")
    most = max(abs(frame.contribution) for frame in part.frames) or 1.0
    lines += [_bar(frame.index, frame.contribution, most) for frame in part.frames]
    saliency = part.saliency
    lines.append(f"  where it speaks for the label, % of the picture's ninths ({saliency.method})")
    lines += ["    " + "  ".join(f"{100 * share:4.0f}" for share in row) for row in saliency.thirds()]
    strongest = ", ".join(
        f"frame {part.frames[cell.frame].index} row {cell.row + 1} column {cell.column + 1}: {cell.value:+.2f}"
        for cell in saliency.strongest(3)
    )
    lines.append(f"  strongest of {len(saliency.places)}x{len(saliency.places)} cells: {strongest}")
    if part.relatives is not None:
        relatives = part.relatives
        for name, found in (("anchors", relatives.anchors), ("negatives", relatives.negatives)):
            listed = ", ".join(f"{one.name} {one.cosine:.2f}" for one in found)
            lines.append(f"  nearest {name}: {listed or 'none'}")
        lines.append(f"  its label, for comparison with the negatives: {relatives.label_cosine:.2f}")
    return lines


def _bar(index: int, value: float, most: float) -> str:
    sign = "█" if value > 0 else "░"
    return f"    frame {index:4d}  {value:+6.2f} {sign * round(abs(value) / most * BAR_CELLS)}".rstrip()


def _word_cells(token: TokenWords) -> list[str]:
    words = ", ".join(f"{_shown(word)} {word.cosine:.2f}" for word in token.words)
    return [f"{token.norm:.2f}", words, f"{token.words[0].distance:.2f}", READINGS[token.reading.value]]


def _shown(word: Word) -> str:
    """A part of a word ends with an ellipsis, and a sign such as a comma stands in quotes."""
    text = word.text if any(letter.isalnum() for letter in word.text) else f"'{word.text}'"
    return text if word.whole else f"{text}…"


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
