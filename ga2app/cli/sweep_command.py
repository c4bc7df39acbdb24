"""``sweep``: settings that vary, over a grid or drawn at random, as runs of the queue; ``sweeps``: their tables."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.cli import common
from ga2app.cli import settings_options as settings
from ga2app.errors import ConfigError, Fault, StoreError, counted
from ga2app.paths import write_whole

if TYPE_CHECKING:
    from ga2app.services.sweeps import Sweep

_FIGURES = {"accuracy": "held out", "base": "base", "novel": "novel", "hm": "HM"}


def add(commands: common.Commands) -> None:
    """Register both commands."""
    parser = commands.add_parser("sweep", help="queue a run for each of several values of settings")
    settings.add_settings(parser)
    settings.add_shots(parser)
    how = "a setting and its values, 'optimizer.learning_rate=0.001,0.004' or 'prompts.length=4..16:4'; once a setting"
    parser.add_argument("--vary", action="append", required=True, metavar="SETTING=VALUES", help=how)
    parser.add_argument("--random", type=int, metavar="N", help="draw N points (default: all combinations)")
    parser.add_argument("--random-seed", type=int, default=0, metavar="S", help="of the drawn points (default 0)")
    parser.add_argument(
        "--seeds", default="", metavar="A,B,…", help="of each point's runs, or '3 draws' (default: as set)"
    )
    parser.add_argument("--name", default="", help="what the runs are called (default: the data set's name)")
    parser.add_argument("--dry-run", action="store_true", help="check everything, print the points and queue nothing")
    common.add_json(parser, run)
    sweeps = commands.add_parser("sweeps", help="list, show, stop or delete sweeps")
    common.add_json(sweeps, list_all)
    actions = sweeps.add_subparsers(metavar="ACTION")
    for name, about, what in (
        ("show", "its runs and figures, with the best point marked", show),
        ("stop", "stop all of its runs", partial(act, "stop")),
        ("delete", "delete all of its runs; it can be undone for a week", partial(act, "delete")),
    ):
        one = actions.add_parser(name, help=about, description=about)
        one.add_argument("sweep", metavar="NUMBER", help="number of the sweep: that of its first run")
        if name == "show":
            one.add_argument("--csv", type=Path, metavar="FILE", help="also write the table to a file")
        common.add_json(one, what, default=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Check every point, then queue all of them or none."""
    from ga2app.services.sweep_points import SweepAsked, point_text
    from ga2app.services.sweeps import asked_around

    config = settings.read_settings(args, shots=args.shots)
    asked = SweepAsked(tuple(args.vary), args.random, args.random_seed)
    with common.own_studio() as studio:
        try:
            plan = studio.training.plan(asked_around(config, asked, args.name, args.seeds))
        except ConfigError as exc:
            raise ConfigError(settings.with_options(exc.faults)) from exc
        for text in plan.warnings:
            print(f"note: {text}", file=sys.stderr)
        numbers = [] if args.dry_run else studio.training.queue(plan)
    runs = [{"name": one.name, "seed": one.config.seed, "values": dict(one.point)} for one in plan.runs]
    lines = [f"{point_text(one.point)}, seed {one.config.seed}" for one in plan.runs]
    if args.dry_run:
        return common.tell(args, {"runs": runs}, *lines, f"{counted(len(runs), 'run')}; nothing was queued")
    told = f"sweep {numbers[0]}: runs {numbers[0]} to {numbers[-1]} are queued, for the studio or the command worker"
    document = {"sweep": numbers[0], "runs": [{"run": number} | one for number, one in zip(numbers, runs, strict=True)]}
    return common.tell(args, document, *lines, told)


def list_all(args: argparse.Namespace) -> int:
    """Print every sweep."""
    with common.own_studio() as studio:
        found = [studio.sweeps.get(first.sweep_id or 0) for first in studio.sweeps.all()]
    rows = [{"sweep": one.id, "name": one.name, "runs": len(one.runs), "open": one.open, **one.asked} for one in found]
    lines = [
        f"sweep {one.id}: {one.name}, {counted(len(one.runs), 'run')}, {one.open} open: "
        f"{'; '.join(one.asked.get('vary', []))}"
        for one in found
    ]
    return common.tell(args, {"sweeps": rows}, *(lines or ["no sweeps yet"]))


def show(args: argparse.Namespace) -> int:
    """Print the table of one sweep."""
    with common.own_studio() as studio:
        sweep = studio.sweeps.get(_number(args.sweep))
    if args.csv:
        try:
            write_whole(args.csv, sweep.to_csv())
        except OSError as exc:
            raise ConfigError([Fault("csv", f"'{args.csv}' cannot be written ({exc.strerror or exc})")]) from exc
    return common.tell(args, sweep.to_document(), _table(sweep), *filter(None, [sweep.note]))


def act(what: str, args: argparse.Namespace) -> int:
    """Stop or delete a sweep as a whole."""
    number = _number(args.sweep)
    with common.own_studio() as studio:
        told = studio.sweeps.stop(number) if what == "stop" else f"deleted {studio.sweeps.delete(number)}"
    return common.tell(args, {"sweep": number, "told": told}, told)


def _number(text: str) -> int:
    digits = text.removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise StoreError(f"'{text}' is no number of a sweep; the command sweeps lists them")
    return int(digits)


def _table(sweep: Sweep) -> str:
    from ga2app.services.sweep_points import value_text

    lines = [["run", *(path.rpartition(".")[2] for path in sweep.paths), "state", *_FIGURES.values(), ""]]
    for one in sweep.runs:
        figures = {**one.metrics, **one.validation}
        cells = [f"{figures[key]:.1f}" if key in figures else "–" for key in _FIGURES]
        best = "best" if one.best else ""
        lines.append([str(one.run.id), *map(value_text, one.values), one.run.state.value, *cells, best])
    return common.aligned(lines)
