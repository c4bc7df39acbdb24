"""Negative prompts as files: CSV of users, read back as it was written, and what the app ships with.

The shipped ones are put into a new database once: what a user deletes stays deleted. A later release adds to them
under a new name, so that it reaches databases that have the old ones.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import sqlite_utils

from ga2app.errors import StoreError, shown
from ga2app.paths import SEEDS
from ga2app.store.anchor_rows import NegativeEntry, NegativeRow
from ga2app.store.anchor_sets import tidy_name
from ga2app.store.database import Database
from ga2app.store.negative_prompts import group_named, tidy_text
from ga2app.store.row_guard import insert
from ga2app.untrusted import csv_rows, csv_text, parse_json, row_dicts

NEGATIVES = "negatives.csv"
ATTRIBUTES = "attributes.csv"
ANCHOR_SETS = "anchor_sets.json"
COLUMNS = ("group", "text", "enabled")
MAX_ROWS = 20_000
_YES, _NO = {"1", "true", "yes", "on", "x", ""}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class ReadPrompts:
    """What a file holds, and its faults, each with its line."""

    entries: tuple[NegativeEntry, ...]
    faults: tuple[str, ...]


def write_prompts(rows: Iterable[NegativeRow]) -> str:
    """The prompts as CSV."""
    return csv_text([COLUMNS, *((row.group, row.text, int(row.enabled)) for row in rows)])


def read_prompts(content: bytes) -> ReadPrompts:
    """The prompts of a CSV file. Lines at fault are told; the good ones are read all the same.

    ``enabled`` may be missing: then every prompt is switched on. Raises StoreError if it is no such file at all.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise StoreError(f"the file is not UTF-8 text ({exc}); save it as CSV in UTF-8") from exc
    lines = text.splitlines()
    delimiter = ";" if lines and ";" in lines[0] and "," not in lines[0] else ","
    whole = partial(io.StringIO, text, newline="")
    entries: list[NegativeEntry] = []
    faults: list[str] = []
    try:
        header = [name.lower() for name in next(csv_rows(whole(), delimiter), (0, list[str]()))[1]]
        if not {"group", "text"} <= set(header):
            raise StoreError(
                f"the first line of the file is '{shown(', '.join(header))}'; it must name the columns group, text "
                "and, if you like, enabled"
            )
        for line, row in row_dicts(whole(), delimiter):
            _read_line(row, line, entries, faults)
            if len(entries) > MAX_ROWS:
                raise StoreError(f"the file has more than {MAX_ROWS:,} prompts; split it")
    except ValueError as exc:
        raise StoreError(f"the file is no CSV ({exc}); save it anew") from exc
    return ReadPrompts(tuple(entries), tuple(faults))


def _read_line(row: dict[str, str], number: int, entries: list[NegativeEntry], faults: list[str]) -> None:
    said = row.get("enabled", "").strip().lower()
    try:
        group, text = tidy_name(row.get("group", ""), "a group"), tidy_text(row.get("text", ""))
    except StoreError as exc:
        faults.append(f"line {number}: {exc}")
        return
    if not text:
        faults.append(f"line {number}: the text is empty; type one, or delete the line")
    elif said not in _YES | _NO:
        faults.append(f"line {number}: enabled is '{said[:20]}'; write 1 or 0")
    else:
        entries.append(NegativeEntry(group, text, said in _YES))


def pasted(text: str) -> Sequence[str]:
    """Prompts that were pasted, one a line; marks of a list at the beginning of a line are dropped."""
    return [line for line in (piece.strip().lstrip("-*•").strip() for piece in text.splitlines()) if line]


@cache
def default_prompts(folder: Path = SEEDS) -> frozenset[str]:
    """The negative prompts that the app comes with; none where their file is missing."""
    path = folder / NEGATIVES
    return frozenset(text for _, text in _rows(path)) if path.is_file() else frozenset()


def load_seeds(database: Database, folder: Path = SEEDS) -> None:
    """Load each seed that this database has not had yet. A seed whose file is missing is left for later."""
    loaders: dict[str, tuple[str, Callable[[sqlite_utils.Database, Path], None]]] = {
        "negatives": (NEGATIVES, _load_texts),
        # On offer and switched off: which of them a run uses is the user's choice.
        "attributes": (ATTRIBUTES, partial(_load_texts, insert="INSERT OR IGNORE", on=0)),
        "anchor_sets": (ANCHOR_SETS, _load_anchor_sets),
    }
    had = {name for (name,) in database.rows("SELECT name FROM seeds")}
    for name, (file, load) in loaders.items():
        path = folder / file
        if name in had or not path.is_file():
            continue
        with database.write() as db:
            # Another process may have loaded it since the look above.
            if db.execute("INSERT OR IGNORE INTO seeds VALUES (?, ?)", [name, time.time()]).rowcount:
                load(db, path)


def _load_texts(db: sqlite_utils.Database, path: Path, insert: str = "INSERT", on: int = 1) -> None:
    for group, text in _rows(path):
        sql = f"{insert} INTO negatives (group_id, text, enabled) VALUES (?, ?, ?)"
        db.execute(sql, [group_named(db, group, shared=True), text, on])


def _rows(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [(row["group"], row["text"]) for _, row in row_dicts(lines)]


def _load_anchor_sets(db: sqlite_utils.Database, path: Path) -> None:
    for anchor_set in parse_json(path.read_bytes()):
        insert(db, "anchor_sets", {"name": anchor_set["name"], "about": anchor_set["about"], "shared": 1})
