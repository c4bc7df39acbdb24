"""Markdown of strangers as HTML that can do nothing: no markup of theirs, no script, no picture from elsewhere.

Everything is escaped first; only then do the few signs of Markdown that a model card needs become tags. Links lead to
web addresses alone and open in a tab of their own; a picture is told by its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from ga2app.web.components.markup import escape

MAX_CHARACTERS = 60_000
_FENCES = ("```", "~~~")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_ITEM = re.compile(r"\s*(?:([-*+])|(\d{1,9})[.)])\s+(.*)")
_RULE = re.compile(r"\s*([-*_])(?:\s*\1){2,}\s*$")
_DIVIDER = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_CODE = re.compile(r"`([^`]+)`")
_IMAGE = re.compile(r"!\[([^\[\]]*)\]\([^()]*\)")
_LINK = re.compile(r"\[([^\[\]]+)\]\((https?://[^\s()]+)(?:\s[^()]*)?\)")
_BOLD = re.compile(r"\*\*([^*\s](?:[^*]*[^*\s])?)\*\*")
_ITALIC = re.compile(r"(?<![\w*])\*([^*\s](?:[^*]*[^*\s])?)\*(?![\w*])")


def to_html(text: str) -> str:
    """``text`` as HTML, without its front matter; what is beyond a long card's length is left out, and that is said."""
    cut = len(text) > MAX_CHARACTERS
    lines = _without_comments(_body(text[:MAX_CHARACTERS])).splitlines()
    html = "".join(_blocks(lines))
    return html + ("<p><em>The rest of this long card is in the bundle's README.md.</em></p>" if cut else "")


def _body(text: str) -> str:
    """``text`` after its front matter."""
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    if not text.startswith("---\n"):
        return text
    end = text.find("\n---", 3)
    return text if end < 0 else text[end + 4 :].lstrip("-")


def _without_comments(text: str) -> str:
    kept, place = [], 0
    while (start := text.find("<!--", place)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        kept.append(text[place:start])
        place = end + 3
    return "".join([*kept, text[place:]])


def _blocks(lines: list[str]) -> Iterator[str]:
    place = 0
    while place < len(lines):
        line = lines[place]
        if not line.strip():
            place += 1
        elif line.lstrip().startswith(_FENCES):
            end = _until(lines, place + 1, partial(_closes, line.lstrip()[:3]))
            yield f"<pre><code>{escape(chr(10).join(lines[place + 1 : end]))}</code></pre>"
            place = end + 1
        elif heading := _HEADING.match(line):
            level = min(6, len(heading[1]) + 3)
            yield f"<h{level}>{_inline(heading[2])}</h{level}>"
            place += 1
        elif _RULE.match(line):
            yield "<hr>"
            place += 1
        elif "|" in line and place + 1 < len(lines) and "-" in lines[place + 1] and _DIVIDER.match(lines[place + 1]):
            end = _until(lines, place + 2, lambda other: "|" not in other)
            yield _table(line, lines[place + 2 : end])
            place = end
        elif _ITEM.match(line):
            end = _until(lines, place + 1, lambda other: not other.strip() or bool(_HEADING.match(other)))
            yield _list(lines[place:end])
            place = end
        else:
            end = _until(lines, place + 1, _begins_a_block)
            yield f"<p>{_inline(' '.join(part.strip().lstrip('>').strip() for part in lines[place:end]))}</p>"
            place = end


def _until(lines: list[str], start: int, ends: Callable[[str], bool]) -> int:
    return next((place for place in range(start, len(lines)) if ends(lines[place])), len(lines))


def _closes(fence: str, line: str) -> bool:
    return line.lstrip().startswith(fence)


def _begins_a_block(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith(_FENCES) or bool(_HEADING.match(line) or _ITEM.match(line))


def _list(lines: list[str]) -> str:
    """One level of items; the lines between two of them belong to the first."""
    items: list[str] = []
    first = _ITEM.match(lines[0])
    for line in lines:
        if item := _ITEM.match(line):
            items.append(item[3])
        else:
            items[-1] += " " + line.strip()
    tag = "ul" if first and first[1] else "ol"
    return f"<{tag}>{''.join(f'<li>{_inline(item)}</li>' for item in items)}</{tag}>"


def _table(head: str, rows: list[str]) -> str:
    def cells(row: str, tag: str) -> str:
        inner = row.strip().removeprefix("|").removesuffix("|")
        return "".join(f"<{tag}>{_inline(cell.strip())}</{tag}>" for cell in inner.split("|"))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{cells(head, "th")}</tr></thead><tbody>{body}</tbody></table></div>'


def _inline(text: str) -> str:
    """One run of text: code as it is, in the rest links, pictures' texts, bold and italic."""
    parts = []
    for place, part in enumerate(_CODE.split(text)):
        parts.append(f"<code>{escape(part)}</code>" if place % 2 else _marks(escape(part)))
    return "".join(parts)


def _marks(escaped: str) -> str:
    escaped = _IMAGE.sub(lambda found: f"<em>[picture: {found[1] or 'without a text'}]</em>", escaped)
    escaped = _LINK.sub(r'<a href="\2" target="_blank" rel="noopener noreferrer nofollow">\1</a>', escaped)
    return _ITALIC.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", escaped))
