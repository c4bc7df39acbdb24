"""Whether saliency lies on the actor, on drawn clips, where the actor's pixels are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ga2app.bundles import Bundle
from ga2app.clip import Backbone
from ga2app.errors import DatasetError
from ga2app.inference.explanations import Pointing, Ways, contrast, default_cells, explain_pixels, point
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.synthetic.actions import ACTIONS, DEMO_BASE, DEMO_NOVEL
from ga2app.synthetic.actor import actor_mask
from ga2app.synthetic.draw_clips import CLIP_PX
from ga2app.synthetic.drawing import Subject
from ga2app.synthetic.drawing_styles import STYLES
from ga2app.synthetic.world import clip_frames
from ga2app.types import LabelKind
from ga2app.video.pixels import frames_to_pixels
from ga2app.video.transforms import denormalize

STREAM = 9701
"""Keeps these clips apart from all that anything is trained on."""

PLAIN, CONTRAST, AREA = "plain CLIP", "contrast", "area"


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
            "only one; --check needs a bundle that was trained on drawn actions, or none"
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
