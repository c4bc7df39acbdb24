"""``label-video``: a long video labeled over time."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from ga2app.cli import common, recognize
from ga2app.cli import settings_options as settings
from ga2app.config import Precision
from ga2app.datasets.annotation_writers import AnnotationFormat
from ga2app.environment import can_show
from ga2app.errors import DatasetError, counted
from ga2app.labels import parse_labels
from ga2app.paths import whole_file
from ga2app.stretches import address_of, file_of, seconds
from ga2app.types import RecognitionRequest, Sliding, StretchRules, TimedLabels

BAR_CELLS = 20


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "label-video",
        help="label a long video over time: a window slides over it, and its answers become stretches",
        epilog="each frame is decoded and encoded at most once; memory does not grow with the video",
    )
    parser.add_argument("video", metavar="VIDEO", help="a video file of any length")
    common.add_stretch(parser, "the video")
    parser.add_argument("--labels", required=True, help=common.LABELS_HELP)
    parser.add_argument("--bundle", help="folder of a trained bundle (default: zero-shot CLIP)")
    common.add_backbone(parser, "the bundle's, else the studio's")
    settings.add_compute(parser, "default auto: where it is native and faster")
    number: dict[str, Any] = {"type": float, "metavar": "SECONDS"}
    plain, rules = Sliding(), StretchRules()
    parser.add_argument("--window", default=plain.window_s, help="length of a window (default %(default)g)", **number)
    parser.add_argument("--step", default=plain.step_s, help="from window to window (default %(default)g)", **number)
    least = "a window whose best label has a lower probability is none of these (default %(default)g)"
    parser.add_argument("--least", type=recognize.probability, default=rules.threshold, metavar="P", help=least)
    margin = "a label stays until another is ahead by more (default %(default)g)"
    parser.add_argument("--margin", type=recognize.probability, default=rules.margin, metavar="P", help=margin)
    gap = "shorter gaps between two stretches of one label are filled (default %(default)g)"
    parser.add_argument("--gap", default=rules.gap_s, help=gap, **number)
    shortest = "shorter stretches go to the longer neighbor (default %(default)g)"
    parser.add_argument("--shortest", default=rules.shortest_s, help=shortest, **number)
    parser.add_argument("--template", action="append", help="as for recognize")
    recognize.add_rejection(parser)
    common.add_descriptions(parser, own="those that the bundle knows")
    forms: dict[str, Any] = {"choices": [*map(str, AnnotationFormat)], "dest": "form"}
    parser.add_argument("--as", help="write the stretches for a labeling tool, in this format", **forms)
    parser.add_argument("--out", type=Path, help="the file to write, or a folder for it (default: this folder)")
    parser.add_argument("--frame-rate", type=float, metavar="FPS", help="of Label Studio's timeline")
    parser.add_argument("--dataset", metavar="NAME", help="add the stretches to this data set, made if need be")
    common.add_json(parser, run)


def run(args: argparse.Namespace) -> int:
    """Label, write or add what was asked for, and print."""
    if args.out and not args.form:
        args.refuse("--out belongs to --as")
    rules = StretchRules(args.least, args.margin, args.gap, args.shortest)
    asked: dict[str, Any] = {
        "none_of_these": recognize.rejection(args),
        "descriptions": recognize.descriptions(args),
    }
    video, bundles = address_of(args.video, args.start, args.end), [args.bundle] if args.bundle else None
    request = RecognitionRequest([video], parse_labels(args.labels), bundles, args.backbone, args.template, **asked)
    load = partial(settings.load_backbone, args, precision=Precision.AUTO)
    with common.own_studio() as studio:
        sliding = Sliding(args.window, args.step, rules)
        found = studio.long_videos.in_place(request, sliding, load, _progress if sys.stderr.isatty() else None)
        told = [text(found)]
        document = found.to_dict()
        if args.form:
            name, form = Path(file_of(args.video)).name, AnnotationFormat(args.form)
            how: dict[str, Any] = {"end_s": found.end, "frame_rate": args.frame_rate}
            files = studio.long_videos.written(name, found.stretches, form, **how)
            document["written"] = [_write(args.out, *one) for one in files.items()]
            told += [f"written: {file}" for file in document["written"]]
        if args.dataset:
            names = {name: number for number, name in studio.store.datasets.names().items()}
            path = str(Path(file_of(args.video)).absolute())
            known = names.get(args.dataset)
            _, said = studio.long_videos.add(path, found.stretches, known, args.dataset)
            document["dataset"] = args.dataset
            told.append(said)
    return common.tell(args, document, *told)


def text(found: TimedLabels) -> str:
    """The answer for people: a line for each stretch, with a bar for its probability."""
    lines = [f"backbone {found.backbone}", *(f"note: {note}" for note in found.notes)]
    lines.append(
        f"{found.file}: {counted(len(found.starts_s), 'window')} of {found.window_s:g} s, "
        f"{counted(len(found.stretches), 'stretch')}"
    )
    sign = "█" if can_show("█") else "#"
    for one in found.stretches:
        times = f"{seconds(round(one.start, 3))} to {seconds(round(one.end, 3))} s"
        share = one.probability or 0.0
        lines.append(f"  {times:>24}  {share:6.1%} {sign * round(share * BAR_CELLS):{BAR_CELLS}} {one.label}")
    return "\n".join(lines)


def _progress(share: float) -> None:
    print(f"\r\x1b[K{share:.0%}", end="\r\x1b[K" if share >= 1 else "", file=sys.stderr, flush=True)


def _write(out: Path | None, name: str, content: str) -> str:
    """Write one file, to ``out`` or into it, and give its path; raises DatasetError."""
    place = (out or Path()) / name if out is None or out.is_dir() else out
    try:
        with whole_file(place) as fresh:
            fresh.write_text(content, encoding="utf-8", newline="")
    except OSError as exc:
        raise DatasetError(f"'{place}' cannot be written ({exc.strerror or exc}); choose another --out") from exc
    return str(place)
