"""Anchor sets: irrelevant clips with captions, each row with an id of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Any

import sqlite_utils

from ga2app.errors import StoreError, counted
from ga2app.store.anchor_rows import (
    CLIP_SUBJECT,
    AddedClips,
    AnchorFile,
    AnchorOrder,
    AnchorRow,
    AnchorSetRow,
    kept_rating,
)
from ga2app.store.clip_pages import refuse_in_use
from ga2app.store.database import Database
from ga2app.store.row_guard import insert
from ga2app.store.trash import Former, Selected, among, discard, remember
from ga2app.types import AnchorClip
from ga2app.untrusted import one_line

ROOM = "anchors"
"""Where deletions and edits of anchors and of negative prompts wait to be undone."""

_SET = ("anchor_sets", "anchor set", "anchor set")
MAX_NAME = 80
MAX_ABOUT = 500
MAX_CAPTION = 200


_ORDERS = {
    AnchorOrder.ADDED: "anchor_clips.id",
    AnchorOrder.BEST: "rating.value IS NULL, rating.value DESC, anchor_clips.id",
    AnchorOrder.WORST: "rating.value IS NULL, rating.value, anchor_clips.id",
}


class Anchors:
    """Anchor sets that stand alone; those of a data set are read with it. Names of sets are unique."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def names(self) -> list[str]:
        """Names of the anchor sets, oldest first."""
        return [row.name for row in self.sets()]

    def sets(self) -> list[AnchorSetRow]:
        """All anchor sets, oldest first, the empty ones too.

        A run names its set by ``name`` and gets ``clips(name)``, the clips that are switched on.
        """
        sql = (
            "SELECT anchor_sets.id, name, about, count(anchor_clips.id), ifnull(sum(enabled), 0), owner, shared "
            "FROM anchor_sets LEFT JOIN anchor_clips ON set_id = anchor_sets.id WHERE dataset_id IS NULL "
            "GROUP BY anchor_sets.id ORDER BY anchor_sets.id"
        )
        return [AnchorSetRow(*row) for row in self._database.rows(sql)]

    def clips(self, name: str) -> list[AnchorClip]:
        """The clips of the anchor set ``name`` that are switched on; none for an unknown name."""
        sql = (
            "SELECT path, caption FROM anchor_clips JOIN anchor_sets ON anchor_sets.id = set_id "
            "WHERE name = ? AND dataset_id IS NULL AND enabled ORDER BY anchor_clips.id"
        )
        found = self._database.rows(sql, [name])
        return [AnchorClip(self._database.from_stored(path), caption) for path, caption in found]

    def rows(
        self,
        set_id: int,
        *,
        question: int | None = None,
        order: AnchorOrder = AnchorOrder.ADDED,
        limit: int = -1,
        offset: int = 0,
    ) -> list[AnchorRow]:
        """The clips of a set, switched on or off, with their ratings under ``question`` (see ``Ratings``)."""
        sql = (
            "SELECT anchor_clips.id, path, caption, enabled, digest, seconds, rating.value, rating.nearest, "
            "rating.warned FROM anchor_clips LEFT JOIN anchor_ratings AS rating ON question_id = ? "
            f"AND subject = {CLIP_SUBJECT} WHERE set_id = ? ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?"
        )
        found = self._database.rows(sql, [question, set_id, limit, offset])
        path = self._database.from_stored
        return [
            AnchorRow(id_, path(file), caption, bool(enabled), digest, seconds, kept_rating(*rated))
            for id_, file, caption, enabled, digest, seconds, *rated in found
        ]

    def create(self, name: str, about: str = "") -> int:
        """A new, empty set; gives its id. Raises StoreError for an empty name or one that is taken."""
        with self._database.write() as db:
            tidy = free_name(db, "anchor_sets", "an anchor set", name)
            return insert(db, "anchor_sets", {"name": tidy, "about": about.strip()[:MAX_ABOUT]})

    def rename(self, set_id: int, name: str) -> str:
        """Give a set another name, tidied as the answer says. Raises StoreError if it is taken or the set is gone."""
        with self._database.write() as db:
            tidy = free_name(db, "anchor_sets", "an anchor set", name, but=set_id)
            change(db, ("anchor_sets", set_id, "name", tidy), f"renaming an anchor set to '{tidy}'", "anchor set")
        return tidy

    def describe(self, set_id: int, about: str) -> None:
        """Say in words what a set is for. Raises StoreError if it is gone."""
        with self._database.write() as db:
            text = about.strip()[:MAX_ABOUT]
            change(db, ("anchor_sets", set_id, "about", text), "describing an anchor set", "anchor set")

    def delete_set(self, set_id: int) -> int:
        """Delete a set with its clips; gives the number under which the trash has it. Raises StoreError if it is gone.

        The files of the set's own folder go when the trash is emptied.
        """
        with self._database.write() as db:
            name = named_row(db, _SET, set_id, "deleted")
            parts = [Selected("anchor_sets", "id = ?", [set_id]), Selected("anchor_clips", "set_id = ?", [set_id])]
            folders = [self._database.to_stored(self.folder(set_id))]
            return discard(db, ROOM, f"the anchor set '{name}'", parts, folders)

    def drop_set(self, set_id: int) -> None:
        """Take away a set that never got complete, with its files: there is nothing to undo."""
        with self._database.write() as db:
            db.execute("DELETE FROM anchor_sets WHERE id = ? AND dataset_id IS NULL", [set_id])
        shutil.rmtree(self.folder(set_id), ignore_errors=True)

    def folder(self, set_id: int) -> Path:
        """Where the set's own copies of its clips lie, each in a folder of its own."""
        return self._database.home.media / "anchors" / f"{set_id:06d}"

    def add(self, set_id: int, clips: Iterable[AnchorFile], *, undoable: bool = True) -> AddedClips:
        """Add clips, all in one go; one whose content or file is in the set already is left out and told.

        Raises StoreError if the set is gone.
        """
        doubles: list[str] = []
        added: list[int] = []
        with self._database.write() as db:
            name = named_row(db, _SET, set_id)
            rows = db.execute("SELECT path, digest FROM anchor_clips WHERE set_id = ?", [set_id]).fetchall()
            had = {path for path, _ in rows} | {digest for _, digest in rows if digest}
            for clip in clips:
                path = self._database.to_stored(clip.path)
                if path in had or clip.digest in had:
                    doubles.append(clip.path)
                    continue
                had |= {path, clip.digest} if clip.digest else {path}
                added.append(_insert_clip(db, set_id, path, clip))
            if undoable:
                what = f"adding {counted(len(added), 'clip')} to the anchor set '{name}'"
                remember(db, ROOM, what, added=[Selected("anchor_clips", among("id"), [json.dumps(added)])])
        return AddedClips(len(added), tuple(doubles))

    def add_clips(self, name: str, clips: Iterable[AnchorClip], *, shared: bool = False) -> None:
        """Add clips to the anchor set ``name``, made if need be, ``shared`` or not; a clip that is in it stays."""
        with self._database.write() as db:
            found = db.execute("SELECT id FROM anchor_sets WHERE name = ? AND dataset_id IS NULL", [name]).fetchone()
            set_id = found[0] if found else insert(db, "anchor_sets", {"name": name, "shared": int(shared)})
            had = {path for (path,) in db.execute("SELECT path FROM anchor_clips WHERE set_id = ?", [set_id])}
            fresh = {self._database.to_stored(clip.path): clip.caption for clip in clips}
            db.conn.executemany(
                "INSERT INTO anchor_clips (set_id, path, caption) VALUES (?, ?, ?)",
                [(set_id, path, caption) for path, caption in fresh.items() if path not in had],
            )

    def set_caption(self, clip_id: int, caption: str) -> None:
        """Change the caption of one clip and of no other. Raises StoreError if it is gone."""
        text = one_line(caption, "the caption", StoreError)[:MAX_CAPTION]
        with self._database.write() as db:
            _editable_clip(db, clip_id)
            what = f"changing the caption to '{text}'" if text else "emptying a caption"
            change(db, ("anchor_clips", clip_id, "caption", text), what, "clip")

    def enable(self, clip_id: int, on: bool) -> None:
        """Switch one clip on or off and no other. Raises StoreError if it is gone."""
        with self._database.write() as db:
            what = f"switching '{_editable_clip(db, clip_id)}' {'on' if on else 'off'}"
            change(db, ("anchor_clips", clip_id, "enabled", int(on)), what, "clip")

    def enable_all(self, set_id: int, on: bool) -> int:
        """Switch every clip of a set on or off; gives how many changed."""
        with self._database.write() as db:
            named_row(db, _SET, set_id)
            return switch_all(db, "anchor_clips", "set_id", set_id, on, "clip")

    def delete_clips(self, clip_ids: Sequence[int]) -> int:
        """Delete clips; gives how many there were. Raises StoreError if none of them is there.

        Copies that lie in a set's own folder go when the trash is emptied; files elsewhere are never touched.
        """
        with self._database.write() as db:
            marks = ", ".join("?" * len(clip_ids))
            rows = db.execute(
                f"SELECT path, set_id, name FROM anchor_clips JOIN anchor_sets ON anchor_sets.id = set_id "
                f"WHERE anchor_clips.id IN ({marks}) AND dataset_id IS NULL",
                list(clip_ids),
            ).fetchall()
            if not rows:
                raise gone("clip")
            for set_id in {row[1] for row in rows}:
                named_row(db, _SET, set_id)
            own = [
                str(Path(path).parent)
                for path, set_id, _ in rows
                if Path(self._database.from_stored(path)).parent.parent == self.folder(set_id)
            ]
            what = counted(len(rows), "clip")
            part = Selected("anchor_clips", f"id IN ({marks})", list(clip_ids))
            discard(db, ROOM, f"{what} of the anchor set '{rows[0][2]}'", [part], own)
        return len(rows)


def named_row(db: sqlite_utils.Database, kind: tuple[str, str, str], id_: int, how: str = "changed") -> str:
    """The name of a set or a group: ``kind`` is its table, and what it is called when it is gone, and when in use.

    Raises StoreError if it is gone, or while a run that waits or runs needs it, so that it cannot be ``how``.
    """
    table, noun, needed = kind
    found = db.execute(f"SELECT name FROM {table} WHERE id = ? AND dataset_id IS NULL", [id_]).fetchone()
    if found is None:
        raise gone(noun)
    refuse_in_use(db, needed, id_, found[0], how)
    return str(found[0])


def _editable_clip(db: sqlite_utils.Database, clip_id: int) -> str:
    """How messages call the clip. Raises StoreError if it is gone or may not be changed now."""
    found = db.execute("SELECT set_id, caption, path FROM anchor_clips WHERE id = ?", [clip_id]).fetchone()
    if found is None:
        raise gone("clip")
    named_row(db, _SET, found[0])
    return str(found[1] or PurePath(found[2]).name)


def _insert_clip(db: sqlite_utils.Database, set_id: int, path: str, clip: AnchorFile) -> int:
    facts = [clip.digest, clip.seconds, clip.frames, clip.width, clip.height, int(clip.enabled)]
    cursor = db.execute(
        "INSERT INTO anchor_clips (set_id, path, caption, digest, seconds, frames, width, height, enabled) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [set_id, path, clip.caption.strip()[:MAX_CAPTION], *facts],
    )
    return int(cursor.lastrowid or 0)


def tidy_name(name: str, what: str) -> str:
    """``name`` without odd space. Raises StoreError if nothing is left, or if it is too long."""
    tidy = one_line(name, "the name", StoreError)
    if not tidy:
        raise StoreError(f"{what} needs a name; type one")
    if len(tidy) > MAX_NAME:
        raise StoreError(f"the name '{tidy[:20]}…' has {len(tidy)} letters; use at most {MAX_NAME}")
    return tidy


def free_name(db: sqlite_utils.Database, table: str, what: str, name: str, but: int = -1) -> str:
    """``name`` tidied, for ``what`` ("a group"). Raises StoreError where another row of ``table`` has it."""
    tidy = tidy_name(name, what)
    sql = f"SELECT 1 FROM main.{table} WHERE name = ? AND dataset_id IS NULL AND id <> ?"
    if db.execute(sql, [tidy, but]).fetchone():
        raise StoreError(f"there is {what} '{tidy}' already; choose another name")
    return tidy


def change(db: sqlite_utils.Database, value: tuple[str, int, str, Any], what: str, noun: str) -> None:
    """Give one row another ``value`` (table, id, column, value), undoably as ``what``.

    Raises StoreError, which calls the row ``noun``, if it is gone.
    """
    table, id_, column, new = value
    remember(db, ROOM, what, former=[Former(Selected(table, f"id = ? AND {column} <> ?", [id_, new]), [column])])
    if not db.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", [new, id_]).rowcount:
        raise gone(noun)


def switch_all(db: sqlite_utils.Database, table: str, owner: str, id_: int, on: bool, noun: str) -> int:
    """Switch all rows of ``table`` with ``id_`` in the column ``owner`` on or off, undoably; gives how many changed."""
    where, values = f"{owner} = ? AND enabled <> ?", [id_, int(on)]
    count = int(db.execute(f"SELECT count(*) FROM {table} WHERE {where}", values).fetchone()[0])
    what = f"switching {counted(count, noun)} {'on' if on else 'off'}"
    remember(db, ROOM, what, former=[Former(Selected(table, where, values), ["enabled"])])
    db.execute(f"UPDATE {table} SET enabled = ? WHERE {where}", [int(on), *values])
    return count


def gone(what: str) -> StoreError:
    return StoreError(f"this {what} is not there any more; it may have been deleted in another window: reload the page")
