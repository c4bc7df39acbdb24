"""What the page of reviews shows, drawn from its templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from ga2app.errors import ClipError, DatasetError
from ga2app.labels import label_key
from ga2app.services.clip_inspector import picture_of, preview_of
from ga2app.services.dataset_looks import Looking
from ga2app.services.near_copies import CopyPair
from ga2app.services.recognition_service import ZERO_SHOT
from ga2app.services.review_service import Ranked
from ga2app.services.studio import Studio
from ga2app.store.clip_pages import ClipRow
from ga2app.store.clip_reviews import WaitingClip
from ga2app.stretches import shown_address
from ga2app.types import LabelKind, Subset
from ga2app.types.dataset_types import ORDERS, Order, Reviewed
from ga2app.web.components.markup import count_of, empty, kind_mark, notice, render, shortened

MOST_CHOICES = 9
"""Answers that number keys choose."""
LISTED = 60
COPIES, WAITING = "copies", "waiting"


@dataclass(frozen=True)
class View:
    """What the address names: a data set, a bundle, an order; words, or a clip whose like is looked for; one clip; or
    a list of its own, ``show``. ``looking``: the page follows a look in the background.
    """

    dataset_id: int | None = None
    bundle: str = ""
    order: str = Order.UNCERTAIN.value
    find: str = ""
    like: int | None = None
    clip: int | None = None
    show: str = ""
    looking: bool = False

    def link(self, **changes: Any) -> str:
        """The address of another view of the same data set and bundle."""
        to = View(self.dataset_id, self.bundle, changes.pop("order", Order.UNCERTAIN.value), **changes)
        said = {"id": to.dataset_id, "bundle": to.bundle, "order": to.order, "find": to.find, "like": to.like}
        said |= {"clip": to.clip, "show": to.show}
        return f"./review?{urlencode({name: value for name, value in said.items() if value})}"


def head_html(studio: Studio, view: View, unseen: int, state: Looking) -> str:
    """The choices, the search, how far it is, and the way to the other lists."""
    rows = studio.datasets.all()
    row = next((row for row in rows if row.id == view.dataset_id), None)
    counts = studio.review.counts(row.id) if row else {}
    told = f"{counts[Reviewed.CONFIRMED]:,} confirmed, {counts[Reviewed.CORRECTED]:,} corrected, " if row else ""
    told += f"{counts[Reviewed.SKIPPED]:,} skipped of {count_of(row.clips, 'clip')}" if row else ""
    looking = render(
        "review_looking.html",
        state=state,
        unseen=unseen,
        faults=[shortened(one) for one in [*state.faults.values()][:20]],
        fault=Markup(notice("error", state.error)),
        count_of=count_of,
    )
    return render(
        "review_head.html",
        sets=rows,
        row=row,
        view=view,
        bundles=studio.bundle_choices(),
        orders={order.value: title for order, title in ORDERS.items()},
        link=view.link,
        waiting=len(studio.waiting.all()),
        counts=told,
        looking=looking if row else "",
        count_of=count_of,
    )


def stage_html(studio: Studio, view: View, one: Ranked, left: str) -> str:
    """One clip of the data set."""
    clip = one.clip
    facts = clip.facts
    length = f" · {facts.seconds:.1f} s" if facts and facts.seconds else ""
    return _stage(
        studio,
        clip,
        one.answers,
        id=clip.id,
        label=clip.label,
        mark=Markup(kind_mark(clip.kind)),
        facts=f"{clip.subset.value}{length}",
        left=left,
        why=one.why,
        suspected=one.suspected,
        labels=[label.name for label in studio.store.clips.labels(clip.dataset_id)],
        similar=view.link(like=clip.id),
    )


def waiting_html(studio: Studio, view: View, one: WaitingClip, left: str) -> str:
    """One clip that waits to join a data set."""
    clip = ClipRow(0, 0, "", LabelKind.NOVEL, one.path, Subset.TRAIN, None)
    row = studio.datasets.summary(view.dataset_id)
    why = f"the best label is {one.certainty:.1%} ahead of the second"
    labels = [*row.base, *row.novel]
    told: dict[str, Any] = {"id": one.id, "left": left, "why": why, "labels": labels, "joins": row.name}
    return _stage(studio, clip, one.answers, waiting=True, **told)


def _stage(studio: Studio, clip: ClipRow, answers: Mapping[str, Sequence[tuple[str, float]]], **told: Any) -> str:
    video, fault = "", ""
    try:
        video = studio.files.address(preview_of(studio, clip))
    except (ClipError, DatasetError) as exc:
        fault = Markup(notice("error", str(exc)))
    last, suspected = studio.datasets.last_edit(), told.pop("suspected", "")
    usual: dict[str, Any] = {"waiting": False, "label": "", "mark": "", "facts": "", "similar": "", "joins": ""}
    return render(
        "review_stage.html",
        file=shown_address(clip.path),
        video=video,
        fault=fault,
        choices=_choices(answers, clip.label, suspected),
        undo=shortened(last.offer) if last else "",
        **usual | told,
    )


def _choices(answers: Mapping[str, Sequence[tuple[str, float]]], own: str, suspected: str) -> list[dict[str, Any]]:
    """The best answers of all classifiers, each once, those of the bundle first; the suspected label before all."""
    shares: dict[str, list[tuple[str, float]]] = {suspected: []} if suspected else {}
    for title, best in reversed([*answers.items()]):
        for label, share in best:
            shares.setdefault(label, []).append(("zero-shot" if title == ZERO_SHOT else "bundle", share))
    return [
        {
            "label": label,
            "shares": told,
            "own": label_key(label) == label_key(own),
            "suspected": bool(suspected) and label == suspected,
        }
        for label, told in [*shares.items()][:MOST_CHOICES]
    ]


def list_html(studio: Studio, view: View, title: str, found: Sequence[Ranked], about: str = "") -> str:
    """Clips as cards; their pictures are made in the background where they are lacking."""
    studio.datasets.pictures.ask(one.clip for one in found)
    cards = [
        _card(studio, view, one.clip)
        | {"why": one.why, "suspected": one.suspected, "similar": view.link(like=one.clip.id)}
        for one in found
    ]
    nothing = "" if found else Markup(notice("info", "No clip is in this list."))
    return render("review_list.html", title=title, about=about, clips=cards, pairs=(), nothing=nothing)


def pairs_html(studio: Studio, view: View, found: Sequence[CopyPair], about: str) -> str:
    """Pairs of clips that show the same."""
    studio.datasets.pictures.ask(clip for pair in found[:LISTED] for clip in (pair.first, pair.second))
    cards = [
        {
            "first": _card(studio, view, pair.first),
            "second": _card(studio, view, pair.second),
            "why": pair.why,
            "warning": pair.warning,
        }
        for pair in found[:LISTED]
    ]
    nothing = "" if found else Markup(notice("success", "No two clips show the same."))
    title = f"Near-copies: {count_of(len(found), 'pair')}" if found else "Near-copies"
    return render("review_list.html", title=title, about=about, clips=(), pairs=cards, nothing=nothing)


def _card(studio: Studio, view: View, clip: ClipRow) -> dict[str, Any]:
    picture = picture_of(studio, clip)
    return {
        "id": clip.id,
        "name": shown_address(clip.path),
        "label": clip.label,
        "subset": clip.subset.value,
        "picture": studio.files.address(picture) if picture else "",
        "link": view.link(clip=clip.id, order=view.order),
    }


def nothing_html(view: View, unseen: int) -> str:
    """The stage without a clip."""
    if view.show == WAITING:
        return empty("No clip waits", "Recognize clips, then press 'Review and add to a data set'.")
    if unseen:
        return empty("Nothing to review yet", "Press 'Look at them' above: CLIP sees every clip once.")
    return empty(
        "All done", "Every clip of this list was confirmed or corrected. Choose another order, or train again."
    )
