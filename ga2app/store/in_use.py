"""What runs of the queue still need as it is, asked inside the caller's transaction.

A run refers to its data set, its anchor set and its groups of negative prompts by id (``m015_run_references``). The
database keeps the names in its settings true when one of them is renamed.
"""

from __future__ import annotations

import sqlite_utils

from ga2app.errors import DatasetError, StoreError
from ga2app.store.clip_pages import dataset_of

_NEEDS = {
    "data set": "dataset_id = ?",
    "anchor set": "anchor_set_id = ?",
    "group of negative prompts": "? IN (SELECT value FROM json_each(negative_ids))",
}


def refuse_edits(db: sqlite_utils.Database, dataset_id: int) -> None:
    """Raises DatasetError while a run that is to be trained on the data set waits or runs."""
    refuse_in_use(db, "data set", dataset_id, dataset_of(db, dataset_id)[0], "changed")


def refuse_edits_of_clips(db: sqlite_utils.Database, among: str) -> None:
    """``refuse_edits`` for the data sets of the clips whose numbers stand in the JSON list ``among``."""
    sql = "SELECT DISTINCT dataset_id FROM clips WHERE id IN (SELECT value FROM json_each(?))"
    for (dataset_id,) in db.execute(sql, [among]).fetchall():
        refuse_edits(db, dataset_id)


def refuse_in_use(db: sqlite_utils.Database, what: str, id_: int, name: str, how: str) -> None:
    """Raises DatasetError (StoreError for anchors and prompts) while a run that needs it waits or runs.

    ``what`` is "data set", "anchor set" or "group of negative prompts", ``id_`` and ``name`` say which, and ``how`` is
    what cannot be done: "deleted".
    """
    sql = f"SELECT id, name FROM runs WHERE state IN ('queued', 'running', 'stopping') AND {_NEEDS[what]} ORDER BY id"
    found = db.execute(sql, [id_]).fetchone()
    if found:
        run = f"run {found[0]} '{found[1]}'" if found[1] else f"run {found[0]}"
        error = DatasetError if what == "data set" else StoreError
        raise error(
            f"{run} still needs the {what} '{name}', so it cannot be {how}; wait for the run, or stop and delete it"
        )
