"""Which button does what: every edit goes to the store, and the page is read anew from it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from ga2app.config import DEMO
from ga2app.datasets import Half
from ga2app.errors import ClipError, DatasetError, StudioError
from ga2app.services.studio import Studio
from ga2app.store.clip_pages import ClipFilter
from ga2app.types import LabelKind, Subset
from ga2app.web.components.markup import busy, escape, file_url, notice
from ga2app.web.events import QUIET, in_turn
from ga2app.web.pages.datasets import edits
from ga2app.web.pages.datasets.dataset_cards import player_busy_html, player_fault_html, player_html
from ga2app.web.pages.datasets.dataset_view import NEW, Parts, SetPage, Wanted
from ga2app.web.pages.datasets.draw_dataset import draw_html, drawn_rows
from ga2app.web.pages.datasets.exporting import export_csv, export_zip
from ga2app.web.pages.datasets.media import preview_of
from ga2app.web.pages.datasets.panels import ClipPanel, LabelPanel, MorePanel, SplitPanel
from ga2app.web.pages.recognize.recognize_page import UNEXPECTED

log = logging.getLogger(__name__)

_TICKED_JS = """
(ticked, ...rest) => [[...document.querySelectorAll('%s input:checked')].map(box => box.value).join(','), ...rest]
"""
CLIPS_JS = _TICKED_JS % "#ds-clips .ds-clip"
LABELS_JS = _TICKED_JS % "#ds-labels tbody"

IN_TURN = in_turn("datasets")
_MOST_DRAWN = 1_000_000


@dataclass(frozen=True)
class Wires:
    """What every event needs: the studio, the page, its components, the ticked ids, and where to answer."""

    studio: Studio
    page: SetPage
    parts: Parts
    ticked: gr.Textbox
    told: gr.HTML

    def edit(
        self, button: gr.Button, action: Callable[..., str], extras: list[Any] | None = None, js: str | None = None
    ) -> None:
        """On a click call ``action`` with data set, ticked ids and the values of ``extras``; show the page anew."""

        def run(ticked: str, *values: Any) -> list[Any]:
            wanted, rest = Wanted.of(*values[:5]), values[5:]
            return self.answer(wanted, lambda: action(wanted.dataset_id or NEW, ticked, *rest))

        inputs = [self.ticked, *self.parts.asked, *(extras or [])]
        button.click(run, inputs, [self.told, *self.parts.outputs], js=js, **IN_TURN)

    def answer(self, wanted: Wanted, action: Callable[[], str]) -> list[Any]:
        """What the action says, and the page as it is now."""
        try:
            message = notice("success", action())
        except StudioError as exc:
            message = notice("error", str(exc))
        except Exception:
            log.exception("an edit of a data set failed")
            message = notice("error", UNEXPECTED)
        return [message, *self.page.show(wanted)]


def wire_browsing(wires: Wires, clips: ClipPanel, labels: LabelPanel, player: gr.HTML) -> None:
    """Filters, pages, the player, and the labels' names."""
    parts, page, studio = wires.parts, wires.page, wires.studio
    outputs = [wires.told, *parts.outputs]

    def filtered(*asked: Any) -> list[Any]:
        return ["", *page.show(replace(Wanted.of(*asked), page=0))]

    def in_grid(chosen: Any, label: Any, subset: Any, text: Any, event: gr.EventData) -> Iterator[list[Any]]:
        if "page" in event._data:
            yield [gr.skip(), "", *page.show(Wanted.of(chosen, label, subset, text, event.page))]
            return
        untouched = [gr.skip()] * len(outputs)
        yield [player_busy_html(), *untouched]
        yield [play(studio, int(event.play)), *untouched]

    def in_labels(chosen: Any, label: Any, subset: Any, text: Any, number: Any, event: gr.EventData) -> list[Any]:
        wanted = Wanted.of(chosen, label, subset, text, number)
        if "show" in event._data:
            return ["", *page.show(Wanted(wanted.dataset_id, int(event.show)))]
        turned, kind = str(int(event.turn)), LabelKind(event.kind)
        return wires.answer(wanted, lambda: edits.set_kind(studio.store, wanted.dataset_id or NEW, turned, kind))

    # Each of these is a message of its own: none may be dropped while the one before is on its way.
    filters = [clips.label.input, clips.subset.input, clips.text.submit]
    gr.on(filters, filtered, parts.asked, outputs, trigger_mode="multiple", **IN_TURN)
    clips.grid.click(in_grid, parts.asked[:4], [player, *outputs], **QUIET)
    labels.labels.click(in_labels, parts.asked, outputs, trigger_mode="multiple", **IN_TURN)
    # In the browser alone: an answer from the server could close the next clip, which is open by then.
    player.click(None, None, player, js="() => ''", **QUIET)


def play(studio: Studio, clip_id: int) -> str:
    """The player with a clip in it, or with the reason why it cannot be played."""
    try:
        clip = studio.store.clips.get(clip_id)
        return player_html(clip, preview_of(studio, clip))
    except (ClipError, DatasetError) as exc:
        return player_fault_html(str(exc))
    except Exception:
        log.exception("a clip could not be played")
        return player_fault_html(UNEXPECTED)


def wire_clips(wires: Wires, panel: ClipPanel) -> None:
    """What can be done to ticked clips."""
    store = wires.studio.store
    wires.edit(
        panel.move,
        lambda dataset_id, ticked, name: edits.move_to_label(store, dataset_id, ticked, name),
        [panel.move_to],
        js=CLIPS_JS,
    )
    wires.edit(panel.to_train, lambda _, ticked: edits.move_to_subset(store, ticked, Subset.TRAIN), js=CLIPS_JS)
    wires.edit(panel.to_test, lambda _, ticked: edits.move_to_subset(store, ticked, Subset.TEST), js=CLIPS_JS)
    wires.edit(panel.delete, lambda _, ticked: edits.delete_clips(store, ticked), js=CLIPS_JS)


def wire_labels(wires: Wires, panel: LabelPanel) -> None:
    """What can be done to ticked labels, and to all."""
    store = wires.studio.store
    wires.edit(panel.rename, lambda _, t, name: edits.rename_label(store, t, name), [panel.name], js=LABELS_JS)
    wires.edit(panel.merge, lambda _, t, keep: edits.merge_labels(store, t, keep), [panel.merge_into], js=LABELS_JS)
    wires.edit(panel.delete, lambda dataset_id, t: edits.delete_labels(store, dataset_id, t), js=LABELS_JS)
    for button, kind in ((panel.make_base, LabelKind.BASE), (panel.make_novel, LabelKind.NOVEL)):
        wires.edit(button, lambda dataset_id, t, k=kind: edits.set_kind(store, dataset_id, t, k), js=LABELS_JS)
    for button, half in ((panel.by_list, Half.LIST), (panel.by_frequency, Half.FREQUENCY)):
        wires.edit(button, lambda dataset_id, _, h=half: edits.divide_by_half(store, dataset_id, h))
    for button, kind in ((panel.these_base, LabelKind.BASE), (panel.these_novel, LabelKind.NOVEL)):
        wires.edit(
            button,
            lambda dataset_id, _, text, k=kind: edits.divide_by_list(store, dataset_id, text, k),
            [panel.pasted],
        )


def wire_split(wires: Wires, panel: SplitPanel) -> None:
    """The division into train and test, and the few-shot draw."""
    studio = wires.studio
    wires.edit(
        panel.split,
        lambda dataset_id, _, share, seed, whole: edits.split(
            studio.store, dataset_id, float(share) / 100, int(seed or 0), bool(whole)
        ),
        [panel.share, panel.seed, panel.novel_whole],
    )

    def draw(chosen: Any, shots: Any, seed: Any) -> str:
        try:
            return drawn_html(studio, int(chosen or NEW), int(shots or 1), int(seed or 0))
        except StudioError as exc:
            return notice("error", str(exc))
        except Exception:
            log.exception("the draw failed")
            return notice("error", UNEXPECTED)

    panel.draw.click(
        draw,
        [wires.parts.chosen, panel.shots, panel.draw_seed],
        panel.drawn,
        show_progress="minimal",
        api_visibility="private",
    )
    # What was drawn from the clips as they were is no draw of those that are there now.
    gr.on([wires.parts.chosen.change, wires.told.change], lambda: "", None, panel.drawn, **IN_TURN)


def drawn_html(studio: Studio, dataset_id: int, shots: int, seed: int) -> str:
    """The draw of a data set. Raises DatasetError where training would refuse it."""
    dataset = studio.store.datasets.get(name_of(studio, dataset_id))
    clips = studio.store.clips.page(dataset_id, ClipFilter(), limit=_MOST_DRAWN)
    return draw_html(studio, drawn_rows(dataset, clips, shots, seed), shots, seed)


def name_of(studio: Studio, dataset_id: int | None) -> str:
    """The name of a data set. Raises DatasetError if it is gone."""
    row = next((row for row in studio.store.clips.sets() if row.id == dataset_id), None)
    if row is None:
        raise DatasetError("this data set is not there any more; choose another from the list")
    return row.name


def wire_more(wires: Wires, panel: MorePanel, undo: gr.Button) -> None:
    """Name, export, deletion and its undoing."""
    studio, edits_ = wires.studio, wires.studio.store.dataset_edits

    def rename(dataset_id: int, _: str, name: str) -> str:
        edits_.rename(dataset_id, name)
        return f"The data set is called '{' '.join(name.split())}' now."

    def delete(dataset_id: int, _: str) -> str:
        demo = name_of(studio, dataset_id) == DEMO
        returns = "The demo is drawn again when the studio starts." if demo else "'Undo' brings it back."
        return f"Deleted: {edits_.delete(dataset_id)}. {returns}"

    def export(chosen: Any, packed: bool) -> Iterator[str]:
        yield busy("Packing the clips…" if packed else "Writing the list…")
        try:
            studio.may_change()  # a copy of every clip, on the Space's disk
            dataset = studio.store.datasets.get(name_of(studio, chosen))
            made = (export_zip if packed else export_csv)(studio.home, dataset)
        except StudioError as exc:
            yield notice("error", str(exc))
            return
        except Exception:
            log.exception("an export failed")
            yield notice("error", UNEXPECTED)
            return
        size = made.stat().st_size
        amount = f"{size / 1e6:,.1f} MB" if size > 1e5 else f"{size / 1e3:,.1f} kB"
        yield (
            f'<p><a class="download" href="{file_url(made)}" download="{escape(made.name)}">Download '
            f'{escape(made.name)}</a> <span class="legend">{amount}, kept for a day</span></p>'
        )

    def as_csv(chosen: Any) -> Iterator[str]:
        yield from export(chosen, False)

    def as_zip(chosen: Any) -> Iterator[str]:
        yield from export(chosen, True)

    wires.edit(panel.rename, rename, [panel.name])
    wires.edit(panel.really, delete)
    wires.edit(undo, lambda _, __: edits.undo(studio.store))
    panel.csv.click(as_csv, wires.parts.chosen, panel.exported, **QUIET)
    panel.zip.click(as_zip, wires.parts.chosen, panel.exported, **QUIET)
    wires.parts.chosen.change(lambda: ["", gr.update(visible=False)], None, [panel.exported, panel.confirm], **IN_TURN)
    panel.delete.click(lambda: gr.update(visible=True), None, panel.confirm, **IN_TURN)
    panel.keep.click(lambda: gr.update(visible=False), None, panel.confirm, **IN_TURN)
