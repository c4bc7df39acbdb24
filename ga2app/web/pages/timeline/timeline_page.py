"""``/timeline``: a long video labeled over time, its stretches corrected by hand, exported, and added to a data set.

The address says with what: ``?bundle=run-000007&labels=running,jumping``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.datasets.annotation_writers import AnnotationFormat
from ga2app.errors import ConfigError, DatasetError, Fault, StudioError
from ga2app.services.studio import Studio
from ga2app.services.uploads import Upload
from ga2app.types import NoneOfThese, NoneWay, RecognitionRequest, Sliding, StretchRules
from ga2app.web import address
from ga2app.web.components.form_fields import backbone_field, backbone_info, line, pick, settle_choice, small, tick
from ga2app.web.components.markup import busy, meter_html, notice, script, shortened
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET, fault_html, in_turn
from ga2app.web.file_route import most_upload
from ga2app.web.pages.recognize.recognize_controls import bundle_choice
from ga2app.web.pages.timeline import timeline_view as views
from ga2app.web.pages.timeline.stretch_edits import Work, edited
from ga2app.web.theme import folded, part

NEW = "new"
_FORMATS = {
    AnnotationFormat.CSV: "CSV",
    AnnotationFormat.WEBVTT: "WebVTT, for players",
    AnnotationFormat.ELAN: "ELAN",
    AnnotationFormat.BORIS: "BORIS, tabular events",
    AnnotationFormat.LABEL_STUDIO: "Label Studio, predictions",
    AnnotationFormat.ACTIVITYNET: "ActivityNet JSON",
}


def build_timeline(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it."""
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300, elem_classes="asking"):
            asking = Asking(studio)
        with gr.Column(scale=8, min_width=300, elem_classes="telling", elem_id="telling"):
            parts = Parts()
    handlers = Handlers(studio, asking, parts)
    opened = [asking.bundle, asking.labels, parts.told, parts.dataset, asking.backbone]
    page.on_open(handlers.open, None, opened, **QUIET)
    asking.bundle.input(lambda key: bundle_choice(studio, key)[0], asking.bundle, asking.backbone, **QUIET)
    asking.backbone.change(handlers.settle, asking.backbone, [asking.backbone, parts.told], **QUIET)
    running = gr.on(
        [asking.label.click, asking.labels.submit],
        handlers.label,
        asking.fields,
        parts.shown,
        concurrency_limit=None,  # the service admits, and turns take care of the rest
        **QUIET,
    )
    asking.stop.click(handlers.stopped, None, parts.told, cancels=[running], **QUIET)
    turn = in_turn("timeline")
    parts.editor.act(handlers.act, parts.work, parts.drawn, **turn)
    parts.write.click(handlers.export, [parts.work, parts.form, parts.frame_rate], parts.took, **QUIET)
    parts.form.change(handlers.choose_format, parts.form, parts.frame_rate, **QUIET)
    parts.dataset.change(lambda chosen: gr.update(visible=chosen == NEW), parts.dataset, parts.name, **QUIET)
    parts.add.click(handlers.add, [parts.work, parts.dataset, parts.name], [parts.took, parts.dataset], **turn)
    told = "(bundle, labels) => ({bundle, labels: labels.length > 1500 ? '' : labels})"
    address.tell(told, [asking.bundle, asking.labels])


class Asking:
    """The left side: the video, labels, a bundle, and how the window slides."""

    def __init__(self, studio: Studio) -> None:
        most = most_upload(on_space=studio.space is not None).upper()
        self.video = gr.Video(label=f"Video, up to {most}", sources=["upload"], elem_id="timeline-video")
        self.video.preprocess = lambda payload: (  # as it came: nothing is encoded anew
            None if payload is None else Upload(payload.path, payload.orig_name or Path(payload.path).name)
        )
        about = "In place of an upload: the file stays where it is, and is not played here."
        self.path = line("timeline-path", "Or its path on this machine", about, visible=studio.server_paths)
        about = "What can happen in it, one per line or comma-separated."
        self.labels = line("timeline-labels", "Labels", about, lines=1, max_lines=8, placeholder="running, jumping")
        none: list[tuple[str, str]] = [("Zero-shot CLIP", ""), *studio.bundle_choices()]
        self.bundle = pick("timeline-bundle", "Prompt bundle", none, "", "What recognizes.")
        named = studio.known_backbone(None)
        self.backbone = backbone_field(studio, named, backbone_info(named, studio), "timeline-backbone")
        with gr.Row():
            plain = Sliding()
            number: Any = {"minimum": 0.01, "maximum": 3600}
            self.window = gr.Number(plain.window_s, label="Window, s", elem_id="timeline-window", **number)
            self.step = gr.Number(plain.step_s, label="Step, s", elem_id="timeline-step", **number)
        with folded("How windows become stretches"):
            rules = StretchRules()
            share: Any = {"minimum": 0, "maximum": 1, "step": 0.05}
            least = "A window whose best label has a lower probability is none of these."
            self.least = gr.Number(rules.threshold, label="Least probability", info=least, **share)
            margin = "A label stays until another is ahead of it by more."
            self.margin = gr.Number(rules.margin, label="Margin", info=margin, **share)
            gap = "Shorter gaps between two stretches of one label are filled."
            self.gap = gr.Number(rules.gap_s, label="Gap, s", info=gap, minimum=0)
            shortest = "Shorter stretches go to the longer neighbor."
            self.shortest = gr.Number(rules.shortest_s, label="Shortest stretch, s", info=shortest, minimum=0)
            nearest = "A window that is nearer to a negative prompt than to every label is none of these."
            self.compete = tick("timeline-compete", "Negative prompts compete", nearest)
        with gr.Row(elem_classes="press-bar"):
            self.label = gr.Button("Label this video", variant="primary", elem_id="timeline-label")
            self.stop = gr.Button("Stop", elem_id="timeline-stop")
        self.fields: set[Any] = {*(one for one in vars(self).values() if one not in (self.label, self.stop))}

    def request(self, given: dict[Any, Any]) -> tuple[RecognitionRequest, Sliding]:
        """What the fields ask for. Raises ConfigError with all that is out of its range."""
        file = given[self.video] or (given[self.path] or "").strip().strip("'\"")
        if not file:
            raise StudioError("no video was given; drop one above the labels")
        numbers = {name: given[getattr(self, name)] for name in "window step least margin gap shortest".split()}
        if lacking := [Fault(name, "is missing; type a number") for name, value in numbers.items() if value is None]:
            raise ConfigError(lacking)
        window, step, *rules = numbers.values()
        bundles = [given[self.bundle]] if given[self.bundle] else None
        none = NoneOfThese(way=NoneWay.COMPETE) if given[self.compete] else None
        request = RecognitionRequest(
            [file], given[self.labels], bundles, given[self.backbone] or None, none_of_these=none
        )
        return request, Sliding(window, step, StretchRules(*rules))


class Parts:
    """The right side: the answer, and what can be done with it."""

    def __init__(self) -> None:
        self.told = part(views.intro_html(), elem_id="timeline-answer")
        self.drawing = part("", elem_id="timeline-drawing")
        self.editor = part("", js_on_load=script("stretch_editor.js"), elem_id="timeline-editor")
        self.work = gr.State(Work())
        with gr.Column(visible=False, elem_id="timeline-take") as self.take:
            with gr.Row(elem_classes="actions"):
                forms = [(title, form.value) for form, title in _FORMATS.items()]
                self.form = pick("timeline-format", "Format", forms, AnnotationFormat.CSV.value)
                rate = "<Video frameRate> of its labeling configuration, else 24."
                self.frame_rate = gr.Number(24, label="Label Studio's frame rate", info=rate, visible=False)
                self.write = small("timeline-export", "Export")
            with gr.Row(elem_classes="actions"):
                self.dataset = pick("timeline-dataset", "Data set", [("A new data set", NEW)], NEW)
                self.name = line("timeline-name", "Name of the new data set", lines=1)
                self.add = small("timeline-add", "Add the stretches")
            self.took = part("", elem_id="timeline-took")
        self.drawn = [self.told, self.drawing, self.editor, self.work]
        self.shown = [*self.drawn, self.take, self.took, self.name]


class Handlers:
    """What happens on this page."""

    def __init__(self, studio: Studio, asking: Asking, parts: Parts) -> None:
        self._studio, self._asking, self._parts, self._videos = studio, asking, parts, studio.long_videos

    def open(self, request: gr.Request) -> tuple[Any, ...]:
        """What the address names, with the bundles and data sets as they are now."""
        bundle, labels = address.text(request, "bundle"), address.text(request, "labels")
        choices, told = [("Zero-shot CLIP", ""), *self._studio.bundle_choices()], ""
        if bundle and bundle not in {key for _, key in choices}:
            title = f"There is no bundle '{shortened(bundle)}' in the library."
            told, bundle = notice("warning", "It was deleted, or the address is mistyped.", title), ""
        if bundle and not labels:
            labels = self._studio.recognition.bundle_labels([bundle])
        found = gr.update(value=labels) if labels else gr.skip()
        backbone = bundle_choice(self._studio, bundle)[0]
        return gr.update(choices=choices, value=bundle), found, told or gr.skip(), self._datasets(), backbone

    def settle(self, typed: str | None) -> tuple[Any, Any]:
        """What choosing or typing a backbone does to its list, and what is wrong with it."""
        listed, why = settle_choice(self._studio, typed, backbone_info(typed or "", self._studio))
        return listed, notice("error", why) if why else gr.skip()

    def label(self, given: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
        """The answer, as far as it is, and the page that it fills at the end."""
        parts = self._parts
        yield {parts.told: busy("Opening the video…"), parts.took: ""}
        try:
            for one in self._videos.answers(*self._asking.request(given)):
                if one.found is None:
                    yield {parts.told: meter_html(f"Labeled {one.share:.0%}", round(1000 * one.share), 1000)}
                else:
                    work = Work(one.path, one.found, one.found.stretches)
                    stem = Path(one.found.file).stem
                    yield self._drawn(work) | {parts.take: gr.update(visible=True), parts.name: stem}
        except Exception as exc:
            yield {parts.told: fault_html(exc)}

    def stopped(self) -> str:
        """What is said when the work was ended."""
        return notice("info", "Stopped; nothing was kept.")

    def act(self, work: Work, event: gr.EventData) -> dict[Any, Any]:
        """What a row of the table, a key or a click on the timeline does."""
        if work.found is None:
            return {self._parts.told: gr.skip()}
        try:
            return self._drawn(edited(work, event._data))
        except Exception as exc:
            return self._drawn(work, fault_html(exc))  # the fields show again what is so

    def choose_format(self, form: str) -> Any:
        """Whether a frame rate is asked for."""
        return gr.update(visible=form == AnnotationFormat.LABEL_STUDIO)

    def export(self, work: Work, form: str, frame_rate: float | None) -> str:
        """A link to the file."""
        try:
            if work.found is None:
                raise DatasetError("there is nothing to export yet; label a video first")
            how: Any = {"end_s": work.found.end, "frame_rate": frame_rate}
            file = self._videos.export(work.found.file, work.stretches, AnnotationFormat(form), **how)
            return views.link_html(self._studio.files.address(file), file)
        except Exception as exc:
            return fault_html(exc)

    def add(self, work: Work, dataset: str, name: str) -> tuple[str, Any]:
        """The stretches as clips of a data set, and where to go on from there."""
        try:
            chosen = None if dataset == NEW else int(dataset)
            number, said = self._videos.add(work.path, work.stretches, chosen, name or "")
        except Exception as exc:
            return fault_html(exc), gr.skip()
        return views.added_html(said, number), self._datasets(str(number))

    def _datasets(self, chosen: str = NEW) -> Any:
        known = [(row.name, str(row.id)) for row in self._studio.datasets.all()]
        return gr.update(choices=[("A new data set", NEW), *known], value=chosen)

    def _drawn(self, work: Work, told: str = "") -> dict[Any, Any]:
        parts, found = self._parts, work.found
        assert found is not None
        return {
            parts.told: told or views.told_html(work),
            parts.drawing: views.drawing_html(work),
            parts.editor: views.editor_html(work),
            parts.work: replace(work),
        }
