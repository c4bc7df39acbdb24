"""``recognize``: labels for clips."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from ga2app.cli import common
from ga2app.config import Precision
from ga2app.contracts import Recognition, Score

BAR_CELLS = 24


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("recognize", help="recognize clips with plain CLIP and, beside it, a bundle")
    parser.add_argument("clips", nargs="+", metavar="CLIP", help="video files")
    parser.add_argument("--labels", required=True, help="class names between commas")
    parser.add_argument("--bundle", help="folder of a trained bundle")
    parser.add_argument("--backbone", help="sketch, a folder, or a Hub id (default: the bundle's, else the home's)")
    parser.add_argument("--template", help="wording for plain CLIP with {} for the label")
    parser.add_argument("--top", type=int, default=5, help="labels shown for each clip (default 5; --json shows all)")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Recognize and print; status 1 when not one clip could be read."""
    from ga2app.backbone import load_backbone
    from ga2app.recognize import Recognizer, load_bundle

    bundle = load_bundle(args.bundle) if args.bundle else None
    named = str(bundle.manifest.backbone["name"]) if bundle else common.default_backbone()
    recognizer = Recognizer(load_backbone(args.backbone or named, precision=Precision.AUTO), bundle)
    answer = recognizer.recognize(args.clips, common.names(args.labels), template=args.template)
    if args.json:
        common.print_json(document(answer))
    else:
        print(text(answer, max(1, args.top)))
    return 1 if all(clip.error for clip in answer.clips) else 0


def document(answer: Recognition) -> dict[str, Any]:
    """The JSON document of an answer."""

    def scores(best: Sequence[Score]) -> list[dict[str, Any]]:
        return [one.to_dict() for one in best]

    return {
        "backbone": answer.backbone,
        "notes": list(answer.notes),
        "clips": [
            {
                "file": clip.file,
                "error": clip.error,
                "plain": scores(clip.plain),
                "bundle": None if clip.bundle is None else scores(clip.bundle),
                "frames": [{"index": f.index, "label": f.label, "score": f.score} for f in clip.timeline],
            }
            for clip in answer.clips
        ],
    }


def text(answer: Recognition, top: int) -> str:
    """The answer for people: a block of bars for each clip and each model."""
    lines = [f"backbone {answer.backbone}", *(f"note: {note}" for note in answer.notes)]
    for clip in answer.clips:
        lines.append("")
        lines.append(clip.file if clip.error is None else f"{clip.file}: error: {clip.error}")
        for title, best in (("plain CLIP", clip.plain), ("bundle", clip.bundle)):
            if best:
                lines.append(f"  {title}")
                lines += [_bar(one, marked=title == "bundle") for one in best[:top]]
    return "\n".join(lines)


def _bar(one: Score, marked: bool) -> str:
    bar = "█" * round(one.score * BAR_CELLS)
    return f"    {one.score:6.1%} {bar:{BAR_CELLS}} {one.label}{f' ({one.kind.value})' if marked else ''}"
