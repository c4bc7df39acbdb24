#!/usr/bin/env bash
# PyAV 18.1.0 (FFmpeg 8): VideoReformatter.reformat of a 10-bit 4:2:0 frame to packed and to planar RGB.
#
# Expected: "rgb48le" and "gbrp16le" are two layouts of the same numbers.
# Seen: they are two conversions. Packed RGB repeats each color sample for two pixels, planar RGB interpolates between
# them, so that at edges of color the two are far apart; and planar takes half of the time or less, though it does more.
# Of 8-bit frames both layouts hold the same numbers.
# Output seen:
#   10 bits: red beside an edge 33387 57251 packed, 39353 51285 planar; 23 of 255 apart at most
#   8 bits: red beside an edge 130 223 packed, 130 223 planar; 0 of 255 apart at most
#   planar by packed, 10 bits: 0.26 of the time (0.47 to 0.65 in other runs; a busy machine)
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'P'
import sys
import time

import av
import numpy as np
from av.video.reformatter import VideoReformatter


def frame(pixels, bits):
    """1280 x 720, gray on the left and red on the right."""
    made = av.VideoFrame(1280, 720, pixels)
    made.colorspace, made.color_range = 1, 1
    for number, plane in enumerate(made.planes):
        rows = np.frombuffer(plane, np.uint16 if bits > 8 else np.uint8).reshape(plane.height, -1)
        rows[:] = 128 << (bits - 8)
        if number:
            rows[:, plane.width // 2 :] = (100, 180)[number - 1] << (bits - 8)
    return made


def shown(made, layout):
    """The picture in ``layout``, and the seconds that converting took."""
    reformatter = VideoReformatter()
    reformatter.reformat(made, format=layout, interpolation="BILINEAR", threads=1)
    began = time.perf_counter()
    done = reformatter.reformat(made, format=layout, interpolation="BILINEAR", threads=1)
    return done.to_ndarray().astype(int), time.perf_counter() - began


apart = {}
for pixels, bits, packed, planar in (("yuv420p10le", 10, "rgb48le", "gbrp16le"), ("yuv420p", 8, "rgb24", "gbrp")):
    made = frame(pixels, bits)
    (one, _), (other, _) = shown(made, packed), shown(made, planar)
    apart[bits] = np.abs(one - other).max() / (65535 if bits > 8 else 255) * 255
    edge, edge_planar = (" ".join(map(str, image[360, 639:641, 0])) for image in (one, other))
    print(f"{bits} bits: red beside an edge {edge} packed, {edge_planar} planar; {apart[bits]:.0f} of 255 apart at most")
made = frame("yuv420p10le", 10)
pairs = [(shown(made, "gbrp16le")[1], shown(made, "rgb48le")[1]) for _ in range(40)]
least_planar, least_packed = (min(times) for times in zip(*pairs))
print(f"planar by packed, 10 bits: {least_planar / least_packed:.2f} of the time")
sys.exit(0 if apart[10] > 15 and apart[8] < 1 else 1)
P
