"""The package that speaks MCP is an extra."""

from __future__ import annotations

import sys
from typing import Any, cast

import pytest

from ga2app.errors import PackageError
from ga2app.web.server import open_to_agents


def test_where_it_is_not_installed_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("mcp.")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "mcp", None)
    monkeypatch.delitem(sys.modules, "ga2app.web.mcp_agents", raising=False)
    with pytest.raises(PackageError) as refused:
        open_to_agents(cast(Any, None), cast(Any, None))
    said = str(refused.value)
    assert "'mcp', which is not installed; install it with pip install -r requirements-mcp.txt, or start" in said
    assert "or start the studio without --mcp" in said
