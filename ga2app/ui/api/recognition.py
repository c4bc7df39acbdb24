"""``/recognize``: clips and labels in, ranked labels out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from ga2app.contracts import Score
from ga2app.ui.api.answering import told
from ga2app.ui.recognize.screen import Request, answers
from ga2app.ui.studio import Studio


def build_recognition_api(studio: Studio) -> None:
    """Connect ``/recognize``. Clips go through an unseen file input: only files that the caller uploaded are read."""

    def recognize(
        clips: list[str], labels: str, bundle: str = "", backbone: str = "", template: str = "", top_k: int = 5
    ) -> dict[str, Any]:
        """Recognize clips with plain CLIP and, if named, with a prompt bundle.

        Args:
            clips: the video files.
            labels: what the clips could show, separated by commas or line breaks.
            bundle: the bundle's key as the studio lists it; empty for plain CLIP alone.
            backbone: the backbone's name; empty for the studio's default.
            template: the sentence around a label, {} stands for the label; empty for the default.
            top_k: how many labels to answer for each clip.
        """
        request = Request(clips or [], labels, bundle, backbone, template, int(top_k or 5))
        with told():
            last, _ = list(answers(studio, request))[-1]
        return {
            "backbone": last.backbone,
            "notes": list(last.notes),
            "clips": [
                {
                    "file": clip.file,
                    "error": clip.error,
                    "plain": _scores(clip.plain),
                    "bundle": None if clip.bundle is None else _scores(clip.bundle),
                }
                for clip in last.clips
            ],
        }

    unseen: dict[str, Any] = {"visible": False}
    files = gr.File(label="clips", file_count="multiple", **unseen)
    labels = gr.Textbox(label="labels", **unseen)
    bundle, backbone = gr.Textbox("", label="bundle", **unseen), gr.Textbox("", label="backbone", **unseen)
    template, top_k = gr.Textbox("", label="template", **unseen), gr.Number(5, label="top_k", precision=0, **unseen)
    button, answer = gr.Button(**unseen), gr.JSON(label="answer", **unseen)
    button.click(
        recognize,
        [files, labels, bundle, backbone, template, top_k],
        answer,
        api_name="recognize",
        concurrency_id="recognize",
        concurrency_limit=1,
    )


def _scores(scores: Sequence[Score]) -> list[dict[str, Any]]:
    return [score.to_dict() for score in scores]
