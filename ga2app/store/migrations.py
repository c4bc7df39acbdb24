"""The schema, as ordered, named migrations that are only ever appended to. Each is atomic with its record.

Times are seconds since the epoch. Rows have ids of their own, so that an edit of one row never touches another.
"""

from __future__ import annotations

import os
from pathlib import Path

import sqlite_utils

from ga2app.errors import StoreError
from ga2app.store.early_migrations import migrations, run_script


def known_names() -> list[str]:
    """The names of all migrations, in their order."""
    return [migration.name for migration in migrations._migrations]


def migrate(db: sqlite_utils.Database, path: Path) -> None:
    """Bring ``db`` to the newest schema. Raises StoreError if it is newer than this program."""
    known = known_names()
    strange = [migration.name for migration in migrations.applied(db) if migration.name not in known]
    if strange:
        raise StoreError(
            f"the database '{path}' was made by a newer version of GA² Studio (it has '{strange[-1]}'); "
            "update the app, or set GA2_HOME to another folder"
        )
    while migrations.pending(db):
        # Two processes may open a new home at once: the lock makes the second one wait, then find nothing to do.
        db.execute("BEGIN IMMEDIATE")
        try:
            pending = [migration.name for migration in migrations.pending(db)]
            migrations.apply(db, stop_before=pending[1:2])
            db.commit()
        except BaseException:
            db.rollback()
            raise


@migrations()
def m009_bundle_facts(db: sqlite_utils.Database) -> None:
    """What the library shows of a bundle besides: empty for bundles listed before, until somebody looks at them."""
    for column in (
        "title TEXT NOT NULL DEFAULT ''",
        "dataset TEXT NOT NULL DEFAULT ''",
        "method TEXT NOT NULL DEFAULT ''",
        "seed INTEGER",
        "size_bytes INTEGER NOT NULL DEFAULT 0",
    ):
        db.execute(f"ALTER TABLE bundles ADD COLUMN {column}")


@migrations()
def m010_hub_revisions(db: sqlite_utils.Database) -> None:
    """Where on the Hub a bundle or an anchor set was pushed to or pulled from last, and the commit; else empty."""
    for table in ("bundles", "anchor_sets"):
        for column in ("hub_repo", "hub_commit"):
            db.execute(f"ALTER TABLE {table} ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")


@migrations()
def m011_edits_in_the_trash(db: sqlite_utils.Database) -> None:
    """Edits wait in the trash beside deletions, to be undone: rows with their former values."""
    db.execute("ALTER TABLE trash ADD COLUMN edit INTEGER NOT NULL DEFAULT 0 CHECK (edit IN (0, 1))")


@migrations()
def m012_tested(db: sqlite_utils.Database) -> None:
    """On how many test clips and labels the figures of a bundle rest; empty for bundles listed before.

    Of these, the figures that are 100% by construction go: with one novel label novel accuracy, and HM with it.
    """
    db.execute("ALTER TABLE bundles ADD COLUMN tested TEXT NOT NULL DEFAULT '{}'")
    db.execute(
        "UPDATE bundles SET metrics = json_remove(metrics, '$.novel', '$.hm'), "
        "zero_shot = json_remove(zero_shot, '$.novel', '$.hm') WHERE json_array_length(novel) = 1"
    )


@migrations()
def m013_run_data(db: sqlite_utils.Database) -> None:
    """What runs are trained and measured on, kept once for all that share it; empty for runs that began before."""
    db.execute("CREATE TABLE run_data (hash TEXT PRIMARY KEY, state TEXT NOT NULL)")
    db.execute("ALTER TABLE runs ADD COLUMN data_hash TEXT NOT NULL DEFAULT ''")


@migrations()
def m014_defined_figures(db: sqlite_utils.Database) -> None:
    """What runs of before told of novel labels where there was but one: it is 100% by construction, and HM with it.

    The labels are those of the run's bundle, or of its data set where it has none.
    """
    db.execute(
        """
        UPDATE events SET "values" = json_remove("values", '$.novel', '$.hm')
        WHERE kind IN ('zero_shot', 'epoch') AND json_extract("values", '$.novel') = 100 AND run_id IN (
            SELECT id FROM runs WHERE 1 = coalesce(
                (SELECT json_array_length(novel) FROM bundles WHERE folder = runs.bundle),
                (SELECT count(*) FROM labels JOIN datasets ON datasets.id = dataset_id
                 WHERE kind = 'novel' AND datasets.name = json_extract(config, '$.dataset'))
            )
        )
        """
    )


_RESOLVE = """
UPDATE runs SET
    dataset_id = ifnull(dataset_id, (SELECT id FROM datasets WHERE name = json_extract(config, '$.dataset'))),
    anchor_set_id = ifnull(anchor_set_id, (
        SELECT id FROM anchor_sets WHERE dataset_id IS NULL AND name = json_extract(config, '$.anchors'))),
    negative_ids = ifnull(negative_ids, (
        SELECT json_group_array(id) FROM negative_groups
        WHERE dataset_id IS NULL AND name IN (SELECT value FROM json_each(config, '$.negatives'))))
"""
_RENAMED_MEANWHILE = """
UPDATE runs SET config = json_set(config, '$.{key}', (SELECT name FROM {table} WHERE id = {column}))
WHERE id = NEW.id AND EXISTS (
    SELECT 1 FROM {table} WHERE {table}.id = runs.{column} AND {table}.name <> json_extract(config, '$.{key}'))
"""
_FOLLOW_A_NAME = """
CREATE TRIGGER runs_follow_{table} AFTER UPDATE OF name ON {table} WHEN OLD.name <> NEW.name BEGIN
    UPDATE runs SET config = json_set(config, '$.{key}', NEW.name) WHERE {column} = NEW.id;
END
"""
_FOLLOW_GROUPS = """
CREATE TRIGGER runs_follow_negative_groups AFTER UPDATE OF name ON negative_groups WHEN OLD.name <> NEW.name BEGIN
    UPDATE runs SET config = json_set(config, '$.negatives', json((
        SELECT json_group_array(CASE value WHEN OLD.name THEN NEW.name ELSE value END)
        FROM json_each(config, '$.negatives'))))
    WHERE NEW.id IN (SELECT value FROM json_each(negative_ids));
END
"""


@migrations()
def m015_run_references(db: sqlite_utils.Database) -> None:
    """Runs refer to data set, anchor set and groups of prompts by id; older rows, by name, are resolved once here.

    The names in their settings follow when something is renamed. What a run names before it is there (the demo, drawn
    by the worker) is resolved when it comes. A failed run has the code of its error.
    """
    for column in ("dataset_id INTEGER", "anchor_set_id INTEGER", "negative_ids TEXT"):
        db.execute(f"ALTER TABLE runs ADD COLUMN {column}")
    db.execute("ALTER TABLE runs ADD COLUMN error_code TEXT NOT NULL DEFAULT ''")
    db.execute(_RESOLVE)
    named = (
        ("datasets", "dataset", "dataset_id", "1"),
        ("anchor_sets", "anchors", "anchor_set_id", "NEW.dataset_id IS NULL"),
    )
    restored = "".join(
        f"{_RENAMED_MEANWHILE.format(table=table, key=key, column=column)};" for table, key, column, _ in named
    )
    db.execute(f"CREATE TRIGGER runs_resolve AFTER INSERT ON runs BEGIN {_RESOLVE} WHERE id = NEW.id; {restored} END")
    for table, key, column, alone in named:
        db.execute(_FOLLOW_A_NAME.format(table=table, key=key, column=column))
        db.execute(
            f"CREATE TRIGGER runs_find_{table} AFTER INSERT ON {table} WHEN {alone} "
            f"BEGIN UPDATE runs SET {column} = NEW.id WHERE {column} IS NULL AND state <> 'done' "
            f"AND json_extract(config, '$.{key}') = NEW.name; END"
        )
    db.execute(_FOLLOW_GROUPS)


@migrations()
def m015_counted_clips(db: sqlite_utils.Database) -> None:
    """Clips are counted by subset and label from an index alone, however many there are."""
    db.execute("CREATE INDEX clips_counted ON clips (dataset_id, subset, label_id)")


@migrations()
def m016_devices(db: sqlite_utils.Database) -> None:
    """On which device a run is trained or was trained last, and what it asked for where that is not this machine."""
    for column in ("device", "remote"):
        db.execute(f"ALTER TABLE runs ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")


@migrations()
def m017_files_of_clips(db: sqlite_utils.Database) -> None:
    """Whether anybody has a file, or its content, is found at once: each picture that is served asks."""
    for table in ("clips", "anchor_clips"):
        for column in ("digest", "path"):
            db.execute(f"CREATE INDEX {table}_by_{column} ON {table} ({column})")


@migrations()
def m018_hosts(db: sqlite_utils.Database) -> None:
    """On which machine a run or an import is worked on, an import's heartbeat, and the time of a run's checkpoint when
    a worker took it: a later one is progress. Rows of before are this machine's.
    """
    for table in ("runs", "imports"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN host TEXT NOT NULL DEFAULT ''")
    db.execute("ALTER TABLE runs ADD COLUMN checkpoint_ns INTEGER")
    db.execute("ALTER TABLE imports ADD COLUMN heartbeat_s REAL")


_OWN_QUESTIONS = """
CREATE TABLE asked_questions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL DEFAULT '',
    labels TEXT NOT NULL,
    backbone TEXT NOT NULL,
    source TEXT NOT NULL DEFAULT '',
    comparable INTEGER CHECK (comparable IN (0, 1)),
    asked_s REAL NOT NULL,
    UNIQUE (owner, labels, backbone)
);
CREATE TABLE given_ratings (
    question_id INTEGER NOT NULL REFERENCES asked_questions (id) ON DELETE CASCADE,
    subject TEXT NOT NULL,
    value REAL NOT NULL,
    nearest TEXT NOT NULL,
    warned INTEGER NOT NULL CHECK (warned IN (0, 1)),
    PRIMARY KEY (question_id, subject)
);
INSERT INTO asked_questions (id, labels, backbone, source, comparable, asked_s)
    SELECT id, labels, backbone, source, comparable, asked_s FROM anchor_questions;
INSERT INTO given_ratings SELECT question_id, subject, value, nearest, warned FROM anchor_ratings;
DROP TABLE anchor_ratings;
DROP TABLE anchor_questions;
ALTER TABLE asked_questions RENAME TO anchor_questions;
ALTER TABLE given_ratings RENAME TO anchor_ratings
"""


@migrations()
def m019_owners(db: sqlite_utils.Database) -> None:
    """Whose a row is, and whether others see it, for a Space with several people; what belongs to a data set follows.

    What a Space has shown to everybody stays so, and what the app itself made is everybody's.
    """
    shown = int(bool(os.environ.get("SPACE_ID")))
    for table in ("datasets", "anchor_sets", "negative_groups", "bundles", "trash"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN owner TEXT NOT NULL DEFAULT ''")
    for table in ("datasets", "anchor_sets", "negative_groups", "bundles", "runs"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1))")
        db.execute(f"UPDATE {table} SET shared = ?", [shown])
    db.execute("UPDATE bundles SET shared = 1 WHERE origin = 'embedded'")
    db.execute("UPDATE datasets SET shared = 1 WHERE name = 'demo' AND origin = 'drawn by the app'")
    db.execute("UPDATE anchor_sets SET shared = 1 WHERE name = 'drawn scenes' AND dataset_id IS NULL")
    parts = ("anchor_sets", "negative_groups")
    for table in parts:
        db.execute(f"UPDATE {table} SET shared = 1 WHERE dataset_id IN (SELECT id FROM datasets WHERE shared)")
    follow = (
        f"UPDATE {table} SET owner = NEW.owner, shared = NEW.shared WHERE dataset_id = NEW.id;" for table in parts
    )
    db.execute(
        f"CREATE TRIGGER datasets_parts_follow AFTER UPDATE OF owner, shared ON datasets BEGIN {' '.join(follow)} END"
    )
    run_script(db, _OWN_QUESTIONS)
    db.execute("CREATE INDEX clips_by_label ON clips (dataset_id, label_id)")


@migrations()
def m020_methods_read_again(db: sqlite_utils.Database) -> None:
    """``ga2`` was ours and is the paper's method: of such bundles the settings say which, when they are next listed."""
    db.execute("UPDATE bundles SET method = '' WHERE method = 'ga2'")


@migrations()
def m021_descriptions(db: sqlite_utils.Database) -> None:
    """Sentences that describe a label, or a negative prompt, as a JSON list."""
    for table in ("labels", "negatives"):
        db.execute(f"ALTER TABLE {table} ADD COLUMN descriptions TEXT NOT NULL DEFAULT '[]'")


@migrations()
def m022_reviewed_clips(db: sqlite_utils.Database) -> None:
    """What was said of a clip (confirmed, corrected, skipped or nothing), and clips that wait to join a data set."""
    db.execute("ALTER TABLE clips ADD COLUMN reviewed TEXT NOT NULL DEFAULT ''")
    db.execute(
        "CREATE TABLE waiting_clips (id INTEGER PRIMARY KEY AUTOINCREMENT, owner TEXT NOT NULL DEFAULT '', "
        "path TEXT NOT NULL, digest TEXT NOT NULL, answers TEXT NOT NULL, certainty REAL NOT NULL, "
        "created_s REAL NOT NULL)"
    )


@migrations()
def m023_sweeps(db: sqlite_utils.Database) -> None:
    """Runs that were queued together as points of a sweep: its number, that of its first run, and what it asked for."""
    db.execute("ALTER TABLE runs ADD COLUMN sweep_id INTEGER")
    db.execute("ALTER TABLE runs ADD COLUMN sweep TEXT NOT NULL DEFAULT ''")
    db.execute("CREATE INDEX runs_of_sweeps ON runs (sweep_id) WHERE sweep_id IS NOT NULL")


@migrations()
def m024_datasets_of_the_hub(db: sqlite_utils.Database) -> None:
    """What a data set was on the Hub when it was last pushed or downloaded, as bundles and anchor sets have it."""
    for column in ("hub_repo", "hub_commit"):
        db.execute(f"ALTER TABLE datasets ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
