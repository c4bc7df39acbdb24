"""The package that speaks MCP is an extra."""

from __future__ import annotations

import subprocess
import sys

from ga2app.paths import PROJECT

SCRIPT = """
import sys
sys.modules["mcp"] = None
from ga2app.web.mcp import open_to_agents
from ga2app.errors import StudioError
try:
    open_to_agents(None, None, "127.0.0.1")
except StudioError as exc:
    print(exc)
"""


def test_where_it_is_not_installed_the_error_says_how_to_install_it():
    said = subprocess.run([sys.executable, "-c", SCRIPT], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "'mcp', which is not installed; install it with pip install -r requirements-mcp.txt, or start" in said.stdout
    assert "or start the studio without --mcp" in said.stdout
