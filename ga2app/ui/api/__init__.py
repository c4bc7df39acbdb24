"""Named endpoints for programs and for MCP: everything else that the page can do is private plumbing.

A docstring here is what a caller reads, and an endpoint answers in plain JSON. What goes wrong is told in the words of
the StudioError behind it.
"""

from __future__ import annotations

from ga2app.ui.api.library import build_library_api
from ga2app.ui.api.recognition import build_recognition_api
from ga2app.ui.api.runs import build_runs_api
from ga2app.ui.studio import Studio


def build_api(studio: Studio) -> None:
    """Connect the endpoints."""
    build_recognition_api(studio)
    build_runs_api(studio)
    build_library_api(studio)
