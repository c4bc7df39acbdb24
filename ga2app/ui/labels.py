"""What a person types into the labels box, as labels."""

from __future__ import annotations

import re
import unicodedata

_SEPARATORS = re.compile(r"[,\n\r\uFF0C\u3001]")
"""Comma and line break, the full-width comma and the enumeration comma of Chinese and Japanese."""


def parse_labels(text: str | None) -> list[str]:
    """Labels separated by commas or line breaks, without empty ones; repeated ones are the recognizer's to judge."""
    pieces = (" ".join(_printable(piece).split()) for piece in _SEPARATORS.split(text or ""))
    return [piece for piece in pieces if piece]


def _printable(text: str) -> str:
    """``text`` without control characters; joiners inside emoji are kept."""
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in text)
