"""The endpoints of clips and bundles: recognize, list, download, upload.

A docstring here is what a caller reads, and an endpoint answers in plain JSON.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal, TypeAlias

from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from ga2app.errors import ConfigError, Fault
from ga2app.paths import safe_name
from ga2app.services.recognition_service import Results
from ga2app.services.recognition_service import none_of_these as decided
from ga2app.services.studio import Studio
from ga2app.store import BundleQuery
from ga2app.types import BundleCard, RecognitionRequest, as_document, cautions, to_counts, with_nulls

MAX_LISTED = 200
Files: TypeAlias = list[str]
OneFile: TypeAlias = str
"""Uploaded files, by their paths: ``build_api`` gives them an input that takes files."""


class Endpoints:
    """What programs may ask of ``studio``. Of files only those are read that the caller has uploaded."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def recognize(
        self,
        clips: Files,
        labels: str | list[str],
        bundle: str = "",
        backbone: str = "",
        template: str = "",
        top_k: int = 5,
        bundles: list[str] | None = None,
        templates: list[str] | None = None,
        none_of_these: Literal["off", "compete", "threshold"] = "off",
        threshold: float | None = None,
        negatives: str = "",
        descriptions: str = "off",
        stretch: str = "",
    ) -> dict[str, Any]:
        """Recognize clips with zero-shot CLIP and, if named, with prompt bundles beside it.

        Args:
            clips: the video files.
            labels: what the clips may show: a list of texts, or one text with the labels separated by commas or line
                breaks, where a label that holds a comma is in double quotes.
            bundle: the bundle's key as the studio lists it; empty for zero-shot CLIP alone.
            backbone: the backbone's name; empty for that of the bundles, or without one the studio's default.
            template: the sentence around a label, {} stands for the label; empty for the default.
            top_k: how many labels to return for each clip.
            bundles: a list of further bundles' keys; with bundle three at most, answered side by side.
            templates: a list of further sentences; of several the mean text feature is used.
            none_of_these: off, compete (negative prompts take part; a clip is none of these when one wins) or threshold
                (the best label is held against the nearest negative prompt).
            threshold: from 0 to 1, what the best label has to reach; empty: 0 (compete), the run's or 0.5 (threshold).
            negatives: the group of negative prompts; empty for all groups.
            descriptions: sentences averaged with a label's name: off, own (those that the bundles know), or more beside
                these: lines like "label: sentence", or a JSON object of labels and lists of sentences.
            stretch: the part of every clip that is looked at, "12,15.5" from 12 s to before 15.5 s; empty for all.

        Returns:
            backbone: the CLIP that recognized.
            notes: what to know about the answer, for example words that the backbone does not know.
            clips: for each clip its file, error (null if it could be read), plain and bundle (a list of label, score
                from 0 to 1, and kind: base, novel or negative; best first; understood is false where the backbone knows
                none of the label's words, which then takes no part), bundles (bundle, temperature, which its scores
                were made with and which changes no order, scores, none_of_these) and none_of_these (null, or none,
                reached, threshold, negative, negative_share).
            descriptions: the sentences that were used, by label.

        Raises:
            StudioError: no clip was given.
            LabelError: there are fewer than two different labels, or there is no such group of negatives.
            BundleError: there is no such bundle, it belongs to another backbone, or more than three are named.
            BackboneError: there is no such backbone on the machine; the message lists those that there are.
            ConfigError: an option with a value that cannot be used, and its rule.
        """
        names = labels if isinstance(labels, str) else texts_in("labels", labels)
        keys = [key for key in [bundle, *texts_in("bundles", bundles)] if key]
        patterns = [text for text in [template, *texts_in("templates", templates)] if text]
        most, rejected = 5 if top_k is None else int(top_k), decided(none_of_these, threshold, negatives)
        told = sentences(descriptions)
        request = RecognitionRequest(clips or [], names, keys, backbone, patterns, most, rejected, told, stretch)
        return document(self._studio.recognition.answer(request))

    def list_bundles(
        self, search: str = "", backbone: str = "", limit: int = 50, offset: int = 0
    ) -> list[dict[str, Any]]:
        """List the prompt bundles of the library, newest first: key, name, backbone, labels, figures in percent.

        Args:
            search: words that name, labels, data set, method or backbone must contain; empty for all.
            backbone: only bundles that belong to this backbone; empty for all.
            limit: how many to return, at most 200.
            offset: how many of the newest to skip, for the next page.

        Returns:
            bundle: the key that names it, for recognize, download_bundle and as a hard prompt.
            name: what the library calls it.
            origin: trained, imported or embedded.
            backbone: the CLIP that it belongs to.
            usable: whether that CLIP and the bundle's files are on the studio's machine.
            base: the labels that it was trained on.
            novel: the labels that it was tested on without training.
            metrics: its accuracy in percent: base, novel and their harmonic mean hm; null for what was not measured,
                or is 100% by construction.
            zero_shot: the same figures of zero-shot CLIP.
            tested: how many test clips and labels base and novel accuracy rest on; empty for older bundles.
            intervals: the 95% interval of each figure, two numbers.
            cautions: what limits the figures, in sentences.
            dataset: the data set that it was trained on.
            method: the method, as `train --method` names it.
            seed: the seed of its run.
            created_s: when it was made, in seconds since 1970.
        """
        most, query = max(1, min(int(limit), MAX_LISTED)), BundleQuery(text=search, backbone=backbone)
        cards = self._studio.store.bundles.page(query, limit=most, offset=max(0, int(offset)))
        return [listed(card, self._studio.has_backbone(card.backbone)) for card in cards]

    def download_bundle(self, bundle: str) -> OneFile:
        """Download a prompt bundle as a zip file: prompts as safetensors, its manifest as JSON, its model card.

        Args:
            bundle: the key that list_bundles gave.

        Returns:
            zip: the file, which gradio_client saves and gives the path of.

        Raises:
            BundleError: no bundle is named, there is none of that key, or its files are gone.
        """
        return zip_to_serve(self._studio, bundle, get_upload_folder())

    def upload_bundle(self, archive: OneFile) -> dict[str, Any]:
        """Check a zipped prompt bundle and put it into the library; a bundle that is there already is not doubled.

        Args:
            archive: the zip file, as download_bundle or `python -m ga2app export` made it.

        Returns:
            bundle: the key of the bundle, and all else that list_bundles tells of one.
            new: false where the library had it already.

        Raises:
            BundleError: the file is no bundle, or holds what does not belong into one; nothing of it is kept.
        """
        card, fresh = self._studio.library.import_bundle(archive or "")
        return listed(card, self._studio.has_backbone(card.backbone)) | {"new": fresh}


def sentences(given: Any) -> str | dict[str, Any] | None:
    """Descriptions as a request has them: None for "off", empty for those that bundles know; raises ConfigError."""
    if given in (None, "", "off"):
        return None
    if not isinstance(given, str | dict):
        raise ConfigError([Fault("descriptions", "must be a text, or a JSON object of labels and sentences")])
    return "" if given == "own" else given


def zip_to_serve(studio: Studio, key: str, cache: str | Path) -> str:
    """The zip of the bundle under ``key``, in ``cache``: Gradio serves it from there, under a name nobody can guess."""
    card = studio.library.bundle(key)
    name = safe_name(card.title or card.name) + ".zip"
    with tempfile.TemporaryDirectory(prefix="ga2-") as folder:
        packed = studio.library.export_zip(card.folder, Path(folder) / name)
        return str(save_file_to_cache(packed, str(cache)))


def texts_in(name: str, value: object) -> list[str]:
    """A list of texts; raises ConfigError for anything else."""
    if value is None or value == "":
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError([Fault(name, f'must be a list of texts, for example ["a", "b"], not {str(value)[:60]}')])
    return value


def document(results: Results) -> dict[str, Any]:
    """The answer as plain JSON; bundles go by their keys, never by a path of the server."""
    keys = [card.key for card in results.cards]
    clips = [clip.to_dict() for clip in results.clips]
    for clip in clips:
        for key, answer in zip(keys, clip["bundles"], strict=False):
            answer["bundle"] = key
    found = results.recognition
    told = {label: list(texts) for label, texts in found.descriptions.items()}
    return {"backbone": found.backbone, "notes": list(found.notes), "clips": clips, "descriptions": told}


def listed(card: BundleCard, usable: bool) -> dict[str, Any]:
    """A bundle as plain JSON, under the key that names it; ``usable`` if its backbone can be used here."""
    return {
        "bundle": card.key,
        "name": card.title or card.name,
        "origin": card.origin,
        "backbone": card.backbone,
        "usable": usable and Path(card.folder).is_dir(),
        "base": list(card.base),
        "novel": list(card.novel),
        "metrics": with_nulls(card.metrics),
        "zero_shot": with_nulls(card.zero_shot),
        "tested": to_counts(card.tested),
        "intervals": as_document(card.metrics, card.tested),
        "cautions": cautions(card.tested),
        "dataset": card.dataset,
        "method": card.method,
        "seed": card.seed,
        "created_s": card.created_s,
    }
