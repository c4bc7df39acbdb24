"""The class names of a published run, read back from their token embeddings in the checkpoint.

``prompt_learner.token_prefix`` (C, 1, Dt) is the start token, ``prompt_learner.token_suffix`` (C, L-1-P, Dt) is each
name with ".", the end token and padding. The published code embeds names with the token embedding of OpenAI's CLIP,
even where the towers are tuned: the tuned one of ``k400-vitb.pt`` finds no place in its model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ga2app.bundles.checkpoints.safe_tensors import is_plain

PREFIX = "prompt_learner.token_prefix"
SUFFIX = "prompt_learner.token_suffix"


def same_embedding(tensors: Mapping[str, Tensor], embedding: Tensor, start: int) -> bool:
    """Whether the names in the file were embedded by ``embedding`` (vocabulary, Dt); True if the file cannot tell."""
    prefix = _rows(tensors, PREFIX, embedding)
    if prefix is None:
        return True
    rounding = max(torch.finfo(kind).eps for kind in (prefix.dtype, torch.float16))
    return torch.allclose(prefix[0, 0].float(), embedding[start], rtol=rounding, atol=1e-6)


def read_names(tensors: Mapping[str, Tensor], embedding: Tensor, tokenizer: Any) -> tuple[str, ...]:
    """The class names, as the tokenizer spells them; empty if there are none or one cannot be read back."""
    suffix = _rows(tensors, SUFFIX, embedding)
    if suffix is None:
        return ()
    # Rounded to float16, a token's embedding is the same bytes in the file and in the backbone.
    tokens = {row.tobytes(): number for number, row in enumerate(embedding.half().numpy())}
    names = []
    for rows in suffix.half().numpy():
        ids = [tokens.get(row.tobytes()) for row in rows]
        end = ids.index(tokenizer.eos_token_id) if tokenizer.eos_token_id in ids else 0
        spelled = tokenizer.decode([number for number in ids[:end] if number is not None])
        name = spelled.strip().removesuffix(".").strip()
        if not name or tokenizer(f"{name}.", add_special_tokens=False)["input_ids"] != ids[:end]:
            return ()
        names.append(name)
    return tuple(names)


def _rows(tensors: Mapping[str, Tensor], key: str, embedding: Tensor) -> Tensor | None:
    """Embeddings (C, …, Dt) under ``key``, None if there are none that could come from ``embedding``."""
    rows = tensors.get(key)
    if rows is None or not is_plain(rows) or rows.dim() != 3 or rows.shape[-1] != embedding.shape[-1]:
        return None
    return rows if rows.numel() else None
