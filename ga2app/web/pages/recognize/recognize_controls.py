"""The left side of Recognize: clips, labels, bundles, backbone and settings, and what they do to each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.config import TEMPLATE
from ga2app.errors import ClipError
from ga2app.services.quotas import templates
from ga2app.services.recognition_service import ENSEMBLE, MOST_BUNDLES, OFF, add_labels, none_of_these
from ga2app.services.studio import Studio
from ga2app.services.uploads import take_over
from ga2app.types import NoneOfThese, NoneWay, RecognitionRequest, Temperature
from ga2app.types.recognition import DEFAULT_THRESHOLDS
from ga2app.web.components.form_fields import (
    NamedFiles,
    backbone_field,
    backbone_info,
    line,
    pick,
    settle_choice,
    small,
    tick,
)
from ga2app.web.components.markup import notice, render, script
from ga2app.web.events import QUIET
from ga2app.web.theme import folded, part

ALL_GROUPS = ""
RECORDED = "recorded"
_ENSEMBLE_BUTTON = f"Use the {len(ENSEMBLE)}-template ensemble"
_WAYS = [
    ("Off: one of the labels always wins", OFF),
    ("Negative prompts compete with the labels", NoneWay.COMPETE.value),
    ("Reject below a threshold", NoneWay.THRESHOLD.value),
]
_THRESHOLD_INFO = {
    NoneWay.COMPETE: "The best label needs at least this probability. At 0 it only has to beat the nearest negative.",
    NoneWay.THRESHOLD: "Reject unless the top label scores at least this much against the closest negative prompt "
    "(50% = equally close).",
}


class Settings:
    """When a clip is none of these, the sentences round a label, and how many labels are shown."""

    def __init__(self, studio: Studio) -> None:
        with folded("None of these", elem_id="none-of-these"):
            kept = (
                "Negative prompts, kept in Anchors, say what else there could be: nothing, an object, an empty place."
            )
            self.way = gr.Radio(_WAYS, value=OFF, label="Allow “none of these”", info=kept)
            group: Any = {"info": "Enabled prompts only.", "visible": False}
            self.group = pick("none-group", "Which negative prompts", group_choices(studio), ALL_GROUPS, **group)
            shown: Any = {"value": 0, "step": 1, "visible": False, "elem_id": "threshold"}
            self.threshold = gr.Slider(0, 100, label="Threshold, %", **shown)
        with folded("Settings"):
            about = "One template per line; {} is the label. Several are averaged. Only used by zero-shot CLIP."
            self.template = line("template", "Prompt templates", about, value=TEMPLATE, lines=1, max_lines=8)
            ensemble = gr.Button(_ENSEMBLE_BUTTON, size="sm")
            self.top_k = gr.Slider(1, 20, value=5, step=1, label="Labels shown for each clip")
            about = "Start and end in seconds, such as 12, 15.5. Blank: all of it."
            self.stretch = line("stretch", "Part of each clip", about, lines=1, placeholder="12, 15.5")
        with folded("Descriptions", elem_id="label-descriptions"):
            about = "Sentences on what a label looks like are averaged with its name, for zero-shot CLIP and bundles."
            self.describe = tick("describe", "Use descriptions", f"{about} Those that bundles know are used, too.")
            lines, example = (
                "One per line: label: sentence. A label may have several.",
                "rowing: a person pulls two oars",
            )
            several: Any = {"lines": 2, "max_lines": 12, "placeholder": example}
            self.described = line("described", "Descriptions of labels", lines, **several)
        ensemble.click(swap_sentences, self.template, [self.template, ensemble], **QUIET)


class Controls:
    """The controls of the left side."""

    def __init__(self, studio: Studio) -> None:
        service, js = studio.recognition, script("recognize.js")
        named, found = studio.known_backbone(None), service.label_lists()
        drawn = [(one.label, studio.files.address(one.path)) for one in studio.examples]
        self.examples = part(
            helpers_html(examples=drawn),
            js_on_load=js,
            elem_id="examples",
        )
        self.files = NamedFiles(label="Clips", file_count="multiple", height=150, elem_id="clips")
        with folded("Record with the webcam", elem_id="webcam"):
            self.recorder = build_recorder(label="Webcam, not mirrored", height=260)
            part('<a href="./live">Recognize live, while the camera runs</a>')
        about = "Candidate labels, one per line or comma-separated. Press Enter to run."
        example: Any = {"placeholder": "climbing a ladder, rowing a boat, playing the guitar"}
        self.labels = line("labels", "Labels", about, lines=1, max_lines=8, **example)
        offered = helpers_html(labels=service.suggestions("", None))
        self.suggested = part(offered, js_on_load=js, elem_id="suggested")
        self.take_labels = small("take-labels", "Use the bundle's labels", visible=False)
        self.dataset = pick("labels-of", "Load labels from a data set", found, visible=bool(found))
        beside = f"Trained prompts to compare with zero-shot CLIP, up to {MOST_BUNDLES} side by side."
        several: Any = {"multiselect": True, "max_choices": MOST_BUNDLES}
        self.bundle = pick("bundle", "Prompt bundles", studio.bundle_choices(), [], beside, **several)
        self.fit = part("", elem_id="fit")
        self.backbone = backbone_field(studio, named, backbone_info(named, studio), "backbone")
        self.settings = Settings(studio)
        with gr.Column(elem_id="recognize-bar", elem_classes="press-bar"):
            self.fault = part("", elem_id="recognize-fault")
            self.ask = gr.Button("Recognize", variant="primary", elem_id="recognize")
        self.asked: set[Any] = {self.files, self.labels, self.bundle, self.backbone, *vars(self.settings).values()}
        """What ``request`` is made of."""

    def request(self, given: dict[Any, Any]) -> RecognitionRequest:
        """What is asked, by the values of the controls."""
        settings = self.settings
        return RecognitionRequest(
            given[self.files] or [],
            given[self.labels],
            given[self.bundle],
            given[self.backbone],
            given[settings.template],
            int(given[settings.top_k]),
            chosen_none(given[settings.way], given[settings.group], given[settings.threshold]),
            (given[settings.described] or "") if given[settings.describe] else None,
            given[settings.stretch] or "",
        )


def connect_controls(studio: Studio, controls: Controls) -> list[gr.events.Dependency]:
    """What the controls of the left side do to each other; gives what writes into the labels."""
    service, labels, bundle = studio.recognition, controls.labels, controls.bundle

    def check_fit(keys: list[str] | None, backbone: str | None) -> tuple[str, Any]:
        listed, fault = settle_choice(studio, backbone, backbone_info(backbone or "", studio))
        return notice("error", fault) or misfit_html(studio, keys, studio.known_backbone(backbone)), listed

    def record(path: str | None, files: list[str] | None) -> tuple[Any, Any]:
        try:
            several = add_recording(path, files)
        except ClipError as exc:
            gr.Warning(str(exc))
            return gr.skip(), None
        return (gr.skip(), gr.skip()) if several is None else (several, None)

    def suggest(typed: str, keys: list[str] | None) -> str:
        return helpers_html(labels=service.suggestions(typed, keys))

    def add_suggested(typed: str, event: gr.EventData) -> str:
        return add_labels(typed, map(str, event._data.get("labels", ())))

    settings = controls.settings
    way, fields = settings.way, [settings.group, settings.threshold]
    way.input(lambda way, keys: choose_way(way, service.chosen_threshold(keys)), [way, bundle], fields, **QUIET)
    # The threshold chosen from data is the bundle's own; one that was set by hand stays where there is none.
    bundle.input(
        lambda way, keys: offered_threshold(way, service.chosen_threshold(keys)), [way, bundle], fields[1], **QUIET
    )
    # A list of several choices reports a change each time it is drawn: what people choose is an input.
    bundle.input(lambda keys: bundle_choice(studio, keys), bundle, [controls.backbone, controls.take_labels], **QUIET)
    fitting = [controls.fit, controls.backbone]
    gr.on([bundle.input, controls.backbone.change], check_fit, [bundle, controls.backbone], fitting, **QUIET)
    taken = controls.take_labels.click(service.bundle_labels, bundle, labels, **QUIET)
    told = controls.settings.described
    loaded = controls.dataset.input(
        lambda name, typed, said: (
            service.dataset_labels(name) or typed,
            service.dataset_descriptions(name) or said,
            None,
        ),
        [controls.dataset, labels, told],
        [labels, told, controls.dataset],
        **QUIET,
    )
    changed = [labels.change, bundle.input]
    gr.on(changed, suggest, [labels, bundle], controls.suggested, trigger_mode="always_last", **QUIET)
    added = controls.suggested.click(add_suggested, labels, labels, **QUIET)
    controls.recorder.change(record, [controls.recorder, controls.files], [controls.files, controls.recorder], **QUIET)
    return [taken, loaded, added]


def bundle_choice(studio: Studio, keys: str | Sequence[str] | None) -> tuple[Any, Any]:
    """What choosing bundles does to the backbone list and to the button that takes their labels."""
    agreed, several = studio.recognition.agreed_backbone(keys), len(keys or ()) > 1 and not isinstance(keys, str)
    text = "Use the bundles' labels" if several else "Use the bundle's labels"
    return gr.update(value=agreed) if agreed else gr.update(), gr.update(visible=bool(keys), value=text)


def misfit_html(studio: Studio, keys: Sequence[str] | None, backbone: str) -> str:
    """What does not fit between the chosen bundles and the chosen backbone; empty where all is well."""
    return notice("warning", studio.recognition.misfit(keys, backbone), "These do not fit together:")


def helpers_html(**given: Any) -> str:
    """Drawn ``examples`` to try, or ``labels`` to add, as buttons."""
    return str(render("label_helpers.html", **{"examples": (), "labels": ()} | given))


def group_choices(studio: Studio) -> list[tuple[str, str]]:
    """The groups of negative prompts, all of them together first."""
    return [("All groups", ALL_GROUPS), *((name, name) for name in studio.store.negatives.groups())]


def choose_way(way: str, found: Temperature | None = None) -> tuple[Any, Any]:
    """What choosing a way does to the group and to the threshold, which begins at the one chosen from data, if any."""
    if way == OFF:
        return gr.update(visible=False), gr.update(visible=False)
    if way == NoneWay.THRESHOLD and found is not None and found.threshold is not None:
        return gr.update(visible=True), offered_threshold(way, found)
    own = round(100 * DEFAULT_THRESHOLDS[NoneWay(way)])
    return gr.update(visible=True), gr.update(visible=True, value=own, info=_THRESHOLD_INFO[NoneWay(way)])


def offered_threshold(way: str, found: Temperature | None) -> Any:
    """The threshold that a bundle's run has chosen from data, with what it keeps and lets in; else nothing changes."""
    if way != NoneWay.THRESHOLD or found is None or found.threshold is None:
        return gr.skip()
    value = math.floor(100 * found.threshold)  # rounded down: what it keeps it keeps
    info = f"Chosen from data for this bundle: {found.chosen}. {_THRESHOLD_INFO[NoneWay.THRESHOLD]}"
    return gr.update(visible=True, value=value, info=info)


def chosen_none(way: str, group: str | None, threshold_percent: float | None) -> NoneOfThese | None:
    """How "none of these" is decided, as the controls say; None where it is off."""
    return none_of_these(way, None if threshold_percent is None else float(threshold_percent) / 100, group)


def swap_sentences(text: str) -> tuple[str, Any]:
    """The ensemble in place of a sentence or two, and back again."""
    several = templates(text) == list(ENSEMBLE)
    button = gr.update(value=_ENSEMBLE_BUTTON if several else "Use one template")
    return (TEMPLATE if several else "\n".join(ENSEMBLE)), button


def build_recorder(**settings: Any) -> gr.Video:
    """A recorder of silent clips, not mirrored: mirroring would swap left and right actions.

    Gradio takes the sound of a silent recorder's clips away with ffmpeg, which need not be here. There is none to take
    away, since the browser was not asked for any: so the file is passed on as it came.
    """
    recorder = gr.Video(
        sources=["webcam"], webcam_options=gr.WebcamOptions(mirror=False), include_audio=False, **settings
    )
    recorder.preprocess = lambda payload: None if payload is None else payload.path
    return recorder


def add_recording(path: str | None, files: Sequence[str] | None) -> list[str] | None:
    """``files`` with a recording at the end, under a name that tells it from the others; None without a recording.

    Raises ClipError for an empty one: the browser hands out what it has encoded, which may be nothing at first.
    """
    if not path:
        return None
    taken = {Path(file).name for file in files or ()}
    source = Path(path)
    if not source.stat().st_size:
        raise ClipError(source.name, "the recording is empty", "record again, for a few seconds longer")
    number = next(n for n in range(1, len(taken) + 2) if f"{RECORDED}-{n}{source.suffix}" not in taken)
    named = source.with_name(f"{RECORDED}-{number}{source.suffix}")
    take_over(source, named)
    return [*(files or ()), str(named)]
