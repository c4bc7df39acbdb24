"""What goes to the Hub and comes from it on a page: it is said first, and nothing moves before a second press."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, TypeVar

import gradio as gr

from ga2app.errors import HubConflict
from ga2app.services.studio import Studio
from ga2app.types import ByteProgress, HubAccount, HubOffer, Pushed, PushOptions
from ga2app.web.access import visitors_token
from ga2app.web.components.form_fields import line, small, tick
from ga2app.web.components.markup import busy, listed, meter_html, notice, render, size
from ga2app.web.events import QUIET, fault_html
from ga2app.web.theme import folded, part

S = TypeVar("S")
T = TypeVar("T")

LOOK_S = 0.3
"""How often the page is told how far a transfer is."""

_NAMED = 6
"""Files are named up to this number."""


@dataclass(frozen=True)
class Goods:
    """What a panel pushes, of what the page's own component holds; the functions raise StudioError.

    ``title`` is what people call it, ``place`` the repository that is proposed to an account. ``ticks`` lays out the
    fields that say what goes along; ``push`` gets their values: ``push(chosen, options, along, token=, progress=)``.
    """

    title: Callable[[Any], str]
    place: Callable[[Any, HubAccount], str]
    push: Callable[..., Pushed]
    ticks: Callable[[], Sequence[Any]]


@dataclass(frozen=True)
class Supply:
    """What a panel pulls; the functions raise StudioError.

    ``example`` is how such a repository may be called, ``about`` what of it is fetched. ``ticks`` lays out the fields
    that say what comes along; ``pull(offer, along, token=, progress=)`` gets their values. ``welcome`` gives new
    values for the page's outputs when something was pulled.
    """

    example: str
    about: str
    find: Callable[..., HubOffer]
    pull: Callable[..., Any]
    welcome: Callable[[Any], dict[Any, Any]]
    ticks: Callable[[], Sequence[Any]] = tuple


_HIDE_JS = "() => ({visible: false, __type__: 'update'})"
"""In the browser, at once: an answer from the server could close the panel that was opened meanwhile."""


def build_push(
    studio: Studio, goods: Goods, chosen: Any, opens: gr.Button, prefix: str = "", *, closes: Any = None
) -> None:
    """Lay the panel out, closed; ``opens`` opens it for what ``chosen`` holds. ``prefix`` begins its elem_ids.

    The event ``closes``, else any change of ``chosen``, closes it.
    """
    about_repo = "Account and name, or a name under your own account. It is made if it is not there."
    about_private = "Only you see a new repository, until you open it on the Hub. Untick it for one that is public."
    about_rights = "Asked only where clips, or pictures of clips, go along."
    with gr.Column(visible=False, elem_classes="hub-panel", elem_id=f"{prefix}push-panel") as box:
        account = part(elem_id=f"{prefix}push-account")
        with gr.Column(visible=False) as form:
            repo = line(f"{prefix}push-repo", "Repository", about_repo)
            private = tick(f"{prefix}push-private", "Private", about_private, on=True)
            along = list(goods.ticks())
            rights = tick(f"{prefix}push-rights", "I have the right to publish what goes along", about_rights)
        with gr.Row(elem_classes="actions"):
            go = small(f"{prefix}push-go", "Push", variant="primary", visible=False)
            onto = small(f"{prefix}push-onto", "Push on top of it", visible=False)
            leave = small(f"{prefix}push-close", "Close")
        told = part(elem_id=f"{prefix}push-answer")
        newer, nothing = gr.State(""), gr.State("")
    hidden = gr.update(visible=False)

    def begin(chosen: Any) -> Iterator[dict[Any, Any]]:
        closed = {form: hidden, go: hidden, onto: hidden}
        yield closed | {box: gr.update(visible=True), told: "", account: busy("Asking the Hub whose login this is…")}
        try:
            title = goods.title(chosen)
            who = studio.sharing.account(token=visitors_token(studio))
            place = goods.place(chosen, who)
        except Exception as exc:
            yield closed | {told: fault_html(exc), account: ""}
            return
        shown, told_who = (
            gr.update(visible=who.writes is not False),
            render("hub_account.html", account=who, title=title),
        )
        yield {repo: place, form: shown, go: shown, onto: hidden, told: "", account: str(told_who)}

    def push(chosen: Any, repo: str, private: bool, rights: bool, parent: str, *along: Any) -> Iterator[dict[Any, Any]]:
        ready, options = {go: gr.update(interactive=True)}, PushOptions(repo.strip(), private, rights, parent)
        yield {told: busy("Looking at the repository…"), go: gr.update(interactive=False), onto: hidden, newer: ""}
        try:
            token = visitors_token(studio)
            pushed = yield from moving(
                "Sending",
                lambda progress: goods.push(chosen, options, along, token=token, progress=progress),
                lambda bar: {told: bar},
            )
        except HubConflict as exc:
            yield ready | {told: notice("warning", str(exc)), onto: gr.update(visible=True), newer: exc.head}
        except Exception as exc:
            yield ready | {told: fault_html(exc)}
        else:
            yield ready | {told: str(render("hub_pushed.html", pushed=pushed))}

    # Drawn in this order: a name that is proposed after the field is in sight would replace one that is typed already.
    opens.click(begin, chosen, [box, repo, form, go, onto, told, account], **QUIET)
    for button, parent in ((go, nothing), (onto, newer)):
        button.click(push, [chosen, repo, private, rights, parent, *along], [told, go, onto, newer], **QUIET)
    leave.click(lambda: hidden, None, box, **QUIET)
    (closes or chosen.change)(None, None, box, js=_HIDE_JS, **QUIET)


def build_pull(studio: Studio, supply: Supply, outputs: list[Any], prefix: str = "") -> gr.events.Dependency:
    """A closed box; ``outputs`` are the components that ``supply.welcome`` speaks to.

    Gives the pull, for what the page does after it.
    """
    branch, example = "A branch, a tag or a commit, if you want that one.", f"{supply.example}, or its address"
    with folded("From the Hugging Face Hub", elem_id=f"{prefix}pull-box"):
        with gr.Row():
            repo = line(f"{prefix}pull-repo", "Repository", supply.about, placeholder=example, scale=3)
            revision = line(
                f"{prefix}pull-revision", "Revision", branch, placeholder="the newest", scale=1, min_width=160
            )
        along = list(supply.ticks())
        with gr.Row(elem_classes="actions"):
            ask = small(f"{prefix}pull-ask", "What is there?")
            go = small(f"{prefix}pull-go", "Pull it", variant="primary", visible=False)
        told = part(elem_id=f"{prefix}pull-answer")
        found = gr.State(None)
    hidden = gr.update(visible=False)

    def look(name: str, revision: str) -> Iterator[dict[Any, Any]]:
        yield {told: busy("Asking the Hub…"), go: hidden, found: None}
        try:
            offer = supply.find(name.strip(), revision=revision.strip(), token=visitors_token(studio))
        except Exception as exc:
            yield {told: fault_html(exc)}
        else:
            files = listed([f"{file.name} ({size(file.size_bytes)})" for file in offer.files], _NAMED)
            left = listed([name for name in offer.left_out if not name.startswith(".")], _NAMED)
            shown = str(render("hub_offer.html", offer=offer, files=files, left=left))
            size_text = size(offer.size_bytes)
            yield {told: shown, go: gr.update(visible=True, value=f"Pull {size_text}"), found: offer}

    def pull(offer: HubOffer | None, *along: Any) -> Iterator[dict[Any, Any]]:
        if offer is None:
            yield {told: notice("error", "nothing is chosen yet; press 'What is there?' first"), go: hidden}
            return
        yield {told: busy("Fetching…"), go: hidden}
        try:
            token = visitors_token(studio)
            pulled = yield from moving(
                "Fetching",
                lambda progress: supply.pull(offer, along, token=token, progress=progress),
                lambda bar: {told: bar},
            )
            welcome = supply.welcome(pulled)
        except Exception as exc:
            yield {told: fault_html(exc), go: gr.update(visible=True)}  # pressed again, it goes on with what it has
        else:
            yield {told: ""} | welcome

    gr.on([ask.click, repo.submit, revision.submit], look, [repo, revision], [told, go, found], **QUIET)
    gr.on([repo.input, revision.input], lambda: ["", hidden, None], None, [told, go, found], **QUIET)
    return go.click(pull, [found, *along], [told, go, *outputs], **QUIET)


def moving(doing: str, transfer: Callable[[ByteProgress], T], shown: Callable[[str], S]) -> Generator[S, None, T]:
    """``shown`` of a bar whenever ``transfer`` has come further; gives what it gave, and raises what it raises.

    It has a thread of its own, which knows who asked as the event does, and goes on to its end when the page is closed.
    """
    now = seen = (0, 0)

    def note(done_bytes: int, total_bytes: int) -> None:
        nonlocal now
        now = (done_bytes, total_bytes)

    pool = ThreadPoolExecutor(1, thread_name_prefix="transfer")
    try:
        future = pool.submit(copy_context().run, transfer, note)
        while not wait_for([future], LOOK_S).done:
            if now != seen and now[1]:
                seen = now
                yield shown(meter_html(f"{doing}: {size(now[0])} of {size(now[1])}", *now))
        return future.result()
    finally:
        pool.shutdown(wait=False)
