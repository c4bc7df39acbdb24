"""First screen: clips and labels in, what plain CLIP and a bundle see in them out."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.config import SKETCH, TEMPLATE
from ga2app.contracts import Recognition, RecognizedClip
from ga2app.errors import ClipError, LabelError, StudioError
from ga2app.ui.labels import parse_labels
from ga2app.ui.markup import busy, empty, escape, notice
from ga2app.ui.recognize.answers import Speakers, answer_html
from ga2app.ui.studio import Studio
from ga2app.ui.theme import part
from ga2app.ui.uploads import keep_upload

log = logging.getLogger(__name__)

UNEXPECTED = "Something went wrong inside the studio; its log says what. Try again, or report it with the log."

SKETCH_HINT = "The sketch backbone knows drawings only. For filmed clips choose a real CLIP."

REVEAL_JS = """
() => {
  if (innerWidth < 700) document.getElementById('%s').scrollIntoView({behavior: 'smooth'});
}
"""
"""On a narrow page the answer is below what was pressed: brings it into view."""

_EXAMPLE_JS = """
const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
element.querySelectorAll('video').forEach(video => still ? video.pause() : video.play().catch(() => {}));
element.addEventListener('click', event => {
  const card = event.target.closest('[data-example]');
  if (card) trigger('click', {index: Number(card.dataset.example)});
});
"""


@dataclass(frozen=True)
class Request:
    """What the screen, or a caller of the endpoint, asks."""

    files: Sequence[str]
    labels: str
    bundle: str | None = None
    backbone: str | None = None
    template: str | None = None
    top_k: int = 5


@dataclass(frozen=True)
class RecognizeScreen:
    """The parts of this screen that others reach for."""

    labels: gr.Textbox
    bundle: gr.Dropdown
    backbone: gr.Dropdown
    take_labels: gr.Button


def answers(studio: Studio, request: Request) -> Iterator[tuple[Recognition, Speakers]]:
    """The answer, growing clip by clip. Raises StudioError if the request cannot be answered at all."""
    if not request.files:
        raise ClipError("none", "no clip was given", "upload one, or choose one of the drawn examples")
    labels = parse_labels(request.labels)
    if not labels:
        raise LabelError("there are no labels to choose from; type at least two, separated by commas")
    backbone = studio.known_backbone(request.backbone)
    card = studio.bundle(request.bundle)
    speakers = Speakers(studio.backbone_title(backbone), studio.bundle_title(card) if card else None)
    clips: list[RecognizedClip] = []
    notes: dict[str, None] = {}
    for file in request.files:
        try:
            path = keep_upload(studio.home, file)
        except ClipError as exc:
            clips.append(RecognizedClip(file=Path(file).name, error=str(exc)))
        else:
            answer = studio.recognizer.recognize(
                [str(path)],
                labels,
                backbone=backbone,
                bundle=card.folder if card else None,
                template=(request.template or "").strip() or None,
                top_k=request.top_k,
            )
            clips.extend(replace(clip, file=path.name) for clip in answer.clips)
            notes.update(dict.fromkeys(answer.notes))
        yield Recognition(backbone, tuple(clips), tuple(notes)), speakers


def build_recognize(studio: Studio) -> RecognizeScreen:
    """Lay the screen out and connect it."""
    choices = [(choice.title, choice.name) for choice in studio.backbones()]
    with gr.Row(elem_classes="split"):
        with gr.Column(scale=5, min_width=300, elem_classes="asking"):
            examples = part(_examples_html(studio), js_on_load=_EXAMPLE_JS, elem_id="examples")
            files = gr.File(label="Clips", file_count="multiple", height=116, elem_id="clips")
            labels = gr.Textbox(
                label="Labels",
                info="What it could be, separated by commas or line breaks.",
                placeholder="climbing a ladder, rowing a boat, playing the guitar",
                lines=1,
                max_lines=8,
                elem_id="labels",
            )
            bundle = gr.Dropdown(
                [("None: plain CLIP alone", ""), *studio.bundle_choices()],
                value="",
                label="Prompt bundle",
                info="Trained prompts to compare with plain CLIP.",
                elem_id="bundle",
            )
            take_labels = gr.Button("Use the bundle's labels", size="sm", visible=False, elem_id="take-labels")
            ask = gr.Button("Recognize", variant="primary", elem_id="recognize")
            backbone = gr.Dropdown(
                choices, value=choices[0][1], label="Backbone", info=backbone_info(choices[0][1]), elem_id="backbone"
            )
            with gr.Accordion("Settings", open=False):
                template = gr.Textbox(
                    TEMPLATE,
                    label="Sentence around a label",
                    info="{} stands for the label. Plain CLIP compares the clip with these sentences.",
                )
                top_k = gr.Slider(1, 20, value=5, step=1, label="Labels shown for each clip")
        with gr.Column(scale=8, min_width=300, elem_classes="telling"):
            answer = part(_empty_html(), elem_id="answer")

    def recognize(
        files: list[str] | None, labels: str, bundle: str, backbone: str, template: str, top_k: int
    ) -> Iterator[str]:
        yield from answer_pages(studio, Request(files or [], labels, bundle, backbone, template, int(top_k)))

    def choose_example(event: gr.EventData) -> tuple[list[str], str]:
        example = studio.examples[event.index]
        return [example.path], ", ".join(dict.fromkeys(each.label for each in studio.examples))

    def choose_bundle(key: str) -> tuple[Any, Any]:
        return bundle_choice(studio, key)

    def bundle_labels(key: str) -> str:
        return labels_of(studio, key)

    inputs = [files, labels, bundle, backbone, template, top_k]
    shared: dict[str, Any] = {
        "fn": recognize,
        "inputs": inputs,
        "outputs": answer,
        "show_progress": "minimal",
        "concurrency_id": "recognize",
        "concurrency_limit": 1,
        "api_visibility": "private",
    }
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    reveal: dict[str, Any] = {"fn": None, "js": REVEAL_JS % "answer", **quiet}
    gr.on([ask.click, labels.submit], **shared).then(**reveal)
    gr.on([ask.click, labels.submit], **reveal)
    chosen = examples.click(choose_example, None, [files, labels], **quiet)
    chosen.success(**shared).then(**reveal)
    chosen.success(**reveal)
    bundle.input(choose_bundle, bundle, [backbone, take_labels], **quiet)
    take_labels.click(bundle_labels, bundle, labels, **quiet)
    backbone.change(lambda name: gr.update(info=backbone_info(name)), backbone, backbone, **quiet)
    return RecognizeScreen(labels, bundle, backbone, take_labels)


def answer_pages(studio: Studio, request: Request) -> Iterator[str]:
    """What the right side shows: that it is at work, then the growing answer, or what is wrong."""
    count = len(request.files)
    if count:
        yield busy(f"Looking at {count} clips…" if count > 1 else "Looking at the clip…")
    page = ""
    try:
        for recognition, speakers in answers(studio, request):
            page = answer_html(recognition, speakers)
            done = len(recognition.clips)
            yield page + (busy(f"{done} of {count} clips seen…") if done < count else "")
    except StudioError as exc:
        yield notice("error", str(exc)) + page
    except Exception:
        log.exception("recognizing failed")
        yield notice("error", UNEXPECTED) + page


def bundle_choice(studio: Studio, key: str) -> tuple[Any, Any]:
    """What choosing a bundle does to the backbone list and to the button that takes its labels."""
    card = studio.bundle(key)
    if card is None:
        return gr.update(), gr.update(visible=False)
    known = {choice.name for choice in studio.backbones()}
    backbone = gr.update(value=card.backbone) if card.backbone in known else gr.update()
    return backbone, gr.update(visible=True)


def labels_of(studio: Studio, key: str) -> str:
    """The labels that a bundle was trained and tested with, as the labels box takes them."""
    card = studio.bundle(key)
    return ", ".join([*card.base, *card.novel]) if card else ""


def backbone_info(name: str) -> str:
    """What is said under a list of backbones about the chosen one."""
    return SKETCH_HINT if name == SKETCH else "The CLIP that looks at the clip and reads the labels."


def _examples_html(studio: Studio) -> str:
    if not studio.examples:
        return ""
    cards = "".join(
        f'<button type="button" class="example" data-example="{index}" aria-label="Recognize the example: '
        f'{escape(example.label)}"><video src="{file_url(example.path)}" muted loop playsinline preload="auto" '
        f'tabindex="-1" aria-hidden="true"></video></button>'
        for index, example in enumerate(studio.examples)
    )
    return f'<section class="examples"><h3>Try a drawn clip</h3><div class="cards">{cards}</div></section>'


def file_url(path: str) -> str:
    """The address of a file that the app may serve, relative to the page."""
    return f"gradio_api/file={escape(path)}"


def _empty_html() -> str:
    return empty(
        "What is going on in your clip?",
        "Click a drawn clip on the left, or drop clips of your own.",
        "Type what it could be: any words, they need not have been trained.",
        "Choose a prompt bundle to see it side by side with plain CLIP.",
    )
