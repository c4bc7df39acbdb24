"""``app.py`` on machines that are not ours: behind proxies of either kind, without a home, on IPv6."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client

from ga2app.paths import PROJECT, Home
from ga2app.web.mcp_agents import PATH
from ga2app.worker import launcher
from tests.demo import link_demo

from .studios import free_port

PATIENCE_S = 240
NAME = "studio.lab.example"
LIST_TOOLS = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@contextlib.contextmanager
def app(folder: Path, demo: Path, *options: str, **around: str) -> Iterator[tuple[subprocess.Popen[bytes], Home]]:
    """The app with ``options``, in the environment less a home and with ``around``; ready when the block begins."""
    home, log = Home(folder / "home"), folder / "app.log"
    link_demo(demo, home)
    kept = {name: value for name, value in os.environ.items() if name not in ("HOME", "USER", "LOGNAME", "GA2_HOME")}
    command = [sys.executable, str(PROJECT / "app.py"), "--home", str(home.root), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=kept | around, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + PATIENCE_S
        while b"Studio is at" not in log.read_bytes():
            assert process.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.1)
        yield process, home
    finally:
        process.kill()
        process.wait()
        launcher.stop_worker(home)


@pytest.fixture
def silent_proxy() -> Iterator[str]:
    """A proxy that takes every connection and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[Any] = []

        def take() -> None:
            with contextlib.suppress(OSError):
                while True:
                    kept.append(server.accept())

        threading.Thread(target=take, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_proxies_a_foreign_temporary_folder_no_home_and_ipv6_keep_nobody_from_the_page(
    tmp_path: Path, drawn_demo: Path, silent_proxy: str
):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tmp" / "gradio").write_text("somebody else's")
    around = {
        "http_proxy": f"http://{silent_proxy}",
        "HTTPS_PROXY": f"http://{silent_proxy}",
        "ALL_PROXY": f"socks://{silent_proxy}/",
        "TMPDIR": str(tmp_path / "tmp"),
    }
    port = free_port()
    with app(tmp_path, drawn_demo, "--host", "::1", "--port", str(port), **around) as (process, home):
        client = Client(f"http://[::1]:{port}/", verbose=False, download_files=str(tmp_path))
        assert client.predict(api_name="/list_bundles") is not None, "a press is answered"
        deadline = time.monotonic() + PATIENCE_S
        while not launcher.worker_alive(home):
            assert time.monotonic() < deadline, "no worker was started"
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    said = (tmp_path / "app.log").read_text()
    assert "Traceback" not in said and (home.root / "gradio").is_dir()


@contextlib.contextmanager
def reverse_proxy(port: int, prefix: str) -> Iterator[int]:
    """What a lab's web server does: it serves ``prefix`` and hands on the rest of the path, and the name asked for."""

    class Handing(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(prefix):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            inner = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
            inner.putrequest(self.command, self.path.removeprefix(prefix) or "/", skip_host=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "accept-encoding"):
                    inner.putheader(name, value)
            inner.endheaders(body)
            answer = inner.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError, http.client.HTTPException):  # either side may go while a stream is open
                while part := answer.read1(1 << 16):
                    self.wfile.write(part)
                    self.wfile.flush()
            inner.close()

        do_POST = do_HEAD = do_GET

        def log_message(self, *said: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handing)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_behind_a_reverse_proxy_page_endpoints_and_agents_are_under_its_path_and_name(tmp_path: Path, drawn_demo: Path):
    port = free_port()
    options = ("--port", str(port), "--root-path", "/studio/", "--mcp", "--allowed-host", NAME)
    with app(tmp_path, drawn_demo, *options), reverse_proxy(port, "/studio") as outer:
        address = f"http://127.0.0.1:{outer}/studio"
        client = Client(f"{address}/", verbose=False, download_files=str(tmp_path))
        assert client.predict(api_name="/list_bundles") is not None
        page = httpx.get(f"{address}/", headers={"Host": NAME}, timeout=PATIENCE_S)
        assert page.status_code == 200 and f'"root":"http://{NAME}/studio"' in page.text.replace('": "', '":"')
        for host, accepted, status in (
            (NAME, "application/json", 200),
            (NAME, "text/event-stream", 200),
            (NAME, "application/json, text/event-stream", 200),
            ("evil.example", "application/json", 421),
        ):
            headers = {"Host": host, "Accept": accepted}
            answer = httpx.post(address + PATH, json=LIST_TOOLS, headers=headers, timeout=PATIENCE_S)
            assert answer.status_code == status, answer.text
            if status == 200:
                assert len(answer.json()["result"]["tools"]) == 4
            else:
                assert "--allowed-host NAME" in answer.text
        origin = {"Host": NAME, "Accept": "application/json", "Origin": f"https://{NAME}"}
        assert httpx.post(address + PATH, json=LIST_TOOLS, headers=origin, timeout=PATIENCE_S).status_code == 200
