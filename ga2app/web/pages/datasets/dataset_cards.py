"""Clips as cards with a small picture, and the box that plays one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path, PurePath

from ga2app.services.studio import Studio
from ga2app.store.clip_pages import ClipRow
from ga2app.web.components.list_scripts import TURN_JS, ticks_js
from ga2app.web.components.markup import busy, count_of, escape, file_url, kind_mark, notice
from ga2app.web.pages.datasets.media import picture_of

PAGE = 60
"""Clips on a page."""

GRID_JS = (
    ticks_js(".ds-clip input")
    + TURN_JS
    + """
element.addEventListener('click', event => {
  const play = event.target.closest('[data-play]');
  if (play) trigger('click', {play: Number(play.dataset.play)});
  const page = event.target.closest('[data-page]');
  if (!page) return;
  turned = true;
  trigger('click', {page: Number(page.dataset.page)});
});
"""
)
"""Ticks stay when the page is drawn anew, because pictures have come in for example."""

PLAYER_JS = """
// A modal dialog: Escape closes it, the focus goes into it and back, and nothing beneath can be pressed by mistake.
const dialog = document.createElement('dialog');
dialog.className = 'ds-stage';
dialog.setAttribute('aria-label', 'Player');
(element.closest('.gradio-container') || document.body).append(dialog);
let closed = false;
dialog.addEventListener('click', event => {
  if (event.target === dialog || event.target.closest('[data-close]')) dialog.close();
});
dialog.addEventListener('close', () => { closed = true; dialog.replaceChildren(); trigger('click'); });
document.addEventListener('click', event => {
  if (dialog.open && event.target.closest('[role=tab]')) dialog.close();
});
watch('value', () => {
  const shown = element.querySelector('.ds-player');
  if (shown?.matches('[data-busy]')) closed = false;
  if (!shown || closed) { element.replaceChildren(); if (dialog.open) dialog.close(); return; }
  dialog.replaceChildren(shown);
  if (!dialog.open) dialog.showModal();
  dialog.querySelector('[data-close]').focus();
});
"""


def grid_html(
    studio: Studio, clips: Sequence[ClipRow], faults: dict[int, str], *, count: int, page: int, filtered: bool
) -> str:
    """One page of clips, with the way to the others."""
    if not count:
        text = "No clip matches. Clear the filters to see all." if filtered else "This data set has no clips any more."
        return notice("info", text)
    cards = "".join(_card(studio, clip, faults.get(clip.id, "")) for clip in clips)
    first = page * PAGE
    span = f"Clips {first + 1:,} to {first + len(clips):,} of {count:,}"
    ticks = (
        '<button type="button" data-tick="all">Tick all on this page</button>'
        '<button type="button" data-tick="none">Untick all</button>'
        '<b class="ds-ticked" data-ticked="# ticked" aria-live="polite"></b>'
    )
    pages = _pages(page, -(-count // PAGE))
    return f'<div class="ds-bar"><span>{span}</span>{ticks}{pages}</div><ul class="ds-clips">{cards}</ul>' + (
        f'<div class="ds-bar end">{pages}</div>' if pages else ""
    )


def _pages(page: int, pages: int) -> str:
    if pages < 2:
        return ""
    steps = (("First", 0), ("Previous", page - 1), ("Next", page + 1), ("Last", pages - 1))
    buttons = "".join(
        f'<button type="button" data-page="{target}"'
        f"{' disabled' if target == page or not 0 <= target < pages else ''}>{name}</button>"
        for name, target in steps
    )
    return f'<nav class="ds-pages" aria-label="Pages">{buttons}<span>page {page + 1} of {pages}</span></nav>'


def _card(studio: Studio, clip: ClipRow, fault: str) -> str:
    name = escape(PurePath(clip.path).name)
    picture = picture_of(studio, clip)
    length = f'<span class="ds-length">{clip.facts.seconds:.1f} s</span>' if clip.facts and clip.facts.seconds else ""
    if picture:
        inside = f'<img src="{file_url(picture)}" alt="" loading="lazy" width="160" height="120">{length}'
    else:
        inside = f'<span class="ds-blank">{"cannot be read" if fault else "…"}</span>'
    why = f'<p class="ds-fault">{escape(fault)}</p>' if fault else ""
    return (
        f'<li class="ds-clip"><button type="button" class="ds-picture" data-play="{clip.id}" '
        f'aria-label="Play {name}, {escape(clip.label)}">{inside}</button>'
        f'<label title="{name}"><input type="checkbox" value="{clip.id}"><span>{name}</span></label>'
        f'<p title="{escape(clip.label)}"><span class="ds-subset {clip.subset.value}">{clip.subset.value}</span> '
        f"{escape(clip.label)}</p>{why}</li>"
    )


def player_html(clip: ClipRow, preview: Path) -> str:
    """The player with a clip in it."""
    facts = clip.facts
    size = f"{facts.width} x {facts.height} pixels, {count_of(facts.frames, 'frame')}" if facts else ""
    length = f", {facts.seconds:.1f} s" if facts and facts.seconds else ""
    name = escape(PurePath(clip.path).name)
    body = (
        f'<video src="{file_url(preview)}" controls autoplay loop muted playsinline></video>'
        f"<p>{name}<br>{clip.subset.value} · {size}{length}</p>"
    )
    # The address differs each time, so that the same clip can be opened again.
    return _player(f"<b>{escape(clip.label)}</b>{kind_mark(clip.kind)}", body, f'data-opened="{time.time_ns()}"')


def player_busy_html() -> str:
    """The player while the clip is being opened."""
    return _player("<b>Player</b>", busy("Opening the clip…"), f'data-busy="{time.time_ns()}"')


def player_fault_html(text: str) -> str:
    """The player where the clip cannot be played."""
    return _player("<b>Cannot be played</b>", notice("error", text))


def _player(head: str, body: str, mark: str = "") -> str:
    return (
        f'<aside class="ds-player" {mark}><header>{head}'
        f'<button type="button" data-close aria-label="Close the player">×</button></header>{body}</aside>'
    )
