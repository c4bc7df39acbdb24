"""Quotas, and what one person has in the database of a Space that they are held against."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ga2app.store.database import Database


@dataclass(frozen=True)
class Quotas:
    """Bounds; each is also a variable of the environment, ``GA2_MOST_`` and the name in capitals.

    One recognition: ``texts`` that pass the text tower (labels × sentences, and labels once more for each bundle,
    negative prompts likewise) and ``frames`` that pass the vision tower (clips × frames, and once more for each
    bundle). ``recognitions`` are under way at once, of people who are not signed in ``strangers`` at most and of one
    who is ``recognitions_each``. Of one person who is signed in on a Space, and not its owner: ``clips`` and
    ``megabytes`` in data sets and anchor sets, ``waiting_runs``, and ``steps`` of a run.
    """

    texts: int = 200_000
    frames: int = 1_000_000
    recognitions: int = 32
    strangers: int = 24
    recognitions_each: int = 8
    clips: int = 2_000
    megabytes: int = 5_000
    waiting_runs: int = 5
    steps: int = 20_000


@dataclass(frozen=True)
class Holdings:
    """Clips in data sets and anchor sets, the bytes of these and of bundles in the data directory, and waiting runs."""

    clips: int
    size_bytes: int
    waiting_runs: int


_CLIPS = """
SELECT path FROM clips WHERE dataset_id IN (SELECT id FROM datasets WHERE owner = :person)
UNION ALL SELECT path FROM anchor_clips WHERE set_id IN (SELECT id FROM anchor_sets WHERE owner = :person)
"""


def holdings(database: Database, person: str) -> Holdings:
    """What belongs to ``person``, as rows name their owner; files outside of the data directory take no room in it."""
    with database.read() as db:
        paths = [path for (path,) in db.execute(_CLIPS, {"person": person}).fetchall()]
        sql = "SELECT count(*) FROM runs WHERE owner = ? AND state = 'queued'"
        folders = [path for (path,) in db.execute("SELECT folder FROM bundles WHERE owner = ?", [person]).fetchall()]
        (waiting,) = db.execute(sql, [person]).fetchone()
    inside = {database.from_stored(path) for path in (*paths, *folders) if not os.path.isabs(path)}
    files = [file for path in inside for file in (Path(path).iterdir() if os.path.isdir(path) else [Path(path)])]
    return Holdings(len(paths), sum(file.stat().st_size for file in files if file.is_file()), int(waiting))
