"""A small server on this computer that speaks the chat-completion route."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ChatServer:
    """What a server on this computer answers, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes | None = None
    content: str | None = '["an empty room", "rain on a window"]'
    delay_s: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)

    def answer(self) -> bytes:
        if self.body is not None:
            return self.body
        message = {"role": "assistant", "content": self.content}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        answer = {"id": "1", "created": 1, "model": "m", "system_fingerprint": "", "choices": [choice], "usage": usage}
        return json.dumps(answer).encode()


@contextmanager
def chatting() -> Iterator[ChatServer]:
    """The server, while it listens."""
    state = ChatServer()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            state.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.authorizations.append(self.headers.get("Authorization"))
            state.paths.append(self.path)
            time.sleep(state.delay_s)
            body = state.answer()
            try:
                self.send_response(state.status)
                for name, value in {"Content-Length": str(len(body)), **state.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except BrokenPipeError:
                pass  # the client did not want to wait

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
    thread.start()
    state.url = f"http://127.0.0.1:{listening.server_port}"
    try:
        yield state
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()
