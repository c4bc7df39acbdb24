"""Models that stay loaded between requests."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path

import torch

from ga2app.bundles import PromptBundle, load_bundle
from ga2app.clip import Backbone, load_backbone
from ga2app.clip.turns import Turns
from ga2app.config import Precision
from ga2app.environment import backbones_in_memory
from ga2app.inference.recognizer import Recognizer
from ga2app.method.prompted_model import plain_clip

MOST_RECOGNIZERS = 4
"""Combinations of a backbone and bundles that stay ready."""
MOST_BUNDLES = 16
"""Bundles that stay loaded; recognizers keep their own besides."""


class ModelCache:
    """Keeps models loaded between requests: ``most`` backbones, of which the least recently used goes, and bundles.

    A bundle is loaded again only when its folder has changed.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = backbones_in_memory() if most is None else most
        self._lock = threading.Lock()
        self._backbones: OrderedDict[str, Backbone] = OrderedDict()
        self._bundles: OrderedDict[tuple[str, float], PromptBundle] = OrderedDict()
        self._recognizers: OrderedDict[tuple[str, tuple[int, ...]], Recognizer] = OrderedDict()
        self.turns = Turns()

    def warm(self, backbone: str) -> None:
        """Load ``backbone`` and compute once, so that the first request does not wait."""
        loaded = self.backbone(backbone)
        plain = plain_clip(loaded, ["something", "nothing"])
        side = loaded.sizes.image_size
        with torch.no_grad():
            plain(torch.zeros(1, 1, 3, side, side))

    def backbone(self, name: str) -> Backbone:
        """The backbone ``name``, loaded once while it is in use; raises BackboneError."""
        with self._lock:
            if name not in self._backbones:
                while len(self._backbones) >= self._most:  # first, so that there is room for the new one
                    gone, _ = self._backbones.popitem(last=False)
                    for key in [key for key in self._recognizers if key[0] == gone]:
                        del self._recognizers[key]
                self._backbones[name] = load_backbone(name, precision=Precision.AUTO)
            self._backbones.move_to_end(name)
            return self._backbones[name]

    def bundle(self, folder: str) -> PromptBundle:
        """The bundle in ``folder`` as it is now; raises BundleError."""
        manifest = Path(folder) / "bundle.json"
        key = (folder, manifest.stat().st_mtime if manifest.exists() else 0.0)
        with self._lock:
            if key not in self._bundles:
                for old in [old for old in self._bundles if old[0] == folder]:
                    del self._bundles[old]
                self._bundles[key] = load_bundle(folder)
                if len(self._bundles) > MOST_BUNDLES:
                    self._bundles.popitem(last=False)
            self._bundles.move_to_end(key)
            return self._bundles[key]

    def recognizer(self, backbone: str, folders: Sequence[str] = ()) -> Recognizer:
        """A recognizer with the bundles in ``folders``; one that was used before has its labels' features, still."""
        bundles, loaded = [self.bundle(folder) for folder in folders], self.backbone(backbone)
        with self._lock:
            # A recognizer holds its bundles, so no other bundle can have their ids while it is kept.
            key = (backbone, tuple(map(id, bundles)))
            if key not in self._recognizers:
                self._recognizers[key] = Recognizer(loaded, bundles)
                self._recognizers[key].turns = self.turns
            self._recognizers.move_to_end(key)
            while len(self._recognizers) > MOST_RECOGNIZERS:
                self._recognizers.popitem(last=False)
            return self._recognizers[key]
