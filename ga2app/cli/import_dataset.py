"""``import-dataset`` and ``export-dataset``: clips on this disk made known to the studio, and data sets as files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.datasets import Division, Half, Layout, Missing, Problem, SplitLists
from ga2app.datasets.annotation_writers import AnnotationFormat
from ga2app.datasets.label_list import read_label_list
from ga2app.errors import DatasetError, counted
from ga2app.labels import Spelling, parse_labels

if TYPE_CHECKING:
    from ga2app.services.hub_datasets import HubSource
    from ga2app.services.import_sources import Source
    from ga2app.store.import_records import ImportRow

SHOWN = 20
"""Problems of one kind that are printed; ``--json`` has all of them."""
_WHOLE = ("list", "zip", "videofolder")
"""Forms in which all of a data set is written."""
_LISTS: dict[str, Any] = {"nargs": "+", "type": Path, "default": [], "metavar": "LIST"}


def add(commands: common.Commands) -> None:
    """Register the commands."""
    about = "make class folders, a list, a zip, a data set of the Hub or split lists a data set of the studio"
    parser = commands.add_parser("import-dataset", help=about)
    what = (
        "class folders (also in train, val, test), a CSV with path and label, a zip of either; hf:USER/NAME[@REVISION] "
        "for a data set of the Hub in the videofolder form; or annotations over time"
    )
    parser.add_argument("source", nargs="?", metavar="FOLDER|CSV|ZIP|HUB|ANNOTATIONS", help=what)
    parser.add_argument("--name", help="name in the studio (default: the folder's or the list's)")
    missing = "with clips missing or unreadable: fail, importing nothing (default), or skip, importing the others"
    parser.add_argument("--missing", choices=[*map(str, Missing)], default=Missing.FAIL.value, help=missing)
    same = "of clips with the same content take the first (default), or all"
    parser.add_argument("--duplicates", choices=["first", "all"], default="first", help=same)
    fold = "the fold for testing, where a column numbers folds; of HMDB-51's lists which split (default 1)"
    parser.add_argument("--fold", type=int, help=fold)
    names = "class names of folders and lists: words (default: 'ApplyEyeMakeup' is apply eye makeup), or as-published"
    parser.add_argument("--spelling", choices=[*map(str, Spelling)], default=Spelling.WORDS.value, help=names)
    common.add_descriptions(parser)
    parser.add_argument("--yes", action="store_true", help="download a data set of the Hub without asking first")
    common.add_json(parser)
    _add_annotations(
        parser.add_argument_group("annotations over time", "files of labeling tools; the content tells which")
    )
    _add_lists(parser.add_argument_group("split lists", "one clip a line: 'path label' or 'path frames label'"))
    _add_novel(parser.add_argument_group("novel classes", "those that are not to be trained on, chosen in one way"))
    parser.set_defaults(run=run)
    exporting = commands.add_parser(
        "export-dataset", help="write a data set as a list, a zip or a videofolder, or for a labeling tool"
    )
    exporting.add_argument("name", metavar="DATASET", help="its name in the studio")
    exporting.add_argument(
        "out", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="where to (default: here)"
    )
    forms = (
        "list: a CSV of all that the studio reads back (default); zip: with the clips; videofolder: a folder as the "
        "Hub and the library datasets read it; else stretches of the videos"
    )
    exporting.add_argument("--as", dest="form", choices=[*_WHOLE, *map(str, AnnotationFormat)], default="list",
                           help=forms)  # fmt: skip
    exporting.add_argument("--video", default="", metavar="NAME", help="of a tool's file: the stretches of this video")
    rate = "of label-studio: frames a second of its timeline, <Video frameRate> of its configuration, else 24"
    exporting.add_argument("--frame-rate", type=float, metavar="R", help=rate)
    common.add_json(exporting, run_export)


def _add_lists(lists: Any) -> None:
    lists.add_argument("--split", help="training clips, or HMDB-51's folder of lists", **_LISTS)
    lists.add_argument("--test-split", help="test clips", **_LISTS)
    lists.add_argument("--labels", type=Path, metavar="FILE", help="which number is which class: CSV with id,name")
    beside = "where the clips lie (default: beside the first list)"
    lists.add_argument("--root", type=Path, metavar="FOLDER", help=beside)
    auto: dict[str, Any] = {"choices": [*map(str, Layout)], "default": Layout.AUTO.value}
    lists.add_argument("--layout", help="whose lists they are (default auto: told by their lines)", **auto)
    lists.add_argument("--first-id", type=int, metavar="N", help="the number that the lists count classes from")
    lists.add_argument("--anchors", help="irrelevant clips", **_LISTS)
    lists.add_argument("--anchor-root", type=Path, metavar="FOLDER", help="where those lie (default: --root)")
    prompts = "negative prompts, between commas; the published runs have 'else'"
    lists.add_argument("--negatives", default="", help=prompts)


def _add_annotations(annotations: Any) -> None:
    rate = "frames a second of Label Studio's timeline: <Video frameRate> of its configuration, else 24"
    annotations.add_argument("--frame-rate", type=float, metavar="R", help=rate)
    tier = "take this tier of ELAN, attribute of VIA or subject of BORIS; may be given again (default: all)"
    annotations.add_argument("--tier", action="append", default=[], metavar="NAME", help=tier)
    dry = "print the stretches in seconds, what is cut and what is left out, or what the Hub has; import nothing"
    annotations.add_argument("--dry-run", action="store_true", help=dry)


def _add_novel(novel: Any) -> None:
    novel.add_argument("--novel", default="", metavar="NAMES", help=f"their names: {common.LABELS_HELP}")
    novel.add_argument("--novel-list", type=Path, metavar="FILE", help="a label list of them, or one name a line")
    novel.add_argument("--base-list", type=Path, metavar="FILE", help="a label list of all others")
    half: dict[str, Any] = {"nargs": "?", "const": Half.LIST.value, "choices": [*map(str, Half)]}
    second = "the second half of the label list, or the half with fewer training clips"
    novel.add_argument("--novel-half", help=second, **half)
    novel.add_argument("--novel-split", help="test clips of novel classes", **_LISTS)
    novel.add_argument("--novel-labels", type=Path, metavar="FILE", help="which number is which class in that list")


def run(args: argparse.Namespace) -> int:
    """Read, open every clip, store, and say what came in and what did not. Clips on this disk stay where they are."""
    from ga2app.datasets.label_descriptions import read_descriptions
    from ga2app.services.hub_datasets import HubSource
    from ga2app.services.import_sources import Duplicates

    source, division = _source(args)
    if args.dry_run and not isinstance(source, HubSource):
        return _dry_run(args, source)
    with common.own_studio() as studio:
        if isinstance(source, HubSource):
            if args.dry_run:
                files = {file.name: file.size_bytes for file in source.offer.files}
                return common.tell(args, {"files": files, "left_out": list(source.offer.left_out)}, source.told)
            _confirm(args, source)
        row = studio.imports.run(
            source,
            args.name or "",
            duplicates=Duplicates(args.duplicates),
            division=division,
            missing=Missing(args.missing),
            spelling=Spelling(args.spelling),
            descriptions=read_descriptions(args.descriptions) if args.descriptions else (),
            tick=_progress if sys.stderr.isatty() else None,
        )
    done = row.state == "done"
    if args.json:
        head = {"dataset": row.name, "imported": done}
        common.print_json(head | {key: value for key, value in (row.report or {}).items() if key != "name"})
    else:
        _print_report(row)
    if not done:
        raise DatasetError(row.error or "the import has failed")
    return 0


def run_export(args: argparse.Namespace) -> int:
    """Write the files, all of them or none, and name them. No file that is there is written over."""
    from ga2app.services.dataset_export import put_in_place

    listed = args.form in _WHOLE
    if listed and (args.video or args.frame_rate is not None):
        raise DatasetError(f"--video and --frame-rate are for a labeling tool's file, not for --as {args.form}")
    with common.own_studio() as studio:
        row = studio.datasets.called(args.name)
        if args.form == "videofolder":
            files = [studio.datasets.export_folder(row.id, args.out)]
        elif listed:
            made = studio.datasets.export(row.id, packed=args.form == "zip")
            files = put_in_place(args.out, {made.name: made})
        else:
            more = {"frame_rate": args.frame_rate, "video": args.video}
            files = put_in_place(args.out, studio.annotations.written(row.id, args.form, **more))
    sizes = {str(file): sum(one.stat().st_size for one in (file, *file.rglob("*")) if one.is_file()) for file in files}
    return common.tell(args, {"files": sizes}, *(f"{file}, {count:,} bytes" for file, count in sizes.items()))


def _single(args: argparse.Namespace) -> Source:
    """The folder, list, zip or file of annotations over time that ``args.source`` is."""
    from ga2app.services.annotation_files import AnnotationSource
    from ga2app.services.hub_datasets import find_dataset, hub_name
    from ga2app.services.import_sources import path_at, source_at

    if name := hub_name(args.source):
        _refuse_list_options(args, "labels root novel_split novel_labels anchors negatives")
        return replace(find_dataset(name), fold=args.fold)
    path = path_at(args.source, "folder, CSV file or zip")
    source = source_at(path, args.fold, args.root and _absolute(args.root), args.frame_rate, args.tier)
    if args.dry_run and not source.packed:
        source = AnnotationSource(path, args.root and _absolute(args.root), args.frame_rate, tuple(args.tier))
    if not isinstance(source, AnnotationSource):
        _refuse_list_options(args, "labels root novel_split novel_labels anchors negatives")
        return source
    _refuse_list_options(args, "novel_split novel_labels anchors negatives")
    problems: list[Problem] = []
    listing = read_label_list(args.labels, problems) if args.labels else None
    if problems:
        raise DatasetError(f"the labels cannot be read: {problems[0]}")
    return replace(source, labels=tuple(listing.names.items()) if listing else ())


def _dry_run(args: argparse.Namespace, source: Source) -> int:
    """Print what a file of annotations would bring."""
    from ga2app.services.annotation_files import preview
    from ga2app.services.import_sources import ListsSource

    if isinstance(source, ListsSource):
        raise DatasetError("--dry-run is for a file of annotations over time; name one")
    found = preview(source)
    if args.json:
        common.print_json(found.to_dict())
        return 0
    clips = counted(len({one.path for one in found.stretches}), "clip")
    print(f"{found.format}: {counted(len(found.stretches), 'stretch')} in {clips}; nothing was imported")
    _print_some("stretches", [f"{one.path} {one.start:.3f}-{one.end:.3f} s {one.label}" for one in found.stretches])
    _print_some("cut", [f"{one.path} {one.start:.3f}-{one.end:.3f} s {one.label}: {one.why}" for one in found.cut])
    _print_some("left out", [f"{one.path} {one.label}: {one.why}" for one in found.left_out])
    for note in found.notes:
        print(f"note: {note}")
    return 0


def _confirm(args: argparse.Namespace, source: HubSource) -> None:
    """Say how much would be downloaded, and ask. Raises DatasetError for a no, and where nobody can be asked."""
    if not (args.yes or sys.stdin.isatty()):
        raise DatasetError(f"nothing was downloaded ({source.told}); add --yes to download it, --dry-run to see it")
    print(source.told, file=sys.stderr)
    if args.yes:
        return
    print("download it? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise DatasetError("nothing was downloaded; give the command again to download it")


def _progress(stage: str, done: int, total: int) -> None:
    count = f" {done:,} of {total:,}" if total else ""
    print(f"\r\x1b[K{stage}{count}", end="" if done < total or not total else "\r\x1b[K", file=sys.stderr, flush=True)


def _source(args: argparse.Namespace) -> tuple[Source, Division]:
    """What the options name, and how its classes are divided once it has been read."""
    from ga2app.services.import_sources import ListsSource

    half = Half(args.novel_half) if args.novel_half else None
    division = Division(tuple(parse_labels(args.novel)), args.novel_list, args.base_list, half)
    listed = [*args.split, *args.test_split]
    if args.source and listed:
        raise DatasetError(f"both '{args.source}' and split lists were given; give the folder of the clips with --root")
    if args.source:
        return _single(args), division
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
        fold=1 if args.fold is None else args.fold,
        first_id=args.first_id,
        anchors=tuple(map(_absolute, args.anchors)),
        anchor_root=args.anchor_root and _absolute(args.anchor_root),
        negatives=tuple(parse_labels(args.negatives)),
    )
    return ListsSource(lists, as_options=True), Division()


def _refuse_list_options(args: argparse.Namespace, options: str) -> None:
    """``options`` of split lists do nothing for a folder, a list or a zip."""
    if given := [f"--{option.replace('_', '-')}" for option in options.split() if getattr(args, option)]:
        text = f"only split lists take {', '.join(given)}; name one with --split in place of '{args.source}'"
        raise DatasetError(text)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _print_report(row: ImportRow) -> None:
    from ga2app.datasets.import_report import flaws_of, problems_of

    report = row.report or {}
    if row.state == "done":
        kinds = ", ".join(f"{report[kind]} {kind}" for kind in ("base", "novel", "clips"))
        print(f"data set '{row.name}': {kinds} ({report['train']} train, {report['test']} test)")
    problems = {kind: problems_of(report, kind) for kind in ("faults", "missing", "repeated")}
    for kind, title in zip(
        problems, ("faults in the lists", "missing or unreadable", "given more than once"), strict=True
    ):
        _print_some(title, [str(problem) for problem in problems[kind]])
    told = {problem.entry for some in problems.values() for problem in some}
    for title, kind in (("left out", "left out"), ("taken, but worth a look", "taken")):
        flaws = [flaw for flaw in flaws_of(report) if flaw.file not in told and flaw.kind == kind]
        _print_some(title, [f"{flaw.file}: {flaw.reason}; {flaw.fix}" for flaw in flaws])
    for note in report.get("notes", ()):
        print(f"note: {note}")


def _print_some(title: str, lines: Sequence[str]) -> None:
    if lines:
        print(f"{title}: {len(lines):,}")
    for line in lines[:SHOWN]:
        print(f"  {line}")
    if len(lines) > SHOWN:
        print(f"  and {len(lines) - SHOWN:,} more; --json lists them all")
