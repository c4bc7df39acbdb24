"""What the commands share: a data set by name, tables, JSON, progress, Ctrl-C."""

from __future__ import annotations

import argparse
import importlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from ga2app.environment import can_show
from ga2app.errors import ClipError, PackageError
from ga2app.stretches import seconds_of
from ga2app.types import (
    BundleCard,
    Dataset,
    Event,
    EventKind,
    SampleSize,
    as_document,
    cautions,
    figure_text,
    rests_on,
    to_counts,
    with_nulls,
)

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

Run: TypeAlias = Callable[[argparse.Namespace], int]

FIGURES = {"base": "base", "novel": "novel", "hm": "HM"}


def add_json(parser: argparse.ArgumentParser, run: Run | None = None, **more: Any) -> None:
    """The ``--json`` switch, and what answers the command: ``run``, which may leave by ``args.refuse``."""
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else", **more)
    parser.set_defaults(**({"run": run, "refuse": parser.error} if run else {}))


def add_backbone(parser: argparse.ArgumentParser, default: str) -> None:
    """``--backbone``, and what is taken without it."""
    parser.add_argument("--backbone", help=f"sketch, a folder, or a Hub id (default: {default})")


def own_studio() -> AbstractContextManager[Studio]:
    """The studio of this home, for as long as a command works."""
    from ga2app.services.studio import own_studio

    return own_studio()


def print_json(document: Mapping[str, Any]) -> None:
    """The one document of ``--json``; with escapes where the output has no sign for a letter."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    print(text if can_show(text) else json.dumps(document, indent=2))


def tell(args: argparse.Namespace, document: Mapping[str, Any], *lines: str) -> int:
    """A command's answer: ``document`` with ``--json``, else ``lines``; gives the exit status 0."""
    if args.json:
        print_json(document)
    else:
        print("\n".join(lines))
    return 0


def default_backbone() -> str:
    """The backbone that is taken where none is named."""
    from ga2app.hub import default_backbone

    return default_backbone()


def need(package: str, purpose: str, extra: str) -> None:
    """Import ``package``, which ``purpose`` takes and ``extra`` of our own package brings; raises PackageError."""
    try:
        importlib.import_module(package)
    except ImportError as exc:
        raise PackageError(
            f"{purpose} needs {package}, which cannot be imported ({exc}); "
            f'in the folder of GA² Studio run: pip install ".[{extra}]"'
        ) from exc


def print_bundle(args: argparse.Namespace, card: BundleCard, fresh: bool, **facts: Any) -> None:
    """What an import or a pull brought into the library; ``facts`` go along with ``--json``."""
    title = card.title or card.name
    said = f"belongs to backbone {card.backbone}" if fresh else "is in the library already"
    document = facts | {"bundle": card.folder, "name": title, "backbone": card.backbone, "new": fresh}
    tell(args, document, f"'{title}' {said}", f"bundle: {card.folder}")


LABELS_HELP = "class names between commas; one that holds a comma in double quotes"
"""How options take labels: see ``labels.parse_labels``."""


def add_descriptions(parser: argparse.ArgumentParser, own: str = "") -> None:
    """The option ``--descriptions``; ``own`` says which are taken where no file is named, empty where one must be."""
    what = "sentences that describe labels: JSON (name to sentence or list of sentences) or CSV (name,description)"
    optional: dict[str, Any] = {"nargs": "?", "const": OWN} if own else {}
    help_text = f"{what}; without a file {own}" if own else what
    parser.add_argument("--descriptions", type=Path, metavar="FILE", help=help_text, **optional)


OWN = Path()
"""Stands for the descriptions that a bundle or a data set has itself."""


def add_stretch(parser: argparse.ArgumentParser, of: str) -> None:
    """Add ``--start`` and ``--end``, which make a clip a stretch of a video."""
    clock = "in seconds or h:mm:ss on the file's own clock"
    parser.add_argument("--start", type=_time, metavar="TIME", help=f"look at {of} from here on, {clock}")
    parser.add_argument("--end", type=_time, metavar="TIME", help=f"look at {of} to before here, {clock}")


def _time(text: str) -> float:
    try:
        return seconds_of(text)
    except ClipError as exc:
        raise argparse.ArgumentTypeError(f"{exc.reason}; {exc.advice}") from exc


def names(text: str) -> list[str]:
    """Names between commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


@contextmanager
def noted() -> Iterator[list[str]]:
    """A list of notes, which are printed on stderr at the end."""
    notes: list[str] = []
    try:
        yield notes
    finally:
        for note in notes:
            print(f"note: {note}", file=sys.stderr)


def find_dataset(name: str) -> Dataset:
    """A data set by name, see ``named_datasets.find_dataset``; what reading it says is printed on stderr."""
    from ga2app.services.named_datasets import find_dataset

    with noted() as notes:
        return find_dataset(name, notes)


def percent_table(rows: Mapping[str, Mapping[str, float]], tested: Mapping[str, SampleSize]) -> str:
    """Base, novel and HM of each row, in percent, each with its 95% interval; below, what they rest on."""
    cells = {title: [figure_text(name, metrics, tested) for name in FIGURES] for title, metrics in rows.items()}
    return "\n".join(filter(None, (table("", FIGURES.values(), cells), rests_on(tested))))


def print_cautions(tested: Mapping[str, SampleSize]) -> None:
    """Say on stderr why the figures say less than they seem to."""
    for text in cautions(tested):
        print(f"note: {text}", file=sys.stderr)


def measured(
    metrics: Mapping[str, float], zero_shot: Mapping[str, float], tested: Mapping[str, SampleSize]
) -> dict[str, Any]:
    """Figures for ``--json``: null where one is not defined, and beside them what they rest on."""
    return {
        "metrics": with_nulls(metrics),
        "zero_shot": with_nulls(zero_shot),
        "tested": to_counts(tested),
        "intervals": as_document(metrics, tested),
        "zero_shot_intervals": as_document(zero_shot, tested),
        "cautions": cautions(tested),
    }


def table(title: str, headings: Iterable[str], rows: Mapping[str, Sequence[str]]) -> str:
    """Rows of cells under ``headings``, beside the rows' names, with ``title`` above these; all aligned at the left."""
    lines = [[title, *(f"{heading:>5}" for heading in headings)], *([name, *cells] for name, cells in rows.items())]
    return aligned(lines)


def aligned(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells, each column as wide as its widest cell."""
    import tabulate

    tabulate.PRESERVE_WHITESPACE = True  # figures come padded
    drawn = tabulate.tabulate(lines, tablefmt="plain", disable_numparse=True)
    return "\n".join(line.rstrip() for line in drawn.splitlines())


INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells use it."""


@contextmanager
def stoppable() -> Iterator[Callable[[], bool]]:
    """Gives a function that says whether Ctrl-C was pressed since; within, it does nothing else."""
    interrupted = threading.Event()
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupted.set())
    try:
        yield interrupted.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def say(event: Event) -> None:
    """Progress on stderr: a line an epoch, with the draw that it is of where several are made at once."""
    draw = f"{event.values['draw']}: " if "draw" in event.values else ""
    if event.kind is EventKind.LOG:
        print(f"{draw}{event.values['text']}", file=sys.stderr)
    elif event.kind is EventKind.EPOCH:
        figures = ", ".join(f"{key} {event.values[key]:.1f}" for key in ("base", "novel", "hm") if key in event.values)
        print(f"{draw}epoch {event.values['epoch']}, step {event.step}: {figures or 'no test clips'}", file=sys.stderr)
