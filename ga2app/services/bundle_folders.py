"""The door to bundles as folders and as zip files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ga2app.types import BundleCard, BundleFacts


class BundleFolders:
    """The real shelf; torch is loaded when a bundle is first looked at."""

    def facts(self, folder: str, origin: str) -> BundleFacts:
        """See ``contracts.BundleShelf``."""
        from ga2app.bundles import read_facts

        return read_facts(folder, origin)

    def pack(self, folder: str, out: Path, *, name: str = "") -> None:
        """See ``contracts.BundleShelf``."""
        from ga2app.bundles import pack

        pack(folder, out, name=name)

    def take_in(
        self, archive: Path, shelf: Path, *, taken: Collection[str] = (), known: Sequence[str] = ()
    ) -> tuple[BundleCard, bool]:
        """See ``contracts.BundleShelf``."""
        from ga2app.bundles import take_in

        return take_in(archive, shelf, taken=taken, known=known)
