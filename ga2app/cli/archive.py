"""``export`` and ``import-bundle``: a bundle into a zip file or into ONNX, and out of a zip into the library."""

from __future__ import annotations

import argparse
from pathlib import Path

from ga2app.cli import common
from ga2app.errors import BundleError
from ga2app.paths import default_home


def add(commands: common.Commands) -> None:
    """Register both commands."""
    parser = commands.add_parser("export", help="pack a bundle into a zip file, or write it for programs without torch")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the bundle, or its folder's name in the library")
    parser.add_argument("place", nargs="?", type=Path, metavar="OUT", help="where to write, as --out")
    parser.add_argument("--out", type=Path, help="the zip file (default: BUNDLE.zip), or a new folder (BUNDLE-onnx)")
    parser.add_argument(
        "--onnx",
        action="store_true",
        help="a folder with the vision side as ONNX, the labels' features, and a script that uses them without torch",
    )
    parser.add_argument("--labels", help="with --onnx: class names between commas (default: the bundle's own)")
    parser.add_argument("--backbone", help="with --onnx: where the bundle's CLIP is (default: what the bundle names)")
    common.add_json(parser)
    parser.set_defaults(run=run_export, refuse=parser.error)
    parser = commands.add_parser("import-bundle", help="check a zipped bundle and put it into the library")
    parser.add_argument("file", type=Path, metavar="FILE.zip", help="a bundle as export or the Library packs it")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="new folder of the bundle, outside of the library")
    common.add_json(parser)
    parser.set_defaults(run=run_import)


def run_export(args: argparse.Namespace) -> int:
    """Pack or write, and say where it is."""
    if args.place and args.out:
        args.refuse("name one place, OUT or --out")
    if not args.onnx and (args.labels or args.backbone):
        args.refuse("--labels and --backbone belong to --onnx")
    folder = Path(args.bundle)
    listed = default_home().bundles / args.bundle
    if not folder.is_dir() and listed.is_dir():
        folder = listed
    out: Path | None = args.place or args.out
    name = folder.resolve().name
    if args.onnx:
        from ga2app.cli import export_onnx

        return export_onnx.run(args, folder, out or Path(f"{name}-onnx"))
    return _zip(args, folder, out or Path(f"{name}.zip"))


def _zip(args: argparse.Namespace, folder: Path, out: Path) -> int:
    from ga2app.bundles import pack

    if out.exists():
        raise BundleError(f"'{out}' is there already; name another file with --out")
    pack(folder, out, name=_title(folder))
    if args.json:
        common.print_json({"file": str(out), "bytes": out.stat().st_size})
    else:
        print(f"{out}, {out.stat().st_size:,} bytes")
    return 0


def _title(folder: Path) -> str:
    """What the library calls the bundle in ``folder``; empty where it does not list it."""
    from ga2app.store import Store

    home = default_home()
    if not home.database.exists():
        return ""
    with Store.open(home) as store:
        listed = {Path(card.folder).resolve(): card.title for card in store.bundles.list()}
    return listed.get(folder.resolve(), "")


def run_import(args: argparse.Namespace) -> int:
    """Take the bundle in, and say where it is."""
    from ga2app.bundles import take_in

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
