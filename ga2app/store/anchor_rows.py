"""What lists show of anchor sets, negative prompts and their groups: plain records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ga2app.store.ratings import Rating


@dataclass(frozen=True)
class AnchorSetRow:
    """An anchor set as a list shows it: how many ``clips`` it has, and how many of them are switched on."""

    id: int
    name: str
    about: str
    clips: int
    enabled: int


@dataclass(frozen=True)
class AnchorFile:
    """A clip to be added: its file, its caption, what is known of its content, and whether it is switched on."""

    path: str
    caption: str = ""
    digest: str | None = None
    seconds: float | None = None
    frames: int | None = None
    width: int | None = None
    height: int | None = None
    enabled: bool = True


@dataclass(frozen=True)
class AnchorRow:
    """A clip of an anchor set, with its ``rating`` under the question asked, if it has been rated."""

    id: int
    path: str
    caption: str
    enabled: bool
    digest: str | None = None
    seconds: float | None = None
    rating: Rating | None = None


class AnchorOrder(StrEnum):
    """How a list of anchor clips is sorted. Clips that were not rated come last."""

    ADDED = "added"
    BEST = "best"
    WORST = "worst"


@dataclass(frozen=True)
class AddedClips:
    """How many clips went in, and which files were left out because their content is in the set already."""

    count: int
    doubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class NegativeGroupRow:
    """A group of negative prompts as a list shows it: how many ``prompts``, and how many are switched on."""

    id: int
    name: str
    prompts: int
    enabled: int


@dataclass(frozen=True)
class NegativeRow:
    """A negative prompt, with its ``rating`` under the question asked, if it has been rated."""

    id: int
    group_id: int
    group: str
    text: str
    enabled: bool
    rating: Rating | None = None


@dataclass(frozen=True)
class NegativeEntry:
    """A prompt as a file holds it: by the name of its group."""

    group: str
    text: str
    enabled: bool = True


class NegativeOrder(StrEnum):
    """How a list of prompts is sorted. Prompts that were not rated come last."""

    ADDED = "added"
    TEXT = "text"
    CLOSEST = "closest"
    FARTHEST = "farthest"


@dataclass(frozen=True)
class AddedTexts:
    """What became of texts that were to be added: how many went in, and which were there already or came twice."""

    count: int
    doubles: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportedTexts:
    """What became of a file: prompts that are new, that were switched on or off, and that were there just so."""

    added: int
    switched: int
    same: int
