"""``datasets``, ``runs`` and ``bundles``: what the studio keeps, listed and deleted by the rules of the screens."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.errors import StoreError, counted
from ga2app.paths import default_home
from ga2app.types import BundleCard

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

KEPT = "can be undone on its screen for a week"


@dataclass(frozen=True)
class _Kind:
    """One kind of thing: how it is called, its rows as JSON and as lines, and how those that were named are deleted."""

    command: str
    what: str
    named: str
    rows: Callable[[Studio], list[dict[str, Any]]]
    line: Callable[[dict[str, Any]], str]
    find: Callable[[Studio, str], Any]
    delete: Callable[[Studio, Any], str]


def add(commands: common.Commands) -> None:
    """Register the three commands."""
    for kind in (_DATASETS, _RUNS, _BUNDLES):
        parser = commands.add_parser(kind.command, help=f"list or delete {kind.what}")
        common.add_json(parser, partial(list_all, kind))
        actions = parser.add_subparsers(metavar="ACTION")
        # Behind an action --json says nothing where it is left out: it may stand before the action.
        listing = actions.add_parser("list", help=f"list the {kind.what} (as without an action)")
        common.add_json(listing, partial(list_all, kind), default=argparse.SUPPRESS)
        deleting = actions.add_parser("delete", help="delete those that are named; it can be undone for a week")
        deleting.add_argument("names", nargs="+", metavar=kind.named.upper(), help=f"{kind.named} of each")
        common.add_json(deleting, partial(delete, kind), default=argparse.SUPPRESS)
        if kind.command == "runs":
            about = "what is different now in the data that a run was trained on"
            changes = actions.add_parser("changes", help=about, description=about)
            changes.add_argument("run", metavar="NUMBER", help="number of the run")
            common.add_json(changes, tell_changes, default=argparse.SUPPRESS)


def list_all(kind: _Kind, args: argparse.Namespace) -> int:
    """Print every row of ``kind``."""
    rows: list[dict[str, Any]] = []
    if default_home().database.exists():
        with common.own_studio() as studio:
            rows = kind.rows(studio)
    return common.tell(args, {kind.command: rows}, *map(kind.line, rows), *([] if rows else [f"no {kind.what} yet"]))


def delete(kind: _Kind, args: argparse.Namespace) -> int:
    """Delete what is named. All of it has to be there; one that is needed stops the deletion at its place."""
    with common.own_studio() as studio:
        found = [kind.find(studio, name) for name in dict.fromkeys(args.names)]
        gone: list[str] = []
        for one in found:
            gone.append(kind.delete(studio, one))
            if not args.json:
                print(f"deleted {gone[-1]}; this {KEPT}")
    if args.json:
        common.print_json({"deleted": gone})
    return 0


def tell_changes(args: argparse.Namespace) -> int:
    """Print what changed in the data of a run since it was trained."""
    from ga2app.services.run_checks import changes_since, told_changes

    with common.own_studio() as studio:
        run_id = _find_run(studio, args.run)
        changes, told = changes_since(studio.store, run_id), told_changes(studio.store, run_id)
    return common.tell(
        args, {"run": run_id, "changes": changes}, told or "not known: it has not begun, or its data is gone"
    )


def _dataset_rows(studio: Studio) -> list[dict[str, Any]]:
    return [
        _fields(row, "id", "name", "base", "novel")
        | {"train": row.n_train, "test": row.n_test}
        | _fields(row, "anchors", "origin")
        for row in studio.store.datasets.list()
    ]


def _fields(row: object, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}


def _dataset_line(row: dict[str, Any]) -> str:
    labels = f"{len(row['base'])} base, {len(row['novel'])} novel"
    clips = counted(row["train"] + row["test"], "clip")
    return f"{row['name']}: {labels}, {clips} ({row['train']} train, {row['test']} test), {row['origin']}"


def _run_rows(studio: Studio) -> list[dict[str, Any]]:
    return [
        _fields(run, "id", "name", "state")
        | {name: str(run.config.get(name, "")) for name in ("dataset", "backbone")}
        | _fields(run, "bundle", "error", "created_s", "finished_s")
        for run in reversed(studio.store.runs.list(limit=_ALL))
    ]


def _run_line(row: dict[str, Any]) -> str:
    name = f" '{row['name']}'" if row["name"] else ""
    end = f", {row['error']}" if row["error"] else f", bundle {row['bundle']}" if row["bundle"] else ""
    return f"run {row['id']}{name}: {row['state']}, on {row['dataset']} with {row['backbone']}{end}"


def _find_run(studio: Studio, number: str) -> int:
    digits = number.removeprefix("#")
    if not (digits.isascii() and digits.isdigit()):
        raise StoreError(f"'{number}' is no number of a run; the command runs lists them")
    return studio.runs.get(int(digits)).id


def _bundle_rows(studio: Studio) -> list[dict[str, Any]]:
    return [
        {"name": card.title or card.name, **_fields(card, "folder", "backbone", "base", "novel")}
        | {"metrics": dict(card.metrics), "origin": card.origin, "bytes": card.size_bytes}
        for card in studio.store.bundles.list()
    ]


def _bundle_line(row: dict[str, Any]) -> str:
    metrics = row["metrics"]
    figures = "".join(f", {name} {metrics[name]:.1f}" for name in ("base", "novel", "hm") if name in metrics)
    return f"{row['name']}: {row['origin']}, for {row['backbone']}{figures}, in {row['folder']}"


def _delete_bundle(studio: Studio, card: BundleCard) -> str:
    studio.store.bundles.discard(card.folder)
    return f"bundle '{card.title or card.name}'"


_ALL = 1_000_000
_DATASETS = _Kind(
    "datasets",
    "data sets",
    "name",
    _dataset_rows,
    _dataset_line,
    lambda studio, name: studio.datasets.called(name).id,
    lambda studio, dataset_id: studio.datasets.delete(dataset_id),
)
_RUNS = _Kind(
    "runs",
    "training runs",
    "number",
    _run_rows,
    _run_line,
    _find_run,
    lambda studio, run_id: studio.runs.delete(run_id),
)
_BUNDLES = _Kind(
    "bundles",
    "prompt bundles",
    "name",
    _bundle_rows,
    _bundle_line,
    lambda studio, name: studio.bundle_called(name),
    _delete_bundle,
)
