"""Everything that talks to the Hugging Face Hub or looks into its cache."""

from ga2app.hub.backbone_files import (
    FAVORITE,
    TOY_BYTES,
    cached_backbones,
    default_backbone,
    download,
    download_size,
    explain,
)
from ga2app.hub.downloads import Downloads, DownloadState, DownloadStatus
from ga2app.hub.fetching import fetch_bundle
from ga2app.hub.hub_client import HubClient
from ga2app.hub.language_model import own_login, propose
from ga2app.hub.pulling import fetch, look
from ga2app.hub.pushing import PushJob, full_name, push
from ga2app.hub.repo_names import propose_name

__all__ = [
    "FAVORITE",
    "TOY_BYTES",
    "DownloadState",
    "DownloadStatus",
    "Downloads",
    "HubClient",
    "PushJob",
    "cached_backbones",
    "default_backbone",
    "download",
    "download_size",
    "explain",
    "fetch",
    "fetch_bundle",
    "full_name",
    "look",
    "own_login",
    "propose",
    "propose_name",
    "push",
]
