"""A Space as the Hub runs one: its folder, the Hub's variables, a fresh process, and no network."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

import pytest
from gradio_client import Client

from ga2app.paths import Home
from ga2app.worker import launcher

Answer = TypeVar("Answer")
AUTHOR, SECRET, KEY = "alice", "the secret of the Space's own OAuth app", "a key for the owner's programs"
STAND_IN = Path(__file__).parent / "stand_in"
PATIENCE_S = 240.0
"""A machine that is busy with other things takes its time; a Space that comes up at all does so in seconds."""


@dataclass(frozen=True)
class Hosted:
    """A running Space: its address, its folder and its home, and where its output goes."""

    address: str
    folder: Path
    home: Path
    log: Path

    def client(self) -> Client:
        """A client of somebody who is not signed in."""
        return Client(self.address, verbose=False)


def variables(home: Path, port: int, **more: str) -> dict[str, str]:
    """The environment of a Space: what the Hub sets, ``more`` of the owner's own, and a network that leads nowhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GA2_", "GRADIO_", "SPACE"))}
    nowhere = "http://127.0.0.1:9"
    return kept | {
        "SYSTEM": "spaces",
        "SPACE_ID": f"{AUTHOR}/studio",
        "SPACE_AUTHOR_NAME": AUTHOR,
        "SPACE_REPO_NAME": "studio",
        "SPACE_HOST": f"{AUTHOR}-studio.hf.space",
        "SPACE_TITLE": "GA² Studio",
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "OAUTH_CLIENT_ID": "11111111-2222-3333-4444-555555555555",
        "OAUTH_CLIENT_SECRET": SECRET,
        "OAUTH_SCOPES": "openid profile contribute-repos",
        "OPENID_PROVIDER_URL": "https://huggingface.co",
        "GA2_HOME": str(home),
        "GA2_KEY": KEY,
        "HF_ENDPOINT": nowhere,
        "HF_HOME": str(home.parent / "huggingface"),
        "https_proxy": nowhere,
        "no_proxy": "127.0.0.1,localhost",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        **more,
    }


@contextlib.contextmanager
def hosted(folder: Path, work: Path, **more: str) -> Iterator[Hosted]:
    """Run the Space in ``folder`` for as long as the block lasts, with the stand-in for the Hub's own package."""
    port = _free_port()
    home, log = work / "data" / "ga2", work / "space.log"
    environment = variables(home, port, **more)
    # The folder's own ga2app and no other: of what this test was started with, only installed packages are kept.
    elsewhere = [path for path in sys.path if path and not (Path(path) / "ga2app").exists()]
    environment["PYTHONPATH"] = os.pathsep.join([str(STAND_IN), *elsewhere])
    space = Hosted(f"http://127.0.0.1:{port}", folder, home, log)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=folder, env=environment, stdout=output, stderr=output
        )
    try:
        _wait(space, process)
        yield space
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            pytest.fail("it did not end when it was told to")
        launcher.stop_worker(Home(home))  # it outlives the app, as it should, but not this test


def finish(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What ``work`` gives, in a thread of its own: a browser that is driven from this one has an event loop here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def session_cookie(person: str, *, secret: str = SECRET, expires_in_s: float = 3600, **userinfo: Any) -> str:
    """The cookie that Gradio gives a browser when ``person`` has signed in: its session, signed with the secret."""
    from itsdangerous import TimestampSigner

    about = {
        "sub": sha256(person.encode()).hexdigest()[:24],
        "name": person.title(),
        "preferred_username": person,
        "profile": f"https://huggingface.co/{person}",
        "picture": f"https://huggingface.co/avatars/{person}.svg",
    }
    told: Mapping[str, Any] = {
        "oauth_info": {
            "access_token": token_of(person),
            "token_type": "bearer",
            "scope": "openid profile contribute-repos",
            "expires_at": int(time.time() + expires_in_s),
            "userinfo": about | userinfo,
        }
    }
    key = sha256(f"{secret}-v4".encode()).hexdigest()
    return TimestampSigner(key).sign(base64.b64encode(json.dumps(told).encode())).decode()


def token_of(person: str) -> str:
    """What stands for ``person`` at the Hub."""
    return f"hf_oauth_{person}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(space: Hosted, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(space.address, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"no answer from {space.address}:\n{space.log.read_text(errors='replace')}")
