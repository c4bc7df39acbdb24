"""``bench base2novel``: ga2-plus, ga2 and their ablations on the sketch world, over many seeds."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ga2app.cli import common
from ga2app.config import ATTENTIONS, HARD_PROMPT_EMBEDDED, HARD_PROMPT_RANDOM, Precision, RunConfig
from ga2app.config.presets import COMPARED, GA2, RENAMED
from ga2app.config.settings_files import read_settings_file
from ga2app.errors import ConfigError, Fault
from ga2app.types import BASELINES

from .methods import ABLATIONS, DESCRIBED, POOLS, SETTINGS, settings, undescribed

FIRST_SEED, SEEDS, QUICK_SEEDS = 2000, 10, 2
# Seeds below FIRST_SEED have been looked at while settings were chosen: docs/experiments.md.
MOST_SHOTS = 16
BESIDE = tuple(name for name in BASELINES if name not in COMPARED)
KNOWN = (*COMPARED, *BESIDE, *ABLATIONS, *DESCRIBED)


def add(commands: common.Commands) -> None:
    """Register ``bench`` with its one kind."""
    bench = commands.add_parser("bench", help="compare the methods over many seeds")
    kinds = bench.add_subparsers(required=True, metavar="KIND")
    about = (
        "Trains every method on the same drawn classes and clips, seed after seed, and prints mean ± std with the "
        "paired difference of ga2-plus, or else of ga2, to each other method. "
        "An interrupted benchmark goes on where it was."
    )
    what = "base, novel and HM of ga2-plus, ga2 and their ablations on drawn clips"
    parser = kinds.add_parser("base2novel", help=what, description=about)
    what_differs = "6 base classes, half of the classes, or half of the pairs of an action and its reverse"
    parser.add_argument("--setting", choices=SETTINGS, default="narrow", help=what_differs)
    parser.add_argument("--seeds", type=int, help=f"number of seeds (default {SEEDS})")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help=f"the first of them (default {FIRST_SEED})")
    which = f"between commas (default: {', '.join(COMPARED)}); baselines: {', '.join(BESIDE)}; "
    which += f"ga2-plus with one part changed: {', '.join(ABLATIONS)}"
    which += f"; with sentences for each label: {', '.join(DESCRIBED)}"
    parser.add_argument("--methods", default=",".join(COMPARED), help=which)
    parser.add_argument("--shots", default=str(MOST_SHOTS), help="clips a base class; several make a few-shot curve")
    quick = f"{QUICK_SEEDS} seeds, a third of the epochs and of the test clips: a look, not a result"
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--config", metavar="JSON", help="settings of ga2-plus (default: those of the Full preset)")
    hard = f"a bundle's folder, or {HARD_PROMPT_RANDOM}"
    parser.add_argument("--hard-prompt", default=HARD_PROMPT_EMBEDDED, help=hard)
    pool = "where anchor clips come from (default scenes)"
    parser.add_argument("--anchors", choices=POOLS, default="scenes", help=pool)
    parser.add_argument("--negatives", type=int, default=6, help="number of negative prompts, 1 to 10 (default 6)")
    auto = str(Precision.AUTO)
    workers: Any = {"dest": "workers", "type": int, "metavar": "N"}
    parser.add_argument("--precision", choices=[*map(str, Precision)], default=auto, help="(default auto)")
    parser.add_argument("--attention", choices=ATTENTIONS, help="auto: the faster one here (default: as set)")
    at_once = "seeds at once, with the same figures (default: one on each CUDA device, else the cores)"
    parser.add_argument("--processes", "--workers", help=at_once, **workers)
    parser.add_argument("--out", type=Path, help="folder of figures and picture (default bench-base2novel)")
    common.add_json(parser, run)


def run(args: argparse.Namespace) -> int:
    """Train, print the table or JSON, write ``<setting>.json`` and ``<setting>.png``."""
    seeds, methods, shots, config = _checked(args)
    if GA2 in methods:
        print(f"note: {RENAMED}", file=sys.stderr)
    from ga2app.protocols.few_shot_draws import workers_for

    from . import outcomes as base2novel
    from . import report

    plan = base2novel.Plan(args.setting, seeds, methods, shots, config, args.anchors, args.negatives, args.quick)
    folder: Path = args.out or Path("bench-base2novel")
    workers = workers_for(args.workers, config.device, len(seeds), per_core=True)
    outcomes = base2novel.run(plan, folder, workers, say=lambda text: print(text, file=sys.stderr, flush=True))
    base2novel.write_json(folder / f"{args.setting}.json", report.document(plan, outcomes))
    report.draw(plan, outcomes, folder / f"{args.setting}.png")
    if args.json:
        common.print_json(report.document(plan, outcomes))
    else:
        print(report.table(plan, outcomes))
        print(f"\nfigures: {folder / args.setting}.json, picture: {folder / args.setting}.png")
    return 0


def _checked(args: argparse.Namespace) -> tuple[tuple[int, ...], tuple[str, ...], tuple[int, ...], RunConfig]:
    """Seeds, methods, shots and settings; raises ConfigError with every fault."""
    count = args.seeds if args.seeds is not None else QUICK_SEEDS if args.quick else SEEDS
    methods, shots = tuple(dict.fromkeys(common.names(args.methods))), common.names(args.shots)
    unknown = [method for method in methods if method not in KNOWN]
    bare = [method for method in methods if undescribed(method) not in methods and method not in unknown]
    rules = (
        ("--seeds", count >= 1, f"must be at least 1 (it is {count})"),
        ("--first-seed", args.first_seed >= 0, f"must be 0 or more (it is {args.first_seed})"),
        ("--methods", bool(methods), "name at least one"),
        ("--methods", not unknown, f"{', '.join(unknown)} is no method; choose from {', '.join(KNOWN)}"),
        (
            "--methods",
            not bare,
            f"{', '.join(bare)} is measured on what {', '.join(map(undescribed, bare))} has trained; name that too",
        ),
        (
            "--shots",
            bool(shots) and all(one.isdigit() and 1 <= int(one) <= MOST_SHOTS for one in shots),
            f"whole numbers between 1 and {MOST_SHOTS}, with commas between (it is '{args.shots}')",
        ),
        ("--negatives", 1 <= args.negatives <= 10, f"must be between 1 and 10 (it is {args.negatives})"),
        ("--workers", args.workers is None or args.workers >= 1, f"must be at least 1 (it is {args.workers})"),
    )
    faults = [Fault(name, rule) for name, holds, rule in rules if not holds]
    if faults:
        raise ConfigError(faults)
    base = RunConfig.from_dict(read_settings_file(args.config)) if args.config else None
    config = base or settings(args.setting, quick=args.quick)
    prompts, counts = replace(config.prompts, hard_prompt=args.hard_prompt), tuple(sorted({int(one) for one in shots}))
    config = replace(config, precision=Precision(args.precision), prompts=prompts, shots=max(counts))
    config = replace(config, attention=args.attention or config.attention)
    ordered = tuple(method for method in KNOWN if method in methods)
    return tuple(range(args.first_seed, args.first_seed + count)), ordered, counts, config
