"""What can be done with negative prompts; the answers are messages. ``prompt_room`` puts it on the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ga2app.errors import StoreError
from ga2app.labels import label_key
from ga2app.services.studio import Studio
from ga2app.store.negative_prompts import NegativeGroupRow, NegativeOrder
from ga2app.store.prompt_csv import pasted, read_prompts, write_prompts
from ga2app.store.ratings import Rating
from ga2app.types import ProposalKind, TextProposal
from ga2app.web.components.markup import lasting, notice, notices
from ga2app.web.pages.anchors import prompt_rows
from ga2app.web.pages.anchors.bar import counted
from ga2app.web.pages.anchors.clip_cards import Page
from ga2app.web.pages.anchors.question import Asked

PAGE = 50
SEEDS = "the shipped texts"
_TOLD = 8
_MAX_FILE_BYTES = 20 << 20


def chosen_group(studio: Studio, group_id: int | None) -> NegativeGroupRow | None:
    """The group of that number; None for all prompts together, and where the group is gone."""
    return next((row for row in studio.store.negatives.group_rows() if row.id == group_id), None)


def needed(group_id: int | None) -> int:
    """The number of the chosen group. Raises StoreError if all prompts are shown."""
    if group_id is None:
        raise StoreError("no group is chosen; choose the one to work on from the list, or make a new one")
    return group_id


def page_html(
    studio: Studio, group: NegativeGroupRow | None, page: int, order: str, search: str, question: int | None
) -> tuple[str, int]:
    """One page of prompts, and its number."""
    negatives, group_id = studio.store.negatives, group.id if group else None
    place = Page.of(page, PAGE, negatives.count(group_id, search=search))
    rows = negatives.rows(
        group_id, search=search, question=question, order=NegativeOrder(order), limit=PAGE, offset=place.first
    )
    return prompt_rows.prompts_html(rows, place, searched=search.strip(), show_group=group is None), place.number


def add(studio: Studio, group_id: int, text: str) -> str:
    """Add prompts that were typed or pasted, one a line; what is there already is told."""
    texts = pasted(text)
    if not texts:
        raise StoreError("no prompt was typed; type one, or paste several, one a line")
    added = studio.store.negatives.add(group_id, texts)
    return _added_html(added.count, added.doubles)


def accept(studio: Studio, group_id: int, proposed: Sequence[TextProposal], picked: Sequence[int]) -> str:
    """Add those proposed prompts that were ticked."""
    texts = [proposed[number].text for number in picked if 0 <= number < len(proposed)]
    if not texts:
        raise StoreError("none of the proposed prompts is ticked; tick those that you want, or discard them")
    added = studio.store.negatives.add(group_id, texts)
    return _added_html(added.count, added.doubles)


def measure(studio: Studio, group_id: int | None, question: Asked) -> str:
    """Measure how close the prompts of a group, or all, come to the labels, and keep it."""
    texts = list(dict.fromkeys(row.text for row in studio.store.negatives.rows(group_id)))
    if not texts:
        raise StoreError("there are no prompts to measure; add some first")
    rated = studio.advisor.text_similarity(texts, question.every, backbone=question.backbone)
    kept = studio.store.ratings.ask(question.every, question.backbone, question.source)
    ratings = {one.text: Rating(one.cosine, one.nearest, one.too_close) for one in rated.texts}
    studio.store.ratings.keep_texts(kept.id, ratings)
    close = sum(one.too_close for one in rated.texts)
    text = f"{counted(len(texts), 'prompt')} measured against {counted(len(question.every), 'label')}. "
    if close:
        text += f"{close} {'comes' if close == 1 else 'come'} too close to a label; sort by the closest to see them."
    else:
        text += "None comes too close to a label."
    if rated.limit is not None:
        text += f" The labels' own closeness is {rated.limit:.2f}."
    unknown = [one.text for one in rated.texts if one.unknown]
    strange = f"words in these, which it cannot judge: {_listed(unknown)}" if unknown else ""
    return notice("warning" if close else "success", text) + notice("info", strange, "The backbone does not know all")


def suggest(
    studio: Studio, question: Asked, count: int, language_model: str | None, have: int | None
) -> tuple[list[TextProposal], str]:
    """Proposed prompts that the group does not have yet, and a message."""
    found = studio.advisor.suggest(
        question.every,
        backbone=question.backbone,
        count=count,
        kind=ProposalKind.NEGATIVE,
        language_model=language_model,
    )
    there = {label_key(row.text) for row in studio.store.negatives.rows(have)}
    fresh = [one for one in found if label_key(one.text) not in there]
    left = len(found) - len(fresh)
    text = f"{counted(left, 'proposal')} left out: in the group already." if left else ""
    if not fresh:
        text = text or "Nothing is left to propose: every text shares a word with a label."
    return fresh, notice("info", text)


def put_file(studio: Studio, path: str) -> str:
    """Take over a CSV file: its good lines go in, all faults are told by line."""
    file = Path(path)
    try:
        if file.stat().st_size > _MAX_FILE_BYTES:
            raise StoreError(f"'{file.name}' is larger than {_MAX_FILE_BYTES >> 20} MB; split it")
        content = file.read_bytes()
    except OSError as exc:
        raise StoreError(f"'{file.name}' cannot be read ({exc.strerror or exc}); choose it again") from exc
    read = read_prompts(content)
    done = studio.store.negatives.put(read.entries)
    parts = [counted(done.added, "prompt") + " added"]
    if done.switched:
        parts.append(f"{done.switched:,} switched on or off as the file says")
    if done.same:
        parts.append(f"{done.same:,} there already")
    good = notice("success" if read.entries else "info", "; ".join(parts) + ".", file.name)
    left_out = f"{counted(len(read.faults), 'line')} of {file.name} left out:"
    return good + lasting(notices("warning", read.faults, left_out))


def export(studio: Studio) -> str:
    """A link to all prompts as a file."""
    rows = studio.store.negatives.rows()
    return prompt_rows.export_html(write_prompts(rows), len(rows))


def _added_html(count: int, doubles: Sequence[str]) -> str:
    good = notice("success", f"{counted(count, 'prompt')} added.") if count else ""
    there = f"{counted(len(doubles), 'prompt')} left out, in the group already or given twice: {_listed(doubles)}"
    return good + (notice("info", there) if doubles else "")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _TOLD} more" if len(names) > _TOLD else ""
    return ", ".join(f"“{name}”" for name in names[:_TOLD]) + more
