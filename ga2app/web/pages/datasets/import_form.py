"""The form that clips come in by; for a labeling tool's file it shows what would come in before anything does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.datasets import Division, Layout, SplitLists
from ga2app.datasets.text_tables import fold_number
from ga2app.errors import DatasetError
from ga2app.labels import Spelling, parse_labels
from ga2app.services.annotation_files import AnnotationSource, needs_at, rate_given
from ga2app.services.import_sources import Duplicates, ListsSource, Source, path_at, source_at
from ga2app.services.studio import Studio
from ga2app.web.components.form_fields import line, pick, whole
from ga2app.web.components.markup import busy, notice, render, script, shortened
from ga2app.web.events import QUIET, fault_html
from ga2app.web.pages.datasets.import_preview import preview_html
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
_SPELLINGS = [
    ("In words: apply eye makeup", Spelling.WORDS.value),
    ("As published: ApplyEyeMakeup", Spelling.AS_PUBLISHED.value),
]
_DUPLICATES = [("Keep the first of them", Duplicates.FIRST.value), ("Keep all of them", Duplicates.ALL.value)]
FIELDS = "kind upload place train test root labels layout fold name novel test_fold spelling duplicates".split()
FIELDS += "folder rate tiers".split()
"""The fields by their names; what else the form has is what it answers."""


class ImportForm:
    """The form; on a public machine nobody names its files, and a zip is the only way."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        part(str(render("import_intro.html")))
        kinds = _KINDS if studio.server_paths else _KINDS[:1]
        question = "Where are the clips?"
        self.kind = gr.Radio(kinds, value=ZIP, label=question, visible=studio.server_paths, elem_id="ds-source")
        self.upload = gr.File(label="Zip of class folders", file_types=[".zip"], height=120, elem_id="ds-zip")
        self.place = line(
            "ds-place",
            "Folder, CSV or zip",
            "Class folders; a CSV with columns path and label, also split (train, val, test) and group (base, novel); "
            "a zip of either; a labeling tool's file. Clips outside a zip stay where they are; keep them there.",
            placeholder="/data/my-clips",
            visible=False,
        )
        with gr.Column(visible=False) as self.lists:
            self._lay_out_lists()
        self._lay_out_annotations()
        with gr.Row():
            called = "How lists and reports call it."
            self.name = line("ds-name", "Name of the data set", called, placeholder="that of the file")
            never = (
                "Never trained on, only tested: they show what training makes CLIP forget. You can choose them later."
            )
            example = "optional: waving, jumping rope"
            self.novel = line("ds-novel", "Novel labels", never, placeholder=example, max_lines=2)
        with gr.Row():
            only = "Only where a list has a column that numbers folds: the clips of this one are for testing."
            self.test_fold = line("ds-test-fold", "Fold for testing", only)  # an empty gr.Number comes back as 0
            read = "Of folders and lists; they are what CLIP reads."
            self.spelling = pick("ds-spelling", "Class names", _SPELLINGS, Spelling.WORDS.value, info=read)
        found, same = "They are found by content, not by name, and told in either case.", "Clips with the same content"
        first = Duplicates.FIRST.value
        self.duplicates = gr.Radio(_DUPLICATES, value=first, label=same, elem_id="ds-duplicates", info=found)
        with gr.Row(elem_classes="actions"):
            self.start = gr.Button("Import", variant="primary", elem_id="ds-import")
            self.preview = gr.Button("Preview", visible=False, elem_id="ds-preview")
        self.told = part(elem_id="ds-import-answer")
        self.found = part(elem_id="ds-found")
        self.questions = [self.folder, self.rate, self.tiers, self.preview]
        self.panel = part(elem_id="ds-panel", js_on_load=script("import_panel.js"))
        self.fields: set[Any] = {getattr(self, name) for name in FIELDS}
        named: set[Any] = {self.kind, self.upload, self.place}
        looked = [self.found, *self.questions]
        self.kind.input(self._choose, named, [self.upload, self.place, self.lists, self.test_fold, *looked], **QUIET)
        told = [self.upload.change, self.place.change, self.place.blur]
        gr.on(told, self.look, named, looked, trigger_mode="always_last", **QUIET)

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

    def _lay_out_annotations(self) -> None:
        """What only files of labeling tools ask for; each field is shown where the file does."""
        beside, place = "Left empty: the folder of the file.", "/data/videos"
        self.folder = line("ds-folder", "Folder of the clips", beside, placeholder=place, visible=False)
        which = "Frames a second of Label Studio's timeline: <Video frameRate> of its configuration, 24 without it."
        self.rate = line("ds-rate", "Frame rate of the timeline", which, placeholder="24", visible=False)
        rows = "Tiers of ELAN, attributes of VIA, subjects of BORIS. Left empty: all of them."
        more: dict[str, Any] = {"multiselect": True, "allow_custom_value": True, "visible": False}
        self.tiers = pick("ds-tiers", "Tiers", [], [], rows, **more)

    def _choose(self, values: dict[Any, Any]) -> dict[Any, Any]:
        kind = values[self.kind]
        shown = {self.upload: kind == ZIP, self.place: kind == PLACE, self.lists: kind == LISTS}
        shown |= {self.test_fold: kind != LISTS}
        fields = {component: gr.update(visible=visible) for component, visible in shown.items()}
        return fields | self.look(values)

    def begin(self, studio: Studio, values: dict[Any, Any]) -> str:
        """Start the import that was filled in. Raises StudioError for what is missing or wrong."""
        given = self._given(values)
        studio.imports.start(
            self._source(studio, given),
            str(given["name"] or ""),
            duplicates=Duplicates(given["duplicates"]),
            division=Division(novel=tuple(parse_labels(given["novel"]))),
            spelling=Spelling(given["spelling"]),
        )
        return ""

    def _given(self, values: dict[Any, Any]) -> dict[str, Any]:
        return {name: values[getattr(self, name)] for name in FIELDS if getattr(self, name) in values}

    def _source(self, studio: Studio, given: dict[str, Any]) -> Source:
        """What is filled in. Raises DatasetError, also for a frame rate that its file asks for."""
        source = source_of(given if studio.server_paths else given | {"kind": ZIP})
        if isinstance(source, AnnotationSource) and source.frame_rate is None:
            needs = needs_at(source.path)
            if needs and needs.frame_rate:
                raise DatasetError(
                    f"'{source.title}' counts frames of {needs.format}'s timeline, and does not tell its rate; fill in "
                    "'Frame rate of the timeline': what <Video frameRate> of the labeling configuration says, else 24"
                )
        return source

    def look(self, values: dict[Any, Any]) -> dict[Any, Any]:
        """What the file that is named asks for, and that its stretches can be looked at before they come in."""
        given = self._given(values)
        place = given["kind"] == PLACE and self._studio.server_paths
        path = str((given["place"] if place else given["upload"] if given["kind"] == ZIP else "") or "")
        named = os.path.expanduser(path.strip().strip("\"'"))
        needs = needs_at(Path(named)) if os.path.exists(named) else None
        told = f"Labels over time ({needs.format}): each stretch becomes a clip. 'Preview' shows them." if needs else ""
        tiers = list(needs.tiers) if needs else []
        return {
            self.found: notice("info", told),
            self.folder: gr.update(visible=bool(needs) and place and not named.lower().endswith(".zip")),
            self.rate: gr.update(visible=bool(needs and needs.frame_rate)),
            self.tiers: gr.update(visible=bool(tiers), choices=tiers, value=[]),
            self.preview: gr.update(visible=bool(needs)),
        }

    def show_preview(self, values: dict[Any, Any]) -> Iterator[str]:
        """What would be imported, as bars over a timeline of each video, or why nothing would."""
        yield busy("Looking at the videos…")
        try:
            yield preview_html(self._studio.annotations.preview(self._source(self._studio, self._given(values))))
        except Exception as exc:
            yield fault_html(exc)


def source_of(given: dict[str, Any]) -> Source:
    """Where the clips are, from the values of the form by the names of its fields. Raises DatasetError."""
    written = str(given["test_fold"] or "").strip()
    fold = fold_number(written)
    if written and fold is None:
        raise DatasetError(f"'{shortened(written)}' is no fold; write its number into 'Fold for testing', or nothing")
    if given["kind"] == ZIP:
        if not given["upload"]:
            raise DatasetError("no zip was given; drop one on the form, and wait until it is uploaded")
        return source_at(
            Path(given["upload"]), fold, None, rate_given(given.get("rate")), given.get("tiers") or (), uploaded=True
        )
    if given["kind"] == PLACE:
        place, folder = given["place"], _path(given.get("folder"), "folder of the clips")
        more = folder, rate_given(given.get("rate")), given.get("tiers") or ()
        return source_at(path_at(place, "folder, CSV file or zip"), fold, *more)
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
