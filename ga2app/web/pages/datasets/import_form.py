"""The form that clips come in by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.datasets import Division, Layout, SplitLists
from ga2app.errors import DatasetError
from ga2app.labels import parse_labels
from ga2app.services.import_sources import Duplicates, FileSource, ListsSource, Source, path_at
from ga2app.services.studio import Studio
from ga2app.web.components.form_fields import line, pick, whole
from ga2app.web.events import QUIET
from ga2app.web.templates import render, script
from ga2app.web.theme import part

ZIP, PLACE, LISTS = "zip", "place", "lists"
_KINDS = [
    ("A zip to upload", ZIP),
    ("A folder, a CSV or a zip on this machine", PLACE),
    ("Split lists (UCF-101, HMDB-51, SSv2, Kinetics)", LISTS),
]
_LAYOUTS = [
    ("Look at each list", Layout.AUTO.value),
    ("path label", Layout.LIST.value),
    ("UCF-101", Layout.UCF.value),
    ("HMDB-51", Layout.HMDB.value),
    ("Something-Something v2", Layout.SSV2.value),
    ("Kinetics", Layout.KINETICS.value),
]
_DUPLICATES = [("Keep the first of them", Duplicates.FIRST.value), ("Keep all of them", Duplicates.ALL.value)]
FIELDS = "kind upload place train test root labels layout fold name novel test_fold duplicates".split()
"""The fields by their names; what else the form has is what it answers."""


class ImportForm:
    """The form; on a public machine nobody names its files, and a zip is the only way."""

    def __init__(self, studio: Studio) -> None:
        part(str(render("import_intro.html")))
        kinds = _KINDS if studio.server_paths else _KINDS[:1]
        question = "Where are the clips?"
        self.kind = gr.Radio(kinds, value=ZIP, label=question, visible=studio.server_paths, elem_id="ds-source")
        self.upload = gr.File(label="Zip of class folders", file_types=[".zip"], height=120, elem_id="ds-zip")
        self.place = line(
            "ds-place",
            "Folder, CSV or zip",
            "Class folders; a CSV with columns path and label, also split (train, val, test) and group (base, novel); "
            "or a zip of either. Clips outside a zip stay where they are; keep them there.",
            placeholder="/data/my-clips",
            visible=False,
        )
        with gr.Column(visible=False) as self.lists:
            self._lay_out_lists()
        with gr.Row():
            called = "How lists and reports call it."
            self.name = line("ds-name", "Name of the data set", called, placeholder="that of the file")
            never = (
                "Never trained on, only tested: they show what training makes CLIP forget. You can choose them later."
            )
            example = "optional: waving, jumping rope"
            self.novel = line("ds-novel", "Novel labels", never, placeholder=example, max_lines=2)
        only = "Only where a list has a column that numbers folds: the clips of this one are for testing."
        self.test_fold = whole("ds-test-fold", "Fold for testing", None, only)
        found, same = "They are found by content, not by name, and told in either case.", "Clips with the same content"
        first = Duplicates.FIRST.value
        self.duplicates = gr.Radio(_DUPLICATES, value=first, label=same, elem_id="ds-duplicates", info=found)
        with gr.Row(elem_classes="actions"):
            self.start = gr.Button("Import", variant="primary", elem_id="ds-import")
        self.told = part(elem_id="ds-import-answer")
        self.panel = part(elem_id="ds-panel", js_on_load=script("import_panel.js"))
        self.fields: set[Any] = {getattr(self, name) for name in FIELDS}
        self.kind.input(self._choose, self.kind, [self.upload, self.place, self.lists, self.test_fold], **QUIET)

    def _lay_out_lists(self) -> None:
        lines: dict[str, Any] = {"lines": 2, "max_lines": 20}
        with gr.Row():
            about = "One path a line. For HMDB-51 the folder of its split files is enough."
            train, test = "/data/ucf/trainlist01.txt", "/data/ucf/testlist01.txt"
            self.train = line("ds-train-lists", "Training lists", about, placeholder=train, **lines)
            self.test = line("ds-test-lists", "Test lists", "One path a line.", placeholder=test, **lines)
        with gr.Row():
            beside, which = "Left empty: the folder of the first list.", "/data/ucf/classInd.txt"
            self.root = line("ds-root", "Folder of the clips", beside, placeholder="/data/ucf/videos")
            numbers = "Which number is which class, where the lists have numbers."
            self.labels = line("ds-label-list", "Label list", numbers, placeholder=which)
        with gr.Row():
            self.layout = pick("ds-list-layout", "How the lists are written", _LAYOUTS, Layout.AUTO.value)
            self.fold = whole("ds-hmdb-split", "Split of HMDB-51", 1, minimum=1, maximum=3)

    def _choose(self, kind: str) -> dict[Any, Any]:
        shown = {self.upload: kind == ZIP, self.place: kind == PLACE, self.lists: kind == LISTS}
        shown |= {self.test_fold: kind != LISTS}
        return {component: gr.update(visible=visible) for component, visible in shown.items()}

    def begin(self, studio: Studio, values: dict[Any, Any]) -> str:
        """Start the import that was filled in. Raises StudioError for what is missing or wrong."""
        given = {name: values[getattr(self, name)] for name in FIELDS if getattr(self, name) in values}
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
    lists = SplitLists(
        name=str(given["name"] or ""),
        train=_paths(given["train"]),
        test=_paths(given["test"]),
        labels=_path(given["labels"], "label list"),
        root=_path(given["root"], "folder of the clips"),
        layout=Layout(given["layout"]),
        fold=int(given["fold"] or 1),
    )
    return ListsSource(lists)


def _path(text: str | None, what: str) -> Path | None:
    return path_at(text, what) if text and text.strip() else None


def _paths(text: str | None) -> tuple[Path, ...]:
    return tuple(path_at(line, "list") for line in (text or "").splitlines() if line.strip())
