"""Trained bundles, attached to their backbone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from ga2app import bundles
from ga2app.clip import Backbone
from ga2app.method.prompted_model import PromptedClip


@dataclass(frozen=True)
class PromptBundle:
    """A trained bundle, ready to be attached to its backbone."""

    bundle: bundles.Bundle
    folder: str

    @property
    def manifest(self) -> bundles.Manifest:
        return self.bundle.manifest

    def attach(self, backbone: Backbone, labels: Sequence[str]) -> PromptedClip:
        """The prompted model over ``labels``, novel ones too, in eval mode.

        Raises BundleError when the bundle belongs to another backbone, LabelError for labels that do not fit.
        """
        self.bundle.check_backbone(backbone.identity.to_dict())
        return PromptedClip(backbone, self.bundle.learner(), labels, self.bundle.whitening()).eval()


def load_bundle(folder: str | os.PathLike[str]) -> PromptBundle:
    """Read the bundle in ``folder``; raises BundleError."""
    return PromptBundle(bundles.load_folder(folder), os.fspath(folder))
