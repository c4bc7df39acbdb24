"""Negative prompts in groups, each row with an id of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

import sqlite_utils

from ga2app.errors import StoreError, counted
from ga2app.labels import label_key
from ga2app.store.anchor_rows import (
    TEXT_SUBJECT,
    AddedTexts,
    ImportedTexts,
    NegativeEntry,
    NegativeGroupRow,
    NegativeOrder,
    NegativeRow,
    kept_rating,
)
from ga2app.store.anchor_sets import ROOM, change, free_name, gone, named_row, switch_all, tidy_name
from ga2app.store.database import Database
from ga2app.store.row_guard import insert
from ga2app.store.trash import Former, Selected, among, discard, remember
from ga2app.untrusted import one_line

_GROUP = ("negative_groups", "group", "group of negative prompts")
MAX_TEXT = 200


_ORDERS = {
    NegativeOrder.ADDED: "negatives.group_id, negatives.id",
    NegativeOrder.TEXT: "text COLLATE NOCASE, negatives.id",
    NegativeOrder.CLOSEST: "rating.value IS NULL, rating.value DESC, negatives.id",
    NegativeOrder.FARTHEST: "rating.value IS NULL, rating.value, negatives.id",
}
_WHERE = "dataset_id IS NULL AND group_id = ifnull(?, group_id) AND (? = '' OR instr(lower(text), lower(?)) > 0)"


class Negatives:
    """Negative prompts in groups that stand alone; those of a data set are read with it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def groups(self) -> list[str]:
        """Names of the groups, oldest first."""
        return [row.name for row in self.group_rows()]

    def group_rows(self) -> list[NegativeGroupRow]:
        """All groups, oldest first, the empty ones too.

        A run names its groups by ``name`` and gets ``texts(name)``, the prompts that are switched on.
        """
        sql = (
            "SELECT negative_groups.id, name, count(negatives.id), ifnull(sum(enabled), 0), owner, shared "
            "FROM negative_groups LEFT JOIN negatives ON group_id = negative_groups.id WHERE dataset_id IS NULL "
            "GROUP BY negative_groups.id ORDER BY negative_groups.id"
        )
        return [NegativeGroupRow(*row) for row in self._database.rows(sql)]

    def texts(self, group: str | None = None) -> list[str]:
        """The prompts that are switched on, each once: those of ``group``, or of all groups."""
        sql = (
            "SELECT text FROM negatives JOIN negative_groups ON negative_groups.id = group_id "
            "WHERE dataset_id IS NULL AND enabled AND name = ifnull(?, name) ORDER BY negatives.id"
        )
        found = self._database.rows(sql, [group])
        return list(dict.fromkeys(text for (text,) in found))

    def rows(
        self,
        group_id: int | None = None,
        *,
        search: str = "",
        question: int | None = None,
        order: NegativeOrder = NegativeOrder.ADDED,
        limit: int = -1,
        offset: int = 0,
    ) -> list[NegativeRow]:
        """Prompts of one group or of all that contain ``search``, with their ratings under ``question``."""
        sql = (
            "SELECT negatives.id, group_id, name, text, enabled, rating.value, rating.nearest, rating.warned "
            "FROM negatives JOIN negative_groups ON negative_groups.id = group_id "
            f"LEFT JOIN anchor_ratings AS rating ON question_id = ? AND subject = {TEXT_SUBJECT} "
            f"WHERE {_WHERE} ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?"
        )
        wanted = search.strip()
        found = self._database.rows(sql, [question, group_id, wanted, wanted, limit, offset])
        return [
            NegativeRow(id_, owner, group, text, bool(enabled), kept_rating(*rated))
            for id_, owner, group, text, enabled, *rated in found
        ]

    def count(self, group_id: int | None = None, *, search: str = "") -> int:
        """How many prompts ``rows`` has in all."""
        sql = f"SELECT count(*) FROM negatives JOIN negative_groups ON negative_groups.id = group_id WHERE {_WHERE}"
        wanted = search.strip()
        return int(self._database.row(sql, [group_id, wanted, wanted])[0])

    def create_group(self, name: str) -> int:
        """A new, empty group; gives its id. Raises StoreError for an empty name or one that is taken."""
        with self._database.write() as db:
            return _create(db, free_name(db, "negative_groups", "a group", name))

    def rename_group(self, group_id: int, name: str) -> str:
        """Give a group another name, tidied as the answer says. Raises StoreError if it is taken or the group gone."""
        with self._database.write() as db:
            tidy = free_name(db, "negative_groups", "a group", name, but=group_id)
            change(db, ("negative_groups", group_id, "name", tidy), f"renaming a group to '{tidy}'", "group")
        return tidy

    def delete_group(self, group_id: int) -> int:
        """Delete a group with its prompts; gives the number of the deletion. Raises StoreError if it is gone."""
        with self._database.write() as db:
            name = named_row(db, _GROUP, group_id, "deleted")
            parts = [
                Selected("negative_groups", "id = ?", [group_id]),
                Selected("negatives", "group_id = ?", [group_id]),
            ]
            return discard(db, ROOM, f"the group '{name}' of negative prompts", parts)

    def drop_group(self, group_id: int) -> None:
        """Take away a group that never got complete: there is nothing to undo."""
        with self._database.write() as db:
            db.execute("DELETE FROM negative_groups WHERE id = ? AND dataset_id IS NULL", [group_id])

    def add(self, group_id: int, texts: Iterable[str]) -> AddedTexts:
        """Add prompts to a group, all in one go; those that it has already, or that come twice, are left out and told.

        Two texts that CLIP reads alike (``labels.label_key``) are one. Raises StoreError if the group is
        gone, or if a text is too long.
        """
        doubles: list[str] = []
        added: list[int] = []
        with self._database.write() as db:
            group = named_row(db, _GROUP, group_id)
            had = {
                label_key(text) for (text,) in db.execute("SELECT text FROM negatives WHERE group_id = ?", [group_id])
            }
            for text in filter(None, map(tidy_text, texts)):
                if label_key(text) in had:
                    doubles.append(text)
                    continue
                had.add(label_key(text))
                added.append(_insert(db, group_id, text))
            what = f"adding {counted(len(added), 'negative prompt')} to the group '{group}'"
            remember(db, ROOM, what, added=[Selected("negatives", among("id"), [json.dumps(added)])])
        return AddedTexts(len(added), tuple(doubles))

    def put(self, entries: Iterable[NegativeEntry], *, undoable: bool = True) -> ImportedTexts:
        """Take over what a file holds, all in one go. Groups are made where need be, and nothing is deleted.

        A prompt that its group has already is switched on or off as the file says.
        """
        added: list[int] = []
        switched: dict[int, bool] = {}
        same = 0
        with self._database.write() as db:
            for entry in entries:
                group_id, text = group_named(db, tidy_name(entry.group, "a group")), tidy_text(entry.text)
                sql = "SELECT id, text, enabled FROM negatives WHERE group_id = ?"
                rows = db.execute(sql, [group_id]).fetchall()
                found = next((row for row in rows if label_key(row[1]) == label_key(text)), None)
                if found is None:
                    named_row(db, _GROUP, group_id)
                    added.append(_insert(db, group_id, text, entry.enabled))
                elif bool(found[2]) == entry.enabled or found[0] in switched:
                    same += 1
                else:
                    named_row(db, _GROUP, group_id)
                    switched[found[0]] = entry.enabled
            if undoable:
                former = Selected("negatives", among("id"), [json.dumps(list(switched))])
                fresh = Selected("negatives", among("id"), [json.dumps(added)])
                what = f"importing {counted(len(added) + len(switched), 'negative prompt')}"
                remember(db, ROOM, what, former=[Former(former, ["enabled"])], added=[fresh])
            changes = [(int(on), id_) for id_, on in switched.items()]
            db.conn.executemany("UPDATE negatives SET enabled = ? WHERE id = ?", changes)
        return ImportedTexts(len(added), len(switched), same)

    def set_text(self, prompt_id: int, text: str) -> str:
        """Change the text of one prompt and of no other; gives it tidied.

        Raises StoreError if it is gone, empty or too long, or if its group has that text already.
        """
        tidy = tidy_text(text)
        if not tidy:
            raise StoreError("a negative prompt needs a text; type one, or delete the prompt")
        with self._database.write() as db:
            row = db.execute("SELECT group_id FROM negatives WHERE id = ?", [prompt_id]).fetchone()
            if row is None:
                raise gone("prompt")
            named_row(db, _GROUP, row[0])
            others = db.execute("SELECT text FROM negatives WHERE group_id = ? AND id <> ?", [row[0], prompt_id])
            if label_key(tidy) in {label_key(other) for (other,) in others}:
                raise StoreError(
                    f"its group has the prompt '{tidy}' already; delete one of the two, or word it otherwise"
                )
            change(db, ("negatives", prompt_id, "text", tidy), f"changing a prompt to '{tidy}'", "prompt")
        return tidy

    def enable(self, prompt_id: int, on: bool) -> None:
        """Switch one prompt on or off and no other. Raises StoreError if it is gone."""
        with self._database.write() as db:
            found = db.execute("SELECT text, group_id FROM negatives WHERE id = ?", [prompt_id]).fetchone()
            if found is None:
                raise gone("prompt")
            named_row(db, _GROUP, found[1])
            what = f"switching '{found[0]}' {'on' if on else 'off'}"
            change(db, ("negatives", prompt_id, "enabled", int(on)), what, "prompt")

    def enable_all(self, group_id: int, on: bool) -> int:
        """Switch every prompt of a group on or off; gives how many changed."""
        with self._database.write() as db:
            named_row(db, _GROUP, group_id)
            return switch_all(db, "negatives", "group_id", group_id, on, "negative prompt")

    def delete(self, prompt_ids: Sequence[int]) -> int:
        """Delete prompts; gives how many there were. Raises StoreError if none of them is there."""
        with self._database.write() as db:
            marks = ", ".join("?" * len(prompt_ids))
            sql = f"SELECT text, group_id FROM negatives WHERE id IN ({marks})"
            texts = db.execute(sql, list(prompt_ids)).fetchall()
            if not texts:
                raise gone("prompt")
            for group_id in {row[1] for row in texts}:
                named_row(db, _GROUP, group_id)
            what = counted(len(texts), "negative prompt") if len(texts) > 1 else f"the negative prompt '{texts[0][0]}'"
            discard(db, ROOM, what, [Selected("negatives", f"id IN ({marks})", list(prompt_ids))])
        return len(texts)


def group_named(db: sqlite_utils.Database, name: str, *, shared: bool = False) -> int:
    """The id of the group ``name``, which is made if need be, ``shared`` or not."""
    sql = "SELECT id FROM negative_groups WHERE name = ? AND dataset_id IS NULL"
    found = db.execute(sql, [name]).fetchone()
    return int(found[0]) if found else _create(db, free_name(db, "negative_groups", "a group", name), shared)


def _create(db: sqlite_utils.Database, name: str, shared: bool = False) -> int:
    return insert(db, "negative_groups", {"name": name, "shared": int(shared)})


def _insert(db: sqlite_utils.Database, group_id: int, text: str, on: bool = True) -> int:
    sql = "INSERT INTO negatives (group_id, text, enabled) VALUES (?, ?, ?)"
    return int(db.execute(sql, [group_id, text, int(on)]).lastrowid or 0)


def tidy_text(text: str) -> str:
    """``text`` without odd space. Raises StoreError if it is too long for a prompt."""
    tidy = one_line(text, "the prompt", StoreError)
    if len(tidy) > MAX_TEXT:
        raise StoreError(f"the prompt '{tidy[:30]}…' has {len(tidy)} letters; use at most {MAX_TEXT}")
    return tidy
