"""Recognizing with a bundle that is named: a folder, or a repository of the Hub."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from ga2app import inference as recognize
from ga2app.bundles import LIMITS, REQUIRED, difference
from ga2app.clip import Backbone, load_backbone
from ga2app.config import SKETCH
from ga2app.errors import BackboneError, BundleError
from ga2app.hub import fetch_bundle
from ga2app.inference import PromptBundle, load_bundle

NEEDED = {name: LIMITS[name] for name in REQUIRED}
"""The files of a bundle that recognizing takes, and the most bytes of each: safetensors and JSON, nothing else."""


class Fetch(Protocol):
    """The shape of ``hub.fetch_bundle``."""

    def __call__(self, repo: str, files: Mapping[str, int], *, revision: str | None, allow_download: bool) -> Path: ...


class Recognizer(recognize.Recognizer):
    __doc__ = recognize.Recognizer.__doc__

    @classmethod
    def from_pretrained(
        cls,
        bundle: str | os.PathLike[str],
        *,
        revision: str | None = None,
        backbone: Backbone | str | None = None,
        labels: Sequence[str] | None = None,
        negatives: Sequence[str] = (),
        num_frames: int | None = None,
        allow_download: bool = True,
        fetch: Fetch = fetch_bundle,
    ) -> Self:
        """A recognizer for a bundle in a folder or on the Hugging Face Hub, with the backbone it was trained on.

        Args:
            bundle: the bundle's folder, or "user/name", or the repository's address. A folder of that name goes first.
            revision: commit, branch or tag of the repository. None: the newest.
            backbone: where the same CLIP is found, if not under the name that the bundle gives.
            labels: class names for ``recognize``. None: the bundle's own, base and novel.
            negatives: negative prompts; with them a clip may show none of the labels.
            num_frames: T, the frames sampled from each clip. None: as many as the bundle was trained on.
            allow_download: whether files that are not on this machine are downloaded: of the bundle only
                ``prompts.safetensors`` and ``bundle.json``, and the backbone.
            fetch: in place of ``hub.fetch_bundle``, for another source.

        Returns:
            The recognizer.

        Raises:
            BundleError: there is no such folder, it holds no bundle, or ``backbone`` is another CLIP.
            BackboneError: the backbone is not here, and may not or cannot be downloaded.
            HubError: the Hub cannot be reached, or has no such repository or revision.

        Example:
            >>> from ga2app import Recognizer
            >>> recognizer = Recognizer.from_pretrained("bundle", labels=["jumping", "dancing"])
            >>> recognizer.recognize(["clip.mp4"]).clips[0].answers[1].best.label
            'jumping'
        """
        loaded = load_bundle(_folder(bundle, revision, allow_download, fetch))
        if backbone is None:
            backbone = _own_backbone(loaded, allow_download)
        elif isinstance(backbone, str):
            backbone = load_backbone(backbone, allow_download=allow_download)
        return cls(backbone, loaded, num_frames=num_frames, labels=labels, negatives=negatives)


def _folder(bundle: str | os.PathLike[str], revision: str | None, allow_download: bool, fetch: Fetch) -> Path:
    """Where the bundle lies. A folder of that name goes first, as everywhere else."""
    place = Path(bundle)
    if isinstance(bundle, str) and not os.path.isdir(place):
        if "/" not in bundle or os.path.exists(place) or bundle.startswith(("/", ".", "~")):
            raise BundleError(
                f"'{bundle}' is neither a bundle's folder nor the name of a repository, which looks like user/bundle"
            )
        return fetch(bundle, NEEDED, revision=revision, allow_download=allow_download)
    if revision is not None:
        raise BundleError(f"'{place}' is a folder, and a folder has no revision '{revision}'; leave it out")
    return place


def _own_backbone(bundle: PromptBundle, allow_download: bool) -> Backbone:
    """The backbone that ``bundle`` was trained on: what the cache has of it if it fits, else its own revision."""
    own: Mapping[str, Any] = bundle.manifest.backbone
    name = str(own["name"])
    if name == SKETCH or os.path.isdir(name):
        return load_backbone(name)
    if name.count("/") != 1 or Path(name).is_absolute():
        raise BundleError(
            f"bundle '{bundle.manifest.name}' was trained on the backbone in the folder '{name}', which is not here; "
            "name the folder of the same CLIP as backbone"
        )
    try:
        found = load_backbone(name)
        if not difference(own, found.identity.to_dict()):
            return found
    except BackboneError:
        if not allow_download:
            raise
    revision = own.get("revision")
    return load_backbone(name, revision=str(revision) if revision else None, allow_download=allow_download)
