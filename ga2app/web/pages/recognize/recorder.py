"""A webcam recorder whose clips join the others."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ga2app.errors import ClipError

RECORDED = "recorded"


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
    shutil.copyfile(source, named)
    return [*(files or ()), str(named)]
