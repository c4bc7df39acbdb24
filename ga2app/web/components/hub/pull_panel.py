"""Something comes from the Hub: what would be fetched is said first, and nothing comes before a second press."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.types import ByteProgress, HubOffer
from ga2app.web.access import visitors_token
from ga2app.web.components.hub.push_panel import fault_html
from ga2app.web.components.hub.watching import Ended, Underway, errand_html, watched
from ga2app.web.components.markup import busy, escape, listed, notice, size
from ga2app.web.events import QUIET
from ga2app.web.theme import part

_NAMED = 6
"""Files are named up to this number."""


class Supply(Protocol):
    """What a panel pulls. ``find`` and ``pull`` raise StudioError."""

    example: str
    """How such a repository may be called."""

    about: str
    """What of it is fetched, in a sentence."""

    def ticks(self) -> Sequence[Any]:
        """Lay out the fields that say what comes along; gives those whose values ``pull`` gets."""
        ...

    def find(self, repo: str, revision: str, token: str | None) -> HubOffer:
        """What is there."""
        ...

    def pull(self, offer: HubOffer, along: Sequence[Any], token: str | None, progress: ByteProgress) -> Any:
        """Fetch it and keep it, with the values of ``ticks`` in ``along``."""
        ...

    def welcome(self, pulled: Any) -> Any:
        """What a screen's outputs are told when ``pull`` has given ``pulled``: a list for each of them."""
        ...


def build_pull(studio: Studio, supply: Supply, outputs: list[Any], prefix: str = "") -> gr.events.Dependency:
    """A closed box; ``outputs`` are the components that ``supply.welcome`` speaks to.

    Gives the pull, for what the screen does after it.
    """
    with gr.Accordion("From the Hugging Face Hub", open=False, elem_id=f"{prefix}pull-box"):
        with gr.Row():
            repo = gr.Textbox(
                label="Repository",
                placeholder=f"{supply.example}, or its address",
                info=supply.about,
                max_lines=1,
                scale=3,
                elem_id=f"{prefix}pull-repo",
            )
            revision = gr.Textbox(
                label="Revision",
                placeholder="the newest",
                info="A branch, a tag or a commit, if you want that one.",
                max_lines=1,
                scale=1,
                min_width=160,
                elem_id=f"{prefix}pull-revision",
            )
        along = list(supply.ticks())
        with gr.Row(elem_classes="actions"):
            ask = gr.Button("What is there?", size="sm", elem_id=f"{prefix}pull-ask")
            go = gr.Button("Pull it", size="sm", variant="primary", visible=False, elem_id=f"{prefix}pull-go")
        told = part(elem_id=f"{prefix}pull-answer")
        found = gr.State(None)

    hidden = gr.update(visible=False)

    def look(name: str, revision: str) -> Iterator[list[Any]]:
        yield [busy("Asking the Hub…"), hidden, None]
        try:
            offer = supply.find(name.strip(), revision.strip(), visitors_token(studio))
        except Exception as exc:
            yield [fault_html(exc), hidden, None]
            return
        yield [offer_html(offer), gr.update(visible=True, value=f"Pull {size(offer.size_bytes)}"), offer]

    def pull(offer: HubOffer | None, *ticked: Any) -> Iterator[list[Any]]:
        same = [gr.skip()] * len(outputs)
        if offer is None:
            yield [notice("error", "nothing is chosen yet; press 'What is there?' first"), hidden, *same]
            return
        yield [busy("Fetching…"), hidden, *same]
        try:
            token = visitors_token(studio)
            for state in watched(lambda progress: supply.pull(offer, ticked, token, progress)):
                match state:
                    case Underway(done_bytes=done, total_bytes=total) if total:
                        yield [errand_html("Fetching", done, total), hidden, *same]
                    case Ended(value=pulled):
                        yield ["", hidden, *supply.welcome(pulled)]
        except Exception as exc:
            # Pressed again, it goes on with what it has.
            yield [fault_html(exc), gr.update(visible=True), *same]

    gr.on([ask.click, repo.submit, revision.submit], look, [repo, revision], [told, go, found], **QUIET)
    gr.on([repo.input, revision.input], lambda: ["", hidden, None], None, [told, go, found], **QUIET)
    return go.click(pull, [found, *along], [told, go, *outputs], **QUIET)


def offer_html(offer: HubOffer) -> str:
    """What a repository offers, at which commit, and what of it is left where it is."""
    files = listed([f"{escape(file.name)} ({size(file.size_bytes)})" for file in offer.files], _NAMED)
    others = [escape(name) for name in offer.left_out if not name.startswith(".")]
    left = f"<p>Not fetched: {listed(others, _NAMED)}.</p>" if others else ""
    seen = "private" if offer.private else "public"
    head = f"<strong>{escape(offer.revision.repo_id)}</strong>, {seen}, at commit"
    commit = f"<code>{escape(offer.revision.commit[:12])}</code>"
    return f'<div class="notice info" role="status"><p>{head} {commit}</p><p>{files}</p>{left}</div>'
