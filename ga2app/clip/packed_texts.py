"""Tokenized texts, and how they are laid out so that what they have in common passes the tower once.

Attention in CLIP's text tower is causal, so that the positions before the first difference between two texts hold the
same states in both: METHOD's "shared prefix". What follows it is packed: the tokens of several texts stand behind one
another in a chunk, without padding between them, and a mask keeps each text to itself.

Notation: K texts, L positions, m shared positions, B chunks of G tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

CHUNK_TOKENS = 96
"""Tokens that attend to each other in one product. More of them waste work on other texts' keys, fewer are slow."""


@dataclass(frozen=True)
class PackedTexts:
    """``own`` (B, G) are places in the flattened ids (K, L) of the tokens behind the first ``shared`` positions.

    ``visible`` (B, 1, G, G) tells which of its chunk's tokens each of them sees, ``ends`` (K,) where in the flattened
    chunks each text's end token stands.
    """

    shared: int
    own: Tensor
    visible: Tensor
    ends: Tensor
    _masks: dict[tuple[int, torch.dtype], Tensor] = field(default_factory=dict, repr=False, compare=False)

    def mask(self, seen: int, dtype: torch.dtype) -> Tensor:
        """What is added to attention (B, 1, G, S + G) where every token sees ``seen`` S positions before its chunk."""
        key = seen, dtype
        if key not in self._masks:
            visible = functional.pad(self.visible, (seen, 0), value=True)
            self._masks[key] = torch.zeros_like(visible, dtype=dtype).masked_fill_(~visible, float("-inf"))
        return self._masks[key]


@dataclass(frozen=True)
class TokenizedText:
    """Token ids (K, L), cut after the last end token of the batch, and each row's end position (K,)."""

    ids: Tensor
    ends: Tensor
    _packed: dict[int, PackedTexts] = field(default_factory=dict, repr=False, compare=False)

    def packed(self, shared: int = 0) -> PackedTexts:
        """The layout where all texts share their first ``shared`` positions; 0: as many as hold the same tokens."""
        if shared not in self._packed:
            rows, ends = self.ids.tolist(), self.ends.tolist()
            self._packed[shared] = _pack(rows, ends, shared or _common(rows, ends), self.ids.device)
        return self._packed[shared]


def _common(rows: Sequence[Sequence[int]], ends: Sequence[int]) -> int:
    """How many first positions hold the same token in all ``rows``; the end tokens are not among them."""
    least = min(ends)
    first = rows[0]
    return next((place for place in range(least) if any(row[place] != first[place] for row in rows)), least)


def _pack(rows: Sequence[Sequence[int]], ends: Sequence[int], shared: int, device: torch.device) -> PackedTexts:
    """Whole texts, in their order, into chunks of about equally many tokens."""
    lengths = [end + 1 - shared for end in ends]
    enough = -(-sum(lengths) // -(-sum(lengths) // CHUNK_TOKENS))  # tokens that make a chunk full
    chunks: list[list[tuple[int, int]]] = [[]]  # (text, position) of each token
    for row, length in enumerate(lengths):
        if len(chunks[-1]) >= enough:
            chunks.append([])
        chunks[-1] += [(row, position) for position in range(shared, shared + length)]
    width = max(map(len, chunks))
    table = torch.full((len(chunks), width, 2), -1)
    for chunk, tokens in zip(table, chunks, strict=True):
        chunk[: len(tokens)] = torch.tensor(tokens)
    text, position = table.unbind(-1)  # (B, G)
    visible = (text[:, :, None] == text[:, None]) & (position[:, :, None] >= position[:, None])
    is_end = (position == torch.tensor(ends)[text]) & (text >= 0)
    own = (text * len(rows[0]) + position).clamp(min=0)
    return PackedTexts(shared, own.to(device), visible[:, None].to(device), is_end.flatten().nonzero()[:, 0].to(device))
