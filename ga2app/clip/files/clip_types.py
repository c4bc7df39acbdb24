"""Which models are backbones, by the ``model_type`` of their folder, and why others are none."""

from __future__ import annotations

from ga2app.errors import BackboneError

FAVORITE = "openai/clip-vit-base-patch16"
"""Comes first where several are at hand: the backbone of the published figures."""

CLASSES = {"clip": "CLIPModel", "metaclip_2": "MetaClip2Model", "siglip": "SiglipModel"}
"""The class of transformers that a ``model_type`` is loaded with. It is never tried which one fits: ``CLIPModel`` loads
MetaCLIP 2 without a word, and gives wrong text features."""

_TYPES_REFUSED = {
    "siglip2": "it takes pictures in their own shape (NaFlex), and frames become squares here",
    "chinese_clip": "its text tower is a BERT, which takes no prompts here",
    "altclip": "its text tower is an XLM-RoBERTa, which takes no prompts here",
}


def check_kind(kind: object, shown: str) -> None:
    """Raises BackboneError where a model of the type ``kind``, which messages call ``shown``, is no CLIP of ours."""
    if not isinstance(kind, str) or kind not in CLASSES:
        named = f"a {kind[:40]} model" if isinstance(kind, str) else "a model whose model_type is no text"
        named = "a model without a model_type" if kind is None else named
        why = _TYPES_REFUSED.get(str(kind), "")
        raise BackboneError(
            f"{shown} is {named}, not a CLIP{f' ({why})' if why else ''}; choose one such as {FAVORITE}"
        )
