"""What a bundle says of itself: ``bundle.json``, and the checks on it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ga2app.config import RunConfig
from ga2app.config.presets import method_of
from ga2app.config.reading import broken, quoted, ruled
from ga2app.datasets.label_descriptions import stored_sentences
from ga2app.errors import BundleError, ConfigError, ErrorCode, named, shown
from ga2app.types import BundleCard, BundleFacts, Conditions, Dataset, Temperature, defined, read_conditions
from ga2app.types.reliability_types import read_temperature
from ga2app.untrusted import MAX_WHOLE, open_ordinary, parse_json, read_ordinary, text_fault

FORMAT_VERSION = 3
"""Version 1 had neither ``conditions`` nor ``trained``, version 2 no ``descriptions`` and no ``temperature``; they are
read all the same."""
MANIFEST, TENSORS, CARD = "bundle.json", "prompts.safetensors", "README.md"
MAX_NAME, MAX_WIDTH = 200, 1 << 16
MAX_MANIFEST_BYTES = 8 << 20
MAX_CARD_BYTES = 1 << 20
"""A model card longer than that is shown in part."""

_PATH = re.compile(r"[.~\\/]|[A-Za-z]:[\\/]")


def _texts(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) and not text_fault(item) for item in value)


def _versions(value: object) -> bool:
    return isinstance(value, Mapping) and _texts(tuple(value.values()))


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MAX_WHOLE


def _figures(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(figure, int | float) and not isinstance(figure, bool) and abs(figure) <= MAX_WHOLE
        for figure in value.values()
    )


def _backbone(value: Any) -> bool:
    """Whether it has a name, a fingerprint and sizes that a CLIP can have."""
    if not isinstance(value, Mapping) or not isinstance(value.get("sizes"), Mapping):
        return False
    widths = [value["sizes"].get(width) for width in ("visual_width", "text_width", "embedding_width")]
    named = all(isinstance(text := value.get(key), str) and text for key in ("name", "fingerprint"))
    return named and all(_whole(width) and 0 < width <= MAX_WIDTH for width in widths)


def _calibrated(value: Any) -> bool:
    try:
        read_temperature(value if isinstance(value, Mapping) else {"": ""})
    except ValueError:
        return False
    return True


_NAME = ruled(
    lambda value: isinstance(value, str) and 0 < len(value.strip()) <= MAX_NAME and not text_fault(value),
    f"must be a text of at most {MAX_NAME} characters, without control characters",
)
_TEXTS = ruled(_texts, "must be a list of texts")
_FIGURES = ruled(_figures, "must be numbers by name")
_SENTENCES = ruled(stored_sentences, "must be lists of sentences by label")
_TEMPERATURE = ruled(_calibrated, "must be what a run stores of it")
_OBJECT = ruled(lambda value: isinstance(value, Mapping), "must be an object")


@dataclass(frozen=True)
class Manifest:
    """What ``bundle.json`` says. Metrics are percent; ``backbone`` is ``BackboneId.to_dict()``.

    ``conditions`` is ``Conditions.to_dict()``: what the run really used, and on how much it was tested. ``trained`` has
    a mark of each training clip (``ga2app.datasets.clip_files``). Both are empty in bundles of version 1.
    ``descriptions`` are sentences by label or by negative prompt, since version 3.
    ``temperature`` is ``Temperature.to_dict()``, which its percentages are made with; bundles of before have none.
    """

    format_version: int
    name: str = field(metadata=_NAME)
    backbone: Mapping[str, Any] = field(metadata=ruled(_backbone, "does not say which backbone it is for"))
    config: Mapping[str, Any]
    base: tuple[str, ...] = field(metadata=_TEXTS)
    novel: tuple[str, ...] = field(metadata=_TEXTS)
    dataset_hash: str = field(metadata=ruled(lambda value: isinstance(value, str), "must be a text"))
    anchor_captions: tuple[str, ...] = field(metadata=_TEXTS)
    negatives: tuple[str, ...] = field(metadata=_TEXTS)
    preprocessing: Mapping[str, Any] = field(metadata=_OBJECT)
    steps: int = field(metadata=ruled(lambda value: _whole(value) and value >= 0, "must be a whole number"))
    metrics: Mapping[str, float] = field(metadata=_FIGURES)
    zero_shot: Mapping[str, float] = field(metadata=_FIGURES)
    packages: Mapping[str, str] = field(metadata=ruled(_versions, "must be versions by name"))
    conditions: Mapping[str, Any] = field(default_factory=dict, metadata=_OBJECT)
    trained: tuple[str, ...] = field(default=(), metadata=_TEXTS)
    descriptions: Mapping[str, Sequence[str]] = field(default_factory=dict, metadata=_SENTENCES)
    temperature: Mapping[str, Any] = field(default_factory=dict, metadata=_TEMPERATURE)

    @property
    def calibrated(self) -> Temperature:
        """What its percentages are made with, and the threshold that was chosen from data."""
        return read_temperature(self.temperature)

    @property
    def used(self) -> Conditions:
        """What the run really used, and on how much it was tested."""
        return read_conditions(self.conditions)

    def figures(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Those of ``metrics``, its own or zero-shot CLIP's, that are not 100% by construction."""
        return defined(metrics, {"base": len(self.base), "novel": len(self.novel)})

    @property
    def run(self) -> RunConfig:
        return RunConfig.from_dict(self.config)


_OPTIONAL = {item.name for item in fields(Manifest) if item.default_factory is not MISSING or item.default == ()}


def read_manifest(root: Path, shown: str = "") -> Manifest:
    """The manifest of the bundle in ``root``, checked; raises BundleError, which calls the bundle ``shown``."""
    shown = shown or str(root)
    try:
        data = parse_json(read_ordinary(root / MANIFEST, MAX_MANIFEST_BYTES))
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise BundleError(
            f"'{shown}' is not a prompt bundle: it has no {MANIFEST}",
            hint="give the bundle's folder",
            code=ErrorCode.BUNDLE_UNUSABLE,
        ) from exc
    except (OSError, ValueError) as exc:
        raise BundleError(f"bundle '{shown}': {MANIFEST} cannot be read ({exc}); get a fresh copy") from exc
    version = data.get("format_version") if isinstance(data, dict) else None
    if type(version) is not int or not 1 <= version <= FORMAT_VERSION:
        raise BundleError(
            f"bundle '{shown}' has format version {quoted(version)} and this program reads versions up to "
            f"{FORMAT_VERSION}",
            hint="update GA² Studio, or export the bundle again",
            code=ErrorCode.BUNDLE_UNUSABLE,
        )
    values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}
    if faults := _faults(values):
        told = "; ".join(faults)
        raise BundleError(f"bundle '{shown}': {MANIFEST} is not a valid manifest ({told}); get a fresh copy")
    return Manifest(**values)


def _faults(values: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with the values of a manifest, which may come from anybody."""
    known = {item.name for item in fields(Manifest)}
    odd = sorted((known - _OPTIONAL - values.keys()) | (values.keys() - known))
    faults = [f"missing or unknown: {named(map(shown, odd), 20)}"] if odd else []
    faults += [f"{one.field}: {one.message}" for one in broken(Manifest, values)]
    try:
        RunConfig.from_dict(values.get("config", {}))
    except ConfigError as exc:
        faults.append(str(exc))
    except (TypeError, KeyError, AttributeError) as exc:
        faults.append(f"config cannot be read ({exc})")
    return faults


def read_card(folder: str | os.PathLike[str], origin: str) -> BundleCard:
    """What lists show of the bundle in ``folder``; ``origin`` is one of trained, imported, embedded, hub:…."""
    manifest = read_manifest(Path(folder))
    run = manifest.run
    return BundleCard(
        folder=str(folder),
        name=manifest.name,
        backbone=str(manifest.backbone["name"]),
        base=manifest.base,
        novel=manifest.novel,
        metrics=manifest.figures(manifest.metrics),
        zero_shot=manifest.figures(manifest.zero_shot),
        origin=origin,
        dataset=run.dataset,
        method=method_of(run),
        seed=run.seed,
        tested=manifest.used.tested,
        size_bytes=sum(path.stat().st_size for path in Path(folder).iterdir() if path.is_file()),
    )


def read_facts(folder: str | os.PathLike[str], origin: str) -> BundleFacts:
    """Everything that the bundle in ``folder`` says of itself; raises BundleError."""
    root = Path(folder)
    card, manifest = read_card(folder, origin), read_manifest(root)
    try:
        files = tuple((path.name, path.stat().st_size) for path in sorted(root.iterdir()) if path.is_file())
        readme = b""
        if (root / CARD).is_file():
            with open_ordinary(root / CARD) as stream:
                readme = stream.read(MAX_CARD_BYTES)
    except OSError as exc:
        raise BundleError(f"bundle '{folder}' cannot be read ({exc}); check the disk, or get a fresh copy") from exc
    return BundleFacts(
        card=card,
        config=manifest.run.to_dict(),
        backbone=manifest.backbone,
        dataset_hash=manifest.dataset_hash,
        steps=manifest.steps,
        anchor_captions=manifest.anchor_captions,
        negatives=manifest.negatives,
        packages=manifest.packages,
        files=files,
        readme=readme.decode(errors="replace"),
        conditions=manifest.used,
    )


def dataset_hash(dataset: Dataset) -> str:
    """Hash of the file names, labels and subsets of a data set, wherever it lies."""
    rows = sorted((Path(clip.path).name, clip.label, str(clip.subset)) for clip in dataset.clips)
    anchors = sorted((Path(anchor.path).name, anchor.caption) for anchor in dataset.anchors)
    whole = [list(dataset.base), list(dataset.novel), rows, anchors, list(dataset.negatives)]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()[:16]


def package_versions() -> dict[str, str]:
    """Versions of the packages that decide what a bundle computes."""
    names = ("torch", "transformers", "safetensors", "numpy", "av", "decord2")
    return {name: importlib.metadata.version(name) for name in names}


def to_json(manifest: Manifest) -> str:
    """The text of ``bundle.json``: indented, keys sorted, without what its format version does not have."""
    told = {name: value for name, value in asdict(manifest).items() if value or name not in _OPTIONAL}
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def to_publish(manifest: Manifest) -> Manifest:
    """``manifest`` as others may see it: of a backbone, a data set or a hard prompt in a folder only the last name.

    It says what it said before, and which weights belong to it: those are known by their fingerprint.
    """
    config = dict(manifest.config)
    for name in {"backbone", "dataset"} & config.keys():
        config[name] = without_path(config[name])
    prompts = config.get("prompts", {})
    if "hard_prompt" in prompts:
        config["prompts"] = {**prompts, "hard_prompt": without_path(prompts["hard_prompt"])}
    backbone = {**manifest.backbone, "name": without_path(manifest.backbone["name"])}
    return replace(manifest, config=config, backbone=backbone)


def manifest_digest(manifest: Manifest) -> str:
    """SHA-256 of what ``manifest`` says whatever the bundle is called, and whoever published it from which folder."""
    return hashlib.sha256(to_json(replace(to_publish(manifest), name="")).encode()).hexdigest()


def without_path(name: str) -> str:
    """The last part of a path on somebody's machine, which is nobody else's business; any other name as it is."""
    return re.split(r"[\\/]", name.rstrip("\\/"))[-1] if _PATH.match(name) else name
