"""What can be done with anchor sets and their clips; the answers are messages. ``clip_room`` puts it on the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ga2app.errors import StoreError
from ga2app.services.studio import Studio
from ga2app.store.anchor_sets import AnchorOrder, AnchorSetRow
from ga2app.types import AnchorClip, Progress
from ga2app.web.components.markup import lasting, notice, notices
from ga2app.web.pages.anchors import adding, clip_cards, pictures
from ga2app.web.pages.anchors.adding import Taken, rating_of
from ga2app.web.pages.anchors.bar import counted
from ga2app.web.pages.anchors.clip_cards import Page, ProposedClip
from ga2app.web.pages.anchors.question import Asked, is_comparable

PAGE = 24
_TOLD = 8


def chosen_set(studio: Studio, set_id: int | None) -> AnchorSetRow | None:
    """The set of that number; the first one where it is gone, None where there is none."""
    rows = studio.store.anchors.sets()
    return next((row for row in rows if row.id == set_id), rows[0] if rows else None)


def needed(set_id: int | None) -> int:
    """The number of the chosen set. Raises StoreError if none is chosen."""
    if set_id is None:
        raise StoreError("no anchor set is chosen; choose one from the list, or make one")
    return set_id


def page_html(studio: Studio, row: AnchorSetRow, page: int, order: str, question: int | None) -> tuple[str, int]:
    """One page of the clips of a set, and its number."""
    place = Page.of(page, PAGE, row.clips)
    rows = studio.store.anchors.rows(
        row.id, question=question, order=AnchorOrder(order), limit=PAGE, offset=place.first
    )
    comparable = is_comparable(studio.store.ratings.get(question) if question else None)
    return clip_cards.clips_html(studio, rows, place, comparable), place.number


def draw_missing(studio: Studio, set_id: int, page: int, order: str, question: int | None) -> bool:
    """Draw the pictures that a page lacks; says whether there were any, made now or known to be impossible."""
    rows = studio.store.anchors.rows(
        set_id, question=question, order=AnchorOrder(order), limit=PAGE, offset=page * PAGE
    )
    wanted = pictures.missing(studio, ((row.path, row.digest) for row in rows))
    pictures.draw(studio, wanted)
    return bool(wanted)


def upload(studio: Studio, set_id: int, files: Sequence[str], caption: str, progress: Progress | None) -> str:
    """Add uploaded clips; each gets ``caption``, or the one that its file's name gives."""
    said = caption.strip()
    clips = [AnchorClip(path, said or adding.caption_of(Path(path).name)) for path in files]
    return taken_html(studio, set_id, adding.take_clips(studio, set_id, clips, progress))


def accept(studio: Studio, set_id: int, proposed: Sequence[ProposedClip], picked: Sequence[int]) -> str:
    """Add those proposed clips that were ticked."""
    ticked = [proposed[number] for number in picked if 0 <= number < len(proposed)]
    if not ticked:
        raise StoreError("none of the proposed clips is ticked; tick those that you want, or discard them")
    clips = [AnchorClip(one.path, one.caption) for one in ticked]
    return taken_html(studio, set_id, adding.take_clips(studio, set_id, clips))


def taken_html(studio: Studio, set_id: int, taken: Taken) -> str:
    """What became of clips that were to be added: every duplicate is told, and every fault until it is dismissed."""
    name = next((row.name for row in studio.store.anchors.sets() if row.id == set_id), "")
    good = notice("success", f"{counted(taken.count, 'clip')} added.") if taken.count else ""
    there = f"in the set already, left as {'it is' if len(taken.doubles) == 1 else 'they are'}: "
    doubles = notice("info", there + _listed(taken.doubles)) if taken.doubles else ""
    faults = notices("error", taken.faults, f"{counted(len(taken.faults), 'clip')} could not be added to '{name}'.")
    return good + doubles + notices("warning", taken.warnings, "Added, but look at:") + lasting(faults)


def measure(studio: Studio, set_id: int, question: Asked, progress: Progress | None) -> str:
    """Measure the irrelevance of every clip of the set and keep it."""
    rows = studio.store.anchors.rows(set_id)
    if not rows:
        raise StoreError("the set has no clips to measure; add some first")
    paths = [row.path for row in rows]
    rated = studio.advisor.irrelevance(paths, question.base, backbone=question.backbone, progress=progress)
    kept = studio.store.ratings.ask(question.base, question.backbone, question.source)
    ratings = {one.path: rating_of(one, rated.comparable) for one in rated.clips}
    studio.store.ratings.keep_clips(kept.id, ratings, comparable=rated.comparable)
    warned = sum(rating.warned for rating in ratings.values())
    text = f"{counted(len(ratings), 'clip')} measured against {counted(len(question.base), 'label')}."
    if not rated.comparable:
        text += " This backbone knows too few generic texts: the figures rank these clips and say no more."
    elif warned:
        looks, them = ("clip looks", "it") if warned == 1 else ("clips look", "them")
        text += f" {warned} {looks} relevant: switch {them} off, or delete {them}."
    else:
        text += " None of them looks relevant."
    tone = "warning" if warned else "success"
    return notice(tone, text) + notices("error", rated.faults, "Could not be read:")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(names[:_TOLD]) + more
