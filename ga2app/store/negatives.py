"""Negative prompts in groups, each row with an id of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import sqlite_utils

from ga2app.errors import StoreError
from ga2app.store.anchors import ROOM, tidy_name
from ga2app.store.database import Database
from ga2app.store.ratings import TEXT_SUBJECT, Rating
from ga2app.store.trash import Selected, discard

MAX_TEXT = 200


@dataclass(frozen=True)
class NegativeGroupRow:
    """A group of negative prompts as a list shows it: how many ``prompts``, and how many are switched on."""

    id: int
    name: str
    prompts: int
    enabled: int


@dataclass(frozen=True)
class NegativeRow:
    """A negative prompt, with its ``rating`` under the question asked, if it has been rated."""

    id: int
    group_id: int
    group: str
    text: str
    enabled: bool
    rating: Rating | None = None


@dataclass(frozen=True)
class NegativeEntry:
    """A prompt as a file holds it: by the name of its group."""

    group: str
    text: str
    enabled: bool = True


class NegativeOrder(StrEnum):
    """How a list of prompts is sorted. Prompts that were not rated come last."""

    ADDED = "added"
    TEXT = "text"
    CLOSEST = "closest"
    FARTHEST = "farthest"


@dataclass(frozen=True)
class AddedTexts:
    """What became of texts that were to be added: how many went in, and which were there already or came twice."""

    count: int
    doubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedTexts:
    """What became of a file: prompts that are new, that were switched on or off, and that were there just so."""

    added: int
    switched: int
    same: int


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
            "SELECT negative_groups.id, name, count(negatives.id), ifnull(sum(enabled), 0) FROM negative_groups "
            "LEFT JOIN negatives ON group_id = negative_groups.id WHERE dataset_id IS NULL "
            "GROUP BY negative_groups.id ORDER BY negative_groups.id"
        )
        with self._database.read() as db:
            return [NegativeGroupRow(*row) for row in db.execute(sql).fetchall()]

    def texts(self, group: str | None = None) -> list[str]:
        """The prompts that are switched on, each once: those of ``group``, or of all groups."""
        sql = (
            "SELECT text FROM negatives JOIN negative_groups ON negative_groups.id = group_id "
            "WHERE dataset_id IS NULL AND enabled AND name = ifnull(?, name) ORDER BY negatives.id"
        )
        with self._database.read() as db:
            found = db.execute(sql, [group]).fetchall()
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
        with self._database.read() as db:
            found = db.execute(sql, [question, group_id, wanted, wanted, limit, offset]).fetchall()
        return [
            NegativeRow(
                id_,
                owner,
                group,
                text,
                bool(enabled),
                None if value is None else Rating(value, nearest, bool(warned)),
            )
            for id_, owner, group, text, enabled, value, nearest, warned in found
        ]

    def count(self, group_id: int | None = None, *, search: str = "") -> int:
        """How many prompts ``rows`` has in all."""
        sql = f"SELECT count(*) FROM negatives JOIN negative_groups ON negative_groups.id = group_id WHERE {_WHERE}"
        wanted = search.strip()
        with self._database.read() as db:
            return int(db.execute(sql, [group_id, wanted, wanted]).fetchone()[0])

    def create_group(self, name: str) -> int:
        """A new, empty group; gives its id. Raises StoreError for an empty name or one that is taken."""
        with self._database.write() as db:
            return self._create(db, self._free_name(db, name))

    def rename_group(self, group_id: int, name: str) -> str:
        """Give a group another name, tidied as the answer says. Raises StoreError if it is taken or the group gone."""
        with self._database.write() as db:
            tidy = self._free_name(db, name, but=group_id)
            if not db.execute("UPDATE negative_groups SET name = ? WHERE id = ?", [tidy, group_id]).rowcount:
                raise _gone("group")
        return tidy

    def delete_group(self, group_id: int) -> int:
        """Delete a group with its prompts; gives the number of the deletion. Raises StoreError if it is gone."""
        with self._database.write() as db:
            sql = "SELECT name FROM negative_groups WHERE id = ? AND dataset_id IS NULL"
            found = db.execute(sql, [group_id]).fetchone()
            if found is None:
                raise _gone("group")
            parts = [
                Selected("negative_groups", "id = ?", [group_id]),
                Selected("negatives", "group_id = ?", [group_id]),
            ]
            return discard(db, ROOM, f"the group '{found[0]}' of negative prompts", parts)

    def add(self, group_id: int, texts: Iterable[str]) -> AddedTexts:
        """Add prompts to a group, all in one go; those that it has already, or that come twice, are left out and told.

        Two texts that differ in case only are one, because CLIP reads lower case. Raises StoreError if the group is
        gone, or if a text is too long.
        """
        doubles: list[str] = []
        count = 0
        with self._database.write() as db:
            if not db.execute("SELECT 1 FROM negative_groups WHERE id = ?", [group_id]).fetchone():
                raise _gone("group")
            had = {
                text.casefold() for (text,) in db.execute("SELECT text FROM negatives WHERE group_id = ?", [group_id])
            }
            for text in filter(None, map(tidy_text, texts)):
                if text.casefold() in had:
                    doubles.append(text)
                    continue
                had.add(text.casefold())
                db.execute("INSERT INTO negatives (group_id, text) VALUES (?, ?)", [group_id, text])
                count += 1
        return AddedTexts(count, tuple(doubles))

    def put(self, entries: Iterable[NegativeEntry]) -> ImportedTexts:
        """Take over what a file holds, all in one go. Groups are made where need be, and nothing is deleted.

        A prompt that its group has already is switched on or off as the file says.
        """
        added = switched = same = 0
        with self._database.write() as db:
            for entry in entries:
                group_id, text = self._group(db, tidy_name(entry.group, "a group")), tidy_text(entry.text)
                sql = "SELECT id, text, enabled FROM negatives WHERE group_id = ?"
                rows = db.execute(sql, [group_id]).fetchall()
                found = next((row for row in rows if row[1].casefold() == text.casefold()), None)
                if found is None:
                    new = {"group_id": group_id, "text": text, "enabled": int(entry.enabled)}
                    db.table("negatives").insert(new)
                    added += 1
                elif bool(found[2]) != entry.enabled:
                    db.execute("UPDATE negatives SET enabled = ? WHERE id = ?", [int(entry.enabled), found[0]])
                    switched += 1
                else:
                    same += 1
        return ImportedTexts(added, switched, same)

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
                raise _gone("prompt")
            others = db.execute("SELECT text FROM negatives WHERE group_id = ? AND id <> ?", [row[0], prompt_id])
            if tidy.casefold() in {other.casefold() for (other,) in others}:
                raise StoreError(
                    f"its group has the prompt '{tidy}' already; delete one of the two, or word it otherwise"
                )
            db.execute("UPDATE negatives SET text = ? WHERE id = ?", [tidy, prompt_id])
        return tidy

    def enable(self, prompt_id: int, on: bool) -> None:
        """Switch one prompt on or off and no other. Raises StoreError if it is gone."""
        with self._database.write() as db:
            if not db.execute("UPDATE negatives SET enabled = ? WHERE id = ?", [int(on), prompt_id]).rowcount:
                raise _gone("prompt")

    def enable_all(self, group_id: int, on: bool) -> int:
        """Switch every prompt of a group on or off; gives how many changed."""
        with self._database.write() as db:
            sql = "UPDATE negatives SET enabled = ? WHERE group_id = ? AND enabled <> ?"
            return db.execute(sql, [int(on), group_id, int(on)]).rowcount

    def delete(self, prompt_ids: Sequence[int]) -> int:
        """Delete prompts; gives how many there were. Raises StoreError if none of them is there."""
        with self._database.write() as db:
            marks = ", ".join("?" * len(prompt_ids))
            texts = db.execute(f"SELECT text FROM negatives WHERE id IN ({marks})", list(prompt_ids)).fetchall()
            if not texts:
                raise _gone("prompt")
            what = f"{len(texts)} negative prompts" if len(texts) > 1 else f"the negative prompt '{texts[0][0]}'"
            discard(db, ROOM, what, [Selected("negatives", f"id IN ({marks})", list(prompt_ids))])
        return len(texts)

    def _free_name(self, db: sqlite_utils.Database, name: str, but: int = -1) -> str:
        tidy = tidy_name(name, "a group")
        sql = "SELECT 1 FROM negative_groups WHERE name = ? AND dataset_id IS NULL AND id <> ?"
        if db.execute(sql, [tidy, but]).fetchone():
            raise StoreError(f"there is a group '{tidy}' already; choose another name")
        return tidy

    def _group(self, db: sqlite_utils.Database, name: str) -> int:
        """The id of the group ``name``, which is made if need be."""
        sql = "SELECT id FROM negative_groups WHERE name = ? AND dataset_id IS NULL"
        found = db.execute(sql, [name]).fetchone()
        return int(found[0]) if found else self._create(db, name)

    def _create(self, db: sqlite_utils.Database, name: str) -> int:
        return int(db.table("negative_groups").insert({"name": name}).last_pk)  # type: ignore[arg-type]


def tidy_text(text: str) -> str:
    """``text`` without odd space. Raises StoreError if it is too long for a prompt."""
    tidy = " ".join(text.split())
    if len(tidy) > MAX_TEXT:
        raise StoreError(f"the prompt '{tidy[:30]}…' has {len(tidy)} letters; use at most {MAX_TEXT}")
    return tidy


def _gone(what: str) -> StoreError:
    return StoreError(f"this {what} is not there any more; it may have been deleted in another window: reload the page")
