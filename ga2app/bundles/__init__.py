"""A prompt bundle: a folder with safetensors, a JSON manifest and a model card. Never a pickle.

Format 2: ``prompts.safetensors`` (the tensors of ``PromptLearner``), ``bundle.json`` (``Manifest``) and
``README.md`` (the model card).
"""

from ga2app.bundles.bundle_files import Bundle, PromptBundle, check_place, difference, load_bundle, load_folder, save
from ga2app.bundles.bundle_zip import LIMITS, REQUIRED, pack, take_in

from ga2app.bundles.manifest import (  # isort: skip
    FORMAT_VERSION, Manifest, dataset_hash, package_versions, read_card, read_facts, read_manifest,
)  # fmt: skip

__all__ = [
    "FORMAT_VERSION", "LIMITS", "REQUIRED", "Bundle", "Manifest", "PromptBundle", "check_place", "dataset_hash",
    "difference", "load_bundle", "load_folder", "pack", "package_versions", "read_card", "read_facts", "read_manifest",
    "save", "take_in",
]  # fmt: skip
