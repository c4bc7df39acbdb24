"""What a repository holds at one commit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO

from huggingface_hub.errors import RepositoryNotFoundError

from ga2app.errors import HubError
from ga2app.hub.hub_client import HubClient
from ga2app.hub.repo_names import check_repo_id, wrong_kind
from ga2app.types import HubFile, HubRevision, RepoKind

TIMEOUT_S = 30.0
_SHA256_DIGITS = 64
_BLANK = {".gitattributes"}
_PIECE = 1 << 20


@dataclass(frozen=True)
class Listing:
    """The files of a repository at one commit, by name."""

    revision: HubRevision
    files: Mapping[str, HubFile]
    private: bool
    gated: bool

    @property
    def blank(self) -> bool:
        """Whether nobody has put anything there yet."""
        return self.files.keys() <= _BLANK


def read_listing(client: HubClient, repo_id: str, kind: RepoKind, revision: str = "") -> Listing | None:
    """What ``repo_id`` holds at ``revision``, the newest for none; None where there is no such repository to be seen.

    Raises HubError, also where it has another name now: who holds it may have changed with the name.
    """
    check_repo_id(repo_id)
    with client.asking(repo_id):
        try:
            info = client.api.repo_info(
                repo_id, repo_type=kind.value, revision=revision or None, files_metadata=True, timeout=TIMEOUT_S
            )
        except RepositoryNotFoundError:
            return None
        except (KeyError, TypeError, AttributeError) as exc:
            raise ValueError("it does not tell of a repository") from exc
    if info.id.casefold() != repo_id.casefold():
        raise HubError(f"'{repo_id}' has been renamed: it is '{info.id}' now; use that name if it is what you want")
    if not info.sha:
        raise HubError(f"the Hub does not say which commit '{repo_id}' is at; try again in a few minutes")
    files = {}
    for file in getattr(info, "siblings", None) or ():
        digest = file.lfs.sha256 if file.lfs else file.blob_id
        size = file.lfs.size if file.lfs else file.size
        if digest is None or size is None:
            raise HubError(f"the Hub does not say how large '{repo_id}' is; try again in a few minutes")
        files[file.rfilename] = HubFile(file.rfilename, size, digest)
    return Listing(HubRevision(info.id, info.sha), files, bool(info.private), bool(getattr(info, "gated", False)))


def not_found(client: HubClient, repo_id: str, kind: RepoKind) -> HubError:
    """Why there is no such repository: it is of another kind, private, or not there at all."""
    with client.asking(repo_id):
        for other in ("dataset", "space", "model"):
            if other == kind:
                continue
            try:
                client.api.repo_info(repo_id, repo_type=other, timeout=TIMEOUT_S)
            except RepositoryNotFoundError:
                continue
            return wrong_kind(repo_id, other, kind)
    try:
        with client.asking(repo_id):
            client.api.repo_info(repo_id, repo_type=kind.value, timeout=TIMEOUT_S)
    except HubError as exc:
        return exc
    return HubError(f"'{repo_id}' was not there a moment ago, and is now; try again")


def digest_like(other: str, content: BinaryIO, size_bytes: int) -> str:
    """What the Hub would know ``content`` by, in the way of ``other``: SHA-256, or SHA-1 as git takes it of a blob."""
    if len(other) == _SHA256_DIGITS:
        digest = hashlib.sha256()
    else:
        digest = hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)
    content.seek(0)
    while piece := content.read(_PIECE):
        digest.update(piece)
    content.seek(0)
    return digest.hexdigest()
