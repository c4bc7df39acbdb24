"""Everything that talks to the Hugging Face Hub or looks into its cache."""

from ga2app.hub.backbones import (
    FAVORITE,
    TOY_BYTES,
    cached_backbones,
    cached_file,
    default_backbone,
    download,
    download_size,
    explain,
)
from ga2app.hub.downloads import Downloads, DownloadState, DownloadStatus
from ga2app.hub.language_model import own_login, propose

__all__ = [
    "FAVORITE",
    "TOY_BYTES",
    "DownloadState",
    "DownloadStatus",
    "Downloads",
    "cached_backbones",
    "cached_file",
    "default_backbone",
    "download",
    "download_size",
    "explain",
    "own_login",
    "propose",
]
