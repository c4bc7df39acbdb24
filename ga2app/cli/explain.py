"""``explain``: why a clip got its label, and what the learned tokens are near to."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.cli import settings_options as settings
from ga2app.config import Precision
from ga2app.errors import ConfigError, Fault
from ga2app.labels import parse_labels

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from ga2app.clip import Backbone
    from ga2app.inference.explanations import ClipExplanation, ModelExplanation, TokenWords, Word, WordReport

BAR_CELLS = 20
FRAME_PX = 160
GAP_PX = 6
TEXT_PX = 14
LINE_PX = 22
MOST_ACROSS = 8
PAPER, INK, WARM, COLD = (255, 255, 255), (30, 30, 34), (205, 90, 0), (0, 100, 230)
READINGS = {"noise": "noise", "blend": "no single word", "word": "this word"}
MOST_FRAMES = 256


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "explain",
        help="what moved a clip's score, and the nearest words of a bundle's tokens",
        description="Explain a clip's label; without a clip, the words that a bundle's tokens are near to. The clip "
        "feature is the mean over frames and blind to their order, so order is never among the reasons, except for "
        "bundles trained with order-aware pooling.",
    )
    parser.add_argument("clip", nargs="?", metavar="CLIP", help="a video file")
    parser.add_argument("--labels", help=f"{common.LABELS_HELP} (default: those of the bundle)")
    parser.add_argument("--label", help="the one to explain (default: the best one)")
    parser.add_argument("--bundle", help="folder of a trained bundle, explained beside zero-shot CLIP")
    common.add_backbone(parser, "the bundle's, else the studio's")
    parser.add_argument("--frames", type=_frames, help="frames looked at (default: the bundle's, else 8)")
    parser.add_argument("--score", choices=("margin", "logit"), default="margin", help="of the label (default margin)")
    about = "gradient (default), or occlusion: blanks each part in turn, the reference, some four times slower"
    parser.add_argument("--method", choices=("gradient", "occlusion"), default="gradient", help=about)
    parser.add_argument("--dataset", help="where anchors and negatives come from (default: demo, once it is drawn)")
    settings.add_compute(parser, "default float32")
    parser.add_argument("--picture", type=Path, help="write the saliency over the frames to this PNG")
    common.add_json(parser, run)


def run(args: argparse.Namespace) -> int:
    """Explain and print."""
    _check_usage(args)
    from ga2app.inference.explanations import Method, ScoreKind
    from ga2app.services.explanations import AskedByName, explain_by_name

    asked = AskedByName(
        bundle=args.bundle,
        clip=args.clip,
        labels=None if args.labels is None else parse_labels(args.labels),
        label=args.label,
        dataset=args.dataset,
        frames=args.frames,
        score=ScoreKind(args.score),
        method=Method(args.method),
    )

    def load(bundles: str | None) -> Backbone:
        return settings.load_backbone(args, args.backbone or bundles or common.default_backbone(), Precision.FLOAT32)

    with common.noted() as notes:
        found, words = explain_by_name(asked, load, notes)
    said = word_lines(words) if words else []
    facts: dict[str, Any] = {"words": words.to_dict() if words else None}
    if found is not None:
        if args.picture:
            save_picture(found, args.picture)
        facts = found.to_dict() | facts | {"picture": str(args.picture) if args.picture else None}
        said = [*clip_lines(found), *(["", *said] if said else [])]
    return common.tell(args, facts, *said, *(["", f"picture: {args.picture}"] if args.picture else []))


def _check_usage(args: argparse.Namespace) -> None:
    """Leave with status 2 where the arguments do not say what to explain."""
    if not args.clip and (args.picture or args.dataset or args.labels is not None or args.label is not None):
        args.refuse("--labels, --label, --dataset and --picture need a CLIP")
    if not (args.clip or args.bundle):
        args.refuse("name a CLIP with --labels, or a --bundle whose tokens are explained")
    if args.clip and args.labels is None and not args.bundle:
        args.refuse("CLIP needs --labels, or a --bundle whose labels are taken")


def _frames(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_FRAMES:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number between 1 and {MOST_FRAMES}")
    return int(text)


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
        f"  99% of random tokens of the same length stay below {min(noise):.2f} to {max(noise):.2f} (noise)",
        f"  99% of random blends of all words stay below {report.blend_cosine:.2f} (no single word)",
    ]
    rows = {f"  {token.kind.value} {token.place}": _word_cells(token) for token in report.tokens}
    lines += common.table("  token", ("length", "nearest", "distance", "reading"), rows).splitlines()
    if {token.kind.value for token in report.tokens} == {"soft", "context"}:
        lines.append("  coupled: the text tower reads the context tokens, never the soft ones")
    return lines


def _model_lines(title: str, label: str, part: ModelExplanation) -> list[str]:
    lines = [_titled(f"{title}: {label},", part)]
    sees = "its order term counts, too" if part.ordered else "the mean is blind to the order of the frames"
    lines.append(f"  without this frame the score loses ({sees})")
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
    from PIL import Image

    from ga2app.inference.explanations import overlay

    parts = [_strip(found.label, found.pictures, None)]
    for title, part in found.models().items():
        parts.append(_strip(_titled(f"{title}:", part), overlay(found.pictures, part.saliency.cells), part))
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
    from PIL import Image, ImageDraw, ImageFont

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


def _titled(title: str, part: ModelExplanation) -> str:
    over = f"margin {part.score:+.2f} over {part.rival}" if part.rival else f"logit {part.score:.2f}"
    return f"{title} {part.share:.1%}, {over}"
