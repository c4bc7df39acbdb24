"""Changes of a data set: each touches the rows that it names and no others, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlite_utils

from ga2app.datasets.label_descriptions import MOST_SENTENCES
from ga2app.errors import DatasetError, counted, named
from ga2app.labels import label_key
from ga2app.store.clip_pages import dataset_of, refuse_edits, refuse_edits_of_clips, refuse_in_use
from ga2app.store.database import Database
from ga2app.store.row_guard import insert
from ga2app.store.trash import Former, Selected, among, discard, remember
from ga2app.types import LabelKind, Subset
from ga2app.untrusted import one_line, stored_json

ROOM = "datasets"
"""Where deletions and edits of this file wait to be undone."""

LONGEST_NAME = 120


@dataclass(frozen=True)
class SplitClip:
    """A clip as a division into train and test sees it."""

    id: int
    label: str
    kind: LabelKind
    path: str
    digest: str | None


class DatasetEdits:
    """Edits of data sets, labels and clips. Each raises DatasetError if what it is to change is not there.
    While a run that is to be trained on a data set waits or runs, nothing of that data set but its name can change."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rename(self, dataset_id: int, name: str) -> None:
        """Call a data set something else; runs that are to be trained on it follow."""
        name = _checked(name, "data set")
        with self._database.write() as db:
            old, _ = dataset_of(db, dataset_id)
            if name == old:
                return
            if db.execute("SELECT 1 FROM main.datasets WHERE name = ? AND id <> ?", [name, dataset_id]).fetchone():
                raise DatasetError(f"there is a data set '{name}' already; choose another name")
            db.execute("UPDATE datasets SET name = ? WHERE id = ?", [name, dataset_id])
            for table in ("anchor_sets", "negative_groups"):
                db.execute(f"UPDATE {table} SET name = ? WHERE dataset_id = ?", [name, dataset_id])

    def delete(self, dataset_id: int) -> str:
        """Delete a data set with all that belongs to it; gives in words what went. It can be undone."""
        mine, of_mine = "dataset_id = ?", "IN (SELECT id FROM {} WHERE dataset_id = ?)"
        with self._database.write() as db:
            name, folder = dataset_of(db, dataset_id)
            refuse_in_use(db, "data set", dataset_id, name, "deleted")
            parts = [
                Selected("datasets", "id = ?", [dataset_id]),
                Selected("labels", mine, [dataset_id]),
                Selected("clips", mine, [dataset_id]),
                Selected("anchor_sets", mine, [dataset_id]),
                Selected("anchor_clips", f"set_id {of_mine.format('anchor_sets')}", [dataset_id]),
                Selected("negative_groups", mine, [dataset_id]),
                Selected("negatives", f"group_id {of_mine.format('negative_groups')}", [dataset_id]),
            ]
            what = f"data set '{name}'"
            discard(db, ROOM, what, parts, [folder] if folder else [])
        return what

    def rename_label(self, label_id: int, name: str) -> None:
        """Call a label something else. Another label of that name is not merged by accident: it is refused."""
        name = _checked(name, "label")
        with self._database.write() as db:
            dataset_id, old = _label(db, label_id)
            refuse_edits(db, dataset_id)
            others = db.execute("SELECT name FROM labels WHERE dataset_id = ? AND id <> ?", [dataset_id, label_id])
            same = next((other for (other,) in others if label_key(other) == label_key(name)), None)
            if same:
                raise DatasetError(f"there is a label '{same}' already; choose another name, or merge the two")
            part = Selected("labels", "id = ? AND name <> ?", [label_id, name])
            remember(db, ROOM, f"renaming label '{old}' to '{name}'", former=[Former(part, ["name"])])
            db.execute("UPDATE labels SET name = ? WHERE id = ?", [name, label_id])

    def describe(self, dataset_id: int, descriptions: Mapping[int, Sequence[str]]) -> int:
        """Give labels other sentences, none for those with an empty list; gives how many labels have changed.

        The sentences are what ``datasets.label_descriptions.matched`` lets pass.
        """
        with self._database.write() as db:
            dataset_of(db, dataset_id)
            refuse_edits(db, dataset_id)
            if not descriptions:
                return 0
            names = _expect_labels(db, dataset_id, descriptions)
            told = {id_: json.dumps(list(texts), ensure_ascii=False) for id_, texts in descriptions.items()}
            part = Selected("labels", among("id"), [json.dumps(list(told))])
            was = dict(db.execute(f"SELECT id, descriptions FROM labels WHERE {part.where}", part.values).fetchall())
            changed = [(text, id_) for id_, text in told.items() if was[id_] != text]
            if changed:
                remember(db, ROOM, f"describing {_named(names)}", former=[Former(part, ["descriptions"])])
            db.conn.executemany("UPDATE labels SET descriptions = ? WHERE id = ?", changed)
        return len(changed)

    def merge_labels(self, keep_id: int, label_ids: Collection[int]) -> int:
        """Give all clips of ``label_ids`` the label ``keep_id``, and drop the emptied ones; gives how many moved."""
        others = [label_id for label_id in label_ids if label_id != keep_id]
        if not others:
            raise DatasetError("a merge needs two labels; tick at least one other")
        with self._database.write() as db:
            dataset_id, kept = _label(db, keep_id)
            refuse_edits(db, dataset_id)
            names = _expect_labels(db, dataset_id, others)
            ids = json.dumps(others)
            clips = Selected("clips", among("label_id"), [ids])
            labels = Selected("labels", among("id"), [ids])
            what = f"merging {_named(names)} into '{kept}'"
            stays = Selected("labels", "id = ?", [keep_id])
            former = [Former(clips, ["label_id"]), Former(stays, ["descriptions"])]
            remember(db, ROOM, what, former=former, deleted=[labels])
            _join_descriptions(db, keep_id, others)
            moved = db.execute(f"UPDATE clips SET label_id = ? WHERE {clips.where}", [keep_id, ids]).rowcount
            db.execute(f"DELETE FROM labels WHERE {labels.where}", [ids])
        return int(moved)

    def delete_labels(self, dataset_id: int, label_ids: Collection[int]) -> str:
        """Delete labels with their clips; gives in words what went. It can be undone."""
        with self._database.write() as db:
            dataset_of(db, dataset_id)
            refuse_edits(db, dataset_id)
            names = _expect_labels(db, dataset_id, label_ids)
            ids = json.dumps(list(label_ids))
            count = db.execute(f"SELECT count(*) FROM clips WHERE {among('label_id')}", [ids]).fetchone()[0]
            what = f"{_named(names)} with {counted(count, 'clip')}"
            parts = [Selected("labels", among("id"), [ids]), Selected("clips", among("label_id"), [ids])]
            discard(db, ROOM, what, parts)
        return what

    def set_kinds(self, dataset_id: int, kinds: Mapping[int, LabelKind]) -> None:
        """Say of each label of ``kinds`` whether it is trained on (base) or never (novel)."""
        with self._database.write() as db:
            refuse_edits(db, dataset_id)
            _expect_labels(db, dataset_id, kinds)
            was = dict(db.execute("SELECT id, kind FROM labels WHERE dataset_id = ?", [dataset_id]).fetchall())
            turned = {label_id: kind for label_id, kind in kinds.items() if was[label_id] != kind}
            names = _expect_labels(db, dataset_id, turned) if turned else []
            to = {kind.value for kind in turned.values()}
            what = f"making {_named(names)} {to.pop() if len(to) == 1 else 'base and novel'}"
            part = Selected("labels", among("id"), [json.dumps(list(turned))])
            remember(db, ROOM, what, former=[Former(part, ["kind"])])
            db.conn.executemany(
                "UPDATE labels SET kind = ? WHERE id = ?", [(kind.value, label_id) for label_id, kind in kinds.items()]
            )

    def relabel_clips(self, dataset_id: int, clip_ids: Collection[int], name: str) -> int:
        """Give clips the label ``name``, which is made if the data set does not have it; gives how many there were."""
        with self._database.write() as db:
            known = {row[0] for row in db.execute("SELECT id FROM labels WHERE dataset_id = ?", [dataset_id])}
            label_id = add_label(db, dataset_id, name)
            foreign = f"SELECT count(*) FROM clips WHERE {among('id')} AND dataset_id <> ?"
            if db.execute(foreign, [json.dumps(list(clip_ids)), dataset_id]).fetchone()[0]:
                raise DatasetError("clips and label belong to different data sets; reload the page")
            added = [] if label_id in known else [Selected("labels", "id = ?", [label_id])]
            return _move(db, clip_ids, ("label_id", label_id), f"'{_label(db, label_id)[1]}'", added)

    def add_clips(self, dataset_id: int, clips: Sequence[tuple[str, str, str]]) -> int:
        """Add clips to train on, (path, label, digest), and labels as need be; gives how many are new. Undoable."""
        with self._database.write() as db:
            refuse_edits(db, dataset_id)
            there = {row[0] for row in db.execute("SELECT path FROM clips WHERE dataset_id = ?", [dataset_id])}
            known = {row[0] for row in db.execute("SELECT id FROM labels WHERE dataset_id = ?", [dataset_id])}
            told = {self._database.to_stored(path): more for path, *more in clips}
            shared, fresh = {"dataset_id": dataset_id, "subset": Subset.TRAIN.value}, sorted(told.keys() - there)
            labels = {path: add_label(db, dataset_id, told[path][0]) for path in fresh}
            rows = [shared | {"label_id": labels[path], "path": path, "digest": told[path][1]} for path in fresh]
            added = [Selected("clips", among("id"), [json.dumps([insert(db, "clips", row) for row in rows])])]
            added += [Selected("labels", "id = ?", [label_id]) for label_id in set(labels.values()) - known]
            if fresh:
                called, _ = dataset_of(db, dataset_id)
                remember(db, ROOM, f"adding {counted(len(fresh), 'clip')} to '{called}'", added=added)
        return len(fresh)

    def move_clips(self, clip_ids: Collection[int], subset: Subset) -> int:
        """Put clips into train or test; gives how many there were."""
        with self._database.write() as db:
            return _move(db, clip_ids, ("subset", subset.value), subset.value)

    def delete_clips(self, clip_ids: Collection[int]) -> str:
        """Take clips out of their data set; gives in words what went. It can be undone, and no file is deleted."""
        with self._database.write() as db:
            ids = _expect_clips(db, clip_ids)
            refuse_edits_of_clips(db, ids)
            what = counted(len(set(clip_ids)), "clip")
            discard(db, ROOM, what, [Selected("clips", among("id"), [ids])])
        return what

    def split(self, dataset_id: int, choose: Callable[[Sequence[SplitClip]], Collection[int]]) -> tuple[int, int]:
        """Divide all clips into train and test anew; gives how many are in each. It can be undone.

        ``choose`` gets every clip and gives the ids of those for testing.
        """
        with self._database.write() as db:
            name, _ = dataset_of(db, dataset_id)
            refuse_edits(db, dataset_id)
            found = db.execute(
                "SELECT clips.id, labels.name, labels.kind, path, digest FROM clips "
                "JOIN labels ON labels.id = clips.label_id WHERE clips.dataset_id = ? ORDER BY clips.id",
                [dataset_id],
            ).fetchall()
            clips = Selected("clips", "dataset_id = ?", [dataset_id])
            remember(db, ROOM, f"the new split of '{name}'", former=[Former(clips, ["subset"])])
            tested = set(choose([SplitClip(id_, label, LabelKind(kind), *rest) for id_, label, kind, *rest in found]))
            subsets = [(Subset.TEST.value if row[0] in tested else Subset.TRAIN.value, row[0]) for row in found]
            db.conn.executemany("UPDATE clips SET subset = ? WHERE id = ?", subsets)
        return len(found) - len(tested), len(tested)


def _join_descriptions(db: sqlite_utils.Database, keep_id: int, others: Collection[int]) -> None:
    """Give the label that stays the sentences of those that are merged into it, behind its own."""
    sql = f"SELECT descriptions FROM labels WHERE {among('id')} ORDER BY id <> ?, id"
    found = db.execute(sql, [json.dumps([keep_id, *others]), keep_id]).fetchall()
    texts = list(dict.fromkeys(text for (told,) in found for text in stored_json(told)))[:MOST_SENTENCES]
    told = json.dumps(texts, ensure_ascii=False)
    db.execute("UPDATE labels SET descriptions = ? WHERE id = ? AND descriptions <> ?", [told, keep_id, told])


def _move(
    db: sqlite_utils.Database,
    clip_ids: Collection[int],
    value: tuple[str, int | str],
    where_to: str,
    added: Sequence[Selected] = (),
) -> int:
    """Give clips another ``value`` (column, value), undoably; gives how many there were."""
    (column, new), ids = value, _expect_clips(db, clip_ids)
    refuse_edits_of_clips(db, ids)
    clips = Selected("clips", f"{among('id')} AND {column} <> ?", [ids, new])
    (count,) = db.execute(f"SELECT count(*) FROM clips WHERE {clips.where}", [ids, new]).fetchone()
    what = f"moving {counted(count, 'clip')} to {where_to}"
    remember(db, ROOM, what, former=[Former(clips, ["label_id", "subset"])], added=added)
    db.execute(f"UPDATE clips SET {column} = ? WHERE {among('id')}", [new, ids])
    return len(set(clip_ids))


def _checked(name: str, what: str) -> str:
    tidy = one_line(name, f"the {what}", DatasetError)
    if not tidy:
        raise DatasetError(f"the {what} needs a name; type one")
    if len(tidy) > LONGEST_NAME:
        raise DatasetError(f"the name has {len(tidy)} characters; at most {LONGEST_NAME} fit, shorten it")
    return tidy


def add_label(db: sqlite_utils.Database, dataset_id: int, name: str) -> int:
    """The id of the label ``name``, in whatever spelling, made if need be, inside the caller's transaction."""
    name = _checked(name, "label")
    dataset_of(db, dataset_id)
    for label_id, other in db.execute("SELECT id, name FROM labels WHERE dataset_id = ?", [dataset_id]):
        if label_key(other) == label_key(name):
            return int(label_id)
    refuse_edits(db, dataset_id)
    return insert(db, "labels", {"dataset_id": dataset_id, "name": name, "kind": LabelKind.BASE.value})


def _named(names: Sequence[str]) -> str:
    return f"{'label' if len(names) == 1 else 'labels'} {named(names, 3, quoted=True)}"


def _label(db: sqlite_utils.Database, label_id: int) -> tuple[int, str]:
    """Data set and name of a label."""
    found = db.execute("SELECT dataset_id, name FROM labels WHERE id = ?", [label_id]).fetchone()
    if found is None:
        raise DatasetError("this label is not there any more; reload the page")
    return int(found[0]), found[1]


def _expect_labels(db: sqlite_utils.Database, dataset_id: int, label_ids: Collection[int]) -> list[str]:
    """The names of labels that all have to be in the data set."""
    if not label_ids:
        raise DatasetError("no label is ticked; tick one in the list")
    sql = f"SELECT name FROM labels WHERE dataset_id = ? AND {among('id')} ORDER BY id"
    names = [name for (name,) in db.execute(sql, [dataset_id, json.dumps(list(label_ids))])]
    if len(names) != len(set(label_ids)):
        raise DatasetError("a label that was ticked is not in this data set any more; reload the page")
    return names


def _expect_clips(db: sqlite_utils.Database, clip_ids: Collection[int]) -> str:
    if not clip_ids:
        raise DatasetError("no clip is ticked; tick one below its picture")
    ids = json.dumps(sorted(set(clip_ids)))
    if db.execute(f"SELECT count(*) FROM clips WHERE {among('id')}", [ids]).fetchone()[0] != len(set(clip_ids)):
        raise DatasetError("a clip that was ticked is not there any more; reload the page")
    return ids
