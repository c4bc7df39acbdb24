"""The answer of a recognition as HTML: bars side by side, the frames over time, and a table of all clips."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath
from typing import TYPE_CHECKING
from urllib.parse import quote

from PIL import Image

from ga2app.contracts import LabelKind, Recognition, RecognizedClip, Score
from ga2app.ui.markup import escape, kind_mark, notices, percent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FRAME_PX = 128
_HUES = 6
"""Colors that tell labels of the frame strip apart; the style sheet names them hue-0 … hue-5."""

_MARKS_HELP = (
    '<p class="legend marks"><span><span class="kind base">base</span>the bundle was trained on this label</span>'
    '<span><span class="kind novel">novel</span>it never was: tuning must not unlearn it</span></p>'
)


@dataclass(frozen=True)
class Speakers:
    """Who answers: the backbone's title, and the bundle's name where one is used."""

    backbone: str
    bundle: str | None = None


def answer_html(answer: Recognition, speakers: Speakers) -> str:
    """The whole answer: notes, a table where there are several clips, and a block a clip."""
    notes = notices("warning", answer.notes, "Before you trust this:")
    legend = _MARKS_HELP if speakers.bundle else ""
    table = _table(answer, speakers) if len(answer.clips) > 1 else ""
    blocks = "".join(clip_html(clip, speakers) for clip in answer.clips)
    return f'<div class="answer">{notes}{table}{legend}{blocks}</div>'


def clip_html(clip: RecognizedClip, speakers: Speakers) -> str:
    """One clip's block: its error, or its frames and both answers."""
    name = escape(_file_name(clip.file))
    head = f'<header><h3>{name}</h3><span class="speaker">{escape(speakers.backbone)}</span></header>'
    if clip.error is not None:
        return f'<article class="clip">{head}{notices("error", [clip.error])}</article>'
    plain = _side("Plain CLIP", clip.plain, "plain", marked=clip.bundle is not None)
    tuned = _side(speakers.bundle or "Bundle", clip.bundle, "tuned", marked=True) if clip.bundle is not None else ""
    columns = "two" if tuned else "one"
    frames = frame_strip(clip, speakers)
    return f'<article class="clip">{head}{frames}<div class="versus {columns}">{plain}{tuned}</div></article>'


def _side(title: str, scores: Sequence[Score], tone: str, *, marked: bool) -> str:
    rows = "".join(_bar(score, best=rank == 0, marked=marked) for rank, score in enumerate(scores))
    return f'<section class="side {tone}"><h4>{escape(title)}</h4><ol class="bars">{rows}</ol></section>'


def _bar(score: Score, *, best: bool, marked: bool) -> str:
    mark = kind_mark(score.kind) if marked or score.kind is LabelKind.NEGATIVE else ""
    share = percent(score.score)
    width = max(0.0, min(1.0, score.score)) * 100
    return (
        f'<li class="{"best" if best else ""}"><span class="name" title="{escape(score.label)}">{escape(score.label)}'
        f'</span>{mark}<span class="share">{share}</span>'
        f'<span class="track" role="img" aria-label="{escape(score.label)}: {share}">'
        f'<span class="fill" style="width:{width:.1f}%"></span></span></li>'
    )


def frame_strip(clip: RecognizedClip, speakers: Speakers) -> str:
    """The sampled frames in a row, and under them the best label of each, equal neighbors joined."""
    if not clip.thumbnails:
        return ""
    numbers = [moment.index for moment in clip.timeline] or list(range(len(clip.thumbnails)))
    pictures = "".join(
        f'<img src="{_jpeg(frame)}" alt="frame {number}" title="frame {number}">'
        for frame, number in zip(clip.thumbnails, numbers, strict=False)
    )
    labels = list(dict.fromkeys(moment.label for moment in clip.timeline))
    segments = []
    for label, group in groupby(clip.timeline, key=lambda moment: moment.label):
        moments = list(group)
        mean = sum(moment.score for moment in moments) / len(moments)
        where = f"frames {moments[0].index} to {moments[-1].index}" if len(moments) > 1 else f"frame {moments[0].index}"
        text = f"{label}, {percent(mean)}, {where}"
        segments.append(
            f'<li class="hue-{labels.index(label) % _HUES}" style="flex:{len(moments)}" title="{escape(text)}">'
            f"<span>{escape(label)}</span></li>"
        )
    voice = speakers.bundle or "plain CLIP"
    count = len(clip.thumbnails)
    return (
        f'<figure class="strip" style="--frames:{count}"><div class="reel" tabindex="0" aria-label="sampled frames">'
        f'<div class="pictures">{pictures}</div><ol class="moments">{"".join(segments)}</ol></div>'
        f"<figcaption>{count} frame{'' if count == 1 else 's'}, each one's best label alone, "
        f"by {escape(voice)}</figcaption></figure>"
    )


def _jpeg(frame: NDArray[np.uint8]) -> str:
    picture = Image.fromarray(frame).convert("RGB")
    picture.thumbnail((_FRAME_PX, _FRAME_PX))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _table(answer: Recognition, speakers: Speakers) -> str:
    tuned = f"<th>{escape(speakers.bundle)}</th>" if speakers.bundle else ""
    rows = []
    for clip in answer.clips:
        name = f'<th scope="row">{escape(_file_name(clip.file))}</th>'
        if clip.error is not None:
            rows.append(f'<tr class="faulty">{name}<td colspan="2">could not be read: see below</td></tr>')
            continue
        cells = _cell(clip.plain, marked=False)
        if clip.bundle is not None:
            cells += _cell(clip.bundle, marked=True)
        rows.append(f"<tr>{name}{cells}</tr>")
    data = quote(answer_csv(answer))
    return (
        f'<section class="summary"><header><h3>{len(answer.clips)} clips</h3>'
        f'<a class="download" download="recognized.csv" href="data:text/csv;charset=utf-8,{data}">Download CSV</a>'
        f'</header><div class="scroll"><table><thead><tr><th>Clip</th><th>Plain CLIP</th>{tuned}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _cell(scores: Sequence[Score], *, marked: bool) -> str:
    if not scores:
        return "<td></td>"
    best = scores[0]
    mark = kind_mark(best.kind) if marked else ""
    return f'<td>{escape(best.label)} {mark}<span class="share">{percent(best.score)}</span></td>'


def answer_csv(answer: Recognition) -> str:
    """One row a clip: what plain CLIP and the bundle say, with their shares, or the clip's error."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(
        ["file", "backbone", "plain_label", "plain_score", "bundle_label", "bundle_score", "bundle_label_kind", "error"]
    )
    for clip in answer.clips:
        plain = [clip.plain[0].label, f"{clip.plain[0].score:.6f}"] if clip.plain else ["", ""]
        tuned = ["", "", ""]
        if clip.bundle:
            best = clip.bundle[0]
            tuned = [best.label, f"{best.score:.6f}", best.kind.value]
        writer.writerow([_file_name(clip.file), answer.backbone, *plain, *tuned, clip.error or ""])
    return stream.getvalue()


def _file_name(path: str) -> str:
    return PurePath(path).name
