"""Whether the files of a bundle are as they were written, and hold numbers that a tower can compute with."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ga2app.bundles.manifest import MANIFEST, TENSORS, Manifest, manifest_digest
from ga2app.errors import BundleError
from ga2app.method.whitening import CENTER, ROOT
from ga2app.untrusted import stored_json

MAX_NUMBER = 65504.0
"""The largest number of float16, in which a run may compute; learned prompts stay below a hundred."""


def check_numbers(tensors: Mapping[str, Tensor], shown: str) -> None:
    """Raises BundleError for numbers that a tower cannot compute with."""
    for name, tensor in tensors.items():
        if not tensor.is_floating_point():
            raise BundleError(f"bundle '{shown}': '{name}' in {TENSORS} holds {tensor.dtype}; get a fresh copy")
        largest = max(map(abs, map(float, tensor.float().aminmax()))) if tensor.numel() else 0.0
        if not math.isfinite(largest):
            raise BundleError(f"bundle '{shown}': {TENSORS} holds numbers that are not finite; get a fresh copy")
        if largest > MAX_NUMBER and name not in (CENTER, ROOT):  # clips that are hardly apart are spread far
            raise BundleError(
                f"bundle '{shown}': '{name}' in {TENSORS} holds {largest:.3g}, and a tower can compute with at most "
                f"{MAX_NUMBER:,.0f}; get a fresh copy"
            )


_DIGESTS = "digests"
_verified: set[tuple[object, ...]] = set()
"""Folders whose files this process has found to be as they were written, with the files' sizes and times."""


def check_digests(manifest: Manifest, tensors: Mapping[str, Tensor], content: bytes, root: Path, shown: str) -> None:
    """Raises BundleError where the files are not those that were written. Bundles of earlier versions do not tell.

    Once a process: files that keep their size and their time are not looked at again.
    """
    states = [os.stat(root / name) for name in (MANIFEST, TENSORS)]
    files = (os.path.abspath(root), *((state.st_size, state.st_mtime_ns) for state in states))
    if files in _verified:
        return
    header = stored_json(content[8 : 8 + int.from_bytes(content[:8], "little")])
    told = header.get("__metadata__", {}).get(_DIGESTS)
    found = digests_of(manifest, tensors)[_DIGESTS]
    # One behind the other, under one key: safetensors writes several in any order.
    for file, own, other in zip((TENSORS, MANIFEST), found.split(), (told or found).split(), strict=False):
        if own != other:
            raise BundleError(
                f"bundle '{shown}': {file} is not as it was written: it was changed, or is damaged; get a fresh copy"
            )
    _verified.add(files)


def digests_of(manifest: Manifest, tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """What a bundle tells of its own files, in the metadata of its tensors: SHA-256 of these, and of what it says."""
    return {_DIGESTS: f"{_digest(tensors)} {manifest_digest(manifest)}"}


def _digest(tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of names, types, shapes and numbers."""
    found = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        found.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
