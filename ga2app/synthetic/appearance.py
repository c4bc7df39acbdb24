"""What varies between two clips of the same subject: colors, place, size, position, viewpoint, speed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ga2app.synthetic.figure import Color

Rgb = tuple[int, int, int]

COLORS: dict[str, Rgb] = {
    "red": (222, 40, 45),
    "orange": (245, 140, 25),
    "yellow": (240, 210, 40),
    "green": (35, 160, 65),
    "blue": (40, 85, 225),
    "purple": (145, 45, 195),
    "pink": (250, 120, 180),
    "brown": (120, 72, 35),
    "black": (22, 22, 26),
    "white": (248, 248, 248),
}
PLACES: dict[str, tuple[Rgb, Rgb]] = {  # above the ground, the ground itself
    "grass": ((150, 205, 245), (85, 175, 70)),
    "sand": ((170, 222, 250), (238, 208, 140)),
    "snow": ((195, 214, 236), (246, 249, 253)),
    "street": ((200, 208, 216), (110, 110, 116)),
    "room": ((228, 210, 190), (160, 110, 70)),
    "night": ((14, 16, 48), (30, 36, 46)),
    "mountains": ((190, 218, 246), (120, 150, 85)),
    "sunset": ((248, 178, 138), (120, 78, 92)),
}
SIZES = ("small", "medium", "large")


@dataclass(frozen=True)
class Look:
    """One clip's appearance. Lengths are in world units (the frame is two units wide), angles in degrees.

    ``color`` and ``place`` are names of ``COLORS`` and ``PLACES``; the RGB beside them carry a jitter. ``size`` names
    the third of the range in which ``scale`` lies. ``blobs`` are distractors: (x, y, half width, half height, RGB).
    """

    color: str
    place: str
    size: str
    figure_rgb: Rgb
    prop_rgb: Rgb
    line_rgb: Rgb
    sky_rgb: Rgb
    ground_rgb: Rgb
    water_rgb: Rgb
    scale: float
    dx: float
    horizon: float
    mirror: bool
    squeeze: float
    shear: float
    line_width: float
    head_size: float
    cycles: float
    phase: float
    blobs: tuple[tuple[float, float, float, float, Rgb], ...]
    texture: int

    def resolve(self, color: Color) -> Rgb:
        """The RGB of a role ("figure", "prop", "line", "black"), or the RGB itself."""
        if not isinstance(color, str):
            return color
        return {"figure": self.figure_rgb, "prop": self.prop_rgb, "line": self.line_rgb, "black": (20, 20, 24)}[color]

    def at(self, cycles: float, phase: float) -> Look:
        """The same look with another speed (cycles a clip) and another starting phase."""
        return replace(self, cycles=cycles, phase=phase)


def _jitter(rng: np.random.Generator, rgb: Rgb, amount: float) -> Rgb:
    moved = np.clip(np.asarray(rgb) + rng.normal(0.0, amount, 3), 0, 255)
    return int(moved[0]), int(moved[1]), int(moved[2])


def _distance(one: Rgb, other: Rgb) -> float:
    return float(np.linalg.norm(np.subtract(one, other)))


def _visible(rng: np.random.Generator, against: tuple[Rgb, ...], least: float) -> str:
    """A color's name that stands out from every background it may be seen on."""
    names = list(COLORS)
    rng.shuffle(names)
    for name in names:
        if all(_distance(COLORS[name], other) >= least for other in against):
            return name
    return max(names, key=lambda name: min(_distance(COLORS[name], other) for other in against))


def draw_look(rng: np.random.Generator) -> Look:
    """A look drawn from ``rng``; the same generator state gives the same look."""
    place = str(rng.choice(list(PLACES)))
    sky = _jitter(rng, PLACES[place][0], 12)
    ground = _jitter(rng, PLACES[place][1], 12)
    water = _jitter(rng, (45, 105, 205), 12)
    color = _visible(rng, (sky, ground), 95.0)
    figure = _jitter(rng, COLORS[color], 9)
    prop = _jitter(rng, COLORS[_visible(rng, (sky, ground, figure), 90.0)], 12)
    bright = sum(sky) > 330
    line_rgb = _jitter(rng, (45, 42, 50) if bright else (225, 225, 215), 12)
    third = int(rng.integers(3))
    scale = float(0.78 + 0.13 * (third + rng.random()))
    blobs = []
    for _ in range(int(rng.integers(0, 9))):
        y = float(rng.uniform(-0.4, 1.5))
        near = ground if y < 0 else sky
        half = rng.uniform(0.03, 0.12, 2)
        blobs.append((float(rng.uniform(-1, 1)), y, float(half[0]), float(half[1]), _jitter(rng, near, 26)))
    return Look(
        color=color,
        place=place,
        size=SIZES[third],
        figure_rgb=figure,
        prop_rgb=prop,
        line_rgb=line_rgb,
        sky_rgb=sky,
        ground_rgb=ground,
        water_rgb=water,
        scale=scale,
        dx=float(rng.uniform(-0.12, 0.12)),
        horizon=float(rng.uniform(0.4, 0.54)),
        mirror=bool(rng.random() < 0.5),
        squeeze=float(rng.uniform(0.88, 1.0)),
        shear=float(rng.uniform(-0.08, 0.08)),
        line_width=float(rng.uniform(0.8, 1.3)),
        head_size=float(rng.uniform(0.88, 1.15)),
        cycles=float(rng.uniform(0.9, 2.1)),
        phase=float(rng.random()),
        blobs=tuple(blobs),
        texture=int(rng.integers(1 << 30)),
    )
