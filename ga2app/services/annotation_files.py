"""Annotations over time at every door: what a file asks for, what it would bring, and a data set written for a tool."""

from __future__ import annotations

import math
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.datasets.annotation_clocks import clock_of
from ga2app.datasets.annotation_records import LabeledStretch, number
from ga2app.datasets.annotation_writers import AnnotationFormat, written
from ga2app.datasets.annotations import SUFFIXES, Annotations, Needs, annotation_needs, read_annotations
from ga2app.datasets.clip_names import is_foreign
from ga2app.datasets.import_report import ImportReport
from ga2app.datasets.text_tables import SUFFIXES as TABLES
from ga2app.errors import DatasetError, named, shown
from ga2app.paths import open_zip, safe_name
from ga2app.services.dataset_export import export_refused, file_stem
from ga2app.services.uploads import export_folder
from ga2app.services.zip_archive import Limits, Tick, unpack
from ga2app.stretches import file_of, split_address
from ga2app.types import LabelledClip

if TYPE_CHECKING:
    from ga2app.datasets.annotation_placing import Look
    from ga2app.services.import_sources import Source
    from ga2app.services.studio import Studio

_TEXTS = SUFFIXES | TABLES | {".txt"}
_MOST_TEXTS, _MOST_TEXT_BYTES = 2000, 64 << 20
"""So many files of a zip, each up to that size, are looked into before it is unpacked."""


@dataclass(frozen=True)
class AnnotationSource:
    """A file of annotations over time, a folder of them, or a zip that holds them with the videos. Stretches become
    clips; the videos, below ``root``, stay where they are.

    The other fields are those of ``ga2app.datasets.annotations.read_annotations``; ``labels`` are numbers and names.
    """

    path: Path
    root: Path | None = None
    frame_rate: float | None = None
    tiers: tuple[str, ...] = ()
    labels: tuple[tuple[int, str], ...] = ()
    uploaded: bool = False

    @property
    def title(self) -> str:
        return self.path.name

    @property
    def packed(self) -> bool:
        """Whether it is a zip."""
        return self.uploaded or _is_zip(self.path)

    def read(self, look: Look | None = None) -> Annotations:
        """What it lists, once a zip is unpacked. Raises DatasetError."""
        labels = dict(self.labels)
        return read_annotations(self.path, self.root, self.frame_rate, tiers=self.tiers, labels=labels, look=look)

    def unpacked(self, scratch: Path, report: ImportReport, tick: Tick) -> AnnotationSource:
        """Itself with the files of its zip in ``scratch``. Raises DatasetError where they are not all in one folder."""
        if not self.packed:
            return self
        unpack(self.path, scratch, report, tick, texts=_TEXTS)
        files = [file for file in sorted(scratch.rglob("*")) if file.is_file() and file.suffix.lower() in _TEXTS]
        found = [file for file in files if _is_tools(annotation_needs(file))]
        folders = list(dict.fromkeys(file.parent for file in found))
        if len(folders) != 1:
            places = named(str(folder.relative_to(scratch)) for folder in folders) or "none"
            raise DatasetError(
                f"'{self.title}' holds annotations in {len(folders)} folders ({places}); pack them in one folder"
            )
        return replace(self, path=found[0] if len(found) == 1 else folders[0], root=scratch, uploaded=False)


def rate_given(value: object) -> float | None:
    """A frame rate as a form or a program gives it; None where there is none. Raises DatasetError."""
    rate = number(value.strip().replace(",", ".") if isinstance(value, str) else value)
    if rate is None and value not in (None, ""):
        raise DatasetError(f"a frame rate of '{shown(str(value)[:80])}' is none; give a number, such as 25")
    return rate


def needs_at(path: Path) -> Needs | None:
    """What the annotations over time at ``path``, in a zip too, ask for; None where there are none.

    Lists of clips in a zip, whose stretches stand in columns, are none.
    """
    if not _is_zip(path):
        return annotation_needs(path)
    found = [needs for needs in _needs_in_zip(path) if needs and _is_tools(needs)]
    tiers = tuple(dict.fromkeys(tier for needs in found for tier in needs.tiers))
    formats = named(dict.fromkeys(needs.format for needs in found))
    return Needs(formats, any(needs.frame_rate for needs in found), tiers) if found else None


def _needs_in_zip(path: Path) -> Iterable[Needs | None]:
    limits = Limits()
    found: list[Needs | None] = []
    try:
        with (
            open_zip(path, most_files=limits.entries, most_bytes=limits.listing_bytes) as packed,
            tempfile.TemporaryDirectory(prefix="ga2-") as folder,
        ):
            texts = [entry for entry in packed.infolist() if Path(entry.filename).suffix.lower() in _TEXTS]
            for entry in texts[:_MOST_TEXTS]:
                name = Path(entry.filename.replace("\\", "/")).name
                if is_foreign(name) or entry.file_size > min(_MOST_TEXT_BYTES, 1000 * entry.compress_size + 1000):
                    continue
                file = Path(folder) / safe_name(name)
                file.write_bytes(packed.read(entry))
                found.append(annotation_needs(file))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OverflowError, OSError, EOFError):
        return []  # what is wrong with the zip is told by the import
    return found


def _is_zip(path: Path) -> bool:
    return os.path.isfile(path) and zipfile.is_zipfile(path)


def _is_tools(needs: Needs | None) -> bool:
    return needs is not None and needs.format != "CSV"


def preview(source: Source) -> Annotations:
    """What an import of ``source`` would bring; nothing is kept. Raises DatasetError."""
    from ga2app.services.import_sources import FileSource

    if isinstance(source, FileSource) and not source.packed:
        source = AnnotationSource(source.path)
    if not isinstance(source, AnnotationSource):
        raise DatasetError(f"'{source.title}' holds no annotations over time, of which alone there is a preview")
    with tempfile.TemporaryDirectory(prefix="ga2-") as scratch:
        report = ImportReport(source.title)
        found = source.unpacked(Path(scratch), report, lambda *told: None).read()
        faults = (f"{flaw.file} in the zip: {flaw.reason}; {flaw.fix}" for flaw in report.flaws)
        return replace(found, notes=(*found.notes, *report.notes, *faults))


class AnnotationService:
    """Annotations over time in and out, for the pages, programs and the command line."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def preview(self, source: Source) -> Annotations:
        """What an import of ``source`` would bring; nothing is kept. Raises DatasetError."""
        self._studio.may_change()  # a zip is unpacked, and every video opened
        if not (self._studio.server_paths or getattr(source, "uploaded", False)):
            raise DatasetError("files of the server cannot be read here; upload a zip")
        return preview(source)

    def written(self, dataset_id: int, form: str, *, frame_rate: object = None, video: str = "") -> dict[str, str]:
        """The texts of the files that hold the clips of a data set, or those of one ``video``, by their names.

        A whole file is the stretch from its first frame to its end; paths are those below the videos' common folder.
        ``form`` is an ``AnnotationFormat``, ``frame_rate`` that of Label Studio's timeline. Raises DatasetError.
        """
        if form not in list(AnnotationFormat):
            raise DatasetError(f"form '{shown(form)}' is not one of {', '.join(AnnotationFormat)}; choose one of these")
        rate = rate_given(frame_rate)
        row = self._studio.datasets.summary(dataset_id)
        self._studio.ownership.check_download(row)
        clips = self._studio.store.datasets.get(row.name).clips
        files = list(dict.fromkeys(file_of(clip.path) for clip in clips))
        folder = os.path.commonpath([os.path.dirname(file) for file in files]) if files else ""
        paths = {file: Path(os.path.relpath(file, folder)).as_posix() for file in files}
        if video:
            chosen = [file for file, path in paths.items() if f"/{path}".endswith("/" + video.strip("/"))]
            if len(chosen) != 1:
                some = named(paths.values(), 5, quoted=True)
                many = f"{len(chosen)} videos are" if chosen else "no video is"
                raise DatasetError(f"{many} called '{shown(video)}' in '{row.name}'; name one of {some}")
            paths = {chosen[0]: paths[chosen[0]]}
        stretches, durations = _stretches(clips, paths)
        tool, name = AnnotationFormat(form), file_stem(row.name)
        return written(stretches, tool, frame_rate=rate, durations=durations, name=name)

    def export(self, dataset_id: int, form: str, *, frame_rate: object = None, video: str = "") -> Path:
        """What ``written`` gives as a file to download, several files as a zip; it is kept for a day."""
        self._studio.may_change()  # a file on the Space's disk
        files = self.written(dataset_id, form, frame_rate=frame_rate, video=video)
        size = sum(len(text.encode()) for text in files.values())
        folder = export_folder(self._studio.home, f"data-{dataset_id}", size)
        try:
            if len(files) == 1:
                ((name, text),) = files.items()
                place = folder / Path(name).name
                place.write_text(text, encoding="utf-8", newline="")
                return place
            stem = file_stem(self._studio.datasets.summary(dataset_id).name)
            place = folder / f"{stem}-{form}.zip"
            with zipfile.ZipFile(place, "x", zipfile.ZIP_DEFLATED) as archive:
                for name, text in files.items():
                    archive.writestr(name, text)
        except OSError as exc:
            raise export_refused(exc) from exc
        return place


def _stretches(
    clips: Iterable[LabelledClip], paths: Mapping[str, str]
) -> tuple[list[LabeledStretch], dict[str, float]]:
    """The clips of the files in ``paths``, by these paths, and how long the files last. Ends beyond a file are cut.

    A file that is gone does not hinder stretches that have both times.
    """
    spans: dict[str, tuple[float, float]] = {}
    found = dict[LabeledStretch, None]()
    for clip in clips:
        file, stretch = split_address(clip.path)
        if file not in paths:
            continue
        complete = stretch is not None and math.isfinite(stretch.end_s)
        if file not in spans and (os.path.isfile(file) or not complete):
            clock = clock_of(file, ())
            spans[file] = clock.first_s, clock.end_s
        start, end = (stretch.start_s, stretch.end_s) if stretch else spans[file]
        if file in spans and start < spans[file][1]:
            end = min(end, spans[file][1])
        found[LabeledStretch(paths[file], round(start, 6), round(end, 6), clip.label)] = None
    return list(found), {paths[file]: end for file, (_, end) in spans.items()}
