"""``export`` and ``import-bundle``: a bundle into a zip file, and out of one into the library."""

from __future__ import annotations

import argparse
from pathlib import Path

from ga2app.cli import common
from ga2app.errors import BundleError
from ga2app.paths import default_home


def add(commands: common.Commands) -> None:
    """Register both commands."""
    parser = commands.add_parser("export", help="pack a bundle into a zip file")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the bundle, or its folder's name in the library")
    parser.add_argument("--out", type=Path, metavar="FILE.zip", help="the zip file (default: BUNDLE.zip)")
    common.add_json(parser)
    parser.set_defaults(run=run_export)
    parser = commands.add_parser("import-bundle", help="check a zipped bundle and put it into the library")
    parser.add_argument("file", type=Path, metavar="FILE.zip", help="a bundle as export or the Library packs it")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="new folder of the bundle, outside of the library")
    common.add_json(parser)
    parser.set_defaults(run=run_import)


def run_export(args: argparse.Namespace) -> int:
    """Pack, and say where the file is."""
    from ga2app.bundle import pack

    folder = Path(args.bundle)
    listed = default_home().bundles / args.bundle
    if not folder.is_dir() and listed.is_dir():
        folder = listed
    out: Path = args.out or Path(f"{folder.resolve().name}.zip")
    if out.exists():
        raise BundleError(f"'{out}' is there already; name another file with --out")
    pack(folder, out)
    if args.json:
        common.print_json({"file": str(out), "bytes": out.stat().st_size})
    else:
        print(f"{out}, {out.stat().st_size:,} bytes")
    return 0


def run_import(args: argparse.Namespace) -> int:
    """Take the bundle in, and say where it is."""
    from ga2app.bundle import take_in

    if args.out is not None:
        card, fresh = take_in(args.file, args.out.parent, folder=args.out)
    else:
        from ga2app.store import Store

        home = default_home()
        with Store.open(home) as store:
            known = store.bundles.list()
            taken = [Path(other.folder).name for other in known]
            card, fresh = take_in(args.file, home.bundles, taken=taken, known=[other.folder for other in known])
            card = store.bundles.admit(card) if fresh else store.bundles.get(card.folder)
    title = card.title or card.name
    if args.json:
        common.print_json({"bundle": card.folder, "name": title, "backbone": card.backbone, "new": fresh})
    else:
        said = "is in the library already" if not fresh else f"belongs to backbone {card.backbone}"
        print(f"'{title}' {said}\nbundle: {card.folder}")
    return 0
