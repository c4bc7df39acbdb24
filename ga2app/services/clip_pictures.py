"""Small pictures of clips and copies that a browser plays, made in the background and kept by content."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.datasets.clip_files import content_digest
from ga2app.errors import ClipError, StudioError
from ga2app.store.clip_pages import ClipRow

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

log = logging.getLogger(__name__)

_KEPT_PREVIEWS = 200


def picture_of(studio: Studio, clip: ClipRow) -> Path | None:
    """The picture of a clip; None while there is none."""
    if clip.facts is None or not clip.facts.digest:
        return None
    picture = studio.home.thumbs / f"{clip.facts.digest}.jpg"
    return picture if picture.exists() else None


def preview_of(studio: Studio, clip: ClipRow) -> Path:
    """A copy of the clip that any browser plays, made if need be. Raises ClipError if the clip cannot be read."""
    digest = clip.facts.digest if clip.facts else ""
    name = digest or hashlib.sha256(clip.path.encode()).hexdigest()
    preview = studio.home.media / "previews" / f"{name}.mp4"
    if not preview.exists():
        studio.inspector.preview(clip.path, preview)
        _drop_oldest(preview.parent)
    return preview


def _drop_oldest(folder: Path) -> None:
    """Previews are made again in a moment; only the newest stay."""
    made = sorted(folder.glob("*.mp4"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in made[_KEPT_PREVIEWS:]:
        old.unlink(missing_ok=True)


class Pictures:
    """Makes the pictures that a page lacks in a thread of its own: opening a page never waits for a decoder."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._lock = threading.Lock()
        self._waiting: list[ClipRow] = []
        self._known: set[int] = set()
        self._faults: dict[int, str] = {}
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether pictures are still being made."""
        with self._lock:
            return self._thread is not None

    def fault(self, clip_id: int) -> str:
        """Why a clip has no picture; empty if that is not known."""
        with self._lock:
            return self._faults.get(clip_id, "")

    def ask(self, clips: Iterable[ClipRow]) -> None:
        """Make the pictures of those ``clips`` that lack one, the latest asked for first."""
        lacking = [clip for clip in clips if picture_of(self._studio, clip) is None]
        with self._lock:
            fresh = [clip for clip in lacking if clip.id not in self._known]
            self._known.update(clip.id for clip in fresh)
            self._waiting = fresh + self._waiting
            if self._waiting and self._thread is None:
                self._thread = threading.Thread(target=self._work, daemon=True, name="pictures")
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                clip = self._waiting.pop(0)
            try:
                digest = (clip.facts and clip.facts.digest) or content_digest(clip.path)
                facts = self._studio.inspector.inspect(clip.path, self._studio.home.thumbs / f"{digest}.jpg")
                self._studio.store.clips.learn(clip.id, replace(facts, digest=digest))
            except ClipError as exc:
                with self._lock:
                    self._faults[clip.id] = f"{exc.reason}; {exc.advice}"
            except StudioError as exc:
                log.warning("no picture of clip %d: %s", clip.id, exc)
            except Exception:
                log.exception("no picture of clip %d", clip.id)
