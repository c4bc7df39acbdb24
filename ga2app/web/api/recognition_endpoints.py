"""``/recognize``: clips and labels in, ranked labels out."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.errors import ConfigError, Fault
from ga2app.services.recognition_service import OFF, WAYS, Results
from ga2app.services.recognition_service import none_of_these as decided
from ga2app.services.studio import Studio
from ga2app.types import RecognitionRequest
from ga2app.web.api.answering import told
from ga2app.web.components.file_names import NamedFiles


def build_recognition_api(studio: Studio) -> None:
    """Connect ``/recognize``. Clips go through an unseen file input: only files that the caller uploaded are read."""

    def recognize(
        clips: list[str],
        labels: str | list[str],
        bundle: str = "",
        backbone: str = "",
        template: str = "",
        top_k: int = 5,
        bundles: list[str] | None = None,
        templates: list[str] | None = None,
        none_of_these: str = OFF,
        threshold: float | None = None,
        negatives: str = "",
    ) -> dict[str, Any]:
        """Recognize clips with zero-shot CLIP and, if named, with prompt bundles beside it.

        Args:
            clips: the video files.
            labels: what the clips could show: a list of texts, or one text with the labels separated by commas or line
                breaks, where a label that holds a comma is in double quotes.
            bundle: the bundle's key as the studio lists it; empty for zero-shot CLIP alone.
            backbone: the backbone's name; empty for the studio's default.
            template: the sentence around a label, {} stands for the label; empty for the default.
            top_k: how many labels to answer for each clip.
            bundles: a list of further bundles' keys; with bundle three at most, answered side by side.
            templates: a list of further sentences; of several the mean counts.
            none_of_these: off, compete (negative prompts take part; a clip is none of these when one wins) or threshold
                (the best label is held against the nearest negative prompt).
            threshold: from 0 to 1, what the best label has to reach; empty for 0 (compete) or 0.5 (threshold).
            negatives: the group of negative prompts; empty for all groups.

        Returns:
            backbone: the CLIP that looked.
            notes: what to know about the answer, for example words that the backbone does not know.
            clips: for each clip its file, error (null if it could be read), plain and bundle (a list of label, score
                from 0 to 1, and kind: base, novel or negative; best first; understood is false where the backbone knows
                none of the label's words, which then takes no part), bundles (bundle, scores, none_of_these) and
                none_of_these (null, or none, reached, threshold, negative, negative_share).

        Raises:
            StudioError: no clip was given.
            LabelError: there are fewer than two labels, or two are the same, or there is no such group of negatives.
            BundleError: there is no such bundle, it belongs to another backbone, or more than three are named.
            BackboneError: there is no such backbone on the machine; those that are there are named.
            ConfigError: an option that makes no sense, with its rule.
        """
        with told():
            request = RecognitionRequest(
                clips or [],
                labels if isinstance(labels, str) else _texts("labels", labels),
                [key for key in [bundle, *_texts("bundles", bundles)] if key],
                backbone,
                [text for text in [template, *_texts("templates", templates)] if text],
                5 if top_k is None else int(top_k),
                decided(none_of_these, threshold, negatives),
            )
            return document(studio.recognition.answer(request))

    unseen: dict[str, Any] = {"visible": False}
    files = NamedFiles(label="clips", file_count="multiple", **unseen)
    labels: Any = gr.Textbox(label="labels", **unseen)
    labels.preprocess = lambda payload: payload  # a list stays a list
    bundle, backbone = gr.Textbox("", label="bundle", **unseen), gr.Textbox("", label="backbone", **unseen)
    template, top_k = gr.Textbox("", label="template", **unseen), gr.Number(5, label="top_k", precision=0, **unseen)
    bundles, templates = gr.JSON([], label="bundles", **unseen), gr.JSON([], label="templates", **unseen)
    none_of_these = gr.Radio(list(WAYS), value=OFF, label="none_of_these", **unseen)
    threshold = gr.Number(None, label="threshold", **unseen)
    negatives = gr.Textbox("", label="negatives", **unseen)
    button, answer = gr.Button(**unseen), gr.JSON(label="answer", **unseen)
    button.click(
        recognize,
        [files, labels, bundle, backbone, template, top_k, bundles, templates, none_of_these, threshold, negatives],
        answer,
        api_name="recognize",
        concurrency_id="recognize",
        concurrency_limit=1,
    )


def document(results: Results) -> dict[str, Any]:
    """The answer as plain JSON; bundles go by their keys, never by a path of the server."""
    keys = [card.key for card in results.cards]
    clips = [clip.to_dict() for clip in results.clips]
    for clip in clips:
        for key, answer in zip(keys, clip["bundles"], strict=False):
            answer["bundle"] = key
    return {"backbone": results.recognition.backbone, "notes": list(results.recognition.notes), "clips": clips}


def _texts(name: str, value: object) -> list[str]:
    """A list of texts; raises ConfigError for anything else."""
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError([Fault(name, f'must be a list of texts, for example ["a", "b"], not {str(value)[:60]}')])
    return value
