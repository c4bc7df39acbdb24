"""A zip of clips, unpacked with suspicion: what leads outside, lies about its size or is no clip stays in the zip."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.datasets.clip_names import is_foreign
from ga2app.datasets.drafts import Draft
from ga2app.datasets.import_report import ImportReport
from ga2app.datasets.text_tables import SUFFIXES
from ga2app.errors import DatasetError, ErrorCode, code_of, counted, in_short
from ga2app.paths import LongListing, is_folder, open_zip
from ga2app.stretches import file_of

Tick = Callable[[str, int, int], None]
"""Tells stage, done and total; raises to stop."""

_CHUNK = 1 << 20
_TABLE_BYTES = 64 << 20
_DOCUMENTS = frozenset(".txt .md .json .pdf .xml .csv .tsv .jsonl .html .rst .log .yaml .yml .ini .py".split())
_ARCHIVES = frozenset(".zip .rar .7z .tar .gz .tgz .bz2 .xz".split())
_NAME_BYTES = 255
_MOST_FOLDERS = 20_000


@dataclass(frozen=True)
class Limits:
    """What an archive may ask for. Clips are packed already, so a file that shrinks a hundredfold is no clip."""

    entries: int = 100_000
    listing_bytes: int = 32 << 20
    total_bytes: int = 64 << 30
    ratio: int = 100
    spare_bytes: int = 512 << 20


def unpack(
    archive: Path,
    into: Path,
    report: ImportReport,
    tick: Tick,
    limits: Limits | None = None,
    texts: Collection[str] = SUFFIXES,
) -> None:
    """Write the clips, and files with an ending of ``texts`` (lists of clips), in ``archive`` below ``into``; what
    cannot be taken goes into ``report``.

    Raises DatasetError if it is no zip, or too large as a whole.
    """
    limits = limits or Limits()
    into.mkdir(parents=True, exist_ok=True)
    try:
        most = limits.entries + _MOST_FOLDERS
        with open_zip(archive, most_files=most, most_bytes=limits.listing_bytes) as packed:
            entries = [entry for entry in packed.infolist() if not is_folder(entry)]
            _check(entries, shutil.disk_usage(into).free, limits)
            others: list[str] = []
            for number, entry in enumerate(entries):
                tick("Unpacking", number, len(entries))
                _take(packed, entry, into, report, others, limits, texts)
    except LongListing as exc:
        raise DatasetError(f"the zip holds too much ({exc}); split it into several") from exc
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError, OSError) as exc:
        if code_of(exc) is ErrorCode.DISK_FULL:
            raise
        raise DatasetError(
            f"the zip cannot be read ({in_short(exc)}); it may be incomplete or no zip at all: pack it again and "
            "upload it anew"
        ) from exc
    if others:
        shown = ", ".join(others[:3]) + (", …" if len(others) > 3 else "")
        report.notes.append(f"left in the zip, not needed: {counted(len(others), 'other file')} ({shown})")


def _check(entries: list[zipfile.ZipInfo], free_bytes: int, limits: Limits) -> None:
    if len(entries) > limits.entries:
        raise DatasetError(f"the zip holds {len(entries):,} files, more than {limits.entries:,}; split it into several")
    total = sum(entry.file_size for entry in entries if _believable(entry, limits))
    room = min(limits.total_bytes, free_bytes - limits.spare_bytes)
    if total > room:
        raise DatasetError(
            f"the zip would take {total / 1e9:.1f} GB unpacked, and there is room for {max(room, 0) / 1e9:.1f} GB; "
            "free some disk space, or split it into several"
        )


def _believable(entry: zipfile.ZipInfo, limits: Limits) -> bool:
    return entry.file_size <= max(limits.ratio * entry.compress_size, _CHUNK)


def _take(
    packed: zipfile.ZipFile,
    entry: zipfile.ZipInfo,
    into: Path,
    report: ImportReport,
    others: list[str],
    limits: Limits,
    texts: Collection[str],
) -> None:
    name = _name(entry)
    parts = PurePosixPath(name).parts
    if any(map(is_foreign, parts)):
        return
    suffix = PurePosixPath(name).suffix.lower()
    refusal = _refusal(entry, name, parts, limits)
    label = parts[-2] if len(parts) > 1 and parts[-2] not in ("/", "..") else ""
    if refusal is None and suffix in _DOCUMENTS and not (suffix in texts and entry.file_size <= _TABLE_BYTES):
        others.append(name)
        return
    if refusal is None and suffix not in VIDEO_SUFFIXES and suffix not in texts:
        refusal = _wrong_kind(suffix)
    target = into.joinpath(*parts) if refusal is None else into
    if refusal is None and target.exists():
        refusal = "stands twice in the zip under this name", "give each clip a name of its own"
    if refusal is None:
        refusal = _extract(packed, entry, target)
    if refusal is not None:
        report.left_out(name, label, *refusal)


def _name(entry: zipfile.ZipInfo) -> str:
    """The entry's name with slashes and without control characters.

    Old programs write names in UTF-8 without saying so, which Python then reads as an alphabet of 1981.
    """
    name = entry.filename
    if not entry.flag_bits & 0x800:
        try:
            name = entry.orig_filename.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = entry.filename
    return "".join(sign if sign.isprintable() else "_" for sign in name.replace("\\", "/"))


def _refusal(entry: zipfile.ZipInfo, name: str, parts: tuple[str, ...], limits: Limits) -> tuple[str, str] | None:
    """Why an entry is not even looked into, and what to do."""
    if not parts or name.startswith("/") or ".." in parts or ":" in parts[0]:
        return "its name leads outside the zip's own folder", "pack the folder of the clips itself, not its path"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "it is a link, not a file", "pack the file that it points to"
    if entry.flag_bits & 1:
        return "it is encrypted", "pack it without a password"
    if not _believable(entry, limits):
        return f"it claims to unpack to {entry.file_size / 1e6:,.0f} MB, as no clip does", "leave it out"
    if any(len(part.encode()) > _NAME_BYTES for part in parts):
        return "its name is longer than a disk takes", "shorten it"
    return None


def _wrong_kind(suffix: str) -> tuple[str, str]:
    if suffix in _ARCHIVES:
        return "it is an archive inside the archive", "unpack it, and pack the clips themselves"
    known = "mp4, mkv, webm, mov, avi and the like"
    return f"'{suffix or 'no suffix'}' is no kind of video file", f"convert it to a video ({known}), or leave it out"


def _extract(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> tuple[str, str] | None:
    again = "pack it again"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with packed.open(entry) as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy, _CHUNK)
        return None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as exc:
        reason = f"it is damaged inside the zip ({in_short(exc)})", again
    except (NotImplementedError, RuntimeError) as exc:
        reason = f"it is packed in a way that cannot be read ({in_short(exc)})", f"{again} as an ordinary zip"
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        reason = "its name is that of another file or folder in the zip", "give each clip a name of its own"
    target.unlink(missing_ok=True) if target.is_file() else None
    return reason


def only_inside(draft: Draft, root: Path, report: ImportReport) -> Draft:
    """``draft`` without what a list in an archive names outside of it: files of the machine itself."""
    home = os.path.realpath(root)
    clips = []
    for clip in draft.clips:
        if Path(os.path.realpath(file_of(clip.path))).is_relative_to(home):
            clips.append(clip._replace(path=os.path.normpath(clip.path)))
        else:
            report.left_out(
                clip.path, clip.label, "the list names a file outside the zip", "pack the clip, and name it below it"
            )
    anchors = [one for one in draft.anchors if Path(os.path.realpath(file_of(one.path))).is_relative_to(home)]
    return replace(draft, clips=tuple(clips), anchors=tuple(anchors))
