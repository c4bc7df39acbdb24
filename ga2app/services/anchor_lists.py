"""An anchor set as files that travel: ``anchors.json`` says what clips it has, ``negatives.csv`` has the prompts.

Clips are named by their content, so that a laboratory that has the same clips needs no copy of them, and nothing of
how they are called at home goes along.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.errors import HubError

FORMAT_VERSION = 1
ANCHORS, NEGATIVES, CLIPS = "anchors.json", "negatives.csv", "clips/"
MAX_LIST_BYTES = 4 << 20
MAX_CLIP_BYTES = 512 << 20
MAX_CLIPS = 5_000
MAX_TEXT = 500

_CLIP = re.compile(rf"{CLIPS}[A-Za-z0-9_-]{{1,80}}(\.[a-z0-9]{{2,5}})")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ListedClip:
    """A clip of a set: its caption, its content as SHA-256, and the ``file`` in the repository that it is, if it is."""

    caption: str
    enabled: bool
    sha256: str
    file: str = ""


@dataclass(frozen=True)
class AnchorList:
    """What ``anchors.json`` says."""

    name: str
    about: str
    clips: tuple[ListedClip, ...]

    def to_json(self) -> str:
        """The text of the file: indented, keys sorted."""
        document = {"format_version": FORMAT_VERSION, **asdict(self)}
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def size_limit(name: str) -> int:
    """How many bytes a file of an anchor set may have; 0 for one that does not belong to it."""
    if name in (ANCHORS, NEGATIVES):
        return MAX_LIST_BYTES
    found = _CLIP.fullmatch(name)
    return MAX_CLIP_BYTES if found and found[1] in VIDEO_SUFFIXES else 0


def read_anchor_list(content: bytes, shown: str) -> AnchorList:
    """What a file of somebody else says, checked. Raises HubError, which calls the repository ``shown``."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise HubError(f"'{shown}': {ANCHORS} cannot be read as JSON; ask who made it for a whole one") from exc
    version = data.get("format_version") if isinstance(data, dict) else None
    if version != FORMAT_VERSION:
        raise HubError(
            f"'{shown}': {ANCHORS} has format version {version!r} and this program reads version {FORMAT_VERSION}; "
            "update GA² Studio"
        )
    clips = data.get("clips")
    sound = isinstance(clips, list) and len(clips) <= MAX_CLIPS and all(map(_is_clip, clips))
    if not (_is_text(data.get("name")) and data["name"].strip() and _is_text(data.get("about", "")) and sound):
        raise HubError(f"'{shown}': {ANCHORS} is not the list of an anchor set; ask who made it for a whole one")
    listed = (ListedClip(one["caption"], one["enabled"], one["sha256"], one.get("file", "")) for one in clips)
    return AnchorList(data["name"], data.get("about", ""), tuple(listed))


def clip_name(sha256: str, suffix: str) -> str:
    """What a clip is called in the repository."""
    return f"{CLIPS}{sha256[:16]}{suffix.lower()}"


def numbered(name: str, taken: Sequence[str]) -> str:
    """``name``, with a number behind it where that is taken."""
    if name not in taken:
        return name
    return next(f"{name} {number}" for number in range(2, len(taken) + 3) if f"{name} {number}" not in taken)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _is_clip(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("enabled"), bool) or not _is_text(value.get("caption")):
        return False
    digest, file = value.get("sha256"), value.get("file", "")
    known = isinstance(digest, str) and bool(_DIGEST.fullmatch(digest))
    return known and isinstance(file, str) and (not file or size_limit(file) == MAX_CLIP_BYTES)
