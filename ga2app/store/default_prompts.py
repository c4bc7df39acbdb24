"""The prompts that the app ships with, put into a new database once: what a user deletes stays deleted.

A later release adds to them with a seed of a new name, so that it reaches databases that have the old one.
"""

from __future__ import annotations

import csv
import json
import time
from functools import cache
from pathlib import Path

import sqlite_utils

from ga2app.paths import SEEDS
from ga2app.store.database import Database

NEGATIVES = "negatives.csv"
ATTRIBUTES = "attributes.csv"
ANCHOR_SETS = "anchor_sets.json"


@cache
def default_prompts(folder: Path = SEEDS) -> frozenset[str]:
    """The negative prompts that the app comes with; none where their file is missing."""
    path = folder / NEGATIVES
    return frozenset(text for _, text in _rows(path)) if path.is_file() else frozenset()


def load_seeds(database: Database, folder: Path = SEEDS) -> None:
    """Load each seed that this database has not had yet. A seed whose file is missing is left for later."""
    loaders = {
        "negatives": (NEGATIVES, _load_negatives),
        "attributes": (ATTRIBUTES, _load_attributes),
        "anchor_sets": (ANCHOR_SETS, _load_anchor_sets),
    }
    with database.read() as db:
        had = {name for (name,) in db.execute("SELECT name FROM seeds")}
    for name, (file, load) in loaders.items():
        path = folder / file
        if name in had or not path.is_file():
            continue
        with database.write() as db:
            # Another process may have loaded it since the look above.
            if db.execute("INSERT OR IGNORE INTO seeds VALUES (?, ?)", [name, time.time()]).rowcount:
                load(db, path)


def _load_negatives(db: sqlite_utils.Database, path: Path) -> None:
    for group, text in _rows(path):
        db.execute("INSERT INTO negatives (group_id, text) VALUES (?, ?)", [_group(db, group), text])


def _load_attributes(db: sqlite_utils.Database, path: Path) -> None:
    """Generic attributes are on offer and switched off: which of them a run uses is the user's choice."""
    for group, text in _rows(path):
        db.execute(
            "INSERT OR IGNORE INTO negatives (group_id, text, enabled) VALUES (?, ?, 0)", [_group(db, group), text]
        )


def _rows(path: Path) -> list[tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [(row["group"], row["text"]) for row in csv.DictReader(lines)]


def _group(db: sqlite_utils.Database, name: str) -> int:
    """The id of the group ``name``, which is made if need be."""
    found = "SELECT id FROM negative_groups WHERE name = ? AND dataset_id IS NULL"
    row = db.execute(found, [name]).fetchone()
    if row is None:
        db.table("negative_groups").insert({"name": name})
        row = db.execute(found, [name]).fetchone()
    return int(row[0])


def _load_anchor_sets(db: sqlite_utils.Database, path: Path) -> None:
    for anchor_set in json.loads(path.read_text(encoding="utf-8")):
        db.table("anchor_sets").insert({"name": anchor_set["name"], "about": anchor_set["about"]})
