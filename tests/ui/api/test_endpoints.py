"""What can be called on the page, and how it explains itself."""

from __future__ import annotations

from typing import Any

from gradio_client import Client

from ga2app.web.mcp_agents import Tools
from ga2app.web.theme import controls_script

DOCUMENTED = {
    "/recognize",
    "/label_video",
    "/queue_run",
    "/queue_sweep",
    "/sweep_status",
    "/stop_sweep",
    "/queue_job",
    "/run_status",
    "/run_changes",
    "/list_runs",
    "/stop_run",
    "/resume_run",
    "/restart_run",
    "/list_bundles",
    "/download_bundle",
    "/upload_bundle",
    "/list_datasets",
    "/import_dataset",
    "/preview_annotations",
    "/export_dataset",
    "/review_dataset",
    "/review_clip",
    "/search_clips",
}


def test_the_documented_endpoints_are_named_and_explained_and_no_other_can_be_called(client: Client) -> None:
    info: dict[str, Any] = client.view_api(return_format="dict", print_info=False)  # type: ignore[assignment]
    assert set(info["named_endpoints"]) == DOCUMENTED
    assert info["unnamed_endpoints"] == {}
    asked = [parameter["parameter_name"] for parameter in info["named_endpoints"]["/recognize"]["parameters"]]
    assert asked[:6] == ["clips", "labels", "bundle", "backbone", "template", "top_k"]
    assert "Queue a training run" in info["named_endpoints"]["/queue_run"]["description"]


def test_every_endpoint_and_every_parameter_is_explained(client: Client) -> None:
    """As MCP will show them: what Gradio reads out of a docstring."""
    info: dict[str, Any] = client.view_api(return_format="dict", print_info=False)  # type: ignore[assignment]
    for name, endpoint in info["named_endpoints"].items():
        about = endpoint["description"]
        assert about and len(about) > 30, name
        for parameter in endpoint["parameters"]:
            assert parameter["parameter_name"], name


def test_use_via_api_says_what_the_docstrings_say_with_examples_that_make_sense(client: Client) -> None:
    told: dict[str, Any] = client.view_api(return_format="dict", print_info=False)  # type: ignore[assignment]
    info = told["named_endpoints"]
    assert all(one["python_type"]["description"] for endpoint in info.values() for one in endpoint["parameters"])
    recognize = {one["parameter_name"]: one for one in info["/recognize"]["parameters"]}
    assert recognize["threshold"]["python_type"]["description"].startswith("from 0 to 1, what the best label has to")
    assert recognize["clips"]["example_input"][0]["url"].endswith(".mp4")
    assert recognize["labels"]["example_input"] == "climbing a ladder, rowing a boat"
    shown = [one for endpoint in info.values() for one in endpoint["parameters"] if not one["parameter_has_default"]]
    assert not [one for one in shown if one["example_input"] == "Hello!!"]


def test_the_api_page_tells_agents_how_the_app_answers_them() -> None:
    script = controls_script()
    assert "python app.py --mcp" in script
    tools = (Tools.recognize, Tools.list_bundles, Tools.queue_run, Tools.run_status)
    assert all(tool.__name__ in script for tool in tools)
