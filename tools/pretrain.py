"""Pre-training of the sketch backbone: a small CLIP on plain drawings with composed captions.

The loss is half a symmetric contrastive term, in which every caption of the batch that is true of an image is a
positive, plus twice a cross-entropy over the names of all subjects under one random template a step.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import CLIPConfig, CLIPModel, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from ga2app.config import TEMPLATE
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.appearance import COLORS, PLACES, SIZES
from ga2app.video.pixels import normalize as normalize_unit
from tools.captions import Fact, action_template, scene_template
from tools.drawing_pool import IMAGE_PX, RESIZED_PX, SUBJECTS, Chunk, ImagePool, class_names, draw_chunk
from tools.save_clip import append_log, save_folder
from tools.word_tokenizer import TEXT_POSITIONS, build_tokenizer

logger = logging.getLogger(__name__)
HELD_OUT_STREAM = 1_000_003


@dataclass(frozen=True)
class PretrainConfig:
    """Everything that decides the weights. Times in seconds; ``save_every_s`` 0 saves at the end alone.

    ``captioned`` images of a batch take part in the contrastive term. For the first ``sparse_share`` of the steps an
    image is seen through its ``sparse_patches`` patches of most contrast, afterwards whole.
    """

    seed: int = 0
    steps: int = 3000
    batch: int = 192
    lr: float = 1.5e-3
    weight_decay: float = 0.1
    beta2: float = 0.98
    warmup_steps: int = 200
    captioned: int = 96
    sparse_share: float = 0.75
    sparse_patches: int = 32
    contrastive_weight: float = 0.5
    class_weight: float = 2.0
    chunks: int = 12
    chunk_images: int = 4096
    refresh_every: int = 40
    log_every: int = 25
    evaluate_every: int = 250
    held_out_images: int = 960
    save_every_s: float = 480.0
    threads: int = 1


class Batch(NamedTuple):
    """``pixels`` (B, 3, S, S) normalized, ``classes`` (B,), ``captions`` B texts, ``positives`` (B images, B texts)."""

    pixels: Tensor
    classes: Tensor
    captions: list[str]
    positives: Tensor


class Losses(NamedTuple):
    """The loss and its named parts, scalars."""

    contrastive: Tensor
    names: Tensor
    total: Tensor


def build_model(tokenizer: PreTrainedTokenizerFast) -> CLIPModel:
    """The untrained sketch CLIP: vision 128 wide, 5 layers, patch 8; text 128 wide, 3 layers; embedding 128."""
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "max_position_embeddings": TEXT_POSITIONS,
        "projection_dim": 128,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "hidden_size": 128,
        "intermediate_size": 512,
        "num_hidden_layers": 5,
        "num_attention_heads": 4,
        "image_size": IMAGE_PX,
        "patch_size": 8,
        "projection_dim": 128,
    }
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=128)
    build: Any = CLIPModel._from_config  # not annotated by transformers
    model: CLIPModel = build(config, attn_implementation="eager")
    return model


def learning_rate(step: int, config: PretrainConfig) -> float:
    """Linear warm-up, then cosine to zero at ``config.steps``."""
    if step < config.warmup_steps:
        return config.lr * (step + 1) / config.warmup_steps
    share = (step - config.warmup_steps) / max(1, config.steps - config.warmup_steps)
    return config.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def _codes(facts: Sequence[Fact]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """(N, 5) integers for person, subject, color, place and size; -1 is left open."""
    tables: tuple[list[Any], ...] = ([False, True], list(SUBJECTS), list(COLORS), list(PLACES), list(SIZES))
    rows = [(fact.person, fact.subject, fact.color, fact.place, fact.size) for fact in facts]
    return np.array([[-1 if v is None else t.index(v) for v, t in zip(row, tables, strict=True)] for row in rows])


def true_of(stated: Sequence[Fact], shown: Sequence[Fact]) -> Tensor:
    """Which captions are true of which images: bool (images, captions)."""
    said, seen = _codes(stated)[None], _codes(shown)[:, None]
    holds = ((said == -1) | (said == seen)).all(-1)
    for column, fact in enumerate(stated):
        if fact.kind is not None:
            holds[:, column] = [fact.holds_for(image) for image in shown]
    return torch.from_numpy(holds)


def normalize(pixels: Tensor) -> Tensor:
    """uint8 or float (…, 3, S, S) in 0 … 255 → CLIP-normalized float32."""
    return normalize_unit(pixels.float() / 255.0)


def take_batch(pool: ImagePool, rng: np.random.Generator, count: int) -> Batch:
    """A batch with a slightly moved crop and a mild gain and offset for each image."""
    crops, classes, captions, stated, shown = [], [], [], [], []
    middle = (RESIZED_PX - IMAGE_PX) // 2
    for chunk, row in pool.sample(rng, count):
        top, left = (int(middle + value) for value in rng.integers(-3, 4, 2))
        gain, offset = rng.uniform(0.92, 1.06), rng.uniform(-8, 8)
        crop = chunk.pixels[row, top : top + IMAGE_PX, left : left + IMAGE_PX]
        crops.append(np.clip(crop * np.float32(gain) + np.float32(offset), 0, 255))
        classes.append(chunk.classes[row])
        captions.append(chunk.captions[row])
        stated.append(chunk.stated[row])
        shown.append(chunk.shown[row])
    pixels = normalize(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2))
    return Batch(pixels, torch.tensor(np.array(classes)), captions, true_of(stated, shown))


def named_prompts(rng: np.random.Generator) -> list[str]:
    """Every subject's name under one action template and one scene template: C texts."""
    action, scene = action_template(rng), scene_template(rng)
    names = class_names()
    return [(action if index < len(ACTIONS) else scene).format(name) for index, name in enumerate(names)]


def encode_texts(model: CLIPModel, tokenizer: PreTrainedTokenizerBase, texts: list[str]) -> Tensor:
    """Text features of length one: (N, D)."""
    tokens = tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
    features = model.get_text_features(input_ids=tokens.input_ids, attention_mask=tokens.attention_mask)
    return nn.functional.normalize(features.pooler_output.float(), dim=-1)


def encode_images(model: CLIPModel, pixels: Tensor, keep: int | None = None) -> Tensor:
    """Image features (N, D) of pixels (N, 3, S, S), NOT normalized; ``keep`` patches of each, or all.

    Most of a drawing is blank. Leaving out the patches with the least contrast halves the cost of a step.
    """
    vision = model.vision_model
    hidden = vision.embeddings(pixels)  # (N, 1 + patches, Dv)
    if keep is not None:
        side = vision.config.patch_size
        patches = pixels.unfold(2, side, side).unfold(3, side, side)  # (N, 3, rows, columns, side, side)
        contrast = patches.var(dim=(-1, -2)).sum(1).flatten(1)  # (N, patches)
        kept = contrast.topk(keep, dim=1).indices + 1
        rows = torch.cat([torch.zeros_like(kept[:, :1]), kept], dim=1)
        hidden = hidden.gather(1, rows[..., None].expand(-1, -1, hidden.shape[2]))  # (N, 1 + keep, Dv)
    output = vision.encoder(inputs_embeds=vision.pre_layrnorm(hidden)).last_hidden_state
    features: Tensor = model.visual_projection(vision.post_layernorm(output[:, 0])).float()
    return features


def compute_losses(
    model: CLIPModel,
    tokenizer: PreTrainedTokenizerFast,
    batch: Batch,
    prompts: list[str],
    config: PretrainConfig,
    keep: int | None = None,
) -> Losses:
    """Both terms of one batch under bfloat16 autocast; features and logits are float32.

    The contrastive term sees the first ``config.captioned`` images, the other term all of them. ``keep`` is the
    number of patches that an image is seen through, None for all.
    """
    captioned = batch.captions[: config.captioned]
    count = len(captioned)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        images = encode_images(model, batch.pixels, keep)
        texts = encode_texts(model, tokenizer, [*captioned, *prompts])
    images = nn.functional.normalize(images, dim=-1)
    scale = model.logit_scale.exp().clamp(max=100.0)
    captions, names = texts[:count], texts[count:]
    logits = scale * images[:count] @ captions.T  # (captioned images, captions)
    wanted = batch.positives[:count, :count].float()
    by_image = nn.functional.cross_entropy(logits, wanted / wanted.sum(1, keepdim=True))
    by_text = nn.functional.cross_entropy(logits.T, wanted.T / wanted.T.sum(1, keepdim=True))
    contrastive = (by_image + by_text) / 2
    classes = nn.functional.cross_entropy(scale * images @ names.T, batch.classes)
    return Losses(contrastive, classes, config.contrastive_weight * contrastive + config.class_weight * classes)


@torch.no_grad()
def frame_accuracy(model: CLIPModel, tokenizer: PreTrainedTokenizerFast, held_out: Chunk) -> float:
    """Zero-shot top-1 in percent a frame, all actions competing, on the held-out images that show an action."""
    rows = held_out.classes < len(ACTIONS)
    edge = (RESIZED_PX - IMAGE_PX) // 2
    crops = held_out.pixels[rows, edge : edge + IMAGE_PX, edge : edge + IMAGE_PX]
    prompts = [TEMPLATE.format(name) for name in class_names()[: len(ACTIONS)]]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        names = encode_texts(model, tokenizer, prompts)
        images = encode_images(model, normalize(torch.from_numpy(crops).permute(0, 3, 1, 2)))
    right = (images @ names.T).argmax(1) == torch.from_numpy(held_out.classes[rows])
    return 100.0 * right.float().mean().item()


def _optimizer(model: CLIPModel, config: PretrainConfig) -> torch.optim.AdamW:
    decayed = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, config.beta2), eps=1e-6)


def pretrain(config: PretrainConfig, out_folder: Path, log: Path | None = None) -> float:
    """Train the sketch backbone from scratch and save it as a Hugging Face folder; returns held-out top-1 a frame.

    ``log`` (JSON lines) lies beside the weights unless a path is given. A usable folder is written every
    ``config.save_every_s`` seconds, each file replaced atomically. The same config gives the same weights.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    rng = np.random.default_rng((config.seed, 7))
    tokenizer = build_tokenizer()
    model = build_model(tokenizer).train()
    optimizer = _optimizer(model, config)
    held_out = draw_chunk(config.seed + HELD_OUT_STREAM, 0, config.held_out_images)
    log = log or out_folder / "pretrain_log.jsonl"
    append_log(log, {"config": asdict(config)}, fresh=True)
    started = saved = time.monotonic()
    accuracy = 0.0
    with closing(ImagePool(config.seed, config.chunks, config.chunk_images)) as pool:
        for step in range(config.steps):
            lr = learning_rate(step, config)
            for group in optimizer.param_groups:
                group["lr"] = lr
            keep = config.sparse_patches if step < config.sparse_share * config.steps else None
            batch = take_batch(pool, rng, config.batch)
            losses = compute_losses(model, tokenizer, batch, named_prompts(rng), config, keep)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(losses.total)
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            if (step + 1) % config.refresh_every == 0:
                pool.advance()
            last = step + 1 == config.steps
            row: dict[str, float] = {}
            if (step + 1) % config.evaluate_every == 0 or last:
                accuracy = frame_accuracy(model, tokenizer, held_out)
                row["held_out_top1"] = round(accuracy, 2)
            if row or (step + 1) % config.log_every == 0:
                row |= {"step": step + 1, "lr": lr, "seconds": round(time.monotonic() - started, 1)}
                row |= {name: round(part.item(), 4) for name, part in losses._asdict().items()}
                append_log(log, row)
                logger.info("%s", row)
            if last or 0 < config.save_every_s < time.monotonic() - saved:
                saved = time.monotonic()
                save_folder(model, tokenizer, out_folder)
    return accuracy
