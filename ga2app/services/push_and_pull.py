"""A bundle to the Hugging Face Hub and from it, in one call each: what ``ga2app.push`` and ``ga2app.pull`` are."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ga2app.services.studio import own_studio
from ga2app.types import BundleCard, Pushed, PushOptions


def push(
    bundle: str | os.PathLike[str],
    repo: str = "",
    *,
    private: bool = True,
    license: str = "",
    report: bool = False,
    examples: Sequence[str | os.PathLike[str]] = (),
    rights: bool = False,
    onto: str = "",
) -> Pushed:
    """Push a bundle to the Hugging Face Hub as one commit, under the login of this machine.

    Args:
        bundle: its folder, or its name in the library.
        repo: "user/name", or a name under your own account. Empty: where it was pushed before, else a name after its
            title.
        private: whether a repository that is made new is private; one that is there stays as it is.
        license: of the prompts, by the Hub's name for it, such as "mit". Empty: the one in the bundle's card.
        report: whether the report of its run goes along, with pictures of clips.
        examples: clips that go along.
        rights: you have the right to publish these clips and pictures; needed for ``report`` and ``examples``.
        onto: after a HubConflict, the commit of somebody else to push on top of.

    Returns:
        The commit, its address, and the files that were changed and removed: none where the Hub had all already.

    Raises:
        BundleError: there is no such bundle.
        HubError: nobody is logged in, ``rights`` are missing, or the Hub refuses.
        HubConflict: somebody else has pushed to the repository since this machine last looked.

    Example:
        >>> import ga2app
        >>> pushed = ga2app.push("bundle", "drawn-actions")
        >>> pushed.revision.repo_id, pushed.private
        ('alice/drawn-actions', True)
    """
    with own_studio() as studio:
        options = PushOptions(repo, private=private, rights=rights, onto=onto, license=license)
        clips = [Path(clip) for clip in examples]
        return studio.sharing.push_bundle(studio.library.find(bundle), options, report=report, examples=clips)


def pull(repo: str, *, revision: str = "") -> BundleCard:
    """Pull a bundle from the Hugging Face Hub into the library.

    Only safetensors, JSON and the model card are downloaded, and checked before they are kept. A bundle that the
    library has already is not kept twice.

    Args:
        repo: "user/name", or the repository's address.
        revision: commit, branch or tag. Empty: the newest.

    Returns:
        The bundle's card: folder, name, backbone, labels and figures.

    Raises:
        BundleError: the repository holds no bundle, or a damaged one.
        HubError: the Hub cannot be reached, or has no such repository or revision.

    Example:
        >>> import ga2app
        >>> card = ga2app.pull("alice/walls")
        >>> card.backbone
        'sketch'
    """
    with own_studio() as studio:
        return studio.sharing.pull_bundle(studio.sharing.find_bundle(repo, revision=revision))[0]
