"""Data sets: which clips show what, and which labels are trained on."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlite_utils

from ga2app.errors import DatasetError, ErrorCode
from ga2app.labels import merge_labels
from ga2app.store.database import Database
from ga2app.store.row_guard import insert
from ga2app.types import AnchorClip, ClipFacts, Dataset, DatasetOutline, LabelKind, LabelledClip, Subset
from ga2app.types.dataset_types import SAMPLE
from ga2app.untrusted import stored_json


@dataclass(frozen=True)
class DatasetRow:
    """A data set as a list shows it: label names, and counts of clips by subset and of anchor clips."""

    id: int
    name: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    n_train: int
    n_test: int
    anchors: int
    origin: str
    created_s: float = field(default=0.0, compare=False)
    owner: str = ""
    shared: bool = False

    @property
    def clips(self) -> int:
        return self.n_train + self.n_test


class Datasets:
    """The data sets of one home. Names are unique."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, dataset: Dataset, *, origin: str, shared: bool = False) -> int:
        """Keep a data set, whole or not at all, and give its id. ``origin`` says in words where it came from.

        ``shared`` ones are seen by everybody who opens a Space.

        Raises DatasetError if the name is empty or taken, or if its clips and labels do not fit each other.
        """
        with self._database.write() as db:
            return insert_dataset(self._database, db, dataset, origin=origin, shared=shared)

    def names(self) -> Mapping[int, str]:
        """Names of all data sets by their ids, oldest first."""
        return dict(self._database.rows("SELECT id, name FROM datasets ORDER BY id"))

    def get(self, name: str) -> Dataset:
        """The data set, with labels and clips in the order they were added. Raises DatasetError if there is none."""
        with self._database.read() as db, db.atomic():
            dataset_id = self._id(db, name)
            parts = self._parts(db, dataset_id)
            clips = db.execute(
                "SELECT clips.path, labels.name, clips.subset FROM clips "
                "JOIN main.labels AS labels ON labels.id = clips.label_id "
                "WHERE clips.dataset_id = ? ORDER BY clips.id",
                [dataset_id],
            ).fetchall()
        path = self._database.from_stored
        return Dataset(
            name=name,
            clips=tuple(LabelledClip(path(file), label, Subset(subset)) for file, label, subset in clips),
            **parts,
        )

    def outline(self, name: str) -> DatasetOutline:
        """The data set with its clips counted by label and subset. Raises DatasetError if there is none."""
        with self._database.read() as db, db.atomic():
            dataset_id = self._id(db, name)
            parts = self._parts(db, dataset_id)
            counted: dict[Subset, dict[str, int]] = {subset: {} for subset in Subset}
            for label, subset, count in db.execute(
                "SELECT labels.name, counted.subset, counted.clips FROM (SELECT label_id, subset, count(*) AS clips "
                "FROM clips WHERE dataset_id = ? GROUP BY subset, label_id) AS counted "
                "JOIN labels ON labels.id = counted.label_id",
                [dataset_id],
            ):
                counted[Subset(subset)][label] = count
            sampled = _sampled(db, dataset_id, Subset.TRAIN if counted[Subset.TRAIN] else Subset.TEST)
        files = tuple(map(self._database.from_stored, sampled))
        return DatasetOutline(name=name, clips=(), counted=counted, sampled=files, **parts)

    def pictured(self, name: str, endings: Sequence[str], limit: int) -> Sequence[tuple[str, str]]:
        """Label and file of one training clip of each of the first base labels, its name with one of ``endings``."""
        fitting = " OR ".join("lower(path) LIKE '%' || ?" for _ in endings)
        found = self._database.rows(
            "SELECT labels.name, (SELECT path FROM clips WHERE label_id = labels.id AND subset = 'train' AND "
            f"({fitting}) ORDER BY id LIMIT 1) AS file FROM labels JOIN datasets ON datasets.id = dataset_id "
            "WHERE datasets.name = ? AND kind = 'base' AND file IS NOT NULL ORDER BY labels.id LIMIT ?",
            [*endings, name, limit],
        )
        return [(label, self._database.from_stored(file)) for label, file in found]

    def _parts(self, db: sqlite_utils.Database, dataset_id: int) -> dict[str, Any]:
        """Labels, anchors and negative prompts of a data set, as ``Dataset`` takes them."""
        labels = db.execute(
            "SELECT name, kind, descriptions FROM labels WHERE dataset_id = ? ORDER BY id", [dataset_id]
        ).fetchall()
        anchors = db.execute(
            "SELECT path, caption FROM anchor_clips JOIN anchor_sets ON anchor_sets.id = set_id "
            "WHERE dataset_id = ? AND enabled ORDER BY anchor_clips.id",
            [dataset_id],
        ).fetchall()
        negatives = db.execute(
            "SELECT text, descriptions FROM negatives JOIN negative_groups ON negative_groups.id = group_id "
            "WHERE dataset_id = ? AND enabled ORDER BY negatives.id",
            [dataset_id],
        ).fetchall()
        return {
            "base": tuple(label for label, kind, _ in labels if kind == LabelKind.BASE),
            "novel": tuple(label for label, kind, _ in labels if kind == LabelKind.NOVEL),
            "anchors": tuple(AnchorClip(self._database.from_stored(file), caption) for file, caption in anchors),
            "negatives": tuple(text for text, _ in negatives),
            "descriptions": {
                text: tuple(stored_json(told)) for text, *_, told in (*labels, *negatives) if told != "[]"
            },
        }

    def list(self) -> list[DatasetRow]:
        """All data sets, oldest first."""
        names: dict[tuple[int, str], list[str]] = {}

        def of_kind(dataset_id: int, kind: str) -> tuple[str, ...]:
            return tuple(names.get((dataset_id, kind), ()))

        with self._database.read() as db, db.atomic():
            rows = db.execute(
                "SELECT id, name, "
                "(SELECT count(*) FROM main.clips AS c WHERE c.dataset_id = datasets.id AND subset = 'train'), "
                "(SELECT count(*) FROM main.clips AS c WHERE c.dataset_id = datasets.id AND subset = 'test'), "
                "(SELECT count(*) FROM anchor_clips JOIN anchor_sets ON anchor_sets.id = set_id "
                "WHERE dataset_id = datasets.id AND enabled), origin, created_s, owner, shared "
                "FROM datasets ORDER BY id"
            ).fetchall()
            for id_, kind, label in db.execute("SELECT dataset_id, kind, name FROM labels ORDER BY id"):
                names.setdefault((id_, kind), []).append(label)
        return [
            DatasetRow(
                id_,
                name,
                of_kind(id_, "base"),
                of_kind(id_, "novel"),
                train,
                test,
                anchors,
                origin,
                at_s,
                whose,
                bool(on),
            )
            for id_, name, train, test, anchors, origin, at_s, whose, on in rows
        ]

    def delete(self, name: str) -> None:
        """Forget a data set with its labels, anchors and negatives; the files stay. Raises DatasetError if unknown."""
        with self._database.write() as db:
            db.execute("DELETE FROM datasets WHERE id = ?", [self._id(db, name)])

    def _id(self, db: sqlite_utils.Database, name: str) -> int:
        found = db.execute("SELECT id FROM datasets WHERE name = ?", [name]).fetchone()
        if found is None:
            names = [row[0] for row in db.execute("SELECT name FROM datasets ORDER BY id")]
            known = ", ".join(f"'{known}'" for known in names) or "none yet"
            raise DatasetError(
                f"there is no data set '{name}'", hint=f"known data sets: {known}", code=ErrorCode.DATASET_MISSING
            )
        return int(found[0])


def _sampled(db: sqlite_utils.Database, dataset_id: int, subset: Subset) -> Sequence[str]:
    """A few files of a subset, as stored: those that follow on evenly spaced ids, so that no row is counted."""
    first, last = db.execute(
        "SELECT (SELECT min(id) FROM clips WHERE dataset_id = :id), (SELECT max(id) FROM clips WHERE dataset_id = :id)",
        {"id": dataset_id},
    ).fetchone()
    found: dict[int, str] = {}
    for place in range(SAMPLE if first is not None else 0):
        row = db.execute(
            "SELECT id, path FROM clips WHERE dataset_id = ? AND subset = ? AND id >= ? ORDER BY id LIMIT 1",
            [dataset_id, subset.value, first + place * (last - first) // SAMPLE],
        ).fetchone()
        if row:
            found[row[0]] = row[1]
    return tuple(found.values())


def insert_dataset(
    database: Database,
    db: sqlite_utils.Database,
    dataset: Dataset,
    *,
    origin: str,
    facts: Mapping[str, ClipFacts] | None = None,
    folder: str | None = None,
    shared: bool = False,
) -> int:
    """``Datasets.add`` inside the caller's transaction.

    ``facts`` are what is known of clips, by path; ``folder`` is one in the home that goes when the data set does.
    """
    _check(dataset)
    if db.execute("SELECT 1 FROM main.datasets WHERE name = ?", [dataset.name]).fetchone():
        raise DatasetError(
            f"there is a data set '{dataset.name}' already; choose another name, or delete that one first"
        )
    stored = database.to_stored(folder) if folder else None
    seen = {"name": dataset.name, "shared": int(shared)}
    row = {"origin": origin, "folder": stored, "created_s": time.time()}
    dataset_id = insert(db, "datasets", seen | row)
    _add_clips(database, db, dataset_id, dataset, facts or {})
    _add_anchors(database, db, seen | {"dataset_id": dataset_id}, dataset)
    return dataset_id


def _add_clips(
    database: Database, db: sqlite_utils.Database, dataset_id: int, dataset: Dataset, facts: Mapping[str, ClipFacts]
) -> None:
    kinds = [(label, LabelKind.BASE) for label in dataset.base]
    kinds += [(label, LabelKind.NOVEL) for label in dataset.novel]
    label_ids = {
        label: insert(
            db,
            "labels",
            {"dataset_id": dataset_id, "name": label, "kind": kind.value, "descriptions": _told(dataset, label)},
        )
        for label, kind in kinds
    }
    rows = []
    for clip in dataset.clips:
        known = facts.get(clip.path)
        told = (known.digest or None, known.seconds, known.frames, known.width, known.height) if known else (None,) * 5
        path = database.to_stored(clip.path)
        rows.append((dataset_id, label_ids[clip.label], path, clip.subset.value, *told))
    db.conn.executemany(
        "INSERT INTO clips (dataset_id, label_id, path, subset, digest, seconds, frames, width, height) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rows,
    )


def _add_anchors(database: Database, db: sqlite_utils.Database, row: Mapping[str, Any], dataset: Dataset) -> None:
    set_id = insert(db, "anchor_sets", row)
    db.conn.executemany(
        "INSERT INTO anchor_clips (set_id, path, caption) VALUES (?, ?, ?)",
        [(set_id, database.to_stored(anchor.path), anchor.caption) for anchor in dataset.anchors],
    )
    group_id = insert(db, "negative_groups", row)
    db.conn.executemany(
        "INSERT INTO negatives (group_id, text, descriptions) VALUES (?, ?, ?)",
        [(group_id, text, _told(dataset, text)) for text in dict.fromkeys(dataset.negatives)],
    )


def _told(dataset: Dataset, text: str) -> str:
    """The descriptions of a label or a negative prompt, as a row keeps them."""
    return json.dumps(list(dataset.descriptions.get(text, ())), ensure_ascii=False)


def _check(dataset: Dataset) -> None:
    if not dataset.name.strip():
        raise DatasetError("a data set needs a name; give it one")
    labels = [*dataset.base, *dataset.novel]
    if again := merge_labels(labels).again:
        twice = next(iter(again.values()))[0]
        raise DatasetError(
            f"data set '{dataset.name}' has the label '{twice}' twice; name each label once, base or novel"
        )
    unknown = sorted({clip.label for clip in dataset.clips} - set(labels))
    if unknown:
        raise DatasetError(
            f"data set '{dataset.name}' has clips labelled '{unknown[0]}', which is neither a base nor a novel label; "
            "add that label or leave those clips out"
        )
    if not dataset.clips:
        raise DatasetError(f"data set '{dataset.name}' has no usable clips; add at least one clip to a base label")
