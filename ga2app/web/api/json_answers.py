"""What endpoints give, as plain JSON: recognized clips, and bundles in a list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ga2app.services.recognition_service import Results
from ga2app.types import BundleCard, as_document, cautions, to_counts, with_nulls


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
