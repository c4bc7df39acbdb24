"""The first migrations of the schema; the newer ones stand in ``migrations``. None of them is ever changed."""

from __future__ import annotations

import sqlite_utils
from sqlite_utils.migrations import Migrations

migrations = Migrations("ga2app")


def run_script(db: sqlite_utils.Database, script: str) -> None:
    """Run the statements of ``script`` one by one, so that they stay in the transaction."""
    for statement in script.split(";"):
        if statement.strip():
            db.execute(statement)


@migrations()
def m001_runs(db: sqlite_utils.Database) -> None:
    """The queue and what its runs tell. Ids are never used twice, since folders are named after them."""
    run_script(
        db,
        """
        CREATE TABLE runs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            owner TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'stopping', 'stopped', 'done', 'failed')),
            config TEXT NOT NULL,
            seed INTEGER NOT NULL,
            created_s REAL NOT NULL,
            queued_s REAL NOT NULL,
            started_s REAL,
            finished_s REAL,
            heartbeat_s REAL,
            pid INTEGER,
            process_started_s REAL,
            exit_code INTEGER,
            error TEXT,
            bundle TEXT,
            attempts INTEGER NOT NULL DEFAULT 0,
            resumed_step INTEGER NOT NULL DEFAULT 0
        );
        CREATE INDEX runs_state ON runs (state, queued_s, id);
        CREATE TABLE events (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run_id INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            at_s REAL NOT NULL,
            kind TEXT NOT NULL,
            step INTEGER NOT NULL,
            "values" TEXT NOT NULL
        );
        CREATE INDEX events_run ON events (run_id, kind, id)
        """,
    )


@migrations()
def m002_datasets(db: sqlite_utils.Database) -> None:
    """Data sets: labels that are base or novel, and the clips that show them."""
    run_script(
        db,
        """
        CREATE TABLE datasets (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            origin TEXT NOT NULL,
            created_s REAL NOT NULL
        );
        CREATE TABLE labels (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
            name TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('base', 'novel')),
            UNIQUE (dataset_id, name)
        );
        CREATE TABLE clips (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
            label_id INTEGER NOT NULL REFERENCES labels (id) ON DELETE CASCADE,
            path TEXT NOT NULL,
            subset TEXT NOT NULL CHECK (subset IN ('train', 'test'))
        );
        CREATE INDEX clips_dataset ON clips (dataset_id, id);
        CREATE INDEX clips_label ON clips (label_id)
        """,
    )


@migrations()
def m003_anchors_and_negatives(db: sqlite_utils.Database) -> None:
    """Anchor sets and groups of negative prompts: those of a data set go with it, the others stand alone."""
    run_script(
        db,
        """
        CREATE TABLE anchor_sets (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            about TEXT NOT NULL DEFAULT '',
            dataset_id INTEGER UNIQUE REFERENCES datasets (id) ON DELETE CASCADE
        );
        CREATE UNIQUE INDEX anchor_sets_name ON anchor_sets (name) WHERE dataset_id IS NULL;
        CREATE TABLE anchor_clips (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            set_id INTEGER NOT NULL REFERENCES anchor_sets (id) ON DELETE CASCADE,
            path TEXT NOT NULL,
            caption TEXT NOT NULL DEFAULT '',
            enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1))
        );
        CREATE INDEX anchor_clips_set ON anchor_clips (set_id, id);
        CREATE TABLE negative_groups (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            dataset_id INTEGER UNIQUE REFERENCES datasets (id) ON DELETE CASCADE
        );
        CREATE UNIQUE INDEX negative_groups_name ON negative_groups (name) WHERE dataset_id IS NULL;
        CREATE TABLE negatives (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            group_id INTEGER NOT NULL REFERENCES negative_groups (id) ON DELETE CASCADE,
            text TEXT NOT NULL,
            enabled INTEGER NOT NULL DEFAULT 1 CHECK (enabled IN (0, 1)),
            UNIQUE (group_id, text)
        );
        CREATE TABLE seeds (
            name TEXT PRIMARY KEY,
            loaded_s REAL NOT NULL
        )
        """,
    )


@migrations()
def m004_bundles(db: sqlite_utils.Database) -> None:
    """What a list of bundles shows of each; the folder holds the bundle itself."""
    run_script(
        db,
        """
        CREATE TABLE bundles (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            folder TEXT NOT NULL UNIQUE,
            name TEXT NOT NULL,
            backbone TEXT NOT NULL,
            base TEXT NOT NULL,
            novel TEXT NOT NULL,
            metrics TEXT NOT NULL,
            zero_shot TEXT NOT NULL,
            origin TEXT NOT NULL,
            created_s REAL NOT NULL
        )
        """,
    )


@migrations()
def m005_clip_facts(db: sqlite_utils.Database) -> None:
    """What an import found out about a clip: its content (SHA-256) and its size. Empty for clips imported before."""
    for table in ("clips", "anchor_clips"):
        for column in ("digest TEXT", "seconds REAL", "frames INTEGER", "width INTEGER", "height INTEGER"):
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    run_script(
        db,
        """
        CREATE INDEX clips_digest ON clips (dataset_id, digest);
        ALTER TABLE datasets ADD COLUMN folder TEXT
        """,
    )


@migrations()
def m006_trash(db: sqlite_utils.Database) -> None:
    """Rows that were deleted and can be put back, each entry with the folders that go when it is emptied."""
    run_script(
        db,
        """
        CREATE TABLE trash (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            room TEXT NOT NULL,
            what TEXT NOT NULL,
            "rows" TEXT NOT NULL,
            folders TEXT NOT NULL,
            discarded_s REAL NOT NULL
        );
        CREATE INDEX trash_room ON trash (room, id)
        """,
    )


@migrations()
def m007_imports(db: sqlite_utils.Database) -> None:
    """Imports under way and done, with what was found wrong: a page that is opened again finds them here."""
    run_script(
        db,
        """
        CREATE TABLE imports (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL,
            owner TEXT NOT NULL DEFAULT '',
            source TEXT NOT NULL,
            state TEXT NOT NULL CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
            stage TEXT NOT NULL DEFAULT '',
            done INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,
            cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
            report TEXT,
            error TEXT,
            pid INTEGER,
            process_started_s REAL,
            created_s REAL NOT NULL,
            finished_s REAL
        )
        """,
    )


@migrations()
def m008_anchor_ratings(db: sqlite_utils.Database) -> None:
    """How irrelevant anchors are to labels, and how close negative prompts come: measured once for each question."""
    run_script(
        db,
        """
        CREATE TABLE anchor_questions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            labels TEXT NOT NULL,
            backbone TEXT NOT NULL,
            source TEXT NOT NULL DEFAULT '',
            comparable INTEGER CHECK (comparable IN (0, 1)),
            asked_s REAL NOT NULL,
            UNIQUE (labels, backbone)
        );
        CREATE TABLE anchor_ratings (
            question_id INTEGER NOT NULL REFERENCES anchor_questions (id) ON DELETE CASCADE,
            subject TEXT NOT NULL,
            value REAL NOT NULL,
            nearest TEXT NOT NULL,
            warned INTEGER NOT NULL CHECK (warned IN (0, 1)),
            PRIMARY KEY (question_id, subject)
        )
        """,
    )
