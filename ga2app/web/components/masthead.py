"""What every page has: its place among the others, the masthead with the way to them, who is signed in, the footer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr
from markupsafe import escape

from ga2app.services.space import Space, Visitor, is_owner, refusal
from ga2app.services.studio import Studio
from ga2app.store.database_check import version_line
from ga2app.web.access import present_visitor
from ga2app.web.components.markup import render, script
from ga2app.web.events import QUIET
from ga2app.web.theme import controls_script, part


def build_account(studio: Studio, page: gr.Blocks) -> None:
    """The line, drawn anew whenever the page is opened. Off a Space there is none: everything is one's own."""
    space = studio.space
    if space is None:
        return
    with gr.Row(elem_id="account", equal_height=True):
        told = part(account_html(space, Visitor()), elem_id="account-told")
        if not space.no_sign_in:
            gr.LoginButton(size="sm", scale=0, min_width=190, logout_value="Sign out ({})", elem_id="sign-in")

    def tell() -> str:
        return account_html(space, present_visitor(space) or Visitor())

    page.load(tell, None, told, **QUIET)


def account_html(space: Space, visitor: Visitor) -> str:
    """What ``visitor`` may do here, in a sentence or two."""
    if why := refusal(space, visitor):
        return f"<p>{escape(why[0].upper() + why[1:])}.</p>"
    whose = "the owner's program" if visitor.name is None else f"Signed in as <b>{escape(visitor.name)}</b>"
    own = "what you make here is yours: others see it if you share it"
    may = "this Space is yours" if is_owner(space, visitor) else own
    lost = (
        ""
        if space.keeps
        else " A restart deletes everything that is made here: mount storage, and name it in GA2_HOME."
    )
    return f"<p>{whose}: {may}.{lost}</p>"


@dataclass(frozen=True)
class Place:
    """Where a page lies: its ``path`` below the studio's address, which has no slash in it, and its ``title``."""

    path: str
    title: str
    in_menu: bool = True

    @property
    def link(self) -> str:
        """The way to it from any other page."""
        return f"./{self.path}"


RECOGNIZE = Place("", "Recognize")
DATASETS, ANCHORS, TRAIN = Place("datasets", "Datasets"), Place("anchors", "Anchors"), Place("train", "Train")
RUNS, LIBRARY = Place("runs", "Runs"), Place("library", "Library")
COMPARE, API = Place("compare", "Compare runs", in_menu=False), Place("api", "API", in_menu=False)
REVIEW, LIVE = Place("review", "Review clips", in_menu=False), Place("live", "Live camera", in_menu=False)
TIMELINE = Place("timeline", "Long video", in_menu=False)
SWEEP = Place("sweep", "Sweep", in_menu=False)
HUB_SETS = Place("hub", "Data sets of the Hub", in_menu=False)
PLACES = (RECOGNIZE, DATASETS, ANCHORS, TRAIN, RUNS, LIBRARY, COMPARE, SWEEP, REVIEW, HUB_SETS, LIVE, TIMELINE, API)

_BELOW = {COMPARE: RUNS, SWEEP: RUNS, REVIEW: DATASETS, HUB_SETS: DATASETS, LIVE: RECOGNIZE, TIMELINE: RECOGNIZE}
"""Pages that are reached from one of the menu, which is marked while they are open."""


@dataclass(frozen=True)
class Page:
    """A page while it is built: the app that it belongs to, its place, and its masthead."""

    app: gr.Blocks
    place: Place
    masthead: gr.HTML

    def on_open(self, handler: Callable[..., Any], inputs: Any, outputs: Any, **settings: Any) -> gr.events.Dependency:
        """Call ``handler`` when the page opens, and when Back or Forward have led to another address of it."""
        opened: gr.events.Dependency = gr.on(
            [self.app.load, self.masthead.submit], handler, inputs, outputs, **settings
        )
        return opened


def build_masthead(studio: Studio, app: gr.Blocks, place: Place) -> Page:
    """The masthead of the page that is just being built, and on a Space the line that says who is signed in."""
    header = str(render("masthead.html", place=place, shown=_BELOW.get(place, place), places=PLACES))
    html = part(header, js_on_load=script("masthead.js") + controls_script(), elem_id="masthead")
    build_account(studio, app)
    return Page(app, place, html)


def footer_html(studio: Studio) -> str:
    """What stands below every page."""
    told = f"<span>{escape(version_line(studio.home))}</span>"
    return f'<footer class="pages-end"><a href="{API.link}">Use via API</a> {told}</footer>'
