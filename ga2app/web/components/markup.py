"""What the pages' HTML is made of: templates, filled with escaping on, the small pieces that they share, and figures.

Markup and scripts stand in files beside the pages. The pieces are the macros of ``pieces.html``: every template knows
them, and all of the functions ``TEXTS``: ``{{ notice("info", text) }}``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from ga2app.errors import counted
from ga2app.types import LabelKind, RunState

WEB = Path(__file__).parents[1]
SHARE = ("Share", "Stop sharing")
"""What a button says that lets everybody see what is one's own alone, and what is shared."""
PIECES = "badge chips empty kind_mark notice notices".split()
UNEXPECTED = "Something went wrong inside the studio; its log says what. Try again, or report it with the log."


@cache
def _environment() -> Environment:
    folders = [WEB / "components", *sorted(path for path in (WEB / "pages").iterdir() if path.is_dir())]
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {one.__name__: one for one in TEXTS}
    pieces = environment.get_template("pieces.html").module
    environment.globals |= {name: getattr(pieces, name) for name in PIECES}
    return environment


def render(name: str, **values: Any) -> Markup:
    """The template ``name`` (``run_list.html``) filled with ``values``, each escaped unless it is Markup itself.

    Templates lie beside the pages that use them, or among the components; a file name stands once. Raises
    jinja2.UndefinedError where the template asks for what ``values`` lack.
    """
    return Markup(_environment().get_template(name).render(**values))


@cache
def script(*names: str) -> str:
    """The text of JavaScript files that stand beside a page or among the components, one after the other."""
    loader: Any = _environment().loader
    return "".join(loader.get_source(_environment(), name)[0] for name in names)


def ticks_js(boxes: str) -> str:
    """The script that keeps the ticks of a list, to stand first in its ``js_on_load``.

    ``boxes`` is the CSS selector of the rows' boxes inside the list; the ``value`` of each is the number of its row,
    which no other row ever has. The list may hold buttons ``data-tick="all"`` and ``data-tick="none"``, a box
    ``data-tick-all``, counters ``data-ticked="# ticked"`` and buttons ``data-needs-ticked``. What follows it may use
    ``ticks.ids()``, ``ticks.boxes()`` and ``ticks.clear()``.
    """
    return f"const tickable = '{boxes}';\n{script('list_ticks.js')}"


def _piece(name: str, *given: object) -> str:
    return str(getattr(_environment().get_template("pieces.html").module, name)(*given))


def badge(state: RunState) -> str:
    """A run's state as color, icon and word."""
    return _piece("badge", state)


def kind_mark(kind: LabelKind) -> str:
    """Where a label comes from, as a small mark with its explanation."""
    return _piece("kind_mark", kind)


def chips(labels: Sequence[str], kind: LabelKind) -> str:
    """Labels in a row of chips, the first of them."""
    return _piece("chips", labels, kind)


def notice(tone: str, text: str, title: str = "") -> str:
    """A message that stays on the page. ``tone`` is error, warning, info or success."""
    return _piece("notice", tone, text, title)


def locked(reason: str) -> str:
    """Why what is shown cannot be changed; ``base.css`` hides what has the class ``changes`` beside it."""
    return f"<div data-locked>{notice('info', reason)}</div>" if reason else ""


def notices(tone: str, texts: Sequence[str], title: str = "") -> str:
    """Several messages of one tone in one box."""
    return _piece("notices", tone, texts, title)


def lasting(inner: str) -> str:
    """``inner``, which is HTML, as a list that stays until it is dismissed, where ``lasting_messages.js`` runs."""
    return _piece("lasting", Markup(inner))


def empty(title: str, *steps: str) -> str:
    """An empty state that says what to do."""
    return _piece("empty", title, *steps)


def busy(text: str) -> str:
    """Shown while an answer is on its way."""
    return _piece("busy", text)


def meter_html(said: str, done: int, total: int) -> str:
    """A bar with ``said`` above it: how much of ``total`` is done; empty while nobody knows how much there is."""
    return _piece("meter", said, 100 * done / total if total else 0.0)


def percent(share: float) -> str:
    """A share between 0 and 1 in percent: whole from 10%, with a digit below, so that small ones stay apart."""
    value = 100 * share
    if 0 < value < 0.1:
        return "<0.1%"
    return f"{value:.1f}%" if value < 9.95 else f"{value:.0f}%"


def listed(texts: Sequence[str], limit: int) -> str:
    """The first ``limit`` of ``texts`` between commas, and how many more there are."""
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def shortened(text: str, limit: int = 80) -> str:
    """``text`` as it fits on a button."""
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def count_of(number: int, what: str) -> str:
    """``3 clips``, ``1 clip``: ``what`` in the singular."""
    return counted(number, what)


def size(count: int) -> str:
    """A number of bytes in the unit that suits it."""
    for limit, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if count >= limit:
            return f"{count / limit:.1f} {unit}" if count < 10 * limit else f"{count / limit:.0f} {unit}"
    return f"{count} bytes"


def duration(seconds: float) -> str:
    """A time span in its two largest units."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def ago(then_s: float, now_s: float | None = None) -> str:
    """How long ago something was, in one unit: a list changes at most once a minute."""
    seconds = max(0.0, (time.time() if now_s is None else now_s) - then_s)
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"


def tone_of(change: float, least: float = 0.05) -> str:
    """The color class of a change: ``up``, ``down``, or ``same`` where it rounds to nothing."""
    return "up" if change >= least else "down" if change <= -least else "same"


def signed(change: float) -> str:
    """A change with its sign and one decimal."""
    return f"{change:+.1f}".replace("-", "\u2212")


TEXTS = (ago, count_of, percent, shortened, signed, size, tone_of)
