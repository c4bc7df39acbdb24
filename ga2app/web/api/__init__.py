"""Named endpoints for programs and for MCP: everything else that the page can do is private plumbing.

What goes wrong is told in the words of the StudioError behind it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr
from gradio.events import api

from ga2app.errors import StudioError
from ga2app.services.recognition_service import WAYS
from ga2app.services.studio import Studio
from ga2app.web.api.endpoints import Endpoints
from ga2app.web.api.run_endpoints import RunEndpoints
from ga2app.web.components.form_fields import NamedFiles

Endpoint = Callable[..., Any]


def build_api(studio: Studio) -> None:
    """Connect the endpoints; those that take or give files do so through unseen components."""
    some, runs = Endpoints(studio), RunEndpoints(studio)
    _connect(some.recognize, concurrency_id="recognize", concurrency_limit=1)
    for plain in (
        runs.queue_run,
        runs.queue_job,
        runs.run_status,
        runs.list_runs,
        runs.stop_run,
        runs.resume_run,
        runs.restart_run,
    ):
        api(_told(plain), api_name=plain.__name__)
    _connect(some.download_bundle)
    _connect(some.upload_bundle)
    api(_told(some.list_bundles), api_name="list_bundles")
    _connect(some.import_dataset)
    api(_told(some.list_datasets), api_name="list_datasets")


def _told(endpoint: Endpoint) -> Endpoint:
    """``endpoint``; whatever StudioError it raises reaches the caller as its text."""

    @wraps(endpoint)
    def answered(*given: Any, **named: Any) -> Any:
        try:
            return endpoint(*given, **named)
        except StudioError as exc:
            raise gr.Error(str(exc), print_exception=False) from exc

    return answered


def _connect(endpoint: Endpoint, **settings: Any) -> None:
    signature = inspect.signature(endpoint)
    fields = [_field(parameter) for parameter in signature.parameters.values()]
    given: type[Any] = gr.File if signature.return_annotation == "OneFile" else gr.JSON
    answer = given(label="answer", visible=False)
    gr.Button(visible=False).click(_told(endpoint), fields, answer, api_name=endpoint.__name__, **settings)


def _field(parameter: inspect.Parameter) -> Any:
    """The component that takes an argument, by its type as it is written."""
    value = None if parameter.default is parameter.empty else parameter.default
    unseen: dict[str, Any] = {"label": parameter.name, "visible": False}
    match str(parameter.annotation).removesuffix(" | None"):
        case "Files":
            return NamedFiles(file_count="multiple", **unseen)
        case "OneFile":
            return gr.File(**unseen)
        case "int" | "float" as kind:
            return gr.Number(value, precision=0 if kind == "int" else None, **unseen)
        case "list[str]":
            return gr.JSON([], **unseen)
        case text if text.startswith("Literal"):
            return gr.Radio(list(WAYS), value=value, **unseen)
        case "str | list[str]":
            either: Any = gr.Textbox(**unseen)
            either.preprocess = lambda payload: payload  # a list stays a list
            return either
    return gr.Textbox(value or "", **unseen)
