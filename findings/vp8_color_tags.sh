#!/usr/bin/env bash
# FFmpeg 8 (PyAV 18.1.0): the VP8 decoder overwrites the colors that a WebM tells.
#
# VP8 has no field for a matrix or a range; WebM and Matroska have. Expected: frames carry the container's tags, as for
# other codecs. Seen: each frame is tagged BT.601 (5), limited (1), and so is the stream from the first frame on, so
# that recordings of a browser's canvas (BT.709, full range) are converted wrong, up to 47 of 255. The container's tags
# can be read from the stream's codec context until the first frame is decoded, and given to the reformatter.
# Output seen:
#   before decoding: matrix 1, range 2
#   of the first frame: matrix 5, range 1; of the stream after it: matrix 5, range 1
#   red (200, 40, 40) as tagged by the decoder: [193, 9, 28]; as the container says: [198, 40, 38]
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q av==18.1.0 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'P'
import sys

import av
import numpy as np

BT709, BT601, LIMITED, FULL = 1, 5, 1, 2
with av.open("canvas.webm", "w") as container:
    stream = container.add_stream("libvpx", rate=10, options={"crf": "4", "b": "2M"})
    stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
    stream.codec_context.colorspace, stream.codec_context.color_range = BT709, FULL
    red = av.VideoFrame.from_ndarray(np.tile(np.uint8((200, 40, 40)), (64, 96, 1)), format="rgb24")
    for _ in range(5):
        container.mux(stream.encode(red.reformat(format="yuv420p", dst_colorspace=BT709, dst_color_range=FULL)))
    container.mux(stream.encode(None))
with av.open("canvas.webm") as container:
    stream = container.streams.video[0]
    context = stream.codec_context
    before = (context.colorspace, context.color_range)
    frame = next(container.decode(stream))
    told = (frame.colorspace, frame.color_range)
    after = (context.colorspace, context.color_range)
    plain = frame.to_ndarray(format="rgb24")[32, 48].tolist()
    right = frame.to_ndarray(format="rgb24", src_colorspace=BT709, src_color_range=FULL)[32, 48].tolist()
print("before decoding: matrix %d, range %d" % before)
print("of the first frame: matrix %d, range %d; of the stream after it: matrix %d, range %d" % (*told, *after))
print("red (200, 40, 40) as tagged by the decoder:", f"{plain}; as the container says: {right}")
same = before == (BT709, FULL) and told == after == (BT601, LIMITED)
sys.exit(0 if same and abs(plain[1] - 40) > 20 and abs(right[1] - 40) < 5 else "the behavior has changed")
P
