"""Data sets that a run of the queue still needs as they are, inside the caller's transaction."""

from __future__ import annotations

import sqlite_utils

from ga2app.errors import DatasetError
from ga2app.store.clip_pages import dataset_of


def refuse_edits(db: sqlite_utils.Database, dataset_id: int) -> None:
    """Raises DatasetError while a run that is to be trained on the data set waits or runs."""
    refuse_in_use(db, dataset_of(db, dataset_id)[0], "changed")


def refuse_edits_of_clips(db: sqlite_utils.Database, among: str) -> None:
    """``refuse_edits`` for the data sets of the clips whose numbers stand in the JSON list ``among``."""
    sql = "SELECT DISTINCT dataset_id FROM clips WHERE id IN (SELECT value FROM json_each(?))"
    for (dataset_id,) in db.execute(sql, [among]).fetchall():
        refuse_edits(db, dataset_id)


def refuse_in_use(db: sqlite_utils.Database, name: str, what: str) -> None:
    """Raises DatasetError, which says ``what`` cannot be done, while a run on the data set waits or runs."""
    found = db.execute(
        "SELECT id FROM runs WHERE state IN ('queued', 'running', 'stopping') "
        "AND json_extract(config, '$.dataset') = ? ORDER BY id",
        [name],
    ).fetchone()
    if found:
        raise DatasetError(
            f"run {found[0]} still needs the data set '{name}', so it cannot be {what}; wait for the run, or delete it"
        )
