"""What each checkpoint is read as, and how far its bundle's logits are from those of the code that wrote it.

``python -m tests.published.checkpoint_table`` prints the table of docs/guides/reproduce.md, from imports of small
random models in the real layouts.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ga2app.bundles.checkpoints import Imported, import_checkpoint
from ga2app.clip import Backbone, load_backbone
from ga2app.errors import CheckpointError
from ga2app.inference import load_bundle
from ga2app.paths import SKETCH_CLIP
from tests.backbone.tower_folders import tower_rows
from tests.published import openai_layout as theirs
from tests.published import sibling_layouts as siblings

NAMES = ("walking", "jumping", "riding a bicycle", "waving hand")
BASE = ("walking", "waving hand")
TOLERANCE = 1e-5
"""Of logits up to about five, so that nothing but the order of float32 sums may differ."""


def pixels() -> Tensor:
    """Two clips of three frames."""
    return torch.randn(2, 3, 3, theirs.SIDE, theirs.SIDE, generator=torch.Generator().manual_seed(3))


@dataclass(frozen=True)
class Compared:
    """An import, what the method's own code answers, and the largest difference of ours."""

    answer: Imported
    wanted: Tensor
    difference: float


def compare(method: siblings.Method, world: theirs.World, backbone: Backbone, folder: Path) -> Compared:
    """Save a checkpoint, import it, and hold the bundle against the method's own forward pass."""
    state = method.state(world, BASE)
    siblings.save(folder / method.name, method.entry, state)
    out = folder / f"{method.title} out"
    answer = import_checkpoint(folder / method.name, backbone, out=out)
    own = backbone
    if answer.backbone_folder:
        own = load_backbone(answer.backbone_folder, device="cpu", precision="float32")
    wanted = siblings.forward(state, world, pixels(), NAMES)
    with torch.no_grad():
        found = load_bundle(out).attach(own, NAMES)(pixels()).logits
    return Compared(answer, wanted, float((found - wanted).abs().max()))


def table(folder: Path) -> Iterator[str]:
    """The rows, as Markdown."""
    world = theirs.make_world(folder / "clip", SKETCH_CLIP, half=True)
    backbone = load_backbone(world.folder, device="cpu", precision="float32")
    yield "| checkpoint | keys | becomes | largest difference of logits |"
    yield "|---|---|---|---|"
    for method in siblings.METHODS:
        found = compare(method, world, backbone, folder)
        keys = [f"`{method.entry}`"]
        keys += ["`module.`"] if any(key.startswith("module.") for key in method.state(world, BASE)) else []
        prompts = found.answer.prompts
        assert prompts is not None
        told = f"a bundle, {prompts.visual_depth} visual and {prompts.text_depth} text layers"
        told += ", and a backbone" if found.answer.backbone_folder else ""
        yield f"| {method.title} | {', '.join(keys)} | {told} | {found.difference:.1g} |"
    for title, (state, _) in siblings.REFUSED.items():
        torch.save({"state_dict": state}, folder / "x.pth")
        try:
            import_checkpoint(folder / "x.pth", backbone, out=folder / "x")
        except CheckpointError as exc:
            reason = str(exc).partition(": ")[2] or str(exc).partition("' ")[2]
            yield f"| {title} | `{next(iter(state))}` | refused | {reason.rpartition('; ')[0]} |"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        sys.stdout.write("\n".join([*table(Path(made)), "", *tower_rows(Path(made))]) + "\n")
