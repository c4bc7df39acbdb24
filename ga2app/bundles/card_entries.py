"""What a zip file may hold to be a bundle: three files by name, of bounded size, and nothing else.

Everything is judged by the archive's list of files, before a byte is unpacked, and every fault is named at once.
"""

from __future__ import annotations

import stat
import struct
import zipfile
from pathlib import Path, PurePosixPath

from ga2app.bundles.bundle_files import MAX_TENSOR_BYTES, TENSORS
from ga2app.bundles.manifest import MANIFEST
from ga2app.bundles.model_card import CARD
from ga2app.errors import BundleError

FILES = (MANIFEST, TENSORS, CARD)
REQUIRED = (MANIFEST, TENSORS)
LIMITS = {MANIFEST: 8 << 20, TENSORS: MAX_TENSOR_BYTES, CARD: 1 << 20}
"""The largest size of each file, in bytes."""

MAX_TOTAL_BYTES = MAX_TENSOR_BYTES + (16 << 20)
MAX_LISTING_BYTES = 1 << 16
"""A list of three files is never that long: one of millions would fill the memory before it can be judged."""

MAX_RATIO, _RATIO_FROM_BYTES = 200, 1 << 20
_PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt", ".joblib", ".npy", ".npz")
_END, _END_BYTES, _LOCATOR = b"PK\x05\x06", 22, b"PK\x06\x07"
_SHOWN = 12


def find_entries(archive: Path) -> dict[str, zipfile.ZipInfo]:
    """The entries of a bundle in the zip file ``archive``, by file name. Raises BundleError with every fault.

    One folder around the files is let pass: that is how people zip a folder.
    """
    try:
        listing = _listing_bytes(archive)
        if listing > MAX_LISTING_BYTES:
            raise _refused(archive, ["it lists far more than the three files of a bundle"])
        with zipfile.ZipFile(archive) as opened:
            infos = opened.infolist()
    except OSError as exc:
        raise BundleError(f"'{archive.name}' cannot be read ({exc}); upload it again") from exc
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as exc:
        raise BundleError(f"'{archive.name}' is not a zip file that can be read ({exc}); upload it again") from exc
    around = _folder_around(infos)
    faults, found = [], {}
    for info in infos:
        if info.is_dir() and info.filename == around:
            continue
        name = info.filename.removeprefix(around)
        told = _faults(info, name)
        if name in found:
            told.append(f"{_quoted(info.filename)} is there twice")
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
    shown, mode = _quoted(info.orig_filename), info.external_attr >> 16
    path = PurePosixPath(info.filename)
    if info.filename != info.orig_filename or "\\" in info.filename or not info.filename.isprintable():
        return [f"{shown} is not a plain file name"]
    if path.is_absolute() or info.filename[1:2] == ":":
        return [f"{shown} is an absolute path"]
    if ".." in path.parts:
        return [f"{shown} points outside of the bundle"]
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        kind = "a link" if stat.S_ISLNK(mode) else "a folder" if stat.S_ISDIR(mode) else "not an ordinary file"
        return [f"{shown} is {kind}"]
    if path.suffix.lower() in _PICKLES:
        return [f"{shown} may run code when it is opened, such files are never taken"]
    if name not in FILES:
        return [f"{shown} does not belong to a bundle"]
    faults = []
    if info.flag_bits & 1:
        faults.append(f"{shown} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        faults.append(f"{shown} is compressed in an unusual way, zip it with the usual one")
    if info.file_size > LIMITS[name]:
        faults.append(f"{shown} has {_size(info.file_size)}, more than {_size(LIMITS[name])}")
    elif info.file_size > max(_RATIO_FROM_BYTES, MAX_RATIO * info.compress_size):
        faults.append(f"{shown} would grow more than {MAX_RATIO} times while it is unpacked")
    return faults


def _folder_around(infos: list[zipfile.ZipInfo]) -> str:
    """The one folder that everything lies in, with its slash; empty where there is none."""
    tops = {info.filename.partition("/")[0] for info in infos}
    nested = all("/" in info.filename for info in infos)
    top = next(iter(tops)) if len(tops) == 1 and nested else ""
    return f"{top}/" if top and top != ".." else ""


def _listing_bytes(archive: Path) -> int:
    """How long the archive's list of files is, as its last record says. Raises BadZipFile where there is none."""
    with archive.open("rb") as stream:
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


def _quoted(name: str) -> str:
    """A file name from outside, on one line and of bounded length."""
    plain = "".join(char if char.isprintable() else "?" for char in name)
    return f"'{plain if len(plain) <= 80 else plain[:77] + '...'}'"


def _size(count: int) -> str:
    return f"{count / (1 << 20):,.0f} MiB"
