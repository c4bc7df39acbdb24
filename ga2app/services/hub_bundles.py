"""The door to the Hub for bundles: from the library to a repository, and from a repository into the library."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app import hub
from ga2app.datasets import VIDEO_SUFFIXES
from ga2app.errors import BundleError, HubError, StudioError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.types import (
    REPORT,
    BundleCard,
    ByteProgress,
    HubAccount,
    HubOffer,
    Pushed,
    PushOptions,
    RepoKind,
    Report,
    read_report,
)

if TYPE_CHECKING:
    from ga2app.hub.pushing import Content

CARD = "README.md"
EXAMPLES = "examples/"
MESSAGE = "Pushed with GA² Studio"
_PARTS = ".pull-"
_KEEP_PARTS_S = 7 * 24 * 3600
_RUN = re.compile(r"run-(\d+)")
_log = logging.getLogger(__name__)


class BundleExchange:
    """The bundles' half of ``contracts.HubExchange``; torch is loaded when a bundle is first checked."""

    def __init__(self, home: Home, store: Store, *, endpoint: str | None = None) -> None:
        self._home, self._store, self._endpoint = home, store, endpoint

    def account(self, *, token: str | None = None) -> HubAccount:
        """See ``contracts.HubExchange``."""
        return self._client(token).account()

    def repo_of_bundle(self, folder: str, account: HubAccount) -> str:
        """See ``contracts.HubExchange``."""
        card = self._store.bundles.get(folder)
        if card.hub and is_own(card.hub.repo_id, account):
            return card.hub.repo_id
        return hub.full_name(hub.propose_name(card.title or card.name), account.name)

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
        """See ``contracts.HubExchange``."""
        if (report or examples) and not options.rights:
            raise HubError(
                "example clips, and a report with its pictures of clips, go along only if you confirm that you have "
                "the right to publish them; confirm it, or leave them out"
            )
        listed = self._store.bundles.get(folder)
        files = _bundle_files(Path(folder), listed.title)
        if report:
            files[REPORT] = self._report(listed)
        files |= _example_files(examples)
        client = self._client(token)
        repo = options.repo or self.repo_of_bundle(folder, client.account())
        repo_id = hub.full_name(repo, client.account().name)
        text = _card_text(Path(folder), card, repo_id, options, listed.title)
        files[CARD] = text.encode()
        job = hub.PushJob(
            repo_id=repo_id,
            kind=RepoKind.MODEL,
            files=files,
            ours=lambda name: name == REPORT or name.startswith(EXAMPLES),
            message=MESSAGE,
            base=listed.hub,
            onto=options.onto,
            private=options.private,
        )
        pushed = hub.push(client, job, progress)
        self._store.hub_notes.note_bundle(folder, pushed.revision)
        if card is None and listed.origin != "embedded":
            _keep_card(Path(folder), text)
        return pushed

    def find_bundle(self, repo: str, *, revision: str = "", token: str | None = None) -> HubOffer:
        """See ``contracts.HubExchange``."""
        from ga2app.bundles.card_entries import LIMITS, REQUIRED

        return hub.look(
            self._client(token),
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
        """See ``contracts.HubExchange``."""
        from ga2app.bundles import take_in_files

        shelf, bundles = self._home.bundles, self._store.bundles
        parts = fetched_parts(shelf, offer)
        hub.fetch(self._client(token), offer, parts, progress)
        try:
            known = bundles.list()
            taken = [Path(other.folder).name for other in known]
            shown, origin = offer.revision.repo_id, offer.revision.origin
            folders = [other.folder for other in known]
            card, fresh = take_in_files(parts, shown, shelf, origin, taken=taken, known=folders)
        finally:
            shutil.rmtree(parts, ignore_errors=True)
        if fresh:
            try:
                bundles.admit(card)
            except StudioError:
                shutil.rmtree(card.folder, ignore_errors=True)
                raise
        noted = bundles.get(card.folder).hub
        if noted is None or noted.repo_id == offer.revision.repo_id:
            self._store.hub_notes.note_bundle(card.folder, offer.revision)
        return bundles.get(card.folder), fresh

    def _client(self, token: str | None) -> hub.HubClient:
        return hub.HubClient(token, endpoint=self._endpoint)

    def _report(self, card: BundleCard) -> bytes:
        """The report of the run that trained the bundle, with files called by their names alone."""
        run = _RUN.fullmatch(card.name) if card.origin == "trained" else None
        report = read_report(self._home.run_folder(int(run[1])) / REPORT) if run else None
        if report is None:
            raise HubError(f"'{card.title or card.name}' has no report of its run here; push it without one")
        return without_paths(report).to_json().encode()


def without_paths(report: Report) -> Report:
    """``report`` as others may see it: where the clips lie on this machine is nobody's business."""
    from ga2app.bundles.card_text import without_path

    changed = tuple(replace(clip, path=Path(clip.path).name) for clip in report.changed)
    points = tuple(
        replace(point, name=Path(point.name).name) if point.what == "clip" else point for point in report.points
    )
    dataset, backbone = without_path(report.dataset), without_path(report.backbone)
    return replace(report, dataset=dataset, backbone=backbone, changed=changed, points=points)


def is_own(repo_id: str, account: HubAccount) -> bool:
    """Whether a repository belongs to the account, or to one of its organizations."""
    return repo_id.partition("/")[0] in (account.name, *account.organizations)


def fetched_parts(shelf: Path, offer: HubOffer) -> Path:
    """Where what an interrupted pull of ``offer`` has fetched waits; what nobody came back for in a week is dropped."""
    for left in shelf.glob(f"{_PARTS}*"):
        if time.time() - left.stat().st_mtime > _KEEP_PARTS_S:
            shutil.rmtree(left, ignore_errors=True)
    name = hashlib.sha256(f"{offer.kind} {offer.revision.origin}".encode()).hexdigest()[:16]
    return shelf / f"{_PARTS}{name}"


def _bundle_files(folder: Path, title: str) -> dict[str, Content]:
    """The bundle's own files but its card, checked as those of a zip are, without paths. Raises BundleError.

    It goes under its ``title`` in the library, which the files need not know.
    """
    from ga2app.bundles import load_folder
    from ga2app.bundles.card_entries import REQUIRED
    from ga2app.bundles.manifest import MANIFEST, to_json, to_publish

    own = load_folder(folder).manifest
    files: dict[str, Content] = {name: folder / name for name in REQUIRED}
    told = replace(to_publish(own), name=title or own.name)
    return files if told == own else files | {MANIFEST: to_json(told).encode()}


def _card_text(folder: Path, given: str | None, repo_id: str, options: PushOptions, title: str) -> str:
    """The card that goes along: what is ``given``, else the bundle's own as it is to be at ``repo_id``."""
    from ga2app.bundles import read_manifest
    from ga2app.bundles.model_card import card_to_publish

    if given is not None:
        if options.license:
            raise HubError("a card was given, and its first lines name the license; leave out the card or the license")
        return given
    own = (folder / CARD).read_text(encoding="utf-8", errors="replace") if (folder / CARD).is_file() else None
    manifest = read_manifest(folder)
    named = replace(manifest, name=title or manifest.name)
    return card_to_publish(named, own, repo_id, options.license, options.license_name)


def _keep_card(folder: Path, text: str) -> None:
    """Let the bundle have the card that it was published with: the next push begins with its license."""
    fresh = folder / f".{CARD}.new"
    try:
        fresh.write_text(text, encoding="utf-8")
        os.replace(fresh, folder / CARD)
    except OSError as exc:
        _log.warning("the card that was pushed could not be kept in %s: %s", folder, exc)


def _example_files(examples: Sequence[Path]) -> dict[str, Content]:
    """Example clips by the names that they get. Raises BundleError."""
    files: dict[str, Content] = {}
    for number, path in enumerate(examples, 1):
        if not path.is_file() or path.suffix.lower() not in VIDEO_SUFFIXES:
            raise BundleError(f"example '{path}' is not a video file; name clips such as mp4 files")
        stem = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:60] or "clip"
        files[f"{EXAMPLES}{number:02d}-{stem}{path.suffix.lower()}"] = path
    return files
