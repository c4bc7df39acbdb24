"""An import as a job: a thread that tells the database how far it is, and keeps everything or nothing.

All that an import makes lies in one folder, ``media/datasets/.import-<number>``, until it is whole. Then the clips
are moved to ``import-<number>`` and the database is told, in one transaction.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ga2app.datasets import Division, Missing
from ga2app.errors import DatasetError, StoreError, StudioError
from ga2app.paths import Home
from ga2app.services.importing.job_report import Report
from ga2app.services.importing.sources import Duplicates, ListsSource, Source, ZipSource, paths_of, read_source
from ga2app.services.importing.validation import Judged, judge, tell_missing
from ga2app.services.importing.zip_archive import Tick
from ga2app.store import Store
from ga2app.store.import_records import ImportRow, ImportState
from ga2app.types import ClipInspector, Dataset
from ga2app.worker import launcher

log = logging.getLogger(__name__)

_TELL_S = 0.3
_FOLDER = re.compile(r"\.?import-(\d+)")
_UNEXPECTED = "something went wrong inside the studio, and its log says what; nothing was kept, try it again"


class _Cancelled(Exception):
    """The person does not want it any more."""


class Importer:
    """Starts imports in threads of this process."""

    def __init__(self, home: Home, store: Store, inspector: ClipInspector) -> None:
        self._home, self._store, self._inspector = home, store, inspector
        self._threads: dict[int, threading.Thread] = {}

    def start(self, source: Source, name: str, *, duplicates: Duplicates, novel: tuple[str, ...] = ()) -> int:
        """Begin an import and give its number. Raises DatasetError if it may not begin."""
        job = self._job(source, name)
        thread = threading.Thread(
            target=job.run, args=(source, duplicates, Division(novel=novel)), daemon=True, name=f"import-{job.id}"
        )
        self._threads[job.id] = thread
        thread.start()
        return job.id

    def run(
        self,
        source: Source,
        name: str,
        *,
        duplicates: Duplicates,
        division: Division | None = None,
        missing: Missing = Missing.FAIL,
        tick: Tick | None = None,
    ) -> ImportRow:
        """Do a whole import in this thread; gives how it ended. ``tick`` is told stage, done and total.

        With ``Missing.FAIL`` one clip that is missing or cannot be read, or one faulty line, leaves all out. Raises
        DatasetError if it may not begin.
        """
        job = self._job(source, name, tick)
        job.run(source, duplicates, division or Division(), missing)
        return self._store.imports.get(job.id)

    def _job(self, source: Source, name: str, tick: Tick | None = None) -> _Job:
        process = launcher.this_process()
        import_id = self._store.imports.begin(name, source.title, process.pid, process.started_s)
        return _Job(self._home, self._store, self._inspector, import_id, name, tick)

    def wait(self, import_id: int, timeout_s: float | None = None) -> None:
        """Until an import that this process began has ended."""
        self._threads[import_id].join(timeout_s)


class _Job:
    """One import."""

    def __init__(
        self,
        home: Home,
        store: Store,
        inspector: ClipInspector,
        import_id: int,
        name: str,
        also_told: Tick | None = None,
    ) -> None:
        self._home, self._store, self._inspector, self.id, self._name = home, store, inspector, import_id, name
        self._also_told = also_told
        self._staging = home.datasets / f".import-{import_id}"
        self._final = home.datasets / f"import-{import_id}"
        self._stage, self._told_s = "", 0.0

    def run(self, source: Source, duplicates: Duplicates, division: Division, missing: Missing = Missing.SKIP) -> None:
        """From the source to the data set; whatever happens, the database is told and nothing is left over."""
        report = Report(self._name)
        try:
            self._staging.mkdir(parents=True, exist_ok=True)
            self._keep(self._judged(source, duplicates, division, missing, report), report)
        except _Cancelled:
            self._give_up(ImportState.CANCELLED, "cancelled; nothing was kept", report)
        except KeyboardInterrupt:
            self._give_up(ImportState.CANCELLED, "cancelled; nothing was kept", report)
            raise
        except StudioError as exc:
            cancelled = self._cancelled()
            state = ImportState.CANCELLED if cancelled else ImportState.FAILED
            self._give_up(state, "cancelled; nothing was kept" if cancelled else str(exc), report)
        except OSError as exc:
            log.exception("import %d failed", self.id)
            text = f"the disk refused ({exc.strerror or exc}); free some space and import again"
            self._give_up(ImportState.FAILED, text, report)
        except Exception:
            log.exception("import %d failed", self.id)
            self._give_up(ImportState.FAILED, _UNEXPECTED, report)
        finally:
            shutil.rmtree(self._staging, ignore_errors=True)

    def _judged(
        self, source: Source, duplicates: Duplicates, division: Division, missing: Missing, report: Report
    ) -> Judged:
        """What is left of the source. Raises DatasetError where something is wrong and everything has to be right."""
        clips = self._staging / "clips"
        if isinstance(source, ListsSource):
            source = replace(source, lists=replace(source.lists, missing=missing))
        found = read_source(self._held(source), self._name, division, clips, report, self._tick)
        if missing is Missing.FAIL:
            tell_missing(found, report)
            self._refuse(report)
        pictures, had = self._staging / "thumbs", self._home.thumbs
        judged = judge(found, self._inspector, duplicates, pictures, had, report, self._tick)
        if missing is Missing.FAIL:
            self._refuse(report)
        return judged

    def _refuse(self, report: Report) -> None:
        if report.faults or report.missing:
            raise DatasetError(report.refusal())

    def _held(self, source: Source) -> Source:
        """An upload lies in a cache that is emptied: a second name for the file, or a copy, is the import's own."""
        if not isinstance(source, ZipSource):
            return source
        held = self._staging / "upload.zip"
        try:
            os.link(source.archive, held)
        except OSError:
            self._tick("Copying", 0, 0)
            shutil.copyfile(source.archive, held)
        return replace(source, archive=held)

    def _tick(self, stage: str, done: int, total: int) -> None:
        if self._also_told:
            self._also_told(stage, done, total)
        now_s = time.monotonic()
        if stage == self._stage and now_s - self._told_s < _TELL_S and done != total:
            return
        self._stage, self._told_s = stage, now_s
        if not self._store.imports.progress(self.id, stage, done, total):
            raise _Cancelled

    def _keep(self, judged: Judged, report: Report) -> None:
        """Move clips and pictures to where they stay, and list the data set."""
        self._tick("Storing", 0, 0)
        scratch = self._staging / "clips"
        facts = judged.facts
        dataset, own = judged.dataset, scratch.is_dir()
        if own:
            _drop_unused(scratch, dataset)
            dataset, facts = self._moved(dataset, scratch), {self._after(p, scratch): f for p, f in facts.items()}
        with self._in_place(scratch if own else None):
            self._store.imports.complete(
                self.id, dataset, report.to_dict(), facts=facts, folder=str(self._final) if own else None
            )

    @contextlib.contextmanager
    def _in_place(self, scratch: Path | None) -> Iterator[None]:
        """Files where they are to stay; back out again if the database does not take the data set."""
        moved: list[Path] = []
        try:
            self._home.thumbs.mkdir(parents=True, exist_ok=True)
            for picture in (self._staging / "thumbs").glob("*.jpg"):
                moved.append(self._home.thumbs / picture.name)
                os.replace(picture, moved[-1])
            if scratch:
                os.replace(scratch, self._final)
            yield
        except BaseException:
            for picture in moved:
                picture.unlink(missing_ok=True)
            shutil.rmtree(self._final, ignore_errors=True)
            raise

    def _after(self, path: str, scratch: Path) -> str:
        """Where a file below ``scratch`` will lie."""
        return str(self._final / Path(path).relative_to(scratch))

    def _moved(self, dataset: Dataset, scratch: Path) -> Dataset:
        return replace(
            dataset,
            clips=tuple(replace(clip, path=self._after(clip.path, scratch)) for clip in dataset.clips),
            anchors=tuple(replace(anchor, path=self._after(anchor.path, scratch)) for anchor in dataset.anchors),
        )

    def _cancelled(self) -> bool:
        """Whether the person has cancelled while something else went wrong, or just before the end."""
        try:
            return not self._store.imports.progress(self.id, self._stage, 0, 0)
        except StoreError:
            return False

    def _give_up(self, state: ImportState, text: str, report: Report) -> None:
        try:
            self._store.imports.give_up(self.id, state, text, report.to_dict())
        except StoreError:
            log.exception("import %d has ended (%s: %s), and the database cannot be told", self.id, state, text)


def _drop_unused(scratch: Path, dataset: Dataset) -> None:
    """Only the clips that were taken stay on the disk."""
    used = {os.path.abspath(path) for path in paths_of(dataset)}
    for folder, _, names in os.walk(scratch, topdown=False):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.abspath(path) not in used:
                os.unlink(path)
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def sweep(home: Home, store: Store) -> list[int]:
    """Tidy up after imports of processes that are gone: they have failed, and what they left is deleted."""
    dead = store.imports.abandon_dead(launcher.is_alive)
    running = store.imports.running()
    needed = store.imports.folders()
    for folder in home.datasets.iterdir() if home.datasets.is_dir() else ():
        number = _FOLDER.fullmatch(folder.name)
        if number and str(folder) not in needed and not (running and int(number[1]) == running.id):
            shutil.rmtree(folder, ignore_errors=True)
    return dead
