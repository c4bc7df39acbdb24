"""``protocol``: the paper's protocols over several few-shot draws, each draw beside zero-shot CLIP, mean ± std.

The preset that repeats a published run brings what was published beside it.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ga2app.cli import common
from ga2app.cli import settings_options as settings
from ga2app.config import RunConfig
from ga2app.errors import ConfigError, Fault
from ga2app.paths import default_home, write_whole
from ga2app.types import BASELINES, Dataset, rests_on

if TYPE_CHECKING:
    from ga2app.protocols.few_shot_draws import Report, Series, Session

    Protocol = Callable[[Dataset, list[int], Session], Report]

DRAWS = 3
MOST_DRAWS = 100
SHOTS = "2,4,8,16"
HEADINGS = {
    "base": "base",
    "novel": "novel",
    "hm": "HM",
    "joint_base": "joint base",
    "joint_novel": "joint novel",
    "joint_hm": "joint HM",
    "top1": "top-1",
    "top5": "top-5",
    "mean_class": "mean class",
}


def add(commands: common.Commands) -> None:
    """Register the command and its kinds."""
    parser = commands.add_parser("protocol", help="the paper's protocols: several draws in one command, mean ± std")
    kinds = parser.add_subparsers(required=True, metavar="PROTOCOL")

    base_to_novel = kinds.add_parser("base-to-novel", help="train on the base labels, test base and novel labels")
    settings.add_shots(base_to_novel)
    base_to_novel.add_argument("--joint", action="store_true", help="also let base and novel labels compete together")
    base_to_novel.set_defaults(run=run_base_to_novel)

    few_shot = kinds.add_parser("few-shot", help="train on every label with few clips each")
    few_shot.add_argument("--shots", default=SHOTS, metavar="K,K,…", help=f"training clips a label (default {SHOTS})")
    few_shot.set_defaults(run=run_few_shot)

    cross = kinds.add_parser("cross-dataset", help="train on the base labels, test on every label of other data sets")
    settings.add_shots(cross)
    cross.add_argument("--test", required=True, metavar="OTHER,…", help="data sets to test on")
    cross.set_defaults(run=run_cross_dataset)

    for kind in (base_to_novel, few_shot, cross):
        settings.add_settings(kind)
        kind.add_argument("--draws", type=int, metavar="N", help="number of few-shot draws (default 3)")
        kind.add_argument("--seeds", metavar="A,B,…", help="seed of each draw (default: the settings' seed and up)")
        kind.add_argument("--views", default="1x1", metavar="4x3", help="clips x crops of a test clip (default 1x1)")
        at_once = "draws at once, with the same figures (default: one on each CUDA device, else one)"
        kind.add_argument("--workers", type=int, metavar="N", help=at_once)
        beside = f"measure baselines on the training clips of each draw: all, or names of {', '.join(BASELINES)}"
        kind.add_argument("--baselines", nargs="?", const=",".join(BASELINES), default="", metavar="NAMES", help=beside)
        kind.add_argument("--out", type=Path, metavar="FOLDER", help="for a bundle a draw, and the report")
        common.add_json(kind)


def run_base_to_novel(args: argparse.Namespace) -> int:
    """Base, novel and HM of each draw."""
    config = settings.read_settings(args, shots=args.shots)
    from ga2app.protocols.protocol_runs import base_to_novel

    return _run(
        args, config, lambda data, seeds, session: base_to_novel(config, data, seeds, session, joint=args.joint)
    )


def run_few_shot(args: argparse.Namespace) -> int:
    """Top-1 of each draw, for each number of shots."""
    config, shots = settings.read_settings(args), _whole_numbers(args.shots, "shots", SHOTS)
    from ga2app.protocols.protocol_runs import few_shot

    return _run(args, config, lambda data, seeds, session: few_shot(config, data, shots, seeds, session))


def run_cross_dataset(args: argparse.Namespace) -> int:
    """Top-1 of each draw on each of the other data sets."""
    config = settings.read_settings(args, shots=args.shots)
    others = [common.find_dataset(name) for name in common.names(args.test)]
    from ga2app.protocols.protocol_runs import cross_dataset

    return _run(args, config, lambda data, seeds, session: cross_dataset(config, data, others, seeds, session))


def _run(args: argparse.Namespace, config: RunConfig, protocol: Protocol) -> int:
    """Run ``protocol``; Ctrl-C saves after the present step, and the same command goes on from there."""
    settings.check_complete(config)
    from ga2app.clip.loading import load_for
    from ga2app.protocols.few_shot_draws import Session, workers_for
    from ga2app.services.named_datasets import anchored
    from ga2app.video.sampling import MultiView

    seeds, views, baselines = _seeds(args, config), MultiView.parse(args.views), _baselines(args.baselines)
    workers = workers_for(args.workers, config.device, MOST_DRAWS)
    dataset = anchored(config, common.find_dataset(config.dataset))
    out: Path = args.out or _default_out(args, dataset)
    if out.exists() and not out.is_dir():
        raise ConfigError([Fault("out", f"'{out}' is a file; name a folder")])
    backbone = load_for(config)
    _say_warnings(args, config, dataset)
    try:
        with common.stoppable() as should_stop:
            session = Session(backbone, out, views, common.say, should_stop, workers, baselines)
            report = protocol(dataset, seeds, session)
    except InterruptedError as exc:
        print(f"{exc or 'stopped while measuring'}; the same command goes on from there", file=sys.stderr)
        return common.INTERRUPTED
    file = out / f"{report.protocol}.json"
    write_whole(file, json.dumps(report.to_dict(), ensure_ascii=False, indent=2))
    rows = published(report.protocol, args.preset or "")
    if args.json:
        done = {"state": "done", **report.to_dict(details=False), "out": str(out), "report": str(file)}
        common.print_json(done | ({"published": [row._asdict() for row in rows]} if rows else {}))
    else:
        print("\n\n".join(_table(series, report) for series in report.series))
        if rows:
            print(f"\n{_published_table(report.protocol, rows)}\n")
        print(f"bundles and {file.name}: {out}")
    return 0


def _say_warnings(args: argparse.Namespace, config: RunConfig, dataset: Dataset) -> None:
    """Say before the first draw what of the whitening will not be as asked for, for each number of shots."""
    from ga2app.services.run_checks import whitening_warnings

    few_shot = args.run is run_few_shot
    for shots in _whole_numbers(args.shots, "shots", SHOTS) if few_shot else [config.shots]:
        for text in whitening_warnings(replace(config, shots=shots), dataset):
            print(f"note: {f'with --shots {shots}: ' if few_shot else ''}{text}", file=sys.stderr)


def _seeds(args: argparse.Namespace, config: RunConfig) -> list[int]:
    """The seed of each draw; raises ConfigError."""
    if args.draws is not None and not 1 <= args.draws <= MOST_DRAWS:
        raise ConfigError([Fault("draws", f"must be between 1 and {MOST_DRAWS} (it is {args.draws})")])
    if args.seeds is None:
        return [config.seed + number for number in range(args.draws or DRAWS)]
    seeds = _whole_numbers(args.seeds, "seeds", "1,2,3")
    if args.draws not in (None, len(seeds)):
        raise ConfigError(
            [Fault("seeds", f"{len(seeds)} seeds for {args.draws} draws; give one a draw, or no --draws")]
        )
    return seeds


def _baselines(text: str) -> tuple[str, ...]:
    """Names of baselines between commas; raises ConfigError for one that there is not."""
    asked = common.names(text)
    if unknown := [name for name in asked if name not in BASELINES]:
        known = ", ".join(BASELINES)
        raise ConfigError([Fault("baselines", f"{', '.join(unknown)} is no baseline; choose from {known}")])
    return tuple(name for name in BASELINES if name in asked)


def _whole_numbers(text: str, field: str, example: str) -> list[int]:
    """Numbers between commas; raises ConfigError."""
    numbers = common.names(text)
    if not numbers or not all(number.isdecimal() for number in numbers):
        raise ConfigError([Fault(field, f"must be whole numbers between commas, such as {example} (it is '{text}')")])
    return [int(number) for number in numbers]


def _default_out(args: argparse.Namespace, dataset: Dataset) -> Path:
    """The same folder for the same command, so that it finds what it has finished."""
    parts = (dataset.name, args.preset or Path(args.config).stem, args.method)
    return default_home().root / "protocols" / re.sub(r"[^\w.-]+", "-", "-".join(filter(None, parts)))


def _table(series: Series, report: Report) -> str:
    """Zero-shot CLIP, each draw, and their mean ± standard deviation."""
    rows = {"zero-shot CLIP": _cells(series, series.plain)}
    for draw in series.draws:
        rows[f"seed {draw.seed}"] = _cells(series, draw.figures)
    if len(series.draws) > 1:
        spreads = series.spread().values()
        rows[f"mean of {len(series.draws)}"] = ["    –" if one is None else f"{one!s:>5}" for one in spreads]
    mean = f", mean of {len(series.draws)}" if len(series.draws) > 1 else ""
    for name in series.draws[0].baselines:
        found = series.spread(name).values()
        rows[f"{name}{mean}"] = ["    –" if one is None else f"{one!s:>5}" for one in found]
    title = {"few-shot": f"{report.dataset}, {series.title}", "cross-dataset": f"{report.dataset} to {series.title}"}
    lines = [common.table(title.get(report.protocol, series.title), map(HEADINGS.__getitem__, series.plain), rows)]
    over_clips = "In parentheses: 95% interval, over {} test clips."
    paired = report.protocol == "base-to-novel"
    lines.append(rests_on(series.tested) if paired else over_clips.format(series.tested["base"].clips))
    if any(draw.seen for draw in series.draws):
        seen = max(draw.seen for draw in series.draws)
        lines.append(f"note: up to {seen} of these test clips were trained on, so that the figures are too good")
    if series.shared:
        lines.append(f"{len(series.shared)} of its labels were trained on: {', '.join(series.shared)}")
    return "\n".join(lines)


def _published_table(protocol: str, rows: Sequence[PublishedRow]) -> str:
    """What others published beside these figures, with what they are."""
    cells = {row.method: [*(f"{one:.1f}" for one in row.figures), row.names, row.tuned] for row in rows}
    table = common.table("published", (*PUBLISHED_HEADINGS[protocol], "class names", "tuned"), cells)
    return f"{table}\nGA²-CLIP {AS_PUBLISHED}"


def _cells(series: Series, figures: Mapping[str, float | None]) -> list[str]:
    """Figures with their 95% intervals; a dash for one that is not defined."""
    found = series.intervals(figures)
    return [
        "    –" if value is None else f"{value:5.1f}" + (f" ({found[name]})" if name in found else "")
        for name, value in figures.items()
    ]


AS_PUBLISHED = "as published: one draw, best epoch on the test clips; above: the last epoch of every draw"
"""What GA²-CLIP's figures are, and what ours beside them are."""


class PublishedRow(NamedTuple):
    """One method's figures on one data set: base, novel and HM, or top-1 at 2, 4, 8 and 16 shots.

    ``names`` says how CLIP was given the class names: as published (underscores alone become spaces), in words, or with
    sentences; ``tuned`` what learns on the data set.
    """

    method: str
    figures: tuple[float, ...]
    names: str
    tuned: str


_GA2, _VIFI = "GA²-CLIP", "ViFi-CLIP prompting"
# Method, names, what is tuned; base, novel and HM on K400, HMDB-51, UCF-101 and SSv2.
_BASE_TO_NOVEL = (
    (_GA2, "as published", "prompts", (77.0, 63.3, 69.5), (78.3, 58.9, 67.2), (96.8, 75.2, 84.6), (18.7, 14.3, 16.2)),
    (_VIFI, "as published", "prompts", None, (77.1, 54.9, 64.1), (95.9, 74.1, 83.6), (15.8, 11.5, 13.3)),
    ("ViFi-CLIP fine-tuned", "as published", "towers",
     (76.4, 61.1, 67.9), (73.8, 53.3, 61.9), (92.9, 67.7, 78.3), (16.2, 12.1, 13.9)),
    ("TC-CLIP (P), K400 weights", "words", "towers", None, (79.4, 58.3, 67.2), (97.5, 84.5, 90.5), (19.6, 15.6, 17.4)),
    ("TC-CLIP", "name and sentence", "towers",
     (79.1, 65.4, 71.6), (73.3, 59.1, 65.5), (95.4, 81.6, 88.0), (17.5, 13.4, 15.2)),
    ("FROSTER", "name and sentence", "towers",
     (77.8, 64.3, 70.4), (74.1, 58.0, 65.1), (95.3, 80.0, 87.0), (18.3, 12.2, 14.6)),
    ("BDC-CLIP", "several sentences", "towers", None, (81.0, 61.3, 69.8), (97.5, 88.0, 92.5), (20.9, 18.2, 19.5)),
)  # fmt: skip
# Top-1 at 2, 4, 8 and 16 shots on the same four.
_FEW_SHOT = (
    (_GA2, "as published", "prompts", None,
     (61.9, 64.3, 68.1, 70.8), (90.0, 91.8, 93.8, 95.5), (6.8, 9.9, 10.6, 14.7)),
    (_VIFI, "as published", "prompts", None,
     (63.0, 65.1, 69.6, 72.0), (91.0, 93.7, 95.0, 96.4), (6.7, 7.9, 10.2, 13.5)),
)  # fmt: skip
_PRESETS = ("paper-k400", "paper-hmdb", "paper-ucf", "paper-ssv2")
PUBLISHED_HEADINGS = {
    "base-to-novel": ("base", "novel", "HM"),
    "few-shot": ("2 shots", "4 shots", "8 shots", "16 shots"),
}


def published(protocol: str, preset: str) -> list[PublishedRow]:
    """The rows beside ``protocol`` with the settings of ``preset``; none where nothing is published."""
    if preset not in _PRESETS or protocol not in PUBLISHED_HEADINGS:
        return []
    place = _PRESETS.index(preset)
    rows = []
    for method, names, tuned, *by_dataset in _BASE_TO_NOVEL if protocol == "base-to-novel" else _FEW_SHOT:
        if (figures := by_dataset[place]) is not None:
            rows.append(PublishedRow(method, figures, names, tuned))
    return rows
