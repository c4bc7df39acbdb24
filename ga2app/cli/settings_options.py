"""The settings of a run as options: what ``train`` and ``protocol`` share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.config import (
    ATTENTIONS,
    AUTO,
    PRESETS,
    TRACKERS,
    Precision,
    RunConfig,
    left_to_name,
    preset,
    with_shorter_warmup,
)
from ga2app.config.presets import GA2, METHODS, RENAMED, ablation
from ga2app.config.settings_files import read_settings_file
from ga2app.errors import ConfigError, Fault

if TYPE_CHECKING:
    from ga2app.clip import Backbone

MOST_THREADS = 1024


def add_settings(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """A preset or a file, which is the group that this gives, and the options that change single settings of it."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("config", nargs="?", metavar="CONFIG.json", help="settings as JSON")
    source.add_argument("--preset", choices=PRESETS, help="settings by name")
    parser.add_argument("--dataset", help="known data set, folder of class folders, or CSV file (default: as set)")
    parser.add_argument("--backbone", help="sketch, a folder, or a Hub id")
    parser.add_argument("--device", help="auto, cpu, cuda, cuda:N or mps (default: as set)")
    parser.add_argument("--precision", choices=[kind.value for kind in Precision], help="(default: as set)")
    parser.add_argument("--attention", choices=ATTENTIONS, help="auto: the faster one here (default: as set)")
    parser.add_argument("--threads", metavar="N", help="of a processor, or auto: what is faster here (default: as set)")
    parser.add_argument("--processes", metavar="N", help="sharing a run, or auto: one a CUDA device (default: as set)")
    parser.add_argument("--epochs", type=int, help="passes over the training clips")
    parser.add_argument(
        "--decoders", type=int, help="processes that decode clips at once; 0: by cores (default: as set)"
    )
    parser.add_argument(
        "--cache-bytes", type=int, help="what decoded frames may take on disk; 0: none (default: as set)"
    )
    parser.add_argument("--learning-rate", type=float, help="of the optimizer, above 0 and at most 1")
    parser.add_argument("--hard-prompt", metavar="BUNDLE", help="folder of a bundle, 'embedded' or 'random'")
    parser.add_argument("--report-to", type=common.names, metavar="NAMES", help=f"{TRACKERS_HELP} (default: as set)")
    parser.add_argument("--project", metavar="NAME", help="what trackers file the run under (default: as set)")
    parser.add_argument("--trackio-space-id", metavar="USER/NAME", help="the Space that Trackio sends the run to")
    parser.add_argument("--method", choices=METHODS[1:], help=f"{ABLATION_HELP} (default: as set)")
    return source


ABLATION_HELP = "an ablation: ga2 is the paper's method, ga2-plus the settings as they are, the others have fewer parts"
TRACKERS_HELP = f"experiment trackers between commas: {', '.join(TRACKERS)}"
COMPILE = ("off", "on", "auto")


def add_compute(parser: argparse.ArgumentParser, precision: str) -> None:
    """How an answer or a measurement is computed; without ``--precision`` in ``precision``, in words."""
    kinds = [kind.value for kind in Precision if kind is not Precision.FLOAT16]
    parser.add_argument("--precision", choices=kinds, help=f"bfloat16 changes an answer now and then ({precision})")
    parser.add_argument("--attention", choices=ATTENTIONS, default=AUTO, help="(default auto: the faster one here)")
    parser.add_argument("--threads", metavar="N", default=AUTO, help="of a processor (default auto: what is faster)")
    how: dict[str, Any] = {"nargs": "?", "const": "on", "choices": COMPILE, "default": "off"}
    about = "compile the vision tower, which takes a minute, and say what that gains; auto: only if it does"
    parser.add_argument("--compile", help=f"{about} (default off)", **how)


def load_backbone(args: argparse.Namespace, name: str, precision: Precision) -> Backbone:
    """The backbone ``name`` as the options of ``add_compute`` want it, or in ``precision``; what it gains is said."""
    from ga2app.clip import load_backbone

    threads = AUTO if args.threads == AUTO else parse_threads(args.threads)
    chosen = Precision(args.precision or precision)
    backbone = load_backbone(name, precision=chosen, attention=args.attention, threads=threads, compile=args.compile)
    if backbone.compute.precision is Precision.BFLOAT16 and chosen is Precision.AUTO:
        print(
            "note: computed in bfloat16, which is faster here and changes an answer in some hundreds; "
            "--precision float32 gives CLIP's own",
            file=sys.stderr,
        )
    if gain := backbone.compile_gain:
        use = "is compiled" if backbone.compiled else "is not compiled, since that gains nothing"
        print(f"note: the vision tower {use}: a compiled layer is {gain:.2f} times as fast here", file=sys.stderr)
    return backbone


def parse_threads(text: str) -> int:
    """A number of threads; raises ConfigError for anything else."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_THREADS):
        raise ConfigError([Fault("threads", f"must be auto or a number from 1 to {MOST_THREADS} (it is '{text}')")])
    return int(text)


def add_shots(parser: argparse.ArgumentParser) -> None:
    """The number of training clips a class."""
    parser.add_argument("--shots", type=int, help="training clips a base class")


def read_settings(args: argparse.Namespace, **changes: object) -> RunConfig:
    """The settings with what the options and ``changes`` change; raises ConfigError with every fault."""
    if args.preset:
        data = preset(args.preset, args.backbone or common.default_backbone()).to_dict()
    else:
        data = read_settings_file(args.config)
    if isinstance(data, dict):
        named = {"dataset": args.dataset, "backbone": args.backbone, "device": args.device, "precision": args.precision}
        named |= {"attention": args.attention, "threads": args.threads, "processes": args.processes}
        named |= {"report_to": args.report_to, "project": args.project, "trackio_space_id": args.trackio_space_id}
        changes = {**named, **changes}
        data |= {name: value for name, value in changes.items() if value is not None}
        _change(data, "optimizer", epochs=args.epochs, learning_rate=args.learning_rate)
        _change(data, "prompts", hard_prompt=args.hard_prompt)
        _change(data, "clips", decoders=args.decoders, cache_bytes=args.cache_bytes)
        if args.preset and args.epochs is not None:
            data = with_shorter_warmup(data, args.epochs)
    config = RunConfig.from_dict(data)
    if args.method:
        config = ablation(args.method, config)
        if args.method == GA2:
            print(f"note: {RENAMED}", file=sys.stderr)
    if args.hard_prompt is not None and not config.prompts.coupled:
        rule = "these settings couple no prompts, so that a hard prompt has no place; leave --hard-prompt out"
        raise ConfigError([Fault("prompts.hard_prompt", rule)])
    return config


def check_complete(config: RunConfig) -> None:
    """Raises ConfigError where a preset leaves something to the user that is still open."""
    if faults := left_to_name(config):
        raise ConfigError(with_options(faults))


def with_options(faults: Sequence[Fault]) -> list[Fault]:
    """``faults``, each of a hard prompt with the option that names another."""
    return [
        replace(fault, message=f"{fault.message}; the option is --hard-prompt")
        if fault.field == "prompts.hard_prompt"
        else fault
        for fault in faults
    ]


def _change(data: dict[str, Any], section: str, **values: object) -> None:
    """Set those of ``values`` that are given, unless the section is no section, which ``from_dict`` will tell."""
    given = {name: value for name, value in values.items() if value is not None}
    if given and isinstance(data.setdefault(section, {}), dict):
        data[section] = {**data[section], **given}
