"""A docstring in its parts, and that the tools' docstrings have them all."""

from __future__ import annotations

import inspect

import pytest

from ga2app import errors
from ga2app.web.api import explained
from ga2app.web.mcp_agents import Tool, Tools


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


@pytest.mark.parametrize("name", Tools.NAMES)
def test_every_argument_answer_and_error_of_a_tool_is_explained(tools: Tools, name: str):
    tool = Tool(tools, name)
    assert all(one["description"] for one in tool.arguments.values())
    assert list(tool.arguments) == list(inspect.signature(tool.function).parameters)
    assert all(issubclass(getattr(errors, error), errors.StudioError) for error in tool.raises)
    assert tool.returns and len(tool.about) > 50
