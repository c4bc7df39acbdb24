"""Whether a tokenizer belongs to the CLIP beside it: transformers builds one of anything, or of nothing."""

from __future__ import annotations

from typing import Any

from ga2app.errors import BackboneError

WORDS = ("a", "person", "walking", "running", "jumping", "dancing", "swimming", "reading", "playing", "the")
"""Words of which a tokenizer for CLIP's texts tells some apart."""

ADDED = 64
"""Special tokens that people add to a tokenizer and leave unused, such as one for padding."""


def check_tokenizer(tokenizer: Any, vocabulary: int, shown: str, *, padded: bool = False) -> None:
    """Raises BackboneError where ``tokenizer`` cannot be that of a text tower of ``vocabulary`` entries.

    Texts begin with a start token, or they are ``padded`` to their full length instead.
    """
    advice = "copy the tokenizer's files of the CLIP that it was made from into its folder"
    first = tokenizer.pad_token_id if padded else tokenizer.bos_token_id
    if first is None or tokenizer.eos_token_id is None:
        what = "padding" if padded else "start"
        raise BackboneError(f"backbone '{shown}': its tokenizer has no {what} or end token; {advice}")
    count = len(tokenizer)
    if not vocabulary // 2 < count <= vocabulary + ADDED:
        raise BackboneError(
            f"backbone '{shown}': its tokenizer has {count:,} entries and its text tower {vocabulary:,}, so that they "
            f"do not belong together; {advice}"
        )
    told_apart = {tuple(tokenizer(word, add_special_tokens=False)["input_ids"]) for word in WORDS}
    if len(told_apart) < 2:
        raise BackboneError(
            f"backbone '{shown}': its tokenizer makes the same of every word ({', '.join(WORDS[:5])}, …), so that all "
            f"labels would be one; {advice}"
        )
