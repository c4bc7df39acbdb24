"""The form that clips come in by, the import under way, and the reports of imports."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.datasets import Division, Layout, SplitLists
from ga2app.errors import DatasetError, StudioError
from ga2app.labels import parse_labels
from ga2app.services.import_sources import Duplicates, FolderSource, ListsSource, Source, TableSource, ZipSource
from ga2app.services.studio import Studio
from ga2app.store.import_records import ImportRow
from ga2app.web.components.markup import ago, notice
from ga2app.web.events import in_turn
from ga2app.web.pages.datasets.reports import REPORT_JS, progress_html, report_html
from ga2app.web.pages.recognize.recognize_page import UNEXPECTED
from ga2app.web.theme import part

log = logging.getLogger(__name__)

ZIP, FOLDER, TABLE, LISTS = "zip", "folder", "table", "lists"
_SOURCES = {
    ZIP: "A zip to upload",
    FOLDER: "A folder on this machine",
    TABLE: "A CSV on this machine",
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
_INTRO = (
    '<h3>Import clips</h3><p class="legend">Put the clips of each action into a folder named after it, and pack these '
    "folders as a zip: <code>waving/a.mp4</code>, <code>jumping/b.mp4</code> … Every clip is opened; what cannot be "
    "used is listed with its reason, and the others go in. A quarter of each label is kept for testing, unless there "
    "are folders <code>train</code>, <code>val</code> or <code>test</code>, or a list of clips says otherwise.</p>"
)


@dataclass(frozen=True)
class Form:
    """What was filled in."""

    kind: str = ZIP
    name: str = ""
    upload: str | None = None
    folder: str = ""
    table: str = ""
    train: str = ""
    test: str = ""
    root: str = ""
    labels: str = ""
    layout: str = Layout.AUTO.value
    fold: int = 1
    duplicates: str = Duplicates.FIRST.value
    novel: str = ""
    test_fold: int | None = None


@dataclass(frozen=True)
class ImportPart:
    """The parts of the form that the screen reaches for. ``follow`` fills ``followed``."""

    report: gr.HTML
    followed: list[Any]
    follow: Callable[[Any], list[Any]]


def source_of(form: Form, *, server_paths: bool) -> Source:
    """Where the clips are. Raises DatasetError for what is missing or not allowed here."""
    if form.kind == ZIP:
        if not form.upload:
            raise DatasetError("no zip was given; drop one on the form, and wait until it is uploaded")
        return ZipSource(Path(form.upload), Path(form.upload).name, form.test_fold)
    if not server_paths:
        raise DatasetError("files of the server cannot be imported here; upload a zip")
    if form.kind == FOLDER:
        return FolderSource(_path(form.folder, "folder of class folders"), form.test_fold)
    if form.kind == TABLE:
        return TableSource(_path(form.table, "CSV"), form.test_fold)
    train, test = _paths(form.train), _paths(form.test)
    if not (train or test):
        raise DatasetError("no list was named; write the path of at least one list of training or test clips")
    lists = SplitLists(
        name=form.name,
        train=train,
        test=test,
        labels=_path(form.labels, "label list") if form.labels.strip() else None,
        root=_path(form.root, "folder of the clips") if form.root.strip() else None,
        layout=Layout(form.layout),
        fold=int(form.fold),
    )
    return ListsSource(lists)


def name_of(form: Form, source: Source) -> str:
    """The name that was typed, else that of the source without its suffix."""
    return " ".join(form.name.split()) or Path(source.title).stem


def _path(text: str, what: str) -> Path:
    tidy = text.strip().strip("\"'")
    if not tidy:
        raise DatasetError(f"the path of the {what} is missing; write it down")
    path = Path(tidy).expanduser().absolute()
    if not path.exists():
        raise DatasetError(f"there is no {what} '{tidy}' on this machine; check the path")
    return path


def _paths(text: str) -> tuple[Path, ...]:
    return tuple(_path(line, "list") for line in text.splitlines() if line.strip())


def build_import(studio: Studio, clock: gr.Timer) -> ImportPart:
    """Lay the form out and connect it."""
    kinds = [(title, kind) for kind, title in _SOURCES.items() if kind == ZIP or studio.server_paths]
    part(_INTRO)
    kind = gr.Radio(kinds, value=ZIP, label="Where are the clips?", visible=studio.server_paths, elem_id="ds-source")
    upload = gr.File(label="Zip of class folders", file_types=[".zip"], height=120, elem_id="ds-zip")
    folder = gr.Textbox(
        label="Folder of class folders", placeholder="/data/my-clips", visible=False, max_lines=1, elem_id="ds-folder",
        info="The clips stay where they are; keep them there.",
    )  # fmt: skip
    table = gr.Textbox(
        label="CSV", placeholder="/data/my-clips/clips.csv", visible=False, max_lines=1, elem_id="ds-table",
        info="Columns path (relative to the CSV) and label; also split (train, val, test) and group (base, novel).",
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
        value=Duplicates.FIRST.value,
        label="Clips with the same content",
        info="They are found by content, not by name, and told in either case.",
        elem_id="ds-duplicates",
    )
    with gr.Row(elem_classes="actions"):
        start = gr.Button("Import", variant="primary", elem_id="ds-import")
        cancel = gr.Button("Cancel the import", visible=False, elem_id="ds-cancel")
    told = part(elem_id="ds-import-answer")
    progress = part(elem_id="ds-progress")
    past = gr.Dropdown([], label="Reports of imports", visible=False, elem_id="ds-past")
    report = part(elem_id="ds-report", js_on_load=REPORT_JS)
    followed = [progress, cancel, past, report]
    fields = [kind, name, upload, folder, table, train, test, root, labels, layout, fold, duplicates, novel, test_fold]

    def begin(*values: Any) -> list[Any]:
        try:
            form = Form(*values)
            source = source_of(form, server_paths=studio.server_paths)
            import_id = studio.imports.start(
                source,
                name_of(form, source),
                duplicates=Duplicates(form.duplicates),
                division=Division(novel=tuple(parse_labels(form.novel))),
            )
        except StudioError as exc:
            return [notice("error", str(exc)), gr.skip(), gr.skip(), *[gr.skip()] * len(followed)]
        except Exception:
            log.exception("an import could not be started")
            return [notice("error", UNEXPECTED), gr.skip(), gr.skip(), *[gr.skip()] * len(followed)]
        return ["", gr.update(value=None), gr.Timer(active=True), *follow(import_id)]

    def follow(import_id: Any) -> list[Any]:
        return followed_values(studio, import_id)

    def stop() -> list[Any]:
        running = studio.store.imports.running()
        if running:
            studio.store.imports.cancel(running.id)
        return ["", *follow(None)]

    def choose_kind(kind: str) -> list[Any]:
        shown = [gr.update(visible=kind == one) for one in (ZIP, FOLDER, TABLE, LISTS)]
        return [*shown, gr.update(visible=kind != LISTS)]

    quiet = in_turn("datasets")
    kind.input(choose_kind, kind, [upload, folder, table, lists, test_fold], **quiet)
    start.click(
        begin, fields, [told, upload, clock, *followed], show_progress="minimal", show_progress_on=told,
        api_visibility="private",
    )  # fmt: skip
    cancel.click(stop, None, [told, *followed], **quiet)
    past.input(lambda import_id: report_html(_find(studio, import_id)), past, report, **quiet)
    return ImportPart(report, followed, follow)


def followed_values(studio: Studio, import_id: Any) -> list[Any]:
    """Progress, the cancel button, the list of reports, and the report of ``import_id`` or of the newest import."""
    rows = studio.store.imports.latest()
    running = next((row for row in rows if row.state == "running"), None)
    ended = [row for row in rows if row.state != "running"]
    shown = next((row for row in ended if row.id == import_id), ended[0] if ended else None)
    choices = [(f"{row.name}: {row.state.value}, {ago(row.finished_s or row.created_s)}", row.id) for row in ended]
    return [
        progress_html(running),
        gr.update(visible=running is not None and not running.cancelled),
        gr.update(choices=choices, value=shown.id if shown else None, visible=len(choices) > 1),
        "" if running else report_html(shown),
    ]


def _find(studio: Studio, import_id: Any) -> ImportRow | None:
    try:
        return studio.store.imports.get(int(import_id)) if import_id else None
    except DatasetError:
        return None
