"""GA² Studio as a library: three names recognize a clip, two take bundles to the Hub and from it.

    from ga2app import Recognizer, load_backbone, load_bundle, pull, push

    Recognizer.from_pretrained("user/bundle").recognize(["clip.mp4"])

Importing the package loads neither torch nor gradio; the names below load what they need when first used.
"""

from __future__ import annotations

import sys

if sys.version_info < (3, 11):
    _OLD = "Python 3.11 or newer is needed, this is %d.%d" % sys.version_info[:2]
    if sys.argv[:1] == ["-m"]:  # python -m ga2app: no traceback for whoever types a command
        sys.exit(_OLD)
    raise ImportError(_OLD)

from typing import TYPE_CHECKING

from ga2app.aliases import keep_old_paths

if TYPE_CHECKING:
    from ga2app.clip import load_backbone
    from ga2app.inference import load_bundle
    from ga2app.inference.pretrained import Recognizer
    from ga2app.services.push_and_pull import pull, push

__all__ = ["Recognizer", "load_backbone", "load_bundle", "pull", "push"]

_HOMES = {
    "load_backbone": "ga2app.clip",
    "load_bundle": "ga2app.inference",
    "Recognizer": "ga2app.inference.pretrained",
    "pull": "ga2app.services.push_and_pull",
    "push": "ga2app.services.push_and_pull",
}

keep_old_paths()


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'ga2app' has no attribute '{name}'")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
