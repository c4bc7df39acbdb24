"""The page: six screens in the order in which a person meets them, and what one does to another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.errors import StudioError
from ga2app.services.studio import Studio, bundle_key
from ga2app.web.access import guarded
from ga2app.web.address import SCREEN, note_opened, note_screen
from ga2app.web.api import build_api
from ga2app.web.api.documented import describe_parameters
from ga2app.web.components.account import build_account
from ga2app.web.components.markup import notice
from ga2app.web.events import QUIET, in_turn
from ga2app.web.pages.anchors.anchors_page import build_anchors
from ga2app.web.pages.datasets.datasets_page import build_datasets
from ga2app.web.pages.library.jumps import hard_prompt_form
from ga2app.web.pages.library.library_page import build_library
from ga2app.web.pages.recognize.recognize_page import build_recognize
from ga2app.web.pages.runs.run_view import PROGRESS, SECTIONS
from ga2app.web.pages.runs.runs_page import build_runs, find_run
from ga2app.web.pages.train.remembered import build_memory
from ga2app.web.pages.train.train_actions import refresh_datasets
from ga2app.web.pages.train.train_page import build_train
from ga2app.web.theme import controls_script, header_html, part

SCREENS = RECOGNIZE, DATASETS, ANCHORS, TRAIN, RUNS, LIBRARY = (
    "recognize",
    "datasets",
    "anchors",
    "train",
    "runs",
    "library",
)

_HEADER_JS = """
// A reverse proxy that refuses a large upload says no more than a number: what it means, and whose setting it is.
const plainly = window.fetch;
window.fetch = async (...asked) => {
  const answer = await plainly(...asked);
  if (answer.status !== 413) return answer;
  const form = asked[1]?.body instanceof FormData ? [...asked[1].body.values()] : [];
  const size = form.reduce((sum, one) => sum + (one instanceof File ? one.size : 0), 0);
  const what = size ? `This upload of ${(size / 1e6).toFixed(1)} MB is` : 'This upload is';
  return new Response(`${what} larger than the proxy in front of the studio lets through. Choose a smaller file, or ` +
    'ask whoever runs the studio to raise the limit (nginx: client_max_body_size).', {status: 413});
};
element.addEventListener('click', event => {
  if (!event.target.closest('[data-theme-switch]')) return;
  const dark = document.body.classList.toggle('dark');
  try { localStorage.setItem('ga2-theme', dark ? 'dark' : 'light'); } catch (error) {}
});
let saved = null;
try { saved = localStorage.getItem('ga2-theme'); } catch (error) {}
if (saved && !new URLSearchParams(location.search).has('__theme')) {
  document.body.classList.toggle('dark', saved === 'dark');
}
// An answer between press and release would swallow the click. Where it draws a list anew, the click goes to what has
// taken the place; where it moves a button from under a pointer that holds still, to that button.
let pressed = null;
const told = node => node && JSON.stringify({...node.dataset});
const under = event => event.target.closest('[data-run], [data-compare], [data-set], [data-bundle], .pick');
const meantBy = node => node?.matches('.pick') ? node.querySelector('input') : node;
document.addEventListener('pointerdown', event => {
  const node = under(event);
  pressed = {event, node, meant: meantBy(node), button: event.target.closest('button')};
}, true);
document.addEventListener('pointerup', event => {
  if (!pressed) return;
  const {event: down, node, meant, button} = pressed;
  pressed = null;
  if (node && !node.isConnected) {
    const now = meantBy(under(event));
    if (now && told(now) === told(meant)) now.click();
  } else if (button?.isConnected && !button.contains(event.target)) {
    if (Math.hypot(event.clientX - down.clientX, event.clientY - down.clientY) < 5) button.click();
  }
}, true);
"""


def build_page(studio: Studio) -> gr.Blocks:
    """The whole studio as one Gradio page; theme and style sheet go to ``launch``."""
    studio = guarded(studio)
    page: gr.Blocks
    with gr.Blocks(title="GA² Studio", analytics_enabled=False, fill_width=True, delete_cache=(3600, 86400)) as page:
        # First of all: an event that came before could take the name of an endpoint.
        build_api(studio)
        part(header_html(), js_on_load=_HEADER_JS + controls_script(), elem_id="masthead")
        build_account(studio, page)
        memory = build_memory()
        with gr.Tabs(selected=RECOGNIZE, elem_id="screens") as tabs:
            with gr.Tab("Recognize", id=RECOGNIZE) as recognize_tab:
                recognize = build_recognize(studio, recognize_tab)
            with gr.Tab("Datasets", id=DATASETS) as datasets_tab:
                datasets = build_datasets(studio, datasets_tab)
            with gr.Tab("Anchors", id=ANCHORS) as anchors_tab:
                build_anchors(studio, anchors_tab)
            with gr.Tab("Train", id=TRAIN) as train_tab:
                train = build_train(studio, train_tab, memory)
            with gr.Tab("Runs", id=RUNS) as runs_tab:
                runs = build_runs(studio, runs_tab)
            with gr.Tab("Library", id=LIBRARY) as library_tab:
                library = build_library(studio, library_tab)

        def open_page(request: gr.Request) -> list[Any]:
            """What the address asks for. The screen draws itself when its tab opens: the others cost no time here."""
            query = request.query_params
            asked = query.get("run", "")
            run_id = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 10 else None
            view, compared = query.get("view", ""), query.get("compare", "")
            view = view if view in SECTIONS else PROGRESS
            bundle = query.get("bundle", "")
            screen = query.get(SCREEN, "")
            if bundle:
                screen = LIBRARY
            if run_id is not None or compared:
                screen = RUNS
            told = [run_id, view, gr.Tabs(selected=view), "compare" if compared else "run", compared]
            # What the address does not tell stays as it is: this answer may come when something was chosen already.
            return [
                *(told if screen == RUNS else [gr.skip()] * len(told)),
                bundle if screen == LIBRARY and bundle else gr.skip(),
                gr.Tabs(selected=screen) if screen in SCREENS else gr.skip(),
            ]

        clocks = {DATASETS: datasets.clock, TRAIN: train.clock, RUNS: runs.clock}

        def rest(event: gr.SelectData) -> list[Any]:
            """Only the clock of the screen that is open may tick; whether it does is that screen's affair."""
            shown = str(event.value).lower()
            return [gr.skip() if screen == shown else gr.Timer(active=False) for screen in clocks]

        def try_run(run_id: int | None, labels: str) -> list[Any]:
            run = find_run(studio, run_id)
            cards = studio.store.bundles.list()
            card = next((card for card in cards if run and run.bundle and Path(card.folder) == Path(run.bundle)), None)
            if card is None:
                raise gr.Error("The bundle of this run is not in the library any more.", print_exception=False)
            return try_bundle(bundle_key(card), labels)

        def try_bundle(key: str, labels: str) -> list[Any]:
            return [gr.Tabs(selected=RECOGNIZE), *recognize.try_bundle(key, labels)]

        def train_on(dataset_id: int | None) -> list[Any]:
            return refresh_datasets(studio, [datasets.name_of(dataset_id)])

        def then_open_train(filled: gr.events.Dependency) -> None:
            """Train draws itself by what its form says when it opens: the form has to be filled by then."""
            filled.then(lambda: gr.Tabs(selected=TRAIN), None, tabs, **of_train)

        def use_hard(key: str) -> list[Any]:
            try:
                return [gr.Tabs(selected=TRAIN), "", *hard_prompt_form(studio, key)]
            except StudioError as exc:
                return [gr.skip(), notice("error", str(exc)), *[gr.skip()] * len(train.filled)]

        of_train, of_runs = in_turn(TRAIN), in_turn(RUNS)
        listed = [train.dataset, train.card, train.clock]
        note_opened(page.load(open_page, None, [*runs.address, library.chosen, tabs], **of_runs))
        note_screen(recognize_tab, told="{}")
        for tab in (datasets_tab, anchors_tab, train_tab):
            note_screen(tab)
        tabs.select(rest, None, list(clocks.values()), **QUIET)
        then_open_train(datasets.train_on.click(train_on, datasets.chosen, listed, **of_train))
        runs_tab.select(runs.refresh, runs.asked, runs.outputs, **of_runs)
        then_open_train(runs.again.click(train.take_run, runs.chosen, train.filled, **of_train))
        train.watch.click(
            lambda pressed, shown: [
                gr.Tabs(selected=RUNS),
                *runs.refresh(pressed.runs[0] if pressed and pressed.runs else None, shown),
            ],
            [train.pressed, runs.shown],
            [tabs, *runs.outputs],
            **of_runs,
        )
        tried = [tabs, *recognize.tried]
        runs.try_it.click(try_run, [runs.chosen, recognize.labels], tried, **QUIET)
        library.try_it.click(try_bundle, [library.chosen, recognize.labels], tried, **QUIET)
        library.use_hard.click(use_hard, library.chosen, [tabs, library.told, *train.filled], **of_train)
    describe_parameters(page)
    return page
