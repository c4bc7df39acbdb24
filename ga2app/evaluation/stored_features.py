"""Features of clips kept on disk, so that a data set passes a tower once and not whenever somebody asks about it.

One folder holds what one tower made of clips (``facts``: backbone, bundle, frames, precision), by the clips' content.
It consists of safetensors files that are only ever added and appear whole, by renaming: threads and processes may
share it, and a kill loses what was not written yet. They are read as memory maps: 60,000 clips of 512 numbers and
8 pictures take 246 MB of disk, and only rows that are asked for come into memory.

Notation: N clips, D embedding width, T frames, P = 16 · 16 gray levels of a picture.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ga2app.disk import by_age
from ga2app.errors import StoreError
from ga2app.paths import whole_file
from ga2app.untrusted import stored_json

MOST_BYTES = 2 * 10**9
"""What all folders together may take; those that were used longest ago go first."""
MOST_FILES = 16
"""Files of a folder; of more one is made."""
ROWS, PICTURES = "means", "pictures"

logger = logging.getLogger(__name__)


class StoredFeatures:
    """What one tower made of clips, by their digests: means over T of frame features (D,), and small pictures (T, P).

    Args:
        root: where the folders of all towers lie.
        facts: what features have to agree in to be of use; they choose the folder.
        most_bytes: what ``root`` may take.
    """

    def __init__(self, root: Path, facts: Mapping[str, str], most_bytes: int = MOST_BYTES) -> None:
        self._facts, self._most_bytes = dict(facts), most_bytes
        told = json.dumps(self._facts, sort_keys=True)
        self.folder = root / hashlib.sha256(told.encode()).hexdigest()[:16]
        self._files: dict[str, dict[str, Tensor]] = {}
        self._places: dict[str, tuple[str, int]] = {}
        self._read()
        with contextlib.suppress(OSError):
            os.utime(self.folder)

    def __contains__(self, digest: str) -> bool:
        return digest in self._places

    def rows(self, digests: Sequence[str], name: str = ROWS) -> Tensor:
        """The rows of ``digests``, all of them known: (N, D) features, or (N, T, P) pictures, in memory."""
        found: Tensor | None = None
        by_file: dict[str, list[int]] = {}
        for place, digest in enumerate(digests):
            by_file.setdefault(self._places[digest][0], []).append(place)
        for file, places in by_file.items():
            part = self._files[file][name][[self._places[digests[place]][1] for place in places]]
            found = part.new_empty(len(digests), *part.shape[1:]) if found is None else found
            found[places] = part
        return torch.empty(0, 0) if found is None else found

    def keep(self, digests: Sequence[str], rows: Tensor, pictures: Tensor) -> None:
        """Add clips; whole or not at all. Raises StoreError."""
        if digests:
            self._write(digests, {ROWS: rows.float().cpu(), PICTURES: pictures.cpu()})

    def tidy(self) -> None:
        """Make one file of many, and drop the folders of towers that were used longest ago where all take too much."""
        if len(self._files) > MOST_FILES:
            old, digests = list(self._files), list(self._places)
            self._write(digests, {name: self.rows(digests, name) for name in (ROWS, PICTURES)})
            for file in old:
                self._files.pop(file)
                (self.folder / file).unlink(missing_ok=True)
            self._places = {digest: place for digest, place in self._places.items() if place[0] in self._files}
        folders = [folder for folder in self.folder.parent.iterdir() if folder.is_dir() and folder != self.folder]
        sizes = {folder: _bytes(folder) for folder in (*folders, self.folder)}
        for _, folder in by_age(folders):
            if sum(sizes.values()) <= self._most_bytes:
                break
            shutil.rmtree(folder, ignore_errors=True)
            del sizes[folder]

    def _write(self, digests: Sequence[str], tensors: dict[str, Tensor]) -> None:
        file = self.folder / f"{secrets.token_hex(8)}.safetensors"
        try:
            with whole_file(file) as fresh:
                save_file(tensors, str(fresh), metadata=self._facts | {"digests": json.dumps(list(digests))})
        except (OSError, SafetensorError) as exc:  # the latter on a full disk
            raise StoreError(f"'{file}' could not be written ({exc}); free some space and try again") from exc
        self._open(file)

    def _read(self) -> None:
        for file in sorted(self.folder.glob("*.safetensors")):
            self._open(file)

    def _open(self, file: Path) -> None:
        """Take in what ``file`` holds; nothing of one that is damaged, and goes, or that is of another tower."""
        try:
            with safe_open(str(file), framework="pt") as stored:
                told: dict[str, Any] = dict(stored.metadata() or {})
                digests = stored_json(told.pop("digests"))
                tensors = {name: stored.get_tensor(name) for name in (ROWS, PICTURES)}
            if told != self._facts or any(len(part) != len(digests) for part in tensors.values()):
                raise ValueError("it is of another tower")
        except FileNotFoundError:
            return  # another process has made one file of many
        except (OSError, SafetensorError, KeyError, ValueError) as exc:
            logger.warning("'%s' is damaged (%s); its clips are encoded anew", file, exc)
            with contextlib.suppress(OSError):
                file.unlink()
            return
        self._files[file.name] = tensors
        self._places.update({digest: (file.name, row) for row, digest in enumerate(digests)})


def _bytes(folder: Path) -> int:
    total = 0
    with contextlib.suppress(FileNotFoundError):  # another process may be dropping it
        for file in folder.iterdir():
            total += file.stat().st_size
    return total


def unknown_to(stores: Iterable[StoredFeatures], digests: Iterable[str]) -> list[str]:
    """Those of ``digests``, each once, that one of ``stores`` does not know."""
    some = list(stores)
    return [digest for digest in dict.fromkeys(digests) if not all(digest in store for store in some)]
