"""The sketch backbone's model card, with figures measured on held-out clips."""

from __future__ import annotations

from pathlib import Path

from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.appearance import COLORS
from ga2app.synthetic.scenes import SCENES
from tools.backbone_accuracy import ZeroShot, zero_shot_accuracy
from tools.word_tokenizer import TEXT_POSITIONS, vocabulary

CARD = "README.md"
CARD_SEED = 1
_TEXT = """\
---
license: apache-2.0
library_name: transformers
pipeline_tag: zero-shot-image-classification
tags: [clip, drawings, ga2-studio]
---

# Sketch CLIP

A very small CLIP that **knows drawings only**: stick figures of the sketch world of GA² Studio. It is what the
studio starts with, so that every screen works at once, offline, with accuracies that mean something.

Vision: 64 px, patch 8, 128 wide, 5 layers. Text: 128 wide, 3 layers, {words} tokens, {positions} positions of which
about the first thirty are trained. Joint embedding: 128. Weights: float32 safetensors.

## What it can do

It names {actions} actions of a drawn figure ({examples} …), {scenes} scenes without a person, {colors} colors, eight
places, and "nothing", "nobody", "an object", "an animal" and the like. Held-out drawn clips, 8 frames,
"a video of a person {{}}.", all {actions} actions competing, {clips} clips of each:

| style | top-1 |
|---|---|
| plain (what it was trained on) | {plain:.1f} % |
| camcorder (a bad camera, never seen in training) | {camcorder:.1f} % |
| film (an old reel, never seen in training) | {film:.1f} % |

Hardest in `camcorder`, as (action taken for another, times): {hardest}.

## What it cannot do

* Photographs and real video: it has seen none, and its answers there mean nothing.
* Words outside its vocabulary: they become `<unk>` and say nothing.
* Left and right: drawings are mirrored in training.

## How it was made

`make sketch-clip` draws the images and trains from scratch;
`pretrain_log.jsonl` beside this card is its log. No data of anybody else is in it.
"""


def write_card(folder: Path, clips_per_class: int = 10) -> dict[str, ZeroShot]:
    """Measure the backbone in ``folder`` in every style and write its card; returns the figures by style."""
    figures = {
        style: zero_shot_accuracy(folder, style, clips_per_class, seed=CARD_SEED)
        for style in ("plain", "camcorder", "film")
    }
    names = [action.name for action in ACTIONS.values()]
    worst = figures["camcorder"].taken_for[:5]
    hardest = "; ".join(f"{ACTIONS[right].name} for {ACTIONS[answer].name}, {times}" for right, answer, times in worst)
    text = _TEXT.format(
        words=len(vocabulary()),
        positions=TEXT_POSITIONS,
        actions=len(ACTIONS),
        examples=", ".join(names[::16]),
        scenes=len(SCENES),
        colors=len(COLORS),
        clips=clips_per_class,
        hardest=hardest or "none",
        **{style: figure.top1 for style, figure in figures.items()},
    )
    (folder / CARD).write_text(text, encoding="utf-8")
    return figures
