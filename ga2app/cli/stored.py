"""``datasets``, ``runs`` and ``bundles``: what the studio keeps, listed and deleted by the rules of the screens."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.errors import BundleError, StoreError
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
        common.add_json(parser)
        parser.set_defaults(run=lambda args, kind=kind: list_all(kind, args.json))
        actions = parser.add_subparsers(metavar="ACTION")
        listing = actions.add_parser("list", help=f"list the {kind.what} (as without an action)")
        _add_json(listing)
        listing.set_defaults(run=lambda args, kind=kind: list_all(kind, args.json))
        deleting = actions.add_parser("delete", help="delete those that are named; it can be undone for a week")
        deleting.add_argument("names", nargs="+", metavar=kind.named.upper(), help=f"{kind.named} of each")
        _add_json(deleting)
        deleting.set_defaults(run=lambda args, kind=kind: delete(kind, args.names, args.json))


def _add_json(parser: argparse.ArgumentParser) -> None:
    """``--json`` behind the action too, without undoing one before it."""
    text = "print one JSON document and nothing else"
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=text)


def list_all(kind: _Kind, as_json: bool) -> int:
    """Print every row of ``kind``."""
    rows: list[dict[str, Any]] = []
    if default_home().database.exists():
        with common.own_studio() as studio:
            rows = kind.rows(studio)
    if as_json:
        common.print_json({kind.command: rows})
    elif not rows:
        print(f"no {kind.what} yet")
    for row in () if as_json else rows:
        print(kind.line(row))
    return 0


def delete(kind: _Kind, names: Sequence[str], as_json: bool) -> int:
    """Delete what is named. All of it has to be there; one that is needed stops the deletion at its place."""
    with common.own_studio() as studio:
        found = [kind.find(studio, name) for name in dict.fromkeys(names)]
        gone: list[str] = []
        for one in found:
            gone.append(kind.delete(studio, one))
            if not as_json:
                print(f"deleted {gone[-1]}; this {KEPT}")
    if as_json:
        common.print_json({"deleted": gone})
    return 0


def _dataset_rows(studio: Studio) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "name": row.name,
            "base": list(row.base),
            "novel": list(row.novel),
            "train": row.n_train,
            "test": row.n_test,
            "anchors": row.anchors,
            "origin": row.origin,
        }
        for row in studio.store.datasets.list()
    ]


def _dataset_line(row: dict[str, Any]) -> str:
    labels = f"{len(row['base'])} base, {len(row['novel'])} novel"
    clips = common.counted(row["train"] + row["test"], "clip")
    return f"{row['name']}: {labels}, {clips} ({row['train']} train, {row['test']} test), {row['origin']}"


def _run_rows(studio: Studio) -> list[dict[str, Any]]:
    return [
        {
            "id": run.id,
            "name": run.name,
            "state": run.state.value,
            "dataset": str(run.config.get("dataset", "")),
            "backbone": str(run.config.get("backbone", "")),
            "bundle": run.bundle,
            "error": run.error,
            "created_s": run.created_s,
            "finished_s": run.finished_s,
        }
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
        {
            "name": card.title or card.name,
            "folder": card.folder,
            "backbone": card.backbone,
            "base": list(card.base),
            "novel": list(card.novel),
            "metrics": dict(card.metrics),
            "origin": card.origin,
            "bytes": card.size_bytes,
        }
        for card in studio.store.bundles.list()
    ]


def _bundle_line(row: dict[str, Any]) -> str:
    metrics = row["metrics"]
    figures = "".join(f", {name} {metrics[name]:.1f}" for name in ("base", "novel", "hm") if name in metrics)
    return f"{row['name']}: {row['origin']}, for {row['backbone']}{figures}, in {row['folder']}"


def _find_bundle(studio: Studio, name: str) -> BundleCard:
    cards = [card for card in studio.store.bundles.list() if name in (card.title or card.name, card.folder)]
    if len(cards) == 1:
        return cards[0]
    if cards:
        folders = ", ".join(card.folder for card in cards)
        raise BundleError(f"{len(cards)} bundles are called '{name}'; name one by its folder: {folders}")
    raise BundleError(f"there is no bundle '{name}' in the library; the command bundles lists them")


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
_BUNDLES = _Kind("bundles", "prompt bundles", "name", _bundle_rows, _bundle_line, _find_bundle, _delete_bundle)
