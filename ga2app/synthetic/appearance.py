"""What varies between two clips of the same subject: colors, place, size, viewpoint, speed, and the camera.

Of the styles ``plain`` is the drawing, ``camcorder`` the same filmed badly, ``film`` an old reel of it. The sketch
backbone is trained on ``plain`` alone, so the others are shifts of domain that it has never seen. Everything a camera
does is drawn once a clip, or moves smoothly through it; only sensor noise is new in every frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

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


STYLES = ("plain", "camcorder", "film")
CAMCORDER_STRENGTH = 1.02  # chosen so that zero-shot lands near 59%: hard, and worth learning


@dataclass(frozen=True)
class Camera:
    """One bad camera. Angles in degrees, shake as a share of the frame's side, gains as factors."""

    tilt: float
    zoom: float
    shake: NDArray[np.float64]  # (T, 2)
    blur: float  # standard deviation, percent of the frame's side
    gain: float
    gamma: float
    cast: NDArray[np.float64]  # (3,)
    noise: float  # standard deviation, of 255
    noise_seed: int


def draw_camera(rng: np.random.Generator, num_frames: int, strength: float = CAMCORDER_STRENGTH) -> Camera:
    """A camera for a clip of ``num_frames`` frames; ``strength`` 0 is a perfect one."""
    time = np.arange(num_frames)[:, None] / max(num_frames, 1)
    offsets = rng.uniform(0, 1, (2, 2))
    shake = 0.6 * np.sin(2 * math.pi * (2 * time + offsets[0])) + 0.4 * np.sin(2 * math.pi * (5 * time + offsets[1]))
    return Camera(
        tilt=float(rng.choice((-1, 1)) * rng.uniform(4, 14)) * strength,
        zoom=1.0 + float(rng.uniform(0.0, 0.1)) * strength,
        shake=shake * float(rng.uniform(0.015, 0.04)) * strength,
        blur=float(rng.uniform(0.5, 1.3)) * strength,
        gain=1.0 - float(rng.uniform(0.15, 0.5)) * strength,
        gamma=1.0 + float(rng.uniform(-0.1, 0.35)) * strength,
        cast=1.0 + rng.uniform(-0.2, 0.2, 3) * strength,
        noise=float(rng.uniform(8, 22)) * strength,
        noise_seed=int(rng.integers(1 << 30)),
    )


def apply_style(frames: NDArray[np.uint8], style: str, camera: Camera) -> NDArray[np.uint8]:
    """The frames (T, S, S, 3) in ``style``; ``plain`` returns them as they are.

    Raises ValueError for a style that is not one of ``STYLES``.
    """
    if style not in STYLES:
        raise ValueError(f"style '{style}' is not one of {', '.join(STYLES)}")
    if style == "plain":
        return frames
    rng = np.random.default_rng(camera.noise_seed)
    take = _record if style == "camcorder" else _age
    return np.stack([take(frame, camera, index, rng) for index, frame in enumerate(frames)])


def _age(frame: NDArray[np.uint8], camera: Camera, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One frame of an old reel: sepia, dark corners, flicker, grain, and a scratch that wanders."""
    side = frame.shape[0]
    gray = frame @ np.array([0.3, 0.59, 0.11], np.float32)
    axis = np.linspace(-1, 1, side, dtype=np.float32)
    corners = 1 - 0.35 * (axis[:, None] ** 2 + axis[None] ** 2) / 2
    flicker = 1 + 0.08 * float(rng.standard_normal()) * min(1.0, camera.noise / 15)
    toned = (gray * corners * flicker)[..., None] * np.array([1.05, 0.92, 0.72], np.float32)
    toned += 0.8 * camera.noise * rng.standard_normal((side, side, 1), dtype=np.float32)
    column = int(side * (0.5 + 0.4 * camera.shake[index, 0] / max(1e-9, float(np.abs(camera.shake).max()))))
    toned[:, column : column + 1] += 60
    return np.clip(toned, 0, 255).astype(np.uint8)


def _record(frame: NDArray[np.uint8], camera: Camera, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    side = frame.shape[0]
    moved = _aim(Image.fromarray(frame), camera, camera.shake[index] * side)
    blurred = np.asarray(moved.filter(ImageFilter.GaussianBlur(camera.blur * side / 100)), dtype=np.float32)
    lit = 255.0 * (blurred / 255.0) ** camera.gamma * camera.gain * camera.cast.astype(np.float32)
    noisy = lit + camera.noise * rng.standard_normal(frame.shape, dtype=np.float32)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def _aim(image: Image.Image, camera: Camera, shift: NDArray[np.float64]) -> Image.Image:
    """Tilted, zoomed and shifted about the middle; what lies beyond the edge repeats the edge."""
    side = image.width
    pad = side // 4
    padded = Image.fromarray(np.pad(np.asarray(image), ((pad, pad), (pad, pad), (0, 0)), mode="edge"))
    angle, middle = math.radians(camera.tilt), side / 2
    cos, sin = math.cos(angle) / camera.zoom, math.sin(angle) / camera.zoom
    offset_x = middle + pad - cos * (middle + shift[0]) - sin * (middle + shift[1])
    offset_y = middle + pad + sin * (middle + shift[0]) - cos * (middle + shift[1])
    matrix = (cos, sin, offset_x, -sin, cos, offset_y)
    return padded.transform((side, side), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
