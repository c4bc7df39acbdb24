"""Bundles in SQL: how a row becomes a card and back, what a list is called by, searched for and ordered by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ga2app.types import BundleCard, HubRevision, read_tested, to_counts

FROM = (
    "FROM bundles b LEFT JOIN runs r "
    "ON b.origin = 'trained' AND b.name GLOB 'run-[0-9]*' AND r.id = CAST(substr(b.name, 5) AS INTEGER)"
)
"""Bundles, each with the run that it was trained by: such a one goes by its run."""

SHOWN = (
    "CASE WHEN b.title <> '' THEN b.title "
    "WHEN b.origin = 'trained' AND b.name GLOB 'run-[0-9]*' THEN 'Run ' || CAST(substr(b.name, 5) AS INTEGER) || "
    "CASE WHEN ifnull(r.name, '') = '' THEN '' ELSE ': ' || r.name END "
    "ELSE b.name END"
)
"""How lists call a bundle."""


HUB = "hub"
"""What the origin of a bundle that was pulled begins with; the repository and the commit follow, behind a colon."""


class BundleOrder(StrEnum):
    """By what a list of bundles is sorted, the best or newest first."""

    NEWEST = "newest"
    NAME = "name"
    HM = "hm"
    GAIN = "gain"
    BASE = "base"
    NOVEL = "novel"


_ORDERS = {
    BundleOrder.NEWEST: "b.id DESC",
    BundleOrder.NAME: f"{SHOWN} COLLATE NOCASE, b.id DESC",
    BundleOrder.HM: "json_extract(b.metrics, '$.hm') DESC NULLS LAST, b.id DESC",
    BundleOrder.GAIN: "json_extract(b.metrics, '$.hm') - json_extract(b.zero_shot, '$.hm') DESC NULLS LAST, b.id DESC",
    BundleOrder.BASE: "json_extract(b.metrics, '$.base') DESC NULLS LAST, b.id DESC",
    BundleOrder.NOVEL: "json_extract(b.metrics, '$.novel') DESC NULLS LAST, b.id DESC",
}


@dataclass(frozen=True)
class BundleQuery:
    """Which bundles a list shows: ``text`` holds words that all must be found, empty fields ask for nothing.

    ``origin`` "hub" stands for whatever was pulled from the Hub, wherever it lies there.
    """

    text: str = ""
    backbone: str = ""
    origin: str = ""
    order: BundleOrder = BundleOrder.NEWEST


def order_of(query: BundleQuery) -> str:
    """What follows ORDER BY."""
    return _ORDERS[query.order]


def conditions(query: BundleQuery) -> tuple[str, list[Any]]:
    """The WHERE clause with its values; empty where nothing is asked."""
    parts: list[str] = []
    values: list[Any] = []
    for column in ("backbone", "origin"):
        if wanted := getattr(query, column):
            parts.append(f"b.{column} = ?" if (column, wanted) != ("origin", HUB) else f"b.{column} GLOB ? || ':*'")
            values.append(wanted)
    for word in query.text.split():
        # Lists of labels are stored as JSON, which writes letters beyond ASCII as escapes.
        parts.append(
            f"({SHOWN} || ' ' || b.name || ' ' || b.backbone || ' ' || b.dataset || ' ' || b.method LIKE ? ESCAPE '!' "
            "OR b.base || b.novel LIKE ? ESCAPE '!')"
        )
        values += [_like(word), _like(json.dumps(word)[1:-1])]
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), values


_AS_THEY_ARE = ("name", "backbone", "origin", "dataset", "method", "seed", "size_bytes")
_LISTS, _FIGURES = ("base", "novel"), ("metrics", "zero_shot")


def row_of(card: BundleCard) -> dict[str, Any]:
    """The columns that come from the manifest, without the folder."""
    row = {name: getattr(card, name) for name in _AS_THEY_ARE}
    row |= {name: json.dumps(getattr(card, name)) for name in _LISTS}
    row |= {name: json.dumps(dict(getattr(card, name))) for name in _FIGURES}
    return row | {"tested": json.dumps(to_counts(card.tested))}


def card_of(row: dict[str, Any], folder: str) -> BundleCard:
    """The card of a row that was selected with ``SHOWN`` as ``shown``."""
    told: dict[str, Any] = {name: row[name] for name in (*_AS_THEY_ARE, "created_s")}
    told |= {name: tuple(json.loads(row[name])) for name in _LISTS}
    told |= {name: json.loads(row[name]) for name in _FIGURES}
    hub = HubRevision(row["hub_repo"], row["hub_commit"]) if row["hub_repo"] else None
    return BundleCard(folder, **told, tested=read_tested(json.loads(row["tested"])), title=row["shown"], hub=hub)


def _like(word: str) -> str:
    escaped = word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"
