"""``recognize``: labels for clips."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from typing import Any

from ga2app.cli import common
from ga2app.cli import settings_options as settings
from ga2app.config import Precision
from ga2app.datasets.label_descriptions import by_name, read_descriptions
from ga2app.environment import can_show
from ga2app.labels import parse_labels
from ga2app.stretches import address_of
from ga2app.types import Answer, LabelKind, NoneOfThese, NoneWay, Recognition, RecognitionRequest, Score

BAR_CELLS = 24
SOME_UNREAD = 3
"""Exit status where some clips could not be read and the others were answered."""


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "recognize",
        help="recognize clips with zero-shot CLIP and, beside it, bundles",
        epilog="exit status: 0 all clips answered, 1 none could be read, 3 some could not, which stderr names",
    )
    parser.add_argument(
        "clips", nargs="+", metavar="CLIP", help="video files, or stretches of them: match.mp4#t=12,15.5 (seconds)"
    )
    common.add_stretch(parser, "each CLIP")
    parser.add_argument("--labels", required=True, help=common.LABELS_HELP)
    parser.add_argument("--bundle", action="append", help="folder of a trained bundle; may be given several times")
    common.add_backbone(parser, "the bundle's, else the studio's")
    settings.add_compute(parser, "default auto: where it is native and faster")
    sentence = "wording for zero-shot CLIP with {} for the label; the mean of several counts"
    parser.add_argument("--template", action="append", help=sentence)
    parser.add_argument(
        "--top", type=_at_least_one, default=5, help="labels shown for each clip (default 5; --json shows all)"
    )
    add_rejection(parser)
    common.add_descriptions(parser, own="those that the bundles know")
    common.add_json(parser, run)


def run(args: argparse.Namespace) -> int:
    """Recognize and print; status 1 when not one clip could be read, 3 when some could not."""
    asked: dict[str, Any] = {"none_of_these": rejection(args), "descriptions": descriptions(args)}
    labels = parse_labels(args.labels)
    clips = [address_of(clip, args.start, args.end) for clip in args.clips]
    request = RecognitionRequest(clips, labels, args.bundle, args.backbone, args.template, **asked)
    load = partial(settings.load_backbone, args, precision=Precision.AUTO)
    with common.own_studio() as studio:
        answer = studio.recognition.in_place(request, load)
    common.tell(args, document(answer), text(answer, args.top))
    unread = [clip for clip in answer.clips if clip.error]
    if unread:
        of = f"{len(unread)} of {len(answer.clips)} clips" if len(answer.clips) > 1 else "the clip"
        print(f"error: {of} could not be read: {unread[0].file}: {unread[0].error}", file=sys.stderr)
    return 0 if not unread else 1 if len(unread) == len(answer.clips) else SOME_UNREAD


def add_rejection(parser: argparse.ArgumentParser) -> None:
    """``--none-of-these`` and what belongs to it."""
    none = "negative prompts tell a clip that shows none of the labels: they compete with them (default), or the best "
    ways: dict[str, Any] = {"nargs": "?", "choices": [*map(str, NoneWay)], "const": NoneWay.COMPETE.value}
    parser.add_argument("--none-of-these", help=f"{none}label is held against the nearest of them", **ways)
    parser.add_argument("--negatives", help="negative prompts, written like labels (default: those switched on)")
    reach = (
        "what the best label has to reach, 0 to 1: its probability (default 0), or against a negative (default: what "
        "the bundle's run chose from data, else 0.5)"
    )
    parser.add_argument("--threshold", type=probability, help=reach)


def rejection(args: argparse.Namespace) -> NoneOfThese | None:
    """How "none of these" is decided; None where it is not."""
    if not args.none_of_these and (args.negatives is not None or args.threshold is not None):
        args.refuse("--negatives and --threshold belong to --none-of-these")
    if not args.none_of_these:
        return None
    negatives = None if args.negatives is None else tuple(parse_labels(args.negatives))
    return NoneOfThese(negatives, NoneWay(args.none_of_these), args.threshold)


def descriptions(args: argparse.Namespace) -> dict[str, list[str]] | None:
    """The sentences of the file by name, an empty mapping for the bundles' own; None where they are not asked for."""
    if args.descriptions is None:
        return None
    return {} if args.descriptions == common.OWN else by_name(read_descriptions(args.descriptions))


def document(answer: Recognition) -> dict[str, Any]:
    """The JSON document of an answer."""
    return {
        "backbone": answer.backbone,
        "notes": list(answer.notes),
        "descriptions": {label: list(texts) for label, texts in answer.descriptions.items()},
        "clips": [clip.to_dict() | {"frames": [one.to_dict() for one in clip.timeline]} for clip in answer.clips],
    }


def text(answer: Recognition, top: int) -> str:
    """The answer for people: a block of bars for each clip and each classifier."""
    lines = [f"backbone {answer.backbone}", *(f"note: {note}" for note in answer.notes)]
    for clip in answer.clips:
        lines.append("")
        lines.append(clip.file if clip.error is None else f"{clip.file}: error: {clip.error}")
        for one in clip.answers:
            title = "zero-shot CLIP" if one.bundle is None else "bundle"
            lines.append(f"  {title}{f' {one.bundle}' if len(clip.bundles) > 1 and one.bundle else ''}")
            lines += _bars(one, top)
            if one.verdict is not None:
                lines.append(f"    {_verdict(one)}")
    return "\n".join(lines)


def _bars(one: Answer, top: int) -> list[str]:
    """The best labels, and the negatives' bar wherever it stands."""
    labels = [score for score in one.scores if score.kind is not LabelKind.NEGATIVE][:top]
    shown = [score for score in one.scores if score in labels or score.kind is LabelKind.NEGATIVE]
    return [_bar(score, marked=one.bundle is not None) for score in shown]


def _bar(one: Score, marked: bool) -> str:
    if not one.understood:
        return f"         – {'':{BAR_CELLS}} {one.label} (not ranked: the backbone knows none of its words)"
    bar = ("█" if can_show("█") else "#") * round(one.score * BAR_CELLS)
    return f"    {one.score:6.1%} {bar:{BAR_CELLS}} {one.label}{f' ({one.kind.value})' if marked else ''}"


def _verdict(one: Answer) -> str:
    verdict = one.verdict
    assert verdict is not None
    outcome = "none of these" if verdict.none else f"{one.said}, not none of these"
    best = f"the best label has {verdict.reached:.1%} of the {verdict.threshold:.0%} asked for"
    return f"{outcome}: {best}, the nearest negative '{verdict.negative}' {verdict.against:.1%}"


def _at_least_one(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise argparse.ArgumentTypeError(f"'{text[:40]}' is not a whole number from 1 on")
    return int(text[:9])


def probability(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number between 0 and 1")
    return value
