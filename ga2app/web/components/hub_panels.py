"""What goes to the Hub and comes from it on a page: it is said first, and nothing moves before a second press."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextvars import copy_context
from typing import Any, Protocol, TypeVar

import gradio as gr

from ga2app.errors import HubConflict, StudioError
from ga2app.services.studio import Studio
from ga2app.types import ByteProgress, HubAccount, HubOffer, Pushed, PushOptions
from ga2app.web.access import visitors_token
from ga2app.web.components.markup import UNEXPECTED, busy, listed, meter_html, notice, size
from ga2app.web.events import QUIET
from ga2app.web.templates import render
from ga2app.web.theme import part

log = logging.getLogger(__name__)
T = TypeVar("T")

LOOK_S = 0.3
"""How often the page is told how far a transfer is."""

_NAMED = 6
"""Files are named up to this number."""


class Goods(Protocol):
    """What a panel pushes. ``chosen`` is what the page's own component holds; everything raises StudioError."""

    def title(self, chosen: Any) -> str:
        """What people call it."""
        ...

    def place(self, chosen: Any, account: HubAccount) -> str:
        """The repository that is proposed."""
        ...

    def ticks(self) -> Sequence[Any]:
        """Lay out the fields that say what goes along; gives those whose values ``push`` gets."""
        ...

    def push(
        self, chosen: Any, options: PushOptions, along: Sequence[Any], token: str | None, progress: ByteProgress
    ) -> Pushed:
        """Push it, with the values of ``ticks`` in ``along``."""
        ...


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
        """What a page's outputs are told when ``pull`` has given ``pulled``: a value for each of them."""
        ...


def build_push(studio: Studio, goods: Goods, chosen: Any, opens: gr.Button, prefix: str = "") -> None:
    """Lay the panel out, closed; ``opens`` opens it for what ``chosen`` holds. ``prefix`` begins its elem_ids."""
    with gr.Column(visible=False, elem_classes="hub-panel", elem_id=f"{prefix}push-panel") as box:
        account = part(elem_id=f"{prefix}push-account")
        with gr.Column(visible=False) as form:
            repo = gr.Textbox(
                label="Repository",
                info="Account and name, or a name under your own account. It is made if it is not there.",
                max_lines=1,
                elem_id=f"{prefix}push-repo",
            )
            private = gr.Checkbox(
                True,
                label="Private",
                info="Only you see a new repository, until you open it on the Hub. Untick it for one that is public.",
                elem_id=f"{prefix}push-private",
            )
            along = list(goods.ticks())
            rights = gr.Checkbox(
                False,
                label="I have the right to publish what goes along",
                info="Asked only where clips, or pictures of clips, go along.",
                elem_id=f"{prefix}push-rights",
            )
        with gr.Row(elem_classes="actions"):
            go = gr.Button("Push", variant="primary", size="sm", visible=False, elem_id=f"{prefix}push-go")
            onto = gr.Button("Push on top of it", size="sm", visible=False, elem_id=f"{prefix}push-onto")
            leave = gr.Button("Close", size="sm", elem_id=f"{prefix}push-close")
        told = part(elem_id=f"{prefix}push-answer")
        newer, nothing = gr.State(""), gr.State("")

    hidden = gr.update(visible=False)

    def begin(chosen: Any) -> Iterator[list[Any]]:
        asking = busy("Asking the Hub whose login this is…")
        yield [gr.update(visible=True), gr.skip(), hidden, hidden, hidden, "", asking]
        try:
            title = goods.title(chosen)
            who = studio.sharing.account(token=visitors_token(studio))
            place = goods.place(chosen, who)
        except Exception as exc:
            yield [gr.skip(), gr.skip(), hidden, hidden, hidden, fault_html(exc), ""]
            return
        shown = gr.update(visible=who.writes is not False)
        yield [gr.skip(), place, shown, shown, hidden, "", str(render("hub_account.html", account=who, title=title))]

    def push(chosen: Any, repo: str, private: bool, rights: bool, onto: str, *ticked: Any) -> Iterator[list[Any]]:
        ready, still = gr.update(interactive=True), gr.update(interactive=False)
        yield [busy("Looking at the repository…"), still, hidden, ""]
        options = PushOptions(repo.strip(), private, rights, onto)
        try:
            token = visitors_token(studio)
            pushed = yield from moving(
                "Sending",
                lambda progress: goods.push(chosen, options, ticked, token, progress),
                lambda bar: [bar, gr.skip(), gr.skip(), gr.skip()],
            )
        except HubConflict as exc:
            yield [notice("warning", str(exc)), ready, gr.update(visible=True), exc.head]
        except Exception as exc:
            yield [fault_html(exc), ready, hidden, ""]
        else:
            yield [str(render("hub_pushed.html", pushed=pushed)), ready, hidden, ""]

    # Drawn in this order: a name that is proposed after the field is in sight would replace one that is typed already.
    opens.click(begin, chosen, [box, repo, form, go, onto, told, account], **QUIET)
    for button, parent in ((go, nothing), (onto, newer)):
        asked = [chosen, repo, private, rights, parent, *along]
        button.click(push, asked, [told, go, onto, newer], **QUIET)
    leave.click(lambda: hidden, None, box, **QUIET)
    chosen.change(lambda: hidden, None, box, **QUIET)


def build_pull(studio: Studio, supply: Supply, outputs: list[Any], prefix: str = "") -> gr.events.Dependency:
    """A closed box; ``outputs`` are the components that ``supply.welcome`` speaks to.

    Gives the pull, for what the page does after it.
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
            pulled = yield from moving(
                "Fetching",
                lambda progress: supply.pull(offer, ticked, token, progress),
                lambda bar: [bar, hidden, *same],
            )
            welcome = supply.welcome(pulled)
        except Exception as exc:
            # Pressed again, it goes on with what it has.
            yield [fault_html(exc), gr.update(visible=True), *same]
        else:
            yield ["", hidden, *welcome]

    gr.on([ask.click, repo.submit, revision.submit], look, [repo, revision], [told, go, found], **QUIET)
    gr.on([repo.input, revision.input], lambda: ["", hidden, None], None, [told, go, found], **QUIET)
    return go.click(pull, [found, *along], [told, go, *outputs], **QUIET)


def offer_html(offer: HubOffer) -> str:
    """What a repository offers, at which commit, and what of it is left where it is."""
    files = listed([f"{file.name} ({size(file.size_bytes)})" for file in offer.files], _NAMED)
    left = listed([name for name in offer.left_out if not name.startswith(".")], _NAMED)
    return str(render("hub_offer.html", offer=offer, files=files, left=left))


def fault_html(exc: Exception) -> str:
    """What an action has ended with; call it in the handler of ``exc``."""
    if isinstance(exc, StudioError):
        return notice("error", str(exc))
    log.exception("an action of the page failed")
    return notice("error", UNEXPECTED)


def moving(
    doing: str, transfer: Callable[[ByteProgress], T], shown: Callable[[str], list[Any]]
) -> Generator[list[Any], None, T]:
    """``shown`` of a bar whenever ``transfer`` has come further; gives what it gave, and raises what it raises.

    It has a thread of its own, which knows who asked as the event does, and goes on to its end when the page is closed.
    """
    now = told = (0, 0)

    def note(done_bytes: int, total_bytes: int) -> None:
        nonlocal now
        now = (done_bytes, total_bytes)

    pool = ThreadPoolExecutor(1, thread_name_prefix="transfer")
    try:
        future = pool.submit(copy_context().run, transfer, note)
        while not wait_for([future], LOOK_S).done:
            if now != told and now[1]:
                told = now
                yield shown(meter_html(f"{doing}: {size(now[0])} of {size(now[1])}", *now))
        return future.result()
    finally:
        pool.shutdown(wait=False)
