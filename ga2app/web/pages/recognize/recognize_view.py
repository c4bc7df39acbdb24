"""What Recognize shows of an answer: clips in full, their frames over time, the table, accuracies, and reasons."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from markupsafe import Markup

from ga2app.services.explanations import Question
from ga2app.services.recognition_service import Results
from ga2app.services.true_labels import counted, divisions, grade
from ga2app.services.uploads import base_name
from ga2app.types import NONE_OF_THESE, Answer, Curve, RecognizedClip
from ga2app.untrusted import csv_text
from ga2app.web.components import markup
from ga2app.web.components.markup import percent, render

if TYPE_CHECKING:
    from ga2app.inference.explanations import ClipExplanation, TokenWords

BLOCKS = 8
"""Clips shown in full at once; the table has them all."""

_HUES = 6
"""Colors that tell labels apart; the style sheet names them hue-0 … hue-5."""
_SEEN = 0.01
"""A curve that stays below this probability is not drawn: it lies on the ground."""
_WIDTH, _HEIGHT = 1000, 100
"""Units of the chart's own coordinates; the page scales them."""
_MOST_FAULTS = 20
_MEANINGS = {
    "word": "this word",
    "blend": "no single word: a random blend of all words comes as near",
    "noise": "nothing: a random token comes as near",
}


def notices(tone: str, texts: Sequence[str], title: str = "") -> Markup:
    return Markup(markup.notices(tone, list(texts), title))


def blocks_html(results: Results, page: int = 0, reasons: Mapping[int, str] | None = None) -> str:
    """The clips of one page in full, each with what was found out about why, which is HTML already."""
    count = len(results.clips)
    page = min(page, max(0, (count - 1) // BLOCKS))
    last = min(count, (page + 1) * BLOCKS)
    address = results.pictures.address if results.pictures else str
    blocks = [
        SimpleNamespace(
            number=number,
            clip=results.clips[number],
            title=results.titles[number],
            strip=frame_strip(results.clips[number], results.classifiers, number, address),
            reason=Markup((reasons or {}).get(number, "")),
        )
        for number in range(page * BLOCKS, last)
    ]
    return render("clip_blocks.html", results=results, blocks=blocks, page=page, shown=BLOCKS, count=count, last=last)


def frame_strip(
    clip: RecognizedClip, classifiers: Sequence[str], number: int = 0, address: Callable[[str], str] = str
) -> str:
    """The sampled frames in a row with a track for each classifier; ``number`` tells clips of a page apart.

    ``address`` is from the file of a picture to its address.
    """
    if not clip.pictures:
        return Markup()
    hues = _hues(clip.answers)
    return render(
        "frame_strip.html",
        clip=clip,
        classifiers=classifiers,
        number=number,
        address=address,
        numbers=[moment.index for moment in clip.timeline] or range(len(clip.pictures)),
        tracks=[
            SimpleNamespace(moments=_moments(answer, hues), curves=_curves(answer.curves, hues))
            for answer in clip.answers
        ],
        width=_WIDTH,
        height=_HEIGHT,
    )


def _hues(answers: Sequence[Answer]) -> dict[str, str]:
    """A color class for each label of the strip: the same for all classifiers."""
    labels = [curve.label for answer in answers for curve in answer.curves[:1]]
    labels += [moment.label for answer in answers for moment in answer.timeline]
    labels += [curve.label for answer in answers for curve in answer.curves]
    named = [label for label in dict.fromkeys(labels) if label != NONE_OF_THESE]
    return {NONE_OF_THESE: "hue-none"} | {label: f"hue-{place % _HUES}" for place, label in enumerate(named)}


def _moments(answer: Answer, hues: Mapping[str, str]) -> list[SimpleNamespace]:
    """The best label of each frame, equal neighbors joined."""
    joined = []
    for label, group in groupby(answer.timeline, key=lambda moment: moment.label):
        moments = list(group)
        mean = sum(moment.score for moment in moments) / len(moments)
        where = f"frames {moments[0].index} to {moments[-1].index}" if len(moments) > 1 else f"frame {moments[0].index}"
        title = f"{label}, {percent(mean)}, {where}"
        joined.append(SimpleNamespace(label=label, hue=hues[label], frames=len(moments), title=title))
    return joined


def _curves(curves: Sequence[Curve], hues: Mapping[str, str]) -> list[SimpleNamespace]:
    """The curves under the pictures: each point in the middle of its frame, the top of the chart is 100%."""
    drawn = []
    for curve in [curve for curve in curves if max(curve.probabilities) >= _SEEN] or curves[:1]:
        low, high = percent(min(curve.probabilities)), percent(max(curve.probabilities))
        step = _WIDTH / len(curve.probabilities)
        points = [
            f"{(place + 0.5) * step:.0f},{_HEIGHT * (1 - probability):.1f}"
            for place, probability in enumerate(curve.probabilities)
        ]
        # One point alone becomes a short line, so that it is seen.
        path = f"M{' L'.join(points)}" if len(points) > 1 else f"M{points[0]} h{_WIDTH / 10:.0f}"
        span = low if low == high else f"{low} to {high}"
        drawn.append(SimpleNamespace(label=curve.label, hue=hues[curve.label], span=span, path=path))
    return drawn


def overview_html(
    results: Results,
    truth: Mapping[int, str] | None = None,
    asked: Mapping[int, Sequence[str]] | None = None,
    growing: bool = False,
) -> str:
    """Notes, and a table where there are several clips, with a box for each clip's true label.

    ``asked`` holds the labels between which a clip is undecided. What is typed while the answer is ``growing`` would be
    lost, so the boxes wait.
    """
    if len(results.clips) < 2 and not results.recognition.notes:
        return Markup()
    return render(
        "clip_table.html",
        results=results,
        notes=notices("warning", results.recognition.notes, "Before you trust this:"),
        several=len(results.clips) > 1,
        truth=truth or {},
        asked=asked or {},
        growing=growing,
    )


def grades_html(results: Results, truth: Mapping[int, str], faults: Sequence[str] = ()) -> str:
    """The CSV of several clips, and accuracies beside zero-shot CLIP; these only once a true label is known."""
    given = [label for label in truth.values() if label.strip()]
    if len(results.clips) < 2 and not (given or faults):
        return Markup()
    used = counted(results, truth)
    notes = notices("warning", faults[:_MOST_FAULTS], "Not every line could be used:")
    if given and not used:
        lost = "none of the true labels is among the labels above; a clip counts only if its true label could be chosen"
        notes += notices("warning", [lost])
    rows = [
        (results.classifiers[place], grade(results, truth, place, base))
        for base, places in divisions(results)
        for place in places
        if used
    ]
    return render(
        "grades.html",
        results=results,
        csv=quote(answer_csv(results, truth)) if len(results.clips) > 1 else "",
        notes=notes,
        rows=rows,
        none=results.asked_for_none,
        given=len(given),
        used=len(used),
    )


def answer_csv(results: Results, truth: Mapping[int, str] | None = None) -> str:
    """One row a clip: what zero-shot CLIP and each bundle predict, with their probabilities, or the clip's error."""
    bundles = ["bundle", *(f"bundle_{number}" for number in range(2, len(results.bundles) + 1))]
    heads = ["file", "backbone", "plain_label", "plain_score", "plain_none_of_these"]
    for name in bundles:
        heads += [f"{name}_label", f"{name}_score", f"{name}_label_kind", f"{name}_none_of_these", f"{name}_name"]
    rows = [[*heads, "true_label", "error", "clip"]]
    titles = results.bundles or ("",)
    for number, clip in enumerate(results.clips):
        label, score, _, none = _columns(clip.answers[0] if clip.answers else None)
        row = [base_name(clip.file), results.recognition.backbone, label, score, none]
        for place, title in enumerate(titles, start=1):
            answer = clip.answers[place] if place < len(clip.answers) else None
            row += [*_columns(answer), title if answer else ""]
        rows.append([*row, (truth or {}).get(number, ""), clip.error or "", f"#{number + 1}"])
    return csv_text(rows)


def _columns(answer: Answer | None) -> tuple[str, str, str, str]:
    """Best label, its probability, its kind, and whether the clip is none of these: empty where not asked."""
    best = answer.best if answer else None
    if answer is None or best is None:
        return "", "", "", ""
    none = "" if answer.verdict is None else ("yes" if answer.none else "no")
    return best.label, f"{best.score:.6f}", best.kind.value, none


def reasons_html(
    asked: Question,
    backbone: str,
    found: ClipExplanation | None = None,
    *,
    message: str = "",
    titles: Sequence[str] = (),
    labels: Sequence[str] = (),
    overlays: Sequence[Sequence[str]] = (),
    tokens: Sequence[TokenWords] | None = None,
    reading: bool = False,
) -> str:
    """Why a clip got its label; ``message`` is HTML that stands there while nothing is found, or instead.

    ``titles`` are those of the classifiers in ``found``, ``overlays`` the addresses of their pictures, ``labels`` what
    else may be asked about, ``tokens`` those of the bundle, which are still being read while ``reading``.
    """
    ranges, strongest = [], []
    for one in found.models().values() if found else ():
        ranges.append(max((abs(frame.contribution) for frame in one.frames), default=0.0) or 1.0)
        best = sorted(enumerate(one.frames, start=1), key=lambda frame: -frame[1].contribution)[:2]
        strongest.append(sorted(number for number, frame in best if frame.contribution > 0))
    given: dict[str, Any] = {"titles": titles, "labels": labels, "overlays": overlays, "tokens": tokens}
    given |= {"asked": asked, "backbone": backbone, "found": found, "message": Markup(message), "reading": reading}
    given |= {"notes": notices("warning", found.notes if found else ()), "ranges": ranges, "strongest": strongest}
    return render("reasons.html", **given, meanings=_MEANINGS)
