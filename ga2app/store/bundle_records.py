"""The library: what a list of bundles shows."""

from __future__ import annotations

import builtins
import json
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlite_utils

from ga2app.errors import BundleError
from ga2app.store.database import Database
from ga2app.store.trash import Selected, discard
from ga2app.types import BundleCard, HubRevision, RunState, read_tested, to_counts
from ga2app.untrusted import one_line, stored_json

ROOM = "library"
"""The library's name in the trash."""

MAX_TITLE = 80
_OPEN = (RunState.QUEUED, RunState.RUNNING, RunState.STOPPING)

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
    told: dict[str, Any] = {name: row[name] for name in (*_AS_THEY_ARE, "created_s", "owner")}
    told["shared"] = bool(row["shared"])
    told |= {name: tuple(stored_json(row[name])) for name in _LISTS}
    told |= {name: stored_json(row[name]) for name in _FIGURES}
    hub = HubRevision(row["hub_repo"], row["hub_commit"]) if row["hub_repo"] else None
    return BundleCard(folder, **told, tested=read_tested(stored_json(row["tested"])), title=row["shown"], hub=hub)


def _like(word: str) -> str:
    escaped = word.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


class Bundles:
    """The bundles known to one home, one a folder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, card: BundleCard) -> None:
        """List a bundle; one that is listed with the same folder gets the new card and keeps its title."""
        with self._database.write() as db:
            self._add(db, card)

    def admit(self, card: BundleCard) -> BundleCard:
        """List a bundle that came from elsewhere; where another is called the same, this one's title gets a number."""
        with self._database.write() as db:
            taken = {row["shown"] for row in db.query(f"SELECT {SHOWN} AS shown {FROM}")}
            self._add(db, card)
            if card.name in taken:
                title = next(f"{card.name} {n}" for n in range(2, len(taken) + 3) if f"{card.name} {n}" not in taken)
                db.execute("UPDATE bundles SET title = ? WHERE folder = ?", [title, self._stored(card.folder)])
            return self._get(db, card.folder)

    def list(self) -> builtins.list[BundleCard]:
        """All bundles, newest first."""
        return self.page(BundleQuery(), limit=-1)

    def page(self, query: BundleQuery, *, limit: int, offset: int = 0) -> builtins.list[BundleCard]:
        """The bundles that ``query`` asks for, in its order; -1 is no limit."""
        where, values = conditions(query)
        sql = f"SELECT b.*, {SHOWN} AS shown {FROM} {where} ORDER BY {_ORDERS[query.order]} LIMIT ? OFFSET ?"
        with self._database.read() as db:
            return [self._card(row) for row in db.query(sql, [*values, limit, offset])]

    def count(self, query: BundleQuery | None = None) -> int:
        """How many bundles ``query`` finds; all of them without one."""
        where, values = conditions(query or BundleQuery())
        return int(self._database.row(f"SELECT count(*) {FROM} {where}", values)[0])

    def backbones(self) -> builtins.list[str]:
        """The backbones that the bundles belong to, by name."""
        return [row[0] for row in self._database.rows("SELECT DISTINCT backbone FROM bundles ORDER BY backbone")]

    def get(self, folder: str) -> BundleCard:
        """The card of the bundle in ``folder``. Raises BundleError if it is not listed."""
        with self._database.read() as db:
            return self._get(db, folder)

    def rename(self, folder: str, title: str) -> None:
        """Call a bundle something else; its files stay as they are. Raises BundleError for a name in use, or none."""
        title = one_line(title, "the name", BundleError)
        if not title:
            raise BundleError("the name is empty; type what the bundle shall be called")
        if len(title) > MAX_TITLE:
            raise BundleError(f"the name has {len(title)} characters; {MAX_TITLE} are the most")
        with self._database.write() as db:
            self._get(db, folder)
            stored = self._stored(folder)
            if db.execute(f"SELECT 1 {FROM} WHERE {SHOWN} = ? AND b.folder <> ?", [title, stored]).fetchone():
                raise BundleError(f"there is another bundle called '{title}'; choose another name")
            db.execute("UPDATE bundles SET title = ? WHERE folder = ?", [title, stored])

    def delete(self, folder: str) -> None:
        """Take a bundle off the list for good; its folder stays. Raises BundleError if it is not listed."""
        with self._database.write() as db:
            if not db.execute("DELETE FROM bundles WHERE folder = ?", [self._stored(folder)]).rowcount:
                raise BundleError(f"there is no bundle '{folder}' in the library; it may have been deleted already")

    def discard(self, folder: str) -> int:
        """Move a bundle to the trash, its folder with it if it lies among the home's bundles; gives the entry's number.

        Raises BundleError for the embedded one, and for one that runs in the queue have as their hard prompt.
        """
        with self._database.write() as db:
            card = self._get(db, folder)
            if card.origin == "embedded":
                raise BundleError(
                    f"'{card.title}' is part of the program, which needs it as the hard prompt of the sketch backbone; "
                    "it cannot be deleted"
                )
            if users := self._users(db, folder):
                runs = ", ".join(f"run {number}" if number else "somebody's run" for number in users)
                raise BundleError(
                    f"'{card.title}' is the hard prompt of {runs}; wait until that is done, or delete it first"
                )
            stored = self._stored(folder)
            inside = stored.startswith(f"{self._stored(self._database.home.bundles)}/")
            what = f"bundle '{card.title}'"
            return discard(db, ROOM, what, [Selected("bundles", "folder = ?", [stored])], [stored] if inside else [])

    def _users(self, db: sqlite_utils.Database, folder: str) -> builtins.list[int | None]:
        """Open runs that the bundle is the hard prompt of; None for one that whoever acts does not see."""
        marks = ", ".join("?" for _ in _OPEN)
        found = db.query(
            "SELECT (SELECT r.id FROM runs r WHERE r.id = main.runs.id) AS id, "
            "json_extract(config, '$.prompts.hard_prompt') AS named FROM main.runs "
            f"WHERE state IN ({marks}) AND json_extract(config, '$.prompts.coupled') ORDER BY main.runs.id",
            [state.value for state in _OPEN],
        )
        stored = self._stored(folder)
        return [row["id"] for row in found if row["named"] and self._stored(row["named"]) == stored]

    def _add(self, db: sqlite_utils.Database, card: BundleCard) -> None:
        (owner,) = db.execute("SELECT visitor()").fetchone()
        listed = {"created_s": time.time(), "owner": owner, "shared": int(card.origin == "embedded")}
        row = row_of(card) | {"folder": self._stored(card.folder)} | listed
        columns = ", ".join(row)
        values = ", ".join(f":{column}" for column in row)
        changes = ", ".join(f"{column} = excluded.{column}" for column in row if column not in {"folder", *listed})
        db.execute(
            f"INSERT INTO bundles ({columns}) VALUES ({values}) ON CONFLICT (folder) DO UPDATE SET {changes}", row
        )

    def _get(self, db: sqlite_utils.Database, folder: str) -> BundleCard:
        for row in db.query(f"SELECT b.*, {SHOWN} AS shown {FROM} WHERE b.folder = ?", [self._stored(folder)]):
            return self._card(row)
        raise BundleError(f"there is no bundle '{folder}' in the library; choose one from the list, or import it again")

    def _card(self, row: dict[str, Any]) -> BundleCard:
        return card_of(row, self._database.from_stored(row["folder"]))

    def _stored(self, folder: Any) -> str:
        return self._database.to_stored(folder)
