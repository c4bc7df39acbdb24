"""The panels of an open data set: its clips, its labels, its division, the draw, and what is done to it as a whole."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from ga2app.config import RunConfig
from ga2app.web.pages.datasets.dataset_cards import GRID_JS
from ga2app.web.pages.datasets.dataset_view import ALL, EITHER
from ga2app.web.pages.datasets.overview import LABELS_JS
from ga2app.web.theme import part


@dataclass(frozen=True)
class ClipPanel:
    """Filters, the grid, and what can be done to ticked clips."""

    label: gr.Dropdown
    subset: gr.Dropdown
    text: gr.Textbox
    page: gr.Number
    grid: gr.HTML
    move_to: gr.Dropdown
    move: gr.Button
    to_train: gr.Button
    to_test: gr.Button
    delete: gr.Button


def build_clips() -> ClipPanel:
    """Lay out the panel of clips."""
    with gr.Row(elem_classes="ds-filters"):
        label = gr.Dropdown([("All labels", ALL)], value=ALL, label="Label", elem_id="ds-filter-label", min_width=140)
        subset = gr.Dropdown(
            [("Train and test", EITHER), ("Train", "train"), ("Test", "test")],
            value=EITHER,
            label="Part",
            elem_id="ds-filter-subset",
            min_width=140,
        )
        text = gr.Textbox(
            label="Search",
            placeholder="file or label, then Enter",
            max_lines=1,
            elem_id="ds-filter-text",
            min_width=140,
        )
    page = gr.Number(0, visible=False, precision=0)
    with gr.Row(elem_classes="actions ds-ticked-actions"):
        move_to = gr.Dropdown(
            [],
            value=None,
            label="Label for selected clips (choose or type)",
            allow_custom_value=True,
            elem_id="ds-move-to",
        )
        move = gr.Button("Apply label", size="sm", elem_id="ds-move")
        to_train = gr.Button("Move to train", size="sm", elem_id="ds-to-train")
        to_test = gr.Button("Move to test", size="sm", elem_id="ds-to-test")
        delete = gr.Button("Delete selected", size="sm", variant="stop", elem_id="ds-delete-clips")
    grid = part(elem_id="ds-clips", js_on_load=GRID_JS)
    return ClipPanel(label, subset, text, page, grid, move_to, move, to_train, to_test, delete)


@dataclass(frozen=True)
class LabelPanel:
    """The table of labels, and what can be done to ticked ones and to all."""

    labels: gr.HTML
    name: gr.Textbox
    rename: gr.Button
    merge_into: gr.Dropdown
    merge: gr.Button
    make_base: gr.Button
    make_novel: gr.Button
    delete: gr.Button
    by_list: gr.Button
    by_frequency: gr.Button
    pasted: gr.Textbox
    these_base: gr.Button
    these_novel: gr.Button


def build_labels() -> LabelPanel:
    """Lay out the panel of labels."""
    part(
        '<p class="legend"><b>Base</b> labels are trained on. <b>Novel</b> ones never are: they are only tested, to '
        "see whether training makes CLIP forget. Click base or novel to toggle it, or a name to see its clips. Select "
        "labels for other actions.</p>"
    )
    with gr.Row(elem_classes="actions"):
        make_base = gr.Button("Make base", size="sm", elem_id="ds-make-base")
        make_novel = gr.Button("Make novel", size="sm", elem_id="ds-make-novel")
        delete = gr.Button("Delete with clips", size="sm", variant="stop", elem_id="ds-delete-labels")
    with gr.Row(elem_classes="ds-edit"):
        with gr.Column(min_width=240), gr.Row(elem_classes="ds-pair"):
            name = gr.Textbox(label="New name", max_lines=1, elem_id="ds-label-name", min_width=140)
            rename = gr.Button("Rename selected", size="sm", elem_id="ds-rename-label")
        with gr.Column(min_width=240), gr.Row(elem_classes="ds-pair"):
            merge_into = gr.Dropdown([], value=None, label="Merge into", elem_id="ds-merge-into", min_width=140)
            merge = gr.Button("Merge selected", size="sm", elem_id="ds-merge")
    labels = part(elem_id="ds-labels", js_on_load=LABELS_JS)
    with gr.Accordion("Base and novel for all labels at once", open=False):
        with gr.Row(elem_classes="actions"):
            by_list = gr.Button("First half of the list is base", size="sm", elem_id="ds-half-list")
            by_frequency = gr.Button("Half with most training clips is base", size="sm", elem_id="ds-half-frequency")
        pasted = gr.Textbox(
            label="Or paste labels", lines=3, max_lines=12, placeholder="waving\njumping rope", elem_id="ds-pasted",
            info="One a line, or between commas. All labels that are not in it become the other kind.",
        )  # fmt: skip
        with gr.Row(elem_classes="actions"):
            these_base = gr.Button("These are base", size="sm", elem_id="ds-these-base")
            these_novel = gr.Button("These are novel", size="sm", elem_id="ds-these-novel")
    return LabelPanel(
        labels, name, rename, merge_into, merge, make_base, make_novel, delete,
        by_list, by_frequency, pasted, these_base, these_novel,
    )  # fmt: skip


@dataclass(frozen=True)
class SplitPanel:
    """The division into train and test, and the few-shot draw."""

    share: gr.Slider
    seed: gr.Number
    novel_whole: gr.Checkbox
    split: gr.Button
    shots: gr.Number
    draw_seed: gr.Number
    draw: gr.Button
    drawn: gr.HTML


def build_split() -> SplitPanel:
    """Lay out the panel of division and draw."""
    defaults = RunConfig()
    part(
        "<h3>Train and test</h3>"
        '<p class="legend">Shots are drawn from the training clips; figures come from the test clips alone. '
        "Clips of one recording, or of the same content, stay on the same side. "
        "<b>Undo</b> brings the former split back.</p>"
    )
    with gr.Row():
        share = gr.Slider(
            5, 90, value=25, step=5, label="Test split (%)", elem_id="ds-share",
            info="Of each label, at least one clip where it has two.",
        )  # fmt: skip
        seed = gr.Number(
            0, label="Split seed", precision=0, minimum=0, maximum=2**32 - 1, elem_id="ds-split-seed",
            info="The same seed gives the same split.",
        )  # fmt: skip
    novel_whole = gr.Checkbox(
        True, label="All clips of novel labels are for testing", info="They are never trained on anyway."
    )
    with gr.Row(elem_classes="actions"):
        split = gr.Button("Split anew", size="sm", elem_id="ds-split")
    part(
        "<h3>Few-shot sample</h3>"
        '<p class="legend">A run is trained on so many clips of each base label (shots), drawn with its seed. '
        "This shows the very clips that it will draw.</p>"
    )
    with gr.Row():
        shots = gr.Number(
            defaults.shots, label="Shots per label", precision=0, minimum=1, maximum=1000, elem_id="ds-shots"
        )
        draw_seed = gr.Number(
            defaults.seed, label="Run seed", precision=0, minimum=0, maximum=2**32 - 1, elem_id="ds-draw-seed"
        )
    with gr.Row(elem_classes="actions"):
        draw = gr.Button("Preview few-shot sample", size="sm", elem_id="ds-draw")
    drawn = part(elem_id="ds-drawn")
    return SplitPanel(share, seed, novel_whole, split, shots, draw_seed, draw, drawn)


@dataclass(frozen=True)
class MorePanel:
    """What is done to the data set as a whole."""

    name: gr.Textbox
    rename: gr.Button
    csv: gr.Button
    zip: gr.Button
    exported: gr.HTML
    delete: gr.Button
    confirm: gr.Row
    really: gr.Button
    keep: gr.Button


def build_more() -> MorePanel:
    """Lay out the panel of name, export and deletion."""
    with gr.Row(elem_classes="ds-pair"):
        name = gr.Textbox(label="Name of the data set", max_lines=1, elem_id="ds-new-name")
        rename = gr.Button("Rename", size="sm", elem_id="ds-rename")
    part(
        "<h3>Export</h3>"
        '<p class="legend">The CSV names the clips where they lie on this machine. The zip holds the clips in folders '
        "named after their labels, and a CSV that keeps train and test, base and novel. Both can be imported again.</p>"
    )
    with gr.Row(elem_classes="actions"):
        csv = gr.Button("Make a CSV", size="sm", elem_id="ds-csv")
        packed = gr.Button("Make a zip", size="sm", elem_id="ds-pack")
    exported = part(elem_id="ds-exported")
    part('<h3>Delete</h3><p class="legend">A deletion can be undone for a week.</p>')
    with gr.Row(elem_classes="actions"):
        delete = gr.Button("Delete this data set", size="sm", variant="stop", elem_id="ds-delete")
    with gr.Row(visible=False, elem_classes="actions") as confirm:
        really = gr.Button("Yes, delete it", size="sm", variant="stop", elem_id="ds-really-delete")
        keep = gr.Button("Keep it", size="sm", elem_id="ds-keep")
    return MorePanel(name, rename, csv, packed, exported, delete, confirm, really, keep)
