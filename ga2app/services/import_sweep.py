"""Whether imports go on, here and on other machines; what those of processes that are gone have left is deleted."""

from __future__ import annotations

import re
import shutil
from contextlib import AbstractContextManager, suppress

from ga2app.environment import repeating
from ga2app.errors import StoreError
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.import_records import Imports
from ga2app.store.row_guard import APP, acting_as
from ga2app.worker import launcher

UNDER_WAY: set[tuple[str, int]] = set()
"""The imports that this process is at work on, by data directory and number."""

_BEAT_S = 5.0
_FOLDER = re.compile(r"\.?import-(\d+)")


@acting_as(APP)  # whoever may have asked: folders of others are needed, too
def sweep(home: Home, store: Store, *, thorough: bool = True) -> list[int]:
    """Tidy up after imports of processes that are gone: they have failed, and what they left is deleted.

    Clips of an import that the database does not know, because it was lost and made anew, are not ours to delete.
    Unless it is ``thorough``, folders are looked through only where an import has been found dead.
    """

    def own(import_id: int) -> bool:
        return (str(home.root), import_id) in UNDER_WAY

    dead = store.imports.abandon_dead(launcher.is_alive, own=own)
    if not (dead or thorough):
        return dead
    running, needed = store.imports.running(), store.imports.folders()
    for folder in home.datasets.iterdir() if home.datasets.is_dir() else ():
        number = _FOLDER.fullmatch(folder.name)
        if not number or str(folder) in needed or (running and int(number[1]) == running.id):
            continue
        if folder.name.startswith(".") or store.imports.knows(int(number[1])):
            shutil.rmtree(folder, ignore_errors=True)
    return dead


def heartbeat(imports: Imports, import_id: int) -> AbstractContextManager[None]:
    """In its block other machines hear that the import goes on: one clip may take long."""

    def beat() -> bool:
        with suppress(StoreError):
            imports.beat(import_id)
        return True

    return repeating(beat, _BEAT_S, f"heartbeat of import {import_id}")
