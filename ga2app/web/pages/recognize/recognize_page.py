"""First page: clips and labels in, what zero-shot CLIP and bundles see in them out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from anyio import to_thread
from gradio.processing_utils import save_file_to_cache

from ga2app.environment import received_folder
from ga2app.labels import format_labels
from ga2app.services.recognition_service import MOST_BUNDLES
from ga2app.services.studio import Studio
from ga2app.types import RecognitionRequest
from ga2app.web import address
from ga2app.web.components.form_fields import line
from ga2app.web.components.markup import listed, notice, render, script, shortened
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET, REVEAL_JS, OneAfterAnother, in_turn, waited_for
from ga2app.web.pages.recognize import recognize_controls as fields
from ga2app.web.pages.recognize import recognize_state as state
from ga2app.web.pages.recognize.recognize_controls import Controls
from ga2app.web.pages.recognize.recognize_state import VISITS, Drawn, Left, Shown
from ga2app.web.theme import folded, part


def build_recognize(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    # Made first: the inputs of an event come in the order in which they were made.
    tab, memory = gr.Textbox("", visible=False), gr.JSON(visible=False)
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300, elem_classes="asking"):
            controls = Controls(studio)
        with gr.Column(scale=8, min_width=300, elem_classes="telling", elem_id="telling"):
            results = ResultParts()
    writers = fields.connect_controls(studio, controls)
    _connect_results(studio, controls, results, tab)
    writers.append(_connect_recognizing(studio, controls, results, tab))
    _connect_memory(studio, controls, results, page, tab, memory, writers)


class ResultParts:
    """The right side; ``values`` gives what is drawn by the part that it goes into."""

    def __init__(self) -> None:
        self.shown = gr.State(Shown())
        self.overview = part("", js_on_load=script("recognize.js"), elem_id="overview")
        self.grades = part("", elem_id="grades")
        with folded("Check against true labels", visible=False, elem_id="checking") as self.checking:
            about = (
                "One clip per line: file,label. Quote a label that holds a comma. Or type them into the table above."
            )
            self.lines = line("truth", "True labels", about, placeholder="walk-01.mp4,walking", lines=3, max_lines=8)
            with gr.Row(elem_classes="actions"):
                self.use = gr.Button("Use these", size="sm")
                lists: Any = {"file_types": [".csv", ".tsv", ".txt"], "elem_id": "truth-csv"}
                self.upload = gr.UploadButton("Upload a CSV", size="sm", **lists)
        self.clips = part(str(render("recognize_intro.html")), js_on_load=script("recognize.js"), elem_id="answer")
        self.outputs: list[Any] = [self.overview, self.checking, self.grades, self.clips, self.shown]

    def values(self, drawn: Drawn) -> dict[Any, Any]:
        found = [drawn.overview, gr.update(visible=drawn.several), drawn.grades, drawn.clips, drawn.shown]
        return dict(zip(self.outputs, found, strict=True))


def _connect_results(studio: Studio, controls: Controls, results: ResultParts, tab: gr.Textbox) -> None:
    """What the right side does by itself: true labels, another threshold, pages of clips, and reasons."""
    shown, graded = results.shown, [results.overview, results.grades, results.shown]
    turns = OneAfterAnother()

    def type_true_label(key: str, before: Shown, event: gr.EventData) -> tuple[str, Shown]:
        changed = state.with_true_label(before, event._data.get("clip"), event._data.get("label"))
        VISITS.keep(key, shown=changed)
        return state.draw(changed).grades, changed

    def use_lines(key: str, before: Shown, text: str) -> tuple[Any, ...]:
        drawn = state.draw(state.with_true_labels(before, text))
        VISITS.keep(key, shown=drawn.shown)
        return drawn.overview, drawn.grades, drawn.shown

    def judge_again(key: str, before: Shown, percent: float) -> Any:
        if before.results is None or not before.results.asked_for_none:
            return {results.shown: gr.skip()}
        drawn = state.draw(replace(before, results=before.results.with_threshold(percent / 100)))
        VISITS.keep(key, shown=drawn.shown)
        return results.values(drawn)

    async def click(
        key: str, before: Shown, event: gr.EventData, request: gr.Request
    ) -> AsyncIterator[tuple[Any, Shown]]:
        clicked = partial(state.clicked, studio, asked=event._data)
        async for changed in turns.run(request.session_hash or "", before, clicked):
            drawn = await to_thread.run_sync(state.draw, changed)
            VISITS.keep(key, shown=changed)
            yield drawn.clips, changed

    turn = in_turn("recognize")
    results.overview.submit(type_true_label, [tab, shown], [results.grades, shown], **turn)
    results.use.click(use_lines, [tab, shown, results.lines], graded, **turn)
    read: Any = {"fn": lambda key, before, file: use_lines(key, before, state.read_lines(file)), **turn}
    results.upload.upload(inputs=[tab, shown, results.upload], outputs=graded, **read)
    threshold = controls.settings.threshold
    threshold.release(judge_again, [tab, shown, threshold], results.outputs, **turn)
    # Closing, or another question, pressed while reasons are still coming in, is done after them.
    # The service admits, as for recognizing.
    results.clips.click(click, [tab, shown], [results.clips, shown], concurrency_limit=None, **QUIET)


def _connect_recognizing(
    studio: Studio, controls: Controls, results: ResultParts, tab: gr.Textbox
) -> gr.events.Dependency:
    """What makes the right side answer: the button, Enter, or a click on an example, whose event is given back.

    Asked again while it is at work, it answers what is asked last.
    """
    newest = state.Newest()

    def read(given: dict[Any, Any]) -> tuple[RecognitionRequest, Shown]:
        return controls.request(given), given[results.shown]

    def put(drawn: Drawn) -> dict[Any, Any]:
        return results.values(drawn) | {controls.fault: drawn.fault}

    def answer(given: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
        for page in newest.alone(given[tab], state.answer_pages(studio, read, put, given)):
            VISITS.keep(given[tab], shown=page[results.shown])
            yield page

    def choose_example(event: gr.EventData) -> tuple[list[str], str]:
        example = studio.examples[event.index]
        # Gradio hands out nothing but what lies in its own folder.
        file = save_file_to_cache(example.path, str(received_folder()))
        return [file], format_labels(dict.fromkeys(each.label for each in studio.examples))

    shared: dict[str, Any] = {
        "fn": answer,
        "inputs": controls.asked | {results.shown, tab},
        "outputs": [*results.outputs, controls.fault],
        "concurrency_limit": None,  # the service admits, and turns take care of the rest
        "trigger_mode": "multiple",
        **waited_for(results.clips),
    }
    reveal: dict[str, Any] = {"fn": None, "js": REVEAL_JS % "telling", **QUIET}
    gr.on([controls.ask.click, controls.labels.submit], **shared).then(**reveal)
    gr.on([controls.ask.click, controls.labels.submit], **reveal)
    chosen = controls.examples.click(choose_example, None, [controls.files, controls.labels], **QUIET)
    chosen.success(**shared).then(**reveal)
    chosen.success(**reveal)
    return chosen


def _connect_memory(
    studio: Studio,
    controls: Controls,
    results: ResultParts,
    page: Page,
    tab: gr.Textbox,
    memory: gr.JSON,
    writers: Sequence[gr.events.Dependency],
) -> None:
    """What the page opens with: what its address names, what was left in this tab, or else what the browser remembers.

    The address follows the bundles and the labels, so that it can be passed on. ``writers`` are the events that write
    into the labels: what they wrote is kept after them.
    """
    settings = controls.settings
    opened = gr.Textbox("", visible=False)  # the tab's key once all is back: what is kept before would be half of it
    named: dict[str, Any] = {"files": controls.files, "labels": controls.labels, "bundles": controls.bundle}
    held: dict[str, Any] = named | {"backbone": controls.backbone, **vars(settings)}

    def keep(given: dict[Any, Any]) -> None:
        VISITS.keep(given[opened], values={name: given[one] for name, one in held.items()})

    def open_page(given: dict[Any, Any], request: gr.Request) -> dict[Any, Any]:
        left = VISITS.recall(given[tab])
        asked = Asked(tuple(address.texts(request, "bundle")), address.text(request, "labels"))
        opened = opening(studio, asked, left.values or given[memory], given[controls.bundle], given[controls.labels])
        return {tab: given[tab], **restored_clips(controls, left)} | {
            getattr(controls, name): value for name, value in opened.items()
        }

    def bring_settings(key: str) -> dict[Any, Any]:
        return restored_settings(studio, controls, VISITS.recall(key))

    def bring_answers(given: dict[Any, Any]) -> dict[Any, Any]:
        # What was asked while the page opened has been answered since: that stays.
        key, newer = given[tab], given[results.shown].results
        left = VISITS.recall(key).shown
        return {opened: key, **(results.values(state.draw(left)) if left.results and not newer else {})}

    lists = [controls.take_labels, controls.fit, controls.dataset, controls.suggested]
    page.on_open(
        open_page,
        {tab, memory, controls.bundle, controls.labels},
        [tab, *named.values(), controls.backbone, *lists],
        js=script("visit_key.js"),
        **QUIET,
    ).then(bring_settings, tab, [*vars(settings).values()], **QUIET).then(
        bring_answers, {tab, results.shown}, [opened, *results.outputs], **QUIET
    )
    done = [controls.labels.blur, controls.labels.submit, controls.bundle.input, controls.ask.click]
    chosen, kept = [controls.labels, controls.bundle], "{labels, bundles: bundles ?? []}"
    script_of: Any = {"js": f"(labels, bundles) => {{ ga2Remember('ga2-recognize', {kept}); }}"}
    remember: Any = {"fn": None, "inputs": chosen, "outputs": None, **script_of, **QUIET}
    # Each change is sent at once and kept in turn: what waited for an answer would be lost with the page.
    keeping: Any = {"fn": keep, "inputs": {opened, *held.values()}, **in_turn("visits")}
    gr.on(done, **remember)
    for writer in writers:
        writer.then(**remember)
        writer.then(trigger_mode="multiple", **keeping)
    changed = [controls.files.change, controls.backbone.change]
    changed += [part.change for part in vars(settings).values()]
    gr.on([*done, *changed], trigger_mode="multiple", **keeping)
    address.tell("(labels, bundle) => ({bundle, labels: labels.length > 1500 ? '' : labels})", chosen)


def restored_clips(controls: Controls, left: Left) -> dict[Any, Any]:
    """Clips and backbone as they were left in the browser's tab; clips whose files are gone are not."""
    if not left.values:
        return {}
    files = [file for file in left.values["files"] or () if Path(file).exists()]
    named = {controls.backbone: left.values["backbone"]} if "backbone" in left.values else {}
    return {controls.files: files or None, **named}


def restored_settings(studio: Studio, controls: Controls, left: Left) -> dict[Any, Any]:
    """The settings as they were left in the browser's tab, with the groups of negative prompts as they are now."""
    settings, values = controls.settings, left.values
    if "way" not in values:  # or of the live page, which has left a clip
        return {settings.group: gr.update(choices=fields.group_choices(studio))}
    group, threshold = fields.choose_way(values["way"])
    return {
        settings.way: values["way"],
        settings.group: group | {"value": values["group"], "choices": fields.group_choices(studio)},
        settings.threshold: threshold | {"value": values["threshold"]},
        settings.template: values["template"],
        settings.top_k: values["top_k"],
        **{
            part: values[name]
            for name, part in vars(settings).items()
            if name in ("describe", "described") and name in values
        },
    }


@dataclass(frozen=True)
class Asked:
    """What the address names: bundles by their keys, and labels."""

    bundles: tuple[str, ...] = ()
    labels: str = ""


def opening(studio: Studio, asked: Asked, memory: Any, chosen: list[str] | None, typed: str) -> dict[str, Any]:
    """What the controls and lists hold when the page opens, by name.

    What the address names counts most, then what was left in the tab or what the browser remembers: ``memory``, of
    which nothing is trusted. A bundle that the address names and nobody has is told. Without an address what there is
    to see already stays: bundles or labels may have come in while this was on its way, with an example.
    """
    kept = memory if isinstance(memory, dict) else {}
    named = kept.get("bundles")
    known = [key for key in named if isinstance(key, str)] if isinstance(named, list) else []
    choices = studio.bundle_choices()
    keys = {key for _, key in choices}
    there = [key for key in list(asked.bundles or chosen or known)[:MOST_BUNDLES] if key in keys]
    before = kept.get("labels")
    text = asked.labels or typed or (before if isinstance(before, str) else "")
    drawn: dict[str, Any] = {"bundle": gr.update(choices=choices)}
    if there and there != chosen:
        drawn["bundle"] = gr.update(choices=choices, value=there)
        backbone, drawn["take_labels"] = fields.bundle_choice(studio, there)
        if asked.bundles:
            text = text or studio.recognition.bundle_labels(there)
            drawn["backbone"] = backbone
            drawn["fit"] = fields.misfit_html(studio, there, backbone.get("value") or studio.known_backbone(None))
    if text and text != typed:
        drawn["labels"] = text
    lacking = [f"'{shortened(key)}'" for key in asked.bundles if key not in keys]
    if lacking:
        title = f"There is no bundle {listed(lacking, MOST_BUNDLES)} in the library."
        drawn["fit"] = notice("warning", "It was deleted, or the address is mistyped.", title)
    found = studio.recognition.label_lists()
    return drawn | {
        "dataset": gr.update(choices=found, visible=bool(found)),
        "suggested": fields.helpers_html(labels=studio.recognition.suggestions(text, there)),
    }
