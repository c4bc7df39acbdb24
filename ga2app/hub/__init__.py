"""Everything that talks to the Hugging Face Hub or looks into its cache."""

from ga2app.clip.files import FAVORITE, download, download_size

from ga2app.hub.backbone_downloads import (  # isort: skip
    TOY_BYTES, Downloads, DownloadState, DownloadStatus, cached_backbones, default_backbone,
)  # fmt: skip
from ga2app.hub.hub_client import HubClient
from ga2app.hub.language_model import own_login, propose, propose_descriptions
from ga2app.hub.pulling import fetch, fetch_bundle, look, parts_folder
from ga2app.hub.pushing import PushJob, full_name, push
from ga2app.hub.repositories import propose_name

__all__ = [
    "FAVORITE", "TOY_BYTES", "DownloadState", "DownloadStatus", "Downloads", "HubClient", "PushJob",
    "cached_backbones", "default_backbone", "download", "download_size", "fetch", "fetch_bundle", "full_name",
    "look", "own_login", "parts_folder", "propose", "propose_descriptions", "propose_name", "push",
]  # fmt: skip
