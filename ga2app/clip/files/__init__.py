"""The files of a CLIP: whether a folder holds them all, where they lie in the Hugging Face cache, what to fetch."""

from ga2app.clip.files.clip_download import download, download_size, explain
from ga2app.clip.files.clip_folder import ClipFolder, clip_config, look_into, looks_like_clip
from ga2app.clip.files.clip_types import CLASSES, FAVORITE
from ga2app.clip.files.clips_on_disk import cached_clips, check_clip, find_cached, find_clip, may_be_on_the_hub

__all__ = [
    "CLASSES",
    "FAVORITE",
    "ClipFolder",
    "cached_clips",
    "check_clip",
    "clip_config",
    "download",
    "download_size",
    "explain",
    "find_cached",
    "find_clip",
    "look_into",
    "looks_like_clip",
    "may_be_on_the_hub",
]
