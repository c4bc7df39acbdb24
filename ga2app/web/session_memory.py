"""What the server remembers of each visit, and for how long: little, and of few at a time. And who may wait.

Gradio keeps, for each session, the settings of every component of the app, 1 MB of them, and forgets a session only
when 10,000 others have come. Here a session holds what differs from the app as it was built, and goes some time after
its page was closed, or when others need the room. A page that is open, and a request that is under way, keep theirs.
"""

from __future__ import annotations

import datetime
import threading
from collections import ChainMap, Counter
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.blocks import BlocksConfig
from gradio.components import State
from gradio.state_holder import SessionState, StateHolder
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ga2app.web.answer_stream import followed, last_two

if TYPE_CHECKING:
    from gradio.queueing import Queue

MOST_IDLE = 100
"""Sessions that are kept though no page is open for them: of programs, and of pages that were just closed."""
MOST_SESSIONS = 500
"""Sessions in all. Beyond it even an open page that was not used for longest has to begin anew."""
IDLE_S = 3600.0
MOST_WAITING = 64
"""Events that wait in one lane, so that a lane that is full keeps no other event out."""
_FULL = "So many pages are open here that no further one can be followed; close some, or come back later.\n"


class Session(SessionState):
    """A session that holds the components which were changed in it, and its states; the rest is the app's own.

    What Gradio keeps beside these (``config_values``) serves its deep links alone, which the studio does not offer.
    """

    def __init__(self, blocks: gr.Blocks) -> None:
        app = blocks.default_config
        own = BlocksConfig(app.root_block)
        components: Any = ChainMap({}, app.blocks)
        own.blocks, own.fns, own.fn_id, own.renderables = components, app.fns, app.fn_id, app.renderables
        self.blocks_config = own
        self.config_values: dict[int, Any] = {}
        self.state_data: dict[int, Any] = {}
        self._state_ttl: dict[int, Any] = {}
        self.is_closed = False
        self.STATE_TTL_WHEN_CLOSED = int(IDLE_S)

    def __setitem__(self, key: int, value: Any) -> None:
        block = self.blocks_config.blocks.get(key)
        if isinstance(block, State):
            self._state_ttl[key] = (block.time_to_live, datetime.datetime.now())
            self.state_data[key] = value
        elif block is not None and value is not block:
            # A component that was changed has an id of its own, under which Gradio would keep each such copy as well.
            self.blocks_config.blocks[key] = value

    def _update_config(self, key: int) -> None:
        """Nothing: no deep links."""

    def _update_value_in_config(self, key: int, value: Any) -> None:
        """Nothing: no deep links."""


class SessionMemory(StateHolder):
    """The sessions of an app, by their keys, the one used last at the end; takes the place of Gradio's own."""

    def __init__(self, most_idle: int = MOST_IDLE, most: int = MOST_SESSIONS) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._most_idle, self._most = most_idle, most
        self._open: Counter[str] = Counter()
        self.lock: Any = threading.RLock()

    def serve(self, page: gr.Blocks) -> None:
        """Hold the sessions of ``page`` from now on; call it when that is launched."""
        self.set_blocks(page)
        page.app.state_holder = self
        # Gradio draws a summary of the last 10,000 events anew after each event, with pandas. Nobody reads it.
        page._queue.ANALYTICS_MAX_EVENTS = 0

    def __getitem__(self, session_id: str) -> SessionState:
        with self.lock:
            fresh = session_id not in self.session_data
            if fresh:
                self.session_data[session_id] = Session(self.blocks)
            self.session_data.move_to_end(session_id)
            self.time_last_used[session_id] = datetime.datetime.now()
            if fresh:
                self._make_room()
            return self.session_data[session_id]

    def update(self, session_id: str) -> None:
        """Nothing: a session is moved to the end when it is asked for."""

    def delete_all_expired_state(self) -> None:
        """Called by Gradio each second: forget sessions that have been idle for too long."""
        oldest = datetime.datetime.now() - datetime.timedelta(seconds=IDLE_S)
        with self.lock:
            for key in [key for key, used in self.time_last_used.items() if used < oldest and not self._in_use(key)]:
                self._forget(key)

    def opened(self, session_id: str) -> bool:
        """Note that somebody listens for this session; gives whether there is room for that."""
        with self.lock:
            if len(self._open) >= self._most and session_id not in self._open:
                return False
            self._open[session_id] += 1
            return True

    def closed(self, session_id: str) -> None:
        """Somebody listens no more."""
        with self.lock:
            self._open[session_id] -= 1
            if self._open[session_id] < 1:
                del self._open[session_id]
                if session_id in self.session_data:
                    self.session_data.move_to_end(session_id)
                self._make_room()

    def _make_room(self) -> None:
        """Forget the idle sessions that are too many, those that were not used for longest first."""
        idle = [key for key in self.session_data if not self._in_use(key)]
        for key in idle[: max(0, len(idle) - self._most_idle)]:
            self._forget(key)
        if (over := len(self.session_data) - self._most) > 0:
            for key in [key for key in self.session_data if not self._at_work(key)][:over]:
                self._forget(key)

    def _in_use(self, key: str) -> bool:
        return key in self._open or self._at_work(key)

    def _at_work(self, key: str) -> bool:
        """Whether an event of the session waits or runs."""
        queue = self._queue
        return any(event in queue.event_ids_to_events for event in queue.pending_event_ids_session.get(key, ()))

    def _forget(self, key: str) -> None:
        """Drop the session, and the messages that nobody has fetched."""
        self.delete_state(key)
        del self.session_data[key]
        self.time_last_used.pop(key, None)
        self._queue.pending_messages_per_session.pop(key, None)
        self._queue.pending_event_ids_session.pop(key, None)

    @property
    def _queue(self) -> Queue:
        return self.blocks._queue


def bound_lanes(page: gr.Blocks) -> None:
    """Bound the events that wait in each lane (Gradio's ``concurrency_id``); Gradio itself bounds only all together."""
    queue, push = page._queue, page._queue.push

    async def bounded(body: Any, request: Any, username: str | None) -> Any:
        event = page.fns.get(body.fn_index)
        lane = queue.event_queue_per_concurrency_id.get(event.concurrency_id) if event else None
        if lane is not None and len(lane.queue) >= MOST_WAITING:
            return False, f"busy: {len(lane.queue)} wait before this; try again in a moment", "queue_full"
        return await push(body=body, request=request, username=username)

    queue.push = bounded  # type: ignore[method-assign]


class Listening:
    """Middleware: tells ``memory`` which sessions somebody listens for, so that they are not forgotten meanwhile."""

    def __init__(self, app: ASGIApp, memory: SessionMemory) -> None:
        self._app, self._memory = app, memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        key = _listened_for(scope) if scope["type"] == "http" else ""
        if not key:
            await self._app(scope, receive, send)
        elif not self._memory.opened(key):
            await PlainTextResponse(_FULL, 503)(scope, receive, send)
        else:
            try:
                await self._app(scope, receive, send)
            finally:
                self._memory.closed(key)


def _listened_for(scope: Scope) -> str:
    """The session whose heartbeat or messages are asked for; empty for any other request."""
    before, last = last_two(scope)
    return last if before == "heartbeat" else followed(scope)
