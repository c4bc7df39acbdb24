"""What an import is told, and what it answers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ga2app.clip import BackboneId
from ga2app.config import PromptConfig
from ga2app.errors import CheckpointError

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Origin:
    """What a checkpoint does not say of itself. Without ``base`` labels, those that it embeds are read back."""

    name: str = ""
    base: tuple[str, ...] = ()
    dataset: str = UNKNOWN
    num_frames: int = 32


@dataclass(frozen=True)
class Imported:
    """What came of a checkpoint: ``bundle`` and ``backbone_folder`` are None where none was written.

    ``backbone`` is what the bundle belongs to; ``ignored`` names entries of the file that were not used; ``notes`` are
    for people.
    """

    bundle: Path | None
    backbone: BackboneId
    backbone_folder: Path | None
    prompts: PromptConfig | None
    base: tuple[str, ...]
    ignored: tuple[str, ...]
    notes: tuple[str, ...]


class Folders(NamedTuple):
    """Where to write: new folders, or None where none is named."""

    bundle: Path | None
    backbone: Path | None

    def check(self) -> None:
        """Raises CheckpointError where a folder is taken, or one lies in the other."""
        named = [folder for folder in self if folder is not None]
        for folder in named:
            try:
                taken = any(folder.iterdir()) if folder.is_dir() else os.path.lexists(folder)
                above = next((parent for parent in folder.parents if parent.exists()), folder)
                if not above.is_dir():
                    raise NotADirectoryError(f"'{above}' is a file")
            except (OSError, ValueError) as exc:
                raise CheckpointError(f"'{folder}' cannot be used as a folder ({exc}); name another") from exc
            if taken:
                raise CheckpointError(f"'{folder}' is there already and is not replaced; name a new folder")
        places = [folder.resolve() for folder in named]
        if len(places) == 2 and (places[0].is_relative_to(places[1]) or places[1].is_relative_to(places[0])):
            raise CheckpointError(f"'{named[0]}' and '{named[1]}' lie in each other; name two folders side by side")
