"""Named endpoints for programs: ``/recognize``, ``/queue_run`` and ``/run_status``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from ga2app.config import RunConfig, preset
from ga2app.contracts import EventKind, Score
from ga2app.errors import ConfigError, Fault, StudioError
from ga2app.ui.recognize.screen import Request, answers
from ga2app.ui.studio import Studio
from ga2app.ui.train.screen import queue_config, wake


def build_api(studio: Studio) -> None:
    """Connect the endpoints. Clips go through an unseen file input: only files that the caller uploaded are read."""

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
        try:
            last, _ = list(answers(studio, request))[-1]
        except StudioError as exc:
            raise gr.Error(str(exc), print_exception=False) from exc
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

    def queue_run(config: dict[str, Any], preset_name: str = "", name: str = "") -> dict[str, Any]:
        """Queue a training run and give its number.

        Args:
            config: settings as JSON, in the sections of the configuration; what is left out comes from the preset.
            preset_name: quick, full, paper-hmdb, paper-ucf, paper-ssv2 or paper-k400; empty for the defaults.
            name: what the list of runs shall call it.
        """
        try:
            start = _start(config, preset_name)
            settings = RunConfig.from_dict(_merged(start, config))
            studio.known_backbone(settings.backbone)
            run_id = queue_config(studio, settings, name)
            return {"run": run_id, "warning": wake(studio) or None}
        except StudioError as exc:
            raise gr.Error(str(exc), print_exception=False) from exc

    def run_status(run: int) -> dict[str, Any]:
        """Say where a run stands: state, step, figures in percent, error.

        Args:
            run: the number that queue_run gave.
        """
        try:
            return status_of(studio, int(run))
        except StudioError as exc:
            raise gr.Error(str(exc), print_exception=False) from exc

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
    api(queue_run, api_name="queue_run")
    api(run_status, api_name="run_status")


def status_of(studio: Studio, run_id: int) -> dict[str, Any]:
    """A run's state, step and figures as plain JSON. Raises StoreError if there is no such run."""
    store = studio.store.runs
    run = store.get(run_id)
    plan, step = store.latest(run_id, EventKind.PLAN), store.latest(run_id, EventKind.STEP)
    epoch, zero_shot = store.latest(run_id, EventKind.EPOCH), store.latest(run_id, EventKind.ZERO_SHOT)
    return {
        "run": run.id,
        "name": run.name,
        "state": run.state.value,
        "step": step.step if step else 0,
        "total_steps": int(plan.values.get("total_steps", 0)) if plan else None,
        "metrics": dict(epoch.values) if epoch else None,
        "zero_shot": dict(zero_shot.values) if zero_shot else None,
        "error": run.error,
        "bundle": Path(run.bundle).name if run.bundle else None,
    }


def _start(config: dict[str, Any], preset_name: str) -> dict[str, Any]:
    if not isinstance(config, dict):
        raise ConfigError([Fault("config", f"must be a JSON object, not {config!r}")])
    if not preset_name:
        return {}
    backbone = config.get("backbone")
    start = preset(preset_name, backbone) if isinstance(backbone, str) else preset(preset_name)
    return start.to_dict()


def _merged(start: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(start)
    for key, value in changes.items():
        below = merged.get(key)
        merged[key] = _merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _scores(scores: Sequence[Score]) -> list[dict[str, Any]]:
    return [score.to_dict() for score in scores]
