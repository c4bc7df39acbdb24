"""A small app with the studio's memory of sessions: ``python -m ui.small_app PORT GO [LATE_S]``.

It runs what the studio's pages run first. ``slow`` waits for a file, and a link leads to another page. News
that a stream is closed reaches the page after LATE_S seconds.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ga2app.web import session_memory
from ga2app.web.address import page_script
from ga2app.web.answer_stream import AnswerStream
from ga2app.web.page_head import PageFiles, PageHead
from ga2app.web.session_memory import Listening, Session, SessionMemory, bound_lanes
from ga2app.web.static_assets import FOLDER, asset_routes


class SlowNetwork:
    """Brings the news that a stream is closed late."""

    def __init__(self, app: ASGIApp, late_s: float) -> None:
        self._app, self._late_s = app, late_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def late(message: Message) -> None:
            if b'"close_stream"' in message.get("body", b""):
                await asyncio.sleep(self._late_s)
            await send(message)

        await self._app(scope, receive, late)


def main(port: str, go: str, late_s: str = "0") -> None:
    memory = SessionMemory(most_idle=4, most=6)
    session_memory.MOST_WAITING = 2
    with gr.Blocks(analytics_enabled=False) as page:
        state, chosen, told, seen = gr.State(0), gr.Dropdown(["a"]), gr.Textbox(elem_id="told"), gr.JSON()

        def count(before: int) -> tuple[int, str]:
            return before + 1, str(before + 1)

        def slow() -> str:
            while not Path(go).exists():
                time.sleep(0.01)
            return "done"

        def look() -> dict[str, Any]:
            own, queue = [one for one in memory.session_data.values() if isinstance(one, Session)], page._queue
            return {
                "sessions": [*memory.session_data],
                "kept": [*queue.pending_messages_per_session, *queue.pending_event_ids_session],
                "events": len(queue.event_analytics),
                "waiting": sum(len(lane.queue) for lane in queue.event_queue_per_concurrency_id.values()),
                "values": sum(len(one.config_values) for one in own),
                "changed": {key: len(one.blocks_config.blocks.maps[0]) for key, one in memory.session_data.items()},
            }

        gr.Button("count").click(count, state, [state, told], api_name="count")
        gr.Button().click(lambda: gr.update(choices=["b"]), None, chosen, api_name="choose")
        gr.Button().click(lambda value: value, chosen, told, api_name="chosen")
        gr.Button("wait").click(slow, None, told, api_name="slow", concurrency_limit=1)
        gr.Button().click(look, None, seen, api_name="look")
        gr.HTML('<a href="./other">other page</a>')
    page.queue(default_concurrency_limit=4)
    files = PageFiles(page, FOLDER, "", page_script())
    outer = [Middleware(SlowNetwork, float(late_s)), Middleware(AnswerStream)]
    stack = [*outer, Middleware(Listening, memory), Middleware(PageHead, page, files)]
    layers = {"routes": asset_routes(lambda: files.own), "middleware": stack}
    page.launch(server_port=int(port), prevent_thread_lock=True, quiet=True, _frontend=False, app_kwargs=layers)
    memory.serve(page)
    bound_lanes(page)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
