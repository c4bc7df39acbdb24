"""``sketch``: draw clips of the sketch world."""

from __future__ import annotations

import argparse
from pathlib import Path

from ga2app.cli import common


def add(commands: common.Commands) -> None:
    """Register the command and its kinds."""
    parser = commands.add_parser("sketch", help="draw clips of actions and scenes")
    kinds = parser.add_subparsers(required=True, metavar="KIND")

    generate = kinds.add_parser("generate", help="draw labelled clips into class folders")
    generate.add_argument("--out", type=Path, required=True, help="folder of the class folders")
    generate.add_argument("--style", default="plain", help="plain, camcorder or film (default plain)")
    generate.add_argument("--clips", type=int, default=2, help="clips a class (default 2)")
    generate.add_argument("--actions", default="", help="names between commas (default: every action)")
    generate.add_argument("--seed", type=int, default=0, help="another one draws other clips (default 0)")
    common.add_json(generate)
    generate.set_defaults(run=run_generate)


def run_generate(args: argparse.Namespace) -> int:
    """Draw clips and say where they are."""
    from ga2app.synthetic.demo_dataset import generate

    made = generate(args.out, args.style, args.clips, args.seed, common.names(args.actions))
    if args.json:
        common.print_json({"clips": [{"file": str(path), "label": label} for path, label in made]})
    else:
        print(f"{len(made)} clips of {len({label for _, label in made})} actions in {args.out}")
    return 0
