"""Markup and scripts that stand in files beside the pages: templates are filled with escaping on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ga2app.web.components import markup

WEB = Path(__file__).parent
_TEXTS = (markup.ago, markup.count_of, markup.percent, markup.shortened, markup.signed, markup.size, markup.tone_of)
_PIECES = (markup.badge, markup.chips, markup.empty, markup.file_url, markup.kind_mark, markup.notice, markup.notices)


@cache
def _environment() -> Environment:
    folders = [WEB / "components", *sorted(path for path in (WEB / "pages").iterdir() if path.is_dir())]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {one.__name__: one for one in _TEXTS} | {one.__name__: _as_markup(one) for one in _PIECES}
    return environment


def _as_markup(piece: Callable[..., str]) -> Callable[..., Markup]:
    return lambda *given, **settings: Markup(piece(*given, **settings))


def render(name: str, **values: Any) -> Markup:
    """The template ``name`` (``run_list.html``) filled with ``values``, each escaped unless it is Markup itself.

    Templates lie beside the pages that use them, or among the components; a file name stands once. All of them know
    the pieces and texts of ``markup``: ``{{ notice("info", text) }}``. Raises jinja2.UndefinedError where the template
    asks for what ``values`` lack.
    """
    return Markup(_environment().get_template(name).render(**values))


@cache
def script(*names: str) -> str:
    """The text of JavaScript files that stand beside a page or among the components, one after the other."""
    loader: Any = _environment().loader
    return "".join(loader.get_source(_environment(), name)[0] for name in names)


def ticks_js(boxes: str) -> str:
    """The script that keeps the ticks of a list, to stand first in its ``js_on_load``.

    ``boxes`` is the CSS selector of the rows' boxes inside the list; the ``value`` of each is the number of its row,
    which no other row ever has. The list may hold buttons ``data-tick="all"`` and ``data-tick="none"``, a box
    ``data-tick-all``, counters ``data-ticked="# ticked"`` and buttons ``data-needs-ticked``. What follows it may use
    ``ticks.ids()``, ``ticks.boxes()`` and ``ticks.clear()``.
    """
    return f"const tickable = '{boxes}';\n{script('list_ticks.js')}"
