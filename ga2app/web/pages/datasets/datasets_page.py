"""``/datasets``: data sets in a list, one of them in full, and the way for clips to come in.

The address says what is shown: ``?id=3`` a data set, ``&label=7&part=test&find=run`` which of its clips, ``?new=1`` the
form.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.config import RunConfig
from ga2app.datasets import Division, Layout, SplitLists
from ga2app.errors import DatasetError
from ga2app.labels import Spelling, parse_labels
from ga2app.services.import_sources import Duplicates, FileSource, ListsSource, Source, path_at, source_at
from ga2app.services.studio import Studio
from ga2app.web import address
from ga2app.web.components.form_fields import line, pick, small, whole
from ga2app.web.components.markup import render, script, ticks_js
from ga2app.web.components.masthead import Page
from ga2app.web.events import QUIET, in_turn, waited_for
from ga2app.web.pages.datasets.dataset_handlers import FOLLOW_S, Handlers
from ga2app.web.pages.datasets.dataset_views import View
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
        with gr.Row():
            only = "Only where a list has a column that numbers folds: the clips of this one are for testing."
            self.test_fold = whole("ds-test-fold", "Fold for testing", None, only)
            read = "Of folders and lists; they are what CLIP reads."
            self.spelling = pick("ds-spelling", "Class names", _SPELLINGS, Spelling.WORDS.value, info=read)
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
            spelling=Spelling(given["spelling"]),
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
        return source_at(path_at(given["place"], "folder, CSV file or zip"), fold)
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


_IN_TURN = in_turn("datasets")
_FILTERS = (
    "(label, part, find) => ({id: new URL(location.href).searchParams.get('id'), label: label || '', part, find})"
)


def build_datasets(studio: Studio, page: Page) -> None:
    """Lay the page out and connect it; it is read anew whenever it is opened."""
    parts = Parts(studio)
    form, handlers = parts.form, Handlers(studio, parts)
    filters = [parts.label, parts.subset, parts.text]
    page.on_open(handlers.open, None, [*parts.shown, parts.subset, parts.text, form.panel], **_IN_TURN)
    for region in (parts.told, parts.grid, parts.labels, parts.whole):
        region.act(handlers.act, {parts.view}, parts.shown, trigger_mode="multiple", **_IN_TURN)
    changed, drawn = [parts.label.input, parts.subset.input, parts.text.submit], [parts.grid, parts.view, parts.clock]
    gr.on(changed, handlers.filter, {parts.view, *filters}, drawn, trigger_mode="multiple", **_IN_TURN)
    address.tell(_FILTERS, filters)
    parts.grid.play(handlers.play, None, parts.player, **QUIET)
    # In the browser alone: an answer from the server could close the next clip, which is open by then.
    parts.player.click(None, None, parts.player, js="() => ''", **QUIET)
    parts.whole.export(handlers.export, {parts.view}, parts.exported, **QUIET)
    split: set[Any] = {parts.view, parts.share, parts.split_seed, parts.novel_whole}
    parts.split.click(handlers.split, split, [*parts.shown, parts.drawn], **_IN_TURN)
    parts.draw.click(handlers.draw, {parts.view, parts.shots, parts.draw_seed}, parts.drawn, **waited_for(parts.drawn))
    texts: list[Any] = [parts.described, parts.told_described]
    typed: set[Any] = {parts.view, parts.described}
    parts.save_described.click(handlers.save_descriptions, typed, parts.shown, **_IN_TURN)
    read: set[Any] = typed | {parts.read_described}
    parts.read_described.upload(handlers.read_descriptions, read, texts, **waited_for(parts.told_described))
    asked: set[Any] = typed | {parts.model}
    parts.propose.click(handlers.propose_descriptions, asked, texts, **waited_for(parts.told_described))
    started = [form.told, form.upload, form.panel, parts.clock]
    form.start.click(handlers.begin, form.fields, started, **waited_for(form.told))
    form.panel.act(handlers.in_panel, None, [form.told, form.panel], **_IN_TURN)
    followed = [parts.live, parts.listing, form.panel, parts.seen, parts.clock]
    parts.clock.tick(handlers.tick, {parts.view, parts.seen}, followed, trigger_mode="once", **_IN_TURN)


class Parts:
    """The components of the page."""

    def __init__(self, studio: Studio) -> None:
        actions = script("dataset_actions.js")
        self.live = part(elem_id="ds-live", html_template="<span hidden></span>", js_on_load=script("dataset_live.js"))
        with gr.Row(elem_classes="split"):
            with gr.Column(scale=3, min_width=260):
                self.listing = part(elem_id="ds-list", js_on_load=None)
            with gr.Column(scale=9, min_width=300, elem_classes="ds-side"):
                self.told = part(elem_id="ds-answer", js_on_load=actions)
                with gr.Column(visible=False, elem_id="ds-importing") as self.importing:
                    self.form = ImportForm(studio)
                with gr.Column(visible=False, elem_id="ds-detail") as self.detail:
                    self.head = part(elem_id="ds-head", js_on_load=script("dataset_head.js"))
                    with gr.Tabs():
                        with gr.Tab("Clips"):
                            self._lay_out_clips(actions)
                        with gr.Tab("Labels"):
                            self.labels = part(elem_id="ds-labels", js_on_load=ticks_js("tbody input") + actions)
                        with gr.Tab("Descriptions"):
                            self._lay_out_descriptions(studio)
                        with gr.Tab("Split"):
                            self._lay_out_split()
                        with gr.Tab("More"):
                            self.whole = part(elem_id="ds-whole", js_on_load=actions)
                            self.exported = part(elem_id="ds-exported")
        self.player = part(elem_id="ds-player", js_on_load=script("clip_player.js"))
        self.view, self.seen, self.clock = gr.State(View()), gr.State(None), gr.Timer(FOLLOW_S, active=False)
        regions = [self.told, self.listing, self.head, self.grid, self.labels, self.whole]
        self.shown: list[Any] = [*regions, self.importing, self.detail, self.label, self.view, self.clock]
        self.shown += [self.described, self.told_described]

    def _lay_out_clips(self, actions: str) -> None:
        with gr.Row(elem_classes="ds-filters"):
            self.label = pick("ds-filter-label", "Label", [("All labels", 0)], 0, min_width=140)
            subsets = [("Train and test", ""), ("Train", "train"), ("Test", "test")]
            self.subset = pick("ds-filter-subset", "Part", subsets, "", min_width=140)
            self.text = line("ds-filter-text", "Search", placeholder="file or label, then Enter", min_width=140)
        turning = ticks_js(".ds-clip input") + script("turned_pages.js")
        self.grid = part(elem_id="ds-clips", js_on_load=turning + actions + script("clip_grid.js"))

    def _lay_out_descriptions(self, studio: Studio) -> None:
        """The sentences of all labels, to be written, read from a file or proposed, and saved."""
        about = (
            "One sentence per line behind its label; a label may have several. They say what the label looks like, "
            "and can be averaged with its name when clips are recognized or measured."
        )
        example = "brush hair: a person pulls a brush through long hair"
        lines: dict[str, Any] = {"lines": 8, "max_lines": 30, "placeholder": example}
        self.described = line("ds-descriptions", "Descriptions of labels", about, **lines)
        with gr.Row(elem_classes="actions changes"):
            self.save_described = small("ds-save-descriptions", "Save descriptions")
            files: Any = {"file_types": [".json", ".csv", ".tsv"], "elem_id": "ds-descriptions-file"}
            self.read_described = gr.UploadButton("Read a JSON or CSV", size="sm", **files)
        with gr.Row(visible=studio.descriptions.can_ask(), elem_classes="changes"):
            told = "On the Hub, with your own login; it is told the labels. You read and save what it proposes."
            self.model = line("ds-language-model", "Language model", told, placeholder="Qwen/Qwen3-8B")
            self.propose = small("ds-propose-descriptions", "Propose descriptions")
        self.told_described = part(elem_id="ds-descriptions-answer")

    def _lay_out_split(self) -> None:
        """The division into train and test, and the few-shot draw."""
        defaults = RunConfig()
        seeds: Any = {"minimum": 0, "maximum": 2**32 - 1}
        with gr.Column(elem_classes="changes"):
            part(str(render("split_help.html", what="split")))
            with gr.Row():
                least, same = (
                    "Of each label, at least one clip where it has two.",
                    "The same seed gives the same split.",
                )
                self.share = gr.Slider(5, 90, value=25, step=5, label="Test split (%)", elem_id="ds-share", info=least)
                self.split_seed = whole("ds-split-seed", "Split seed", 0, same, **seeds)
            never = "They are never trained on anyway."
            self.novel_whole = gr.Checkbox(True, label="All clips of novel labels are for testing", info=never)
            with gr.Row(elem_classes="actions"):
                self.split = small("ds-split", "Split anew")
        part(str(render("split_help.html", what="draw")))
        with gr.Row():
            self.shots = whole("ds-shots", "Shots per label", defaults.shots, minimum=1, maximum=1000)
            self.draw_seed = whole("ds-draw-seed", "Run seed", defaults.seed, **seeds)
        with gr.Row(elem_classes="actions"):
            self.draw = small("ds-draw", "Preview few-shot sample")
        self.drawn = part(elem_id="ds-drawn")
