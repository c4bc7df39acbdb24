"""Whether a tokenizer belongs to the CLIP beside it: transformers builds one of anything, or of nothing."""

from __future__ import annotations

from typing import Any

from ga2app.errors import BackboneError

WORDS = ("a", "person", "walking", "running", "jumping", "dancing", "swimming", "reading", "playing", "the")
"""Words of which a tokenizer for CLIP's texts tells some apart."""

ADDED = 128
"""Special tokens that a tokenizer has and nobody uses: one for padding that people add, the hundred of T5's."""

_OTHERS = {
    "clip": ("XLMRoberta", "Siglip", "Gemma", "T5", "Bert"),
    "metaclip_2": ("CLIP", "Gemma", "Bert"),
    "siglip": ("CLIP", "XLMRoberta", "Bert"),
}
"""How the classes of tokenizers begin that are those of other towers, by ``model_type``."""


def check_tokenizer(tokenizer: Any, text: Any, shown: str, kind: str = "clip") -> None:
    """Raises BackboneError where ``tokenizer`` cannot be that of a text tower with the settings ``text``.

    Texts begin with a start token, or are padded to their full length (``kind`` "siglip"), or neither (a MetaCLIP 2
    with the tokenizer of mT5).
    """
    advice = "copy the tokenizer's files of the CLIP that it was made from into its folder"
    fault = _fault(tokenizer, text, kind)
    if fault:
        raise BackboneError(f"backbone '{shown}': its tokenizer {fault}; {advice}")


def _fault(tokenizer: Any, text: Any, kind: str) -> str:
    """What is wrong with it; empty where nothing is."""
    vocabulary, count, end = text.vocab_size, len(tokenizer), tokenizer.eos_token_id
    lacks = {"clip": tokenizer.bos_token_id is None and "start", "siglip": tokenizer.pad_token_id is None and "padding"}
    if end is None or lacks.get(kind):
        return f"has no {lacks.get(kind) or 'start'} or end token"
    made_as = type(tokenizer).__name__
    if made_as.startswith(_OTHERS[kind]):
        hint = ", where a MetaCLIP 2 says metaclip_2" if made_as.startswith("XLMRoberta") else ""
        return f"is that of another tower ({made_as} beside the model_type {kind}{hint})"
    least = vocabulary // 2 if kind == "clip" else int(0.98 * vocabulary)
    if not least < count <= vocabulary + ADDED:
        return f"has {count:,} entries and its text tower {vocabulary:,}, so that they do not belong together"
    words = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in WORDS]
    if len(set(map(tuple, words))) < 2:
        return f"makes the same of every word ({', '.join(WORDS[:5])}, …), so that all labels would be one"
    pooled = text.eos_token_id
    if kind == "siglip" or not 0 <= pooled < vocabulary:  # its last position is pooled; or nobody has set it
        return ""
    # In the configurations of OpenAI's CLIPs the end is 2, and the largest id of a text is pooled.
    if pooled != end and not (kind == "clip" and pooled == 2 and end > max(map(max, filter(None, words)))):
        return f"ends texts with {end} and its text tower is pooled at {pooled}, so that they do not belong together"
    return ""


def clean_before(tokenizer: Any, how: str, shown: str) -> None:
    """Let ``tokenizer`` clean its texts first: "lower", or "canonicalize" as in big_vision, which open_clip follows.

    That is underscores to blanks, no punctuation, lower case. Typographic signs and blanks are put in order in
    ``labels.spoken``. Raises BackboneError for a tokenizer that cannot.
    """
    from tokenizers import Regex, normalizers

    backend = getattr(tokenizer, "backend_tokenizer", None)
    if how == "whitespace" or type(tokenizer).__name__ == "SiglipTokenizer":  # which does it by itself
        return
    if backend is None:
        raise BackboneError(
            f"backbone '{shown}': its tokenizer is a {type(tokenizer).__name__}, which cannot clean texts as its "
            f"configuration wants ({how}); save it once as tokenizer.json"
        )
    steps: list[Any] = [normalizers.Lowercase()]
    if how == "canonicalize":
        steps = [normalizers.Replace("_", " "), normalizers.Replace(Regex(r"[!-/:-@\[-`{-~]"), ""), *steps]
        steps += [normalizers.Replace(Regex(r"\s+"), " "), normalizers.Strip()]
    own = backend.normalizer
    backend.normalizer = normalizers.Sequence(steps if own is None else [*steps, own])
