"""Every clip of a data set opened: what cannot be read stays out, what is there twice is told."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from ga2app.datasets.clip_files import check_file, content_digest
from ga2app.datasets.drafts import Draft, DraftClip, finished, lacks
from ga2app.datasets.import_report import ImportReport
from ga2app.errors import ClipError, DatasetError, ErrorCode, code_of
from ga2app.labels import unreadable
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.import_sources import Duplicates, Found, paths_of
from ga2app.services.zip_archive import Tick
from ga2app.stretches import overlapping, shown_address
from ga2app.types import AnchorClip, ClipFacts, Dataset
from ga2app.video.clip_loader import ClipLoader

LOOKING = "Looking at clips"

Validated = tuple[Dataset, dict[str, ClipFacts]]
"""What is left of a data set, and what is known of its clips by their paths."""


def tell_missing(found: Found, report: ImportReport) -> None:
    """Name every clip that is not there or is no file, without opening any."""
    for path in dict.fromkeys(paths_of(found.draft)):
        search = check_file(path)
        if search.path is None:
            report.absent(found.title, file_in(found.root, path), search.reason, search.advice)


def validate(
    found: Found,
    inspector: VideoInspector,
    duplicates: Duplicates,
    pictures: Path,
    had: Path,
    report: ImportReport,
    tick: Tick,
) -> Validated:
    """Open every clip; gives a data set of those that can be used, and what is known of clips by their paths.

    Raises DatasetError if none is left. Only then are the clips for testing chosen, where the source does not name
    them. Pictures go to ``pictures``, named by content; ``had`` holds those that are not made again.
    """
    draft, facts = found.draft, dict[str, ClipFacts]()
    named = [*((clip.path, clip.label) for clip in draft.clips), *((one.path, "(anchor)") for one in draft.anchors)]
    inspected = _inspected(list(dict.fromkeys(path for path, _ in named)), inspector, pictures, had, tick)
    for path, label in named:
        file, result = file_in(found.root, path), inspected[path]
        if path in facts:
            continue
        if isinstance(result, UnicodeEncodeError):
            shown = os.fsencode(file).decode("utf-8", "replace")
            report.unusable(found.title, shown, label, "its name is not UTF-8 text", "rename the file")
            continue
        if isinstance(result, ClipError):
            report.unusable(found.title, file, label, result.reason, result.advice)
            continue
        facts[path] = result
        for warning in result.warnings:
            reason, _, fix = warning.partition(": ")
            report.taken(file, label, reason, fix)
    usable = [clip for clip in draft.clips if clip.path in facts]
    if shared := overlapping(clip.path for clip in usable):
        first, second = map(shown_address, shared[0])
        many = f"{len(shared):,} stretches overlap others" if len(shared) > 1 else "1 stretch overlaps another"
        advice = "nothing is wrong where two things happen at once; else correct start or end"
        report.notes.append(f"{many} of the same video, such as '{first}' and '{second}': {advice}")
    kept = _without_copies(usable, facts, duplicates, found.root, report)
    if not kept:
        raise DatasetError(
            "none of the clips can be used, so nothing was imported; what is wrong with each is listed below"
        )
    anchors = [anchor for anchor in draft.anchors if anchor.path in facts]
    return _of_kept(draft, kept, anchors, facts, report), facts


def _inspected(
    paths: Sequence[str], inspector: VideoInspector, pictures: Path, had: Path, tick: Tick
) -> dict[str, ClipFacts | ClipError | UnicodeEncodeError]:
    """What each of ``paths`` is, or why it cannot be used. Several are opened at once, and each content once."""
    by_content: dict[str, ClipFacts | ClipError] = {}
    claimed: set[str] = set()
    lock = threading.Lock()

    def look(path: str) -> str | UnicodeEncodeError:
        """The digest of the clip at ``path``, which is opened unless another thread does so. Raises ClipError."""
        try:
            path.encode()
        except UnicodeEncodeError as exc:
            return exc
        digest = content_digest(path)
        with lock:
            if digest in claimed:
                return digest
            claimed.add(digest)
        name = f"{digest}.jpg"
        picture = None if (had / name).exists() else pictures / name
        try:
            by_content[digest] = replace(inspector.inspect(path, picture), digest=digest)
        except ClipError as exc:
            if isinstance(exc.__cause__, OSError) and code_of(exc.__cause__) is ErrorCode.DISK_FULL:
                raise exc.__cause__ from exc  # its picture has no room: no fault of the clip
            by_content[digest] = exc
        return digest

    looked_at: dict[str, str | UnicodeEncodeError | ClipError] = {}
    tick(LOOKING, 0, len(paths))
    with closing(ClipLoader().ahead(partial(look, path) for path in paths)) as results:
        for number, (path, result) in enumerate(zip(paths, results, strict=True), 1):
            looked_at[path] = result
            tick(LOOKING, number, len(paths))
    return {path: by_content[found] if isinstance(found, str) else found for path, found in looked_at.items()}


def file_in(root: Path, path: str) -> str:
    """``path`` as the report calls it: below the root of the import where it lies there."""
    relative = os.path.relpath(path, root)
    return path if relative.startswith("..") else relative


def _without_copies(
    clips: Sequence[DraftClip], facts: dict[str, ClipFacts], duplicates: Duplicates, root: Path, report: ImportReport
) -> list[DraftClip]:
    """The clips with each content once, or all of them; the report names every copy and what it copies."""
    first: dict[str, DraftClip] = {}
    kept: list[DraftClip] = []
    paths: set[str] = set()
    for clip in clips:
        digest = facts[clip.path].digest
        original = first.setdefault(digest, clip)
        is_listed_twice = os.path.normpath(clip.path) in paths
        paths.add(os.path.normpath(clip.path))
        if original is clip:
            kept.append(clip)
            continue
        reason, fix = _copy_told(original, clip, root)
        if duplicates is Duplicates.ALL and not is_listed_twice:
            kept.append(clip)
            report.taken(file_in(root, clip.path), clip.label, reason, fix)
        else:
            report.left_out(file_in(root, clip.path), clip.label, reason, f"{fix} (the first was kept)")
    return kept


def _copy_told(original: DraftClip, copy: DraftClip, root: Path) -> tuple[str, str]:
    reason = f"it has the same content as '{file_in(root, original.path)}'"
    if os.path.normpath(original.path) == os.path.normpath(copy.path):
        reason = "it is listed twice"
    if original.label != copy.label:
        which = "the first time as" if reason == "it is listed twice" else "which is labeled"
        return f"{reason}, {which} '{original.label}'", "decide which of the two labels is right"
    if original.subset and copy.subset and original.subset is not copy.subset:
        where = f"this one is for {copy.subset}, that one for {original.subset}"
        return f"{reason}; {where}", "a figure measured on a clip that was trained on means nothing: keep one"
    return reason, "one of the two is enough"


def _of_kept(
    draft: Draft,
    kept: Sequence[DraftClip],
    anchors: Sequence[AnchorClip],
    facts: dict[str, ClipFacts],
    report: ImportReport,
) -> Dataset:
    """The data set of what is left, divided into training and test, and notes on what it lacks."""
    present = {clip.label for clip in kept}
    base, novel = (tuple(name for name in names if name in present) for names in (draft.base, draft.novel))
    if bare := [name for name in (*draft.base, *draft.novel) if name not in present]:
        report.notes.append(f"labels without a usable clip were left out: {', '.join(bare)}")
    left = replace(draft, base=base, novel=novel, clips=tuple(kept), anchors=tuple(anchors))
    dataset, notes = finished(left, {path: known.digest for path, known in facts.items()})
    codes = unreadable([*base, *novel])
    report.notes += [*notes, *lacks(dataset), *([codes] if codes else [])]
    report.dataset = dataset
    return dataset
