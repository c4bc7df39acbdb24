"""Named endpoints for programs and for MCP: everything else that the page can do is private plumbing.

What goes wrong is told in the words of the StudioError behind it. *Use via API* tells what the docstrings say: their
sections are ``Args``, ``Returns`` and ``Raises``; an entry may go on over several lines that are indented further.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import gradio as gr
from gradio.events import api

from ga2app.config.reading import quoted
from ga2app.errors import ConfigError, Fault, StudioError
from ga2app.services.recognition_service import WAYS
from ga2app.services.studio import Studio
from ga2app.untrusted import MAX_WHOLE, text_fault, whole_number
from ga2app.web.api.dataset_endpoints import DatasetEndpoints
from ga2app.web.api.endpoints import Endpoints
from ga2app.web.api.review_endpoints import ReviewEndpoints
from ga2app.web.api.run_endpoints import RunEndpoints
from ga2app.web.api.timeline_endpoints import TimelineEndpoints
from ga2app.web.components.form_fields import NamedFiles

_CLIP = "https://example.com/my-clip.mp4"
EXAMPLES: dict[str, Any] = {
    "clips": [{"path": _CLIP, "url": _CLIP, "meta": {"_type": "gradio.FileData"}}],
    "video": {"path": _CLIP, "url": _CLIP, "meta": {"_type": "gradio.FileData"}},
    "labels": "climbing a ladder, rowing a boat",
    "config": {"dataset": "demo"},
    "preset_name": "quick",
    "run": 1,
    "dataset": "demo",
    "bundle": "run-000001",
    "clip": 1,
    "vary": ["optimizer.learning_rate=0.001,0.004"],
    "sweep": 1,
}
"""Values for the snippets, by the parameter's name; the others keep their default, or what Gradio makes up."""

_SECTION = re.compile(r"^(Args|Returns|Raises):$")
_ENTRY = re.compile(r"^    (\w+): (.+)$")


@dataclass(frozen=True)
class Explained:
    """A docstring in its parts: ``about`` without the sections, and these by the names of their entries."""

    about: str
    args: dict[str, str] = field(default_factory=dict)
    returns: dict[str, str] = field(default_factory=dict)
    raises: dict[str, str] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first paragraph, in one line."""
        return " ".join(self.about.split("\n\n")[0].split())


def explained(function: Callable[..., Any]) -> Explained:
    """The docstring of ``function``, empty where there is none."""
    about: list[str] = []
    sections: dict[str, dict[str, str]] = {}
    section, entry = "", ""
    for line in (inspect.getdoc(function) or "").splitlines():
        if begun := _SECTION.match(line):
            section, entry = begun[1].lower(), ""
            sections[section] = {}
        elif not section:
            about.append(line)
        elif named := _ENTRY.match(line):
            entry = named[1]
            sections[section][entry] = named[2].strip()
        elif line.strip() and entry:
            sections[section][entry] += f" {line.strip()}"
    return Explained("\n".join(about).strip(), **sections)


def describe_parameters(page: gr.Blocks) -> None:
    """Let the API description of ``page`` hold what the docstrings say of the parameters.

    Gradio reads a docstring's first lines alone, and makes up the rest: a PDF as the clip, "Hello!!" as the labels.
    The method is replaced on the page itself: of each subclass of ``Blocks`` Gradio renders a stub for editors.
    """
    plain = page.get_api_info

    def described(*asked: Any, **more: Any) -> Any:
        info = plain(*asked, **more)
        told = {f"/{fn.api_name}": explained(fn.fn) for fn in page.fns.values() if fn.fn and fn.api_name}
        for name, endpoint in info["named_endpoints"].items():
            for parameter in endpoint["parameters"]:
                given = parameter["parameter_name"]
                about = told[name].args.get(given) if name in told else None
                if about:
                    parameter["python_type"] = parameter["python_type"] | {"description": about}
                if given in EXAMPLES and not parameter["parameter_has_default"]:
                    parameter["example_input"] = EXAMPLES[given]
        return info

    page.get_api_info = described  # type: ignore[method-assign]


def fill_left_out(page: gr.Blocks) -> None:
    """Let calls of the endpoints of ``page`` leave out what has a default: values at the end, which are as if null.

    ``gradio_client`` sends all values, as the version says that it talks to; a plain HTTP call has been written for
    some version, and an endpoint only ever gains arguments at its end.
    """
    plain = page.preprocess_data

    async def filled(block_fn: Any, inputs: list[Any], *more: Any, **named: Any) -> Any:
        if block_fn.api_visibility == "public" and len(inputs) < len(block_fn.inputs):
            rest = list(inspect.signature(block_fn.fn).parameters.values())[len(inputs) :]
            if lacking := [one.name for one in rest if one.default is one.empty]:
                told = f"{block_fn.api_name}: {' and '.join(lacking)} must be given; the data are {len(inputs)} values"
                raise gr.Error(f"{told}, and what has no default has to be among them", print_exception=False)
            inputs = [*inputs, *(None for _ in rest)]
        return await plain(block_fn, inputs, *more, **named)

    page.preprocess_data = filled  # type: ignore[method-assign]


Endpoint = Callable[..., Any]


def build_api(studio: Studio, *, on_space: bool = False) -> None:
    """Connect the endpoints; those that take or give files do so through unseen components. Sharing is a Space's."""
    some, runs, sets = Endpoints(studio), RunEndpoints(studio), DatasetEndpoints(studio)
    _connect(some.recognize, concurrency_limit=None)  # the service admits, and turns take care of the rest
    _connect(TimelineEndpoints(studio).label_video, concurrency_limit=None)
    names = "queue_run queue_job run_status run_changes list_runs stop_run resume_run restart_run"
    for name in f"{names} queue_sweep sweep_status stop_sweep".split():
        api(_told(getattr(runs, name)), api_name=name)
    _connect(some.download_bundle)
    _connect(some.upload_bundle)
    api(_told(some.list_bundles), api_name="list_bundles")
    _connect(sets.import_dataset)
    _connect(sets.preview_annotations)
    _connect(sets.export_dataset)
    api(_told(sets.list_datasets), api_name="list_datasets")
    reviews = ReviewEndpoints(studio)
    api(_told(reviews.review_dataset), api_name="review_dataset", concurrency_limit=None)  # as for recognize
    api(_told(reviews.review_clip), api_name="review_clip")
    api(_told(reviews.search_clips), api_name="search_clips", concurrency_limit=None)
    if on_space:
        api(_told(runs.share), api_name="share")


def _told(endpoint: Endpoint) -> Endpoint:
    """``endpoint``; whatever StudioError it raises reaches the caller as its text."""

    @wraps(endpoint)
    def answered(*given: Any, **named: Any) -> Any:
        try:
            return endpoint(**_checked(endpoint, given, named))
        except StudioError as exc:
            raise gr.Error(str(exc), print_exception=False) from exc

    return answered


def _checked(endpoint: Endpoint, given: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a call by their names, each of the kind that ``endpoint`` says. Raises ConfigError.

    What comes in as JSON may be anything. An argument that is null is as if it were left out.
    """
    signature = inspect.signature(endpoint)
    arguments, faults = signature.bind(*given, **named).arguments, []
    for name, value in list(arguments.items()):
        kinds = str(signature.parameters[name].annotation).split(" | ")
        if value is None and signature.parameters[name].default is not inspect.Parameter.empty:
            del arguments[name]
        elif "int" in kinds:
            number = whole_number(value) if isinstance(value, str) else value
            if isinstance(number, float) and number.is_integer():
                number = int(number)
            if not isinstance(number, int) or abs(number) > MAX_WHOLE:
                faults.append(Fault(name, f"must be a whole number (it is {quoted(value)})"))
            arguments[name] = number
        elif fault := _unfit(kinds, value):
            faults.append(Fault(name, fault))
    if faults:
        raise ConfigError(faults)
    return arguments


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "str": ((str,), "text"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "dict[str, Any]": ((dict,), "a JSON object"),
}


def _unfit(kinds: Sequence[str], value: Any) -> str:
    """Why ``value`` is none of ``kinds``, as an annotation writes them; empty where it is, or the kind is another."""
    known = [_KINDS[kind] for kind in kinds if kind in _KINDS]
    alone = len(known) == len(set(kinds) - {"None"})
    if value is not None and alone and not any(isinstance(value, types) for types, _ in known):
        return f"must be {' or '.join(told for _, told in known)} (it is {quoted(value)})"
    if isinstance(value, int | float) and not abs(value) <= MAX_WHOLE:
        return f"must be a number (it is {quoted(value)})"
    texts = [value] if isinstance(value, str) else value if isinstance(value, list) else ()
    return next((fault for text in texts if isinstance(text, str) and (fault := text_fault(text, controls="\0"))), "")


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
        case "bool":
            return gr.Checkbox(bool(value), **unseen)
        case "list[str]":
            return gr.JSON([], **unseen)
        case text if text.startswith("Literal"):
            return gr.Radio(list(WAYS), value=value, **unseen)
        case "str | list[str]":
            either: Any = gr.Textbox(**unseen)
            either.preprocess = lambda payload: payload  # a list stays a list
            return either
    return gr.Textbox(value or "", **unseen)
