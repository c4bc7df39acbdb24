"""Recognize a clip without torch: python recognize.py CLIP. It takes numpy, onnxruntime, av and pillow."""

import json
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import onnxruntime

here = Path(__file__).parent
facts = json.loads((here / "portable.json").read_text(encoding="utf-8"))
side, crop, count = facts["short_side_px"], facts["image_size_px"], facts["num_frames"]  # no side: made a square


def pixels(frame: Any) -> Any:  # (crop, crop, 3): the short side to side, upright, the middle, normalized
    scale = min(1, facts["read_px"] / min(frame.width, frame.height))
    size = {"width": round(frame.width * scale), "height": round(frame.height * scale)}
    image = frame.to_image(**size, interpolation="BICUBIC").rotate(frame.rotation, expand=True)
    sides = [max(side, round(length * side / min(image.size))) for length in image.size] if side else (crop, crop)
    image = image.resize(sides, facts["resample"])
    left, top = ((length - crop) // 2 for length in image.size)
    return (np.asarray(image.crop((left, top, left + crop, top + crop))) / 255 - facts["mean"]) / facts["std"]


total = sum(1 for _ in av.open(sys.argv[1]).decode(video=0))
wanted = [place * total // count for place in range(count)]
found = {place: pixels(frame) for place, frame in enumerate(av.open(sys.argv[1]).decode(video=0)) if place in wanted}
clip = np.stack([found[place] for place in wanted]).transpose(0, 3, 1, 2)[None].astype(np.float32)
features = onnxruntime.InferenceSession(here / "vision.onnx").run(None, {"pixels": clip})[0]
logits = facts["scale"] * np.load(here / "classes.npy") @ features[0]
probabilities = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
for place in np.argsort(-probabilities):
    print(f"{probabilities[place]:8.3%} {facts['labels'][place]}")
