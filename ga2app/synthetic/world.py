"""From a subject, a look and a phase to pixels, and from those to a clip's frames."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ga2app.synthetic.appearance import CAMCORDER_STRENGTH, Camera, Look, apply_style, draw_camera, draw_look
from ga2app.synthetic.figure import Point, Shape, Subject, figure_shapes, mix

Frame = NDArray[np.uint8]
FRAME_UNITS = 2.0
WATER_ROOM = 0.06
MOMENTS = 4
"""Drawings of an action that happens once, each held for a part of the clip. A sampler that takes the first frame of
each of as many parts, or of a multiple of them, so sees the same drawings of an action and of its reverse."""


class _Canvas:
    """Draws shapes in world units on an image of twice the wanted size."""

    def __init__(self, look: Look, size_px: int) -> None:
        self._look = look
        self._side = 2 * size_px
        self._unit = self._side / FRAME_UNITS
        self._image = Image.new("RGB", (self._side, self._side), look.sky_rgb)
        self._draw = ImageDraw.Draw(self._image)

    def row(self, y: float) -> float:
        return self._side - (y + self._look.horizon) * self._unit

    def column(self, x: float) -> float:
        return (x + FRAME_UNITS / 2) * self._unit

    def place(self, point: Point) -> Point:
        look = self._look
        x = (point[0] * look.squeeze + point[1] * look.shear) * look.scale
        return self.column((-x if look.mirror else x) + look.dx), self.row(point[1] * look.scale)

    def backdrop(self, ground: str) -> None:
        look, side, row = self._look, self._side, self.row(0.0)
        rng = np.random.default_rng(look.texture)
        if look.place == "mountains":
            for _ in range(3):
                x, tall, wide = (
                    rng.uniform(0, side),
                    rng.uniform(0.25, 0.6) * self._unit,
                    rng.uniform(0.3, 0.6) * self._unit,
                )
                self._draw.polygon([(x - wide, row), (x, row - tall), (x + wide, row)], fill=(150, 170, 190))
        elif look.place == "street":
            x = -rng.uniform(0, 0.3) * self._unit
            while x < side:
                wide, tall = rng.uniform(0.2, 0.4) * self._unit, rng.uniform(0.3, 0.9) * self._unit
                shade = int(rng.integers(168, 190))
                self._draw.rectangle((x, row - tall, x + wide, row), fill=(shade, shade - 4, shade - 8))
                x += wide + rng.uniform(0.02, 0.2) * self._unit
        elif look.place == "night":
            for x, y in rng.uniform(0, 1, (14, 2)):
                self._draw.ellipse((x * side, y * row, x * side + side / 90, y * row + side / 90), fill=(190, 190, 170))
        elif look.place == "room":
            x, y, wide = rng.uniform(0.1, 0.8) * side, rng.uniform(0.1, 0.3) * row, 0.14 * side
            self._draw.rectangle((x, y, x + wide, y + wide), fill=(205, 222, 232), outline=(190, 170, 150))
        elif look.place == "sunset":
            x, radius = rng.uniform(0.1, 0.9) * side, 0.09 * side
            self._draw.ellipse((x - radius, row - 1.4 * radius, x + radius, row + 0.6 * radius), fill=(252, 210, 130))
        if ground == "land":
            self._draw.rectangle((0, row, side, side), fill=look.ground_rgb)
        for x, y, half_width, half_height, rgb in look.blobs:
            cx, cy = self.column(x), self.row(y)
            rx, ry = half_width * self._unit, half_height * self._unit
            self._draw.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=rgb)

    def water(self, phase: float) -> None:
        steps = 24
        top = [
            (self._side * i / steps, self.row(0.018 * math.sin(2 * math.pi * (phase + 5 * i / steps))))
            for i in range(steps + 1)
        ]
        self._draw.polygon([*top, (self._side, self._side), (0, self._side)], fill=self._look.water_rgb)
        self._draw.line(top, fill=(225, 238, 250), width=max(1, self._side // 80))

    def shapes(self, shapes: Iterable[Shape]) -> None:
        for shape in shapes:
            getattr(self, "_" + shape.kind)(shape)

    def _line(self, shape: Shape) -> None:
        fill = self._look.resolve(shape.color)
        width = max(1.5, shape.width * self._look.line_width * self._look.scale * self._unit)
        points = [self.place(point) for point in shape.points]
        self._draw.line(points, fill=fill, width=round(width), joint="curve" if len(points) > 2 else None)
        if width > 4:
            half = width / 2 - 0.5
            for x, y in (points[0], points[-1]):
                self._draw.ellipse((x - half, y - half, x + half, y + half), fill=fill)

    def _polygon(self, shape: Shape) -> None:
        self._draw.polygon([self.place(point) for point in shape.points], fill=self._look.resolve(shape.color))

    def _disc(self, shape: Shape) -> None:
        x, y = self.place(shape.points[0])
        radius = shape.radius * self._look.scale * self._unit
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=self._look.resolve(shape.color))

    def _ring(self, shape: Shape) -> None:
        x, y = self.place(shape.points[0])
        rx, ry = (radius * self._look.scale * self._unit for radius in (shape.radius, shape.radius_y))
        width = max(1, round(shape.width * self._look.line_width * self._look.scale * self._unit))
        self._draw.ellipse((x - rx, y - ry, x + rx, y + ry), outline=self._look.resolve(shape.color), width=width)

    def finish(self) -> Frame:
        return np.asarray(self._image.reduce(2))


def render(subject: Subject, look: Look, phase: float, size_px: int) -> Frame:
    """One frame of ``subject`` in the plain style: uint8 (S, S, 3), RGB. ``phase`` counts from the look's own."""
    moment = (phase + look.phase) % 1.0
    drawing = subject.draw(moment)
    canvas = _Canvas(look, size_px)
    canvas.backdrop(drawing.ground)
    canvas.shapes(drawing.behind)
    if drawing.pose is not None:
        canvas.shapes(figure_shapes(drawing.pose, look.head_size))
    canvas.shapes(drawing.front)
    if drawing.ground == "water":
        canvas.water(moment)
    return canvas.finish()


class Take(NamedTuple):
    """What a seed fixes of a clip: its look, its camera, and the phase of each frame."""

    look: Look
    camera: Camera
    phases: tuple[float, ...]


def draw_take(seed: int | tuple[int, ...], num_frames: int, strength: float) -> Take:
    """The take of ``seed``: the same for whatever is drawn of the clip, its frames or its mask."""
    rng = np.random.default_rng(seed)
    look = draw_look(rng)
    camera = draw_camera(rng, num_frames, strength)
    return Take(look, camera, tuple(look.cycles * index / num_frames for index in range(num_frames)))


def clip_frames(
    subject: Subject,
    style: str,
    seed: int | tuple[int, ...],
    num_frames: int,
    size_px: int,
    strength: float = CAMCORDER_STRENGTH,
) -> Frame:
    """One clip: uint8 (T, S, S, 3), RGB. The same arguments give the same pixels.

    ``style`` is one of ``STYLES``, ``strength`` how far it goes (0 not at all). Look and camera are drawn from
    ``seed`` and stay the same through the clip. What happens once, there or back, is shown in ``MOMENTS``, and the
    clip of its reverse is the same frames in the reverse order. Raises ValueError for a style that does not exist.
    """
    take = draw_take(seed, num_frames, strength)
    if not subject.way:
        frames = np.stack([render(subject, take.look, phase, size_px) for phase in take.phases])
        return apply_style(frames, style, take.camera)
    begin, end = 0.15 * take.look.phase, 1 - 0.1 * (take.look.cycles - 0.9)
    still = [
        render(subject, take.look.at(1.0, 0.0), min(mix(begin, end, moment / (MOMENTS - 1)), 0.999), size_px)
        for moment in range(MOMENTS)
    ]
    frames = np.stack([still[index * MOMENTS // num_frames] for index in range(num_frames)])
    return apply_style(frames, style, take.camera)[:: subject.way]
