"""Whose rows are whose, kept by SQLite itself: what a person sees of the database, and what that person may change.

A connection that is lent on behalf of a person has a view before each table, which holds what was made by that person
or is shared: an unqualified name in a query means the view, so that every query is covered. Statements that change
something reach the tables themselves, where triggers refuse the rows of others. A row that the person does not see is
passed over, as if it were not there. The app's own connections have none of it.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlite_utils

from ga2app.errors import AccessError

SHARED = ("datasets", "anchor_sets", "negative_groups", "runs", "bundles")
"""Tables whose rows have an ``owner`` and can be ``shared``; those of a data set follow it."""
PRIVATE = ("imports", "trash", "anchor_questions", "waiting_clips")
"""Tables whose rows have an ``owner`` and are nobody else's business."""
PARTS = {
    "labels": ("datasets", "dataset_id"),
    "clips": ("datasets", "dataset_id"),
    "anchor_clips": ("anchor_sets", "set_id"),
    "negatives": ("negative_groups", "group_id"),
    "events": ("runs", "run_id"),
    "anchor_ratings": ("anchor_questions", "question_id"),
}
"""Tables whose rows are those of whoever owns what they belong to: its table, and the column that says to which."""
READ_ONLY = {"run_data": "hash IN (SELECT data_hash FROM runs)", "seeds": "1", "_sqlite_migrations": "1"}
"""Tables that only the app changes, with the condition on what is seen of them. Of others nothing is seen."""

FOREIGN = (
    "this was made by somebody else, who shares it to be looked at and used; only that person and the owner of this "
    "Space may change it"
)
_OF_THE_APP = "this is kept by the app itself"
_NAMES_HIDDEN = (
    "there is no such data set, anchor set or group of negative prompts; a run can use what you made, and what others "
    "share"
)
_RUN_NAMES = {
    "datasets": "name = json_extract(NEW.config, '$.dataset')",
    "anchor_sets": "dataset_id IS NULL AND name = json_extract(NEW.config, '$.anchors')",
    "negative_groups": "dataset_id IS NULL AND name IN (SELECT value FROM json_each(NEW.config, '$.negatives'))",
}
_CHANGE = re.compile(
    r"\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|REPLACE\s+INTO|UPDATE(?:\s+OR\s+\w+)?|DELETE\s+FROM)\s+(?=[\"\[]?(\w+))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Actor:
    """Who acts just now.

    ``name`` is a user name in small letters; empty for the app itself and for whoever runs the machine or owns the
    Space, None for somebody who is not signed in. ``everything`` says that all rows are seen and may be changed.
    ``refusal`` is why this actor may change nothing, empty for one who may, and ``error`` makes an error of such a
    text.
    """

    name: str | None = ""
    everything: bool = False
    refusal: str = ""
    error: Callable[[str], AccessError] = AccessError


APP = Actor(everything=True)
_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


def present_actor(asked: Callable[[], Actor]) -> Actor:
    """Who acts in this block: whoever ``acting_as`` names, else the answer of ``asked``."""
    return _acting.get() or asked()


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Let ``actor`` be the one who acts in the block: work that goes on in a thread or process of the app's own."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def owner_of(name: str) -> Actor:
    """The actor that a row's ``owner`` names."""
    return Actor(name) if name else APP


def insert(db: sqlite_utils.Database, table: str, row: Mapping[str, Any]) -> int:
    """Insert a row, inside the caller's transaction, and give its id; what has owners is whoever's who acts."""
    values = dict(row)
    if table in SHARED + PRIVATE and not values.get("owner"):
        values["owner"] = db.execute("SELECT visitor()").fetchone()[0]
    columns, marks = ", ".join(f'"{name}"' for name in values), ", ".join("?" * len(values))
    return int(db.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(values.values())).lastrowid or 0)


class GuardedConnection(sqlite3.Connection):
    """A connection that is lent on behalf of ``actor``; ``guard`` has prepared it."""

    actor = Actor(None)
    target = ""

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As in ``sqlite3``; a statement that changes something goes past the view to the table."""
        return super().execute(self._past_the_view(sql), parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        """As in ``sqlite3``, likewise."""
        return super().executemany(self._past_the_view(sql), parameters)

    def _past_the_view(self, sql: str) -> str:
        rewritten, target = _to_table(sql)
        if target:
            self.target = target
        return rewritten


@lru_cache(maxsize=500)
def _to_table(sql: str) -> tuple[str, str]:
    """The statement with its target's name qualified, and the target; unchanged and empty for one that reads."""
    found = _CHANGE.match(sql)
    return (f"{found[0]}main.{sql[found.end() :]}", found[1].lower()) if found else (sql, "")


def guard(connection: GuardedConnection) -> None:
    """Put the views and triggers of persons on a new connection."""
    connection.create_function("visitor", 0, lambda: connection.actor.name, deterministic=True)
    # What follows from a change that was allowed, rows that go with their parents or names that follow, is allowed.
    connection.create_function("target", 0, lambda: connection.target)
    found = connection.execute("SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT GLOB 'sqlite_*'")
    tables = [name for (name,) in found]
    # Parents first: the view of a part reads the view of its parent.
    for table in sorted(tables, key=lambda name: (name in PARTS, name in READ_ONLY)):
        sqlite3.Connection.execute(connection, f"CREATE TEMP VIEW {table} AS {_seen(table)}")
        for event in ("INSERT", "UPDATE", "DELETE"):
            for number, (when, then) in enumerate(_refused(table, event)):
                sqlite3.Connection.execute(
                    connection,
                    f"CREATE TEMP TRIGGER guard_{table}_{event}_{number} BEFORE {event} ON main.{table} "
                    f"WHEN target() = '{table}' AND {when} BEGIN SELECT {then}; END",
                )
    hidden = " OR ".join(
        f"EXISTS (SELECT 1 FROM main.{table} WHERE {named} AND id NOT IN (SELECT id FROM {table}))"
        for table, named in _RUN_NAMES.items()
    )
    sqlite3.Connection.execute(
        connection,
        f"CREATE TEMP TRIGGER guard_named_by_runs BEFORE INSERT ON main.runs WHEN {hidden} "
        f"BEGIN SELECT RAISE(ABORT, '{_NAMES_HIDDEN}'); END",
    )


def _seen(table: str) -> str:
    if table in PARTS:
        parent, column = PARTS[table]
        # As a join the parent is looked at once, however many rows it has.
        return f"SELECT {table}.* FROM {parent} AS its JOIN main.{table} ON {table}.{column} = its.id"
    if table in SHARED:
        condition = "shared OR owner = visitor()"
    else:
        condition = "owner = visitor()" if table in PRIVATE else READ_ONLY.get(table, "0")
    return f"SELECT * FROM main.{table} WHERE {condition}"


def _refused(table: str, event: str) -> list[tuple[str, str]]:
    """Conditions on which ``event`` is refused on a row, each with what happens then."""
    if table in PARTS:
        parent, column = PARTS[table]
        of_parent = f"(SELECT {{}} FROM main.{parent} WHERE id = {{}}.{column})"
        shared = of_parent if parent in SHARED else "0"
        owner = of_parent
    elif table in SHARED + PRIVATE:
        owner, shared = "{1}.{0}", "{1}.{0}" if table in SHARED else "0"
    else:
        return [("1", f"RAISE(ABORT, '{_OF_THE_APP}')")]
    refused = []
    if event != "INSERT":
        then = f"CASE WHEN {shared.format('shared', 'OLD')} THEN RAISE(ABORT, '{FOREIGN}') ELSE RAISE(IGNORE) END"
        refused.append((f"{owner.format('owner', 'OLD')} IS NOT visitor()", then))
    if event != "DELETE":
        refused.append((f"{owner.format('owner', 'NEW')} IS NOT visitor()", f"RAISE(ABORT, '{FOREIGN}')"))
    return refused
