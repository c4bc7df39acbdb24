"""The door to the Hub for anchor sets with their negative prompts, as data sets of lists and, if wished, clips."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app import hub
from ga2app.datasets.clip_files import content_digest
from ga2app.errors import ClipError, HubError, StoreError
from ga2app.labels import label_key
from ga2app.paths import Home
from ga2app.services.anchor_lists import (
    ANCHORS,
    CLIPS,
    NEGATIVES,
    AnchorList,
    ListedClip,
    clip_name,
    numbered,
    read_anchor_list,
    size_limit,
)
from ga2app.services.hub_bundles import MESSAGE, fetched_parts, is_own
from ga2app.store import Store
from ga2app.store.anchor_sets import MAX_NAME, AnchorFile
from ga2app.store.negative_prompts import NegativeEntry
from ga2app.store.prompt_csv import read_prompts, write_prompts
from ga2app.types import (
    ByteProgress,
    ClipInspector,
    HubAccount,
    HubOffer,
    PulledAnchors,
    Pushed,
    PushOptions,
    RepoKind,
)

if TYPE_CHECKING:
    from ga2app.hub.pushing import Content


class AnchorExchange:
    """The anchor sets' half of ``contracts.HubExchange``. ``inspector`` opens each clip that comes in."""

    def __init__(self, home: Home, store: Store, inspector: ClipInspector, *, endpoint: str | None = None) -> None:
        self._home, self._store, self._inspector, self._endpoint = home, store, inspector, endpoint

    def repo_of_anchors(self, set_id: int, account: HubAccount) -> str:
        """See ``contracts.HubExchange``."""
        noted = self._store.hub_notes.anchors(set_id)
        if noted and is_own(noted.repo_id, account):
            return noted.repo_id
        return hub.full_name(hub.propose_name(f"{self._name(set_id)} anchors"), account.name)

    def push_anchors(
        self,
        set_id: int,
        options: PushOptions,
        *,
        groups: Sequence[str] | None = None,
        clips: bool = False,
        card: str | None = None,
        token: str | None = None,
        progress: ByteProgress | None = None,
    ) -> Pushed:
        """See ``contracts.HubExchange``."""
        if clips and not options.rights:
            raise HubError(
                "the clips go along only if you confirm that you have the right to publish them; "
                "confirm it, or push the captions alone"
            )
        files = self._files(set_id, groups, clips)
        if card is not None:
            files["README.md"] = card.encode()
        client = self._client(token)
        repo = options.repo or self.repo_of_anchors(set_id, client.account())
        job = hub.PushJob(
            repo_id=hub.full_name(repo, client.account().name),
            kind=RepoKind.DATASET,
            files=files,
            ours=lambda name: name == NEGATIVES or name.startswith(CLIPS),
            message=MESSAGE,
            base=self._store.hub_notes.anchors(set_id),
            onto=options.onto,
            private=options.private,
        )
        pushed = hub.push(client, job, progress)
        self._store.hub_notes.note_anchors(set_id, pushed.revision)
        return pushed

    def find_anchors(self, repo: str, *, revision: str = "", token: str | None = None) -> HubOffer:
        """See ``contracts.HubExchange``."""
        return hub.look(
            self._client(token),
            repo,
            RepoKind.DATASET,
            size_limit,
            required=(ANCHORS,),
            what="anchor set",
            revision=revision,
        )

    def pull_anchors(
        self,
        offer: HubOffer,
        *,
        clips: bool = True,
        token: str | None = None,
        progress: ByteProgress | None = None,
    ) -> PulledAnchors:
        """See ``contracts.HubExchange``."""
        wanted = replace(offer, files=tuple(one for one in offer.files if clips or not one.name.startswith(CLIPS)))
        parts = fetched_parts(self._home.media / "anchors", offer)
        hub.fetch(self._client(token), wanted, parts, progress)
        try:
            return self._take(offer, parts)
        except OSError as exc:
            raise HubError(
                f"the anchor set of '{offer.revision.repo_id}' could not be kept ({exc.strerror or exc}); "
                "free some disk space, then pull again"
            ) from exc
        finally:
            shutil.rmtree(parts, ignore_errors=True)

    def _take(self, offer: HubOffer, parts: Path) -> PulledAnchors:
        """Make a set and groups of what was fetched; the set goes again if anything goes wrong."""
        anchors = self._store.anchors
        listed = read_anchor_list((parts / ANCHORS).read_bytes(), offer.revision.repo_id)
        entries, faults = _read_negatives(parts / NEGATIVES)
        sources, missing = self._sources(listed, parts)
        there = self._store.hub_notes.anchors_at(offer.revision)
        if there is not None and len(anchors.rows(there)) >= len(sources):
            return PulledAnchors(there, self._name(there), 0, missing=missing, new=False)
        name = numbered(" ".join(listed.name.split())[: MAX_NAME - 4], anchors.names())
        set_id = anchors.create(name, listed.about)
        made: list[str] = []
        try:
            taken, told = self._copy(set_id, sources)
            anchors.add(set_id, taken, undoable=False)
            groups = self._put_groups(entries, made)
            self._store.hub_notes.note_anchors(set_id, offer.revision)
        except BaseException:
            anchors.drop_set(set_id)
            for row in self._store.negatives.group_rows():
                if row.name in made:
                    self._store.negatives.drop_group(row.id)
            raise
        return PulledAnchors(set_id, name, len(taken), groups, missing, (*faults, *told))

    def _sources(self, listed: AnchorList, parts: Path) -> tuple[list[tuple[ListedClip, Path]], tuple[str, ...]]:
        """Where each clip can be had: from the repository, or from this home; and captions of those that cannot."""
        here = self._store.hub_notes.copies({clip.sha256 for clip in listed.clips})
        found, missing = [], []
        for clip in listed.clips:
            came, own = parts / clip.file, Path(here.get(clip.sha256, ""))
            source = came if clip.file and came.is_file() else own if own.is_file() else None
            if source is None:
                missing.append(clip.caption or clip.sha256[:16])
            else:
                found.append((clip, source))
        return found, tuple(missing)

    def _copy(self, set_id: int, sources: Iterable[tuple[ListedClip, Path]]) -> tuple[list[AnchorFile], list[str]]:
        """Copies in the set's own folder, each really opened, and what is wrong with those that cannot be."""
        home = self._store.anchors.folder(set_id)
        home.mkdir(parents=True, exist_ok=True)
        taken, faults = [], []
        for clip, source in sources:
            folder = Path(tempfile.mkdtemp(dir=home, prefix="clip-"))
            copy = Path(shutil.copyfile(source, folder / Path(clip.file or source.name).name))
            try:
                if content_digest(copy) != clip.sha256:
                    raise ClipError(copy.name, "it is not the clip that the list describes", "ask who made the set")
                facts = self._inspector.inspect(str(copy))
            except ClipError as exc:
                shutil.rmtree(folder, ignore_errors=True)
                faults.append(str(exc))
                continue
            size = (facts.seconds, facts.frames, facts.width, facts.height)
            taken.append(AnchorFile(str(copy), clip.caption, clip.sha256, *size, enabled=clip.enabled))
        return taken, faults

    def _put_groups(self, entries: Sequence[NegativeEntry], made: list[str]) -> tuple[str, ...]:
        """Groups of the prompts. One that is here with the same prompts is left; one that has others gets a sibling.

        The names of those that were not there before go to ``made``, each before it is made.
        """
        negatives = self._store.negatives
        names: list[str] = []
        for wanted in dict.fromkeys(entry.group for entry in entries):
            prompts = {label_key(entry.text): entry for entry in entries if entry.group == wanted}
            known = {row.name: row.id for row in negatives.group_rows()}
            name = wanted
            if wanted in known:
                here = {label_key(row.text): row.enabled for row in negatives.rows(known[wanted])}
                if here != {text: entry.enabled for text, entry in prompts.items()}:
                    name = numbered(wanted[: MAX_NAME - 4], list(known))
            if name not in known:
                made.append(name)
            negatives.put((replace(entry, group=name) for entry in prompts.values()), undoable=False)
            names.append(name)
        return tuple(names)

    def _files(self, set_id: int, groups: Sequence[str] | None, clips: bool) -> dict[str, Content]:
        """The lists of a set, and its clips if they are wanted. Raises StoreError, ClipError."""
        row = next((one for one in self._store.anchors.sets() if one.id == set_id), None)
        if row is None:
            raise StoreError("this anchor set is not there any more; choose another one")
        files: dict[str, Content] = {}
        listed = []
        for clip in self._store.anchors.rows(set_id):
            digest = clip.digest or content_digest(clip.path)
            name = clip_name(digest, Path(clip.path).suffix) if clips else ""
            listed.append(ListedClip(clip.caption, clip.enabled, digest, name))
            if clips:
                files[name] = Path(clip.path)
        files[ANCHORS] = AnchorList(row.name, row.about, tuple(listed)).to_json().encode()
        prompts = [prompt for prompt in self._store.negatives.rows() if groups is None or prompt.group in groups]
        if unknown := set(groups or ()) - set(self._store.negatives.groups()):
            raise StoreError(f"there is no group of negative prompts '{sorted(unknown)[0]}'; name one of those here")
        if prompts:
            files[NEGATIVES] = write_prompts(prompts).encode()
        return files

    def _name(self, set_id: int) -> str:
        return next((one.name for one in self._store.anchors.sets() if one.id == set_id), "anchor set")

    def _client(self, token: str | None) -> hub.HubClient:
        return hub.HubClient(token, endpoint=self._endpoint)


def _read_negatives(path: Path) -> tuple[tuple[NegativeEntry, ...], tuple[str, ...]]:
    """The prompts in ``path``, and faults of its lines; none where the set has none."""
    if not path.is_file():
        return (), ()
    read = read_prompts(path.read_bytes())
    return read.entries, tuple(f"{NEGATIVES}, {fault}" for fault in read.faults)
