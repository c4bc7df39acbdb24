"""What the studio does for agents, over the Model Context Protocol (MCP): ``python app.py --mcp``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ga2app.errors import PackageError

if TYPE_CHECKING:
    import gradio as gr

    from ga2app.services.studio import Studio
    from ga2app.web.mcp.agent_server import Agents


def open_to_agents(studio: Studio, page: gr.Blocks, host: str, allowed_hosts: Sequence[str] = ()) -> Agents:
    """The MCP server of ``studio``, whose endpoints ``page`` has, for an app that listens on ``host``.

    ``allowed_hosts`` are further names under which agents may ask for it. Raises PackageError where ``mcp``, an extra,
    is missing.
    """
    try:
        from ga2app.web.mcp.agent_server import Agents
    except ModuleNotFoundError as exc:
        if (exc.name or "").split(".")[0] not in ("mcp", "mcp_types"):
            raise
        hint = "install it with pip install -r requirements-mcp.txt, or start the studio without --mcp"
        raise PackageError("agents are answered by the package 'mcp', which is not installed", hint=hint) from exc
    return Agents(studio, page, host, allowed_hosts)
