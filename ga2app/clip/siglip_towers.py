"""SigLIP and SigLIP 2 of fixed size: towers without a causal mask, behind the interface of a frozen CLIP.

What is other than in CLIP (Zhai and others, 2023; Tschannen and others, 2025). Texts are lower-cased and always padded
to the full length, without a mask: the last position is pooled, whatever stands there. Pictures are pooled by a probe
that attends to all patches. Each label is a class of its own there, its probability the sigmoid of τ · cosine + bias;
here labels compete, and a bias that is the same for all of them changes nothing in a softmax.

Prompts of the text tower stand before the words and take the place of as much padding, so that the pooled position
stays. Those of the vision tower stand behind the patches and are cut off before the pooling, which has learned to
attend to patches. Texts have no common beginning to share: every position sees every other.

Notation: N frames, K texts, L text positions, P prompt tokens, V patches, Dv / Dt the tower widths, D the embedding
width, S the square side in pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from ga2app.clip.frozen_clip import Backbone, shorten
from ga2app.clip.packed_texts import TokenizedText
from ga2app.clip.prompt_layers import through
from ga2app.errors import BackboneError, LabelError


class SiglipBackbone(Backbone):
    """A frozen SigLIP whose towers take prompts; ``clip`` is a ``SiglipModel``."""

    def __init__(self, clip: Any, tokenizer: Any, name: str, *how: Any, **more: Any) -> None:
        if not clip.vision_model.use_head:
            raise BackboneError(f"backbone '{name}' has no attention pooling, which SigLIP's features come out of")
        super().__init__(clip, tokenizer, name, *how, **more)
        self.start = ()

    @property
    def bias(self) -> float:
        """What SigLIP adds to τ · cosine before the sigmoid."""
        return float(self.clip.logit_bias)

    def encode_frames(self, pixels: Tensor, prompts: Sequence[Tensor] = (), *, recompute: bool = False) -> Tensor:
        """Frame features (N, D), not normalized; see ``Backbone.encode_frames``.

        The first set of ``prompts`` (P, Dv) goes in behind the patches, without a position.
        """
        vision = self.clip.vision_model
        patches = vision.embeddings(pixels)  # (N, V, Dv)
        hidden = through(vision.encoder.layers, patches, list(prompts), self.runner(recompute))
        with self.compute.autocast():
            features: Tensor = vision.head(vision.post_layernorm(hidden[:, : patches.shape[1]]))  # (N, D)
        return features.float()

    def encode_text(self, text: TokenizedText, context: Tensor | None = None, prompts: Sequence[Tensor] = ()) -> Tensor:
        """Text features (K, D) of length 1.

        ``context`` (P, Dt) takes the place of the embeddings at positions 0 … P - 1; ``prompts`` holds one set
        (P, Dt) for each of the layers 1, 2, …, which replaces those positions at that layer's input.
        """
        tower = self.clip.text_model
        places = tower.embeddings.position_embedding.weight
        words = tower.embeddings.token_embedding(text.ids) + places[: text.ids.shape[1]]  # (K, L, Dt)
        sets: list[Tensor] = []
        if context is not None or prompts:
            length = len(prompts[0] if context is None else context)
            first = words[0, :length] if context is None else context.to(places.dtype) + places[:length]
            sets, words = [first, *prompts], words[:, length:]
        hidden = through(tower.encoder.layers, words, sets, self.runner())
        with self.compute.autocast():
            features = tower.head(tower.final_layer_norm(hidden[:, words.shape[1] - 1]))  # (K, D)
        return functional.normalize(features.float(), dim=-1)

    def tokenize(self, texts: Sequence[str], prompt_length: int = 0, *, crop: bool = True) -> TokenizedText:
        """Token ids of ``texts`` with ``prompt_length`` filler positions before them, padded to all positions.

        Raises LabelError for a text with more tokens than the tower has positions. ``crop`` cuts nothing here: padding
        is part of what the tower has learned.
        """
        positions, pad = self.sizes.text_positions, self.tokenizer.pad_token_id
        rows = []
        for text in texts:
            words = list(self.tokenizer(text.lower())["input_ids"])
            if prompt_length + len(words) > positions:
                raise LabelError(
                    f"label '{shorten(text)}' has {len(words)} tokens and {self.name} has room for "
                    f"{positions - prompt_length} ({positions} positions, {prompt_length} of them prompts); use fewer "
                    "words"
                )
            rows.append([*[pad] * prompt_length, *words, *[pad] * (positions - prompt_length - len(words))])
        ends = torch.full((len(rows),), positions - 1)
        return TokenizedText(torch.tensor(rows).to(self.compute.device), ends.to(self.compute.device))
