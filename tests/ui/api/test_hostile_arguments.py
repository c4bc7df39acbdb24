"""Whatever a program sends to an endpoint is answered in JSON, or by one line that names the argument."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import pytest

from ga2app.web import Studio
from ga2app.web.api import _told
from ga2app.web.api.dataset_endpoints import DatasetEndpoints
from ga2app.web.api.endpoints import Endpoints
from ga2app.web.api.run_endpoints import RunEndpoints

DEEP: Any = {}
for _ in range(300):
    DEEP = {"prompts": DEEP}
VALUES = [
    None, "", "\ud800", "\0", "x" * 3000, "~nobody-of-that-name/x", "../nowhere", -1, 10**400, 10**30, 2.5,
    float("inf"), float("nan"), True, [], ["\ud800"], [[]], [None], {}, {"a": 10**400}, DEEP, {"dataset": "\ud800"},
    {"\ud800": 1}, {"optimizer": {"learning_rate": float("nan")}},
]  # fmt: skip
CALLS: dict[str, dict[str, Any]] = {
    "recognize": {"clips": [], "labels": "a, b", "bundle": "", "backbone": "", "template": "", "top_k": 5,
                  "bundles": [], "templates": [], "none_of_these": "off", "threshold": None, "negatives": "",
                  "descriptions": "off"},
    "list_bundles": {"search": "", "backbone": "", "limit": 5, "offset": 0},
    "download_bundle": {"bundle": "nobody"},
    "upload_bundle": {"archive": None},
    "import_dataset": {"archive": None, "source": "", "name": "", "novel": "", "fold": None, "duplicates": "first",
                       "missing": "skip", "spelling": "words", "descriptions": "", "root": "", "frame_rate": None,
                       "tiers": []},
    "preview_annotations": {"archive": None, "source": "", "root": "", "frame_rate": None, "tiers": []},
    "export_dataset": {"dataset": "nobody", "form": "csv", "frame_rate": None, "video": ""},
    "queue_run": {"config": {}, "preset_name": "nobody", "name": ""},
    "queue_job": {"config": {}, "preset_name": "nobody", "name": "", "flavor": "", "timeout": ""},
    "run_status": {"run": 9}, "list_runs": {"state": "", "limit": 5, "offset": 0}, "stop_run": {"run": 9},
    "resume_run": {"run": 9}, "restart_run": {"run": 9},
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_any_argument_is_answered_or_refused_in_one_line(studio: Studio, name: str) -> None:
    door = next(kind(studio) for kind in (Endpoints, DatasetEndpoints, RunEndpoints) if hasattr(kind, name))
    endpoint, usual = _told(getattr(door, name)), CALLS[name]
    if name == "recognize":
        usual = usual | {"clips": [studio.examples[0].path]}
    for argument in usual:
        for value in VALUES:
            if argument in ("clips", "archive") and not isinstance(value, str | None):
                continue  # Gradio's own file component takes these apart first
            try:
                told = endpoint(**usual | {argument: [value] if argument == "clips" and value else value})
                json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
            except gr.Error as exc:
                assert "\n" not in exc.message and len(exc.message) < 2000, (argument, exc.message[:300])
                exc.message.encode()


def test_what_is_wrong_with_an_argument_is_told_by_its_name(studio: Studio) -> None:
    with pytest.raises(gr.Error, match="limit: must be a whole number .it is 'many'.; offset: must be a whole number"):
        _told(Endpoints(studio).list_bundles)(limit="many", offset=2.5)
    with pytest.raises(gr.Error, match="config: must be a JSON object .it is 'demo'."):
        _told(RunEndpoints(studio).queue_run)("demo")
    assert _told(Endpoints(studio).list_bundles)(limit="2") == []
