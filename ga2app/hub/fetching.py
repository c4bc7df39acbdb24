"""A bundle's own files out of a repository of the Hub, into the cache that all of the Hub's libraries share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled

from ga2app.errors import HubError
from ga2app.hub.http_errors import HTTPError
from ga2app.hub.hub_client import HubClient
from ga2app.hub.pulling import look
from ga2app.hub.repo_names import read_address
from ga2app.types import RepoKind

_COMMIT = re.compile(r"[0-9a-f]{40}")


def fetch_bundle(
    repo: str,
    files: Mapping[str, int],
    *,
    revision: str | None = None,
    allow_download: bool = True,
    cache: Path | None = None,
) -> Path:
    """The folder in the local cache that holds ``files`` of the repository ``repo``, which are fetched if need be.

    ``files`` are names and the most bytes of each; nothing else of it is ever fetched. ``repo`` may be an address, and
    ``revision`` is a branch, a tag or a commit. A commit that is in the cache takes no network, and nothing does
    unless ``allow_download``. Where the Hub cannot be reached, what was fetched before is good enough. Raises HubError.
    """
    client = HubClient()
    address = read_address(repo, RepoKind.MODEL, revision or "", endpoint=client.api.endpoint)
    get = partial(
        client.api.snapshot_download,
        address.repo_id,
        revision=address.revision or None,
        allow_patterns=list(files),
        cache_dir=cache,
    )

    def cached() -> Path | None:
        """The folder, if all of it is there already."""
        try:
            place = Path(get(local_files_only=True))
        except LocalEntryNotFoundError:
            return None
        return place if all((place / name).is_file() for name in files) else None

    if not allow_download or _COMMIT.fullmatch(address.revision):
        found = cached()
        if found:
            return found
    if not allow_download:
        raise HubError(f"'{address.repo_id}' is not in the local cache; fetch it once with allow_download")
    try:
        offer = look(
            client,
            address.repo_id,
            RepoKind.MODEL,
            lambda name: files.get(name, 0),
            required=files,
            what="bundle",
            revision=address.revision,
        )
        with client.asking(address.repo_id):
            place = Path(get())
    except HubError as exc:
        found = cached() if _out_of_reach(exc.__cause__) else None
        if found is None:
            raise
        return found
    if place.name != offer.revision.commit:
        raise HubError(f"'{address.repo_id}' was changed while it was being fetched; try again")
    return place


def _out_of_reach(cause: BaseException | None) -> bool:
    """Whether the Hub itself could not be asked."""
    if isinstance(cause, OfflineModeIsEnabled | ConnectionError | TimeoutError):
        return True
    return isinstance(cause, HTTPError) and not isinstance(cause, HfHubHTTPError)
