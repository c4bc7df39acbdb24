"""The file of a checkpoint: written whole with a digest of its content, and set aside when that does not fit any more.

The checkpoint before it stays beside it: a damaged one costs the steps between the two, and never goes unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ga2app.disk import checkpoint_before, damaged_checkpoint, why_unwritten
from ga2app.errors import ErrorCode, TrainingError, code_of
from ga2app.types import Event, EventKind

DIGEST = "digest"
"""Key of the digest among the metadata; versions before it wrote none, and no other keys than these."""
_EARLIER = frozenset({"step", "config", "settings", "data", "backbone", "scaling", "measured"})

Content = tuple[dict[str, Tensor], dict[str, str]]
"""Tensors and metadata."""


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write a checkpoint whole or not at all, and keep the one before it. Raises TrainingError, on a full disk too."""
    fresh, content = path.with_name(path.name + ".new"), b""
    try:
        content = save(dict(tensors), metadata={**metadata, DIGEST: _digest(tensors, metadata)})
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _keep_before(path)
        os.replace(fresh, path)
    except OSError as exc:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise TrainingError(
            f"checkpoint '{path}' could not be written ({why_unwritten(exc, path.parent, len(content))}); free some "
            "space and go on from the one before it",
            code=code_of(exc) if code_of(exc) is ErrorCode.DISK_FULL else None,
        ) from exc


def read(path: Path) -> Content:
    """What ``write`` was given, or a version before this one wrote. Raises ValueError if damaged, OSError."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}
    except SafetensorError as exc:
        raise ValueError(str(exc)) from exc
    digest = metadata.pop(DIGEST, None)
    if metadata.keys() - _EARLIER if digest is None else digest != _digest(tensors, metadata):
        raise ValueError("its content is not what was written: the disk, or who copied it, has changed it")
    return tensors, metadata


def is_whole(path: Path) -> bool:
    """Whether the file can be read and holds what was written. Raises OSError where it cannot be opened."""
    try:
        read(path)
    except ValueError:
        return False
    return True


def settle(path: Path, emit: Callable[[Event], None]) -> None:
    """Set a damaged checkpoint aside, with a line in the log; the one before takes its place where that is whole.

    Without one the run begins at step 0, as without any checkpoint. Raises TrainingError where it cannot be opened.
    """
    try:
        if not path.exists() or is_whole(path):
            return
        aside, before = damaged_checkpoint(path), checkpoint_before(path)
        os.replace(path, aside)
        goes_on = before.exists() and is_whole(before)
        if goes_on:
            os.replace(before, path)
        else:
            before.unlink(missing_ok=True)
    except OSError as exc:
        raise TrainingError(
            f"checkpoint '{path}' cannot be read ({exc}); make it readable, or delete it to begin at step 0",
            code=ErrorCode.CHECKPOINT_UNUSABLE,
        ) from exc
    then = "goes on from the checkpoint before it" if goes_on else "begins again at step 0"
    emit(_line(f"the checkpoint was damaged and is set aside as '{aside.name}'; the run {then}"))
    if not goes_on:
        emit(_line("resumed at step 0"))


def _line(text: str) -> Event:
    return Event(EventKind.LOG, 0, {"text": text})


def _keep_before(path: Path) -> None:
    """A second name for the file at ``path``, which is about to be replaced; a copy where the disk has no such."""
    before = checkpoint_before(path)
    if not path.exists():
        before.unlink(missing_ok=True)  # of a training that began anew since
        return
    fresh = before.with_name(before.name + ".new")
    fresh.unlink(missing_ok=True)
    try:
        os.link(path, fresh)
    except OSError:
        shutil.copyfile(path, fresh)
    os.replace(fresh, before)


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """SHA-256 of names, types, shapes and bytes, in an order of its own: that of the file is the writer's affair."""
    digest = hashlib.sha256(json.dumps(dict(metadata), sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"\n{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
