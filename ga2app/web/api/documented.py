"""The page behind *Use via API*: each parameter as its endpoint's docstring tells it, with examples to start from."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.web.api.docstrings import explained

_CLIP = "https://example.com/my-clip.mp4"
EXAMPLES: dict[str, Any] = {
    "clips": [{"path": _CLIP, "url": _CLIP, "meta": {"_type": "gradio.FileData"}}],
    "labels": "climbing a ladder, rowing a boat",
    "config": {"dataset": "demo"},
    "preset_name": "quick",
    "run": 1,
    "bundle": "run-000001",
}
"""Values for the snippets, by the parameter's name; the others keep their default, or what Gradio makes up."""


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
