"""What benchmarks/speed.py measures on: a CLIP of a real shape with random weights, prompts, labels and clips."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
TOKENIZER = PROJECT.parent / "shared" / "clip-tokenizer"
"""The tokenizer of OpenAI's CLIP, where it lies beside the checkout; a drawn one of as many entries otherwise."""

VOCABULARY, POSITIONS = 49408, 77
_DOING = (
    "riding throwing catching kicking washing cutting opening closing carrying painting cleaning lifting holding "
    "pushing pulling turning moving building breaking drawing eating cooking playing reading buying selling showing "
    "hiding finding making"
).split()
_THINGS = (
    "ball bike horse door box car dog hair fish fruit paper rope wall drum boat tree cat cup book bag bread cake chair "
    "table bed bird camera card clock coat egg flag flower food guitar hat key"
).split()


@dataclass(frozen=True)
class Sizes:
    """Shapes of all rows: ViT-B/16 and the counts of the table."""

    image_px: int = 224
    patch_px: int = 16
    visual_width: int = 768
    visual_heads: int = 12
    text_width: int = 512
    text_heads: int = 8
    layers: int = 12
    length: int = 16
    depth: int = 9
    frames: int = 8
    batch: int = 4
    classes: int = 25
    recognized: int = 16
    recognized_frames: int = 16
    recognized_labels: int = 51
    quick_steps: int = 10
    drawn_clips: int = 30
    clip_frames: int = 75
    clip_px: int = 240
    imported: int = 10_000
    matmul: int = 2048
    listed: int = 60_000


SMALL = Sizes(32, 16, 32, 2, 32, 2, 3, 4, 2, 2, 2, 5, 2, 2, 5, 1, 4, 12, 48, 8, 64, 200)
"""Shapes that take seconds, to see that every row works; their figures mean nothing."""


def labels_of(count: int) -> list[str]:
    """So many action names of two words, as data sets have them; at most 1,110."""
    names = [f"{doing} {thing}" for thing in _THINGS for doing in _DOING]
    return names[:count]


def save_clip(folder: Path, sizes: Sizes) -> Path:
    """A CLIP of these shapes with random weights, in the format in which transformers saves them."""
    import torch
    from transformers import CLIPConfig, CLIPModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder.mkdir(parents=True)
    tokenizer = _save_tokenizer(folder)
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}

    def tower(width: int, heads: int) -> dict[str, Any]:
        shape = {"hidden_size": width, "num_attention_heads": heads, "num_hidden_layers": sizes.layers}
        return shape | {"intermediate_size": 4 * width, "projection_dim": sizes.text_width}

    text = tower(sizes.text_width, sizes.text_heads)
    text |= {**ids, "vocab_size": len(tokenizer), "max_position_embeddings": POSITIONS}
    vision = tower(sizes.visual_width, sizes.visual_heads)
    vision |= {"image_size": sizes.image_px, "patch_size": sizes.patch_px}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=sizes.text_width)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        CLIPModel(config).save_pretrained(folder)
    return folder


def _save_tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    if TOKENIZER.is_dir():
        for file in TOKENIZER.iterdir():
            shutil.copy(file, folder)
    else:
        sketch = PROJECT / "assets" / "sketch-clip"
        document = json.loads((sketch / "tokenizer.json").read_text())
        words = document["model"]["vocab"]
        for word in sorted({word for label in labels_of(2000) for word in label.split()} - set(words)):
            words[word] = len(words)
        words |= {f"word{number}": number for number in range(len(words), VOCABULARY)}
        (folder / "tokenizer.json").write_text(json.dumps(document))
        shutil.copy(sketch / "tokenizer_config.json", folder)
    return AutoTokenizer.from_pretrained(folder)


def tokens_of(folder: Path, texts: Sequence[str], length: int) -> dict[str, list[Any]]:
    """Token ids at all 77 positions, ``length`` places for a context behind the start, and where each text ends."""
    from transformers import AutoTokenizer

    tokenizer, ids, ends = AutoTokenizer.from_pretrained(folder), [], []
    start, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    for text in texts:
        words = tokenizer(text, add_special_tokens=False)["input_ids"]
        row = [start, *[end] * length, *words, end]
        ends.append(len(row) - 1)
        ids.append(row + [end] * (POSITIONS - len(row)))
    return {"ids": ids, "ends": ends}


def save_inputs(file: Path, sizes: Sizes) -> Path:
    """Prompts, pixels of the clips and of one anchor, and targets, all drawn: the same for every side."""
    import torch
    from safetensors.torch import save_file

    random = torch.Generator().manual_seed(1)

    def drawn(*shape: int, scale: float = 0.02) -> torch.Tensor:
        return torch.randn(*shape, generator=random) * scale

    text, length, side = sizes.text_width, sizes.length, sizes.image_px
    tensors = {
        "visual": drawn(sizes.depth, length, sizes.visual_width),
        "soft": drawn(length, text),
        "hard": drawn(length, text),
        "text": drawn(sizes.depth - 1, length, text),
        "coupling.weight": drawn(text, 2 * text, scale=1 / math.sqrt(2 * text)),
        "coupling.bias": drawn(text),
        "pixels": drawn(sizes.batch, sizes.frames, 3, side, side, scale=1.0),
        "anchors": drawn(1, sizes.frames, 3, side, side, scale=1.0),
        "targets": torch.arange(sizes.batch) % sizes.classes,
    }
    save_file(tensors, file)
    return file


def draw_clips(folder: Path, sizes: Sizes) -> list[str]:
    """Clips 4:3 with something that moves and some noise, which is what a codec works for."""
    from ga2app.video.writer import write_clip

    folder.mkdir(parents=True)
    height, width = sizes.clip_px, sizes.clip_px * 4 // 3
    rows, columns = np.mgrid[:height, :width]
    made = []
    for number in range(sizes.drawn_clips):
        random, frames = np.random.default_rng(number), []
        for moment in range(sizes.clip_frames):
            wave = 120 + 60 * np.sin((columns + 5 * moment + 31 * number) / 37) + 40 * np.cos(rows / 23)
            noisy = wave + random.normal(0, 4, (height, width))
            frames.append(np.stack([noisy, np.roll(noisy, 20, 1), np.roll(noisy, 40, 0)], axis=-1).clip(0, 255))
        made.append(folder / f"{number:03d}.mp4")
        write_clip(made[-1], np.array(frames, dtype=np.uint8), 25)
    return [str(path) for path in made]


def write_list(file: Path, count: int) -> Path:
    """A list of ``count`` clips of 100 labels, which says neither train nor test."""
    labels = labels_of(100)
    lines = [f"{labels[number % 100]}/clip_{number:06d}.mp4,{labels[number % 100]}\n" for number in range(count)]
    file.write_text("path,label\n" + "".join(lines))
    return file


def draw_data_set(folder: Path, count: int) -> Path:
    """``count`` small clips in four class folders, each of another content: one drawn clip, and a number behind it.

    An MP4 may end in a box that players skip ("free"), so that each file is decoded alike and copied by none.
    """
    from ga2app.video.writer import write_clip

    folder.mkdir(parents=True)
    moving = np.random.default_rng(0).integers(0, 255, (12, 72, 96, 3), dtype=np.uint8)
    source = folder / "one.mp4"
    write_clip(source, moving, 8)
    content = source.read_bytes()
    source.unlink()
    for number in range(count):
        place = folder / f"class {'abcd'[number % 4]}"
        place.mkdir(exist_ok=True)
        box = (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")
        (place / f"{number:05d}.mp4").write_bytes(content + box)
    return folder
