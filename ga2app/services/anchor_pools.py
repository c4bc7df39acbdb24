"""Pools of clips that anchors are chosen from, what rates, chooses, makes and proposes anchors, and their CSV files."""

from __future__ import annotations

import io
import os
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ga2app import hub
from ga2app.config import Precision
from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.datasets.clip_files import content_digest
from ga2app.errors import DatasetError, shown
from ga2app.labels import label_key, tidy
from ga2app.paths import whole_file
from ga2app.services.dataset_export import COLUMNS, Row
from ga2app.services.named_datasets import known_dataset
from ga2app.store import Store
from ga2app.store.anchor_rows import AnchorFile
from ga2app.stretches import file_of
from ga2app.types import (
    AnchorClip,
    AnchorKind,
    ClipRatings,
    Dataset,
    MadeClips,
    Progress,
    ProposalKind,
    TextProposal,
    TextRatings,
)
from ga2app.untrusted import csv_text, read_ordinary, row_dicts

if TYPE_CHECKING:
    from ga2app.clip import Backbone

Item = TypeVar("Item")

CSV_NAME = "anchors.csv"
SET, DATASET = "set:", "data:"
"""Pools of the studio are named by what they are: an anchor set's id or a data set's name behind it."""

_CAMERA_WORDS = re.compile(r"^(img|vid|mov|dsc|clip|video|mvi|pxl|gopro|untitled|copy)$", re.IGNORECASE)


def kept_pool(store: Store, pool: str | None) -> list[AnchorFile]:
    """The clips of a data set or an anchor set, with their content where it is known. Raises DatasetError.

    Captions are class names or the anchors' captions.
    """
    if pool and pool.startswith(SET) and pool.removeprefix(SET).isdigit():
        rows = store.anchors.rows(int(pool.removeprefix(SET)))
        return [AnchorFile(row.path, row.caption, row.digest) for row in rows]
    if pool and pool.startswith(DATASET):
        name = pool.removeprefix(DATASET)
        dataset, digests = store.datasets.get(name), store.clips.digests(name)
        clips = [*(AnchorClip(clip.path, tidy(clip.label)) for clip in dataset.clips), *dataset.anchors]
        return [AnchorFile(clip.path, clip.caption, digests.get(clip.path)) for clip in clips]
    raise DatasetError("no pool of clips was chosen; choose a data set or another anchor set to suggest from")


def named_pool(name: str, known: Callable[[str], Dataset | None] = known_dataset) -> list[AnchorClip]:
    """The clips of a pool: a data set of the studio, a folder with clips anywhere in it, a CSV file, or one clip.

    Captions are class names and anchors' captions; a clip that lies in the folder itself, or is named alone, has none.
    Raises DatasetError.
    """
    dataset = known(name)
    if dataset is not None:
        return [*(AnchorClip(clip.path, tidy(clip.label)) for clip in dataset.clips), *dataset.anchors]
    source = Path(name)
    if os.path.isdir(source):
        inside = ((file, Path(file).parent) for file in files_in(name))
        return [AnchorClip(file, "" if folder == source else tidy(folder.name)) for file, folder in inside]
    if os.path.isfile(source):
        return [AnchorClip(name)] if source.suffix.lower() in VIDEO_SUFFIXES else _read_list(source)
    raise DatasetError(
        f"there is no data set '{shown(name)}' and no folder or CSV file of that name; check the pool's name"
    )


def files_in(folder: str) -> list[str]:
    """Every video file in ``folder`` and in the folders in it, sorted; raises DatasetError for none."""
    found = sorted(
        os.path.join(where, file)
        for where, _, files in os.walk(folder)
        for file in files
        if Path(file).suffix.lower() in VIDEO_SUFFIXES and not file.startswith(".")
    )
    if not found:
        raise DatasetError(f"folder '{folder}' holds no clips; name one with video files in it")
    return found


Captioned = TypeVar("Captioned", AnchorClip, AnchorFile)


def of_other_classes(pool: Sequence[Captioned], labels: Iterable[str]) -> list[Captioned]:
    """The clips whose caption is none of ``labels``, base and novel.

    A novel class must not enter training through its clips or its name in a caption.
    """
    taken = {label_key(label) for label in labels}
    return [clip for clip in pool if label_key(clip.caption) not in taken]


def of_other_content(pool: Sequence[AnchorFile], had: set[str]) -> list[AnchorFile]:
    """The clips whose content is not among the digests ``had``. A file is read only where its content is not known."""

    def digest(clip: AnchorFile) -> str:
        return clip.digest or (content_digest(clip.path) if Path(file_of(clip.path)).is_file() else "")

    return [clip for clip in pool if not had or digest(clip) not in had]


def evenly(items: Sequence[Item], count: int) -> list[Item]:
    """At most ``count`` of the items, spread evenly over them."""
    if len(items) <= count:
        return list(items)
    return [items[place * len(items) // count] for place in range(count)]


def caption_of(name: str) -> str:
    """The caption that a file's name gives: "rain_on-window 02.mp4" is "rain on window"; none for "IMG_2034.mp4"."""
    words = re.findall(r"[^\W\d_]+", tidy(Path(name).stem))
    kept = [word.lower() for word in words if not _CAMERA_WORDS.match(word)]
    return " ".join(kept) if any(len(word) > 2 for word in kept) else ""


def write_lines(path: Path, lines: Iterable[Row]) -> None:
    """Write ``lines`` to the CSV ``path``, which appears whole or not at all. Raises DatasetError.

    Clips in the CSV's folder are named from there, so that the folder can be moved; others by their whole path.
    """
    folder = Path(os.path.abspath(path.parent))
    rows = [(_from_folder(place, folder) if place else "", *rest) for place, *rest in lines]
    try:
        with whole_file(path) as fresh:
            fresh.write_bytes(csv_text([COLUMNS, *rows], "\r\n").encode())
    except (OSError, UnicodeEncodeError) as exc:
        raise DatasetError(f"'{path}' cannot be written ({exc}); choose another place") from exc


def _from_folder(path: str, folder: Path) -> str:
    whole = Path(os.path.abspath(path))
    return str(whole.relative_to(folder)) if whole.is_relative_to(folder) else str(whole)


def _read_list(source: Path) -> list[AnchorClip]:
    """Clips of any group of a data set's CSV, also of one that holds anchors alone."""
    try:
        lines = [row for _, row in row_dicts(io.StringIO(read_ordinary(source).decode("utf-8-sig"), newline=""))]
    except (OSError, ValueError) as exc:
        raise DatasetError(f"'{source}' cannot be read as CSV ({exc}); save it as UTF-8 text") from exc
    clips = [
        AnchorClip(str(source.parent / row["path"]), tidy(row.get("label", "")))
        for row in lines
        if row.get("path") and row.get("group") != "negative"
    ]
    if not clips:
        raise DatasetError(f"'{source}' lists no clips; its first line must name the columns path and label")
    return clips


FRAMES = 8
"""Frames of a clip that are looked at, unless told otherwise."""


class AnchorAdvisor:
    """Adds nothing to a set or a group. One request at a time: a backbone is large, and the last one is kept.

    torch is loaded at the first request. Every method raises StudioError for labels, a backbone or clips that cannot
    be used.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backbone: Backbone | None = None

    def irrelevance(
        self,
        pool: Sequence[AnchorClip],
        labels: Sequence[str],
        *,
        backbone: str,
        frames: int = FRAMES,
        progress: Progress | None = None,
    ) -> ClipRatings:
        """How irrelevant each clip is to the labels, in the order of ``pool`` without those that cannot be read."""
        from ga2app.inference.anchors import rate_clips

        with self._lock:
            return rate_clips(self._loaded(backbone), pool, labels, frames, progress).ratings

    def choose(
        self,
        pool: Sequence[AnchorClip],
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        diversity: float = 0.5,
        frames: int = FRAMES,
        exactly: bool = False,
        progress: Progress | None = None,
    ) -> ClipRatings:
        """The ``count`` clips of the pool that are most irrelevant yet unlike each other, in the order of the choice.

        ``diversity`` weighs the second against the first, from 0 to 1. A pool with fewer clips gives all that it has;
        with ``exactly`` that is a DatasetError.
        """
        from ga2app.inference.anchors import rate_clips

        with self._lock:
            rated = rate_clips(self._loaded(backbone), pool, labels, frames, progress)
        return rated.choose(count if exactly else min(count, len(rated.ratings.clips)), diversity)

    def make(
        self,
        paths: Sequence[str],
        folder: Path,
        kinds: Sequence[AnchorKind],
        *,
        side_share: float = 0.5,
        progress: Progress | None = None,
    ) -> MadeClips:
        """Write an anchor of each kind for each clip into ``folder``; see ``make_anchors``."""
        from ga2app.inference.anchors import make_anchors

        return make_anchors(paths, folder, kinds, side_share, progress)

    def text_similarity(self, texts: Sequence[str], labels: Sequence[str], *, backbone: str) -> TextRatings:
        """How close each text comes to the labels, in the order of ``texts``."""
        from ga2app.inference.anchors import rate_texts

        with self._lock:
            return rate_texts(self._loaded(backbone), texts, labels)

    def suggest(
        self,
        labels: Sequence[str],
        *,
        backbone: str,
        count: int,
        kind: ProposalKind | None = None,
        language_model: str | None = None,
        endpoint: str | None = None,
    ) -> list[TextProposal]:
        """Texts of one kind, or of both, the farthest from the labels first: shipped ones, or a language model's.

        The language model is asked on the Hub with the login of this machine, or at the server ``endpoint``.
        """
        kinds = [kind] if kind else list(ProposalKind)
        # Asked before the backbone is loaded: a model that cannot be asked is told at once.
        texts = {
            one: hub.propose(language_model, labels, one, count, endpoint=endpoint) if language_model and labels else []
            for one in kinds
        }
        from ga2app.inference.anchors import rate_proposals, suggest

        with self._lock:
            loaded = self._loaded(backbone)
            if not language_model:
                return [one for one in suggest(loaded, labels, count) if one.kind in kinds]
            return [one for kind, said in texts.items() for one in rate_proposals(loaded, said, labels, kind)]

    def login(self) -> bool:
        """Whether this machine's own user is logged in at the Hub, so that a language model can be asked."""
        return hub.own_login()

    def _loaded(self, name: str) -> Backbone:
        """The backbone in CLIP's own precision; the one that was asked for last is kept."""
        if self._backbone is None or self._backbone.name != name:
            from ga2app.clip import load_backbone

            self._backbone = None
            self._backbone = load_backbone(name, precision=Precision.FLOAT32)
        return self._backbone
