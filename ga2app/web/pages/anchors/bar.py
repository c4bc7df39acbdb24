"""The top of the screen: what is measured against, messages, and the undo of the last deletion."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ga2app.errors import StoreError, StudioError
from ga2app.services.studio import Studio
from ga2app.store.anchor_sets import ROOM
from ga2app.web.components.backbone_field import FOLDER_HINT, backbone_field, choices
from ga2app.web.components.markup import notice, shortened
from ga2app.web.events import in_turn
from ga2app.web.pages.anchors.question import TYPED, source_choices, start_values
from ga2app.web.pages.recognize.recognize_page import UNEXPECTED
from ga2app.web.theme import part

log = logging.getLogger(__name__)

Updates = dict[Any, Any]
"""What an event changes, by component; all others stay as they are."""

IN_TURN = in_turn("anchors")


@dataclass(frozen=True)
class Bar:
    """The parts of the bar; ``inputs`` is what a question is made of, ``told`` says what was undone."""

    source: gr.Dropdown
    typed: gr.Textbox
    backbone: gr.Dropdown
    undo: gr.Button
    told: gr.HTML

    @property
    def inputs(self) -> list[Any]:
        return [self.source, self.typed, self.backbone]


def build_bar(studio: Studio) -> Bar:
    """Lay the bar out."""
    source, typed, backbone = start_values(studio)
    with gr.Row(elem_classes="anchor-bar"):
        source_list = gr.Dropdown(
            source_choices(studio),
            value=source,
            label="Measured against the labels of",
            info="Anchors and negative prompts have to keep away from these.",
            elem_id="anchor-labels-of",
            min_width=220,
        )
        typed_box = gr.Textbox(
            value=typed,
            label="Labels",
            info="Your actions, separated by commas.",
            placeholder="riding a bicycle, walking a dog",
            max_lines=3,
            visible=source == TYPED,
            elem_id="anchor-typed",
            min_width=220,
        )
        backbone_list = backbone_field(studio, backbone, backbone_help(studio), "anchor-backbone", min_width=220)
    undo = gr.Button(undo_text(studio), size="sm", visible=bool(undo_text(studio)), elem_id="anchor-undo")
    return Bar(source_list, typed_box, backbone_list, undo, part(elem_id="anchor-undone"))


def backbone_help(studio: Studio) -> str:
    """What is said under the list of backbones."""
    help_text = "Used to compute similarity. Use the backbone you will train with."
    return f"{help_text} {FOLDER_HINT}" if studio.server_paths else help_text


def refresh_bar(studio: Studio, bar: Bar, source: str | None, typed: str | None, backbone: str | None) -> Updates:
    """The lists anew. What is chosen stays, unless it is gone.

    A backbone that stays is not put in again: another may have been typed while this was on its way.
    """
    listed, chosen = source_choices(studio), backbone
    if source not in {value for _, value in listed} or (source == TYPED and not (typed or "").strip()):
        source, typed, backbone = start_values(studio)
    backbones: Any = gr.update(choices=choices(studio))
    if backbone != chosen:
        backbones["value"] = backbone
    return {
        bar.source: gr.update(choices=listed, value=source),
        bar.typed: gr.update(value=typed, visible=source == TYPED),
        bar.backbone: backbones,
        bar.undo: undo_update(studio),
        bar.told: "",
    }


def undo_text(studio: Studio) -> str:
    """What the button says: what comes back. Empty where there is nothing to undo."""
    last = studio.store.trash.last(ROOM)
    return shortened(last.offer) if last else ""


def undo_update(studio: Studio) -> Any:
    """The undo button as it is to be now."""
    text = undo_text(studio)
    return gr.update(value=text or "Undo", visible=bool(text))


def undo_last(studio: Studio) -> str:
    """Undo the last deletion or edit of this screen; gives the message."""

    def restore() -> str:
        last = studio.store.trash.last(ROOM)
        if last is None:
            raise StoreError("there is nothing to undo; the last deletion was undone already")
        return notice("success", studio.store.trash.restore(last.id).told)

    return attempt(restore)


def attempt(action: Callable[[], str]) -> str:
    """The message that ``action`` gives, or what went wrong, as HTML."""
    try:
        return action()
    except StudioError as exc:
        return notice("error", str(exc))
    except Exception:
        log.exception("an action on the Anchors screen failed")
        return notice("error", UNEXPECTED)


def counted(count: int, word: str) -> str:
    """``3 clips``, ``1 clip``."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def edit_row(event: gr.EventData, enable: Callable[[int, bool], object], set_text: Callable[[int, str], object]) -> str:
    """Keep what was done to a row: its switch or its text. Gives what is wrong with it, empty where it is kept."""

    def edit() -> str:
        if event.action == "enable":
            enable(int(event.id), bool(event.on))
        elif event.action == "text":
            set_text(int(event.id), str(event.text))
        return ""

    return attempt(edit)


def delete_ticked(event: gr.EventData, delete: Callable[[list[int]], int], word: str) -> str:
    """Delete the rows that are ticked, each a ``word``; gives the message."""

    def deletion() -> str:
        count = delete([int(number) for number in event.ids])
        return notice(
            "info", f"{counted(count, word)} deleted. 'Undo' above brings {'it' if count == 1 else 'them'} back."
        )

    return attempt(deletion)
