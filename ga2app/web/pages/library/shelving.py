"""What the library does with bundles, for its screen and for programs."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from ga2app.errors import AccessError, BundleError
from ga2app.services.studio import Studio, bundle_key
from ga2app.types import BundleCard, BundleFacts
from ga2app.web.uploads import safe_name


def upload(studio: Studio, archive: str | Path) -> tuple[BundleCard, bool]:
    """Check a zipped bundle and list it; gives its card and whether it is new. Raises BundleError."""
    source = Path(archive)
    if not source.is_file():
        raise BundleError("the upload is gone; upload it again")
    known = studio.store.bundles.list()
    card, fresh = studio.shelf.take_in(
        source,
        studio.home.bundles,
        taken=[bundle_key(other) for other in known],
        known=[other.folder for other in known],
    )
    return (studio.store.bundles.admit(card) if fresh else studio.store.bundles.get(card.folder)), fresh


def pack(studio: Studio, key: str, cache: str | Path) -> str:
    """The zip of the bundle under ``key``, as a file in ``cache``, from where the page serves it."""
    from gradio.processing_utils import save_file_to_cache

    card = listed(studio, key)
    name = safe_name(card.title or card.name) + ".zip"
    with tempfile.TemporaryDirectory(prefix="ga2-") as folder:
        studio.shelf.pack(card.folder, Path(folder) / name, name=card.title)
        return str(save_file_to_cache(Path(folder) / name, str(cache)))


def listed(studio: Studio, key: str | None) -> BundleCard:
    """The bundle under ``key``. Raises BundleError if there is none, or none is named."""
    card = studio.bundle(key)
    if card is None:
        raise BundleError("no bundle is chosen; choose one from the list")
    return card


def facts_of(studio: Studio, card: BundleCard) -> BundleFacts:
    """All that the bundle says of itself; what the list did not know yet of one from before is written down.

    Not so by a look of somebody who may change nothing: it waits for the next one.
    """
    facts = studio.shelf.facts(card.folder, card.origin)
    if not card.method:
        with contextlib.suppress(AccessError):
            studio.store.bundles.add(facts.card)
    return facts


def completed(studio: Studio, cards: list[BundleCard]) -> list[BundleCard]:
    """``cards`` with what their manifests say, where the list does not know it yet; vanished ones as they are."""
    known = []
    for card in cards:
        if not card.method and Path(card.folder).is_dir():
            try:
                facts_of(studio, card)
                card = studio.store.bundles.get(card.folder)
            except BundleError:
                pass  # the page about it says what is wrong with it
        known.append(card)
    return known


def is_missing(card: BundleCard) -> bool:
    """Whether the bundle's folder has vanished."""
    return not Path(card.folder).is_dir()
