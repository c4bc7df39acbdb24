"""Anchor sets and negative prompts: what the app ships with and what users add."""

from __future__ import annotations

from collections.abc import Iterable

from ga2app.contracts import AnchorClip
from ga2app.store.database import Database


class Anchors:
    """Anchor sets that stand alone; those of a data set are read with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> list[str]:
        """Names of the anchor sets, oldest first."""
        with self._database.read() as db:
            found = db.execute("SELECT name FROM anchor_sets WHERE dataset_id IS NULL ORDER BY id").fetchall()
        return [name for (name,) in found]

    def clips(self, name: str) -> list[AnchorClip]:
        """The clips of the anchor set ``name`` that are switched on."""
        sql = (
            "SELECT path, caption FROM anchor_clips JOIN anchor_sets ON anchor_sets.id = set_id "
            "WHERE name = ? AND dataset_id IS NULL AND enabled ORDER BY anchor_clips.id"
        )
        with self._database.read() as db:
            found = db.execute(sql, [name]).fetchall()
        return [AnchorClip(self._database.from_stored(path), caption) for path, caption in found]

    def add_clips(self, name: str, clips: Iterable[AnchorClip]) -> None:
        """Add clips to the anchor set ``name``, which is made if need be; a clip that is in it stays as it is."""
        with self._database.write() as db:
            found = db.execute("SELECT id FROM anchor_sets WHERE name = ? AND dataset_id IS NULL", [name]).fetchone()
            set_id = found[0] if found else db.table("anchor_sets").insert({"name": name}).last_pk
            had = {path for (path,) in db.execute("SELECT path FROM anchor_clips WHERE set_id = ?", [set_id])}
            fresh = {self._database.to_stored(clip.path): clip.caption for clip in clips}
            db.conn.executemany(
                "INSERT INTO anchor_clips (set_id, path, caption) VALUES (?, ?, ?)",
                [(set_id, path, caption) for path, caption in fresh.items() if path not in had],
            )


class Negatives:
    """Negative prompts in groups that stand alone; those of a data set are read with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(self) -> list[str]:
        """Names of the groups, oldest first."""
        with self._database.read() as db:
            found = db.execute("SELECT name FROM negative_groups WHERE dataset_id IS NULL ORDER BY id").fetchall()
        return [name for (name,) in found]

    def texts(self, group: str | None = None) -> list[str]:
        """The prompts that are switched on, each once: those of ``group``, or of all groups."""
        sql = (
            "SELECT text FROM negatives JOIN negative_groups ON negative_groups.id = group_id "
            "WHERE dataset_id IS NULL AND enabled AND name = ifnull(?, name) ORDER BY negatives.id"
        )
        with self._database.read() as db:
            found = db.execute(sql, [group]).fetchall()
        return list(dict.fromkeys(text for (text,) in found))
