"""What can be called on the page, and how it explains itself."""

from __future__ import annotations

from typing import Any

from gradio_client import Client

DOCUMENTED = {
    "/recognize",
    "/queue_run",
    "/run_status",
    "/list_runs",
    "/stop_run",
    "/resume_run",
    "/list_bundles",
    "/download_bundle",
    "/upload_bundle",
    "/list_datasets",
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
