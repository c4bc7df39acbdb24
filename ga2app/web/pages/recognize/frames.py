"""A clip's sampled frames: the pictures, each one's best label alone, and the best labels' shares over the frames.

Plain CLIP and every bundle have a track of their own under the same pictures; a switch says whose is shown. The
switch is a group of radio buttons and the style sheet: no request is made.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from PIL import Image

from ga2app.types import NONE_OF_THESE, Answer, Curve, RecognizedClip
from ga2app.web.components.markup import escape, percent
from ga2app.web.pages.recognize.asking import Speakers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FRAME_PX = 128
_HUES = 6
"""Colors that tell labels apart; the style sheet names them hue-0 … hue-5."""

_SEEN = 0.01
"""A curve that stays below this share is not drawn: it lies on the ground."""

_WIDTH, _HEIGHT = 1000, 100
"""Units of the chart's own coordinates; the page scales them."""


def frame_strip(clip: RecognizedClip, speakers: Speakers, number: int = 0) -> str:
    """The sampled frames in a row with a track a speaker; ``number`` tells clips of a page apart."""
    if not clip.thumbnails:
        return ""
    count = len(clip.thumbnails)
    numbers = [moment.index for moment in clip.timeline] or list(range(count))
    pictures = "".join(
        f'<img src="{jpeg(frame)}" alt="frame {index}" title="frame {index}" loading="lazy">'
        for frame, index in zip(clip.thumbnails, numbers, strict=False)
    )
    hues = _hues(clip.answers)
    shown = min(1, len(clip.answers) - 1)
    tracks = "".join(
        f'<div class="voice" data-voice="{place}">{_moments(answer, hues)}{_chart(answer.curves, hues)}</div>'
        for place, answer in enumerate(clip.answers)
    )
    return (
        f'<figure class="strip" style="--frames:{count}"><div class="reel" tabindex="0" aria-label="sampled frames">'
        f'<div class="pictures">{pictures}</div>{tracks}</div>'
        f"{_caption(count, speakers, number, shown)}</figure>"
    )


def jpeg(frame: NDArray[np.uint8], side_px: int = _FRAME_PX) -> str:
    """A small picture as the address of itself."""
    picture = Image.fromarray(frame).convert("RGB")
    picture.thumbnail((side_px, side_px))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=82)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _caption(count: int, speakers: Speakers, number: int, shown: int) -> str:
    """What the strip shows, with the switch between speakers where there are several."""
    text = f"Top label and probabilities per frame ({count} frame{'' if count == 1 else 's'}), "
    if len(speakers.names) == 1:
        return f"<figcaption>{text}{escape(speakers.names[0])}</figcaption>"
    choices = "".join(
        f'<label><input type="radio" name="voice-{number}" value="{place}"{" checked" if place == shown else ""}>'
        f"<span>{escape(name)}</span></label>"
        for place, name in enumerate(speakers.names)
    )
    return f'<figcaption><fieldset class="voices"><legend>{text}</legend>{choices}</fieldset></figcaption>'


def _hues(answers: Sequence[Answer]) -> dict[str, str]:
    """A color class for each label of the strip: the same for all speakers."""
    labels = [curve.label for answer in answers for curve in answer.curves[:1]]
    labels += [moment.label for answer in answers for moment in answer.timeline]
    labels += [curve.label for answer in answers for curve in answer.curves]
    named = [label for label in dict.fromkeys(labels) if label != NONE_OF_THESE]
    return {NONE_OF_THESE: "hue-none"} | {label: f"hue-{place % _HUES}" for place, label in enumerate(named)}


def _moments(answer: Answer, hues: dict[str, str]) -> str:
    """The best label of each frame, equal neighbors joined."""
    segments = []
    for label, group in groupby(answer.timeline, key=lambda moment: moment.label):
        moments = list(group)
        mean = sum(moment.score for moment in moments) / len(moments)
        where = f"frames {moments[0].index} to {moments[-1].index}" if len(moments) > 1 else f"frame {moments[0].index}"
        text = f"{label}, {percent(mean)}, {where}"
        segments.append(
            f'<li class="{hues[label]}" style="flex:{len(moments)}" title="{escape(text)}">'
            f"<span>{escape(label)}</span></li>"
        )
    return f'<ol class="moments">{"".join(segments)}</ol>'


def _chart(curves: Sequence[Curve], hues: dict[str, str]) -> str:
    """The curves under the pictures: each point in the middle of its frame, the top of the chart is 100 %."""
    seen = [curve for curve in curves if max(curve.shares) >= _SEEN] or list(curves[:1])
    if not seen:
        return ""
    paths = "".join(
        f'<path class="{hues[curve.label]}" d="{_path(curve.shares)}"><title>{escape(curve.label)}</title></path>'
        for curve in reversed(seen)
    )
    keys = "".join(
        f'<li class="{hues[curve.label]}"><span class="swatch"></span>{escape(curve.label)} <i>{_span(curve)}</i></li>'
        for curve in seen
    )
    spoken = "; ".join(f"{curve.label} {_span(curve)}" for curve in seen)
    return (
        f'<svg class="shares" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="Shares over the frames: {escape(spoken)}">'
        f'<path class="grid" d="M0,0 H{_WIDTH} M0,{_HEIGHT / 2} H{_WIDTH} M0,{_HEIGHT} H{_WIDTH}"/>{paths}</svg>'
        f'<ul class="keys">{keys}</ul>'
    )


def _span(curve: Curve) -> str:
    """The lowest and the highest share, once where they look the same."""
    low, high = percent(min(curve.shares)), percent(max(curve.shares))
    return low if low == high else f"{low} to {high}"


def _path(shares: Sequence[float]) -> str:
    """A curve through ``shares``; one point alone becomes a short line, so that it is seen."""
    step = _WIDTH / len(shares)
    points = [f"{(place + 0.5) * step:.0f},{_HEIGHT * (1 - share):.1f}" for place, share in enumerate(shares)]
    if len(points) == 1:
        return f"M{points[0]} h{_WIDTH / 10:.0f}"
    return f"M{' L'.join(points)}"
