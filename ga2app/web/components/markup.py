"""Small pieces of HTML that the screens share. Every piece of text from outside goes through ``escape``."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ga2app.types import LabelKind, RunState

UNEXPECTED = "Something went wrong inside the studio; its log says what. Try again, or report it with the log."

_ICONS = {
    RunState.QUEUED: '<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.5 1.5"/>',
    RunState.RUNNING: '<path class="solid" d="M5 3.2v9.6L13 8z"/>',
    RunState.STOPPING: '<path d="M8 2.5a5.5 5.5 0 1 1-5.5 5.5"/><path class="solid" d="M6 6h4v4H6z"/>',
    RunState.STOPPED: '<path class="solid" d="M4 4h8v8H4z"/>',
    RunState.DONE: '<path d="M3 8.5l3.5 3.5L13 4.5"/>',
    RunState.FAILED: '<path d="M4 4l8 8M12 4l-8 8"/>',
}

_KIND_HELP = {
    LabelKind.BASE: "base: the bundle was trained on clips with this label",
    LabelKind.NOVEL: "novel: typed by you, the bundle was never trained on it",
    LabelKind.NEGATIVE: "negative: stands for 'none of these'",
}


def escape(text: object) -> str:
    """``text`` as it may stand in HTML, in an attribute too."""
    return html.escape(str(text), quote=True)


def file_url(path: Path | str) -> str:
    """The address of a file that the app may serve, relative to the page, whatever signs its name has."""
    return f"gradio_api/file={escape(quote(str(path)))}"


def badge(state: RunState) -> str:
    """A run's state as color, icon and word."""
    return (
        f'<span class="badge {state.value}"><svg viewBox="0 0 16 16" aria-hidden="true">{_ICONS[state]}</svg>'
        f"{state.value}</span>"
    )


def kind_mark(kind: LabelKind) -> str:
    """Where a label comes from, as a small mark with its explanation."""
    return f'<span class="kind {kind.value}" title="{escape(_KIND_HELP[kind])}">{kind.value}</span>'


def chips(labels: tuple[str, ...] | list[str], kind: LabelKind, limit: int = 60) -> str:
    """Labels in a row of chips, the first ``limit`` of them."""
    shown = "".join(f'<li class="chip {kind.value}">{escape(label)}</li>' for label in labels[:limit])
    more = f'<li class="chip more">and {len(labels) - limit} more</li>' if len(labels) > limit else ""
    return f'<ul class="chips">{shown}{more}</ul>'


def notice(tone: str, text: str, title: str = "") -> str:
    """A message that stays on the page. ``tone`` is error, warning, info or success."""
    if not text:
        return ""
    head = f"<strong>{escape(title)}</strong> " if title else ""
    role = "alert" if tone == "error" else "status"
    return f'<div class="notice {tone}" role="{role}">{head}<span>{escape(text)}</span></div>'


def notices(tone: str, texts: tuple[str, ...] | list[str], title: str = "") -> str:
    """Several messages of one tone in one box."""
    if len(texts) < 2:
        return notice(tone, texts[0] if texts else "", title)
    head = f"<strong>{escape(title)}</strong>" if title else ""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f'<div class="notice {tone}" role="status">{head}<ul>{items}</ul></div>'


def lasting(inner: str) -> str:
    """``inner`` as a list that stays until it is dismissed, where ``lasting_messages.js`` runs."""
    dismiss = '<button type="button" class="small" data-dismiss>Dismiss</button>'
    return f'<section class="lasting">{inner}{dismiss}</section>' if inner else ""


def empty(title: str, *steps: str) -> str:
    """An empty state that says what to do."""
    items = "".join(f"<li>{escape(step)}</li>" for step in steps)
    return f'<div class="empty"><h3>{escape(title)}</h3><ol>{items}</ol></div>'


def busy(text: str) -> str:
    """Shown while an answer is on its way."""
    return f'<div class="busy" role="status"><span class="sweep"></span><p>{escape(text)}</p></div>'


def percent(share: float) -> str:
    """A share between 0 and 1 in percent: whole from 10 %, with a digit below, so that small ones stay apart."""
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
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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


def meter_html(said: str, done: int, total: int) -> str:
    """A bar with ``said`` above it: how much of ``total`` is done; empty while nobody knows how much there is."""
    share = 100 * done / total if total else 0.0
    return (
        f'<div class="fetching" role="status"><p>{escape(said)}</p>'
        f'<div class="meter"><span style="width:{share:.1f}%"></span></div></div>'
    )
