"""What a person said of clips: one by one, each undoable; and recognized clips that wait to join a data set."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ga2app.errors import DatasetError
from ga2app.store.clip_pages import dataset_of, refuse_edits
from ga2app.store.database import Database
from ga2app.store.dataset_edits import ROOM, add_label
from ga2app.store.row_guard import insert
from ga2app.store.trash import Former, Selected, remember
from ga2app.stretches import shown_address
from ga2app.types import Subset
from ga2app.types.dataset_types import Reviewed
from ga2app.untrusted import stored_json


@dataclass(frozen=True)
class WaitingClip:
    """A recognized clip that is in no data set yet.

    ``answers`` are the best labels with their probabilities, by the titles of zero-shot CLIP and of bundles.
    ``certainty`` is how far the best label of the last of them is ahead of the second.
    """

    id: int
    path: str
    digest: str
    answers: Mapping[str, Sequence[tuple[str, float]]]
    certainty: float


class ClipReviews:
    """Reviews of clips. Each method raises DatasetError for what is not there."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self, dataset_id: int) -> dict[Reviewed, int]:
        """How many clips of a data set were reviewed how."""
        sql = "SELECT reviewed, count(*) FROM clips WHERE dataset_id = ? GROUP BY reviewed"
        found = dict(self._database.rows(sql, [dataset_id]))
        return {how: int(found.get(how.value, 0)) for how in Reviewed}

    def open_clips(self, dataset_id: int) -> dict[int, bool]:
        """The clips that nobody confirmed or corrected, and whether they were skipped, by their ids."""
        sql = "SELECT id, reviewed FROM clips WHERE dataset_id = ? AND reviewed IN ('', 'skipped')"
        return {id_: bool(how) for id_, how in self._database.rows(sql, [dataset_id])}

    def say(self, clip_id: int, how: Reviewed, name: str = "") -> str:
        """Note what a person said of a clip, under the label ``name`` where that is a correction; gives it in words.

        To confirm or skip changes nothing that a run is trained on, and is never refused.
        """
        with self._database.write() as db:
            sql = "SELECT clips.dataset_id, label_id, labels.name, path FROM clips JOIN labels ON labels.id = label_id "
            found = db.execute(f"{sql} WHERE clips.id = ?", [clip_id]).fetchone()
            if found is None:
                raise DatasetError("this clip is not in the data set any more; reload the page")
            dataset_id, label_id, label, path = found
            file, added = shown_address(path), []
            if how is Reviewed.CORRECTED:
                refuse_edits(db, dataset_id)
                known = {row[0] for row in db.execute("SELECT id FROM labels WHERE dataset_id = ?", [dataset_id])}
                new_id = add_label(db, dataset_id, name)
                added = [] if new_id in known else [Selected("labels", "id = ?", [new_id])]
                how, label_id = (how if new_id != label_id else Reviewed.CONFIRMED), new_id
                (name,) = db.execute("SELECT name FROM labels WHERE id = ?", [new_id]).fetchone()
            what = {
                Reviewed.CONFIRMED: f"confirming '{label}' of {file}",
                Reviewed.CORRECTED: f"correcting {file} from '{label}' to '{name}'",
                Reviewed.SKIPPED: f"skipping {file}",
            }[how]
            clip = Selected("clips", "id = ?", [clip_id])
            remember(db, ROOM, what, former=[Former(clip, ["label_id", "subset", "reviewed"])], added=added)
            db.execute("UPDATE clips SET reviewed = ?, label_id = ? WHERE id = ?", [how.value, label_id, clip_id])
        return what

    def waiting(self) -> list[WaitingClip]:
        """The clips of whoever asks that wait to join a data set, the least certain first."""
        columns = "id, path, digest, answers, certainty"
        sql = f"SELECT {columns} FROM waiting_clips WHERE owner = visitor() ORDER BY certainty, id"
        return [
            WaitingClip(id_, self._database.from_stored(path), digest, stored_json(answers), certainty)
            for id_, path, digest, answers, certainty in self._database.rows(sql)
        ]

    def wait(self, clips: Sequence[tuple[str, str, Mapping[str, Any], float]]) -> int:
        """Let clips (path, digest, answers, certainty) wait, each once; gives how many are new."""
        fresh = 0
        with self._database.write() as db:
            known = {digest for (digest,) in db.execute("SELECT digest FROM waiting_clips WHERE owner = visitor()")}
            for path, digest, answers, certainty in clips:
                if digest in known:
                    continue
                known.add(digest)
                row = {"path": self._database.to_stored(path), "digest": digest, "certainty": certainty}
                told = json.dumps(answers, ensure_ascii=False)
                insert(db, "waiting_clips", row | {"answers": told, "created_s": time.time()})
                fresh += 1
        return fresh

    def join(self, waiting_id: int, dataset_id: int, name: str, digest: str, subset: Subset = Subset.TRAIN) -> str:
        """Put a waiting clip into a data set under the label ``name``, as reviewed; gives it in words."""
        with self._database.write() as db:
            called, _ = dataset_of(db, dataset_id)
            refuse_edits(db, dataset_id)
            path = self._path(db, waiting_id)
            known = {row[0] for row in db.execute("SELECT id FROM labels WHERE dataset_id = ?", [dataset_id])}
            label_id = add_label(db, dataset_id, name)
            there = "SELECT 1 FROM clips WHERE dataset_id = ? AND (path = ? OR digest = ?)"
            if db.execute(there, [dataset_id, path, digest]).fetchone():
                raise DatasetError(
                    f"{shown_address(path)} is in '{called}' already; leave it out here, or edit it there"
                )
            row = {"dataset_id": dataset_id, "label_id": label_id, "path": path, "subset": subset.value}
            clip_id = insert(db, "clips", row | {"digest": digest, "reviewed": Reviewed.CONFIRMED.value})
            added = [Selected("clips", "id = ?", [clip_id])]
            added += [] if label_id in known else [Selected("labels", "id = ?", [label_id])]
            what = f"adding {shown_address(path)} to '{called}'"
            remember(db, ROOM, what, added=added, deleted=[Selected("waiting_clips", "id = ?", [waiting_id])])
            db.execute("DELETE FROM waiting_clips WHERE id = ?", [waiting_id])
        return what

    def dismiss(self, waiting_id: int) -> str:
        """Leave a waiting clip out; gives it in words. It can be undone."""
        with self._database.write() as db:
            what = f"leaving out {shown_address(self._path(db, waiting_id))}"
            remember(db, ROOM, what, deleted=[Selected("waiting_clips", "id = ?", [waiting_id])])
            db.execute("DELETE FROM waiting_clips WHERE id = ?", [waiting_id])
        return what

    def files(self) -> set[str]:
        """The files of all clips that joined or wait, also of those that an undo would bring back."""
        found = self._database.rows(
            "SELECT path FROM clips WHERE path LIKE '%recognized%' UNION SELECT path FROM waiting_clips UNION "
            """SELECT json_extract(kept.value, '$[1].path') FROM trash, json_each(trash."rows") AS kept"""
        )
        return {self._database.from_stored(path) for (path,) in found if path}

    @staticmethod
    def _path(db: Any, waiting_id: int) -> str:
        found = db.execute("SELECT path FROM waiting_clips WHERE id = ?", [waiting_id]).fetchone()
        if found is None:
            raise DatasetError("this clip does not wait any more; reload the page")
        return str(found[0])
