"""The exported script makes the pixels that the backbone asks for, without torch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ga2app.bundles import onnx as portable
from ga2app.video.pixels import frames_to_pixels
from ga2app.video.preprocessing import Preprocessing, parse_preprocessing

SCRIPT = Path(portable.__file__).with_name("onnx_script.py")


def script_pixels(how: Preprocessing, folder: Path) -> Any:
    """The function of the script that turns a frame into pixels, as an export for ``how`` holds it."""
    pytest.importorskip("onnxruntime")
    facts = {
        "read_px": how.read_px,
        "short_side_px": how.short_side_px,
        "image_size_px": how.size_px,
        "resample": how.resample.pillow,
        "mean": how.mean,
        "std": how.std,
        "num_frames": 1,
    }
    (folder / "portable.json").write_text(json.dumps(facts))
    names: dict[str, Any] = {"__file__": str(folder / "recognize.py")}
    exec(SCRIPT.read_text(encoding="utf-8").partition("\ntotal =")[0], names)
    return names["pixels"]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"image_mean": 0.5, "image_std": 0.25, "resample": 2},
        {"size": {"height": 32, "width": 32}, "do_center_crop": False, "image_mean": [0.1, 0.5, 0.9]},
        {"size": {"shortest_edge": 48}, "do_rescale": False, "image_mean": [127.5] * 3, "image_std": [127.5] * 3},
    ],
)
def test_the_scripts_pixels_are_those_of_the_backbone(settings: dict[str, Any], tmp_path: Path):
    how = parse_preprocessing(settings, 32)
    frame = np.zeros((40, 64, 3), np.uint8)
    frame[:, :32], frame[10:30, 40:] = (200, 90, 30), (20, 240, 120)
    wanted = frames_to_pixels(frame[None], how)[0].permute(1, 2, 0).numpy()
    found = script_pixels(how, tmp_path)(av.VideoFrame.from_ndarray(frame, format="rgb24"))
    assert found.shape == wanted.shape and abs(found - wanted).max() < 3 / 255 / min(how.std)
