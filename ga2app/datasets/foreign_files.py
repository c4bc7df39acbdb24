"""What lies among clips and is none of them: files and folders of other programs."""

from __future__ import annotations

from collections.abc import Iterable

_FOREIGN = frozenset(
    "__macosx thumbs.db desktop.ini ehthumbs.db $recycle.bin @eadir #recycle lost+found __pycache__".split()
    + ["system volume information"]
)
_UNLABELED = frozenset({"_unlabeled", "_unlabelled"})


def is_foreign(name: str) -> bool:
    """Whether a file or folder of this name belongs to another program: hidden, or a system's own."""
    return (name.startswith(".") and name not in (".", "..")) or name.casefold() in _FOREIGN


def has_foreign(parts: Iterable[str]) -> bool:
    """Whether one of the parts of a path is foreign."""
    return any(is_foreign(part) for part in parts)


def is_unlabeled(name: str) -> bool:
    """Whether a folder of this name holds clips without a label, as FiftyOne writes them."""
    return name.casefold() in _UNLABELED
