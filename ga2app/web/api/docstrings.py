"""What the docstrings of endpoints say, and *Use via API*, which tells it with examples to start from.

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

import gradio as gr

_CLIP = "https://example.com/my-clip.mp4"
EXAMPLES: dict[str, Any] = {
    "clips": [{"path": _CLIP, "url": _CLIP, "meta": {"_type": "gradio.FileData"}}],
    "labels": "climbing a ladder, rowing a boat",
    "config": {"dataset": "demo"},
    "preset_name": "quick",
    "run": 1,
    "bundle": "run-000001",
}
"""Values for the snippets, by the parameter's name; the others keep their default, or what Gradio makes up."""

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


def describe_parameters(page: gr.Blocks) -> None:
    """Let the API description of ``page`` hold what the docstrings say of the parameters.

    Gradio reads a docstring's first lines alone, and makes up the rest: a PDF as the clip, "Hello!!" as the labels.
    The method is replaced on the page itself: of each subclass of ``Blocks`` Gradio renders a stub for editors.
    """
    plain = page.get_api_info

    def described(*asked: Any, **more: Any) -> Any:
        info = plain(*asked, **more)
        told = {f"/{fn.api_name}": explained(fn.fn) for fn in page.fns.values() if fn.fn and fn.api_name}
        for name, endpoint in info["named_endpoints"].items():
            for parameter in endpoint["parameters"]:
                given = parameter["parameter_name"]
                about = told[name].args.get(given) if name in told else None
                if about:
                    parameter["python_type"] = parameter["python_type"] | {"description": about}
                if given in EXAMPLES and not parameter["parameter_has_default"]:
                    parameter["example_input"] = EXAMPLES[given]
        return info

    page.get_api_info = described  # type: ignore[method-assign]
