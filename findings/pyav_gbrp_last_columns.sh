#!/usr/bin/env bash
# PyAV 18.1.0 (FFmpeg 8.1): VideoFrame.reformat(format="gbrp") of an 8-bit 4:2:0 frame at its own size.
#
# Expected: the picture in planar RGB, all of it, as "rgb24" has it; the same at each call.
# Seen on x86_64: where the width is no multiple of 8 the last columns of the three planes are not written. They hold
# what was in that memory before, so that two calls give two pictures. 340 x 256 is the size in which Kinetics is
# commonly distributed. Nothing is lacking in "rgb24", nor in "gbrp" where the picture is scaled at the same time.
# Output seen:
#   width 320: 0 columns of a gray picture are not gray
#   width 340: 4 columns of a gray picture are not gray
#   width 454: 6 columns of a gray picture are not gray
#   width 340, rgb24: 0 columns; scaled to 341 in gbrp: 0 columns
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q av==18.1.0 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - <<'P'
import sys

import av
import numpy as np


def unwritten(width, layout, to_width=None):
    """Columns of a gray picture that are not gray, in any of a few conversions of it."""
    gray = av.VideoFrame.from_ndarray(np.full((256, width, 3), 128, np.uint8), "rgb24").reformat(format="yuv420p")
    columns = set()
    for _ in range(4):
        # Memory that is used anew is rarely all gray; this makes sure that it is not.
        noise = av.VideoFrame.from_ndarray(np.full((256, to_width or width, 3), 255, np.uint8), "rgb24")
        del noise
        shown = gray.reformat(format=layout, width=to_width or width).to_ndarray().astype(int)
        columns |= set(np.nonzero(np.abs(shown - 128).max(axis=(0, 2)) > 2)[0].tolist())
    return len(columns)


found = {width: unwritten(width, "gbrp") for width in (320, 340, 454)}
for width, columns in found.items():
    print(f"width {width}: {columns} columns of a gray picture are not gray")
packed, scaled = unwritten(340, "rgb24"), unwritten(340, "gbrp", 341)
print(f"width 340, rgb24: {packed} columns; scaled to 341 in gbrp: {scaled} columns")
sys.exit(0 if found[320] == 0 < min(found[340], found[454]) and packed == scaled == 0 else 1)
P
