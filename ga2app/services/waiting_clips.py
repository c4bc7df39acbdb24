"""Recognized clips that wait to join a data set: kept from Recognize, and labeled one by one."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.datasets.clip_files import content_digest
from ga2app.errors import DatasetError, counted
from ga2app.paths import Home
from ga2app.services.quotas import check_clips
from ga2app.services.recognition_service import Results
from ga2app.services.uploads import keep_for_good, recognized_folder
from ga2app.store import Store
from ga2app.store.clip_reviews import WaitingClip
from ga2app.store.row_guard import APP, acting_as
from ga2app.stretches import file_of

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

_TOP = 5


class WaitingService:
    """Clips between Recognize and a data set, of whoever acts."""

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store

    def all(self) -> Sequence[WaitingClip]:
        """The least certain first."""
        return self._store.reviews.waiting()

    def keep(self, results: Results) -> str:
        """Let the recognized clips of ``results`` wait, each content once; gives in words how many there are now.

        Raises DatasetError where none of them was kept, LimitError beyond the quota.
        """
        self._studio.may_change()
        found = []
        for path, clip in zip(results.paths, results.clips, strict=True):
            if not path or not clip.answers:
                continue
            best = clip.answers[-1].scores
            ahead = best[0].score - best[1].score if len(best) > 1 else 1.0
            answers = {
                title: [(score.label, score.score) for score in answer.scores[:_TOP]]
                for title, answer in zip(results.classifiers, clip.answers, strict=True)
            }
            found.append((path, content_digest(path), answers, ahead))
        if not found:
            raise DatasetError("none of these clips was kept; recognize them again, then review them")
        check_clips(self._store, [path for path, *_ in found])
        kept = [
            (keep_for_good(self._studio.home, path), digest, answers, ahead) for path, digest, answers, ahead in found
        ]
        fresh = self._store.reviews.wait(kept)
        return f"{counted(fresh, 'clip')} to review, {len(self.all()):,} in all."

    def join(self, waiting_id: int, dataset_id: int, label: str) -> str:
        """Put a waiting clip into a data set under ``label``, as one to train on."""
        if not label.strip():
            raise DatasetError("no label was chosen; choose one, or type a new one")
        self._studio.may_change()
        clip = next((one for one in self.all() if one.id == waiting_id), None)
        if clip is None:
            raise DatasetError("this clip does not wait any more; reload the page")
        check_clips(self._store, [clip.path])
        return f"Done: {self._store.reviews.join(waiting_id, dataset_id, label, clip.digest)}."

    def dismiss(self, waiting_id: int) -> str:
        """Leave a waiting clip out. It can be undone."""
        return f"Done: {self._store.reviews.dismiss(waiting_id)}."


@acting_as(APP)  # files of others are needed, too
def sweep_recognized(home: Home, store: Store) -> int:
    """Delete files of recognized clips that nothing names any more, nor an undo could bring back; gives how many."""
    folders = [folder for folder in recognized_folder(home).glob("*") if folder.is_dir()]
    needed = {Path(file_of(path)).parent for path in store.reviews.files()} if folders else set()
    gone = [folder for folder in folders if folder not in needed]
    for folder in gone:
        shutil.rmtree(folder, ignore_errors=True)
    return len(gone)
