"""Data sets of the Hub in the ``videofolder`` form: what of one is downloaded, and what of ours is pushed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.datasets.clip_table import METADATA
from ga2app.datasets.text_tables import PARQUET, SUFFIXES
from ga2app.datasets.videofolder import MAX_CARD_BYTES, README, TEXTS
from ga2app.disk import check_room
from ga2app.errors import HubError, counted
from ga2app.services.dataset_export import ANCHORS, second_name, videofolder
from ga2app.services.sharing import proposed, push_files
from ga2app.services.zip_archive import Tick
from ga2app.types import ByteProgress, HubAccount, HubOffer, Pushed, PushOptions, RepoKind, Subset

if TYPE_CHECKING:
    from ga2app.hub.pushing import Content
    from ga2app.services.studio import Studio

PREFIX = "hf:"
"""What the address of a data set of the Hub begins with: hf:user/name, hf:user/name@revision."""
_SITES = ("https://huggingface.co/datasets/", "https://hf.co/datasets/", "huggingface.co/datasets/", "hf.co/datasets/")
MAX_FILES = 100_000
MEGABYTES = "Downloading, MB"
"""What an import says that it does meanwhile."""
_MAX_TABLE_BYTES, _MAX_CLIP_BYTES = 64 << 20, 16 << 30
_AT_ONCE = 200
"""Clips of one commit: each is an open file meanwhile."""


@dataclass(frozen=True)
class HubSource:
    """A data set of the Hub at the commit of ``offer``; the import downloads its files and keeps them.

    ``token`` is what a person's OAuth login gave; ``fold`` is that of a ``FileSource``.
    """

    offer: HubOffer
    token: str | None = field(default=None, repr=False)
    fold: int | None = None
    uploaded: bool = True
    """Nothing of this machine is read, as with an upload."""

    @property
    def title(self) -> str:
        return self.offer.revision.origin

    @property
    def name(self) -> str:
        """What the data set is called unless somebody says otherwise."""
        return self.offer.revision.repo_id.partition("/")[2]

    @property
    def coming(self) -> tuple[int, int]:
        """How many files come, and their bytes."""
        return len(self.offer.files), self.offer.size_bytes

    @property
    def packed(self) -> bool:
        """Clips come into the import's own folder, as from a zip."""
        return True

    @property
    def told(self) -> str:
        """What would be downloaded, in a line."""
        files, revision = counted(len(self.offer.files), "file"), self.offer.revision
        return f"{revision.repo_id} at {revision.commit[:12]}: {files}, {self.offer.size_bytes / 1e6:,.1f} MB"

    def fetch(self, scratch: Path, tick: Tick) -> None:
        """Download into a folder beside the import's, where a later try goes on, and give ``scratch`` the files."""
        from ga2app import hub

        parts = self.parts(scratch.parent.parent)
        room = sum(file.size_bytes for file in self.offer.files if not (parts / file.name).is_file())
        check_room(scratch.parent, room, f"the data set '{self.offer.revision.repo_id}'")

        def told(done_bytes: int, total_bytes: int) -> None:
            tick(MEGABYTES, -(-done_bytes // 1_000_000), -(-total_bytes // 1_000_000))

        hub.fetch(hub.HubClient(self.token), self.offer, parts, told)
        for file in self.offer.files:
            target = scratch / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            second_name(parts / file.name, target)

    def parts(self, shelf: Path) -> Path:
        """Where in ``shelf`` the download waits until the import is done; what is left of others goes after a week."""
        from ga2app import hub

        return hub.parts_folder(shelf, self.offer)

    def keep(self, studio: Studio, dataset_id: int) -> None:
        """The import is done: note which commit the data set is; what was downloaded has its place."""
        studio.store.hub_notes.note_dataset(dataset_id, self.offer.revision)
        shutil.rmtree(self.parts(studio.home.datasets), ignore_errors=True)


def hub_name(text: str) -> str:
    """The repository that ``text`` names if it is the address of a data set of the Hub, else an empty text."""
    text = text.strip()
    if text.startswith(PREFIX):
        return text[len(PREFIX) :].lstrip("/")
    return text if text.startswith(_SITES) else ""


class HubDatasets:
    """Takes data sets of a studio to the Hub, and finds those that can be imported. Any thread may call.

    Every method raises StudioError, most of them HubError; ``token`` is as in ``SharingService``.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store

    def find(self, repo: str, *, revision: str = "", token: str | None = None) -> HubSource:
        """The data set ``repo`` as an import takes it; see ``find_dataset``."""
        return find_dataset(repo, revision, token)

    def repo_of(self, dataset_id: int, account: HubAccount) -> str:
        """Where a push of a data set would go."""
        name = self._studio.datasets.summary(dataset_id).name
        return proposed(self._store.hub_notes.dataset(dataset_id), account, name)

    def files(self, dataset_id: int, license: str = "") -> dict[str, Content]:
        """What a push of a data set sends, by its names: the ``videofolder`` form."""
        return videofolder(self._studio.datasets.own(dataset_id), license)

    def push(
        self, dataset_id: int, options: PushOptions, *, token: str | None = None, progress: ByteProgress | None = None
    ) -> Pushed:
        """Push a data set with its clips, which the options confirm the right to publish; their license is the clips'.

        Some hundred clips go in a commit, the tables with the last one: a push that breaks off leaves clips that no
        row names, and the next one sends what is missing.
        """
        self._studio.may_change()
        self._store.may_change_row("datasets", dataset_id)
        if not options.rights:
            raise HubError("the clips go along, so confirm first that you have the right to publish them")
        files, name = self.files(dataset_id, options.license), self._studio.datasets.summary(dataset_id).name
        clips = [name for name, what in files.items() if isinstance(what, Path)]
        commits = [clips[first : first + _AT_ONCE] for first in range(0, len(clips), _AT_ONCE)]
        commits.append([name for name, what in files.items() if isinstance(what, bytes)])
        sizes = {name: size_of(what) for name, what in files.items()}
        changed, before = list[str](), 0
        for names in commits:
            goods = {name: files[name] for name in names}
            pushed = push_files(
                RepoKind.DATASET,
                partial(_same, goods),
                partial(_is_left, files) if names is commits[-1] else partial(_is_left, None),
                options,
                self._store.hub_notes.dataset(dataset_id),
                name,
                token,
                progress and partial(_further, progress, before, sum(sizes.values())),
            )
            self._store.hub_notes.note_dataset(dataset_id, pushed.revision)
            options, before = replace(options, onto=""), before + sum(sizes[name] for name in names)
            changed += pushed.changed
        return replace(pushed, changed=tuple(changed))


def find_dataset(repo: str, revision: str = "", token: str | None = None) -> HubSource:
    """The data set ``repo`` as an import takes it: clips, tables and README, nothing else of it. Raises HubError."""
    from ga2app import hub

    client = hub.HubClient(token)
    offer = hub.look(client, repo, RepoKind.DATASET, _most_bytes, required=(), what="data set", revision=revision)
    clips = [file for file in offer.files if Path(file.name).suffix.lower() in VIDEO_SUFFIXES]
    repo_id = offer.revision.repo_id
    if not clips:
        inside = [name for name in offer.left_out if name.endswith(PARQUET)]
        why = (
            f"{counted(len(inside), 'Parquet file')} may hold them, which is not read" if inside else "only other files"
        )
        raise HubError(
            f"'{repo_id}' has no clips as files, as the videofolder form keeps them: {why}; load it with the library "
            "datasets, write the clips to a folder, and import that"
        )
    if len(offer.files) > MAX_FILES:
        raise HubError(f"'{repo_id}' has {len(offer.files):,} files, {MAX_FILES:,} are the most; import a part of it")
    return HubSource(offer, token)


def _most_bytes(name: str) -> int:
    file = Path(name)
    suffix = file.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return _MAX_CLIP_BYTES
    is_table = suffix in SUFFIXES or file.name.casefold() == METADATA + PARQUET
    return MAX_CARD_BYTES if name == README else _MAX_TABLE_BYTES if is_table else 0


def size_of(what: Content) -> int:
    """Bytes of a file that is pushed."""
    return len(what) if isinstance(what, bytes) else os.path.getsize(what)


def _same(goods: dict[str, Content], _: str) -> dict[str, Content]:
    return goods


def _is_left(files: Collection[str] | None, name: str) -> bool:
    """Whether a file of the repository is of an earlier push and not among ``files``; none is where these are open."""
    folders = tuple(f"{part}/" for part in (*Subset, ANCHORS))
    return files is not None and name not in files and (name == TEXTS or name.startswith(folders))


def _further(progress: ByteProgress, before: int, total: int, done: int, _: int) -> None:
    progress(min(before + done, total), total)
