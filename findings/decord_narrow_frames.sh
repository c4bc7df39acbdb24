#!/bin/bash
# decord2 3.4.0 (import name decord): frames of some small widths are never given, and which ones depends on the
# processor; VideoReader opens the clip all the same, and reports its length, times and keyframes.
#
# One would guess that a reader that opens a clip gives its frames at any width. get_batch raises DECORDError ("The size
# must exactly match") where a small frame's rows are padded to the processor's vector width: with AVX-512 for widths of
# 16, 24, 32, 48, 96 and 144. With AVX2 alone a clip 96 wide is read.
# A test or thumbnail of 96 x 54 works on one machine and raises on the next. Widths from 160 on were given.
# Way out: read small frames with PyAV, or ask decord for a width that is a multiple of 64.
#
# Seen on a processor with AVX-512 (x264, 640 x 360, 60 frames; two frames at each width):
#   raised: 16 24 32 48 96 144
#   given: 40 56 64 72 80 88 104 112 120 128 136 152 160 192 224 256 320 340 352 384 448 640
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "for x86-64 processors only"; exit 0; }
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q decord2==3.4.0 av==18.1.0 "numpy>=2,<3"
cd "$work"
cat > widths.py <<'PYTHON'
import sys

import av
import decord
import numpy as np

decord.logging.set_level(decord.logging.QUIET)
with av.open("clip.mp4", "w") as container:
    stream = container.add_stream("libx264", rate=25)
    stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
    for number in range(60):
        picture = np.full((360, 640, 3), 4 * number, np.uint8)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
    container.mux(stream.encode())

raised, given = [], []
for width in (*range(16, 168, 8), 192, 224, 256, 320, 340, 352, 384, 448, 640):
    reader = decord.VideoReader("clip.mp4", width=width, height=width * 9 // 16 // 2 * 2, num_threads=1)
    assert len(reader) == 60
    try:
        given.append(width) if reader.get_batch([3, 37]).shape[2] == width else None
    except decord.DECORDError as exc:
        assert "The size must exactly match" in str(exc), exc
        raised.append(width)
print("raised:", *raised)
print("given:", *given)
wide = "avx512f" in open("/proc/cpuinfo").read()
as_seen = raised == [16, 24, 32, 48, 96, 144] if wide else 96 in given
sys.exit(0 if as_seen and {64, 128, 160, 224, 256, 320, 640} <= {*given} else 1)
PYTHON
"$work/venv/bin/python" widths.py
