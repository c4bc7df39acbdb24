"""A bundle for programs without torch: the vision side as ONNX, the labels' features, and a script that uses both.

The folder is written whole and checked, or not at all. Notation: B clips, T frames, C labels, S side in pixels, D
embedding width, τ the factor of the cosines.
"""

from __future__ import annotations

import json
import logging
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from ga2app.bundles.bundle_files import PromptBundle, whole_folder
from ga2app.clip import Backbone
from ga2app.errors import BundleError
from ga2app.labels import check_labels, label_key
from ga2app.method.prompted_model import PromptedClip

FORMAT_VERSION = 1
INPUT, OUTPUT = "pixels", "clip_features"
TOWER, CLASSES, FACTS, SCRIPT = "vision.onnx", "classes.npy", "portable.json", "recognize.py"
MOST_APART = 1e-4
"""The largest difference of a clip feature, which has length 1, that is let pass."""

SHAPES = ((1, 8), (3, 1), (2, 5))
"""Clips and frames of each comparison with torch: none is what the file was written with."""

_ONE_FILE_BYTES = 1_800_000_000
"""Weights beyond that do not fit into one file of ONNX, which is below 2 GB, and are written beside it."""


@dataclass(frozen=True)
class Portable:
    """What was written: the ``labels``, and the largest difference to torch, None where nobody could check."""

    folder: Path
    labels: tuple[str, ...]
    difference: float | None

    @property
    def files(self) -> dict[str, int]:
        """Names and bytes of the files."""
        return {path.name: path.stat().st_size for path in sorted(self.folder.iterdir())}


def write_portable(bundle: PromptBundle, backbone: Backbone, labels: Sequence[str], out: Path) -> Portable:
    """Write ``bundle`` on ``backbone`` (float32, on the CPU) with ``labels`` to the new folder ``out``.

    ``vision.onnx`` makes clip features of pixels (B, T, 3, S, S), ``classes.npy`` has the label features (C, D), and
    ``portable.json`` what else it takes: probabilities are the softmax of τ · classes · feature, τ divided by the
    bundle's temperature. ``recognize.py`` uses all three. Raises LabelError, and BundleError for a bundle of another
    backbone, a place that is taken or cannot be written, and where onnxruntime is here and disagrees with torch.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise BundleError(f"'{out}' is there already; name a new folder for the export")
    names, _ = check_labels(labels)
    model = bundle.attach(backbone, names)
    side = VisionSide(model).eval()
    try:
        with whole_folder(out) as stage:
            write_onnx(side, stage / TOWER)
            difference = largest_difference(side, stage / TOWER)
            if difference is not None and not difference <= MOST_APART:
                raise BundleError(
                    f"onnxruntime and torch differ by {difference:.1g} for bundle '{bundle.manifest.name}', more than "
                    f"{MOST_APART:g}; nothing was kept; try other versions of torch, onnxscript and onnxruntime"
                )
            with torch.no_grad():
                np.save(stage / CLASSES, model.encode_labels().numpy(), allow_pickle=False)
            facts = json.dumps(_facts(bundle, backbone, names), indent=2, ensure_ascii=False)
            (stage / FACTS).write_text(facts + "\n", encoding="utf-8")
            shutil.copyfile(Path(__file__).with_name("onnx_script.py"), stage / SCRIPT)
    except OSError as exc:
        raise BundleError(f"'{out}' could not be written ({exc}); free some space or choose another folder") from exc
    return Portable(out, tuple(names), difference)


def _facts(bundle: PromptBundle, backbone: Backbone, labels: Sequence[str]) -> dict[str, Any]:
    """What it takes beside the numbers: labels, and how a clip becomes pixels."""
    manifest, how = bundle.manifest, backbone.preprocessing
    size = how.size_px
    trained = {label_key(name) for name in manifest.base}
    return {
        "format_version": FORMAT_VERSION,
        "bundle": manifest.name,
        "backbone": {"name": manifest.backbone["name"], "fingerprint": manifest.backbone["fingerprint"]},
        "labels": list(labels),
        "base": [label for label in labels if label_key(label) in trained],
        "scale": backbone.scale / manifest.calibrated.used,
        "input": {"name": INPUT, "shape": ["clips", "frames", 3, size, size]},
        "output": {"name": OUTPUT, "shape": ["clips", backbone.sizes.embedding_width]},
        "num_frames": manifest.run.clips.num_frames,
        "frames": "number floor(i * frames in the clip / num_frames), for i from 0",
        "read_px": how.read_px,
        "short_side_px": how.short_side_px,
        "image_size_px": size,
        "resample": how.resample.pillow,
        "mean": list(how.mean),
        "std": list(how.std),
    }


class VisionSide(nn.Module):
    """Clip features (B, D) of CLIP-normalized pixels (B, T, 3, S, S), as ``PromptedClip.encode_clips`` gives them.

    All frames pass the tower at once: how many there are must be no part of the computation that is written down.
    """

    def __init__(self, model: PromptedClip) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        """The mean over T of the frames' features, mixed with zero-shot ones by their ratio, of length 1, whitened."""
        batch, frames = pixels.shape[:2]
        flat = pixels.flatten(0, 1)  # (B·T, 3, S, S)
        prompts, ratio = self.model.prompts.visual_prompts(), self.model.prompts.config.zero_shot_ratio
        features = self.model.backbone.encode_frames(flat, prompts)
        if ratio and prompts:
            features = torch.lerp(features, self.model.backbone.encode_frames(flat), ratio)
        return self.model.clip_features(torch.unflatten(features, 0, (batch, frames)))


def write_onnx(side: VisionSide, file: Path) -> None:
    """Write ``side`` to ``file`` for any number of clips and frames."""
    size = side.model.backbone.sizes.image_size
    weight_bytes = sum(weight.nbytes for weight in side.model.backbone.clip.vision_model.parameters())
    with _quiet(), torch.no_grad():
        torch.onnx.export(
            side,
            (torch.zeros(2, 3, 3, size, size),),
            file,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes=({0: Dim("clips"), 1: Dim("frames")},),
            external_data=weight_bytes > _ONE_FILE_BYTES,
            verbose=False,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says of itself and of packages that it does not need."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


def largest_difference(side: VisionSide, file: Path) -> float | None:
    """The largest difference between a clip feature by onnxruntime and by torch; None without onnxruntime."""
    try:
        import onnxruntime
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    size, generator = side.model.backbone.sizes.image_size, torch.Generator().manual_seed(0)
    largest = 0.0
    for clips, frames in SHAPES:
        pixels = torch.randn(clips, frames, 3, size, size, generator=generator)
        with torch.no_grad():
            wanted = side.model.encode_clips(pixels).numpy()
        (found,) = session.run(None, {INPUT: pixels.numpy()})
        largest = max(largest, float(abs(found - wanted).max()))
    return largest
