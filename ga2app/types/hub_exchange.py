"""Who takes bundles and anchor sets to the Hugging Face Hub and from it, as a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ga2app.types.bundle_types import BundleCard
from ga2app.types.hub_types import ByteProgress, HubAccount, HubOffer, PulledAnchors, Pushed, PushOptions


class HubExchange(Protocol):
    """Takes bundles and anchor sets to the Hub and from it. Every method raises StudioError, most of them HubError.

    ``token`` is what a person's OAuth login gave; without one the login of this machine is used, which a Space never
    does: there it is its owner's. Any thread may call.
    """

    def account(self, *, token: str | None = None) -> HubAccount:
        """Whose login is used: to be shown before anything is pushed."""
        ...

    def repo_of_bundle(self, folder: str, account: HubAccount) -> str:
        """Where a push of a bundle would go: to where it was, if that is the account's, else a name after its title."""
        ...

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
        ...

    def find_bundle(self, repo: str, *, revision: str = "", token: str | None = None) -> HubOffer:
        """What ``repo`` (``user/name`` or its address) offers: what of it would be pulled, and how large that is."""
        ...

    def pull_bundle(
        self, offer: HubOffer, *, token: str | None = None, progress: ByteProgress | None = None
    ) -> tuple[BundleCard, bool]:
        """Pull what ``find_bundle`` found into the library, whole or not at all; gives its card, and whether it is new.

        What an interrupted pull has fetched is gone on with by the next.
        """
        ...

    def repo_of_anchors(self, set_id: int, account: HubAccount) -> str:
        """Where a push of an anchor set would go."""
        ...

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
        ...

    def find_anchors(self, repo: str, *, revision: str = "", token: str | None = None) -> HubOffer:
        """What ``repo`` offers as an anchor set, its clips among the files where it has them."""
        ...

    def pull_anchors(
        self,
        offer: HubOffer,
        *,
        clips: bool = True,
        token: str | None = None,
        progress: ByteProgress | None = None,
    ) -> PulledAnchors:
        """Pull what ``find_anchors`` found as a set and groups of their own, the clips too unless told otherwise."""
        ...
