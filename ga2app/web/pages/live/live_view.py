"""What the live page shows: bars that stay in their places while they grow and shrink, and why there is no camera."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ga2app.services.live_recognition import LiveAnswer
from ga2app.types import Answer, Score
from ga2app.web.components.markup import render

CAMERA_READY = "ready"
_CAMERA_FAULTS = {
    "insecure": "The browser gives a page its camera only over https, or on the machine itself (localhost): open the "
    "studio at such an address.",
    "NotAllowedError": "The browser was told not to give this page the camera: allow it beside the page's address, and "
    "press Start again.",
    "NotFoundError": "There is no camera: connect one, and press Start again.",
    "NotReadableError": "The camera cannot be used just now, most likely because another program does: close that, and "
    "press Start again.",
}


def camera_fault(said: str) -> str:
    """Why there is no camera, in a sentence; empty where there is one. ``said`` is "ready", or the browser's error."""
    if said == CAMERA_READY:
        return ""
    return _CAMERA_FAULTS.get(
        said, f"The browser has not given this page a camera ({said[:80] or 'it does not say why'}): press Start again."
    )


def live_html(answer: LiveAnswer) -> Markup:
    """The bars of every classifier for the frames that were seen last."""
    sides = [
        (title, one, _in_place(one, answer.labels)) for title, one in zip(answer.titles, answer.answers, strict=True)
    ]
    return render("live_answer.html", live=answer, sides=sides)


def _in_place(answer: Answer, labels: Sequence[str]) -> list[Score]:
    """The scores in the order in which the labels were given, where all are there; else the best first."""
    places = {label: place for place, label in enumerate(labels)}
    if not places.keys() <= {score.label for score in answer.scores}:
        return [*answer.scores]
    return sorted(answer.scores, key=lambda one: places.get(one.label, len(places)))
