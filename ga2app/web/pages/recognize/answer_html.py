"""The answer for each clip as HTML: who says what in bars side by side, the frames over time, and why."""

from __future__ import annotations

from collections.abc import Mapping

from ga2app.types import Answer, LabelKind, RecognizedClip, Score
from ga2app.web.components.markup import escape, kind_mark, notices, percent
from ga2app.web.pages.recognize.asking import Speakers, Told
from ga2app.web.pages.recognize.frames import frame_strip
from ga2app.web.pages.recognize.table import file_name

BLOCKS = 8
"""Clips shown in full at once; the table has them all."""

_MARKS_HELP = (
    '<p class="legend marks"><span><span class="kind base">base</span>the bundle was trained on this label</span>'
    '<span><span class="kind novel">novel</span>not seen in training; accuracy here should not drop</span></p>'
)


def blocks_html(told: Told, page: int = 0, reasons: Mapping[int, str] | None = None) -> str:
    """The clips of one page in full, each with what was found out about why."""
    count = len(told.clips)
    page = min(page, max(0, (count - 1) // BLOCKS))
    first = page * BLOCKS
    legend = _MARKS_HELP if told.speakers.bundles else ""
    blocks = "".join(
        clip_html(told.clips[place], told.speakers, place, (reasons or {}).get(place, ""), told.titles[place])
        for place in range(first, min(first + BLOCKS, count))
    )
    return f'<div class="answer">{legend}{blocks}{_pager(page, count)}</div>'


def clip_html(
    clip: RecognizedClip, speakers: Speakers, number: int = 0, reason: str = "", title: str | None = None
) -> str:
    """One clip's block: its error, or its frames, all answers side by side, and why."""
    head = (
        f'<header><h3 id="clip-{number}">{escape(title or file_name(clip.file))}</h3>'
        f'<span class="speaker">{escape(speakers.backbone)}</span></header>'
    )
    if clip.error is not None:
        return f'<article class="clip">{head}{notices("error", [clip.error])}</article>'
    marked = len(clip.bundles) == 1
    sides = "".join(
        _side(name, answer, (number, place), marked=marked or place > 0)
        for place, (name, answer) in enumerate(zip(speakers.names, clip.answers, strict=True))
    )
    columns = ("one", "two", "three", "four")[len(clip.answers) - 1]
    return (
        f'<article class="clip" aria-labelledby="clip-{number}">{head}{frame_strip(clip, speakers, number)}'
        f'<div class="versus {columns}">{sides}</div>{reason}</article>'
    )


def _side(title: str, answer: Answer, where: tuple[int, int], *, marked: bool) -> str:
    clip, place = where
    tone = "tuned" if answer.bundle is not None else "plain"
    labels = [score for score in answer.scores if score.kind is not LabelKind.NEGATIVE]
    best = answer.best
    winner = None if answer.none else best
    rows = "".join(_bar(score, answer, best=_wins(score, answer, winner), marked=marked) for score in answer.scores)
    why = (
        f'<button type="button" class="why-button" data-why="{clip}" data-voice="{place}" '
        f'aria-label="Why does {escape(title)} say {escape(labels[0].label)}?">Why?</button>'
        if labels
        else ""
    )
    rejected = " rejected" if answer.none else ""
    return (
        f'<section class="side {tone}{rejected}"><h4>{escape(title)}</h4>{_verdict(answer)}'
        f'<ol class="bars">{rows}</ol>{why}</section>'
    )


def _wins(score: Score, answer: Answer, winner: Score | None) -> bool:
    return score is winner or (answer.none and score.kind is LabelKind.NEGATIVE)


def _verdict(answer: Answer) -> str:
    """Whether the clip is none of these, and what that hangs on, in words."""
    verdict = answer.verdict
    if verdict is None:
        return ""
    negative = f"“{escape(verdict.negative)}”"
    share = f"the best label has {percent(verdict.reached)} of the {verdict.threshold:.0%} asked for"
    if not verdict.none:
        ahead = f"the best label is nearer than {negative}" if not verdict.wins else share
        return f'<p class="verdict">One of these: {ahead}.</p>'
    why = f"{negative} is nearer" if verdict.wins else share
    return f'<p class="verdict none"><strong>None of these</strong>: {why}.</p>'


def _bar(score: Score, answer: Answer, *, best: bool, marked: bool) -> str:
    negative = score.kind is LabelKind.NEGATIVE
    mark = kind_mark(score.kind) if marked and not negative else ""
    if not score.understood:
        why = "not ranked: the backbone knows none of its words"
        return (
            f'<li class="unranked"><span class="name" title="{escape(score.label)}: {why}">{escape(score.label)}</span>'
            f'{mark}<span class="share" title="{why}">not ranked</span></li>'
        )
    share = percent(score.score)
    width = max(0.0, min(1.0, score.score)) * 100
    title = score.label
    if negative and answer.verdict is not None:
        title = f"{score.label}: the nearest negative prompt is “{answer.verdict.negative}”"
    css = " ".join(filter(None, ("best" if best else "", "negative" if negative else "")))
    return (
        f'<li class="{css}"><span class="name" title="{escape(title)}">{escape(score.label)}'
        f'</span>{mark}<span class="share">{share}</span>'
        f'<span class="track" role="img" aria-label="{escape(score.label)}: {share}">'
        f'<span class="fill" style="width:{width:.1f}%"></span></span></li>'
    )


def _pager(page: int, count: int) -> str:
    """Buttons to the clips before and after those of ``page``."""
    if count <= BLOCKS:
        return ""
    last = min(count, (page + 1) * BLOCKS)
    before, after = (
        f'<button type="button" data-page="{to}"{"" if there else " disabled"}>{text}</button>'
        for to, there, text in ((page - 1, page > 0, "Earlier clips"), (page + 1, last < count, "Later clips"))
    )
    return (
        f'<nav class="pager" aria-label="Clips">{before}<span>{page * BLOCKS + 1}–{last} of {count}</span>{after}</nav>'
    )
