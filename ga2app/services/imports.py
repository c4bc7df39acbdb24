"""Clips on their way into the studio: read, opened one by one, and kept whole or not at all.

An import is a job that tells the database how far it is. All that it makes lies in one folder,
``media/datasets/.import-<number>``, until it is whole. Then the clips are moved to ``import-<number>`` and the database
is told, in one transaction. ``sweep`` tidies up at the start of the app after one that was killed.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

from ga2app.datasets import Division, ImportReport, Missing
from ga2app.datasets.import_report import report_csv
from ga2app.datasets.label_descriptions import Given
from ga2app.disk import check_room, free_bytes
from ga2app.environment import OwnThread
from ga2app.errors import DatasetError, ErrorCode, StoreError, StudioError, code_of
from ga2app.labels import Spelling
from ga2app.paths import write_whole
from ga2app.services.clip_validation import ClipLook, Validated, tell_missing, validate
from ga2app.services.import_sources import (
    Duplicates,
    HubSource,
    ListsSource,
    Source,
    drop_unused,
    paths_of,
    read_source,
)
from ga2app.services.quotas import check_clips, check_coming
from ga2app.services.retention import UNDER_WAY, heartbeat
from ga2app.services.retention import sweep as sweep
from ga2app.services.uploads import drop_received, export_folder
from ga2app.services.zip_archive import Tick
from ga2app.store.import_records import ImportRow, ImportState, ReportOutline
from ga2app.store.row_guard import acting_as
from ga2app.types import ClipFacts, Dataset
from ga2app.untrusted import one_line, readable
from ga2app.worker import launcher

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

log = logging.getLogger(__name__)

_TELL_S = 0.3
_KEPT_OUTLINES = 20
_TRIES, _RETRY_S = 5, 1.0  # to tell the database how it ended; the next import, or the next start, does so otherwise
_CANCELLED = "cancelled; nothing was kept"
_UNEXPECTED = "something went wrong inside the studio, and its log says what; nothing was kept, try it again"
_threads: dict[tuple[str, int], threading.Thread] = {}


class _Cancelled(Exception):
    """The person does not want it any more."""


class Choices(TypedDict, total=False):
    """What is settled: copies, novel labels, whether one bad clip leaves all out, class names, more descriptions."""

    duplicates: Duplicates
    division: Division
    missing: Missing
    spelling: Spelling
    descriptions: Given


class ImportService:
    """Imports as every door begins and follows them. One runs at a time."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._outlines: dict[int, ReportOutline] = {}

    def start(self, source: Source, name: str = "", **choices: Unpack[Choices]) -> int:
        """Begin an import in a thread and give its number; clips that cannot be used are left out, and told.

        Raises DatasetError if it may not begin.
        """
        job = self._job(source, name, {"missing": Missing.SKIP, **choices})
        thread = OwnThread(target=acting_as(self._studio.store.actor())(job.run), daemon=True, name=f"import-{job.id}")
        _threads[str(self._studio.home.root), job.id] = thread
        thread.start()
        return job.id

    def run(self, source: Source, name: str = "", *, tick: Tick | None = None, **choices: Unpack[Choices]) -> ImportRow:
        """Do a whole import in this thread; gives how it ended. ``tick`` is told stage, done and total.

        Unless ``missing`` says otherwise, one clip that is missing or cannot be read, or one faulty line, leaves all
        out. Raises DatasetError if it may not begin.
        """
        job = self._job(source, name, choices, tick)
        job.run()
        return self._studio.store.imports.get(job.id)

    def wait(self, import_id: int, timeout_s: float | None = None) -> ImportRow:
        """How an import has ended; one of this process is waited for. Raises DatasetError for an unknown one."""
        self._studio.store.imports.get(import_id)
        if thread := _threads.get((str(self._studio.home.root), import_id)):
            thread.join(timeout_s)
        return self._studio.store.imports.get(import_id)

    def outline(self, import_id: int) -> ReportOutline:
        """What the report of an ended import says, but for its lists; read once."""
        self._studio.store.imports.expect(import_id)
        if (known := self._outlines.get(import_id)) is None:
            known = self._studio.store.imports.outline(import_id)
            self._outlines = dict([*self._outlines.items()][-_KEPT_OUTLINES:]) | {import_id: known}
        return known

    def report_file(self, import_id: int) -> Path:
        """The whole report of an import as a CSV file to download. Raises DatasetError, StoreError."""
        text = report_csv(self._studio.store.imports.get(import_id).report or {})
        file = export_folder(self._studio.home, f"import-{import_id}", len(text)) / "import-report.csv"
        write_whole(file, text.rstrip())
        return file

    def cancel(self) -> None:
        """Ask the import that is running to stop; nothing of it is kept."""
        if running := self._studio.store.imports.running():
            self._studio.store.imports.cancel(running.id)
            sweep(self._studio.home, self._studio.store)

    def _job(self, source: Source, name: str, choices: Choices, tick: Tick | None = None) -> _Job:
        if not (self._studio.server_paths or getattr(source, "uploaded", False)):
            raise DatasetError("files of the server cannot be imported here; upload a zip")
        if isinstance(source, ListsSource) and not (source.lists.train or source.lists.test):
            raise DatasetError("no list was named; write the path of at least one list of training or test clips")
        name = one_line(name, "the name", DatasetError) or readable(getattr(source, "name", Path(source.title).stem))
        process = launcher.this_process()
        check_coming(self._studio.store, *getattr(source, "coming", (1, 0)))
        if self._studio.store.imports.running():
            sweep(self._studio.home, self._studio.store)
        import_id = self._studio.store.imports.begin(name, readable(source.title), process.pid, process.started_s)
        UNDER_WAY.add((str(self._studio.home.root), import_id))
        return _Job(self._studio, import_id, name, source, also_told=tick, **choices)


@dataclass
class _Job:
    """One import."""

    studio: Studio
    id: int
    name: str
    source: Source
    duplicates: Duplicates = Duplicates.FIRST
    division: Division = field(default_factory=Division)
    missing: Missing = Missing.FAIL
    spelling: Spelling = Spelling.WORDS
    descriptions: Given = ()
    also_told: Tick | None = None
    stage: str = ""
    told_s: float = 0.0

    def __post_init__(self) -> None:
        self.home, self.imports = self.studio.home, self.studio.store.imports
        self.staging = self.home.datasets / f".import-{self.id}"
        self.final = self.home.datasets / f"import-{self.id}"
        self.report = ImportReport(self.name)

    def run(self) -> None:
        """From the source to the data set; whatever happens, nothing is left over, and then the database is told."""
        try:
            with self._staged(), heartbeat(self.imports, self.id):
                self._keep(*self._validated())
        except _Cancelled:
            self._give_up(ImportState.CANCELLED, _CANCELLED)
        except KeyboardInterrupt:
            self._give_up(ImportState.CANCELLED, _CANCELLED)
            raise
        except StudioError as exc:
            how = (ImportState.CANCELLED, _CANCELLED) if self._cancelled() else (ImportState.FAILED, str(exc))
            self._give_up(*how)
        except OSError as exc:
            log.exception("import %d failed", self.id)
            why, there = f"the disk could not be written ({exc.strerror or exc})", self.home.datasets
            if code_of(exc) is ErrorCode.DISK_FULL:
                why = f"disk full: {free_bytes(there) / 1e6:,.1f} MB at '{there}' are too few ({exc.strerror or exc})"
            self._give_up(ImportState.FAILED, f"{why}; free some space and import again, nothing was kept")
        except Exception:
            log.exception("import %d failed", self.id)
            self._give_up(ImportState.FAILED, _UNEXPECTED)
        finally:
            UNDER_WAY.discard((str(self.home.root), self.id))

    @contextlib.contextmanager
    def _staged(self) -> Iterator[None]:
        """The folder of what is not whole yet; it goes before the database is told how it ended, which needs room."""
        try:
            self.staging.mkdir(parents=True, exist_ok=True)
            yield
        finally:
            shutil.rmtree(self.staging, ignore_errors=True)

    def _validated(self) -> Validated:
        """What is left of the source. Raises DatasetError where something is wrong and everything has to be right."""
        source = self._held()
        if isinstance(source, ListsSource):
            source = replace(source, lists=replace(source.lists, missing=self.missing))
        choices = self.division, self.descriptions, self.staging / "clips", self.report, self._tick, self.spelling
        look = ClipLook(self.studio.inspector, self.staging / "thumbs", self.home.thumbs, self._tick)
        found = read_source(source, self.name, *choices, look)
        if self.missing is Missing.FAIL:
            tell_missing(found, self.report)
            self._refuse()
        validated = validate(found, look, self.duplicates, self.report)
        self._refuse()
        return validated

    def _refuse(self) -> None:
        if self.missing is Missing.FAIL and (self.report.faults or self.report.missing):
            raise DatasetError(self.report.refusal())

    def _held(self) -> Source:
        """An upload lies in a cache that is emptied: a second name for the file, or a copy, is the import's own."""
        if isinstance(self.source, ListsSource | HubSource) or not self.source.packed:
            return self.source
        held = self.staging / self.source.title
        try:
            os.link(self.source.path, held)
        except OSError:
            self._tick("Copying", 0, 0)
            check_room(self.staging, self.source.path.stat().st_size, f"the copy of '{self.source.title}'")
            shutil.copyfile(self.source.path, held)
        return replace(self.source, path=held, uploaded=True)

    def _tick(self, stage: str, done: int, total: int) -> None:
        if self.also_told:
            self.also_told(stage, done, total)
        if stage == self.stage and time.monotonic() - self.told_s < _TELL_S and done != total:
            return
        self.stage, self.told_s = stage, time.monotonic()
        if not self.imports.progress(self.id, stage, done, total):
            raise _Cancelled

    def _keep(self, dataset: Dataset, facts: dict[str, ClipFacts]) -> None:
        """Move clips and pictures to where they stay, and list the data set."""
        self._tick("Storing", 0, 0)
        check_clips(self.studio.store, paths_of(dataset))
        scratch = self.staging / "clips"
        if own := scratch.is_dir():
            drop_unused(scratch, dataset)
            clips = tuple(replace(clip, path=self._after(clip.path)) for clip in dataset.clips)
            anchors = tuple(replace(anchor, path=self._after(anchor.path)) for anchor in dataset.anchors)
            dataset = replace(dataset, clips=clips, anchors=anchors)
            facts = {self._after(path): known for path, known in facts.items()}
        folder, told = str(self.final) if own else None, self.report.to_dict()
        with self._in_place(scratch if own else None):
            dataset_id = self.imports.complete(self.id, dataset, told, facts=facts, folder=folder)
        if isinstance(self.source, HubSource):
            self.source.keep(self.studio, dataset_id)
        elif not isinstance(self.source, ListsSource):
            drop_received(self.source.path)

    def _after(self, path: str) -> str:
        """Where an unpacked file will lie."""
        return str(self.final / Path(path).relative_to(self.staging / "clips"))

    @contextlib.contextmanager
    def _in_place(self, scratch: Path | None) -> Iterator[None]:
        """Files where they are to stay; back out again if the database does not take the data set."""
        moved: list[Path] = []
        try:
            self.home.thumbs.mkdir(parents=True, exist_ok=True)
            for picture in (self.staging / "thumbs").glob("*.jpg"):
                moved.append(self.home.thumbs / picture.name)
                os.replace(picture, moved[-1])
            if scratch:
                os.replace(scratch, self.final)
            yield
        except BaseException:
            for picture in moved:
                picture.unlink(missing_ok=True)
            shutil.rmtree(self.final, ignore_errors=True)
            raise

    def _cancelled(self) -> bool:
        """Whether the person has cancelled while something else went wrong, or just before the end."""
        try:
            return not self.imports.progress(self.id, self.stage, 0, 0)
        except StoreError:
            return False

    def _give_up(self, state: ImportState, text: str) -> None:
        for _ in range(_TRIES):
            try:
                return self.imports.give_up(self.id, state, text, self.report.to_dict())
            except StoreError as exc:
                log.error("import %d has ended (%s: %s), and cannot say so: %s", self.id, state, text, exc)
                time.sleep(_RETRY_S)
