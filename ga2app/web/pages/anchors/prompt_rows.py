"""Negative prompts, their groups and proposals as HTML."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence

from ga2app.store.negative_prompts import NegativeGroupRow, NegativeRow
from ga2app.store.ratings import Rating
from ga2app.types import TextProposal
from ga2app.web.components.markup import empty, escape
from ga2app.web.pages.anchors import anchor_messages as wording
from ga2app.web.pages.anchors.clip_cards import Page, bulk_html, pager_html, stamp


def groups_html(rows: Sequence[NegativeGroupRow], chosen: int | None) -> str:
    """The list of groups, all prompts together first."""
    total, enabled = sum(row.prompts for row in rows), sum(row.enabled for row in rows)
    items = [_group_html("", "All prompts", total, enabled, chosen is None)]
    items += [_group_html(str(row.id), row.name, row.prompts, row.enabled, row.id == chosen) for row in rows]
    return f'<div class="pickers compact">{"".join(items)}</div>'


def _group_html(key: str, name: str, prompts: int, enabled: int, current: bool) -> str:
    mark = ' aria-current="true"' if current else ""
    on = "empty" if not prompts else f"{prompts:,}, all off" if not enabled else f"{enabled:,} of {prompts:,} on"
    return (
        f'<button type="button" class="picker" data-choose="{key}"{mark}><span class="title">{escape(name)}</span>'
        f'<span class="number">{on}</span></button>'
    )


def prompts_html(rows: Sequence[NegativeRow], page: Page, *, searched: str, show_group: bool) -> str:
    """One page of prompts."""
    if not page.total and searched:
        return empty(f"No prompt contains “{searched}”", "Search for something else, or empty the search box.")
    if not page.total:
        return empty(
            "No negative prompts here yet",
            wording.ABOUT_NEGATIVES,
            "Add some above: one a line, as many as you like. Or let some be suggested for your labels.",
            "Then measure how close they come to the labels chosen at the top.",
        )
    items = "".join(_row_html(row, show_group) for row in rows)
    return (
        f'<div class="anchor-rows" {stamp()}>{bulk_html("prompt", page)}<ul class="prompt-rows">{items}</ul>'
        f"{pager_html(page)}</div>"
    )


def _row_html(row: NegativeRow, show_group: bool) -> str:
    text = escape(row.text)
    warned = row.rating is not None and row.rating.warned
    group = f'<span class="group">{escape(row.group)}</span>' if show_group else "<span></span>"
    return (
        f'<li class="prompt-row{"" if row.enabled else " off"}{" warned" if warned else ""}" data-row="{row.id}">'
        f'<label class="pick"><input type="checkbox" data-pick="{row.id}" value="{row.id}" '
        f'aria-label="Select {text}"></label>'
        f'<label class="anchor-switch"><input type="checkbox" data-on {"checked" if row.enabled else ""} '
        f'aria-label="Use {text}"><span>on</span></label>'
        f'<input type="text" data-text data-rated value="{text}" maxlength="200" '
        f'aria-label="Text of the prompt {text}">'
        f"{group}{_rating_html(row.rating)}</li>"
    )


def _rating_html(rating: Rating | None) -> str:
    if rating is None:
        return wording.bar_html(None, "", "", "")
    tone = "poor" if rating.warned else "good"
    return wording.bar_html(rating, tone, wording.closeness_text(rating), "Closeness to the nearest label")


def proposals_html(proposals: Sequence[TextProposal], source: str) -> str:
    """Proposed prompts, all ticked; nothing is added before the button is pressed."""
    if not proposals:
        return ""
    drawn = time.time_ns()
    items = "".join(
        f'<li><label><input type="checkbox" data-pick="{number}" value="{drawn}-{number}" checked>'
        f" <span>{escape(one.text)}</span></label>"
        f"<small>{_far(one)}</small></li>"
        for number, one in enumerate(proposals)
    )
    return (
        f'<section class="proposals" {stamp()}><h4>Proposed by {escape(source)} <small>nothing is added until you say '
        f'so</small></h4><ul class="proposed-texts">{items}</ul><div class="bulk">'
        '<button type="button" class="small primary" data-action="accept">Add the ticked prompts</button>'
        '<button type="button" class="small" data-action="dismiss">Discard</button></div></section>'
    )


def ideas_html(proposals: Sequence[TextProposal]) -> str:
    """Captions of clips that would make good anchors; a click takes one over as the caption of what is added next."""
    items = "".join(
        f'<li><button type="button" class="small" data-idea="{escape(one.text)}" title="{escape(_far(one))}">'
        f"{escape(one.text)}</button></li>"
        for one in proposals
    )
    return (
        '<p class="legend">Clips of these would have little to do with your labels. Film one or look for one, '
        f'click its words to use them as the caption, and add the clip.</p><ul class="ideas">{items}</ul>'
    )


def export_html(content: str, count: int) -> str:
    """A link to the prompts as a file."""
    data = base64.b64encode(content.encode()).decode()
    return (
        '<div class="notice success" role="status">'
        f'<a id="negatives-download" download="negative-prompts.csv" href="data:text/csv;base64,{data}">'
        f"negative-prompts.csv</a> holds {count:,} prompt{'' if count == 1 else 's'} with groups and switches.</div>"
    )


def _far(one: TextProposal) -> str:
    if one.distance is None:
        return "the backbone does not know all of its words"
    return f"distance {one.distance:.2f} from “{one.nearest}”"
