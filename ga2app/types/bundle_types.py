"""What lists show of bundles and backbones, and what one bundle says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ga2app.types.conditions import Conditions
from ga2app.types.headline import SampleSize
from ga2app.types.hub_types import HubRevision


@dataclass(frozen=True)
class BundleCard:
    """What a list of bundles shows of one: folder and the facts of its manifest.

    ``name`` is the manifest's. The store adds ``title``, which is how lists call it, ``created_s``, when it was listed
    first, and ``hub``, what it was on the Hub when it was last pushed or pulled; they are not part of what the bundle
    is. ``method`` is empty where nobody has read it yet, ``tested`` where the bundle does not say it.
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
