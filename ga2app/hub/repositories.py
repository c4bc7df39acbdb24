"""Repositories of the Hub: their names, as people type and paste them, and what one holds at a commit."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from huggingface_hub import parse_hf_uri
from huggingface_hub.errors import HfUriError, HFValidationError, RepositoryNotFoundError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from ga2app.errors import HubError, shown
from ga2app.hub.hub_client import HubClient
from ga2app.types import HubFile, HubRevision, RepoKind

MAX_NAME = 80
_NAMELESS = "ga2-bundle"
_KINDS = {"dataset": "a data set", "space": "a Space", "bucket": "a bucket", "kernel": "a kernel", "model": "a model"}
_PREFIXED = re.compile(r"(models|datasets|spaces|kernels|buckets)/[^/]+/")
_EXAMPLE = "user/name, user/name@revision, or its address on the Hub"
TIMEOUT_S = 30.0
_SHA256_DIGITS = 64
_BLANK = {".gitattributes"}


@dataclass(frozen=True)
class RepoAddress:
    """A repository, and the revision of it that was named; empty for the newest."""

    repo_id: str
    revision: str = ""


def propose_name(title: str) -> str:
    """A name that the Hub takes, after ``title``: small ASCII letters, digits, points and single hyphens."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9.]+", "-", plain)
    name = re.sub(r"[-.]{2,}", lambda marks: marks[0][0], name).strip("-.")[:MAX_NAME].strip("-.")
    return name.removesuffix(".git") or _NAMELESS


def check_repo_id(repo_id: str) -> str:
    """``repo_id`` if it can be ``user/name``. Raises HubError."""
    try:
        validate_repo_id(repo_id)
        if repo_id.count("/") == 1:
            return repo_id
    except HFValidationError:
        pass
    raise HubError(
        f"'{shown(repo_id)}' cannot be a repository; write it like user/name, with letters, digits, '-', '_' and '.', "
        "none of the marks at an end and no two of them together"
    )


def read_address(text: str, kind: RepoKind, revision: str = "", *, endpoint: str | None = None) -> RepoAddress:
    """The repository that ``text`` names, and the revision: ``revision`` if given, else one in ``text``.

    Raises HubError for an address elsewhere, for a repository of another kind, and for what is no name at all.
    """
    text = text.strip()
    address = "://" in text or text.startswith(("hf.co/", "huggingface.co/"))
    try:
        if address:
            # The page of a commit names its revision as the page of its files does.
            found = parse_hf_uri(text.replace("/commit/", "/tree/"), endpoint=endpoint)
        else:
            found = parse_hf_uri(f"hf://{'' if _PREFIXED.match(text) else f'{kind}s/'}{text}")
            if found.path_in_repo:
                raise HfUriError(text, "a file in a repository")
    except HfUriError as exc:
        raise HubError(f"'{shown(text)}' is not the name of a repository; write {_EXAMPLE}") from exc
    if found.type != kind:
        raise wrong_kind(found.id, found.type, kind)
    if revision and found.revision and revision != found.revision:
        raise HubError(f"two revisions are named, '{shown(revision)}' and '{shown(found.revision)}'; name one")
    return RepoAddress(check_repo_id(found.id), revision or found.revision or "")


def wrong_kind(repo_id: str, found: str, wanted: RepoKind) -> HubError:
    """That a repository is there, but is something else than what was looked for."""
    what = _KINDS.get(found, found)
    if wanted is RepoKind.MODEL:
        said = "not a bundle, which is a model"
        hint = "; if it holds an anchor set, pull it as one" if found == "dataset" else "; check the name"
    else:
        said, hint = "not a data set", "; if it holds a bundle, pull it as one"
    return HubError(f"'{repo_id}' is {what}, {said}{hint}")


def is_plain(name: str) -> bool:
    """Whether ``name`` is a relative path that stays inside a folder, on any system."""
    path = PurePosixPath(name)
    bad = not name or not name.isprintable() or "\\" in name or name[1:2] == ":" or path.is_absolute()
    return not bad and ".." not in path.parts and str(path) == name


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
            raise ValueError("it does not describe a repository") from exc
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
    head = hashlib.sha1(b"blob %d\0" % size_bytes, usedforsecurity=False)
    content.seek(0)
    digest = hashlib.file_digest(content, "sha256" if len(other) == _SHA256_DIGITS else lambda: head)  # type: ignore[arg-type]
    content.seek(0)
    return digest.hexdigest()
