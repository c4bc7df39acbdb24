"""Serves a studio with the pretending recognizer, to agents too: ``python -m ui.server HOME PORT``."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from ga2app.environment import ServerAddress
from ga2app.paths import Home
from ga2app.web import build_page
from ga2app.web.server import launch

from .studios import WOKEN, make_studio


def main(root: str, port: str) -> None:
    home = Home(Path(root))
    studio = make_studio(home, wake_worker=lambda: (home.root / WOKEN).touch())
    page = build_page(studio).queue(default_concurrency_limit=4)
    launch(page, studio, ServerAddress("127.0.0.1", int(port)), mcp=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
