"""What the studio does for agents, over the Model Context Protocol (MCP): ``python app.py --mcp``.

Four tools: recognize, list_bundles, queue_run, run_status. What an agent reads of them (what each does, its arguments
with their units, what it answers, what can go wrong) comes from their docstrings and types alone; see ``tools``.

The protocol is spoken by the package ``mcp``, which is an extra: only ``server`` needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ga2app.errors import PackageError

if TYPE_CHECKING:
    from ga2app.services.studio import Studio
    from ga2app.web.mcp.mcp_server import Agents

__all__ = ["open_to_agents"]


def open_to_agents(studio: Studio, host: str, allowed_hosts: Sequence[str] = ()) -> Agents:
    """The MCP server of ``studio``, for an app that listens on ``host``; raises PackageError where ``mcp`` is missing.

    ``allowed_hosts`` are further names under which agents may ask for it.

    Loads nothing of it before: most people start the studio without.
    """
    try:
        from ga2app.web.mcp.mcp_server import Agents
    except ModuleNotFoundError as exc:
        if (exc.name or "").split(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise PackageError(
            "agents are answered by the package 'mcp', which is not installed; install it with pip install -r "
            "requirements-mcp.txt, or pip install 'mcp>=2.3,<3' (26 MB), or start the studio without --mcp"
        ) from exc
    return Agents(studio, host, allowed_hosts)
