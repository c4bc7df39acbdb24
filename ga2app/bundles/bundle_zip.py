"""Bundles as zip files: the same bytes each time they are packed, and checked before anything of one is kept.

A zip file holds three files by name, of bounded size, and nothing else. Everything is judged by the archive's list of
files, before a byte is unpacked, and every fault is named at once.
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import stat
import struct
import unicodedata
import uuid
import zipfile
import zlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from ga2app.bundles.bundle_files import MAX_TENSOR_BYTES, load_folder
from ga2app.bundles.manifest import CARD, MANIFEST, TENSORS, read_card, read_manifest, to_json, to_publish
from ga2app.bundles.model_card import card_to_pack, model_card
from ga2app.disk import drop_older
from ga2app.errors import BundleError, in_short, shown
from ga2app.paths import is_folder, open_zip, whole_file
from ga2app.types import BundleCard
from ga2app.untrusted import open_ordinary, read_ordinary

FILES = (MANIFEST, TENSORS, CARD)
REQUIRED = (MANIFEST, TENSORS)
LIMITS = {MANIFEST: 8 << 20, TENSORS: MAX_TENSOR_BYTES, CARD: 1 << 20}
"""The largest size of each file, in bytes."""

MAX_TOTAL_BYTES = MAX_TENSOR_BYTES + (16 << 20)
MAX_LISTED, MAX_LISTING_BYTES = 1000, 1 << 16
"""A list of three files is never that long: one of millions would fill the memory before it can be judged."""

MAX_RATIO, _RATIO_FROM_BYTES = 200, 1 << 20
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib", ".npy", ".npz")
_END, _END_BYTES, _LOCATOR = b"PK\x05\x06", 22, b"PK\x06\x07"
_SHOWN = 12
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_STAGE = ".incoming-"
_STALE_S = 3600.0


def pack(folder: str | os.PathLike[str], out: Path, *, name: str = "") -> None:
    """Write the bundle in ``folder`` to the zip file ``out``: its own files, whatever else lies beside them.

    ``name`` is what the bundle is called, if that is not what its files say; the files stay as they are.

    Stored without compression, which prompts do not yield to, and without times: the same bundle gives the same
    bytes on every machine. Raises BundleError for a folder that is no bundle, or a place that cannot be written.
    """
    root = Path(folder)
    renamed = _named(root, name)
    if not (root / TENSORS).is_file():
        raise BundleError(f"bundle '{root}' has no {TENSORS}; get a fresh copy")
    try:
        with whole_file(out) as fresh, zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
            for file in FILES:
                if not (root / file).is_file():
                    continue
                entry = zipfile.ZipInfo(file, _EPOCH)
                entry.create_system, entry.external_attr = 3, 0o100644 << 16
                if file in renamed:
                    archive.writestr(entry, renamed[file])
                    continue
                entry.file_size = (root / file).stat().st_size
                with open_ordinary(root / file) as source, archive.open(entry, "w") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
    except OSError as exc:
        raise BundleError(f"'{out}' could not be written ({exc}); free some space or choose another --out") from exc


def _named(root: Path, name: str) -> dict[str, str]:
    """Manifest and card of the bundle in ``root`` as they are under ``name``, where that changes them."""
    own = read_manifest(root)
    told = replace(own, name=name) if name else own
    files = {} if told == own else {MANIFEST: to_json(told)}
    if (root / CARD).is_file():
        text = read_ordinary(root / CARD).decode("utf-8", "replace")
        card = card_to_pack(told, text)
        files |= {CARD: card} if card != text else {}
    return files


def take_in(
    source: Path,
    shelf: Path,
    *,
    taken: Collection[str] = (),
    known: Sequence[str] = (),
    folder: Path | None = None,
    shown: str = "",
    origin: str = "imported",
) -> tuple[BundleCard, bool]:
    """Check the bundle in ``source``, a zip file or a folder, and copy it to a folder of its own below ``shelf``.

    The folder is called after the bundle, with a number where that is taken: by what is there, or in ``taken``;
    ``folder`` names another place. Where one of the folders ``known`` holds the same prompts and the same manifest,
    nothing is kept, and the card is that one's; the second value says whether the bundle is new. Errors call the
    bundle ``shown``. Raises BundleError that names every fault found, and then leaves nothing behind.
    """
    stage, shown = shelf / f"{_STAGE}{uuid.uuid4().hex}", shown or source.name
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        drop_older(shelf.glob(f"{_STAGE}*"), _STALE_S)  # what an import that was killed has left
        stage.mkdir()
        if source.is_dir():
            for name in FILES:
                if (source / name).is_file():
                    shutil.copyfile(source / name, stage / name)
        else:
            _unpack(source, stage)
        bundle = load_folder(stage, shown)
        if not (stage / CARD).exists():
            (stage / CARD).write_text(model_card(bundle.manifest), encoding="utf-8")
        twin = next((place for place in known if _same(stage, Path(place))), None)
        if twin is not None:
            return read_card(twin, origin), False
        place = folder or shelf / free_name(bundle.manifest.name, {*taken, *(path.name for path in shelf.iterdir())})
        if place.exists():
            raise BundleError(f"'{place}' is there already; name a new folder for the bundle")
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(stage, place)
    except OSError as exc:
        raise BundleError(
            f"bundle '{shown}' could not be kept ({exc}); free some space, or make '{shelf}' writable"
        ) from exc
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    return read_card(place, origin), True


def free_name(name: str, taken: Collection[str]) -> str:
    """A folder name after ``name`` that is not ``taken``, and not one that a run of this home could come to want."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:60].strip("-._") or "bundle"
    if re.fullmatch(r"run-\d+", slug, re.IGNORECASE):
        slug = f"imported-{slug}"
    lowered = {other.lower() for other in taken}
    if slug.lower() not in lowered:
        return slug
    return next(
        f"{slug}-{number}" for number in range(2, len(lowered) + 3) if f"{slug}-{number}".lower() not in lowered
    )


def _unpack(archive: Path, stage: Path) -> None:
    """Write the files of ``archive`` into ``stage``. Raises BundleError, if it can be told before a byte is written."""
    entries = find_entries(archive)
    try:
        with open_zip(archive, most_files=MAX_LISTED, most_bytes=MAX_LISTING_BYTES) as opened:
            for name, entry in entries.items():
                written = 0
                with opened.open(entry) as source, (stage / name).open("xb") as target:
                    while piece := source.read(_CHUNK):
                        written += len(piece)
                        if written > entry.file_size:
                            raise zipfile.BadZipFile(f"{name} is larger than it says")
                        target.write(piece)
                if written != entry.file_size:
                    raise zipfile.BadZipFile(f"{name} is smaller than it says")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as exc:
        raise BundleError(f"'{archive.name}' is damaged ({in_short(exc)}); download or upload it again") from exc


def _same(one: Path, other: Path) -> bool:
    """Whether both folders hold the same prompts, byte for byte, and manifests that say the same to others.

    What the bundle is called does not count: one that was renamed is the same.
    """
    try:
        if not filecmp.cmp(one / TENSORS, other / TENSORS, shallow=False):
            return False
        told = [replace(to_publish(read_manifest(folder)), name="") for folder in (one, other)]
        return told[0] == told[1]
    except (OSError, BundleError):
        return False


def find_entries(archive: Path) -> dict[str, zipfile.ZipInfo]:
    """The entries of a bundle in the zip file ``archive``, by file name. Raises BundleError with every fault.

    One folder around the files is let pass: that is how people zip a folder.
    """
    try:
        if _listing_bytes(archive) > MAX_LISTING_BYTES:
            raise _refused(archive, ["it lists far more than the three files of a bundle"])
        with open_zip(archive, most_files=MAX_LISTED, most_bytes=MAX_LISTING_BYTES) as opened:
            infos = opened.infolist()
    except OSError as exc:
        raise BundleError(f"'{archive.name}' cannot be read ({exc}); upload it again") from exc
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OverflowError) as exc:
        raise BundleError(
            f"'{archive.name}' is not a zip file that can be read ({in_short(exc)}); upload it again"
        ) from exc
    around = _folder_around(infos)
    faults, found = [], {}
    for info in infos:
        if is_folder(info) and info.filename == around:
            continue
        name = info.filename.removeprefix(around)
        told = _faults(info, name)
        if name in found:
            told.append(f"'{shown(info.filename)}' is there twice")
        faults += told
        found[name] = info
    faults += [f"{name} is missing" for name in REQUIRED if name not in found]
    if sum(info.file_size for info in infos) > MAX_TOTAL_BYTES:
        faults.append(f"it unpacks to more than {_size(MAX_TOTAL_BYTES)}")
    if faults:
        raise _refused(archive, faults)
    return found


def _faults(info: zipfile.ZipInfo, name: str) -> list[str]:
    """What is wrong with one entry, whose name inside the bundle's folder is ``name``."""
    quoted, mode = f"'{shown(info.orig_filename)}'", info.external_attr >> 16
    path = PurePosixPath(info.filename)
    if info.filename != info.orig_filename or "\\" in info.filename or not info.filename.isprintable():
        return [f"{quoted} is not a plain file name"]
    if path.is_absolute() or info.filename[1:2] == ":":
        return [f"{quoted} is an absolute path"]
    if ".." in path.parts:
        return [f"{quoted} points outside of the bundle"]
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        kind = "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
        return [f"{quoted} is {kind}"]
    if path.suffix.lower() in _PICKLES:
        return [f"{quoted} may run code when it is opened, such files are never taken"]
    if name not in FILES:
        return [f"{quoted} does not belong to a bundle"]
    faults = []
    if info.flag_bits & 1:
        faults.append(f"{quoted} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        faults.append(f"{quoted} is compressed in an unusual way, zip it with the usual one")
    if info.file_size > LIMITS[name]:
        faults.append(f"{quoted} has {_size(info.file_size)}, more than {_size(LIMITS[name])}")
    elif info.file_size > max(_RATIO_FROM_BYTES, MAX_RATIO * info.compress_size):
        faults.append(f"{quoted} would grow more than {MAX_RATIO} times while it is unpacked")
    return faults


def _folder_around(infos: list[zipfile.ZipInfo]) -> str:
    """The one folder that everything lies in, with its slash; empty where there is none."""
    tops = {info.filename.partition("/")[0] for info in infos}
    nested = all("/" in info.filename for info in infos)
    return f"{tops.pop()}/" if len(tops) == 1 and nested and not tops <= {"", ".."} else ""


def _listing_bytes(archive: Path) -> int:
    """How long the archive's list of files is, as its last record says. Raises BadZipFile where there is none."""
    with open_ordinary(archive) as stream:
        stream.seek(0, 2)
        size = stream.tell()
        stream.seek(max(0, size - _END_BYTES - 0xFFFF - 20))
        tail = stream.read()
    place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_BYTES:
        raise zipfile.BadZipFile("it has no list of files")
    if tail[max(0, place - 20) : place].startswith(_LOCATOR):
        return MAX_LISTING_BYTES + 1  # the long form, for archives beyond 4 GiB or 65,535 files
    return int(struct.unpack("<L", tail[place + 12 : place + 16])[0])


def _refused(archive: Path, faults: list[str]) -> BundleError:
    told = faults[:_SHOWN] + ([f"and {len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else [])
    return BundleError(
        f"'{archive.name}' is not kept: {'; '.join(told)}. A bundle holds {', '.join(FILES)} and nothing else"
    )


def _size(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB"
