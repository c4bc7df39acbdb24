"""Serves a studio with the pretending recognizer, to agents too: ``python -m ui.server HOME PORT``."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

from ga2app.paths import Home
from ga2app.services.uploads import uploads_folder
from ga2app.web import build_page
from ga2app.web.mcp import open_to_agents
from ga2app.web.theme import launch_look

from .studios import WOKEN, make_studio


def main(root: str, port: str) -> None:
    home = Home(Path(root))
    studio = make_studio(home, wake_worker=lambda: (home.root / WOKEN).touch())
    page = build_page(studio).queue(default_concurrency_limit=4)
    agents = open_to_agents(studio, page, "127.0.0.1")
    page.launch(
        server_name="127.0.0.1",
        server_port=int(port),
        prevent_thread_lock=True,
        _frontend=False,  # no look at its own page: to take over 3 s for it on a busy machine is no fault
        quiet=True,
        allowed_paths=[str(home.media)],
        blocked_paths=[str(uploads_folder(home))],
        mcp_server=False,
        app_kwargs={"routes": agents.routes, "lifespan": agents.lifespan},
        **launch_look(),
    )
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
