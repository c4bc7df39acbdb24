"""What the figures of this screen mean, in words."""

from __future__ import annotations

from ga2app.store.ratings import Rating
from ga2app.web.components.markup import escape

RELEVANT = 0.25
"""Below this irrelevance a clip looks relevant."""

GOOD = 0.5
"""From this irrelevance on a clip is a good anchor: its nearest label fits it as badly as any word would."""

ABOUT_ANCHORS = (
    "An anchor is a short clip that has nothing to do with your actions: rain on a window, a passing car, an empty "
    "room. While prompts are trained, what the model makes of the anchors has to stay what plain CLIP makes of them. "
    "That keeps everything else from being forgotten."
)
ABOUT_IRRELEVANCE = (
    "Irrelevance goes from 0 to 1, and more is better. It is the share of generic texts (“an object”, “water”, …) that "
    "would describe the clip better than its nearest label does. From 0.5 on a clip is a good anchor; below 0.25 it "
    "looks like one of your actions, and holding on to it would work against your training."
)
ABOUT_HELD_FRAMES = (
    "Being made is no proof. CLIP looks at single frames and takes their mean: a held frame of somebody riding a "
    "bicycle still looks like riding a bicycle, and a clip run backwards is the same clip. Somebody who stays on the "
    "spot stays in the background, too. So measure what was made, and keep what is irrelevant."
)
ABOUT_NEGATIVES = (
    "A negative prompt says what a clip shows when none of your actions happens: “nothing”, “an empty room”, "
    "“something else”. It draws irrelevant clips to itself and away from your labels. One that is close to a label "
    "harms: it draws that label's clips away, too."
)


def grade(irrelevance: float) -> str:
    """good, fair or poor."""
    return "good" if irrelevance >= GOOD else "fair" if irrelevance >= RELEVANT else "poor"


def irrelevance_text(rating: Rating, comparable: bool) -> str:
    """A sentence on the irrelevance of a clip."""
    if not comparable:
        return (
            f"This backbone knows too few generic texts: {rating.value:.2f} ranks the clips of this set and says no "
            f"more. Nearest label: {rating.nearest}."
        )
    of_hundred = int(rating.value * 100)
    said = f"About {of_hundred} of 100 generic texts would describe this clip better than “{rating.nearest}” does"
    ends = {
        "good": "a good anchor.",
        "fair": "usable, but it has something of that label.",
        "poor": "it looks like that label; a poor anchor.",
    }
    return f"{said}: {ends[grade(rating.value)]}"


def closeness_text(rating: Rating) -> str:
    """A sentence on how close a text comes to the labels."""
    if rating.warned:
        return (
            f"Too close to “{rating.nearest}” (cosine {rating.value:.2f}): it shares a word with it, or is as near to "
            "it as your labels are to each other. It would draw clips away from that label; word it otherwise "
            "or switch it off."
        )
    return f"Nearest label: “{rating.nearest}”, cosine {rating.value:.2f}. Far enough from it."


def bar_html(rating: Rating | None, tone: str, sentence: str, label: str) -> str:
    """A rating as a bar with its figure and its nearest label; a dash where nothing was measured."""
    if rating is None:
        return '<span class="rating none" title="Not measured against these labels yet">not measured</span>'
    # Rounded down, so that no clip is called wholly irrelevant.
    shown = f"{int(max(rating.value, 0) * 100) / 100:.2f}" if rating.value >= 0 else f"{rating.value:.2f}"
    width = round(100 * min(max(rating.value, 0.0), 1.0))
    return (
        f'<span class="rating {tone}" title="{escape(sentence)}"><span class="figures"><b>{shown}</b> '
        f'<span class="near">{escape(rating.nearest)}</span></span>'
        f'<span class="track" role="meter" aria-label="{escape(label)}" aria-valuemin="0" aria-valuemax="1" '
        f'aria-valuenow="{shown}" aria-valuetext="{escape(sentence)}"><span class="fill" style="width:{width}%"></span>'
        "</span></span>"
    )
