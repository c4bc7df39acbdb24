#!/usr/bin/env bash
# Animated AVIF of Pillow 12.3.0 (libavif) through FFmpeg 8 (PyAV 18.1.0): the first video stream is a still.
#
# Expected: the animation is the (only, or the first) video stream, as in any other clip. Seen: FFmpeg shows two video
# streams of the same size. Stream 0, the default one, is the still that a viewer without animation shows, and decodes
# to one frame without an error; stream 1 has the frames. What takes the first stream, the largest, or container.decode
# (video=0) reads one frame of twelve. `stream.frames` tells them apart. Animated WebP is worse off: it is announced
# as one picture, and decoding it fails.
# Output seen:
#   stream 0: 96x64, 1 frames announced, 1 decoded
#   stream 1: 96x64, 12 frames announced, 12 decoded
#   WebP: webp_pipe, InvalidDataError
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q av==18.1.0 numpy==2.4.6 pillow==12.3.0
cd "$folder"
"$folder/venv/bin/python" - <<'P'
import sys

import av
import numpy as np
from PIL import Image

first, *rest = [Image.fromarray(np.full((64, 96, 3), 20 * number, np.uint8)) for number in range(12)]
for name in ("a.avif", "a.webp"):
    first.save(name, save_all=True, append_images=rest, duration=100)
found = []
with av.open("a.avif") as container:
    sizes = [(stream.width, stream.height, stream.frames) for stream in container.streams.video]
for index, (width, height, frames) in enumerate(sizes):
    with av.open("a.avif") as container:
        decoded = sum(1 for _ in container.decode(container.streams.video[index]))
    found.append((frames, decoded))
    print(f"stream {index}: {width}x{height}, {frames} frames announced, {decoded} decoded")
with av.open("a.webp") as container:
    try:
        fault = f"{sum(1 for _ in container.decode(video=0))} frames"
    except av.FFmpegError as exc:
        fault = type(exc).__name__
    print(f"WebP: {container.format.name}, {fault}")
same = found == [(1, 1), (12, 12)] and sizes[0][:2] == sizes[1][:2] and fault == "InvalidDataError"
sys.exit(0 if same else "the behavior has changed")
P
