"""How the screens' events run: plumbing, hidden from the API, and in the order in which people acted."""

from __future__ import annotations

from typing import Any

QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
"""Keyword arguments of an event that nobody waits for, or that says by itself what is going on."""


def in_turn(screen: str) -> dict[str, Any]:
    """Keyword arguments of an event that draws ``screen`` from the store.

    Such events run one at a time, as they came: the answer to an earlier one never comes behind that to a later one
    and puts back what was there before. For what takes no more than a moment; whatever reads clips has its own lane.
    """
    return QUIET | {"concurrency_id": screen, "concurrency_limit": 1}
