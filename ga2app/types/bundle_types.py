"""What lists show of bundles and backbones, what a bundle says of itself, and what the Hub gives and takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from ga2app.types.headline import Conditions, SampleSize

ByteProgress = Callable[[int, int], None]
"""Is told how many of how many bytes have gone or come. What it raises ends the push or the pull."""


LICENSES = tuple(
    "apache-2.0 mit bsd-3-clause cc0-1.0 cc-by-4.0 cc-by-sa-4.0 cc-by-nc-4.0 cc-by-nc-sa-4.0 openrail other "
    "unknown".split()
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


@dataclass(frozen=True)
class BundleCard:
    """What a list of bundles shows of one: folder and the facts of its manifest.

    ``name`` is the manifest's. The store adds ``title``, which is how lists call it, ``created_s``, when it was listed
    first, ``hub``, what it was on the Hub when it was last pushed or pulled, and whose it is on a Space: ``owner`` and
    ``shared``. They are not part of what the bundle is. ``method`` is empty where nobody has read it yet, ``tested``
    where the bundle does not say it.
    """

    folder: str
    name: str
    backbone: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    metrics: Mapping[str, float]
    zero_shot: Mapping[str, float]
    origin: str
    dataset: str = ""
    method: str = ""
    seed: int | None = None
    size_bytes: int = 0
    tested: Mapping[str, SampleSize] = field(default_factory=dict)
    title: str = field(default="", compare=False)
    created_s: float = field(default=0.0, compare=False)
    hub: HubRevision | None = field(default=None, compare=False)
    owner: str = field(default="", compare=False)
    shared: bool = field(default=False, compare=False)

    @property
    def key(self) -> str:
        """What names it to a browser: its folder's name, never a path of the server."""
        return Path(self.folder).name


@dataclass(frozen=True)
class BundleFacts:
    """Everything that a bundle says of itself.

    ``config`` are the settings that it was trained with, ``backbone`` what it says of the weights that it belongs to,
    ``files`` names and bytes of what is in its folder, ``conditions`` what the run really used. All of it comes from
    whoever made the bundle, ``readme`` (the model card, Markdown) above all.
    """

    card: BundleCard
    config: Mapping[str, Any]
    backbone: Mapping[str, Any]
    dataset_hash: str
    steps: int
    anchor_captions: tuple[str, ...]
    negatives: tuple[str, ...]
    packages: Mapping[str, str]
    files: tuple[tuple[str, int], ...]
    readme: str
    conditions: Conditions = field(default_factory=Conditions)


@dataclass(frozen=True)
class BackboneChoice:
    """A backbone that can be used without a download: what to load and how to call it in a list."""

    name: str
    title: str
