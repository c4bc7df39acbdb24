"""The address of a page says what it shows, so that a view can be shared, reloaded, bookmarked and gone back from.

A page reads its address when it opens, and again at the browser's Back and Forward (``Page.on_open``); as what is
shown changes it writes the address anew (``tell``). From page to page lead links such as ``./train?from=run-7``:
relative ones, which hold behind a reverse proxy and in a Space, because no page's path has a slash in it.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.web.components.markup import script
from ga2app.web.events import QUIET

NOBODY = -1
"""What ``number`` gives for an address that names something, but no number: nothing has it as its own."""

_MOST_CHARACTERS = 2000


def page_script() -> str:
    """What runs before a page is drawn: it writes addresses, leads those of before there were pages, and remembers."""
    return script("address.js", "answer_stream.js", "browser_memory.js", "plain_settings.js")


def text(request: gr.Request, name: str) -> str:
    """What the address says under ``name``, without space around it; empty where it says nothing."""
    return str(request.query_params.get(name, "")).strip()[:_MOST_CHARACTERS]


def texts(request: gr.Request, name: str) -> list[str]:
    """The same where it may be said several times."""
    given = request.query_params
    found = given.getlist(name) if hasattr(given, "getlist") else [given[name]] if name in given else []
    return [str(one).strip()[:_MOST_CHARACTERS] for one in found if str(one).strip()]


def number(request: gr.Request, name: str) -> int | None:
    """The number of a run or a data set under ``name``; None where nothing is said, NOBODY for what is no number."""
    said = text(request, name)
    return whole(said) if said else None


def whole(said: str) -> int:
    """``said`` as the number of something; NOBODY for what is none."""
    return int(said) if said.isascii() and said.isdigit() and len(said) < 10 and int(said) else NOBODY


def tell(told: str, shown: list[Any]) -> None:
    """Write the address anew whenever one of the components ``shown`` changes.

    ``told`` is a JavaScript function from their values to what the address says by name: first what the view is of,
    as in ``"(run, section) => ({id: run, view: section})"``. A list is said value by value.
    """
    changes = [part.input if getattr(part, "multiselect", False) else part.change for part in shown]
    gr.on(changes, None, shown, None, js=f"(...given) => {{ ga2Tell(({told})(...given)); }}", **QUIET)


def go(button: gr.Button, to: str, given: Any = None) -> None:
    """Make ``button`` lead to another page: ``to`` is a JavaScript function from the value of ``given`` to the address.

    It may give null where there is nowhere to go.
    """
    js = f"(...given) => {{ const to = ({to})(...given); if (to) location.assign(to); }}"
    button.click(None, given, None, js=js, **QUIET)
