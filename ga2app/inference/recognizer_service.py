"""The recognizer that the screens call: keeps backbones and bundles loaded between requests."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import torch

from ga2app.bundles import PromptBundle, load_bundle
from ga2app.clip import Backbone, load_backbone
from ga2app.config import Precision
from ga2app.inference.recognizer import Recognizer
from ga2app.method.prompted_model import plain_clip
from ga2app.types import NoneOfThese, Recognition

MOST_RECOGNIZERS = 4
"""Combinations of a backbone and bundles that stay ready."""


class StudioRecognizer:
    """Loads each backbone once, and each bundle again only when its folder has changed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._backbones: dict[str, Backbone] = {}
        self._bundles: dict[tuple[str, float], PromptBundle] = {}
        self._recognizers: dict[tuple[str, tuple[int, ...]], Recognizer] = {}

    def recognize(
        self,
        paths: Sequence[str],
        labels: Sequence[str],
        *,
        backbone: str,
        bundle: str | Sequence[str] | None = None,
        template: str | Sequence[str] | None = None,
        top_k: int = 5,
        none_of_these: NoneOfThese | None = None,
    ) -> Recognition:
        """See ``contracts.RecognizerService``."""
        folders = [bundle] if isinstance(bundle, str) else bundle or ()
        recognizer = self._recognizer(backbone, [self.bundle(folder) for folder in folders])
        return recognizer.recognize(paths, labels, template=template, top_k=top_k, none_of_these=none_of_these)

    def warm(self, backbone: str) -> None:
        """Load ``backbone`` and compute once, so that the first request does not wait."""
        loaded = self.backbone(backbone)
        plain = plain_clip(loaded, ["something", "nothing"])
        side = loaded.sizes.image_size
        with torch.no_grad():
            plain(torch.zeros(1, 1, 3, side, side))

    def backbone(self, name: str) -> Backbone:
        """The backbone ``name``, loaded once; raises BackboneError."""
        with self._lock:
            if name not in self._backbones:
                self._backbones[name] = load_backbone(name, precision=Precision.AUTO)
            return self._backbones[name]

    def bundle(self, folder: str) -> PromptBundle:
        """The bundle in ``folder`` as it is now; raises BundleError."""
        manifest = Path(folder) / "bundle.json"
        key = (folder, manifest.stat().st_mtime if manifest.exists() else 0.0)
        with self._lock:
            if key not in self._bundles:
                self._bundles = {old: kept for old, kept in self._bundles.items() if old[0] != folder}
                self._bundles[key] = load_bundle(folder)
            return self._bundles[key]

    def _recognizer(self, backbone: str, bundles: Sequence[PromptBundle]) -> Recognizer:
        """A recognizer that was asked before, with its labels' features, where there is one."""
        loaded = self.backbone(backbone)
        with self._lock:
            # A recognizer holds its bundles, so no other bundle can have their ids while it is kept.
            key = (backbone, tuple(map(id, bundles)))
            found = self._recognizers.pop(key, None) or Recognizer(loaded, bundles)
            self._recognizers[key] = found
            while len(self._recognizers) > MOST_RECOGNIZERS:
                del self._recognizers[next(iter(self._recognizers))]
            return found
