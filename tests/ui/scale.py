"""Opens every page of a studio as a browser would, and says what that took: ``python -m ui.scale HOME …``.

A process of its own, because Gradio leaves event loops behind wherever a page is built.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from fastapi import Request
from gradio.helpers import special_args

from ga2app.paths import Home
from ga2app.store import Store
from ga2app.web import build_page
from ga2app.web.components.masthead import PLACES

from .studios import make_studio


@contextlib.contextmanager
def queries(store: Store) -> Iterator[list[str]]:
    """What the block asks of the database."""
    asked: list[str] = []
    idle = store._database._idle
    for db in idle:
        db.conn.set_trace_callback(asked.append)
    yield asked
    for db in idle:
        db.conn.set_trace_callback(None)


def main(root: str) -> None:
    studio = make_studio(Home(Path(root)))
    app = build_page(studio)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    request = gr.Request(Request(scope))
    found: dict[str, Any] = {"page": {"characters": len(json.dumps(app.get_config_file(), default=str))}}
    for place in PLACES:
        drawn: list[Any] = []
        with queries(studio.store) as asked:
            for event in app.fns.values():
                if event.page == place.path and (app._id, "load") in event.targets and event.fn is not None:
                    held = {block: getattr(block, "value", None) for block in event.inputs}
                    given = [held] if event.inputs_as_dict else [*held.values()]
                    answer = event.fn(*special_args(event.fn, given, request)[0])
                    drawn += (
                        answer.values()
                        if isinstance(answer, dict)
                        else answer
                        if isinstance(answer, list | tuple)
                        else [answer]
                    )
        text = [piece if isinstance(piece, str) else str(piece) for piece in drawn]
        bundles = sum(piece.count("data-bundle=") for piece in text)
        found[place.title] = {"queries": asked, "characters": sum(map(len, text)), "bundles": bundles}
    studio.store.close()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    for home in sys.argv[1:]:
        main(home)
