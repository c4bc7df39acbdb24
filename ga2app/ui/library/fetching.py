"""A bundle comes from the Hub: what would be fetched is said first, and nothing comes before a second press."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from ga2app.contracts import BundleCard, HubOffer
from ga2app.errors import StudioError
from ga2app.ui.events import QUIET
from ga2app.ui.library.cards import size
from ga2app.ui.library.publishing import token_of
from ga2app.ui.markup import busy, escape, notice
from ga2app.ui.recognize.screen import UNEXPECTED
from ga2app.ui.studio import Studio
from ga2app.ui.theme import part
from ga2app.ui.watching import Ended, Underway, meter_html, watched

log = logging.getLogger(__name__)

_NAMED = 6
"""Files that are left out are named up to this number."""

Welcome = Callable[[BundleCard, bool], list[Any]]


def build_pull(studio: Studio, welcome: Welcome, outputs: list[Any]) -> None:
    """A closed box; once a bundle is there, ``welcome`` gives the values that ``outputs`` of the library get."""
    with gr.Accordion("From the Hugging Face Hub", open=False, elem_id="pull-box"):
        with gr.Row():
            repo = gr.Textbox(
                label="Repository",
                placeholder="user/bundle, or its address",
                info="Its prompts and their description are fetched, nothing else: numbers and text, no code.",
                max_lines=1,
                scale=3,
                elem_id="pull-repo",
            )
            revision = gr.Textbox(
                label="Revision",
                placeholder="the newest",
                info="A branch, a tag or a commit, if you want that one.",
                max_lines=1,
                scale=1,
                min_width=160,
                elem_id="pull-revision",
            )
        with gr.Row(elem_classes="actions"):
            ask = gr.Button("What is there?", size="sm", elem_id="pull-ask")
            go = gr.Button("Pull it", size="sm", variant="primary", visible=False, elem_id="pull-go")
        told = part(elem_id="pull-answer")
        found = gr.State(None)

    hidden = gr.update(visible=False)

    def look(name: str, revision: str, oauth: gr.OAuthToken | None = None) -> Iterator[list[Any]]:
        yield [busy("Asking the Hub…"), hidden, None]
        try:
            offer = studio.exchange.find_bundle(name.strip(), revision=revision.strip(), token=token_of(oauth))
        except StudioError as exc:
            yield [notice("error", str(exc)), hidden, None]
            return
        except Exception:
            log.exception("a repository could not be looked at")
            yield [notice("error", UNEXPECTED), hidden, None]
            return
        yield [offer_html(offer), gr.update(visible=True, value=f"Pull {size(offer.size_bytes)}"), offer]

    def pull(offer: HubOffer | None, oauth: gr.OAuthToken | None = None) -> Iterator[list[Any]]:
        same = [gr.skip()] * len(outputs)
        if offer is None:
            yield [notice("error", "ask first what is there"), hidden, *same]
            return
        yield [busy("Fetching…"), hidden, *same]
        token = token_of(oauth)
        try:
            for state in watched(lambda told: studio.exchange.pull_bundle(offer, token=token, progress=told)):
                match state:
                    case Underway(done_bytes=done, total_bytes=total) if total:
                        yield [meter_html("Fetching", done, total), hidden, *same]
                    case Ended(value=(card, fresh)):
                        yield ["", hidden, *welcome(card, fresh)]
        except StudioError as exc:
            # Pressed again, it goes on with what it has.
            yield [notice("error", str(exc)), gr.update(visible=True), *same]
        except Exception:
            log.exception("a pull failed")
            yield [notice("error", UNEXPECTED), gr.update(visible=True), *same]

    gr.on([ask.click, repo.submit, revision.submit], look, [repo, revision], [told, go, found], **QUIET)
    gr.on([repo.input, revision.input], lambda: ["", hidden, None], None, [told, go, found], **QUIET)
    go.click(pull, found, [told, go, *outputs], **QUIET)


def offer_html(offer: HubOffer) -> str:
    """What a repository offers, at which commit, and what of it is left where it is."""
    files = ", ".join(f"{escape(file.name)} ({size(file.size_bytes)})" for file in offer.files)
    others, left = [name for name in offer.left_out if not name.startswith(".")], ""
    if others:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        left = f"<p>Not fetched: {', '.join(map(escape, others[:_NAMED]))}{more}.</p>"
    seen = "private" if offer.private else "public"
    head = f"<strong>{escape(offer.revision.repo_id)}</strong>, {seen}, at commit"
    commit = f"<code>{escape(offer.revision.commit[:12])}</code>"
    return f'<div class="notice info" role="status"><p>{head} {commit}</p><p>{files}</p>{left}</div>'
