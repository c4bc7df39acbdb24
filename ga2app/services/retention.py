"""How long what nobody asked to keep is kept, and what is dropped in time: the settings of ``docs/operations.md``.

Also what imports of processes that are gone have left, here and on other machines.
"""

from __future__ import annotations

import logging
import math
import os
import re
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

from ga2app.environment import repeating
from ga2app.errors import ConfigError, Fault, StoreError
from ga2app.paths import Home
from ga2app.services.clip_inspector import sweep_pictures
from ga2app.services.true_labels import sweep_recognized
from ga2app.services.uploads import prune_uploads
from ga2app.store import Store
from ga2app.store.import_records import Imports
from ga2app.store.row_guard import APP, acting_as
from ga2app.worker import launcher

FOREVER = "forever"
_DAY_S = 24 * 3600.0
_VARIABLES = {
    "uploads_s": ("GA2_KEEP_UPLOADS_DAYS", 7.0, 1.0),
    "pictures_s": ("GA2_KEEP_PICTURES_DAYS", 7.0, 1.0),
    "checkpoints_s": ("GA2_KEEP_CHECKPOINTS_DAYS", math.inf, 30.0),
    "trash_s": ("GA2_KEEP_TRASH_DAYS", 7.0, 7.0),
}
"""Of each setting: the variable, and how many days hold without it, on a machine of one's own and on a Space."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Retention:
    """Seconds for which is kept: an upload since it was last used, the pictures of an answer, the checkpoint of a run
    that was stopped or failed (without it the run begins anew), a deletion or edit that can be undone."""

    uploads_s: float
    pictures_s: float
    checkpoints_s: float
    trash_s: float


def retention(on_space: bool, environment: Mapping[str, str] = os.environ) -> Retention:
    """What the environment says, else the defaults. Raises ConfigError with every variable at fault."""
    faults: list[Fault] = []
    days: dict[str, float] = {}
    for field, (variable, own, space) in _VARIABLES.items():
        said = environment.get(variable, "").strip().lower()
        try:
            days[field] = math.inf if said == FOREVER else float(said) if said else space if on_space else own
        except ValueError:
            days[field] = math.nan
        if not days[field] > 0:
            faults.append(Fault(variable, f"must be a number of days above 0, or {FOREVER}, not '{said[:40]}'"))
    if faults:
        raise ConfigError(faults)
    return Retention(**{field: number * _DAY_S for field, number in days.items()})


def drop_old(home: Home, store: Store, keep: Retention) -> None:
    """Drop what is older than ``keep`` says. Raises StoreError, OSError."""
    prune_uploads(home, keep_s=keep.uploads_s, pictures_s=keep.pictures_s)
    if dropped := store.trash.purge(keep_s=keep.trash_s):
        _log.info("%d old deletions were dropped for good", dropped)
    for run_id in store.runs.drop_old_checkpoints(keep.checkpoints_s):
        _log.info("the checkpoint of run %d, which ended long ago, was dropped; resumed, it would begin anew", run_id)
    sweep_pictures(home, store)
    sweep_recognized(home, store)


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
