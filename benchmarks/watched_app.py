"""Runs app.py of the current folder with an eye on what its answering threads call: ``house.py`` drives it.

The first line on stdin begins to watch, the second ends it and prints the files of ga2app that were called and the
functions that lead to the vision tower. Threads are watched as they start, so what the main thread does is left out.
"""

from __future__ import annotations

import json
import sys
import threading
from types import FrameType
from typing import Any

PACKAGE, TOWER = "/ga2app/", "encode_frames"
watching = False
files: set[str] = set()
chains: list[list[str]] = []


def look(frame: FrameType | None, event: str, told: Any) -> None:
    """Note a call; a chain is read from the vision tower back to the handler, less comprehensions."""
    if not watching or frame is None or event != "call" or PACKAGE not in frame.f_code.co_filename:
        return
    files.add(frame.f_code.co_filename.split(PACKAGE)[1])
    if frame.f_code.co_name == TOWER:
        chain = []
        while frame is not None:
            if PACKAGE in frame.f_code.co_filename and not frame.f_code.co_name.startswith("<"):
                chain.append(frame.f_code.co_qualname.split("<locals>.")[-1])
            frame = frame.f_back
        chains.append(chain[::-1])


def toggle() -> None:
    """Begin to watch with one line, and tell what was seen with the next."""
    global watching
    for _ in sys.stdin:
        watching = not watching
        if not watching:
            print(json.dumps({"files": sorted(files), "chains": chains}), flush=True)


if __name__ == "__main__":
    threading.Thread(target=toggle, daemon=True).start()
    threading.setprofile(look)
    sys.path.insert(0, ".")
    import app

    sys.exit(app.main(sys.argv[1:]))
