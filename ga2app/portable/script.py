"""Recognize a clip without torch: python recognize.py CLIP. It takes numpy, onnxruntime and av."""

import json
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnxruntime

HERE = Path(__file__).parent
FACTS = json.loads((HERE / "portable.json").read_text(encoding="utf-8"))
SIDE, CROP, COUNT = FACTS["short_side_px"], FACTS["image_size_px"], FACTS["num_frames"]


def rows(old: int, short: int) -> Any:  # a matrix for the middle of a side, enlarged where the picture is small
    new = max(SIDE, round(old * SIDE / short))
    far = abs((np.arange(new)[:, None] + 0.5) * old / new - 0.5 - np.arange(old))
    cubic = np.select([far < 1, far < 2], [(1.5 * far - 2.5) * far**2 + 1, ((2.5 - far / 2) * far - 4) * far + 2])
    return (cubic / cubic.sum(axis=1, keepdims=True))[(new - CROP) // 2 :][:CROP]


def pixels(frame: Any) -> Any:  # (3, CROP, CROP): the short side to SIDE, upright, the middle, normalized
    scale = min(1, SIDE / min(frame.width, frame.height))
    size = {"width": round(frame.width * scale), "height": round(frame.height * scale)}
    image = np.rot90(frame.to_ndarray(**size, format="rgb24", interpolation="BICUBIC"), frame.rotation // 90) / 255
    tall, wide = (rows(old, min(image.shape[:2])) for old in image.shape[:2])
    return ((np.einsum("hi,ijc,wj->hwc", tall, image, wide).clip(0, 1) - FACTS["mean"]) / FACTS["std"]).transpose(
        2, 0, 1
    )


def frames() -> Any:
    with av.open(sys.argv[1]) as container:
        yield from container.decode(video=0)


total = sum(1 for _ in frames())
wanted = [i * total // COUNT for i in range(COUNT)]
found = {number: pixels(frame) for number, frame in enumerate(frames()) if number in wanted}
clip = np.stack([found[number] for number in wanted])[None].astype(np.float32)
features = onnxruntime.InferenceSession(HERE / "vision.onnx").run(None, {"pixels": clip})[0]
logits = FACTS["scale"] * np.load(HERE / "classes.npy") @ features[0]
shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
for place in np.argsort(-shares):
    print(f"{shares[place]:8.3%} {FACTS['labels'][place]}")
