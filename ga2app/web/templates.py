"""Markup and scripts that stand in files beside the pages: templates are filled with escaping on."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

WEB = Path(__file__).parent


@cache
def _environment() -> Environment:
    folders = [WEB / "components", *sorted(path for path in (WEB / "pages").iterdir() if path.is_dir())]
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(name: str, **values: Any) -> Markup:
    """The template ``name`` (``run_list.html``) filled with ``values``, each escaped unless it is Markup itself.

    Templates lie beside the pages that use them, or among the components; a file name stands once. Raises
    jinja2.UndefinedError where the template asks for what ``values`` lack.
    """
    return Markup(_environment().get_template(name).render(**values))


@cache
def script(name: str) -> str:
    """The text of a JavaScript file that stands beside a page or among the components."""
    source, _, _ = _environment().loader.get_source(_environment(), name)  # type: ignore[union-attr]
    return source
