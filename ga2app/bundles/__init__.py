"""A prompt bundle: a folder with safetensors, a JSON manifest and a model card. Never a pickle.

Format 1: ``prompts.safetensors`` (the tensors of ``PromptLearner``), ``bundle.json`` (``Manifest``) and
``README.md`` (the model card).
"""

from ga2app.bundles.bundle_facts import read_facts
from ga2app.bundles.bundle_files import Bundle, check_place, load_folder, save
from ga2app.bundles.bundle_zip import pack, take_in, take_in_files
from ga2app.bundles.manifest import (
    FORMAT_VERSION,
    Manifest,
    dataset_hash,
    package_versions,
    read_card,
    read_manifest,
)

__all__ = [
    "FORMAT_VERSION",
    "Bundle",
    "Manifest",
    "check_place",
    "dataset_hash",
    "load_folder",
    "pack",
    "package_versions",
    "read_card",
    "read_facts",
    "read_manifest",
    "save",
    "take_in",
    "take_in_files",
]
