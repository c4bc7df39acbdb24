"""What a docstring says: what its function does, each argument, what it answers, what it raises.

    Args:
        clips: the video files.

The sections are ``Args``, ``Returns`` and ``Raises``; an entry may go on over several lines that are indented further.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

_SECTION = re.compile(r"^(Args|Returns|Raises):$")
_ENTRY = re.compile(r"^    (\w+): (.+)$")


@dataclass(frozen=True)
class Explained:
    """A docstring in its parts: ``about`` without the sections, and these by the names of their entries."""

    about: str
    args: dict[str, str] = field(default_factory=dict)
    returns: dict[str, str] = field(default_factory=dict)
    raises: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first paragraph, in one line."""
        return " ".join(self.about.split("\n\n")[0].split())


def explained(function: Callable[..., Any]) -> Explained:
    """The docstring of ``function``, empty where there is none."""
    about: list[str] = []
    sections: dict[str, dict[str, str]] = {}
    section, entry = "", ""
    for line in (inspect.getdoc(function) or "").splitlines():
        if begun := _SECTION.match(line):
            section, entry = begun[1].lower(), ""
            sections[section] = {}
        elif not section:
            about.append(line)
        elif named := _ENTRY.match(line):
            entry = named[1]
            sections[section][entry] = named[2].strip()
        elif line.strip() and entry:
            sections[section][entry] += f" {line.strip()}"
    return Explained("\n".join(about).strip(), **sections)
