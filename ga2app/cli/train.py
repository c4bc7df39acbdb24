"""``train``: from settings to a bundle, in this process."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ga2app.cli import common, progress, settings
from ga2app.paths import default_home


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("train", help="train prompts on a data set; the result is a bundle")
    settings.add_settings(parser)
    settings.add_shots(parser)
    parser.add_argument("--seed", type=int, help="of the few-shot draw and the training (default: as set)")
    parser.add_argument("--out", type=Path, help="folder of the bundle (default: a new one among the home's bundles)")
    parser.add_argument("--print-config", action="store_true", help="print the settings as JSON and do not train")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; Ctrl-C saves after the present step, and the same command goes on from there."""
    config = settings.read_settings(args, seed=args.seed, shots=args.shots)
    if args.print_config:
        common.print_json(config.to_dict())
        return 0
    settings.check_complete(config)
    from ga2app.train import train

    dataset = common.anchored(config, common.find_dataset(config.dataset))
    out: Path = args.out or default_home().bundles / f"{dataset.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    checkpoint = out.with_name(out.name + ".checkpoint")
    with progress.stoppable() as should_stop:
        result = train(config, dataset, out=out, checkpoint=checkpoint, emit=progress.say, should_stop=should_stop)
    if not result.finished:
        print(f"stopped at step {result.step}; the same command with --out {out} goes on from there", file=sys.stderr)
        return progress.INTERRUPTED
    checkpoint.unlink(missing_ok=True)
    common.print_cautions(result.tested)
    if args.json:
        figures = common.measured(result.metrics, result.zero_shot, result.tested)
        common.print_json({"state": "done", "bundle": result.bundle, **figures, "steps": result.step})
    else:
        rows = {"plain CLIP": result.zero_shot, "with prompts": result.metrics}
        print(common.percent_table(rows, result.tested))
        print(f"bundle: {result.bundle}")
    return 0
