"""What goes to the Hugging Face Hub and comes from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

ByteProgress = Callable[[int, int], None]
"""Is told how many of how many bytes have gone or come. What it raises ends the push or the pull."""


LICENSES = (
    "apache-2.0",
    "mit",
    "bsd-3-clause",
    "cc0-1.0",
    "cc-by-4.0",
    "cc-by-sa-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-sa-4.0",
    "openrail",
    "other",
    "unknown",
)
"""Licenses to offer, by the names that the Hub has for them; it knows more."""


class RepoKind(StrEnum):
    """What a repository of the Hub is, in the Hub's own words. Bundles are models, anchor sets are data sets."""

    MODEL = "model"
    DATASET = "dataset"


@dataclass(frozen=True)
class HubAccount:
    """Whose login is used. ``writes`` says whether it may change anything at all; None where the Hub does not tell."""

    name: str
    organizations: tuple[str, ...] = ()
    writes: bool | None = None


@dataclass(frozen=True)
class HubRevision:
    """One commit of one repository: ``user/name`` and 40 hexadecimal digits."""

    repo_id: str
    commit: str

    @property
    def origin(self) -> str:
        """What the library says of a bundle that was pulled from here."""
        return f"hub:{self.repo_id}@{self.commit}"


@dataclass(frozen=True)
class HubFile:
    """A file of a repository. ``digest`` is the SHA-256 of a large file, and git's SHA-1 of any other."""

    name: str
    size_bytes: int
    digest: str


@dataclass(frozen=True)
class HubOffer:
    """What would be pulled: a commit, the ``files`` that would be fetched, and the names of those that never are."""

    kind: RepoKind
    revision: HubRevision
    files: tuple[HubFile, ...]
    left_out: tuple[str, ...] = ()
    private: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes to fetch."""
        return sum(file.size_bytes for file in self.files)


@dataclass(frozen=True)
class Pushed:
    """A push that is done: the commit that the Hub has now, its address, and the files that are other than before.

    Without ``changed`` and ``removed`` the Hub had everything already, and no commit was made.
    """

    revision: HubRevision
    link: str
    private: bool
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class PushOptions:
    """How a push is done.

    ``repo`` is ``user/name`` or a name under one's own account; empty for the one that would be proposed. ``private``
    says what a new repository is; one that is there stays as it is. ``rights`` confirms that clips and pictures of
    them may be published. ``onto`` names the commit of somebody else that the push shall go on top of, after a
    ``HubConflict``. ``license`` is that of the prompts of a bundle, by the Hub's name for it, with ``license_name``
    where that is "other"; empty for the one that the bundle's card has, see ``bundle.card``.
    """

    repo: str = ""
    private: bool = True
    rights: bool = False
    onto: str = ""
    license: str = ""
    license_name: str = ""


@dataclass(frozen=True)
class PulledAnchors:
    """An anchor set that came from the Hub: what is new of it here, and what could not be had.

    ``missing`` are captions of clips that neither the repository nor this home has; ``faults`` are clips that cannot be
    read. ``groups`` are the groups of negative prompts, by the names that they have here.
    """

    set_id: int
    name: str
    clips: int
    groups: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    new: bool = True
