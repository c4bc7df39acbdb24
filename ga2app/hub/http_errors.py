"""What the HTTP library under huggingface_hub is called today."""

from ga2app.clip.files.clip_download import HTTPError as HTTPError
