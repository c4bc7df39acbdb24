"""Import paths that earlier versions documented: they lead to where the names live now."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

OLD_PATHS = {
    "backbone": "clip",
    "bundle": "bundles",
    "clipsets": "datasets",
    "contracts": "types",
    "evaluate": "evaluation",
    "model": "method.prompted_model",
    "objective": "method.losses",
    "pretrained": "inference.pretrained",
    "prompts": "method.prompts",
    "recognize": "inference",
    "sketch": "synthetic",
    "sketch.clips": "synthetic.demo_dataset",
    "train": "training",
    "whitening": "method.whitening",
}
"""Old and new module, both below ``ga2app``."""


class _Moved(ModuleType):
    """Stands where a module was and asks the one that has its names now, which is imported at the first question."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        old = self.__name__.removeprefix("ga2app.")
        return getattr(importlib.import_module(f"ga2app.{OLD_PATHS[old]}"), name)


def keep_old_paths() -> None:
    """From here on ``import ga2app.<old>`` finds the old paths; nothing is loaded before a name is asked for."""
    for old in OLD_PATHS:
        sys.modules.setdefault(f"ga2app.{old}", _Moved(f"ga2app.{old}"))
