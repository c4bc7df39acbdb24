"""``evaluate``: a bundle's figures on a data set, beside plain CLIP."""

from __future__ import annotations

import argparse
from typing import Any

from ga2app.cli import common


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("evaluate", help="measure a bundle on the test clips of a data set")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--dataset", help="known data set, folder or CSV file (default: the one it was trained on)")
    parser.add_argument("--backbone", help="where the bundle's backbone lies, if not under its own name")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print."""
    from ga2app.backbone import load_backbone
    from ga2app.evaluate import evaluate
    from ga2app.model import plain_clip
    from ga2app.recognize import load_bundle

    bundle = load_bundle(args.bundle)
    config = bundle.manifest.run
    backbone = load_backbone(args.backbone or str(bundle.manifest.backbone["name"]), precision=config.precision)
    dataset = common.find_dataset(args.dataset or config.dataset)
    prompted = evaluate(bundle.attach(backbone, dataset.base), dataset, config.clips.num_frames)
    plain = evaluate(plain_clip(backbone, dataset.base), dataset, config.clips.num_frames)
    if args.json:
        groups = {name: getattr(prompted, name) for name in ("base", "novel")}
        details: dict[str, Any] = {
            name: {"top1": group.top1, "top5": group.top5, "clips": group.clips, "per_class": group.per_class}
            for name, group in groups.items()
            if group is not None
        }
        document = {"bundle": args.bundle, "dataset": dataset.name, "details": details}
        common.print_json({**document, "metrics": prompted.metrics(), "zero_shot": plain.metrics()})
    else:
        print(common.percent_table({"plain CLIP": plain.metrics(), "with prompts": prompted.metrics()}))
    return 0
