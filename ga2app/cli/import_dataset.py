"""``import-dataset``: make clips on this disk known to the studio."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ga2app.cli import common
from ga2app.clipsets import (
    Division,
    Half,
    ImportReport,
    Layout,
    Missing,
    Problem,
    SplitLists,
    check_clips,
    divided,
    import_split_lists,
    read_clipset,
)
from ga2app.errors import DatasetError
from ga2app.labels import parse_labels
from ga2app.paths import default_home

SHOWN = 20
"""Problems of one kind that are printed; ``--json`` has all of them."""


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "import-dataset",
        help="make class folders, a CSV or the split lists of a known data set a data set of the studio",
    )
    parser.add_argument("source", nargs="?", metavar="FOLDER|CSV", help="class folders, or a CSV with path and label")
    parser.add_argument("--name", help="name in the studio (default: the folder's or the list's)")
    parser.add_argument(
        "--missing",
        choices=[str(choice) for choice in Missing],
        default=Missing.FAIL.value,
        help="with clips missing or unreadable: fail, importing nothing (default), or skip, importing the others",
    )
    common.add_json(parser)
    lists = parser.add_argument_group("split lists", "one clip a line: 'path label' or 'path frames label'")
    lists.add_argument(
        "--split", nargs="+", type=Path, default=[], metavar="LIST", help="training clips, or HMDB-51's folder of lists"
    )
    lists.add_argument("--test-split", nargs="+", type=Path, default=[], metavar="LIST", help="test clips")
    lists.add_argument("--labels", type=Path, metavar="FILE", help="which number is which class: CSV with id,name")
    lists.add_argument(
        "--root", type=Path, metavar="FOLDER", help="where the clips lie (default: beside the first list)"
    )
    lists.add_argument(
        "--layout",
        choices=[str(layout) for layout in Layout],
        default=Layout.AUTO.value,
        help="whose lists they are (default auto: told by their lines)",
    )
    lists.add_argument("--fold", type=int, default=1, help="which of HMDB-51's three splits (default 1)")
    lists.add_argument("--first-id", type=int, metavar="N", help="the number that the lists count classes from")
    lists.add_argument("--anchors", nargs="+", type=Path, default=[], metavar="LIST", help="irrelevant clips")
    lists.add_argument("--anchor-root", type=Path, metavar="FOLDER", help="where those lie (default: --root)")
    lists.add_argument(
        "--negatives", default="", help="negative prompts, between commas; the published runs have 'else'"
    )
    novel = parser.add_argument_group("novel classes", "those that are not to be trained on, chosen in one way")
    novel.add_argument("--novel", default="", metavar="NAMES", help=f"their names: {common.LABELS_HELP}")
    novel.add_argument("--novel-list", type=Path, metavar="FILE", help="a label list of them, or one name a line")
    novel.add_argument("--base-list", type=Path, metavar="FILE", help="a label list of all others")
    novel.add_argument(
        "--novel-half",
        nargs="?",
        const=Half.LIST.value,
        choices=[str(half) for half in Half],
        help="the second half of the label list, or the half with fewer training clips",
    )
    novel.add_argument(
        "--novel-split", nargs="+", type=Path, default=[], metavar="LIST", help="test clips of novel classes"
    )
    novel.add_argument("--novel-labels", type=Path, metavar="FILE", help="which number is which class in that list")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, store, and say what came in and what did not. The clips stay where they are."""
    from ga2app.store import Store

    report, source = _read(args)
    if report.dataset is not None:
        store = Store.open(default_home())
        try:
            store.datasets.add(report.dataset, origin=f"imported from {source.resolve().name}")
        finally:
            store.close()
    if args.json:
        common.print_json(report.to_dict())
    else:
        _print_report(report)
    if report.dataset is None:
        raise DatasetError(report.refusal())
    return 0


def _read(args: argparse.Namespace) -> tuple[ImportReport, Path]:
    """The report on what the options name, and the file or folder that gives the data set its origin."""
    half = Half(args.novel_half) if args.novel_half else None
    division = Division(tuple(parse_labels(args.novel)), args.novel_list, args.base_list, half)
    listed = [*args.split, *args.test_split]
    if args.source and listed:
        raise DatasetError(f"both '{args.source}' and split lists were given; give the folder of the clips with --root")
    if args.source:
        return _read_source(args, division), Path(args.source)
    if not listed:
        raise DatasetError("nothing to import was named; give a folder of class folders, a CSV, or --split LIST")
    lists = SplitLists(
        name=args.name or listed[0].stem,
        train=tuple(map(_absolute, args.split)),
        test=tuple(map(_absolute, args.test_split)),
        labels=args.labels,
        novel_test=tuple(map(_absolute, args.novel_split)),
        novel_labels=args.novel_labels,
        root=args.root and _absolute(args.root),
        division=division,
        layout=Layout(args.layout),
        fold=args.fold,
        first_id=args.first_id,
        missing=Missing(args.missing),
        anchors=tuple(map(_absolute, args.anchors)),
        anchor_root=args.anchor_root and _absolute(args.anchor_root),
        negatives=tuple(parse_labels(args.negatives)),
    )
    return import_split_lists(lists), listed[0]


def _read_source(args: argparse.Namespace, division: Division) -> ImportReport:
    """Class folders or a CSV."""
    options = {
        "--labels": args.labels,
        "--root": args.root,
        "--novel-split": args.novel_split,
        "--novel-labels": args.novel_labels,
        "--anchors": args.anchors,
        "--negatives": args.negatives,
    }
    if given := [option for option, value in options.items() if value]:
        raise DatasetError(
            f"only split lists take {', '.join(given)}; name one with --split in place of '{args.source}'"
        )
    dataset = divided(read_clipset(Path(args.source).resolve(), name=args.name), division)
    return check_clips(dataset, args.source, Missing(args.missing))


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _print_report(report: ImportReport) -> None:
    counts = report.to_dict()
    if report.dataset is not None:
        kinds = ", ".join(f"{counts[kind]} {kind}" for kind in ("base", "novel", "clips"))
        print(f"data set '{report.name}': {kinds} ({counts['train']} train, {counts['test']} test)")
    for title, problems in (
        ("faults in the lists", report.faults),
        ("missing or unreadable", report.missing),
        ("given more than once", report.repeated),
    ):
        _print_problems(title, problems)
    for note in report.notes:
        print(f"note: {note}")


def _print_problems(title: str, problems: Sequence[Problem]) -> None:
    if problems:
        print(f"{title}: {len(problems):,}")
    for problem in problems[:SHOWN]:
        print(f"  {problem}")
    if len(problems) > SHOWN:
        print(f"  and {len(problems) - SHOWN:,} more; --json lists them all")
