"""The right side of the first screen: table, accuracies, clips in full, and the questions that may be asked of them."""

from __future__ import annotations

from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.services.studio import Studio
from ga2app.web.events import QUIET
from ga2app.web.pages.recognize import recognize_scripts as scripts
from ga2app.web.pages.recognize.recognize_settings import Settings
from ga2app.web.pages.recognize.shown import Page, Shown, draw, with_true_label, with_true_labels
from ga2app.web.pages.recognize.why import asking_why, question
from ga2app.web.theme import part

MOST_CSV_BYTES = 4_000_000


@dataclass(frozen=True)
class Telling:
    """The parts of the right side; ``values`` gives what a page puts into ``outputs``."""

    overview: gr.HTML
    checking: gr.Accordion
    grades: gr.HTML
    clips: gr.HTML
    shown: gr.State

    @property
    def outputs(self) -> list[Any]:
        return [self.overview, self.checking, self.grades, self.clips, self.shown]

    def values(self, page: Page) -> list[Any]:
        """``page`` as the values of ``outputs``."""
        return [page.overview, gr.update(visible=page.several), page.grades, page.clips, page.shown]


def build_telling(studio: Studio, settings: Settings, empty: str) -> Telling:
    """Lay the right side out and connect what is its own; ``empty`` is what it shows at first."""
    shown = gr.State(Shown())
    overview = part("", js_on_load=scripts.TRUTH, elem_id="overview")
    grades = part("", elem_id="grades")
    with gr.Accordion("Check against true labels", open=False, visible=False, elem_id="checking") as checking:
        lines = gr.Textbox(
            label="True labels",
            info="One clip per line: file,label. Quote a label that holds a comma. Or type them into the table above.",
            placeholder="walk-01.mp4,walking",
            lines=3,
            max_lines=8,
            elem_id="truth",
        )
        with gr.Row(elem_classes="actions"):
            use = gr.Button("Use these", size="sm")
            upload = gr.UploadButton(
                "Upload a CSV", file_types=[".csv", ".tsv", ".txt"], size="sm", elem_id="truth-csv"
            )
    clips = part(empty, js_on_load=scripts.CLIPS, elem_id="answer")
    telling = Telling(overview, checking, grades, clips, shown)

    def type_true_label(shown: Shown, event: gr.EventData) -> tuple[str, Shown]:
        changed = with_true_label(shown, event._data.get("clip"), event._data.get("label"))
        return draw(changed).grades, changed

    def use_lines(shown: Shown, text: str) -> tuple[Any, ...]:
        page = draw(with_true_labels(shown, text))
        return page.overview, page.grades, page.shown

    def use_file(shown: Shown, file: str | None) -> tuple[Any, ...]:
        return use_lines(shown, read_lines(file))

    def judge_again(shown: Shown, percent: float) -> list[Any]:
        if shown.told is None or not shown.told.asked_for_none:
            return [gr.skip()] * len(telling.outputs)
        return telling.values(draw(replace(shown, told=shown.told.with_threshold(percent / 100))))

    def click(shown: Shown, event: gr.EventData) -> Iterator[tuple[Any, Shown]]:
        for changed in clicked(studio, shown, event._data):
            yield draw(changed).clips, changed

    overview.submit(type_true_label, shown, [grades, shown], **QUIET)
    use.click(use_lines, [shown, lines], [overview, grades, shown], **QUIET)
    upload.upload(use_file, [shown, upload], [overview, grades, shown], **QUIET)
    settings.threshold.release(judge_again, [shown, settings.threshold], telling.outputs, **QUIET)
    clips.click(click, shown, [clips, shown], concurrency_id="recognize", concurrency_limit=1, **QUIET)
    return telling


def clicked(studio: Studio, shown: Shown, asked: Mapping[str, Any]) -> Iterator[Shown]:
    """What a click on a clip's block does: another page of clips, reasons closed, or reasons asked for."""
    told = shown.told
    if told is None:
        return
    page, close = asked.get("page"), asked.get("close")
    if isinstance(page, int):
        yield replace(shown, page=max(0, page))
    elif isinstance(close, int):
        yield replace(shown, reasons={clip: html for clip, html in shown.reasons.items() if clip != close})
    else:
        wanted = question(told, asked)
        if wanted is not None:
            yield from asking_why(studio, shown, wanted)


def read_lines(file: str | None) -> str:
    """The text of an uploaded list, in UTF-8 or, as Excel's "Unicode text", in UTF-16; other bytes do no harm."""
    if not file:
        return ""
    with Path(file).open("rb") as stream:
        content = stream.read(MOST_CSV_BYTES)
    return content.decode("utf-16" if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig", "replace")
