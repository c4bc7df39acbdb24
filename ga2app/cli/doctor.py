"""``doctor``: is this machine ready, and what does the app see here?"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable
from typing import NamedTuple

from ga2app.cli import common
from ga2app.errors import StudioError
from ga2app.paths import SHIPPED, SKETCH_CLIP, SKETCH_HARD_PROMPT, default_home

PACKAGES = "torch transformers decord2 av sqlite-utils huggingface_hub safetensors numpy pillow".split()
EXTRAS = {"gradio": ("the studio in the browser", "app"), "onnxscript": ("export --onnx", "onnx")}
"""Packages that not everybody needs: for what, and which extra of ours brings them."""

NEEDED_BYTES = 1 << 30


class Finding(NamedTuple):
    """One check: whether it is well, and what was seen."""

    name: str
    ok: bool
    detail: str


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("doctor", help="check packages, device, backbones, home folder and decoding")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print every finding; status 1 if one is bad."""
    checks: list[Callable[[], list[Finding]]] = [_packages, _compute, _home, _assets, _decoding, _backbones]
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check()
        except (StudioError, ImportError, OSError) as exc:
            findings.append(Finding(check.__name__.strip("_"), False, f"{type(exc).__name__}: {exc}"))
    if args.json:
        common.print_json({"ok": all(one.ok for one in findings), "findings": [one._asdict() for one in findings]})
    else:
        width = max(len(one.name) for one in findings)
        print("\n".join(f"{'ok ' if one.ok else 'BAD'} {one.name:{width}}  {one.detail}" for one in findings))
    return 0 if all(one.ok for one in findings) else 1


def _packages() -> list[Finding]:
    found = [Finding("python", sys.version_info >= (3, 11), platform.python_version())]
    for package in PACKAGES:
        try:
            found.append(Finding(package, True, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            found.append(Finding(package, False, "is not installed; run: pip install -r requirements.txt"))
    for package, (purpose, extra) in EXTRAS.items():
        try:
            detail = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            detail = f'is not installed; only {purpose} needs it: pip install ".[{extra}]"'
        found.append(Finding(package, True, detail))
    return found


def _compute() -> list[Finding]:
    import torch

    from ga2app.clip.compute import settle, unused_gpu

    if fault := unused_gpu():
        return [Finding("device", False, f"cpu, though there is a GPU: {fault}")]
    compute = settle()
    detail = f"{compute.device}, {compute.precision.value}, {compute.attention} attention"
    return [Finding("device", True, f"{detail}, {torch.get_num_threads()} threads")]


def _home() -> list[Finding]:
    from ga2app.store import Store

    home = default_home()
    store = Store.open(home)
    counts = f"{len(store.datasets.list())} data sets, {store.runs.count()} runs, {len(store.bundles.list())} bundles"
    store.close()
    free = shutil.disk_usage(home.root).free
    return [
        Finding("home", os.access(home.root, os.W_OK), f"{home.root} ({counts})"),
        Finding("disk", free > NEEDED_BYTES, f"{free / 1e9:.1f} GB free in the home folder; 1 GB is needed"),
    ]


def _assets() -> list[Finding]:
    return [
        Finding(folder.name, (folder / needed).is_file(), str(folder.relative_to(SHIPPED)))
        for folder, needed in ((SKETCH_CLIP, "model.safetensors"), (SKETCH_HARD_PROMPT, "bundle.json"))
    ]


def _decoding() -> list[Finding]:
    import tempfile
    from pathlib import Path

    import numpy as np

    from ga2app.video import sample_frames
    from ga2app.video.writer import write_clip

    ramp = np.arange(8, dtype=np.uint8)[:, None, None, None] * 30 + np.zeros((8, 32, 48, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "ramp.mp4"
        write_clip(clip, ramp, 8)
        error = abs(sample_frames(clip, 8).astype(int) - ramp).mean()
    return [Finding("decoding", bool(error < 3), f"a written clip reads back within {error:.1f} of 255")]


def _backbones() -> list[Finding]:
    from ga2app.clip.files import check_clip
    from ga2app.errors import BackboneError
    from ga2app.hub import cached_backbones

    cached = ", ".join(choice.name for choice in cached_backbones()) or "none besides the embedded one"
    default = common.default_backbone()
    try:
        check_clip(default)
    except BackboneError as exc:
        return [Finding("backbones", False, f"{cached}; default: {default}, which cannot be used: {exc}")]
    return [Finding("backbones", True, f"{cached}; default: {default}")]
