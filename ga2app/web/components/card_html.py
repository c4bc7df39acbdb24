"""Model cards of strangers as HTML that can do nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markupsafe import Markup

MAX_CHARACTERS = 30_000
"""A model card longer than that is shown in part."""


def card_html(text: str) -> Markup:
    """A model card, Markdown of strangers, as HTML that can do nothing: no markup of theirs and no picture is loaded.

    Links lead to web addresses alone and open in a tab of their own. What is beyond a long card's length is left out,
    and that is said.
    """
    body = text[:MAX_CHARACTERS].replace("\r\n", "\n").lstrip("\ufeff")
    if body.startswith("---\n") and (end := body.find("\n---", 3)) >= 0:
        body = body[end + 4 :].lstrip("-")
    first, *rest = body.split("<!--")
    body = first + "".join(one.partition("-->")[2] if "-->" in one else f"<!--{one}" for one in rest)
    html = Markup(_markdown().render(body))
    cut = "<p><em>The rest of this long card is in the bundle's README.md.</em></p>"
    return html + Markup(cut) if len(text) > MAX_CHARACTERS else html


@cache
def _markdown() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table")

    def picture(self: RendererHTML, tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
        told = self.renderInlineAsText(tokens[place].children or [], options, env)
        return str(Markup("<em>[picture: {}]</em>").format(told or "without a text"))

    def link(self: RendererHTML, tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
        tokens[place].attrs |= {"target": "_blank", "rel": "noopener noreferrer nofollow"}
        return self.renderToken(tokens, place, options, env)

    def heading(self: RendererHTML, tokens: Sequence[Any], place: int, options: Any, env: Any) -> str:
        tokens[place].tag = f"h{min(6, int(tokens[place].tag[1]) + 3)}"  # below the headings of the page
        return self.renderToken(tokens, place, options, env)

    reader.add_render_rule("image", picture)
    reader.add_render_rule("heading_open", heading)
    reader.add_render_rule("heading_close", heading)
    reader.add_render_rule("link_open", link)
    reader.validateLink = lambda url: url.startswith(("https://", "http://"))  # type: ignore[method-assign]
    return reader
