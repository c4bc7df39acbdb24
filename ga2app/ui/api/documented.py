"""The page behind *Use via API*: each parameter as its endpoint's docstring tells it, with examples to start from."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.ui.api.docstrings import explained

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


class DocumentedPage(gr.Blocks):
    """A page whose API description holds what the docstrings say of the parameters.

    Gradio reads a docstring's first lines alone, and makes up the rest: a PDF as the clip, "Hello!!" as the labels.
    """

    def get_api_info(self, all_endpoints: bool = False, page: str | None = None) -> Any:
        """See ``gr.Blocks.get_api_info``."""
        info = super().get_api_info(all_endpoints, page)
        told = {f"/{fn.api_name}": explained(fn.fn) for fn in self.fns.values() if fn.fn and fn.api_name}
        for name, endpoint in info["named_endpoints"].items():
            for parameter in endpoint["parameters"]:
                given = parameter["parameter_name"]
                about = told[name].args.get(given) if name in told else None
                if about:
                    parameter["python_type"] = parameter["python_type"] | {"description": about}
                if given in EXAMPLES and not parameter["parameter_has_default"]:
                    parameter["example_input"] = EXAMPLES[given]
        return info
