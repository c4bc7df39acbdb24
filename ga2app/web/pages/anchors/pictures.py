"""Small pictures of anchor clips."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path, PurePath

from ga2app.errors import ClipError
from ga2app.services.studio import Studio
from ga2app.web.components.markup import escape, file_url

log = logging.getLogger(__name__)

_PLAYABLE = (".mp4", ".webm", ".m4v", ".mov")


def picture_path(studio: Studio, path: str, digest: str | None = None) -> Path:
    """Where the picture of a clip is kept: by its content where that is known, else by its file."""
    name = digest or f"file-{hashlib.sha256(path.encode()).hexdigest()[:32]}"
    return studio.home.thumbs / f"{name}.jpg"


def missing(studio: Studio, clips: Iterable[tuple[str, str | None]]) -> list[tuple[str, Path]]:
    """Of clips, named by file and content, those whose picture is still to be made, with the place for it."""
    places = ((path, picture_path(studio, path, digest)) for path, digest in clips)
    return [(path, place) for path, place in places if not place.exists() and place not in studio.unpictured]


def draw(studio: Studio, wanted: Iterable[tuple[str, Path]]) -> None:
    """Draw pictures; a clip that cannot be read stays without one."""
    for path, place in wanted:
        try:
            studio.inspector.thumbnail(path, place)
        except ClipError as exc:
            log.info("%s", exc)
            studio.unpictured.add(place)


def picture_html(studio: Studio, path: str, caption: str, digest: str | None = None) -> str:
    """The picture of a clip, as a button that plays it where a browser can; a gray tile where there is none (yet)."""
    place = picture_path(studio, path, digest)
    name = escape(caption or PurePath(path).name)
    lacking = "no picture" if place in studio.unpictured else "making the picture…"
    shown = f'<img src="{file_url(str(place))}" alt="" loading="lazy">' if place.exists() else f"<span>{lacking}</span>"
    inside = Path(path).is_relative_to(studio.home.media)
    if inside and PurePath(path).suffix.lower() in _PLAYABLE:
        return (
            f'<button type="button" class="picture" data-play="{file_url(path)}" '
            f'aria-label="Play {name}" title="Play {escape(PurePath(path).name)}">{shown}</button>'
        )
    return f'<span class="picture" title="{escape(PurePath(path).name)}">{shown}</span>'
