"""What lists show of bundles and backbones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BundleCard:
    """What a list of bundles shows of one: folder and the facts of its manifest."""

    folder: str
    name: str
    backbone: str
    base: tuple[str, ...]
    novel: tuple[str, ...]
    metrics: Mapping[str, float]
    zero_shot: Mapping[str, float]
    origin: str


@dataclass(frozen=True)
class BackboneChoice:
    """A backbone that can be used without a download: what to load and how to call it in a list."""

    name: str
    title: str
