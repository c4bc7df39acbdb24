"""The endpoints of the library: list, download, upload."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api

from ga2app.paths import safe_name
from ga2app.services.studio import Studio
from ga2app.store import BundleQuery
from ga2app.types import BundleCard, as_document, cautions, to_counts, with_nulls
from ga2app.web.api.answering import told

MAX_LISTED = 200


def build_library_api(studio: Studio) -> None:
    """Connect ``/list_bundles``, ``/download_bundle`` and ``/upload_bundle``.

    Files go through unseen components: only what the caller uploaded is read, only what was packed is served.
    """

    def list_bundles(search: str = "", backbone: str = "", limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
        """List the prompt bundles of the library, newest first: key, name, backbone, labels, figures in percent.

        Args:
            search: words that name, labels, data set, method or backbone must contain; empty for all.
            backbone: only bundles that belong to this backbone; empty for all.
            limit: how many to answer, at most 200.
            offset: how many of the newest to leave out, to read on where the last answer ended.

        Returns:
            bundle: the key that names it, for recognize, download_bundle and as a hard prompt.
            name: what the library calls it.
            origin: trained, imported or embedded.
            backbone: the CLIP that it belongs to.
            usable: whether that CLIP and the bundle's files are on the studio's machine.
            base: the labels that it was trained on.
            novel: the labels that it was tested on without training.
            metrics: its accuracy in percent: base, novel and their harmonic mean hm; null for what was not measured,
                or is 100 % by construction.
            zero_shot: the same figures of zero-shot CLIP.
            tested: how many test clips and labels base and novel accuracy rest on; empty for bundles of before.
            intervals: the 95 % interval of each figure, two numbers.
            cautions: why the figures say less than they seem to, in sentences.
            dataset: the data set that it was trained on.
            method: the method, as `train --method` names it.
            seed: the seed of its run.
            created_s: when it was made, in seconds since 1970.
        """
        with told():
            query = BundleQuery(text=search, backbone=backbone)
            found = studio.store.bundles.page(
                query, limit=max(1, min(int(limit), MAX_LISTED)), offset=max(0, int(offset))
            )
        return [listed(card, studio.has_backbone(card.backbone)) for card in found]

    def download_bundle(bundle: str) -> str:
        """Give a prompt bundle as a zip file: prompts as safetensors, its manifest as JSON, its model card.

        Args:
            bundle: the key that list_bundles gave.

        Returns:
            zip: the file, which gradio_client saves and gives the path of.

        Raises:
            BundleError: no bundle is named, there is none of that key, or its files are gone.
        """
        with told():
            return zip_to_serve(studio, bundle, packed.GRADIO_CACHE)

    def upload_bundle(archive: str) -> dict[str, Any]:
        """Check a zipped prompt bundle and put it into the library; a bundle that is there already is not doubled.

        Args:
            archive: the zip file, as download_bundle or `python -m ga2app export` made it.

        Returns:
            bundle: the key of the bundle, and all else that list_bundles tells of one.
            new: false where the library had it already.

        Raises:
            BundleError: the file is no bundle, or holds what does not belong into one; nothing of it is kept.
        """
        with told():
            card, fresh = studio.library.import_bundle(archive or "")
        return listed(card, studio.has_backbone(card.backbone)) | {"new": fresh}

    unseen: dict[str, Any] = {"visible": False}
    key, packed = gr.Textbox("", label="bundle", **unseen), gr.File(label="zip", **unseen)
    given, answer = gr.File(label="archive", **unseen), gr.JSON(label="answer", **unseen)
    gr.Button(**unseen).click(download_bundle, key, packed, api_name="download_bundle")
    gr.Button(**unseen).click(upload_bundle, given, answer, api_name="upload_bundle")
    api(list_bundles, api_name="list_bundles")


def zip_to_serve(studio: Studio, key: str, cache: str | Path) -> str:
    """The zip of the bundle under ``key``, as a file in ``cache``, from where Gradio serves it."""
    from gradio.processing_utils import save_file_to_cache

    card = studio.library.bundle(key)
    name = safe_name(card.title or card.name) + ".zip"
    with tempfile.TemporaryDirectory(prefix="ga2-") as folder:
        packed = studio.library.export_zip(card.folder, Path(folder) / name)
        return str(save_file_to_cache(packed, str(cache)))


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
