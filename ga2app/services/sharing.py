"""Bundles and anchor sets on their way to the Hugging Face Hub and from it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app import hub
from ga2app.errors import HubError
from ga2app.services.anchor_set_files import (
    ANCHORS,
    CLIPS,
    NEGATIVES,
    anchor_set_files,
    keep_anchor_set,
    set_name,
    size_limit,
)
from ga2app.types import (
    REPORT,
    BundleCard,
    ByteProgress,
    HubAccount,
    HubOffer,
    HubRevision,
    PulledAnchors,
    Pushed,
    PushOptions,
    RepoKind,
    read_report,
)

if TYPE_CHECKING:
    from ga2app.hub.pushing import Content
    from ga2app.services.studio import Studio

CARD = "README.md"
MESSAGE = "Pushed with GA² Studio"
_RUN = re.compile(r"run-(\d+)")


class SharingService:
    """Takes bundles and anchor sets of a studio to the Hub and from it. Any thread may call.

    Every method raises StudioError, most of them HubError. ``token`` is what a person's OAuth login gave; without one
    the login of this machine is used, which a Space never does: there it is its owner's.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store

    def account(self, *, token: str | None = None) -> HubAccount:
        """Whose login is used: to be shown before anything is pushed."""
        return hub.HubClient(token).account()

    def repo_of_bundle(self, folder: str, account: HubAccount) -> str:
        """Where a push of a bundle would go: to where it was, if that is the account's, else a name after its title."""
        card = self._store.bundles.get(folder)
        return proposed(card.hub, account, card.title or card.name)

    def push_bundle(
        self,
        folder: str,
        options: PushOptions,
        *,
        card: str | None = None,
        report: bool = False,
        examples: Sequence[Path] = (),
        token: str | None = None,
        progress: ByteProgress | None = None,
    ) -> Pushed:
        """Push the bundle of the library in ``folder`` as one commit, and note the revision at it.

        ``card`` is the text of its model card; without one its own goes. The report of its run and example clips go
        along only where they are asked for and the options confirm the rights.
        """
        from ga2app.bundles.files_to_push import EXAMPLES, bundle_files, card_text, example_files, keep_card

        self._studio.may_change()
        if (report or examples) and not options.rights:
            raise HubError(
                "example clips, and a report with its pictures of clips, go along only if you confirm that you have "
                "the right to publish them; confirm it, or leave them out"
            )
        listed = self._store.bundles.get(folder)
        self._store.may_change_row("bundles", folder)
        files = bundle_files(Path(folder), listed.title)
        if report:
            files[REPORT] = self._report(listed)
        files |= example_files(examples)
        text = ""

        def whole(repo_id: str) -> dict[str, Content]:
            nonlocal text
            text = card_text(Path(folder), card, repo_id, options, listed.title)
            return files | {CARD: text.encode()}

        def ours(name: str) -> bool:
            return name == REPORT or name.startswith(EXAMPLES)

        proposed = listed.title or listed.name
        pushed = push_files(RepoKind.MODEL, whole, ours, options, listed.hub, proposed, token, progress)
        self._store.hub_notes.note_bundle(folder, pushed.revision)
        if card is None and listed.origin != "embedded":
            keep_card(Path(folder), text)
        return pushed

    def find_bundle(self, repo: str, *, revision: str = "", token: str | None = None) -> HubOffer:
        """What ``repo`` (``user/name`` or its address) offers: what of it would be pulled, and how large that is."""
        from ga2app.bundles import LIMITS, REQUIRED

        return hub.look(
            hub.HubClient(token),
            repo,
            RepoKind.MODEL,
            lambda name: LIMITS.get(name, 0),
            required=REQUIRED,
            what="bundle",
            revision=revision,
        )

    def pull_bundle(
        self, offer: HubOffer, *, token: str | None = None, progress: ByteProgress | None = None
    ) -> tuple[BundleCard, bool]:
        """Pull what ``find_bundle`` found into the library, whole or not at all; gives its card, and whether it is new.

        What an interrupted pull has fetched is continued by the next.
        """
        self._studio.may_change()
        parts = hub.parts_folder(self._studio.home.bundles, offer)
        hub.fetch(hub.HubClient(token), offer, parts, progress)
        try:
            card, fresh = self._studio.library.keep(parts, offer.revision.repo_id, offer.revision.origin)
        finally:
            shutil.rmtree(parts, ignore_errors=True)
        if card.hub is None or card.hub.repo_id == offer.revision.repo_id:
            self._store.hub_notes.note_bundle(card.folder, offer.revision)
        return self._store.bundles.get(card.folder), fresh

    def repo_of_anchors(self, set_id: int, account: HubAccount) -> str:
        """Where a push of an anchor set would go."""
        return proposed(self._store.hub_notes.anchors(set_id), account, f"{set_name(self._store, set_id)} anchors")

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
        """Push an anchor set's captions with groups of negative prompts, all of them unless some are named.

        The clips themselves go along only where they are asked for and the options confirm the rights.
        """
        self._studio.may_change()
        self._store.may_change_row("anchor_sets", set_id)
        if clips and not options.rights:
            raise HubError(
                "the clips go along only if you confirm that you have the right to publish them; "
                "confirm it, or push the captions alone"
            )
        files = anchor_set_files(self._store, set_id, groups, clips)
        if card is not None:
            files[CARD] = card.encode()

        def ours(name: str) -> bool:
            return name == NEGATIVES or name.startswith(CLIPS)

        noted = self._store.hub_notes.anchors(set_id)
        proposed = f"{set_name(self._store, set_id)} anchors"
        pushed = push_files(RepoKind.DATASET, lambda _: files, ours, options, noted, proposed, token, progress)
        self._store.hub_notes.note_anchors(set_id, pushed.revision)
        return pushed

    def find_anchors(self, repo: str, *, revision: str = "", token: str | None = None) -> HubOffer:
        """What ``repo`` offers as an anchor set, its clips among the files where it has them."""
        client, kind = hub.HubClient(token), RepoKind.DATASET
        return hub.look(client, repo, kind, size_limit, required=(ANCHORS,), what="anchor set", revision=revision)

    def pull_anchors(
        self, offer: HubOffer, *, clips: bool = True, token: str | None = None, progress: ByteProgress | None = None
    ) -> PulledAnchors:
        """Pull what ``find_anchors`` found as a set and groups of their own, the clips too unless told otherwise."""
        self._studio.may_change()
        wanted = replace(offer, files=tuple(one for one in offer.files if clips or not one.name.startswith(CLIPS)))
        parts = hub.parts_folder(self._studio.home.media / "anchors", offer)
        hub.fetch(hub.HubClient(token), wanted, parts, progress)
        try:
            return keep_anchor_set(self._store, self._studio.inspector, offer, parts)
        except OSError as exc:
            raise HubError(
                f"the anchor set of '{offer.revision.repo_id}' could not be kept ({exc.strerror or exc}); "
                "free some disk space, then pull again"
            ) from exc
        finally:
            shutil.rmtree(parts, ignore_errors=True)

    def _report(self, card: BundleCard) -> bytes:
        """The report of the run that trained the bundle, with files called by their names alone."""
        from ga2app.bundles.files_to_push import without_paths

        run = _RUN.fullmatch(card.name) if card.origin == "trained" else None
        report = read_report(self._studio.home.run_folder(int(run[1])) / REPORT) if run else None
        if report is None:
            raise HubError(f"'{card.title or card.name}' has no report of its run here; push it without one")
        return without_paths(report).to_json().encode()


def proposed(noted: HubRevision | None, account: HubAccount, title: str) -> str:
    """The repository that was ``noted``, if it is the account's or its organizations', else one after ``title``."""
    if noted and noted.repo_id.partition("/")[0] in (account.name, *account.organizations):
        return noted.repo_id
    return hub.full_name(hub.propose_name(title), account.name)


def push_files(
    kind: RepoKind,
    files: Callable[[str], dict[str, Content]],
    ours: Callable[[str], bool],
    options: PushOptions,
    noted: HubRevision | None,
    title: str,
    token: str | None,
    progress: ByteProgress | None,
) -> Pushed:
    """Push ``files``, which are told the repository that they go to; see ``hub.PushJob``."""
    client = hub.HubClient(token)
    account = client.account()
    repo_id = hub.full_name(options.repo or proposed(noted, account, title), account.name)
    job = hub.PushJob(repo_id, kind, files(repo_id), ours, MESSAGE, noted, options.onto, options.private)
    return hub.push(client, job, progress)
