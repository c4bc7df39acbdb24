"""``explain``: why a clip got its label, and what the learned tokens are near to."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.config import DEMO, SKETCH
from ga2app.errors import DatasetError
from ga2app.labels import parse_labels
from ga2app.paths import default_home
from ga2app.types import Dataset

if TYPE_CHECKING:
    from ga2app.bundles import Bundle
    from ga2app.clip import Backbone

MOST_FRAMES = 256


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "explain",
        help="what moved a clip's score, and the nearest words of a bundle's tokens",
        description="Explain a clip's label; without a clip, the words that a bundle's tokens are near to. The clip "
        "feature is the mean over frames and blind to their order, so order is never among the reasons.",
    )
    parser.add_argument("clip", nargs="?", metavar="CLIP", help="a video file")
    parser.add_argument("--labels", help=f"{common.LABELS_HELP} (default: those of the bundle)")
    parser.add_argument("--label", help="the one to explain (default: the best one)")
    parser.add_argument("--bundle", help="folder of a trained bundle, explained beside zero-shot CLIP")
    common.add_backbone(parser, "the bundle's, else the home's")
    parser.add_argument("--frames", type=_frames, help="frames looked at (default: the bundle's, else 8)")
    parser.add_argument("--score", choices=("margin", "logit"), default="margin", help="of the label (default margin)")
    about = "gradient (default), or occlusion: blanks each part in turn, the reference, some four times slower"
    parser.add_argument("--method", choices=("gradient", "occlusion"), default="gradient", help=about)
    parser.add_argument("--dataset", help="where anchors and negatives come from (default: demo, once it is drawn)")
    parser.add_argument("--picture", type=Path, help="write the saliency over the frames to this PNG")
    common.add_json(parser)
    parser.set_defaults(run=run, refuse=parser.error)


def run(args: argparse.Namespace) -> int:
    """Explain and print."""
    _check_usage(args)
    from ga2app.bundles import load_folder
    from ga2app.clip import load_backbone

    bundle = load_folder(args.bundle) if args.bundle else None
    named = common.default_backbone()
    backbone = load_backbone(args.backbone or (str(bundle.manifest.backbone["name"]) if bundle else named))
    if bundle is not None:
        bundle.check_backbone(backbone.identity.to_dict())
    return _run_words(args, backbone, bundle) if args.clip is None else _run_clip(args, backbone, bundle)


def _run_words(args: argparse.Namespace, backbone: Backbone, bundle: Bundle | None) -> int:
    from ga2app.cli import explain_output
    from ga2app.inference.explanations import explain_words

    assert bundle is not None  # _check_usage has seen to it
    report = explain_words(backbone, bundle.learner())
    return common.tell(args, {"words": report.to_dict()}, *explain_output.word_lines(report))


def _run_clip(args: argparse.Namespace, backbone: Backbone, bundle: Bundle | None) -> int:
    from ga2app.cli import explain_output
    from ga2app.inference.explanations import DEFAULT_FRAMES, Method, ScoreKind, Ways, explain_clip, explain_words

    own = [*bundle.manifest.base, *bundle.manifest.novel] if bundle else []
    labels = own if args.labels is None else parse_labels(args.labels)
    frames = args.frames or (bundle.manifest.run.clips.num_frames if bundle else DEFAULT_FRAMES)
    ways = Ways(ScoreKind(args.score), Method(args.method))
    dataset = _relatives(args, backbone)
    if dataset is not None:
        ways = replace(ways, anchors=dataset.anchors, negatives=dataset.negatives)
    found = explain_clip(backbone, args.clip, labels, bundle=bundle, label=args.label, num_frames=frames, ways=ways)
    words = explain_words(backbone, bundle.learner()) if bundle else None
    if args.picture:
        explain_output.save_picture(found, args.picture)
    if args.json:
        document: dict[str, Any] = found.to_dict() | {"words": words.to_dict() if words else None}
        common.print_json(document | {"picture": str(args.picture) if args.picture else None})
        return 0
    print("\n".join(explain_output.clip_lines(found)))
    if words is not None:
        print("\n".join(["", *explain_output.word_lines(words)]))
    if args.picture:
        print(f"\npicture: {args.picture}")
    return 0


def _relatives(args: argparse.Namespace, backbone: Backbone) -> Dataset | None:
    """The data set whose anchors and negatives the clip is held against.

    The named one; for drawings else the demo, where it has been drawn already. Raises DatasetError.
    """
    if not args.dataset:
        there = backbone.name == SKETCH and (default_home().media / DEMO).is_dir()
        return common.find_dataset(DEMO) if there else None
    dataset = common.find_dataset(args.dataset)
    if not dataset.anchors and not dataset.negatives:
        raise DatasetError(
            f"data set '{dataset.name}' has neither anchor clips nor negative prompts to compare with; "
            "name one that has, such as demo, or leave --dataset out"
        )
    return dataset


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
