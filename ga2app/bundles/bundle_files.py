"""Bundles as folders: written whole or not at all, read with every check, attached to the CLIP that they belong to."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor

from ga2app.bundles.bundle_digests import check_digests, check_numbers, digests_of
from ga2app.bundles.manifest import CARD, MANIFEST, TENSORS, Manifest, read_manifest, to_json
from ga2app.bundles.model_card import model_card
from ga2app.clip import Backbone
from ga2app.clip.described_texts import NONE, Descriptions
from ga2app.config import PromptConfig
from ga2app.disk import why_unwritten
from ga2app.errors import BundleError, ConfigError, ErrorCode, code_of
from ga2app.method.prompted_model import PromptedClip
from ga2app.method.prompts import PromptLearner
from ga2app.method.whitening import CENTER, ROOT, Whitening, read_whitening
from ga2app.untrusted import read_ordinary
from ga2app.video.preprocessing import clip_preprocessing

MAX_TENSOR_BYTES = 1 << 30


@dataclass(frozen=True)
class Bundle:
    """A manifest and the tensors that belong to it."""

    manifest: Manifest
    tensors: Mapping[str, Tensor]

    def learner(self) -> PromptLearner:
        """The prompts, ready to be attached; raises BundleError when tensors and manifest disagree."""
        sizes = self.manifest.backbone["sizes"]
        prompts: PromptConfig = self.manifest.run.prompts
        if _elements(prompts, sizes) * 4 > MAX_TENSOR_BYTES:
            raise BundleError(
                f"bundle '{self.manifest.name}' asks for prompts of more than 1 GiB; they never are; get a fresh copy"
            )
        hard = self.tensors.get("hard")
        try:
            widths = sizes["visual_width"], sizes["text_width"], sizes["embedding_width"]
            learner = PromptLearner(prompts, *widths, hard_prompt=hard)
        except ConfigError as exc:
            raise BundleError(f"bundle '{self.manifest.name}' contradicts itself: {exc}; get a fresh copy") from exc
        learner.load_tensors({name: value for name, value in self.tensors.items() if name not in (CENTER, ROOT)})
        return learner.requires_grad_(False).eval()

    def whitening(self) -> Whitening | None:
        """The whitening of the joint space, None where the run had none; raises BundleError as ``learner`` does."""
        try:
            width = self.manifest.backbone["sizes"]["embedding_width"]
            return read_whitening(self.manifest.run.whitening, self.tensors, width)
        except BundleError as exc:
            raise BundleError(f"bundle '{self.manifest.name}': {exc}; get a fresh copy") from exc

    def check_backbone(self, backbone: Mapping[str, Any]) -> None:
        """Raises BundleError when the bundle was learned on another CLIP than ``backbone`` (a BackboneId dict)."""
        own = self.manifest.backbone
        differing = difference(own, backbone)
        if differing:
            raise BundleError(
                f"bundle '{self.manifest.name}' was trained on backbone '{own['name']}' ({own['fingerprint']}) and "
                f"cannot be used with '{backbone['name']}' ({backbone['fingerprint']}): {differing}",
                hint=f"choose backbone '{own['name']}', or a bundle trained on '{backbone['name']}'",
                code=ErrorCode.OTHER_BACKBONE,
            )


def check_place(folder: Path) -> None:
    """Raises BundleError where ``folder`` holds something else than a bundle, which saving would destroy."""
    if folder.is_file() or (folder.is_dir() and not (folder / MANIFEST).is_file() and any(folder.iterdir())):
        raise BundleError(f"'{folder}' is there already and is not a bundle; name a new folder for the bundle")


def save(bundle: Bundle, folder: Path) -> None:
    """Write ``bundle`` to ``folder``, replacing a bundle that is there. Atomic: written beside it, then renamed.

    Raises BundleError where the folder holds something else, or cannot be written.
    """
    check_place(folder)
    try:
        with whole_folder(folder) as fresh:
            save_file(dict(bundle.tensors), str(fresh / TENSORS), digests_of(bundle.manifest, bundle.tensors))
            (fresh / MANIFEST).write_text(to_json(bundle.manifest), encoding="utf-8")
            (fresh / CARD).write_text(model_card(bundle.manifest), encoding="utf-8")
    except (OSError, SafetensorError) as exc:  # the latter on a full disk
        size = sum(tensor.nbytes for tensor in bundle.tensors.values())
        raise BundleError(
            f"bundle '{folder}' could not be written ({why_unwritten(exc, folder.parent, size)}); free some space or "
            "choose another folder",
            code=code_of(exc) if code_of(exc) is ErrorCode.DISK_FULL else None,
        ) from exc


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A new folder to write into; it takes the place of ``folder`` when all of it is on the disk, or goes."""
    # Not the process's number: two containers may have the same. ``paths.drop_unfinished`` knows these names.
    token = uuid.uuid4().hex[:12]
    fresh, old = (folder.with_name(f".{folder.name}.{end}-{token}") for end in ("new", "old"))
    try:
        fresh.mkdir(parents=True)
        yield fresh
        for path in fresh.iterdir():
            with path.open("rb") as written:
                os.fsync(written.fileno())
        if folder.exists():
            os.replace(folder, old)
        os.replace(fresh, folder)
    finally:
        if old.exists() and not folder.exists():
            os.replace(old, folder)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def load_folder(folder: str | os.PathLike[str], shown: str = "") -> Bundle:
    """Read a bundle; raises BundleError that says what is wrong with the folder, which it calls ``shown``."""
    root = Path(folder)
    shown = shown or str(root)
    manifest = read_manifest(root, shown)
    path = root / TENSORS
    try:
        content = read_ordinary(path, MAX_TENSOR_BYTES)
        bundle = Bundle(manifest, load(content))
    except FileNotFoundError as exc:
        raise BundleError(f"bundle '{shown}' has no {TENSORS}; get a fresh copy") from exc
    except (OSError, SafetensorError) as exc:
        raise BundleError(f"bundle '{shown}': {TENSORS} cannot be read ({exc}); get a fresh copy") from exc
    check_numbers(bundle.tensors, shown)
    bundle.learner()
    bundle.whitening()
    check_digests(manifest, bundle.tensors, content, root, shown)
    return bundle


def _elements(prompts: PromptConfig, sizes: Mapping[str, int]) -> int:
    """How many numbers the prompts of these settings are."""
    text = sizes["text_width"]
    joint = 2 * text * text + text if prompts.coupled else 0
    return prompts.length * (prompts.visual_depth * sizes["visual_width"] + (prompts.text_depth + 1) * text) + joint


@dataclass(frozen=True)
class PromptBundle:
    """Trained prompts with what they say of themselves, ready to be attached to their backbone.

    Args:
        bundle: the prompts, the whitening and the manifest.
        folder: where they were read from.

    Example:
        >>> from ga2app import load_bundle
        >>> bundle = load_bundle("bundle")
        >>> bundle.manifest.backbone["name"], bundle.manifest.run.prompts.length
        ('sketch', 8)
    """

    bundle: Bundle
    folder: str

    @property
    def manifest(self) -> Manifest:
        """The settings, labels and figures of the run that made it."""
        return self.bundle.manifest

    def attach(self, backbone: Backbone, labels: Sequence[str], descriptions: Descriptions = NONE) -> PromptedClip:
        """The prompted model over class names, also over names that were not trained on (paper, section 3).

        Args:
            backbone: the CLIP that the bundle was trained on.
            labels: C class names.
            descriptions: sentences by label, averaged with its name: those of ``manifest.descriptions``, or others.

        Returns:
            A module in eval mode: from CLIP-normalized pixels (B, T, 3, S, S) to logits (B, C), clip features (B, D)
            and class features (C, D).

        Raises:
            BundleError: the bundle was trained on another backbone.
            LabelError: a label has more tokens than the text tower has positions left beside the prompts, or a
                description more than it has positions.

        Example:
            >>> import torch
            >>> from ga2app import load_backbone, load_bundle
            >>> model = load_bundle("bundle").attach(load_backbone("sketch"), ["jumping", "dancing"])
            >>> with torch.no_grad():
            ...     model(torch.zeros(1, 4, 3, 64, 64)).logits.shape
            torch.Size([1, 2])
        """
        self.bundle.check_backbone(backbone.identity.to_dict())
        prompts, whitening = self.bundle.learner(), self.bundle.whitening()
        model = PromptedClip(backbone, prompts, labels, whitening, descriptions=descriptions).eval()
        model.temperature = self.manifest.calibrated.used
        return model


def load_bundle(folder: str | os.PathLike[str]) -> PromptBundle:
    """Read a trained bundle; neither a backbone nor the network is needed.

    Args:
        folder: with ``bundle.json`` and ``prompts.safetensors``.

    Returns:
        The bundle, to be given to ``Recognizer`` or attached to its backbone.

    Raises:
        BundleError: the folder holds no bundle, or its files are damaged or of a newer format.

    Example:
        >>> from ga2app import load_bundle
        >>> bundle = load_bundle("bundle")
        >>> len(bundle.manifest.base)  # labels that it was trained on
        18
    """
    return PromptBundle(load_folder(folder), os.fspath(folder))


def difference(own: Mapping[str, Any], backbone: Mapping[str, Any]) -> str:
    """What tells the backbone ``own`` of a bundle from ``backbone``; empty where the bundle fits.

    Both are ``BackboneId.to_dict()``. Bundles of earlier versions know a fingerprint of six tensors alone, and were
    trained with the preprocessing of OpenAI's CLIP, whatever their backbone's folder said.
    """
    if own["fingerprint"] == backbone["fingerprint"]:
        return ""
    earlier = "weights" not in own
    same = own["fingerprint"] == backbone["six_tensors"] if earlier else own["weights"] == backbone["weights"]
    if same:
        wanted = backbone["preprocessing"]
        seen = clip_preprocessing(wanted["size_px"]).to_dict() if earlier else own.get("preprocessing")
        return _other_pixels(seen if isinstance(seen, Mapping) else {}, wanted, earlier)
    if own["sizes"] != backbone["sizes"]:
        return "other weights of another shape"
    if own.get("six_tensors") == backbone["six_tensors"]:
        return "other weights in the inner layers, or another activation"
    return "other weights"


def _other_pixels(seen: Mapping[str, Any], wanted: Mapping[str, Any], earlier: bool) -> str:
    """Settings of the preprocessing that differ; empty where a bundle of ``earlier`` versions differs in none."""
    names = [name for name in wanted if json.dumps(seen.get(name)) != json.dumps(wanted[name])]
    if not names:
        return "" if earlier else "other weights"
    told = ", ".join(
        f"{name} {json.dumps(seen.get(name))[:80]} there and {json.dumps(wanted[name])} here" for name in names
    )
    reason = " (before the backbone's preprocessor_config.json was read)" if earlier else ""
    return f"the same weights with other preprocessing{reason}: {told}"
