"""The library: the bundles of a home listed, described, imported, exported, renamed and deleted."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.errors import AccessError, BundleError, StudioError
from ga2app.services.quotas import check_room
from ga2app.services.uploads import is_received
from ga2app.store import BundleQuery
from ga2app.store.bundle_records import ROOM
from ga2app.types import BundleCard, BundleFacts

if TYPE_CHECKING:
    from ga2app.bundles.checkpoints import Imported
    from ga2app.bundles.onnx import Portable
    from ga2app.services.studio import Studio


class LibraryService:
    """The bundles of a studio. A bundle goes by its *key*, the name of its folder, which is no path of the machine.

    torch is loaded when a bundle is first read. Every method raises StudioError, most of them BundleError.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio, self._store = studio, studio.store.bundles

    def bundle(self, key: str | None) -> BundleCard:
        """The bundle under ``key``. Raises BundleError where there is none, or none is named."""
        card = self._studio.bundle(key)
        if card is None:
            raise BundleError("no bundle is chosen; choose one from the list")
        return card

    def page(self, query: BundleQuery, *, limit: int, offset: int = 0) -> list[BundleCard]:
        """The bundles that ``query`` asks for, with what their manifests say where the list does not know it yet."""
        cards = []
        for card in self._store.page(query, limit=limit, offset=offset):
            if not card.method and not self.is_missing(card):
                with contextlib.suppress(BundleError):  # the page about it says what is wrong with it
                    self.facts(card)
                    card = self._store.get(card.folder)
            cards.append(card)
        return cards

    def facts(self, card: BundleCard) -> BundleFacts:
        """All that the bundle says of itself; what the list did not know yet of one from before is written down.

        Not so by a look of somebody who may change nothing: it waits for the next one.
        """
        from ga2app.bundles import read_facts

        facts = read_facts(self.folder_of(card.folder), card.origin)
        if not card.method:
            with contextlib.suppress(AccessError):
                self._store.add(facts.card)
        return facts

    def is_missing(self, card: BundleCard) -> bool:
        """Whether the bundle's folder has vanished."""
        return not Path(card.folder).is_dir()

    def find(self, bundle: str | os.PathLike[str]) -> str:
        """The folder of a bundle by its path or its key; one that the library does not list is listed.

        Raises BundleError where there is no such folder, or it holds no bundle.
        """
        from ga2app.bundles import read_card

        folder = str(self.folder_of(bundle).resolve())
        if folder not in {card.folder for card in self._store.list()}:
            if not os.path.isdir(folder):
                raise BundleError(
                    f"there is no bundle '{bundle}' in the library and no folder of that name; check the name"
                )
            self._store.admit(read_card(folder, origin="imported"))
        return folder

    def folder_of(self, bundle: str | os.PathLike[str]) -> Path:
        """The path that ``bundle`` is, or else the folder of that key among the home's bundles.

        On a Space it has to be one that the library lists for who asks. Raises BundleError.
        """
        folder, inside = Path(bundle), self._studio.home.bundles / bundle
        if self._studio.space is None:
            return inside if not os.path.isdir(folder) and os.path.isdir(inside) else folder
        for card in self._store.list():
            if os.fspath(bundle) in (card.key, card.folder):
                return Path(card.folder)
        raise BundleError(f"there is no bundle '{bundle}' in the library; choose one from the list")

    def import_bundle(self, source: str | os.PathLike[str], folder: Path | None = None) -> tuple[BundleCard, bool]:
        """Check a bundle, a zip file or a folder, and put it into the library; gives its card and whether it is new.

        ``folder`` names a new folder outside of the library instead, and then nothing is listed. Raises BundleError
        with every fault, and then nothing is kept.
        """
        place = Path(source)
        if not source or not os.path.exists(place) or self._is_kept(place):
            raise BundleError(
                f"'{place.name}' cannot be read: there is no such file or folder; check the path, or upload it again"
            )
        if folder is None:
            return self.keep(place)
        from ga2app.bundles import take_in

        self._studio.may_change()
        return take_in(place, folder.parent, folder=folder)

    def _is_kept(self, place: Path) -> bool:
        """Whether a Space keeps it for somebody: a person names there what that person has uploaded, nothing else."""
        inside = place.resolve().is_relative_to(self._studio.home.root.resolve())
        return self._studio.space is not None and inside and not is_received(place)

    def keep(self, source: Path, shown: str = "", origin: str = "imported") -> tuple[BundleCard, bool]:
        """``import_bundle`` into the library, with how errors call the bundle and where its card says it comes from."""
        from ga2app.bundles import take_in

        self._studio.may_change()
        check_room(self._studio.store, source.iterdir() if source.is_dir() else [source])
        known = self._store.list()
        folders = [card.folder for card in known]
        taken = [Path(folder).name for folder in folders]
        shelf = self._studio.home.bundles
        card, fresh = take_in(source, shelf, taken=taken, known=folders, shown=shown, origin=origin)
        if not fresh:
            return self._store.get(card.folder), False
        try:
            return self._store.admit(card), True
        except StudioError:
            shutil.rmtree(card.folder, ignore_errors=True)
            raise

    def export_zip(self, bundle: str | os.PathLike[str], out: Path) -> Path:
        """Pack the bundle, by key or folder, into the zip file ``out``, under the name that the library has for it.

        Raises BundleError where ``out`` is there already, AccessError where the bundle is shared by somebody else.
        """
        from ga2app.bundles import pack

        if out.exists():
            raise BundleError(f"'{out}' is there already; name another file with --out")
        folder = self.folder_of(bundle)
        cards = {Path(card.folder).resolve(): card for card in self._store.list()}
        if (card := cards.get(folder.resolve())) is not None:
            self._studio.ownership.check_download(card)
        pack(folder, out, name=card.title if card else "")
        return out

    def export_onnx(
        self, bundle: str | os.PathLike[str], out: Path, *, labels: Sequence[str] = (), backbone: str = ""
    ) -> Portable:
        """Write the bundle for programs without torch to the new folder ``out``; see ``write_portable``.

        Without ``labels`` its own are taken, without ``backbone`` the CLIP that it names.
        """
        from ga2app.bundles import load_bundle
        from ga2app.bundles.onnx import write_portable
        from ga2app.clip import load_backbone

        loaded = load_bundle(self.folder_of(bundle))
        manifest = loaded.manifest
        clip = load_backbone(backbone or str(manifest.backbone["name"]), device="cpu")
        return write_portable(loaded, clip, labels or [*manifest.base, *manifest.novel], out)

    def import_checkpoint(self, file: str | os.PathLike[str], backbone: str, **how: Any) -> Imported:
        """Turn a checkpoint of published prompt-tuning code into a bundle or a backbone; see ``import_checkpoint``."""
        self._studio.may_change()
        if not self._studio.server_paths:
            raise AccessError(
                "files of the server cannot be imported here; turn the checkpoint into a bundle elsewhere"
            )
        from ga2app.bundles.checkpoints import import_checkpoint
        from ga2app.clip import load_backbone

        return import_checkpoint(file, load_backbone(backbone, device="cpu"), **how)

    def rename(self, key: str, title: str) -> None:
        """Call a bundle something else; its files stay as they are."""
        self._store.rename(self.bundle(key).folder, title)

    def delete(self, key: str) -> BundleCard:
        """Move a bundle to the trash, from where ``undo`` brings it back for a week."""
        card = self.bundle(key)
        self._store.discard(card.folder)
        return card

    def undo(self) -> str:
        """Bring back what was deleted last; gives what came of it. Raises StoreError where there is nothing."""
        return self._studio.store.trash.undo(ROOM)

    def to_undo(self) -> str:
        """What ``undo`` would do, for its button; empty where there is nothing."""
        return self._studio.store.trash.offer(ROOM)
