"""Model cards of strangers: what Markdown says is shown, what could do something is not."""

from __future__ import annotations

import re

import pytest

from ga2app.web.pages.library.library_view import MAX_CHARACTERS, card_html

CARD = """---
tags: [clip]
---
# A *name* & more

Some **bold** text
over two lines with `a < b`.

| top-1 | base |
|---|---|
| zero-shot CLIP | 50.0 |

- Backbone: `sketch`
  (frozen)
- Second

1. one
2. two

```python
print("<hi>")  # **not bold**
```
See [the paper](https://arxiv.org/abs/1?a=1&b=2 "title").
"""


def test_a_model_card_is_shown_as_what_it_means() -> None:
    html = card_html(CARD)
    for piece in (
        "<h4>A <em>name</em> &amp; more</h4>",
        "<p>Some <strong>bold</strong> text\nover two lines with <code>a &lt; b</code>.</p>",
        "<th>top-1</th>\n<th>base</th>",
        "<td>zero-shot CLIP</td>\n<td>50.0</td>",
        "<ul>\n<li>Backbone: <code>sketch</code>\n(frozen)</li>\n<li>Second</li>\n</ul>",
        "<ol>\n<li>one</li>\n<li>two</li>\n</ol>",
        '<code class="language-python">print(&quot;&lt;hi&gt;&quot;)  # **not bold**\n</code></pre>',
        '<a href="https://arxiv.org/abs/1?a=1&amp;b=2" title="title" target="_blank" rel="noopener noreferrer no',
    ):
        assert piece in html
    assert "tags:" not in html


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        '<img src="https://spy.example/x.png" onerror="alert(1)">',
        "![x](https://spy.example/x.png)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>)",
        '[x](https://a.example/"onmouseover="alert(1))',
        "![x](https://a.example/)](https://spy.example/y.png)",
        "<!-- --><style>@import 'https://spy.example'</style>",
        "`</code><script>`",
        "| <iframe src=x> |\n|---|\n| <svg onload=alert(1)> |",
        "# <object data=x>",
        "[<img src=x>](https://a.example)",
        "![a](x)[b](https://c.example/d](https://e.example)",
        '[a"onfocus="alert(1)](https://b.example)',
    ],
)
def test_nothing_of_a_card_runs_or_is_loaded(evil: str) -> None:
    html = card_html(f"before {evil}\n\n{evil}")
    tags = set(re.findall(r"<(/?\w+)", html))
    allowed = "p h4 h5 h6 ul ol li pre code table thead tbody tr th td div a em strong hr".split()
    assert {tag.lstrip("/") for tag in tags} <= set(allowed)
    for tag in re.findall(r"<[^>]*>", html):
        assert re.fullmatch(
            r"</?\w+>|<div class=\"scroll\">|<a href=\"https?://[^\"]*\" target=\"_blank\" rel=\"[a-z ]*\">", tag
        ), tag


def test_a_long_card_is_shown_in_part_and_says_so() -> None:
    html = card_html("word " * MAX_CHARACTERS)
    assert len(html) < 2 * MAX_CHARACTERS and "The rest of this long card" in html


@pytest.mark.parametrize(
    "piece", ["[", "![", "`", "**", "*a", "[](", "| -", "#", "- ", "<!--", "\\", "_ ", "[a](http://"]
)
def test_a_card_of_nothing_but_signs_is_shown(piece: str) -> None:
    """Each of these is slow in a reader that looks for its other end again and again."""
    assert card_html(piece * (MAX_CHARACTERS // len(piece)))
    assert card_html("x\n".join([piece] * 10_000))
