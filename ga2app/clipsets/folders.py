"""Class folders: ``root/class/clip``, or ``root/train/class/clip`` and ``root/test/class/clip``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ga2app.clipsets.entries import VIDEO_SUFFIXES
from ga2app.clipsets.holding_out import hold_out
from ga2app.contracts import Dataset, Subset
from ga2app.errors import DatasetError
from ga2app.labels import in_words


def read_folder(root: Path) -> Dataset:
    """The clips below ``root`` under the names of their class folders, all classes base. Raises DatasetError.

    Where every folder's name is one word and some are CamelCase, as in UCF-101, the names are made into words.
    """
    parts: list[tuple[Subset | None, Path]] = [
        (subset, root / subset.value) for subset in Subset if (root / subset.value).is_dir()
    ]
    rows: list[tuple[str, str, Subset | None]] = []
    for subset, folder in parts or [(None, root)]:
        for class_folder in sorted(entry for entry in folder.iterdir() if entry.is_dir()):
            files = sorted(file for file in class_folder.rglob("*") if file.suffix.lower() in VIDEO_SUFFIXES)
            rows += [(str(file), class_folder.name, subset) for file in files]
    if not rows:
        raise DatasetError(
            f"folder '{root}' holds no clips in class folders; put each class's clips into a folder named after it"
        )
    names = list(dict.fromkeys(label for _, label, _ in rows))
    labels = {name: in_words(name) if _camel_case(names) else name for name in names}
    clips = hold_out([(path, labels[name], subset) for path, name, subset in rows])
    return Dataset(root.name, tuple(dict.fromkeys(labels.values())), (), tuple(clips))


def _camel_case(names: Sequence[str]) -> bool:
    one_word = all(name.isalnum() and name[0].isupper() for name in names)
    return one_word and any(" " in in_words(name) for name in names)
