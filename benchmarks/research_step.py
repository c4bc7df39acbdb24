"""The yardstick of benchmarks/speed.py: one step, one epoch and one recognition as research code usually has them.

Written from METHOD.md section 8, not taken from anyone's code: the vision tower over B clips and one anchor clip at
V + P tokens, every block checkpointed; the text tower over all class names at 77 positions; the frozen text tower over
the negatives in every step; QuickGELU as ``x * sigmoid(1.702 x)``; attention through ``nn.MultiheadAttention``; decord
frame by frame, PIL transforms, one ``DataLoader``. Nothing of ga2app is used.

Notation: B clips, T frames, N sequences, L positions, P prompt tokens, C classes, D width.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

POSITIONS = 77
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
LUMA = (0.299, 0.587, 0.114)


class QuickGelu(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(1.702 * x)


class Block(nn.Module):
    """One residual attention block over (L, N, D), the layout of OpenAI's CLIP."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads)
        self.before, self.behind = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, inner), QuickGelu(), nn.Linear(inner, width))

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        normed = self.before(x)
        x = x + self.attention(normed, normed, normed, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.behind(x))

    def take(self, weights: Mapping[str, Tensor], prefix: str) -> None:
        """Weights of a transformers CLIP layer."""

        def both(name: str, ours: str) -> dict[str, Tensor]:
            return {f"{ours}.{kind}": weights[f"{prefix}.{name}.{kind}"] for kind in ("weight", "bias")}

        state = both("layer_norm1", "before") | both("layer_norm2", "behind")
        state |= both("mlp.fc1", "mlp.0") | both("mlp.fc2", "mlp.2") | both("self_attn.out_proj", "attention.out_proj")
        for kind in ("weight", "bias"):
            parts = [weights[f"{prefix}.self_attn.{one}_proj.{kind}"] for one in "qkv"]
            state[f"attention.in_proj_{kind}"] = torch.cat(parts)
        self.load_state_dict(state)


class Tower(nn.Module):
    """The blocks of one tower, with deep prompts at the places that ``put`` knows."""

    def __init__(self, settings: Mapping[str, Any], weights: Mapping[str, Tensor], prefix: str) -> None:
        super().__init__()
        width, heads, inner = (settings[key] for key in ("hidden_size", "num_attention_heads", "intermediate_size"))
        self.blocks = nn.ModuleList(Block(width, heads, inner) for _ in range(settings["num_hidden_layers"]))
        for number, block in enumerate(self.blocks):
            block.take(weights, f"{prefix}.encoder.layers.{number}")

    def forward(
        self,
        x: Tensor,
        prompts: Sequence[Tensor] = (),
        put: Callable[[Tensor, Tensor], Tensor] | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """``x`` (L, N, D); ``prompts`` (P, D) for the layers 1, 2, …"""
        for number, block in enumerate(self.blocks):
            if put is not None and 0 < number <= len(prompts):
                x = put(x, prompts[number - 1])
            wanted = torch.is_grad_enabled() and x.requires_grad
            x = checkpoint(block, x, mask, use_reentrant=False) if wanted else block(x, mask)
        return x


def _at_the_end(x: Tensor, prompt: Tensor) -> Tensor:
    return torch.cat([x[: -len(prompt)], prompt[:, None].expand(-1, x.shape[1], -1)])


def _behind_the_start(x: Tensor, prompt: Tensor) -> Tensor:
    return torch.cat([x[:1], prompt[:, None].expand(-1, x.shape[1], -1), x[1 + len(prompt) :]])


class ResearchClip(nn.Module):
    """A CLIP in the layout of OpenAI's code, with the weights of a folder that transformers saved. All frozen."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        config = json.loads((folder / "config.json").read_text())
        weights = load_file(folder / "model.safetensors")
        self.vision = Tower(config["vision_config"], weights, "vision_model")
        self.text = Tower(config["text_config"], weights, "text_model")
        for name in (
            "vision_model.embeddings.class_embedding",
            "vision_model.embeddings.patch_embedding.weight",
            "vision_model.embeddings.position_embedding.weight",
            "vision_model.pre_layrnorm.weight",
            "vision_model.pre_layrnorm.bias",
            "vision_model.post_layernorm.weight",
            "vision_model.post_layernorm.bias",
            "visual_projection.weight",
            "text_model.embeddings.token_embedding.weight",
            "text_model.embeddings.position_embedding.weight",
            "text_model.final_layer_norm.weight",
            "text_model.final_layer_norm.bias",
            "text_projection.weight",
            "logit_scale",
        ):
            self.register_buffer(name.replace(".", "/"), weights[name])
        self.requires_grad_(False)

    def _of(self, name: str) -> Tensor:
        return self.get_buffer(name.replace(".", "/"))

    def _norm(self, x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], self._of(f"{name}.weight"), self._of(f"{name}.bias"))

    def frames(self, pixels: Tensor, prompts: Tensor) -> Tensor:
        """Frame features (N, D) of ``pixels`` (N, 3, S, S) with visual ``prompts`` (depth, P, Dv)."""
        kernel = self._of("vision_model.embeddings.patch_embedding.weight")
        patches = functional.conv2d(pixels, kernel, stride=kernel.shape[-1]).flatten(2).transpose(1, 2)
        start = self._of("vision_model.embeddings.class_embedding").expand(len(pixels), 1, -1)
        x = torch.cat([start, patches], dim=1) + self._of("vision_model.embeddings.position_embedding.weight")
        x = torch.cat([x, prompts[0].expand(len(pixels), -1, -1)], dim=1)
        x = self._norm(x, "vision_model.pre_layrnorm").transpose(0, 1)
        x = self.vision(x, list(prompts[1:]), _at_the_end)
        return self._norm(x[0], "vision_model.post_layernorm") @ self._of("visual_projection.weight").T

    def texts(self, ids: Tensor, ends: Tensor, context: Tensor | None = None, prompts: Sequence[Tensor] = ()) -> Tensor:
        """Text features (K, D) of length 1 of token ``ids`` (K, 77) that end at ``ends`` (K,)."""
        x = self._of("text_model.embeddings.token_embedding.weight")[ids].transpose(0, 1)  # (L, K, Dt)
        if context is not None:
            x = _behind_the_start(x, context)
        positions = self._of("text_model.embeddings.position_embedding.weight")[: len(x)]
        mask = torch.full((len(x), len(x)), float("-inf")).triu(1)
        x = self.text(x + positions[:, None], prompts, _behind_the_start, mask)
        ended = self._norm(x[ends, torch.arange(len(ids))], "text_model.final_layer_norm")
        return functional.normalize(ended @ self._of("text_projection.weight").T, dim=-1)


def research_step(
    folder: str, inputs: str, tokens: Mapping[str, Any], negative: Mapping[str, Any]
) -> Callable[..., dict[str, Any]]:
    """A training step over the tensors in the file ``inputs``; a turn gives its loss and the norm of its gradient."""
    clip, held = ResearchClip(Path(folder)), load_file(inputs)
    names = ("visual", "soft", "text", "coupling.weight", "coupling.bias")
    learned = {name: nn.Parameter(held[name].clone()) for name in names}
    adam = torch.optim.AdamW(learned.values(), lr=0.0, weight_decay=1e-3)
    pixels = torch.cat([held["pixels"], held["anchors"]])  # (B + 1, T, 3, S, S)
    count, scale = len(held["pixels"]), clip.get_buffer("logit_scale").exp()
    rows, other = (tuple(torch.tensor(one[key]) for key in ("ids", "ends")) for one in (tokens, negative))

    def turn() -> dict[str, Any]:
        adam.zero_grad(set_to_none=True)
        frames = clip.frames(pixels.flatten(0, 1), learned["visual"])
        features = functional.normalize(torch.unflatten(frames, 0, pixels.shape[:2]).mean(dim=1), dim=-1)
        joined = torch.cat([held["hard"], learned["soft"]], dim=-1)
        context = functional.linear(joined, learned["coupling.weight"], learned["coupling.bias"]).relu()
        classes = clip.texts(*rows, context, list(learned["text"]))
        with torch.no_grad():
            negatives = clip.texts(*other)
        logits = scale * (features[:count] @ classes.T + features[count:] @ negatives.T)
        loss = functional.cross_entropy(logits, held["targets"])
        loss.backward()
        norm = nn.utils.get_total_norm([one.grad for one in learned.values() if one.grad is not None])
        adam.step()
        return {"loss": float(loss.detach()), "norm": float(norm)}

    return turn


class ClipFiles(torch.utils.data.Dataset[Tensor]):
    """Clips as tensors (T, 3, 224, 224): one random frame of each segment by index, augmented frame by frame."""

    def __init__(self, paths: Sequence[str], frames: int, side_px: int) -> None:
        self.paths, self.frames, self.side_px = list(paths), frames, side_px

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> Tensor:
        import decord

        reader = decord.VideoReader(self.paths[number], num_threads=1)
        bounds = [place * len(reader) // self.frames for place in range(self.frames + 1)]
        indices = [random.randrange(low, max(low + 1, high)) for low, high in zip(bounds, bounds[1:], strict=False)]
        return augmented([_picture(reader, index) for index in indices], self.side_px)


def _picture(reader: Any, index: int) -> Any:
    from PIL import Image

    return Image.fromarray(reader[min(index, len(reader) - 1)].asnumpy())


def _short_side(picture: Any, side_px: int) -> Any:
    from PIL import Image

    share = side_px / min(picture.size)
    return picture.resize([max(side_px, round(one * share)) for one in picture.size], Image.Resampling.BICUBIC)


def _tensor(picture: Any) -> Tensor:
    values = torch.from_numpy(np.asarray(picture, dtype=np.float32) / 255).permute(2, 0, 1)
    return (values - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def augmented(pictures: Sequence[Any], side_px: int) -> Tensor:
    """Short side 256 (for 224), one random resized crop, flip and gray for all frames: (T, 3, S, S)."""
    from PIL import Image

    pictures = [_short_side(one, side_px * 8 // 7) for one in pictures]
    width, height = pictures[0].size
    wide = min(width, round((width * height * random.uniform(0.5, 1)) ** 0.5))
    tall = min(height, wide)
    left, top = random.randint(0, width - wide), random.randint(0, height - tall)
    flip, gray, found = random.random() < 0.5, random.random() < 0.2, []
    for one in pictures:
        one = one.crop((left, top, left + wide, top + tall)).resize((side_px, side_px), Image.Resampling.BICUBIC)
        one = one.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else one
        found.append(_tensor(one.convert("L").convert("RGB") if gray else one))
    return torch.stack(found)


def research_epoch(paths: Sequence[str], frames: int, batch: int, side_px: int) -> Callable[..., dict[str, Any]]:
    """An epoch of data by a DataLoader of 2 workers; a turn gives the number of clips."""
    import decord  # noqa: F401  (absent: this side says so at once)

    loader = torch.utils.data.DataLoader(
        ClipFiles(paths, frames, side_px), batch, shuffle=True, num_workers=2, multiprocessing_context="fork"
    )
    return lambda: {"clips": sum(len(one) for one in loader)}


def research_recognition(
    folder: str, paths: Sequence[str], labels: Sequence[str], frames: int, side_px: int
) -> Callable[..., dict[str, Any]]:
    """CLIPModel, PIL and decord by index, one frame after the other, in float32; a turn gives the best labels."""
    import decord
    from transformers import AutoTokenizer, CLIPModel

    model, tokenizer = CLIPModel.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)

    @torch.no_grad()
    def turn() -> dict[str, Any]:
        texts = tokenizer([f"a video of a person {label}." for label in labels], padding=True, return_tensors="pt")
        classes = functional.normalize(model.get_text_features(**texts).pooler_output, dim=-1)
        best = []
        for path in paths:
            reader, seen = decord.VideoReader(path, num_threads=1), []
            for number in range(frames):
                picture = _short_side(_picture(reader, number * len(reader) // frames), side_px * 8 // 7)
                left, top = ((side - side_px) // 2 for side in picture.size)
                pixels = _tensor(picture.crop((left, top, left + side_px, top + side_px)))[None]
                seen.append(model.get_image_features(pixel_values=pixels).pooler_output)
            clip = functional.normalize(torch.cat(seen).mean(dim=0), dim=-1)
            best.append(labels[int((classes @ clip).argmax())])
        return {"best": best}

    return turn


TASKS: dict[str, Callable[..., Callable[..., dict[str, Any]]]] = {
    one.__name__: one for one in (research_step, research_epoch, research_recognition)
}
