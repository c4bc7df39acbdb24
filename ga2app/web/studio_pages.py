"""The studio as pages of one Gradio app, in the order in which a person meets them.

Conventions, for whoever changes a page:

- A page is one function ``build_…(studio, page)`` that lays out and connects what is on it. It is called as inside of
  ``Blocks.route``: every component and every event that it makes is sent to that page alone.
- ``page.on_open(handler, inputs, outputs)`` reads the store when the page opens. The handler may take a
  ``gr.Request``, and reads the address of the page from that with ``address.text``, ``number`` and ``texts``. It is
  asked again at the browser's Back and Forward, whose address it has to follow.
- What an address names and nobody has is told as such, and nothing else is shown in its place.
- ``address.tell`` writes the address as what is shown changes; ``address.go`` makes a button that leads to another
  page, ``gr.Button(link=…)`` and ``<a href="./train?from=run-7">`` do so, too. Links are relative: ``./runs?id=7``.
- No event fills a component of another page: what the other page needs stands in its address.
- A timer ticks on its own page only, and a ``gr.State`` lives as long as the page is open. What has to outlive it is
  in the store, in the browser (``browser_memory.js``), or with the server by the browser tab's key
  (``recognize_state.Visits``).
- The endpoints of the API lie on a page of their own, so that no other page carries them: ``./api``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.store.row_guard import Actor, acting_as
from ga2app.web.access import guarded
from ga2app.web.api import build_api, describe_parameters, fill_left_out
from ga2app.web.components import masthead
from ga2app.web.components.masthead import Page, Place
from ga2app.web.events import settle_modes
from ga2app.web.pages.anchors.anchors_page import build_anchors
from ga2app.web.pages.datasets.datasets_page import build_datasets
from ga2app.web.pages.datasets.hub_sets_page import build_hub_sets
from ga2app.web.pages.library.library_page import build_library
from ga2app.web.pages.live.live_page import build_live
from ga2app.web.pages.recognize.recognize_page import build_recognize
from ga2app.web.pages.review.review_page import build_review
from ga2app.web.pages.runs.compare_page import build_compare
from ga2app.web.pages.runs.runs_page import build_runs
from ga2app.web.pages.runs.sweep_page import build_sweep
from ga2app.web.pages.timeline.timeline_page import build_timeline
from ga2app.web.pages.train.train_page import build_train
from ga2app.web.theme import part


def build_page(studio: Studio) -> gr.Blocks:
    """The whole studio as one Gradio app; theme and style sheet go to ``launch``."""
    studio = guarded(studio)
    app = gr.Blocks(title="GA² Studio", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400))
    # Of what a page shows before it is opened, everybody sees the same: on a Space, what is shared with all.
    nobody = acting_as(Actor(None)) if studio.space else nullcontext()
    with app, nobody:
        # The endpoints come first: an event that came before could take the name of one.
        for place in (masthead.API, *masthead.PLACES[:-1]):
            _begin(app, place)
            page = masthead.build_masthead(studio, app, place)
            with gr.Column(elem_id="page"):
                _BUILDERS[place](studio, page)
            part(masthead.footer_html(studio), elem_id="footer")
            _end(app)
    settle_modes(app)
    describe_parameters(app)
    fill_left_out(app)
    return app


def _build_api(studio: Studio, page: Page) -> None:
    """The endpoints; Gradio describes them to whoever presses its button below the page, and to ``gradio_client``."""
    part(
        "<h2>For programs</h2><p>Programs can do all that the pages do, through <code>gradio_client</code> "
        "or plain HTTP. <b>Use via API</b>, below, describes each endpoint with snippets to start from.</p>",
        elem_id="api-page",
    )
    build_api(studio, on_space=studio.space is not None)


_BUILDERS: dict[Place, Callable[[Studio, Page], object]] = {
    masthead.RECOGNIZE: build_recognize,
    masthead.DATASETS: build_datasets,
    masthead.ANCHORS: build_anchors,
    masthead.TRAIN: build_train,
    masthead.RUNS: build_runs,
    masthead.LIBRARY: build_library,
    masthead.LIVE: build_live,
    masthead.COMPARE: build_compare,
    masthead.SWEEP: build_sweep,
    masthead.REVIEW: build_review,
    masthead.TIMELINE: build_timeline,
    masthead.HUB_SETS: build_hub_sets,
    masthead.API: _build_api,
}


def _begin(app: gr.Blocks, place: Place) -> None:
    """Begin the page at ``place``.

    As ``Blocks.route`` does, which would close the app before: at each closing Gradio makes its whole server anew,
    for eight pages a matter of seconds.
    """
    if place.path:
        app.pages.append((place.path, place.title, place.in_menu))
    app.current_page = place.path


def _end(app: gr.Blocks) -> None:
    """Attach what components of the page do at the start to this page; Gradio would attach it to the last one."""
    app.default_config.attach_load_events()
    for block in app.blocks.values():
        if isinstance(block, gr.components.Component):
            block.load_event_to_attach = None
