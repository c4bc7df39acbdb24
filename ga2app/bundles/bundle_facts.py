"""Everything that a bundle says of itself, for a page about it."""

from __future__ import annotations

import os
from pathlib import Path

from ga2app.bundles.manifest import read_card, read_manifest
from ga2app.bundles.model_card import CARD
from ga2app.errors import BundleError
from ga2app.types import BundleFacts

MAX_CARD_BYTES = 1 << 20
"""A model card longer than that is shown in part."""


def read_facts(folder: str | os.PathLike[str], origin: str) -> BundleFacts:
    """What the bundle in ``folder`` says of itself; raises BundleError."""
    root = Path(folder)
    card, manifest = read_card(folder, origin), read_manifest(root)
    try:
        files = tuple((path.name, path.stat().st_size) for path in sorted(root.iterdir()) if path.is_file())
        readme = _read_start(root / CARD) if (root / CARD).is_file() else ""
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
        readme=readme,
        conditions=manifest.used,
    )


def _read_start(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(MAX_CARD_BYTES).decode(errors="replace")
