"""A frozen CLIP: its tokenizer, and its two towers with places for prompts.

Notation: N frames, K texts, L text positions, P prompt
tokens, Dv / Dt the tower widths, D the embedding width, S the square side in pixels.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ga2app.clip.compute import Compute
from ga2app.clip.fingerprints import fingerprint, hash_weights, six_tensor_fingerprint
from ga2app.clip.packed_texts import TokenizedText as TokenizedText
from ga2app.clip.prompt_layers import FrozenLayer, Recomputed, freeze_layers, through
from ga2app.clip.turns import let_others_in
from ga2app.config import AUTO, TEMPLATE
from ga2app.errors import LabelError
from ga2app.labels import spoken
from ga2app.video.preprocessing import Preprocessing, clip_preprocessing

TEXT_CHUNK = 128
"""Texts that pass the text tower at once, outside training."""
KEPT_TEXTS = 20_000
"""Texts whose features are kept: 40 MB of a CLIP whose embeddings are 512 wide."""


@dataclass(frozen=True)
class TowerSizes:
    """Shapes of a CLIP: widths Dv, Dt, D, layers of each tower, image side S in pixels, text positions."""

    visual_width: int
    text_width: int
    embedding_width: int
    visual_layers: int
    text_layers: int
    image_size: int
    text_positions: int


@dataclass(frozen=True)
class BackboneId:
    """What tells one backbone from another: its name for people, fingerprint and sizes for checks.

    ``fingerprint`` is of everything that makes its features: ``weights``, the hash of all weights and of what they
    are computed with, and ``preprocessing``. ``six_tensors`` is the fingerprint of earlier versions.
    """

    name: str
    revision: str | None
    fingerprint: str
    sizes: TowerSizes
    weights: str
    six_tensors: str
    preprocessing: Preprocessing

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"preprocessing": self.preprocessing.to_dict()}


class Backbone(nn.Module):
    """A frozen CLIP whose towers take prompts. None of its parameters ever requires a gradient."""

    def __init__(
        self,
        clip: Any,
        tokenizer: Any,
        name: str,
        revision: str | None,
        compute: Compute,
        *,
        preprocessing: Preprocessing | None = None,
        weights: str | None = None,
    ) -> None:
        """``clip`` (a ``CLIPModel``) is taken over: its layers are frozen, in the precision of ``compute``.

        ``preprocessing`` is OpenAI's unless another is given; ``weights`` is their hash where it is known.
        """
        super().__init__()
        sizes, weights = tower_sizes(clip.config), weights or hash_weights(clip)
        preprocessing = preprocessing or clip_preprocessing(sizes.image_size)
        print_of_all = fingerprint(weights, preprocessing)
        old_print = six_tensor_fingerprint(dict(clip.named_parameters()))
        self.identity = BackboneId(name, revision, print_of_all, sizes, weights, old_print, preprocessing)
        freeze_layers(clip, compute.dtype, eager=compute.attention == "eager")
        self.clip = clip.to(compute.device)
        # Text that is too long is refused in ``tokenize``, with advice; the tokenizer need not warn as well.
        tokenizer.model_max_length = sys.maxsize
        self.tokenizer = tokenizer
        self.start = () if tokenizer.bos_token_id is None else (tokenizer.bos_token_id,)
        """Of a text: nothing in a MetaCLIP 2 with the tokenizer of mT5, whose prompts come first, then."""
        self.compute = compute
        self._features: dict[tuple[str, ...], Tensor] = {}
        self.sentences: dict[str, Tensor] = {}  # text features (D,) of descriptions, by their text
        self._compiled: Any = None
        self.compile_gain = 0.0
        """How many times as fast a compiled layer was, where that was asked for."""

    @property
    def sizes(self) -> TowerSizes:
        return self.identity.sizes

    @property
    def preprocessing(self) -> Preprocessing:
        """How frames become pixels for this backbone."""
        return self.identity.preprocessing

    @property
    def name(self) -> str:
        return self.identity.name

    @property
    def attention(self) -> str:
        """The form of attention that the towers use, "sdpa" or "eager"."""
        return "eager" if self.clip.vision_model.encoder.layers[0].self_attn.eager else "sdpa"

    def use_attention(self, name: str) -> None:
        """Compute the attention of both towers as "sdpa" or "eager": the same but for rounding."""
        for tower in (self.clip.vision_model, self.clip.text_model):
            for layer in tower.encoder.layers:
                layer.self_attn.eager = name == "eager"

    def use_threads(self, count: int) -> None:
        """Compute with so many threads of a processor; 0: as many as torch takes."""
        self.compute = replace(self.compute, threads=count)

    def choices(self, processes: int = 1) -> dict[str, Any]:
        """How this backbone computes, by the names of a run's settings; ``threads`` are those of all ``processes``."""
        threads: int | str = AUTO
        if self.compute.device.type == "cpu":
            threads = processes * (self.compute.threads or torch.get_num_threads())
        return {"precision": self.compute.precision, "attention": self.attention, "threads": threads}

    @property
    def compiled(self) -> bool:
        """Whether layers of the vision tower are compiled where nothing wants a gradient."""
        return self._compiled is not None

    def compile_layers(self, wanted: bool = True, backend: str = "inductor") -> None:
        """Let torch compile the layers of the vision tower, in the first pass, for passes without gradients.

        All layers share what is compiled. Features are the same but for rounding.
        """
        self._compiled = torch.compile(FrozenLayer.forward, backend=backend) if wanted else None

    def compiled_layer(self, layer: FrozenLayer, hidden: Tensor, shared: Tensor | None) -> Tensor:
        """``layer(hidden, shared)``, compiled once for any number of frames."""
        dynamo: Any = torch._dynamo
        dynamo.maybe_mark_dynamic(hidden, 0)
        out: Tensor = self._compiled(layer, hidden, shared)
        return out

    def runner(self, recompute: bool = False) -> Callable[..., Tensor]:
        """What calls a layer of a tower without a mask: compiled, or with less in memory, where that is asked for."""
        if torch.is_grad_enabled():
            return Recomputed.apply if recompute else FrozenLayer.__call__
        return self.compiled_layer if self.compiled else FrozenLayer.__call__

    @property
    def scale(self) -> float:
        """τ, the factor of the cosines."""
        return float(self.clip.logit_scale.exp())

    def train(self, mode: bool = True) -> Backbone:
        """A frozen backbone has no training mode."""
        return super().train(False)

    def encode_frames(self, pixels: Tensor, prompts: Sequence[Tensor] = (), *, recompute: bool = False) -> Tensor:
        """Frame features (N, D), not normalized, of CLIP-normalized ``pixels`` (N, 3, S, S).

        ``prompts`` holds one set (P, Dv) for each prompted layer: the first is appended at the end of the
        sequence without a position, each further one replaces the last P tokens at the input of its layer. With
        ``recompute``, gradient checkpointing, the graph holds the layers' inputs alone, and going back takes longer.
        """
        vision, sets = self.clip.vision_model, list(prompts)
        hidden = vision.pre_layrnorm(vision.embeddings(pixels))  # (N, V, Dv)
        if sets:
            sets[0] = vision.pre_layrnorm(sets[0])
        *layers, last = vision.encoder.layers
        hidden = through(layers, hidden, sets, self.runner(recompute))  # (N, V or V + P, Dv)
        # Of the last layer only the first position is read, so that nothing else of it is computed.
        first = last.first(hidden, sets[-1] if len(sets) > len(layers) else None)  # (N, Dv)
        pooled = vision.post_layernorm(first)
        features: Tensor = self.clip.visual_projection(pooled.to(self.compute.dtype))  # (N, D)
        return features.float()

    def encode_text(self, text: TokenizedText, context: Tensor | None = None, prompts: Sequence[Tensor] = ()) -> Tensor:
        """Text features (K, D) of length 1.

        ``context`` (P, Dt) takes the place of the embeddings at the positions behind the start token, 1 … P;
        ``prompts`` holds one set (P, Dt) for each of the layers 1, 2, …, which replaces those at that layer's input.
        """
        tower, lead = self.clip.text_model, len(self.start)
        words, places = tower.embeddings.token_embedding, tower.embeddings.position_embedding.weight
        sets: list[Tensor] = []
        if context is not None or prompts:
            length = len(prompts[0] if context is None else context)
            context = words(text.ids[0, lead : lead + length]) if context is None else context
            sets = [context.to(places.dtype) + places[lead : lead + length], *prompts]
        packed = text.packed(lead + len(sets[0]) if sets else 0)
        begun = lead if sets else packed.shared  # positions before the prompts, or all that texts have in common
        own, columns = packed.own.flatten(), text.ids.shape[1]
        first = words(text.ids[0, :begun]) + places[:begun]
        hidden = torch.cat([first, words(text.ids.flatten()[own]) + places[own % columns]])  # (m + B · G, Dt)
        *layers, last = tower.encoder.layers
        for depth, layer in enumerate(layers):
            shared = sets[depth] if depth < len(sets) else None
            if shared is not None and depth + 1 == len(sets):  # Nothing replaces these: later layers read them.
                hidden, shared = torch.cat([hidden[:lead], shared, hidden[lead:]]), None
            hidden = layer.texts(hidden, packed, shared)
        ended = last.texts(hidden, packed, sets[-1] if len(sets) > len(layers) else None, last=True)  # (K, Dt)
        features = self.clip.text_projection(tower.final_layer_norm(ended).to(self.compute.dtype))  # (K, D)
        return functional.normalize(features.float(), dim=-1)

    def tokenize(self, texts: Sequence[str], prompt_length: int = 0, *, crop: bool = True) -> TokenizedText:
        """Token ids of ``texts`` with ``prompt_length`` filler positions after the start token.

        Raises LabelError for a text with more tokens than the tower has positions. ``crop`` cuts the rows right
        after the batch's last end token, which changes no output because attention is causal.
        """
        end = self.tokenizer.eos_token_id
        room = self.sizes.text_positions - prompt_length - len(self.start) - 1
        rows = []
        for text in texts:
            words = list(self.tokenizer(text, add_special_tokens=False)["input_ids"])
            if len(words) > room:
                raise LabelError(
                    f"label '{shorten(text)}' has {len(words)} tokens and {self.name} has room for {room} "
                    f"({self.sizes.text_positions} positions, {prompt_length} of them prompts); use fewer words"
                )
            rows.append([*self.start, *[end] * prompt_length, *words, end])
        longest = max(map(len, rows)) if crop else self.sizes.text_positions
        ids = torch.tensor([row + [end] * (longest - len(row)) for row in rows])
        ends = torch.tensor([len(row) - 1 for row in rows])
        return TokenizedText(ids.to(self.compute.device), ends.to(self.compute.device))

    @torch.no_grad()
    def text_features(self, texts: Sequence[str]) -> Tensor:
        """Frozen text features (K, D) of length 1; computed once for the same texts."""
        key = tuple(texts)
        found = self._features.get(key)
        if found is None:
            parts = []
            for first in range(0, len(key), TEXT_CHUNK):
                if first:
                    let_others_in()
                with self.compute.autocast():
                    parts.append(self.encode_text(self.tokenize(key[first : first + TEXT_CHUNK])))
            found = torch.cat(parts)
            if sum(map(len, [*self._features, key])) > KEPT_TEXTS:
                self._features.clear()
            self._features[key] = found
        return found

    def class_features(self, labels: Sequence[str], templates: Sequence[str] = (TEMPLATE,)) -> Tensor:
        """Frozen text features (C, D) of ``labels``, of length 1: the zero-shot classifier.

        Of several ``templates`` it is the mean of their features, made of length 1 again.
        """
        features = []
        for template in templates:
            features.append(self.text_features([template.format(spoken(label)) for label in labels]))
            let_others_in()
        if len(features) == 1:
            return features[0]
        return functional.normalize(torch.stack(features).mean(dim=0), dim=-1)

    def unknown_words(self, text: str) -> list[str]:
        """Words of ``text`` that the tokenizer never saw. Byte-level tokenizers such as CLIP's know all."""
        unknown = self.tokenizer.unk_token_id
        if unknown is None or unknown == self.tokenizer.eos_token_id:
            return []
        words = re.findall(r"\w+|[^\w\s]", text.lower())
        return [word for word in words if unknown in self.tokenizer(word, add_special_tokens=False)["input_ids"]]


def shorten(text: str) -> str:
    """A label as a message has it."""
    return text if len(text) <= 40 else text[:37] + "…"


def tower_sizes(config: Any) -> TowerSizes:
    """The shapes that the ``config`` of a class of transformers says."""
    vision, text = config.vision_config, config.text_config
    return TowerSizes(
        visual_width=vision.hidden_size,
        text_width=text.hidden_size,
        embedding_width=getattr(config, "projection_dim", vision.hidden_size),
        visual_layers=vision.num_hidden_layers,
        text_layers=text.num_hidden_layers,
        image_size=vision.image_size,
        text_positions=text.max_position_embeddings,
    )
