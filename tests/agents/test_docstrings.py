"""A docstring in its parts, and that the tools' docstrings have them all."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import get_type_hints

import pytest

from ga2app import errors
from ga2app.web.mcp.mcp_docstrings import explained
from ga2app.web.mcp.mcp_tools import Tools

TOOLS = [Tools.recognize, Tools.list_bundles, Tools.queue_run, Tools.run_status]


def test_a_docstring_is_told_in_its_parts():
    def draw(clip: str, count: int) -> None:
        """Draw a clip.

        It has a second
        paragraph.

        Args:
            clip: where it goes: a path,
                which is made if need be.
            count: how many.

        Returns:
            px: its side.

        Raises:
            ClipError: the disk is full.
        """

    told = explained(draw)
    assert (told.summary, told.about) == ("Draw a clip.", "Draw a clip.\n\nIt has a second\nparagraph.")
    assert told.args == {"clip": "where it goes: a path, which is made if need be.", "count": "how many."}
    assert (told.returns, told.raises) == ({"px": "its side."}, {"ClipError": "the disk is full."})


def test_a_function_without_a_docstring_is_not_explained():
    def silent() -> None: ...

    assert explained(silent).about == "" and explained(silent).args == {}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.__name__)
def test_every_argument_answer_and_error_of_a_tool_is_explained(tool):
    told = explained(tool)
    assert list(told.args) == [name for name in inspect.signature(tool).parameters if name != "self"]
    assert list(told.returns) == [field.name for field in fields(get_type_hints(tool)["return"])]
    assert all(issubclass(getattr(errors, name), errors.StudioError) for name in told.raises)
    assert len(told.summary) > 50


def test_these_are_all_the_tools(studio):
    assert [tool.__name__ for tool in Tools(studio).all] == [tool.__name__ for tool in TOOLS]
