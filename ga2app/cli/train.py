"""``train``: from settings to a bundle."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ga2app.cli import common, train_on_jobs
from ga2app.cli import settings_options as settings
from ga2app.config import RunConfig
from ga2app.environment import launched_processes
from ga2app.errors import BundleError, ConfigError
from ga2app.paths import default_home
from ga2app.services.run_checks import FOOTAGE, check, filmed
from ga2app.types import Dataset


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("train", help="train prompts on a data set; the result is a bundle")
    train_on_jobs.add_options(parser, settings.add_settings(parser))
    settings.add_shots(parser)
    parser.add_argument("--seed", type=int, help="of the few-shot draw and the training (default: as set)")
    parser.add_argument("--out", type=Path, help="folder of the bundle (default: a new one among the home's bundles)")
    parser.add_argument("--force", action="store_true", help="replace the bundle that --out holds")
    parser.add_argument("--restart", action="store_true", help="forget what was saved beside --out, begin at step 0")
    parser.add_argument("--print-config", action="store_true", help="print the settings as JSON and do not train")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Train; Ctrl-C saves after the present step, and the same command goes on from there.

    Started by torchrun it is one of the processes of a run. The first one alone reads the settings and prints.
    """
    if args.job:
        return train_on_jobs.run_job(args.job)
    train_on_jobs.check_options(args, launched_processes())
    if args.on:
        plan = _plan(args)
        return train_on_jobs.train_there(args, *plan) if plan else 0
    if launched_processes() == 1:
        return _train(args, lambda make: make(), True)
    from ga2app.clip import ranks

    with ranks.joined(args.device or "auto") as group:
        return _train(args, group.from_first, group.first)


class _Plan(NamedTuple):
    config: RunConfig
    dataset: Dataset
    out: Path
    checkpoint: Path


def _train(args: argparse.Namespace, from_first: Callable[..., Any], first: bool) -> int:
    plan: _Plan | None = from_first(lambda: _plan(args))
    if plan is None:
        return 0
    from ga2app.training import train

    with common.stoppable() as should_stop:
        result = train(**plan._asdict(), emit=common.say, should_stop=should_stop)
    if not first:
        return 0 if result.finished else common.INTERRUPTED
    if not result.finished:
        text = f"stopped at step {result.step}; the same command with --out {plan.out} goes on from there"
        print(text, file=sys.stderr)
        return common.INTERRUPTED
    plan.checkpoint.unlink(missing_ok=True)
    if args.json:
        figures = common.measured(result.metrics, result.zero_shot, result.tested)
        common.print_json({"state": "done", "bundle": result.bundle, **figures, "steps": result.step})
    else:
        rows = {"zero-shot CLIP": result.zero_shot, "with prompts": result.metrics}
        print(common.percent_table(rows, result.tested))
        print(f"bundle: {result.bundle}")
    return 0


def _plan(args: argparse.Namespace) -> _Plan | None:
    """What is to be trained, looked at and told; None where only the settings are asked for."""
    config = settings.read_settings(args, seed=args.seed, shots=args.shots)
    if args.print_config:
        common.print_json(config.to_dict())
        return None
    settings.check_complete(config)
    from ga2app.training import check_start

    own = common.find_dataset(config.dataset)
    chosen = common.with_named_anchors(config, own)
    dataset = common.lent_anchors(config, chosen)
    checked = check(config, own, chosen, dataset)
    if checked.faults:
        raise ConfigError(settings.with_options(checked.faults))
    out: Path = args.out or default_home().bundles / f"{dataset.name}-{time.strftime('%Y%m%d-%H%M%S')}"
    checkpoint = out.with_name(out.name + ".checkpoint")
    _make_way(args, out, checkpoint)
    check_start(config, dataset, checkpoint)
    for text in [*checked.warnings, *([FOOTAGE.format(dataset=own.name)] if filmed(config, own) else [])]:
        print(f"note: {text}", file=sys.stderr)
    return _Plan(config, dataset, out, checkpoint)


def _make_way(args: argparse.Namespace, out: Path, checkpoint: Path) -> None:
    """Forget what was saved where that is asked for; raises BundleError before a bundle would be replaced unasked."""
    from ga2app.training.training_checks import writing_to

    goes_on = checkpoint.exists() and not args.restart
    if (out / "bundle.json").is_file() and not (goes_on or args.force):
        raise BundleError(f"'{out}' holds a bundle already; name another folder with --out, or replace it with --force")
    if args.restart and checkpoint.exists():
        with writing_to(out):
            checkpoint.unlink(missing_ok=True)
