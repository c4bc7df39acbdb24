"""Quotas, and what one person has in the database of a Space that they are held against."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from ga2app.store.database import Database
from ga2app.stretches import file_of


@dataclass(frozen=True)
class Quotas:
    """Bounds; each is also a variable of the environment, ``GA2_MOST_`` and the name in capitals.

    One recognition: ``texts`` that pass the text tower (labels × sentences, and labels once more for each bundle,
    negative prompts likewise) and ``frames`` that pass the vision tower (clips × frames, and once more for each
    bundle). ``recognitions`` are under way at once, of people who are not signed in ``strangers`` at most and of one
    who is ``recognitions_each``; ``cameras`` are followed live at once. Of one person who is signed in on a Space, and
    not its owner: ``clips`` and ``megabytes`` in data sets and anchor sets, ``waiting_runs``, and ``steps`` of a run.
    """

    texts: int = 200_000
    frames: int = 1_000_000
    recognitions: int = 32
    strangers: int = 24
    recognitions_each: int = 8
    cameras: int = 8
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


MOST_FOLDERS = 20_000
_TICK_NS = 2_000_000_000

_CLIPS = """
SELECT path FROM clips WHERE dataset_id IN (SELECT id FROM datasets WHERE owner = :person)
UNION ALL SELECT path FROM anchor_clips WHERE set_id IN (SELECT id FROM anchor_sets WHERE owner = :person)
"""


class FileSizes:
    """How large the files of folders are; a folder is read again only when something in it has come or gone.

    Files of a data directory are written under another name and renamed, which changes their folder's time.
    """

    def __init__(self) -> None:
        self._folders: dict[str, tuple[int, dict[str, int]]] = {}

    def of(self, folder: str) -> dict[str, int]:
        """The sizes in bytes of the files in ``folder`` by name; empty for a folder that is not there."""
        try:
            changed_ns = os.stat(folder).st_mtime_ns
            known_ns, sizes = self._folders.get(folder, (-1, {}))
            if known_ns == changed_ns:
                return sizes
            with os.scandir(folder) as entries:
                sizes = {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
        except OSError:
            self._folders.pop(folder, None)
            return {}
        if len(self._folders) >= MOST_FOLDERS:
            self._folders.clear()
        # What changes within the same tick of the disk's clock has the same time: a fresh one is read again.
        settled = time.time_ns() - changed_ns > _TICK_NS
        self._folders[folder] = (changed_ns if settled else -1, sizes)
        return sizes


def holdings(database: Database, person: str, sizes: FileSizes) -> Holdings:
    """What belongs to ``person``, as rows name their owner; files outside of the data directory take no room in it."""
    with database.read() as db:
        paths = [path for (path,) in db.execute(_CLIPS, {"person": person}).fetchall()]
        sql = "SELECT count(*) FROM runs WHERE owner = ? AND state = 'queued'"
        bundles = [path for (path,) in db.execute("SELECT folder FROM bundles WHERE owner = ?", [person]).fetchall()]
        (waiting,) = db.execute(sql, [person]).fetchone()
    folders: dict[str, set[str]] = {}
    for path in paths:
        if not os.path.isabs(path):
            folder, _, name = file_of(path).rpartition("/")
            folders.setdefault(folder, set()).add(name)
    total = 0
    for folder, names in folders.items():
        there = sizes.of(database.from_stored(folder))
        total += sum(there.get(name, 0) for name in names)
    total += sum(sum(sizes.of(database.from_stored(path)).values()) for path in bundles if not os.path.isabs(path))
    return Holdings(len(paths), total, int(waiting))
