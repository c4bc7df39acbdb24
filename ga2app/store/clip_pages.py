"""What the page of a data set shows: labels with their counts, clips by the page; and what runs still need as it is."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlite_utils

from ga2app.errors import DatasetError, StoreError
from ga2app.store.database import Database
from ga2app.store.row_guard import APP, acting_as
from ga2app.types import ClipFacts, LabelKind, Subset
from ga2app.untrusted import stored_json


@dataclass(frozen=True)
class LabelRow:
    """A label of a data set with the number of its clips, and the sentences that describe it."""

    id: int
    name: str
    kind: LabelKind
    n_train: int
    n_test: int
    descriptions: tuple[str, ...] = ()

    @property
    def clips(self) -> int:
        return self.n_train + self.n_test


@dataclass(frozen=True)
class ClipRow:
    """A clip of a data set. ``facts`` is None, and so its digest, for one that was never opened."""

    id: int
    dataset_id: int
    label: str
    kind: LabelKind
    path: str
    subset: Subset
    facts: ClipFacts | None


@dataclass(frozen=True)
class ClipFilter:
    """Which clips of a data set are meant: all that are not ruled out."""

    label_id: int | None = None
    subset: Subset | None = None
    text: str = ""


@dataclass(frozen=True)
class Copies:
    """Clips with the same content, within one data set."""

    label_names: tuple[str, ...]
    subsets: tuple[Subset, ...]
    paths: tuple[str, ...]


_WITH_CONTENT = ("clips", "anchor_clips", "waiting_clips")
_CLIP = (
    "SELECT clips.id, clips.dataset_id, labels.name, labels.kind, path, subset, digest, seconds, frames, width, height "
    "FROM clips JOIN main.labels AS labels ON labels.id = clips.label_id "
)

_CLIP_OF_SEEN = _CLIP.replace("FROM clips", "FROM main.clips AS clips")

# Out of the index alone: a join reads every row, which grows faster than their number once they leave SQLite's cache.
# Who sees a label, or a data set, sees its clips: the table itself is counted, not what ``row_guard`` shows of it.
_COUNTED = (
    "(SELECT count(*) FROM main.clips AS c "
    "WHERE c.dataset_id = labels.dataset_id AND subset = '{}' AND label_id = labels.id)"
)


class Clips:
    """The clips of all data sets. Every answer takes a fixed number of queries, however many clips there are."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def labels(self, dataset_id: int) -> list[LabelRow]:
        """The labels of a data set, in their order."""
        found = self._database.rows(
            f"SELECT id, name, kind, {_COUNTED.format('train')}, {_COUNTED.format('test')}, descriptions "
            "FROM labels WHERE dataset_id = ? ORDER BY id",
            [dataset_id],
        )
        return [
            LabelRow(id_, name, LabelKind(kind), train, test, tuple(stored_json(told)))
            for id_, name, kind, train, test, told in found
        ]

    def count(self, dataset_id: int, wanted: ClipFilter) -> int:
        """How many clips ``page`` has in all."""
        where, values = _condition(dataset_id, wanted)
        with self._database.read() as db:
            joined = "JOIN main.labels AS labels ON labels.id = clips.label_id" if wanted.text.strip() else ""
            sql = f"SELECT count(*) FROM main.clips AS clips {joined} WHERE {where}"
            return int(db.execute(sql, values).fetchone()[0])

    def page(self, dataset_id: int, wanted: ClipFilter, *, limit: int, offset: int = 0) -> list[ClipRow]:
        """``limit`` clips from number ``offset`` on, by label and then in the order in which they came."""
        where, values = _condition(dataset_id, wanted)
        sql = f"{_CLIP_OF_SEEN} WHERE {where} ORDER BY clips.label_id, clips.id LIMIT ? OFFSET ?"
        return self._rows(self._database.rows(sql, [*values, limit, offset]))

    def some(self, ids: Iterable[int]) -> list[ClipRow]:
        """The clips with these ids that are there."""
        sql = f"{_CLIP} WHERE clips.id IN (SELECT value FROM json_each(?)) ORDER BY clips.label_id, clips.id"
        return self._rows(self._database.rows(sql, [json.dumps(list(ids))]))

    def get(self, clip_id: int) -> ClipRow:
        """One clip. Raises DatasetError if it is not there any more."""
        found = self.some([clip_id])
        if not found:
            raise DatasetError("this clip is not in the data set any more; reload the page")
        return found[0]

    def digests(self, dataset: str) -> dict[str, str]:
        """The content of the clips and anchors of a data set by their files, as far as it is known."""
        sql = (
            "SELECT path, digest FROM clips JOIN datasets ON datasets.id = dataset_id WHERE name = ? AND digest <> '' "
            "UNION ALL SELECT path, digest FROM anchor_clips JOIN anchor_sets ON anchor_sets.id = set_id "
            "JOIN datasets ON datasets.id = dataset_id WHERE datasets.name = ? AND digest <> ''"
        )
        found = self._database.rows(sql, [dataset, dataset])
        return {self._database.from_stored(path): digest for path, digest in found}

    def copies(self, dataset_id: int, limit: int = 50) -> list[Copies]:
        """Content that is in a data set more than once, ``limit`` of them at most."""
        sql = (
            "SELECT json_group_array(labels.name), json_group_array(subset), json_group_array(path) FROM clips "
            "JOIN labels ON labels.id = clips.label_id WHERE clips.dataset_id = ? AND digest IS NOT NULL "
            "GROUP BY digest HAVING count(*) > 1 ORDER BY min(clips.id) LIMIT ?"
        )
        found = self._database.rows(sql, [dataset_id, limit])
        return [
            Copies(
                tuple(stored_json(labels)),
                tuple(Subset(subset) for subset in stored_json(subsets)),
                tuple(self._database.from_stored(path) for path in stored_json(paths)),
            )
            for labels, subsets, paths in found
        ]

    def learn(self, clip_id: int, facts: ClipFacts) -> None:
        """Keep what opening a clip has shown."""
        with self._database.write() as db:
            db.execute(
                "UPDATE clips SET digest = ?, seconds = ?, frames = ?, width = ?, height = ? WHERE id = ?",
                [facts.digest or None, facts.seconds, facts.frames, facts.width, facts.height, clip_id],
            )

    def learn_content(self, path: str, digest: str) -> None:
        """Keep the content of a file, wherever a clip or an anchor names that file and its content is not known.

        The app keeps it, whoever was looking: it is a fact of the file, and pictures are shown by it.
        """
        with acting_as(APP), self._database.write() as db:
            for table in _WITH_CONTENT:
                sql = f"UPDATE {table} SET digest = ? WHERE path = ? AND coalesce(digest, '') = ''"
                db.execute(sql, [digest, self._database.to_stored(path)])

    def has_content(self, digest: str) -> bool:
        """Whether a clip or an anchor that may be seen has this content."""
        return self._any_has("digest", digest)

    def has_file(self, path: str | Path) -> bool:
        """Whether a clip or an anchor that may be seen is this file, or a stretch of it."""
        stored = self._database.to_stored(path)
        return self._any_has("path", stored) or self._any_has("path", f"{stored}#t=", f"{stored}#t>")

    def _any_has(self, column: str, value: str, before: str | None = None) -> bool:
        """Whether a row has this ``value``, or one from it to ``before``: the stretches of a file."""
        fits = f"{column} = :of" if before is None else f"{column} >= :of AND {column} < :before"
        either = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {fits})" for table in _WITH_CONTENT)
        return bool(self._database.row(f"SELECT {either}", {"of": value, "before": before})[0])

    def every_content(self) -> set[str]:
        """The content of all clips and anchors, also of those whose deletion can be undone."""
        found = self._database.rows(
            "SELECT digest FROM clips UNION SELECT digest FROM anchor_clips UNION SELECT digest FROM waiting_clips "
            """UNION SELECT json_extract(kept.value, '$[1].digest') FROM trash, json_each(trash."rows") AS kept"""
        )
        return {digest for (digest,) in found if digest}

    def _rows(self, found: list[Any]) -> list[ClipRow]:
        rows = []
        for id_, dataset_id, label, kind, path, subset, digest, seconds, frames, width, height in found:
            facts = None if frames is None else ClipFacts(seconds, frames, width, height, digest=digest or "")
            path = self._database.from_stored(path)
            rows.append(ClipRow(id_, dataset_id, label, LabelKind(kind), path, Subset(subset), facts))
        return rows


def _condition(dataset_id: int, wanted: ClipFilter) -> tuple[str, list[Any]]:
    """The condition on clips of a data set that whoever asks sees, and its values."""
    conditions = ["clips.dataset_id = (SELECT id FROM datasets WHERE id = ?)"]
    values: list[Any] = [dataset_id]
    if wanted.label_id is not None:
        conditions.append("clips.label_id = ?")
        values.append(wanted.label_id)
    if wanted.subset is not None:
        conditions.append("subset = ?")
        values.append(wanted.subset.value)
    if wanted.text.strip():
        conditions.append("(path LIKE ? ESCAPE '\\' OR labels.name LIKE ? ESCAPE '\\')")
        text = wanted.text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values += [f"%{text}%"] * 2
    return " AND ".join(conditions), values


def dataset_of(db: sqlite_utils.Database, dataset_id: int) -> tuple[str, str | None]:
    """Name and folder of a data set, inside the caller's transaction. Raises DatasetError if it is gone."""
    found = db.execute("SELECT name, folder FROM datasets WHERE id = ?", [dataset_id]).fetchone()
    if found is None:
        raise DatasetError("this data set is not there any more; choose another from the list")
    return found[0], found[1]


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
    sql = (
        "SELECT id, name, id IN (SELECT id FROM runs) FROM main.runs "
        f"WHERE state IN ('queued', 'running', 'stopping') AND {_NEEDS[what]} ORDER BY id"
    )
    found = db.execute(sql, [id_]).fetchone()
    if found:
        run = f"run {found[0]} '{found[1]}'" if found[1] else f"run {found[0]}"
        run = run if found[2] else "a run of somebody else"
        error = DatasetError if what == "data set" else StoreError
        raise error(
            f"{run} still needs the {what} '{name}', so it cannot be {how}; wait for the run, or stop and delete it"
        )
