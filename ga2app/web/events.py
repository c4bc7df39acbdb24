"""How the screens' events run: plumbing, hidden from the API, and in the order in which people acted."""

from __future__ import annotations

from typing import Any

QUIET: dict[str, Any] = {"show_progress": "hidden", "show_progress_on": [], "api_visibility": "private"}
"""Keyword arguments of an event that nobody waits for, or that says by itself what is going on.

Gradio tells every component on which progress could be shown of every stage of every event, hidden or not. On none of
them, then: a screen has some fifty outputs, and this was most of the time in which it opened.
"""


def in_turn(screen: str) -> dict[str, Any]:
    """Keyword arguments of an event that draws ``screen`` from the store.

    Such events run one at a time, as they came: the answer to an earlier one never comes behind that to a later one
    and puts back what was there before. For what takes no more than a moment; whatever reads clips has its own lane.
    """
    return QUIET | {"concurrency_id": screen, "concurrency_limit": 1}
