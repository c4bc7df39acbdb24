"""``train``: from settings to a bundle, in this process."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from pathlib import Path

from ga2app.cli import common
from ga2app.config import PRESETS, RunConfig, preset
from ga2app.contracts import Event, EventKind
from ga2app.errors import ConfigError, Fault
from ga2app.paths import default_home

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells use it."""


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("train", help="train prompts on a data set; the result is a bundle")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("config", nargs="?", metavar="CONFIG.json", help="settings as JSON")
    source.add_argument("--preset", choices=PRESETS, help="settings by name")
    parser.add_argument("--dataset", help="known data set, folder of class folders, or CSV file (default demo)")
    parser.add_argument("--backbone", help="sketch, a folder, or a Hub id")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--shots", type=int, help="training clips a base class")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--out", type=Path, help="folder of the bundle (default: a new one among the home's bundles)")
    parser.add_argument("--print-config", action="store_true", help="print the settings as JSON and do not train")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; Ctrl-C saves after the present step, and the same command goes on from there."""
    config = _config(args)
    if args.print_config:
        common.print_json(config.to_dict())
        return 0
    from ga2app.train import train

    dataset = common.find_dataset(config.dataset)
    if config.objective.uses_anchors():
        dataset = common.anchored(dataset)
    out: Path = args.out or default_home().bundles / f"{dataset.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    checkpoint = out.with_name(out.name + ".checkpoint")
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupted.set())
    try:
        result = train(config, dataset, out=out, checkpoint=checkpoint, emit=_say, should_stop=interrupted.is_set)
    finally:
        signal.signal(signal.SIGINT, before)
    if not result.finished:
        print(f"stopped at step {result.step}; the same command with --out {out} goes on from there", file=sys.stderr)
        return INTERRUPTED
    checkpoint.unlink(missing_ok=True)
    if args.json:
        document = {"bundle": result.bundle, "metrics": dict(result.metrics), "zero_shot": dict(result.zero_shot)}
        common.print_json({"state": "done", **document, "steps": result.step})
    else:
        print(common.percent_table({"plain CLIP": result.zero_shot, "with prompts": result.metrics}))
        print(f"bundle: {result.bundle}")
    return 0


def _config(args: argparse.Namespace) -> RunConfig:
    """The settings with what the options change; raises ConfigError with every fault."""
    if args.preset:
        data = preset(args.preset, args.backbone or common.default_backbone()).to_dict()
    else:
        try:
            data = json.loads(Path(args.config).read_text(encoding="utf-8"))
        except (OSError, ValueError) as exc:
            fault = Fault(args.config, f"cannot be read as JSON ({exc}); see train --print-config")
            raise ConfigError([fault]) from exc
    if isinstance(data, dict):
        for name in ("dataset", "backbone", "seed", "shots"):
            if getattr(args, name) is not None:
                data[name] = getattr(args, name)
        for name in ("epochs", "learning_rate"):
            if getattr(args, name) is not None:
                data["optimizer"] = {**data.get("optimizer", {}), name: getattr(args, name)}
        if args.preset and args.epochs is not None:
            # A preset's warm-up belongs to its own number of epochs.
            data["optimizer"]["warmup_epochs"] = min(data["optimizer"]["warmup_epochs"], max(args.epochs, 0) / 6)
    return RunConfig.from_dict(data)


def _say(event: Event) -> None:
    """Progress on stderr: a line an epoch."""
    if event.kind is EventKind.LOG:
        print(event.values["text"], file=sys.stderr)
    elif event.kind is EventKind.EPOCH:
        figures = ", ".join(f"{key} {event.values[key]:.1f}" for key in ("base", "novel", "hm") if key in event.values)
        print(f"epoch {event.values['epoch']}, step {event.step}: {figures or 'no test clips'}", file=sys.stderr)
