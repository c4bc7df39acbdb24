"""Texts of a bundle on its model card. Whoever made it wrote them, and none may become markup, YAML or code."""

from __future__ import annotations

import re

MAX_CHARACTERS = 200
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)
_PATH = re.compile(r"[.~\\/]|[A-Za-z]:[\\/]")
_HARMLESS = " ,()'+-"


def one_line(text: str) -> str:
    """``text`` on one line, without characters that cannot be seen, and of bounded length."""
    seen = "".join(letter if letter.isprintable() else " " for letter in text)
    line = " ".join(seen.split())
    return line if len(line) <= MAX_CHARACTERS else line[: MAX_CHARACTERS - 1] + "…"


def is_plain(text: str) -> bool:
    """Whether ``text`` is of letters, figures and signs that mean nothing to Markdown, HTML or Python."""
    return text == one_line(text) != "" and all(letter.isalnum() or letter in _HARMLESS for letter in text)


def inline(text: str) -> str:
    """``text`` for the middle of a line of Markdown: as it is where it is plain, else as code, which shows itself."""
    line = one_line(text)
    if is_plain(line) or not line:
        return line
    return f"`{line.replace('`', chr(39)).replace('<!--', '<! --')}`"


def is_repository(name: str) -> bool:
    """Whether ``name`` looks like a repository of the Hub, user/name."""
    return bool(_REPOSITORY.fullmatch(name)) and len(name) <= MAX_CHARACTERS


def without_path(name: str) -> str:
    """The last part of a path on somebody's machine, which is nobody else's business; any other name as it is."""
    return re.split(r"[\\/]", name.rstrip("\\/"))[-1] if _PATH.match(name) else name
