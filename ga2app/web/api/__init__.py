"""Named endpoints for programs and for MCP: everything else that the page can do is private plumbing.

A docstring here is what a caller reads, and an endpoint answers in plain JSON. What goes wrong is told in the words of
the StudioError behind it.
"""

from __future__ import annotations

from ga2app.services.studio import Studio
from ga2app.web.api.dataset_endpoints import build_datasets_api
from ga2app.web.api.library_endpoints import build_library_api
from ga2app.web.api.recognition_endpoints import build_recognition_api
from ga2app.web.api.run_endpoints import build_runs_api


def build_api(studio: Studio) -> None:
    """Connect the endpoints."""
    build_recognition_api(studio)
    build_runs_api(studio)
    build_library_api(studio)
    build_datasets_api(studio)
