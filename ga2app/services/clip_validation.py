"""Every clip of a data set opened: what cannot be read stays out, what is there twice is told."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ga2app.datasets.annotation_clocks import TOGETHER, ClipClock
from ga2app.datasets.annotation_records import Mark
from ga2app.datasets.clip_files import check_file, content_digest
from ga2app.datasets.drafts import Draft, finished, lacks
from ga2app.datasets.import_report import ImportReport
from ga2app.datasets.train_test import DraftClip
from ga2app.errors import ClipError, DatasetError, ErrorCode, code_of
from ga2app.labels import unreadable
from ga2app.services.clip_inspector import VideoInspector
from ga2app.services.import_sources import Duplicates, Found, paths_of
from ga2app.services.zip_archive import Tick
from ga2app.stretches import Stretch, overlapping, shown_address, split_address
from ga2app.types import AnchorClip, ClipFacts, Dataset
from ga2app.video.clip_loader import ClipLoader, raised

LOOKING = "Looking at clips"

Validated = tuple[Dataset, dict[str, ClipFacts]]
"""What is left of a data set, and what is known of its clips by their paths."""


def tell_missing(found: Found, report: ImportReport) -> None:
    """Name every clip that is not there or is no file, without opening any."""
    for path in dict.fromkeys(paths_of(found.draft)):
        search = check_file(path)
        if search.path is None:
            report.absent(found.title, file_in(found.root, path), search.reason, search.advice)


@dataclass(frozen=True)
class ClipLook:
    """How an import opens clips: pictures go to ``pictures``, named by content, ``had`` holds those that are not made
    again, and ``tick`` is told how far it is. ``seen`` are stretches that were looked at when the clock of their video
    was asked for, by their addresses.
    """

    inspector: VideoInspector
    pictures: Path
    had: Path
    tick: Tick
    seen: dict[str, ClipFacts | ClipError] = field(default_factory=dict)

    def clock(self, path: str, marks: Sequence[Mark]) -> ClipClock:
        """The clock of the video at ``path``, whose stretches in ``marks`` are looked at. Raises ClipError."""
        video = os.path.abspath(path)
        try:
            clock, facts = self.inspector.inspect_marks(video, marks, lambda one: self.place(content_digest(one)))
        except ClipError as exc:
            _check_disk(exc)
            raise
        self.seen.update(facts)
        return clock

    def tell(self, done: int, total: int) -> None:
        """So many videos of annotations are done."""
        self.tick(LOOKING, done, total)

    def place(self, digest: str | Exception) -> Path | None:
        """Where the picture of that content goes; None where there is one."""
        return None if (self.had / f"{digest}.jpg").exists() else self.pictures / f"{digest}.jpg"

    def opened(self, paths: Sequence[str], digests: Iterable[str | Exception]) -> list[ClipFacts | ClipError]:
        """What each of ``paths`` is, which are one clip or stretches of one file with these ``digests``."""
        found = {path: self.seen.get(os.path.abspath(path)) for path in paths}
        left = {path: self.place(one) for path, one in zip(paths, digests, strict=True) if not found[path]}
        try:
            if len(left) > 1:
                opened = self.inspector.inspect_stretches(list(left), list(left.values()))
            else:
                opened = [self.inspector.inspect(path, picture) for path, picture in left.items()]
        except ClipError as exc:
            opened = [exc] * len(left)
        again = dict(zip(left, opened, strict=True))
        return [found[path] or again[path] for path in paths]


def validate(found: Found, look: ClipLook, duplicates: Duplicates, report: ImportReport) -> Validated:
    """Open every clip; gives a data set of those that can be used, and what is known of clips by their paths.

    Raises DatasetError if none is left. Only then are the clips for testing chosen, where the source does not name
    them.
    """
    draft, facts = found.draft, dict[str, ClipFacts]()
    named = [*((clip.path, clip.label) for clip in draft.clips), *((one.path, "(anchor)") for one in draft.anchors)]
    inspected = _inspected(list(dict.fromkeys(path for path, _ in named)), look)
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


def _inspected(paths: Sequence[str], how: ClipLook) -> dict[str, ClipFacts | ClipError | UnicodeEncodeError]:
    """What each of ``paths`` is, or why it cannot be used.

    Several are opened at once, each content once, and a file of many stretches once for all of them.
    """
    by_content: dict[str, ClipFacts | ClipError] = {}
    claimed: set[str] = set()
    lock = threading.Lock()

    def look(group: Sequence[str]) -> list[str | UnicodeEncodeError | ClipError]:
        """The digests of clips, which are opened unless another thread does so."""
        digests = [_digest_of(path) for path in group]
        with lock:
            fresh = {one: path for one, path in zip(digests, group, strict=True) if _unclaimed(one, claimed)}
            claimed.update(one for one in fresh if isinstance(one, str))
        found = how.opened(list(fresh.values()), fresh)
        for one, facts in zip(fresh, found, strict=True):
            _check_disk(facts)
            by_content[str(one)] = facts if isinstance(facts, ClipError) else replace(facts, digest=str(one))
        return digests

    looked_at: dict[str, str | UnicodeEncodeError | ClipError] = {}
    how.tick(LOOKING, 0, len(paths))
    groups = _by_file(paths)
    with closing(ClipLoader().ahead(partial(look, group) for group in groups)) as results:
        for group, result in zip(groups, results, strict=True):
            looked_at |= dict(zip(group, raised(result), strict=True))
            how.tick(LOOKING, len(looked_at), len(paths))
    return {path: by_content[found] if isinstance(found, str) else found for path, found in looked_at.items()}


def _check_disk(result: ClipFacts | ClipError) -> None:
    """Raise what hindered a picture that has no room: no fault of the clip."""
    if isinstance(result, ClipError) and (cause := result.__cause__) and code_of(cause) is ErrorCode.DISK_FULL:
        raise cause from result


def _unclaimed(digest: str | Exception, claimed: set[str]) -> bool:
    return isinstance(digest, str) and digest not in claimed


def _digest_of(path: str) -> str | UnicodeEncodeError | ClipError:
    """The digest of the clip at ``path``, or why it has none."""
    try:
        path.encode()
        return content_digest(path)
    except (UnicodeEncodeError, ClipError) as exc:
        return exc


def _by_file(paths: Sequence[str]) -> list[list[str]]:
    """``paths``, the stretches of one file together, at most ``TOGETHER`` of them and in the order of their starts."""
    files: dict[str, list[str]] = {}
    for path in paths:
        file, stretch = split_address(path)
        files.setdefault(file if stretch else f"\0{path}", []).append(path)
    groups = []
    for group in files.values():
        group.sort(key=lambda path: split_address(path)[1] or Stretch(0.0))
        groups += [group[first : first + TOGETHER] for first in range(0, len(group), TOGETHER)]
    return groups


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
