"""The learned prompts of both towers and the coupling of the soft prompt to a hard one (paper, section 3.2).

Notation: P prompt tokens, Dv / Dt the tower widths, D the embedding width. Everything that training may change is a
parameter of ``PromptLearner``, and nothing else is. Generic texts, which have nothing to do with any label, must keep
their meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from ga2app.config import TEMPLATE, PromptConfig
from ga2app.errors import BundleError, ConfigError, Fault
from ga2app.labels import label_key, spoken
from ga2app.method.pooling import OrderedPooling, moments

INIT_STD = 0.02
"""Standard deviation of fresh prompt tokens."""


class PromptLearner(nn.Module):
    """Soft prompts of both towers.

    Parameters, each present only where its depth asks for it: ``visual`` (visual depth, P, Dv); ``soft`` (P, Dt);
    ``text`` (text depth - 1, P, Dt); ``coupling`` a Linear from 2·Dt to Dt; ``pooling`` where the order of frames
    counts. Buffer: ``hard`` (P, Dt), frozen. ``embedding_width``, D, is needed where there is such a pooling.
    """

    visual: nn.Parameter | None
    soft: nn.Parameter | None
    text: nn.Parameter | None
    hard: Tensor | None

    def __init__(
        self,
        config: PromptConfig,
        visual_width: int,
        text_width: int,
        embedding_width: int = 0,
        *,
        hard_prompt: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        length, shape = config.length, (config.length, text_width)

        def fresh(*size: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*size, generator=generator) * INIT_STD)

        self.visual = fresh(config.visual_depth, length, visual_width) if config.visual_depth else None
        self.soft = fresh(*shape) if config.text_depth else None
        self.text = fresh(config.text_depth - 1, *shape) if config.text_depth > 1 else None
        self.coupling: nn.Linear | None = None
        self.register_buffer("hard", None)
        if config.coupled:
            if hard_prompt is None:
                hard_prompt = torch.randn(*shape, generator=generator) * INIT_STD
            if tuple(hard_prompt.shape) != shape:
                raise ConfigError([_hard_prompt_fault(hard_prompt, shape)])
            self.hard = hard_prompt.detach().clone().float()
            self.coupling = _linear(2 * text_width, text_width, generator)
        # Last: a seed draws the same prompts with and without it.
        self.pooling = OrderedPooling(embedding_width, generator) if config.ordered else None

    def pool(self, frames: Tensor) -> Tensor:
        """Pooled features (…, D), not normalized, of frame features (…, T, D) in the order of time."""
        return frames.mean(dim=-2) if self.pooling is None else self.pooling(moments(frames))

    def pool_moments(self, moments: Tensor) -> Tensor:
        """The same of the ``moments`` (…, 1 + K, D) of frame features."""
        pooled: Tensor = moments[..., 0, :] if self.pooling is None else self.pooling(moments)
        return pooled

    def visual_prompts(self) -> list[Tensor]:
        """One set (P, Dv) for each prompted layer of the vision tower, the first layer first."""
        return [] if self.visual is None else list(self.visual.unbind(0))

    def text_prompts(self) -> list[Tensor]:
        """One set (P, Dt) for each of the text layers 1, 2, … that are prompted."""
        return [] if self.text is None else list(self.text.unbind(0))

    def context(self) -> Tensor | None:
        """Context tokens (P, Dt) of the text tower, None without text prompts.

        Coupled: Dropout(ReLU(Linear(concat_features[hard, soft]))); otherwise the soft prompt itself.
        """
        if self.soft is None or self.coupling is None or self.hard is None:
            return self.soft
        joined = torch.cat([self.hard, self.soft], dim=-1)  # (P, 2 Dt)
        context = functional.relu(self.coupling(joined))  # (P, Dt)
        return functional.dropout(context, self.config.dropout, self.training)

    def tensors(self) -> dict[str, Tensor]:
        """Everything needed to build the same prompts again, by name, on the CPU."""
        return {name: tensor.detach().cpu().contiguous() for name, tensor in self.state_dict().items()}

    def load_tensors(self, tensors: Mapping[str, Tensor]) -> None:
        """Take over ``tensors``; raises BundleError that names what is missing, unexpected or of another shape."""
        own = self.state_dict()
        faults = [f"{name} is missing" for name in sorted(own.keys() - tensors.keys())]
        faults += [f"{name} is not expected" for name in sorted(tensors.keys() - own.keys())]
        faults += [
            f"{name} has shape {tuple(tensors[name].shape)} instead of {tuple(own[name].shape)}"
            for name in sorted(own.keys() & tensors.keys())
            if tensors[name].shape != own[name].shape
        ]
        if faults:
            raise BundleError(f"these prompts do not fit their settings: {'; '.join(faults)}")
        self.load_state_dict(dict(tensors))


def _linear(inputs: int, outputs: int, generator: torch.Generator | None) -> nn.Linear:
    """A Linear with PyTorch's usual bounds, drawn from ``generator`` so that a seed fixes it."""
    layer = nn.Linear(inputs, outputs)
    bound = inputs**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer


def _hard_prompt_fault(hard_prompt: Tensor, shape: tuple[int, int]) -> Fault:
    return Fault(
        "prompts.hard_prompt",
        f"the hard prompt has shape {tuple(hard_prompt.shape)} and this run needs {shape} (tokens, text width); "
        "choose one learned with as many tokens on this backbone, or 'random'",
    )


_COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "black", "white")
_SIZES = ("small", "medium", "large")
_PLACES = (
    "on the grass",
    "on a green field",
    "in a park",
    "on the sand",
    "on the beach",
    "in the snow",
    "on a white field",
    "on the street",
    "in the city",
    "in a room",
    "inside a house",
    "at night",
    "in the dark",
    "near the mountains",
    "in front of the mountains",
    "at sunset",
    "in the evening",
)

ATTRIBUTES: tuple[str, ...] = (
    *(f"a {color} figure" for color in _COLORS),
    *(f"a person {place}" for place in _PLACES),
    *(f"a {size} person" for size in _SIZES),
)
"""Colors, places and sizes, said of a person: near to what labels say, and true of clips of any label."""


class GenericText(NamedTuple):
    """``text`` as the frozen tower reads it, and ``name`` as it stands behind the prompts."""

    text: str
    name: str


def generic_texts(
    said: Iterable[str],
    class_names: Iterable[str],
    labels: Sequence[str],
    *,
    attributes: bool,
    known: Callable[[str], bool] = lambda text: True,
) -> list[GenericText]:
    """The vocabulary: captions and negatives (``said``), the attributes, and ``class_names`` of other data.

    Each once, none of them one of ``labels``; attributes and class names only where they are ``known``.
    """
    taken = {label_key(label) for label in labels}
    own = [GenericText(f"{spoken(text)}.", text) for text in said if text.strip()]
    wider = [GenericText(f"{text}.", text) for text in (ATTRIBUTES if attributes else ())]
    wider += [GenericText(TEMPLATE.format(spoken(name)), name) for name in class_names if name.strip()]
    found: dict[str, GenericText] = {}
    for entry in (*own, *(entry for entry in wider if known(entry.name))):
        if label_key(entry.name) not in taken:
            found.setdefault(label_key(entry.name), entry)
    return list(found.values())
