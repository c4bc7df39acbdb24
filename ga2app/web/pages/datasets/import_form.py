"""The form that clips come in by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.datasets import Division, Layout, SplitLists
from ga2app.errors import DatasetError
from ga2app.labels import parse_labels
from ga2app.services.import_sources import Duplicates, FileSource, ListsSource, Source, path_at
from ga2app.services.studio import Studio
from ga2app.web.events import QUIET
from ga2app.web.templates import render, script
from ga2app.web.theme import part

ZIP, PLACE, LISTS = "zip", "place", "lists"
_KINDS = {
    ZIP: "A zip to upload",
    PLACE: "A folder, a CSV or a zip on this machine",
    LISTS: "Split lists (UCF-101, HMDB-51, SSv2, Kinetics)",
}
_LAYOUTS = {
    Layout.AUTO: "Look at each list",
    Layout.LIST: "path label",
    Layout.UCF: "UCF-101",
    Layout.HMDB: "HMDB-51",
    Layout.SSV2: "Something-Something v2",
    Layout.KINETICS: "Kinetics",
}


@dataclass(frozen=True)
class ImportForm:
    """The fields of the form, the buttons and what they answer."""

    kind: gr.Radio
    upload: gr.File
    place: gr.Textbox
    train: gr.Textbox
    test: gr.Textbox
    root: gr.Textbox
    labels: gr.Textbox
    layout: gr.Dropdown
    fold: gr.Number
    name: gr.Textbox
    novel: gr.Textbox
    test_fold: gr.Number
    duplicates: gr.Radio
    start: gr.Button
    told: gr.HTML
    panel: gr.HTML

    @property
    def fields(self) -> set[Any]:
        """What is filled in."""
        return {part for name, part in vars(self).items() if name not in ("start", "told", "panel")}

    def begin(self, studio: Studio, values: dict[Any, Any]) -> str:
        """Start the import that was filled in. Raises StudioError for what is missing or wrong."""
        given = {name: values[part] for name, part in vars(self).items() if part in values}
        studio.imports.start(
            source_of(given if studio.server_paths else given | {"kind": ZIP}),
            str(given["name"] or ""),
            duplicates=Duplicates(given["duplicates"]),
            division=Division(novel=tuple(parse_labels(given["novel"]))),
        )
        return ""


def source_of(given: dict[str, Any]) -> Source:
    """Where the clips are, from the values of the form by the names of its fields. Raises DatasetError."""
    fold = None if given["test_fold"] is None else int(given["test_fold"])
    if given["kind"] == ZIP:
        if not given["upload"]:
            raise DatasetError("no zip was given; drop one on the form, and wait until it is uploaded")
        return FileSource(Path(given["upload"]), fold, uploaded=True)
    if given["kind"] == PLACE:
        return FileSource(path_at(given["place"], "folder, CSV file or zip"), fold)
    return ListsSource(
        SplitLists(
            name=str(given["name"] or ""),
            train=_paths(given["train"]),
            test=_paths(given["test"]),
            labels=_path(given["labels"], "label list"),
            root=_path(given["root"], "folder of the clips"),
            layout=Layout(given["layout"]),
            fold=int(given["fold"] or 1),
        )
    )


def build_import_form(studio: Studio) -> ImportForm:
    """Lay the form out; on a public machine nobody names its files, and a zip is the only way."""
    part(str(render("import_intro.html")))
    kind = gr.Radio(
        [(title, kind) for kind, title in _KINDS.items() if kind == ZIP or studio.server_paths],
        value=ZIP, label="Where are the clips?", visible=studio.server_paths, elem_id="ds-source",
    )  # fmt: skip
    upload = gr.File(label="Zip of class folders", file_types=[".zip"], height=120, elem_id="ds-zip")
    place = gr.Textbox(
        label="Folder, CSV or zip", placeholder="/data/my-clips", visible=False, max_lines=1, elem_id="ds-place",
        info="Class folders; a CSV with columns path and label, also split (train, val, test) and group (base, novel); "
        "or a zip of either. Clips outside a zip stay where they are; keep them there.",
    )  # fmt: skip
    with gr.Column(visible=False) as lists:
        with gr.Row():
            train = gr.Textbox(
                label="Training lists", lines=2, placeholder="/data/ucf/trainlist01.txt", elem_id="ds-train-lists",
                info="One path a line. For HMDB-51 the folder of its split files is enough.",
            )  # fmt: skip
            test = gr.Textbox(
                label="Test lists", lines=2, placeholder="/data/ucf/testlist01.txt", info="One path a line.",
                elem_id="ds-test-lists",
            )  # fmt: skip
        with gr.Row():
            root = gr.Textbox(
                label="Folder of the clips", placeholder="/data/ucf/videos", max_lines=1, elem_id="ds-root",
                info="Left empty: the folder of the first list.",
            )  # fmt: skip
            labels = gr.Textbox(
                label="Label list", placeholder="/data/ucf/classInd.txt", max_lines=1, elem_id="ds-label-list",
                info="Which number is which class, where the lists have numbers.",
            )  # fmt: skip
        with gr.Row():
            layout = gr.Dropdown(
                [(title, layout.value) for layout, title in _LAYOUTS.items()], value=Layout.AUTO.value,
                label="How the lists are written",
            )  # fmt: skip
            fold = gr.Number(1, label="Split of HMDB-51", minimum=1, maximum=3, precision=0)
    with gr.Row():
        name = gr.Textbox(
            label="Name of the data set", placeholder="that of the file", max_lines=1, elem_id="ds-name",
            info="How lists and reports call it.",
        )  # fmt: skip
        novel = gr.Textbox(
            label="Novel labels", placeholder="optional: waving, jumping rope", max_lines=2, elem_id="ds-novel",
            info="Never trained on, only tested: they show what training makes CLIP forget. You can choose them later.",
        )  # fmt: skip
    test_fold = gr.Number(
        None, label="Fold for testing", precision=0, elem_id="ds-test-fold",
        info="Only where a list has a column that numbers folds: the clips of this one are for testing.",
    )  # fmt: skip
    duplicates = gr.Radio(
        [("Keep the first of them", Duplicates.FIRST.value), ("Keep all of them", Duplicates.ALL.value)],
        value=Duplicates.FIRST.value, label="Clips with the same content", elem_id="ds-duplicates",
        info="They are found by content, not by name, and told in either case.",
    )  # fmt: skip
    with gr.Row(elem_classes="actions"):
        start = gr.Button("Import", variant="primary", elem_id="ds-import")
    told = part(elem_id="ds-import-answer")
    panel = part(elem_id="ds-panel", js_on_load=script("import_panel.js"))

    def choose(kind: str) -> dict[Any, Any]:
        return {
            upload: gr.update(visible=kind == ZIP),
            place: gr.update(visible=kind == PLACE),
            lists: gr.update(visible=kind == LISTS),
            test_fold: gr.update(visible=kind != LISTS),
        }

    kind.input(choose, kind, [upload, place, lists, test_fold], **QUIET)
    return ImportForm(
        kind, upload, place, train, test, root, labels, layout, fold, name, novel, test_fold, duplicates, start, told,
        panel,
    )  # fmt: skip


def _path(text: str | None, what: str) -> Path | None:
    return path_at(text, what) if text and text.strip() else None


def _paths(text: str | None) -> tuple[Path, ...]:
    return tuple(path_at(line, "list") for line in (text or "").splitlines() if line.strip())
