"""``import-dataset``: make clips on this disk known to the studio."""

from __future__ import annotations

import argparse
from pathlib import Path

from ga2app.cli import common
from ga2app.paths import default_home


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("import-dataset", help="make a folder of class folders, or a CSV, a known data set")
    parser.add_argument("source", metavar="FOLDER|CSV")
    parser.add_argument("--name", help="name in the studio (default: the folder's)")
    parser.add_argument("--novel", default="", help="classes that are not to be trained on, between commas")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, store, and say what came in. The clips stay where they are."""
    from ga2app.clipsets import read_clipset
    from ga2app.store import Store

    dataset = read_clipset(Path(args.source).resolve(), name=args.name, novel=common.names(args.novel))
    store = Store.open(default_home())
    try:
        store.datasets.add(dataset, origin=f"imported from {Path(args.source).name}")
    finally:
        store.close()
    counts = {"base": len(dataset.base), "novel": len(dataset.novel), "clips": len(dataset.clips)}
    if args.json:
        common.print_json({"dataset": dataset.name, **counts})
    else:
        print(f"data set '{dataset.name}': " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    return 0
