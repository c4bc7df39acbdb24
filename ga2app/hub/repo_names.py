"""Names of repositories: proposed after a title, read from what a person types or pastes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from huggingface_hub import parse_hf_uri
from huggingface_hub.errors import HfUriError, HFValidationError
from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]

from ga2app.errors import HubError
from ga2app.types import RepoKind

MAX_NAME = 80
_NAMELESS = "ga2-bundle"
_KINDS = {"dataset": "a data set", "space": "a Space", "bucket": "a bucket", "kernel": "a kernel", "model": "a model"}
_PREFIXED = re.compile(r"(models|datasets|spaces|kernels|buckets)/[^/]+/")
_EXAMPLE = "user/name, user/name@revision, or its address on the Hub"


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
        said, hint = "not an anchor set, which is a data set", "; if it holds a bundle, pull it as one"
    return HubError(f"'{repo_id}' is {what}, {said}{hint}")


def is_plain(name: str) -> bool:
    """Whether ``name`` is a relative path that stays inside a folder, on any system."""
    path = PurePosixPath(name)
    bad = not name or not name.isprintable() or "\\" in name or name[1:2] == ":" or path.is_absolute()
    return not bad and ".." not in path.parts and str(path) == name


def shown(text: str) -> str:
    """A stranger's text, on one line and of bounded length."""
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return plain if len(plain) <= 80 else plain[:77] + "..."
