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
    """Recognizes clips with a backbone and, beside it, with a bundle or several; see ``ga2app.inference``."""

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
        """A recognizer with ``bundle``: its folder, or "user/bundle" on the Hub, or its address, at ``revision``.

        Of a repository the prompts (safetensors) and what they say of themselves (JSON) are fetched, and the backbone
        that they were trained on if it is not here; nothing is fetched unless ``allow_download``. ``backbone`` names
        another place of the same CLIP. ``labels``, ``negatives`` and ``num_frames`` are those of ``Recognizer``.
        Raises BundleError, BackboneError, HubError.
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
    if isinstance(bundle, str) and not place.is_dir():
        if "/" not in bundle or place.exists() or bundle.startswith(("/", ".", "~")):
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
    if name == SKETCH or Path(name).is_dir():
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
