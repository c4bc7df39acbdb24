"""Whether saliency lies on the actor, on drawn clips, where the actor's pixels are known.

    python -m benchmarks.saliency --clips 24 --bundle bundle

Notation: T frames, S side in pixels, G cells a side.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.actor_mask import actor_mask
from ga2app.bundles import Bundle, load_folder
from ga2app.cli import common
from ga2app.clip import Backbone, load_backbone
from ga2app.config import SKETCH
from ga2app.errors import DatasetError
from ga2app.inference.explanations import Method, ScoreKind, Ways, contrast, default_cells, explain_pixels
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.synthetic.actions import ACTIONS, DEMO_BASE, DEMO_NOVEL
from ga2app.synthetic.appearance import STYLES
from ga2app.synthetic.demo_dataset import CLIP_PX
from ga2app.synthetic.figure import Subject
from ga2app.synthetic.world import clip_frames
from ga2app.types import LabelKind
from ga2app.video.pixels import denormalize, frames_to_pixels

STREAM = 9701
"""Keeps these clips apart from all that anything is trained on."""

PLAIN, CONTRAST, AREA = "zero-shot CLIP", "contrast", "area"


TOUCHED = 0.02
"""The share of a cell's pixels from which on the actor touches it."""


@dataclass(frozen=True)
class Pointing:
    """Shares between 0 and 1. ``area`` is what saliency that knows nothing would get in place of ``share``.

    ``share``: how much of the positive saliency falls on the actor's pixels, each cell's spread evenly over its
    pixels. ``most`` is what the best possible saliency gets at this size of cells, all of it in the cell that the
    actor fills most. ``hit``: whether the strongest cell is one that the actor touches, ``touched`` the share of such
    cells, by which chance alone would hit.
    """

    share: float
    area: float
    most: float
    hit: bool
    touched: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def point(cells: NDArray[np.floating], actor: NDArray[np.floating]) -> Pointing:
    """How saliency ``cells`` (T, G, G) lies on the ``actor`` (T, S, S), 0 to 1 in each pixel.

    Without positive saliency the share is that of the area. Raises ValueError unless G divides S.
    """
    frames, count, _ = cells.shape
    side, rest = divmod(actor.shape[1], count)
    if rest or actor.shape != (frames, side * count, side * count):
        raise ValueError(f"an actor of shape {actor.shape} cannot be divided into cells of shape {cells.shape}")
    filled = actor.reshape(frames, count, side, count, side).mean(axis=(2, 4), dtype=np.float64)  # (T, G, G)
    positive = np.maximum(cells, 0).astype(np.float64)
    area = float(filled.mean())
    share = float((positive * filled).sum() / positive.sum()) if positive.sum() > 0 else area
    strongest = filled.reshape(-1)[int(cells.argmax())]
    return Pointing(share, area, float(filled.max()), bool(strongest > TOUCHED), float((filled > TOUCHED).mean()))


@dataclass(frozen=True)
class CheckedClip:
    """One drawn clip: its label, whether the bundle was trained on it, and where saliency lies, by its source."""

    label: str
    kind: LabelKind
    found: Mapping[str, Pointing]


@dataclass(frozen=True)
class Check:
    """All checked clips, and how they were drawn and explained. ``cells`` is the number of cells a side."""

    style: str
    frames: int
    method: str
    score: str
    cells: int
    clips: tuple[CheckedClip, ...]

    def shares(self) -> dict[str, list[float]]:
        """Share of positive saliency on the actor's pixels in each clip; "area" is the actor's share of the picture."""
        shares = {name: [clip.found[name].share for clip in self.clips] for name in self.clips[0].found}
        return shares | {AREA: [clip.found[PLAIN].area for clip in self.clips]}

    def hits(self) -> dict[str, list[float]]:
        """Whether the strongest cell touches the actor; for "area" how often chance alone would."""
        hits = {name: [float(clip.found[name].hit) for clip in self.clips] for name in self.clips[0].found}
        return hits | {AREA: [clip.found[PLAIN].touched for clip in self.clips]}

    def most(self) -> float:
        """The highest mean share that saliency in cells of this size can reach."""
        return float(np.mean([clip.found[PLAIN].most for clip in self.clips]))

    def to_dict(self) -> dict[str, Any]:
        shares, hits = (
            {name: float(np.mean(values)) for name, values in figures.items()}
            for figures in (self.shares(), self.hits())
        )
        return asdict(self) | {"share": shares, "hit": hits, "most": self.most()}


def check(backbone: Backbone, bundle: Bundle | None, count: int, style: str, frames: int, ways: Ways) -> Check:
    """Draw ``count`` clips and explain the right label of each, among the bundle's labels or those of the demo.

    Raises DatasetError for a style that does not exist, and where the sketch world cannot draw a bundle's labels.
    """
    if style not in STYLES:
        raise DatasetError(f"style '{style}' does not exist; choose one of {', '.join(STYLES)}")
    by_name = {subject.name: subject for subject in ACTIONS.values()}
    base = bundle.manifest.base if bundle else tuple(ACTIONS[key].name for key in DEMO_BASE)
    novel = bundle.manifest.novel if bundle else tuple(ACTIONS[key].name for key in DEMO_NOVEL)
    names = [*base, *novel]
    models = {PLAIN: plain_clip(backbone, names)}
    if bundle is not None:
        models["bundle"] = PromptedClip(backbone, bundle.learner(), names, bundle.whitening()).eval()
    cells = ways.cells or default_cells(models[PLAIN], ways.method)
    clips = []
    for number, (name, kind) in enumerate(_turns(base, novel, by_name, count)):
        pixels, actor = _draw(backbone, by_name[name], style, (0, STREAM, number), frames)
        maps = {
            title: explain_pixels(model, pixels, names.index(name), ways=ways).saliency.cells
            for title, model in models.items()
        }
        maps[CONTRAST] = contrast(pixels, cells).numpy()
        clips.append(CheckedClip(name, kind, {title: point(found, actor) for title, found in maps.items()}))
    return Check(style, frames, ways.method.value, ways.score.value, cells, tuple(clips))


def _turns(
    base: Sequence[str], novel: Sequence[str], known: dict[str, Subject], count: int
) -> list[tuple[str, LabelKind]]:
    """``count`` labels that can be drawn, base and novel ones in turn."""
    groups = [
        [(name, kind) for name in names if name in known]
        for names, kind in ((base, LabelKind.BASE), (novel, LabelKind.NOVEL))
    ]
    groups = [group for group in groups if group]
    if not groups or len(base) + len(novel) < 2:
        raise DatasetError(
            f"the sketch world can draw none of the bundle's labels ({', '.join([*base, *novel][:5])}), or there is "
            "only one; the check needs a bundle that was trained on drawn actions, or none"
        )
    return [groups[turn % len(groups)][turn // len(groups) % len(groups[turn % len(groups)])] for turn in range(count)]


def _draw(
    backbone: Backbone, subject: Subject, style: str, seed: tuple[int, ...], frames: int
) -> tuple[torch.Tensor, NDArray[np.float32]]:
    """A clip's pixels (T, 3, S, S) and how much of each is the actor's (T, S, S): both through the same crop."""
    how = backbone.preprocessing
    drawn = clip_frames(subject, style, seed, frames, CLIP_PX)
    mask = (actor_mask(subject, style, seed, frames, CLIP_PX) * 255).round().astype(np.uint8)
    seen = denormalize(frames_to_pixels(mask[..., None].repeat(3, axis=-1), how), how)[:, 0]  # (T, S, S)
    return frames_to_pixels(drawn, how), seen.clamp(0, 1).numpy()


def check_lines(found: Check) -> list[str]:
    """The figures of a check, with their standard errors."""
    lines = [
        f"{len(found.clips)} clips in {found.style} style, {found.frames} frames, {found.method} of the {found.score}, "
        f"{found.cells}x{found.cells} cells"
    ]
    shares, hits = found.shares(), found.hits()
    rows = {name: [_mean(values), _mean(hits[name])] for name, values in shares.items()}
    rows["best possible"] = [f"{100 * found.most():5.1f}", "100.0"]
    lines += common.table("", ("saliency on the actor, %", "strongest cell on the actor, %"), rows).splitlines()
    if "bundle" in shares:
        change = np.subtract(shares["bundle"], shares[PLAIN])
        lines.append(f"bundle less zero-shot CLIP, clip by clip: {_mean(change.tolist(), sign='+')}")
    return lines


def _mean(values: list[float], sign: str = "") -> str:
    """Mean and standard error in percent."""
    error = np.std(values, ddof=1) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{100 * np.mean(values):{sign}5.1f} ± {100 * error:.1f}"


def main() -> None:
    """Read the options and print what they ask for."""
    parser = argparse.ArgumentParser(description="how much of the saliency lies on the actor of drawn clips")
    parser.add_argument("--clips", type=int, default=24, help="number of clips that are drawn (default 24)")
    parser.add_argument("--bundle", help="folder of a bundle that was trained on drawn actions, beside zero-shot CLIP")
    parser.add_argument("--style", default="camcorder", help="of the clips: plain, camcorder or film")
    parser.add_argument("--frames", type=int, default=4, help="frames of a clip (default 4)")
    parser.add_argument("--score", choices=list(ScoreKind), default=ScoreKind.MARGIN)
    parser.add_argument("--method", choices=list(Method), default=Method.GRADIENT)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    bundle = load_folder(chosen.bundle) if chosen.bundle else None
    backbone = load_backbone(str(bundle.manifest.backbone["name"]) if bundle else SKETCH)
    ways = Ways(ScoreKind(chosen.score), Method(chosen.method))
    found = check(backbone, bundle, chosen.clips, chosen.style, chosen.frames, ways)
    print(json.dumps(found.to_dict(), indent=2) if chosen.json else "\n".join(check_lines(found)))


if __name__ == "__main__":
    main()
