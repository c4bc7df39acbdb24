"""High dynamic range to sRGB, pixel by pixel: PQ (SMPTE 2084) and HLG (ARIB STD-B67), as in ITU-R BT.2100.

White of 203 nits, the level of ITU-R BT.2408 for what SDR shows as white, becomes 255; what is brighter is clipped.
PyAV's reformatter converts too, but it builds a table for each size of picture, which takes seconds, and its gamut
mapping pales saturated colors that sRGB can show.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

WHITE_NITS = 203.0
_HLG_PEAK_NITS = 1000.0
_HLG_GAMMA = 1.2  # of the display's light by the camera's, at a peak of 1000 nits
_LEVELS = 65536
_LUMA_2020 = np.array((0.2627, 0.6780, 0.0593), np.float32)

# Linear RGB of these primaries (FFmpeg's numbers) to that of BT.709, white D65.
_FROM_2020 = ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730))
_FROM_P3 = ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274))
_BT709, _P3_D65 = 1, 12


def to_srgb(image: NDArray[np.uint16], transfer: str, primaries: int) -> NDArray[np.uint8]:
    """sRGB (H, W, 3), uint8, of full-range RGB ``image`` (H, W, 3), uint16, in ``transfer`` "PQ" or "HLG".

    ``primaries`` is FFmpeg's number; what is not BT.709 or Display P3 is taken for BT.2020, as HDR has it.
    """
    linear = _linear_table(transfer)[image.reshape(-1, 3)]
    if transfer == "HLG":
        # The system gamma acts on luminance, so that hues stay: from the light of the scene to that of the display.
        luma = np.maximum(linear @ _LUMA_2020, 1e-6)
        linear *= (_HLG_PEAK_NITS / WHITE_NITS * luma ** np.float32(_HLG_GAMMA - 1))[:, None]
    if primaries != _BT709:
        matrix = np.array(_FROM_P3 if primaries == _P3_D65 else _FROM_2020, np.float32)
        linear = linear @ matrix.T
    np.clip(linear, 0, 1, out=linear)
    linear *= _LEVELS - 1
    return _srgb_table()[(linear + 0.5).astype(np.uint16)].reshape(image.shape)


@cache
def _linear_table(transfer: str) -> NDArray[np.float32]:
    """Light of each of 65536 levels: by white of 203 nits for PQ, of the scene, 0 to 1, for HLG."""
    signal = np.arange(_LEVELS) / (_LEVELS - 1)
    if transfer == "HLG":
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
        return light.astype(np.float32)
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = signal ** (1 / m2)
    nits = 10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    return (nits / WHITE_NITS).astype(np.float32)


@cache
def _srgb_table() -> NDArray[np.uint8]:
    """sRGB level of each of 65536 levels of linear light."""
    light = np.arange(_LEVELS) / (_LEVELS - 1)
    signal = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (signal * 255).round().astype(np.uint8)
