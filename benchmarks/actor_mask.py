"""Which pixels of a drawn clip are the actor's: the truth against which an explanation can be held.

Notation: T frames, S their side in pixels.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ga2app.synthetic.appearance import CAMCORDER_STRENGTH, Camera, Look, Rgb, apply_style
from ga2app.synthetic.figure import Drawing, Shape, Subject
from ga2app.synthetic.world import draw_take, render

INK: Rgb = (255, 255, 255)
BLANK: Rgb = (0, 0, 0)


class Part(StrEnum):
    """``figure`` is the person alone, ``subject`` the person with everything that the action draws."""

    FIGURE = "figure"
    SUBJECT = "subject"


def actor_mask(
    subject: Subject,
    style: str,
    seed: int | tuple[int, ...],
    num_frames: int,
    size_px: int,
    strength: float = CAMCORDER_STRENGTH,
    part: Part = Part.SUBJECT,
) -> NDArray[np.float32]:
    """How much of each pixel is the actor's, 0 to 1: (T, S, S), for the clip that ``clip_frames`` draws from the same.

    Exact, whatever the colors: what changes between two drawings, one with a white and one with a black actor, is the
    actor, less what stands before it or lies under water. The camera moves the mask as it moves the picture; blur,
    light and noise, which move nothing, are left out. Raises ValueError for a style that does not exist.
    """
    look, camera, phases = draw_take(seed, num_frames, strength)
    inked, blank = (
        np.stack([render(_painted(subject, rgb, part), _tinted(look, rgb), phase, size_px) for phase in phases])
        for rgb in (INK, BLANK)
    )
    changed = inked - blank  # (T, S, S, 3), never negative: the drawings differ in these pixels alone
    # Of the styles the camcorder alone moves the picture; the reel of film ages it where it is.
    moved = apply_style(changed, "plain" if style == "film" else style, _steady(camera))
    return moved[..., 0].astype(np.float32) / np.float32(255)


def _tinted(look: Look, rgb: Rgb) -> Look:
    return replace(look, figure_rgb=rgb)


def _painted(subject: Subject, rgb: Rgb, part: Part) -> Subject:
    """The subject with every shape in one color; the figure itself takes the look's."""
    if part is Part.FIGURE:
        return subject

    def draw(phase: float) -> Drawing:
        drawing = subject.draw(phase)
        return replace(drawing, behind=_filled(drawing.behind, rgb), front=_filled(drawing.front, rgb))

    return replace(subject, draw=draw)


def _filled(shapes: tuple[Shape, ...], rgb: Rgb) -> tuple[Shape, ...]:
    return tuple(replace(shape, color=rgb) for shape in shapes)


def _steady(camera: Camera) -> Camera:
    """The same tilt, zoom and shake, with a perfect lens in perfect light."""
    return replace(camera, blur=0.0, gain=1.0, gamma=1.0, cast=np.ones(3), noise=0.0)
