"""Rendering styles: ``plain`` is the drawing, ``camcorder`` the same filmed badly, ``film`` an old reel of it.

The sketch backbone is trained on ``plain`` alone, so the others are shifts of domain that it has never seen.
Everything a camera does is drawn once a clip, or moves smoothly through it; only sensor noise is new in every frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

STYLES = ("plain", "camcorder", "film")
CAMCORDER_STRENGTH = 1.02  # chosen so that zero-shot lands near 59 %: hard, and worth learning


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
