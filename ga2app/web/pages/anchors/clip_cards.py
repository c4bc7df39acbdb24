"""Anchor sets and their clips as HTML."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ga2app.services.studio import Studio
from ga2app.store.anchor_sets import AnchorRow, AnchorSetRow
from ga2app.store.ratings import Rating
from ga2app.web.components.list_scripts import TURN_JS, ticks_js
from ga2app.web.components.markup import empty, escape
from ga2app.web.pages.anchors import anchor_messages as wording
from ga2app.web.pages.anchors.pictures import picture_html

ROWS_JS = (
    ticks_js("[data-pick]")
    + TURN_JS
    + """
const send = message => trigger('select', message);
element.addEventListener('change', event => {
  const box = event.target, row = box.closest('[data-row]');
  if (!row) return;
  if (box.matches('[data-on]')) {
    row.classList.toggle('off', !box.checked);
    send({action: 'enable', id: Number(row.dataset.row), on: box.checked});
  } else if (box.matches('[data-text]')) {
    if (box.dataset.rated !== undefined) row.querySelector('.rating')?.replaceChildren('not measured');
    send({action: 'text', id: Number(row.dataset.row), text: box.value});
  }
});
element.addEventListener('keydown', event => {
  if (event.key === 'Enter' && event.target.matches('[data-text]')) event.target.blur();
});
// A page that is drawn anew keeps its fields, with what was typed: a refused text has to give way to the stored one,
// and what is being typed stays with its own row.
const restore = () => element.querySelectorAll('[data-row] input:is([data-text], [data-on])').forEach(box => {
  const row = box.closest('[data-row]').dataset.row;
  const typing = box === document.activeElement && box.ofRow === row;
  box.ofRow = row;
  if (typing) return;
  if (box.matches('[data-text]')) box.value = box.defaultValue;
  else box.checked = box.defaultChecked;
});
watch('value', restore);
restore();
element.addEventListener('click', event => {
  const play = event.target.closest('[data-play]'), button = event.target.closest('[data-action]');
  if (play) {
    const film = document.createElement('video');
    Object.assign(film, {src: play.dataset.play, muted: true, loop: true, autoplay: true, playsInline: true});
    film.className = 'film';
    if (play.querySelector('video')) play.replaceChildren(play.still); else {
      play.still = play.firstElementChild;
      play.replaceChildren(film);
    }
  } else if (button) {
    turned = button.dataset.action === 'page';
    const picked = ticks.boxes().filter(box => box.checked).map(box => Number(box.dataset.pick));
    send({action: button.dataset.action, ids: picked, value: button.dataset.value || ''});
  }
});
"""
)
"""Sends what is done to a row, with the row's own number, and nothing about any other row."""


@dataclass(frozen=True)
class Page:
    """A part of a list: the number of the page from 0, its size, and how many rows there are in all."""

    number: int
    size: int
    total: int

    @classmethod
    def of(cls, wanted: int, size: int, total: int) -> Page:
        """The page that was wanted, or the last one if there are not so many."""
        return cls(min(max(wanted, 0), max(0, (total - 1) // size)), size, total)

    @property
    def first(self) -> int:
        return self.number * self.size


def stamp() -> str:
    """An attribute that differs each time, so that the page is drawn anew even where only its inputs were changed."""
    return f'data-drawn="{time.time_ns()}"'


def sets_html(rows: Sequence[AnchorSetRow], chosen: int | None) -> str:
    """The list of anchor sets."""
    items = "".join(_set_html(row, row.id == chosen) for row in rows)
    return f'<div class="pickers">{items}</div>'


def _set_html(row: AnchorSetRow, current: bool) -> str:
    mark = ' aria-current="true"' if current else ""
    on = "" if row.enabled == row.clips else f", {row.enabled} on"
    about = f'<span class="line">{escape(row.about)}</span>' if row.about else ""
    counted = f"{row.clips} clip{'' if row.clips == 1 else 's'}{on}" if row.clips else "empty"
    return (
        f'<button type="button" class="picker" data-choose="{row.id}"{mark}>'
        f'<span class="title">{escape(row.name)}</span><span class="number">{counted}</span>{about}</button>'
    )


def clips_html(studio: Studio, rows: Sequence[AnchorRow], page: Page, comparable: bool) -> str:
    """One page of the clips of a set."""
    if not page.total:
        return empty(
            "An anchor set without clips yet",
            wording.ABOUT_ANCHORS,
            "Add clips in one of the three ways above: your own, the most irrelevant ones of a data set, or clips made "
            "from clips.",
            "Then measure how irrelevant they are to the labels chosen at the top. " + wording.ABOUT_IRRELEVANCE,
            wording.ABOUT_HELD_FRAMES,
        )
    cards = "".join(_card_html(studio, row, comparable) for row in rows)
    return (
        f'<div class="anchor-rows" {stamp()}>{bulk_html("clip", page)}<ul class="anchor-cards">{cards}</ul>'
        f"{pager_html(page)}</div>"
    )


def _card_html(studio: Studio, row: AnchorRow, comparable: bool) -> str:
    name = escape(row.caption or PurePath(row.path).name)
    warned = row.rating is not None and row.rating.warned
    classes = f"{'' if row.enabled else ' off'}{' warned' if warned else ''}"
    return (
        f'<li class="anchor-card{classes}" data-row="{row.id}">'
        f"{picture_html(studio, row.path, row.caption, row.digest)}"
        f'<label class="pick"><input type="checkbox" data-pick="{row.id}" value="{row.id}" '
        f'aria-label="Select {name}"></label>'
        f'<input type="text" data-text value="{escape(row.caption)}" maxlength="200" '
        'placeholder="caption: what it shows" '
        f'aria-label="Caption of {escape(PurePath(row.path).name)}">'
        f"{rating_html(row.rating, comparable)}{_warning_html(row.rating)}"
        f'<label class="anchor-switch"><input type="checkbox" data-on {"checked" if row.enabled else ""} '
        f'aria-label="Use {name}"><span>used in training</span></label></li>'
    )


def rating_html(rating: Rating | None, comparable: bool) -> str:
    """The irrelevance of a clip as a bar."""
    if rating is None:
        return wording.bar_html(None, "", "", "")
    tone = wording.grade(rating.value) if comparable else "plain"
    return wording.bar_html(rating, tone, wording.irrelevance_text(rating, comparable), "Irrelevance")


def _warning_html(rating: Rating | None) -> str:
    if rating is None or not rating.warned:
        return ""
    return f'<p class="looks-relevant">looks like “{escape(rating.nearest)}”</p>'


def bulk_html(word: str, page: Page) -> str:
    """What can be done with the rows that are ticked."""
    return (
        f'<div class="bulk"><label><input type="checkbox" data-tick-all> all {word}s on this page</label>'
        f'<button type="button" class="small" data-action="delete" data-needs-ticked disabled>Delete selected'
        '<span class="number" data-ticked=" (#)"></span></button>'
        f'<span class="spread">{page.total:,} {word}{"" if page.total == 1 else "s"}</span></div>'
    )


def pager_html(page: Page) -> str:
    """Earlier and later pages, where there are any."""
    if page.total <= page.size:
        return ""
    last = (page.total - 1) // page.size
    shown = f"{page.first + 1:,}–{min(page.first + page.size, page.total):,} of {page.total:,}"
    back, on = ("disabled" if page.number == 0 else ""), ("disabled" if page.number == last else "")
    return (
        '<nav class="anchor-pager" aria-label="Pages">'
        f'<button type="button" class="small" data-action="page" data-value="{page.number - 1}" {back}>Earlier</button>'
        f'<span>{shown}</span><button type="button" class="small" data-action="page" '
        f'data-value="{page.number + 1}" {on}>Later</button></nav>'
    )


@dataclass(frozen=True)
class ProposedClip:
    """A clip that may be added: its file, its caption, how irrelevant it is, and a remark for the user."""

    path: str
    caption: str
    rating: Rating | None
    remark: str = ""


def proposals_html(studio: Studio, clips: Sequence[ProposedClip], comparable: bool) -> str:
    """Proposed clips with a tick at each that does not look relevant; nothing is added before the button is pressed."""
    if not clips:
        return ""
    drawn = time.time_ns()
    cards = "".join(
        f'<li class="anchor-card{" warned" if one.rating and one.rating.warned else ""}">'
        f"{picture_html(studio, one.path, one.caption)}"
        f'<label class="pick"><input type="checkbox" data-pick="{number}" value="{drawn}-{number}" '
        f"{_ticked(one)} "
        f'aria-label="Take {escape(one.caption or PurePath(one.path).name)}"></label>'
        f'<span class="caption">{escape(one.caption)}</span>'
        f"{rating_html(one.rating, comparable)}{_warning_html(one.rating)}"
        f"{f'<p class=remark>{escape(one.remark)}</p>' if one.remark else ''}</li>"
        for number, one in enumerate(clips)
    )
    return (
        f'<section class="proposals" {stamp()}><h4>Proposed clips <small>nothing is added until you say so; those that '
        f'look relevant are not ticked</small></h4><ul class="anchor-cards">{cards}</ul><div class="bulk">'
        '<button type="button" class="small primary" data-action="accept">Add the ticked clips</button>'
        '<button type="button" class="small" data-action="dismiss">Discard</button></div></section>'
    )


def _ticked(one: ProposedClip) -> str:
    return "" if one.rating and one.rating.warned else "checked"
