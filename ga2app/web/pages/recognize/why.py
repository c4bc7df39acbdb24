"""Asking why: the reasons behind an answer that is on the page."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ga2app.errors import StudioError
from ga2app.labels import check_labels
from ga2app.services.studio import Studio
from ga2app.types import AnchorClip
from ga2app.web.pages.recognize.asking import Told
from ga2app.web.pages.recognize.reasons import failed_html, reasons_html, tokens_html, waiting_html
from ga2app.web.pages.recognize.shown import UNEXPECTED, Shown

log = logging.getLogger(__name__)

MOST_ANCHORS = 16
"""Anchor clips that a clip is held against: each has to be looked at."""

MOST_NEGATIVES = 200


@dataclass(frozen=True)
class Question:
    """Which clip, by number, whose answer, by its place beside the others, and which label."""

    clip: int
    voice: int
    label: str


def question(told: Told, asked: Mapping[str, Any]) -> Question | None:
    """What was clicked, checked; None for what is not on the page. Without a label it is the speaker's best."""
    clip, voice, label = asked.get("why"), asked.get("voice"), asked.get("label")
    if not isinstance(clip, int) or not isinstance(voice, int) or not 0 <= clip < len(told.clips):
        return None
    answers = told.clips[clip].answers
    if not 0 <= voice < len(answers):
        return None
    best = answers[voice].best
    names = check_labels(told.labels)[0]
    chosen = label if label in names else best.label if best else ""
    return Question(clip, voice, str(chosen)) if chosen else None


def asking_why(studio: Studio, shown: Shown, asked: Question) -> Iterator[Shown]:
    """The page with the reasons coming in: first those in the clip, then the words of the bundle's tokens.

    Plain CLIP is explained alone where its own answer was asked about, else beside the bundle.
    """
    told = shown.told
    assert told is not None
    where, backbone = (asked.clip, asked.voice), told.speakers.backbone
    card = told.cards[asked.voice - 1] if asked.voice else None
    titles = ["Plain CLIP", *([told.speakers.bundles[asked.voice - 1]] if card else [])]
    names, _ = check_labels(told.labels)

    def put(html: str) -> Shown:
        return replace(shown, reasons={**shown.reasons, asked.clip: html})

    yield put(waiting_html(where, asked.label, backbone, "Looking which frames and which parts moved the score…"))
    try:
        found = studio.explainer.explain(
            told.paths[asked.clip],
            names,
            asked.label,
            backbone=told.recognition.backbone,
            bundle=card.folder if card else None,
            anchors=anchors_at_hand(studio),
            negatives=studio.store.negatives.texts()[:MOST_NEGATIVES],
            template=told.templates,
        )
        if card is None:
            yield put(reasons_html(found, titles, backbone, where, names))
            return
        waiting = '<p class="legend">Reading the bundle\'s tokens…</p>'
        yield put(reasons_html(found, titles, backbone, where, names, waiting))
        tokens = studio.explainer.read_tokens(backbone=told.recognition.backbone, bundle=card.folder)
        yield put(reasons_html(found, titles, backbone, where, names, tokens_html(tokens, titles[-1])))
    except StudioError as exc:
        yield put(failed_html(where, asked.label, backbone, str(exc)))
    except Exception:
        log.exception("explaining failed")
        yield put(failed_html(where, asked.label, backbone, UNEXPECTED))


def anchors_at_hand(studio: Studio) -> list[AnchorClip]:
    """Anchor clips that are switched on and still there, a few of each set in turn."""
    sets = [[clip for clip in studio.store.anchors.clips(name)] for name in studio.store.anchors.names()]
    sets = [clips for clips in sets if clips]
    turns = [clips[turn] for turn in range(max(map(len, sets), default=0)) for clips in sets if turn < len(clips)]
    found: list[AnchorClip] = []
    for clip in turns:
        if Path(clip.path).is_file():
            found.append(clip)
        if len(found) == MOST_ANCHORS:
            break
    return found
