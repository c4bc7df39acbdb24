"""The sentences round a label for plain CLIP: one, or an ensemble of several."""

from __future__ import annotations

from collections.abc import Sequence

from ga2app.config import TEMPLATE
from ga2app.errors import LabelError

MOST_TEMPLATES = 100


def check_templates(template: str | Sequence[str] | None) -> tuple[str, ...]:
    """The sentences, stripped, each once; the paper's one where none is given.

    Raises LabelError for one that does not hold exactly one {}, or for too many.
    """
    given = [template] if isinstance(template, str) else template or ()
    found = tuple(dict.fromkeys(text.strip() for text in given if text.strip()))
    if len(found) > MOST_TEMPLATES:
        raise LabelError(f"there are {len(found)} sentences round the label; {MOST_TEMPLATES} are the most, use fewer")
    for text in found:
        if text.count("{}") != 1 or text.replace("{}", "").count("{") or text.replace("{}", "").count("}"):
            raise LabelError(
                f"template '{text}' must hold one pair of braces, {{}}, where the label goes; for example '{TEMPLATE}'"
            )
    return found or (TEMPLATE,)
