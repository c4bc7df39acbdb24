"""Bundles as zip files: the same bytes each time they are packed, and checked before anything of one is kept."""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import time
import unicodedata
import uuid
import zipfile
import zlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ga2app.bundles.bundle_files import TENSORS, load_folder
from ga2app.bundles.card_entries import FILES, find_entries
from ga2app.bundles.manifest import MANIFEST, read_card, read_manifest, to_json, to_publish
from ga2app.bundles.model_card import CARD, card_to_pack, model_card
from ga2app.errors import BundleError
from ga2app.types import BundleCard

_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_STAGE = ".incoming-"
_STALE_S = 3600.0
_MAX_FOLDER = 60


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
    fresh = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
            for file in FILES:
                if not (root / file).is_file():
                    continue
                entry = zipfile.ZipInfo(file, _EPOCH)
                entry.create_system, entry.external_attr = 3, 0o100644 << 16
                if file in renamed:
                    archive.writestr(entry, renamed[file])
                    continue
                entry.file_size = (root / file).stat().st_size
                with (root / file).open("rb") as source, archive.open(entry, "w") as target:
                    shutil.copyfileobj(source, target, _CHUNK)
        os.replace(fresh, out)
    except OSError as exc:
        raise BundleError(f"'{out}' could not be written ({exc}); free some space or choose another --out") from exc
    finally:
        fresh.unlink(missing_ok=True)


def _named(root: Path, name: str) -> dict[str, str]:
    """Manifest and card of the bundle in ``root`` as they are under ``name``, where that changes them."""
    own = read_manifest(root)
    told = replace(own, name=name) if name else own
    files = {} if told == own else {MANIFEST: to_json(told)}
    if (root / CARD).is_file():
        text = (root / CARD).read_text(encoding="utf-8", errors="replace")
        card = card_to_pack(told, text)
        files |= {CARD: card} if card != text else {}
    return files


def take_in(
    archive: Path, shelf: Path, *, taken: Collection[str] = (), known: Sequence[str] = (), folder: Path | None = None
) -> tuple[BundleCard, bool]:
    """Check the zip file ``archive`` and put its bundle into a folder of its own below ``shelf``; gives its card.

    The folder is called after the bundle, with a number where that is taken: by what is there, or in ``taken``;
    ``folder`` names another place. Where one of the folders ``known`` holds the same prompts and the same manifest,
    nothing is kept, and the card is that one's; the second value says whether the bundle is new. Raises BundleError
    that names every fault found, and then leaves nothing behind.
    """
    return _take(
        lambda stage: _unpack(archive, stage), archive.name, shelf, "imported", taken=taken, known=known, folder=folder
    )


def take_in_files(
    source: Path, shown: str, shelf: Path, origin: str, *, taken: Collection[str] = (), known: Sequence[str] = ()
) -> tuple[BundleCard, bool]:
    """The same with the files of a bundle in the folder ``source``, which are moved; all else that is there stays.

    Errors call the bundle ``shown``; ``origin`` is what its card says of where it comes from.
    """
    return _take(lambda stage: _move(source, stage), shown, shelf, origin, taken=taken, known=known)


def _take(
    fill: Callable[[Path], None],
    shown: str,
    shelf: Path,
    origin: str,
    *,
    taken: Collection[str],
    known: Sequence[str],
    folder: Path | None = None,
) -> tuple[BundleCard, bool]:
    """Let ``fill`` put the files into a folder out of sight, check them there, and only then show the folder."""
    stage = shelf / f"{_STAGE}{uuid.uuid4().hex}"
    try:
        shelf.mkdir(parents=True, exist_ok=True)
        _sweep(shelf)
        stage.mkdir()
        fill(stage)
        bundle = load_folder(stage, shown)
        if not all(bool(torch.isfinite(value).all()) for value in bundle.tensors.values()):
            raise BundleError(f"bundle '{shown}': {TENSORS} holds numbers that are not finite; get a fresh copy")
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
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:_MAX_FOLDER].strip("-._") or "bundle"
    if re.fullmatch(r"run-\d+", slug, re.IGNORECASE):
        slug = f"imported-{slug}"
    lowered = {other.lower() for other in taken}
    if slug.lower() not in lowered:
        return slug
    return next(
        f"{slug}-{number}" for number in range(2, len(lowered) + 3) if f"{slug}-{number}".lower() not in lowered
    )


def _sweep(shelf: Path) -> None:
    """Drop what an import that was killed has left."""
    for left in shelf.glob(f"{_STAGE}*"):
        if time.time() - left.stat().st_mtime > _STALE_S:
            shutil.rmtree(left, ignore_errors=True)


def _unpack(archive: Path, stage: Path) -> None:
    """Write the files of ``archive`` into ``stage``. Raises BundleError, if it can be told before a byte is written."""
    entries = find_entries(archive)
    try:
        with zipfile.ZipFile(archive) as opened:
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
        raise BundleError(f"'{archive.name}' is damaged ({exc}); download or upload it again") from exc


def _move(source: Path, stage: Path) -> None:
    for name in FILES:
        if (source / name).is_file():
            os.replace(source / name, stage / name)


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
