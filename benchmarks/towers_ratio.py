"""What recognition and a Quick step cost with each kind of tower, by the bare tower's own passes in transformers.

    python benchmarks/towers_ratio.py

Random weights in the shape of a ViT-B/16. Sides take turns; each figure is the median of the ratios of neighbors.
Recognition: 4 frames and 8 labels, encoded anew. A Quick step: the prompted texts of 8 labels forward and back, by
the library's text tower over as many positions, forward and back to its input.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from transformers import CLIPConfig, CLIPModel, MetaClip2Config, MetaClip2Model, SiglipConfig, SiglipModel

from ga2app.clip import Backbone
from ga2app.clip.compute import settle
from ga2app.clip.siglip_towers import SiglipBackbone
from ga2app.config import PromptConfig
from ga2app.method.prompted_model import PromptedClip
from ga2app.method.prompts import PromptLearner

ROUNDS, FRAMES, LABELS, WORDS, PROMPTS = 5, 4, 8, 4, 16
ENDS = {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
MT5: dict[str, Any] = {"bos_token_id": None}
GELU = {"hidden_act": "gelu"}
"""The exact form, which open_clip's configurations name; its folders become these classes."""


class Words:
    """A tokenizer that makes ``WORDS`` tokens of any text."""

    eos_token_id, pad_token_id, unk_token_id = 2, 1, None

    def __init__(self, start: int | None) -> None:
        self.bos_token_id = start

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        words = [3 + (sum(map(ord, text)) + place) % 900 for place in range(WORDS)]
        return {"input_ids": [*words, 2] if add_special_tokens else words}


def main() -> None:
    text = {"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8, "vocab_size": 1000, **ENDS}
    vision, siglip = {"patch_size": 16}, {"vocab_size": 1000, **ENDS, **GELU}
    kinds: dict[str, tuple[Any, Any]] = {
        "CLIP": (CLIPModel, CLIPConfig(text_config=text, vision_config=vision)),
        "MetaCLIP 2": (MetaClip2Model, MetaClip2Config(text_config=text, vision_config=vision)),
        "MetaCLIP 2, mT5": (MetaClip2Model, MetaClip2Config(text_config={**text, **MT5}, vision_config=vision)),
        "SigLIP": (SiglipModel, SiglipConfig(text_config={"vocab_size": 1000, **ENDS})),
        "open_clip, CLIP": (CLIPModel, CLIPConfig(text_config={**text, **GELU}, vision_config=vision | GELU)),
        "open_clip, SigLIP": (SiglipModel, SiglipConfig(text_config=siglip, vision_config=vision | GELU)),
    }
    for title, (kind, config) in kinds.items():
        recognition, step = measured(title, kind, config)
        sys.stdout.write(f"{title}: recognition {recognition:.2f} x, Quick step {step:.2f} x\n")
        sys.stdout.flush()


def measured(title: str, kind: Any, config: Any) -> tuple[float, float]:
    """Both ratios of one kind of tower."""
    library = kind(config).eval().requires_grad_(False)
    made = SiglipBackbone if kind is SiglipModel else Backbone
    own = kind(config)
    own.load_state_dict(library.state_dict())
    backbone = made(own, Words(config.text_config.bos_token_id), title, None, settle("cpu", "float32"))
    pixels, labels = torch.randn(FRAMES, 3, 224, 224), [f"label {number}" for number in range(LABELS)]
    length = len(backbone.start) + WORDS + 1
    ids = torch.randint(3, 900, (LABELS, backbone.sizes.text_positions if made is SiglipBackbone else length))
    ids[:, -1] = 2

    def bare() -> None:
        with torch.no_grad():
            library.get_image_features(pixel_values=pixels)
            library.get_text_features(input_ids=ids)

    def ours() -> None:
        with torch.no_grad():
            backbone.encode_frames(pixels)
            backbone.encode_text(backbone.tokenize(labels))

    sizes = backbone.sizes
    learned = PromptLearner(PromptConfig(PROMPTS, 0, 9, coupled=False), sizes.visual_width, sizes.text_width)
    model = PromptedClip(backbone, learned, labels).train()
    positions = sizes.text_positions if made is SiglipBackbone else length + PROMPTS
    states = torch.randn(LABELS, positions, sizes.text_width, requires_grad=True)
    mask = None if made is SiglipBackbone else torch.full((positions, positions), float("-inf")).triu(1)[None, None]

    def bare_step() -> None:
        hidden = states
        for layer in library.text_model.encoder.layers:
            hidden = layer(hidden, mask)
        hidden.sum().backward()

    def our_step() -> None:
        model.encode_labels().sum().backward()

    return ratio(ours, bare), ratio(our_step, bare_step)


def ratio(ours: Callable[[], None], bare: Callable[[], None]) -> float:
    """Of the time that ``ours`` takes, by that of ``bare`` beside it."""
    found = []
    for number in range(ROUNDS + 1):
        took = []
        for side in (ours, bare):
            began = time.perf_counter()
            side()
            took.append(time.perf_counter() - began)
        found += [took[0] / took[1]] if number else []
    return statistics.median(found)


if __name__ == "__main__":
    main()
