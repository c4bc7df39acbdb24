"""What a small Hub on this computer holds: repositories with their commits, logins, and what it was asked.

Files are kept as on the Hub: small ones in git, which knows them by their SHA-1, large ones apart, known by their
SHA-256.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.hub_jobs import LoopbackJobs

LARGE = (".safetensors", ".mp4", ".bin", ".pt")
"""Endings of files that the Hub stores apart."""

OVERTAKEN = "A commit has happened since. Please refresh and try again."
QUOTA = "Private repository storage limit reached, please upgrade your plan to increase your private storage limit."


@dataclass(frozen=True)
class Stored:
    """A file at one commit. ``size`` may be a lie, as a hostile server's is."""

    content: bytes
    large: bool
    size: int

    @property
    def sha1(self) -> str:
        return hashlib.sha1(b"blob %d\0" % len(self.content) + self.content).hexdigest()

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def stored(name: str, content: bytes, size: int | None = None) -> Stored:
    return Stored(content, name.endswith(LARGE), len(content) if size is None else size)


@dataclass
class Repo:
    """A repository: its commits, the newest last, each with every file by name."""

    id: str
    private: bool = False
    gated: bool = False
    disabled: bool = False
    commits: list[tuple[str, dict[str, Stored]]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        return self.commits[-1][0]

    @property
    def files(self) -> dict[str, Stored]:
        return self.commits[-1][1]

    def commit(self, files: dict[str, Stored], message: str = "") -> str:
        oid = hashlib.sha1(f"{self.id} {len(self.commits)}".encode()).hexdigest()
        self.commits.append((oid, files))
        self.messages.append(message)
        return oid

    def put(self, **files: bytes) -> str:
        """Somebody else commits; ``a__b`` stands for the name ``a.b``."""
        new = {name.replace("__", "."): content for name, content in files.items()}
        return self.commit(self.files | {name: stored(name, content) for name, content in new.items()})

    def at(self, revision: str) -> dict[str, Stored] | None:
        if revision == "main":
            return self.files
        return next((files for oid, files in self.commits if oid.startswith(revision) and len(revision) >= 7), None)


@dataclass(frozen=True)
class Login:
    """What a token may do."""

    name: str
    role: str = "write"
    organizations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seen:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def route(self) -> str:
        return f"{self.method} {self.path}"


@dataclass
class Refusal:
    """What is answered instead of the real thing: a status with headers, or a connection that breaks off.

    ``after`` bytes of an upload or a download pass before it breaks; ``do`` happens before anything is answered.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = ""
    after: int | None = None
    do: Callable[[], object] | None = None
    times: int = 1


class LoopbackHub:
    """The Hub's state. Repositories are kept by kind and name: ``hub.repos["model", "alice/jumps"]``."""

    def __init__(self) -> None:
        self.url = ""
        self.logins: dict[str, Login] = {}
        self.repos: dict[tuple[str, str], Repo] = {}
        self.renamed: dict[tuple[str, str], str] = {}
        self.large: dict[str, bytes] = {}
        self.quota_bytes: int | None = None
        self.seen: list[Seen] = []
        self.refusals: dict[str, Refusal] = {}
        self.jobs = LoopbackJobs()

    def add(self, repo_id: str, kind: str = "model", files: dict[str, bytes] | None = None, **facts: Any) -> Repo:
        """A repository that is there already."""
        repo = self.repos[kind, repo_id] = Repo(repo_id, **facts)
        repo.commit({".gitattributes": stored(".gitattributes", b"*.safetensors filter=lfs\n")})
        if files:
            repo.commit(repo.files | {name: stored(name, content) for name, content in files.items()})
        return repo

    def refuse(self, route: str, status: int = 0, code: str = "", message: str = "no", **how: Any) -> Refusal:
        """The next request whose method and path match ``route`` is not answered as it should be."""
        headers = {"X-Error-Code": code, "X-Error-Message": message} if code else {"X-Error-Message": message}
        refusal = Refusal(status, headers | how.pop("headers", {}), message, **how)
        self.refusals[route] = refusal
        return refusal

    def asked(self, route: str) -> list[Seen]:
        """The requests whose method and path match ``route``."""
        return [seen for seen in self.seen if re.search(route, seen.route)]
