"""How a backbone wants its pictures, as its folder says: ``preprocessor_config.json`` of transformers.

Notation: S, the model's square side in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from ga2app.errors import BackboneError
from ga2app.untrusted import parse_json, read_ordinary

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

PREPROCESSOR, PROCESSOR = "preprocessor_config.json", "processor_config.json"
"""The file of an image processor, and the one in which transformers 5 saves a whole processor, that one nested."""

_BYTE = 255

Triple = tuple[float, float, float]


class Resample(StrEnum):
    """Filters that pictures can be resized with."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"

    @property
    def pillow(self) -> int:
        """Pillow's number for it, which is what the files hold."""
        return _FILTERS.index(self.value)


_FILTERS = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""Pillow's filters in the order of their numbers."""

_READ = {
    "do_resize",
    "size",
    "resample",
    "do_center_crop",
    "crop_size",
    "do_rescale",
    "rescale_factor",
    "do_normalize",
    "image_mean",
    "image_std",
    "use_square_size",
}
_NO_MATTER = {"do_convert_rgb", "default_to_square"}
"""Switches without a say in what becomes of a frame: every frame is RGB, and ``size`` tells the rest."""


@dataclass(frozen=True)
class Preprocessing:
    """From a frame to the square of ``size_px`` (S) that the vision tower takes.

    The short side becomes ``short_side_px`` and the middle is cut out; where that is None the picture is resized to
    the square, whatever its shape. Pixels between 0 and 1, less ``mean``, by ``std``, are what the tower sees.
    """

    size_px: int
    short_side_px: int | None
    mean: Triple = CLIP_MEAN
    std: Triple = CLIP_STD
    resample: Resample = Resample.BICUBIC

    @property
    def read_px(self) -> int:
        """Length of the short side that frames may be read with: a decoder shrinks large ones on its way.

        It does so in a bicubic way and keeps their shape: where the backbone asks for something else, half of the way
        is left to that.
        """
        side = self.short_side_px or short_side_px(self.size_px)
        return side if self.resample is Resample.BICUBIC and self.short_side_px else 2 * side

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"mean": list(self.mean), "std": list(self.std)}

    def to_config(self) -> dict[str, Any]:
        """The same as ``preprocessor_config.json`` says it."""
        square = {"height": self.size_px, "width": self.size_px}
        return {
            "image_processor_type": "CLIPImageProcessor",
            "do_resize": True,
            "size": square if self.short_side_px is None else {"shortest_edge": self.short_side_px},
            "resample": self.resample.pillow,
            "do_center_crop": self.short_side_px is not None,
            "crop_size": square,
            "do_rescale": True,
            "rescale_factor": 1 / _BYTE,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.std),
            "do_convert_rgb": True,
        }


def short_side_px(size_px: int) -> int:
    """Length of the short side before the crop to ``size_px``: 256 for 224, and in proportion."""
    return round(size_px * 256 / 224)


def clip_preprocessing(size_px: int) -> Preprocessing:
    """What OpenAI's CLIP was trained with, and the paper's margin round the crop."""
    return Preprocessing(size_px, short_side_px(size_px))


def read_preprocessing(folder: Path, size_px: int, shown: str) -> Preprocessing:
    """What ``folder`` says of a vision tower of ``size_px``; OpenAI's where it says nothing.

    Where a whole processor was saved, that counts, as in transformers 5. Raises BackboneError, which names the file
    of the backbone ``shown`` and the setting that cannot be followed.
    """
    data = _read_json(folder / PROCESSOR, shown).get("image_processor")
    file = PROCESSOR
    if not isinstance(data, Mapping):
        data, file = _read_json(folder / PREPROCESSOR, shown), PREPROCESSOR
    if not data:
        return clip_preprocessing(size_px)
    return follow(data, size_px, shown, file)


def follow(data: Mapping[str, Any], size_px: int, shown: str, file: str) -> Preprocessing:
    """``parse_preprocessing`` of what the ``file`` of the backbone ``shown`` says. Raises BackboneError."""
    try:
        return parse_preprocessing(data, size_px)
    except (ValueError, TypeError) as exc:
        raise BackboneError(
            f"backbone '{shown}': {file} cannot be followed: {exc}; correct the file, or remove it to get the "
            "preprocessing of OpenAI's CLIP"
        ) from exc


def parse_preprocessing(data: Mapping[str, Any], size_px: int) -> Preprocessing:
    """What the settings ``data`` of an image processor mean for a tower of ``size_px``.

    Raises ValueError, which names the setting that cannot be followed.
    """
    odd = sorted(
        str(key)
        for key, value in data.items()
        if str(key).startswith("do_") and value and key not in _READ | _NO_MATTER
    )
    if odd:
        raise ValueError(f"{', '.join(odd)} is not supported")
    if not _switch(data, "do_resize"):
        raise ValueError("do_resize is false, and frames of clips come in every size")
    mean, std = _normalization(data)
    return Preprocessing(size_px, _short_side(data, size_px), mean, std, _resample(data))


def _short_side(data: Mapping[str, Any], size_px: int) -> int | None:
    """Length of the short side before the crop; None where pictures become squares at once.

    A short side as long as the crop is how CLIP sees still pictures. Of clips the paper cuts the same square out of a
    slightly larger frame, so that there the margin is the paper's.
    """
    cropped = _switch(data, "do_center_crop")
    if cropped:
        crop = _sides("crop_size", data.get("crop_size", size_px))
        if crop != (size_px, size_px):
            raise ValueError(f"crop_size is {crop[0]} × {crop[1]}, and the vision tower takes {size_px} × {size_px}")
    size = data.get("size")
    if size is None:
        size = {"shortest_edge": size_px}
    elif isinstance(size, int) and data.get("use_square_size"):
        size = {"height": size, "width": size}
    elif isinstance(size, int):
        size = {"shortest_edge": size} if cropped else {"height": size, "width": size}
    if isinstance(size, Mapping) and set(size) == {"shortest_edge"}:
        side = _whole("size", size["shortest_edge"])
        if not cropped:
            raise ValueError("do_center_crop is false with a size of shortest_edge, so that frames stay oblong")
        if side < size_px:
            raise ValueError(f"the shortest_edge of size is {side}, less than the crop of {size_px}")
        return short_side_px(size_px) if side == size_px else side
    sides = _sides("size", size)
    if sides != (size_px, size_px):
        raise ValueError(f"size is {sides[0]} × {sides[1]}, and the vision tower takes {size_px} × {size_px}")
    return None


def _normalization(data: Mapping[str, Any]) -> tuple[Triple, Triple]:
    """Mean and deviation for pixels between 0 and 1, whatever range the settings mean."""
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if _switch(data, "do_normalize"):
        mean = _triple("image_mean", data.get("image_mean", CLIP_MEAN))
        std = _triple("image_std", data.get("image_std", CLIP_STD))
    if min(std) <= 0:
        raise ValueError(f"image_std is {list(std)}; it must be greater than 0")
    factor = 1.0
    if _switch(data, "do_rescale"):
        factor = _number("rescale_factor", data.get("rescale_factor", 1 / _BYTE))
    largest = factor * _BYTE
    if largest <= 0:
        raise ValueError(f"rescale_factor is {factor}; it must be greater than 0")
    if math.isclose(largest, 1, rel_tol=1e-6):
        return mean, std
    return _each(mean, largest), _each(std, largest)


def _each(values: Triple, largest: float) -> Triple:
    return values[0] / largest, values[1] / largest, values[2] / largest


def _resample(data: Mapping[str, Any]) -> Resample:
    value = data.get("resample", Resample.BICUBIC.pillow)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(_FILTERS):
        value = _FILTERS[value]
    name = str(value).lower()
    if name not in set(Resample):
        raise ValueError(f"resample is {value!r}; it can be {', '.join(Resample)}")
    return Resample(name)


def _read_json(file: Path, shown: str) -> Mapping[str, Any]:
    """What ``file`` holds; nothing where it is not there."""
    try:
        data = parse_json(read_ordinary(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as exc:
        raise BackboneError(f"backbone '{shown}': {file.name} cannot be read ({exc}); get a fresh copy") from exc
    if not isinstance(data, Mapping):
        raise BackboneError(f"backbone '{shown}': {file.name} does not hold settings by name; get a fresh copy")
    return data


def _switch(data: Mapping[str, Any], name: str) -> bool:
    value = data.get(name)
    if value is not None and not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; it must be true or false")
    return value is not False


def _sides(name: str, value: Any) -> tuple[int, int]:
    """Height and width of a size in any of the forms that transformers has had."""
    if isinstance(value, Mapping) and set(value) == {"height", "width"}:
        return _whole(name, value["height"]), _whole(name, value["width"])
    if isinstance(value, list | tuple) and len(value) == 2:
        return _whole(name, value[0]), _whole(name, value[1])
    if isinstance(value, int):
        return _whole(name, value), _whole(name, value)
    raise ValueError(f"{name} is {value!r}; it must be a side, height and width, or a shortest_edge")


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= 1 << 14:
        raise ValueError(f"{name} is {value!r}; it must be a number of pixels")
    return value


def _triple(name: str, value: Any) -> Triple:
    values = value if isinstance(value, list | tuple) else [value] * 3
    if len(values) != 3:
        raise ValueError(f"{name} is {value!r}; it must be three numbers")
    return _number(name, values[0]), _number(name, values[1]), _number(name, values[2])


def _number(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}; it must be a number")
    return float(value)
