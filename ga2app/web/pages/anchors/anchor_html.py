"""Anchor clips and negative prompts as the page shows them: what the templates are filled with, and sentences."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ga2app.errors import StoreError
from ga2app.services.anchor_service import RELEVANT, Measured, Proposed, Taken
from ga2app.services.space import Owned
from ga2app.services.studio import Studio
from ga2app.store.anchor_rows import AddedTexts, AnchorRow, AnchorSetRow, NegativeGroupRow, NegativeRow, Rating
from ga2app.types import PulledAnchors, TextProposal, TextRatings
from ga2app.web.components.markup import count_of, empty, lasting, listed, notice, notices, render

GOOD = 0.5
"""From this irrelevance on a clip is a good anchor: its nearest label fits it as badly as any word would."""

_PLAYABLE = (".mp4", ".webm", ".m4v", ".mov")
_TOLD = 8


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

    @property
    def last(self) -> int:
        return (self.total - 1) // self.size

    @property
    def shown(self) -> str:
        return f"{self.first + 1:,}–{min(self.first + self.size, self.total):,} of {self.total:,}"


Whose = Callable[[Owned], str]
"""Says whose a row is, where that is a question: ``OwnershipService.whose``."""


def _beside(counted: str, whose: str) -> str:
    return f"{counted}, {whose}" if whose else counted


def sets_html(rows: Sequence[AnchorSetRow], chosen: int | None, whose: Whose) -> str:
    """The list of anchor sets."""
    cards = [
        (row.id, row.name, row.about, row.id == chosen, _beside(_clips_on(row.clips, row.enabled), whose(row)))
        for row in rows
    ]
    return str(render("anchor_pickers.html", cards=cards, compact=False))


def _clips_on(clips: int, enabled: int) -> str:
    return (count_of(clips, "clip") + ("" if enabled == clips else f", {enabled} on")) if clips else "empty"


def groups_html(rows: Sequence[NegativeGroupRow], chosen: int | None, whose: Whose, none: bool = False) -> str:
    """The list of groups, all prompts together first; with ``none`` no entry is marked as chosen."""
    prompts, enabled = sum(row.prompts for row in rows), sum(row.enabled for row in rows)
    cards = [("", "All prompts", "", chosen is None and not none, _prompts_on(prompts, enabled))]
    for row in rows:
        counted = _beside(_prompts_on(row.prompts, row.enabled), whose(row))
        cards.append((str(row.id), row.name, "", row.id == chosen and not none, counted))
    return str(render("anchor_pickers.html", cards=cards, compact=True))


def _prompts_on(prompts: int, enabled: int) -> str:
    if not prompts:
        return "empty"
    return f"{enabled:,} of {prompts:,} on" if enabled else f"{prompts:,}, all off"


def clips_html(studio: Studio, rows: Sequence[AnchorRow], place: Page, comparable: bool, locked: bool) -> str:
    """One page of the clips of a set; ``locked`` for one that whoever looks may not change."""
    if not place.total:
        return str(render("anchor_help.html", topic="no clips"))
    cards = [
        _card(studio, row.path, row.caption, row.rating, comparable, row.digest)
        | {"id": row.id, "enabled": row.enabled, "remark": "", "locked": locked}
        for row in rows
    ]
    return str(render("anchor_clips.html", proposed=False, cards=cards, place=place, drawn=time.time_ns()))


def proposals_html(studio: Studio, found: Proposed) -> str:
    """Proposed clips with a tick at each that does not look relevant; nothing is added before the button is pressed."""
    if not found.clips:
        return ""
    cards = [
        _card(studio, one.path, one.caption, one.rating, found.comparable, one.digest)
        | {"id": number, "enabled": True, "remark": one.remark}
        for number, one in enumerate(found.clips)
    ]
    return str(render("anchor_clips.html", proposed=True, cards=cards, place=None, drawn=time.time_ns()))


def prompts_html(
    rows: Sequence[NegativeRow], place: Page, *, searched: str, show_group: bool, locked: Collection[int]
) -> str:
    """One page of prompts; those of the groups ``locked`` may not be changed by whoever looks."""
    if not place.total and searched:
        return empty(f"No prompt contains “{searched}”", "Search for something else, or empty the search box.")
    if not place.total:
        return str(render("anchor_help.html", topic="no prompts"))
    shown = [
        {
            "id": row.id,
            "text": row.text,
            "enabled": row.enabled,
            "locked": row.group_id in locked,
            "warned": bool(row.rating and row.rating.warned),
            "group": row.group if show_group else "",
            "bar": _closeness(row.rating),
        }
        for row in rows
    ]
    return str(render("negative_prompts.html", proposed=False, rows=shown, place=place, drawn=time.time_ns()))


def proposed_prompts_html(proposals: Sequence[TextProposal], source: str) -> str:
    """Proposed prompts, all ticked; nothing is added before the button is pressed."""
    if not proposals:
        return ""
    rows = [{"text": one.text, "far": _far(one)} for one in proposals]
    return str(render("negative_prompts.html", proposed=True, rows=rows, source=source, drawn=time.time_ns()))


def ideas_html(proposals: Sequence[TextProposal]) -> str:
    """Captions of clips that would make good anchors; a click takes one over as the caption of what is added next."""
    return str(render("anchor_ideas.html", ideas=[{"text": one.text, "far": _far(one)} for one in proposals]))


def taken_html(name: str, taken: Taken) -> str:
    """What became of clips that were to be added: every duplicate is told, and every fault until it is dismissed."""
    good = notice("success", f"{count_of(taken.count, 'clip')} added.") if taken.count else ""
    there = f"in the set already, left as {'it is' if len(taken.doubles) == 1 else 'they are'}: "
    doubles = notice("info", there + listed(taken.doubles, _TOLD)) if taken.doubles else ""
    faults = notices("error", taken.faults, f"{count_of(len(taken.faults), 'clip')} could not be added to '{name}'.")
    return good + doubles + notices("warning", taken.warnings, "Added, but look at:") + lasting(faults)


def measured_html(done: Measured) -> str:
    """What measuring the clips of a set has shown."""
    text = f"{count_of(done.clips, 'clip')} measured against {count_of(done.labels, 'label')}."
    if not done.comparable:
        text += " This backbone knows too few generic texts: the figures rank these clips and nothing else."
    elif done.warned:
        looks, them = ("clip looks", "it") if done.warned == 1 else ("clips look", "them")
        text += f" {done.warned} {looks} relevant: switch {them} off, or delete {them}."
    else:
        text += " None of them looks relevant."
    return notice("warning" if done.warned else "success", text) + notices("error", done.faults, "Could not be read:")


def rated_prompts_html(rated: TextRatings, labels: int) -> str:
    """What measuring prompts has shown."""
    close = sum(one.too_close for one in rated.texts)
    text = f"{count_of(len(rated.texts), 'prompt')} measured against {count_of(labels, 'label')}. "
    if close:
        text += f"{close} {'comes' if close == 1 else 'come'} too close to a label; sort by the closest to see them."
    else:
        text += "None comes too close to a label."
    if rated.limit is not None:
        text += f" The labels' own closeness is {rated.limit:.2f}."
    unknown = [one.text for one in rated.texts if one.unknown]
    strange = f"words in these, which it cannot judge: {quoted(unknown)}" if unknown else ""
    return notice("warning" if close else "success", text) + notice("info", strange, "The backbone does not know all")


def added_html(added: AddedTexts) -> str:
    """What became of prompts that were to be added."""
    good = notice("success", f"{count_of(added.count, 'prompt')} added.") if added.count else ""
    there = f"{count_of(len(added.doubles), 'prompt')} left out, in the group already or given twice: "
    return good + (notice("info", there + quoted(added.doubles)) if added.doubles else "")


def set_title(rows: Sequence[AnchorSetRow], set_id: int) -> str:
    """The name of a set; raises StoreError where it is gone."""
    name = next((row.name for row in rows if row.id == set_id), "")
    if not name:
        raise StoreError("this anchor set is not there any more; choose another from the list")
    return name


def pulled_html(pulled: PulledAnchors) -> str:
    """What came, and what could not be had."""
    groups = f", {count_of(len(pulled.groups), 'group')} of negative prompts" if pulled.groups else ""
    said = f"{count_of(pulled.clips, 'clip')}{groups}." if pulled.new else "It is here already; nothing was changed."
    missing = [f"'{caption}': neither the repository nor this studio has the clip" for caption in pulled.missing]
    left_out = notices("warning", [*missing, *pulled.faults], f"Left out of '{pulled.name}':")
    return notice("success", said, f"'{pulled.name}' is here.") + lasting(left_out)


def quoted(texts: Iterable[str]) -> str:
    """The first of ``texts`` in quotation marks, and how many more there are."""
    return listed([f"“{text}”" for text in texts], _TOLD)


def _card(
    studio: Studio, path: str, caption: str, rating: Rating | None, comparable: bool, digest: str | None = None
) -> dict[str, Any]:
    """What a card shows of a clip; ``near`` is the label that it looks like, empty where it looks like none."""
    bar = None
    if rating is not None:
        bar = _bar(rating, _grade(rating) if comparable else "plain", _irrelevance_text(rating, comparable))
        bar["label"] = "Irrelevance"
    near = rating.nearest if rating is not None and rating.warned else ""
    return {"picture": _picture(studio, path, caption, digest), "caption": caption, "bar": bar, "near": near}


def _picture(studio: Studio, path: str, caption: str, digest: str | None) -> dict[str, str]:
    """The picture of a clip, which plays it where a browser can; a gray tile where there is none (yet)."""
    place, file = studio.anchors.picture(path, digest), PurePath(path).name
    inside = Path(path).is_relative_to(studio.home.media) and PurePath(path).suffix.lower() in _PLAYABLE
    return {
        "name": caption or file,
        "file": file,
        "image": studio.files.address(place) if place and place.exists() else "",
        "lacking": "no picture" if Path(path) in studio.unpictured else "making the picture…",
        "play": studio.files.address(path) if inside else "",
    }


def _bar(rating: Rating, tone: str, sentence: str) -> dict[str, Any]:
    """A rating as a bar with its figure and its nearest label."""
    # Rounded down, so that no clip is called wholly irrelevant.
    shown = f"{int(max(rating.value, 0) * 100) / 100:.2f}" if rating.value >= 0 else f"{rating.value:.2f}"
    width = round(100 * min(max(rating.value, 0.0), 1.0))
    return {"tone": tone, "shown": shown, "near": rating.nearest, "width": width, "sentence": sentence}


def _closeness(rating: Rating | None) -> dict[str, Any] | None:
    if rating is None:
        return None
    sentence = f"Nearest label: “{rating.nearest}”, cosine {rating.value:.2f}. Far enough from it."
    if rating.warned:
        sentence = (
            f"Too close to “{rating.nearest}” (cosine {rating.value:.2f}): it shares a word with it, or is as near to "
            "it as your labels are to each other. It would draw clips away from that label; word it otherwise "
            "or switch it off."
        )
    return _bar(rating, "poor" if rating.warned else "good", sentence) | {"label": "Closeness to the nearest label"}


def _grade(rating: Rating) -> str:
    return "good" if rating.value >= GOOD else "fair" if rating.value >= RELEVANT else "poor"


def _irrelevance_text(rating: Rating, comparable: bool) -> str:
    """A sentence on the irrelevance of a clip."""
    if not comparable:
        return (
            f"This backbone knows too few generic texts: {rating.value:.2f} ranks the clips of this set and says no "
            f"more. Nearest label: {rating.nearest}."
        )
    said = f"About {int(rating.value * 100)} of 100 generic texts would describe this clip better than"
    ends = {
        "good": "a good anchor.",
        "fair": "usable, but it has something of that label.",
        "poor": "it looks like that label; a poor anchor.",
    }
    return f"{said} “{rating.nearest}” does: {ends[_grade(rating)]}"


def _far(one: TextProposal) -> str:
    if one.distance is None:
        return "the backbone does not know all of its words"
    return f"distance {one.distance:.2f} from “{one.nearest}”"
