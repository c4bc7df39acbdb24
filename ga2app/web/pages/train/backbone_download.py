"""Fetching a backbone from the Hub: what and how large is said first, and nothing comes before a second press."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ga2app.clip.files import may_be_on_the_hub
from ga2app.errors import StudioError
from ga2app.hub import FAVORITE, DownloadState, DownloadStatus
from ga2app.services.studio import Studio
from ga2app.web.components.form_fields import line, small
from ga2app.web.components.markup import meter_html, notice
from ga2app.web.events import QUIET, fault_html, waited_for
from ga2app.web.theme import folded, part

_POLL_S = 1.0


def build_download(studio: Studio, backbone: gr.Dropdown) -> None:
    """A closed box under the list of backbones; only where a person may use this machine's disk."""
    with folded("Fetch a CLIP from the Hugging Face Hub", visible=studio.server_paths, elem_id="fetch-box"):
        about = "Any CLIP in the transformers format. Nothing is fetched before you have seen how large it is."
        repo = line("fetch-repo", "Repository", about, value=FAVORITE)
        with gr.Row(elem_classes="actions"):
            ask = small("fetch-ask", "How large is it?")
            go = small("fetch-go", "Fetch it", variant="primary", visible=False)
        told, asked, clock = part(elem_id="fetch-answer"), gr.State(""), gr.Timer(_POLL_S, active=False)

    def look_up(name: str) -> list[Any]:
        if not may_be_on_the_hub(name.strip().strip("'\"")):
            text = "A folder of this machine need not be fetched: type its path into Backbone, above."
            return [notice("info", text), gr.update(visible=False), ""]
        try:
            size_bytes = studio.downloads.size(name)
        except Exception as exc:
            return [fault_html(exc), gr.update(visible=False), ""]
        text = f"{name.strip()}: {megabytes(size_bytes)}, into {studio.downloads.place}."
        return [notice("info", text), gr.update(visible=True, value=f"Fetch {megabytes(size_bytes)}"), name.strip()]

    def fetch(name: str) -> list[Any]:
        try:
            studio.downloads.start(name)
        except StudioError as exc:
            return [notice("error", str(exc)), gr.skip(), gr.Timer(active=True)]
        return [status_html(studio.downloads.status()), gr.update(visible=False), gr.Timer(active=True)]

    def follow() -> list[Any]:
        status = studio.downloads.status()
        going_on = status is not None and status.state is DownloadState.RUNNING
        listed: Any = gr.skip()
        if status and status.state is DownloadState.DONE:
            listed = gr.update(choices=[(choice.title, choice.name) for choice in studio.backbones()])
        return [status_html(status), listed, gr.Timer(active=going_on)]

    gr.on([ask.click, repo.submit], look_up, repo, [told, go, asked], **waited_for(told))
    repo.input(lambda: gr.update(visible=False), None, go, **QUIET)
    go.click(fetch, asked, [told, go, clock], **QUIET)
    clock.tick(follow, None, [told, backbone, clock], **QUIET)


def status_html(status: DownloadStatus | None) -> str:
    """How far a download is, or how it ended."""
    if status is None:
        return ""
    name = status.repo_id
    if status.state is DownloadState.FAILED:
        return notice("error", status.error)
    if status.state is DownloadState.DONE:
        return notice("success", "It is in the list of backbones now, and the default from the next start.", f"{name}.")
    done, total = status.done_bytes, status.total_bytes
    of = f"{megabytes(done)} of {megabytes(total)}" if total else "asking the Hub"
    return meter_html(f"Fetching {name}: {of}", done, total)


def megabytes(count: int) -> str:
    """Bytes in MB."""
    return f"{count / 1e6:,.0f} MB" if count >= 1e6 else f"{count / 1e6:.1f} MB"
