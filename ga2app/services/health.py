"""What is well with a data directory and what is not, and what can be put right in it.

A look makes nothing and changes nothing, also where there is no data directory yet.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ga2app.config import ClipConfig
from ga2app.disk import by_age
from ga2app.errors import BundleError, StoreError, StudioError, counted, named
from ga2app.paths import Home, version
from ga2app.services.clip_inspector import sweep_pictures
from ga2app.store import Store
from ga2app.store.data_disk import chosen_journal
from ga2app.store.database import explain_damage
from ga2app.store.database_check import known_schema, look, rebuild
from ga2app.types import Finding
from ga2app.video.disk_frame_cache import SPARE_BYTES, DiskFrameCache
from ga2app.worker import launcher
from ga2app.worker.worker_identity import plan_slots

NEEDED_BYTES = 1 << 30
SILENT_S = 60.0
"""A worker that nothing was heard of for so long hangs; others give its run to another one."""
_LEFT_FOR_S = 3600.0
_PLACES = (".*", "media/.*", "media/*/.*", "bundles/.*", "runs/.*", "runs/*/.*")
_BEING_MADE = re.compile(r"\.([0-9a-f]{32}-.+|import-\d+|(locks|rebuilt|demo)-.+|(.+\.)?new-\d+.*|.+\.json\.\d+)")
_FORMER = re.compile(r"\.(.+)\.old-\d+")
"""What was about to be replaced: where nothing has taken its place, it comes back."""


def examine(home: Home) -> list[Finding]:
    """Every finding on the data directory, its workers and its disk."""
    found = [Finding("version", True, f"{version()}, schema {known_schema()}")]
    checks: tuple[Callable[[Home], list[Finding]], ...] = (_home, _database, _workers, _disk, _leftovers)
    for check in checks:
        try:
            found += check(home)
        except (StudioError, OSError) as exc:
            found.append(Finding(check.__name__.strip("_"), False, str(exc)))
    return found


def repair(home: Home) -> list[str]:
    """Put right what ``examine`` finds wrong in the data directory, and say what was done. Raises StoreError.

    A damaged database is put together anew from what can be read of it; bundles that it does not list are listed.
    """
    if not home.root.is_dir():
        return []
    refuse_in_use(home)
    done = []
    if home.database.exists() and look(home).faults:
        rebuilt = rebuild(home)
        done.append(
            f"the database was put together anew from {counted(rebuilt.kept, 'row')} that could be read; the damaged "
            f"one is '{rebuilt.aside.name}'"
            + (f"; rows are lost of {named(rebuilt.lost, quoted=True)}" if rebuilt.lost else "")
        )
    for left in leftovers(home, older_s=0.0):
        former = _FORMER.fullmatch(left.name)
        if former and not left.with_name(former[1]).exists():
            left.rename(left.with_name(former[1]))
            done.append(f"put '{left.with_name(former[1]).relative_to(home.root)}' back, which was being replaced")
            continue
        (shutil.rmtree if left.is_dir() and not left.is_symlink() else os.unlink)(left)
        done.append(f"removed '{left.relative_to(home.root)}', which a process that is gone has left")
    if home.database.exists() or home.bundles.is_dir():
        with Store.open(home) as store:
            if gone := sweep_pictures(home, store, fresh_s=0.0):
                done.append(f"removed {counted(gone, 'picture')} of clips that are gone")
            done += [f"listed the bundle '{name}' again" for name in list_bundles_again(home, store)]
            done += [f"the clips in '{place}' belong to no data set: import it" for place in _unlisted(home, store)]
    return done


def list_bundles_again(home: Home, store: Store) -> Iterator[str]:
    """List the bundles that lie in the data directory and that the database does not know; gives their folders."""
    from ga2app.bundles import read_card

    listed = {os.path.abspath(card.folder) for card in store.bundles.list()} | store.imports.folders()
    for folder in sorted(home.bundles.iterdir()) if home.bundles.is_dir() else ():
        if os.path.abspath(folder) in listed or folder.name.startswith(".") or not folder.is_dir():
            continue
        with contextlib.suppress(BundleError):  # a folder that is none
            store.bundles.add(read_card(folder, origin="trained" if folder.name.startswith("run-") else "imported"))
            yield folder.name


def leftovers(home: Home, *, older_s: float = _LEFT_FOR_S) -> list[Path]:
    """What processes that are gone have left: what they were making, and the names of dead workers."""
    limit_s = time.time() - older_s
    there = [path for pattern in _PLACES for changed_s, path in by_age(home.root.glob(pattern)) if changed_s < limit_s]
    found = [path for path in there if _BEING_MADE.fullmatch(path.name) or _FORMER.fullmatch(path.name)]
    alive = {home.root / f"worker-{slot.name}.json" for slot in launcher.workers(home)}
    return sorted({*found, *(file for file in home.root.glob("worker-*.json") if file not in alive)})


def users(home: Home) -> list[str]:
    """Who has the data directory open besides the calling process: processes of this account, and all workers."""
    at_work = launcher.workers(home).values()
    far = [f"the worker {one.pid} of another machine or container" for one in at_work if not one.near]
    found = {one.pid for one in at_work if one.near}
    file = os.path.realpath(home.database)
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # another account's, or gone by now
            if file in {os.readlink(entry) for entry in (folder / "fd").iterdir()}:
                found.add(int(folder.name))
    return [f"process {pid}" for pid in sorted(found - {os.getpid()})] + far


def refuse_in_use(home: Home) -> None:
    """Raises StoreError where anybody has the data directory open, with the numbers of these processes."""
    if found := users(home):
        raise StoreError(
            f"the data directory '{home.root}' is in use by {named(found)}",
            hint="close the studio, end its workers (kill PID; a run that is under way is saved), and do it again",
        )


def _home(home: Home) -> list[Finding]:
    if not home.root.is_dir():
        return [Finding("home", True, f"{home.root} is not there yet; the first start makes it")]
    return [Finding("home", os.access(home.root, os.W_OK), str(home.root))]


def _database(home: Home) -> list[Finding]:
    if not home.database.exists():
        return [Finding("database", True, "there is none yet; the first start makes it")] if home.root.is_dir() else []
    state = look(home)
    if state.faults:
        return [Finding("database", False, explain_damage(home.database, state.faults[0]))]
    if state.newer:
        return [Finding("database", False, f"it was made by a newer version (it has '{state.newer}'); update the app")]
    counts = ", ".join(f"{count} {words}" for words, count in state.counts.items())
    pending = f" of {state.schema + state.pending}; the next start brings it up to date" if state.pending else ""
    detail = f"sound ({counts}), schema {state.schema}{pending}, journal {chosen_journal(home.root)}"
    return [
        Finding("database", True, detail),
        *(
            Finding(
                "worker",
                False,
                f"run {run_id} has not been heard of for {silent_s:.0f} s; end its process",
            )
            for run_id, silent_s in state.silent_s.items()
            if silent_s > SILENT_S
        ),
    ]


def _workers(home: Home) -> list[Finding]:
    """How many runs are trained at once here, and which workers are at work now."""
    slots = plan_slots()
    room = f"one on each of {len(slots)} devices ({', '.join(slot.device for slot in slots)})"
    if len(slots) == 1:
        room = f"one, on {slots[0].device}; --workers N makes them more" if slots[0].device == "cpu" else "one"
    at_work = [
        f"{slot.name} (process {process.pid}{'' if process.near else ' of another machine or container'})"
        for slot, process in launcher.workers(home).items()
    ]
    if not at_work and (earlier := launcher.worker_process(home)):
        at_work = [f"process {earlier.pid}, of an earlier version: end it to have one on each device"]
    return [Finding("workers", True, f"{room}; at work now: {', '.join(at_work) or 'none'}")]


def _disk(home: Home) -> list[Finding]:
    """What is free, beside what a run takes of it."""
    there = next(folder for folder in (home.root, *home.root.parents) if folder.is_dir())
    free, most = shutil.disk_usage(there).free, ClipConfig().cache_bytes
    frames = DiskFrameCache(home.frames, most).size_bytes()
    return [
        Finding(
            "disk",
            free > NEEDED_BYTES,
            f"{free / 1e9:.1f} GB free in the data directory; 1 GB is needed, and decoded frames take up to "
            f"{most / 1e9:.0f} GB of what is free beyond {SPARE_BYTES / 1e9:.0f} GB",
        ),
        Finding("frames", True, f"{frames / 1e9:.2f} GB of decoded frames in it (frames --clear removes them)"),
    ]


def _leftovers(home: Home) -> list[Finding]:
    left = leftovers(home)
    if not left:
        return []
    listed = named((str(path.relative_to(home.root)) for path in left), 3, quoted=True)
    return [Finding("leftovers", True, f"{listed} of processes that are gone; doctor --repair removes them")]


def _unlisted(home: Home, store: Store) -> list[str]:
    """Folders of imported clips that no data set has, nor a deletion that can be undone."""
    needed = store.imports.folders()
    folders = sorted(home.datasets.glob("import-*"))
    return [str(folder) for folder in folders if os.path.abspath(folder) not in needed]
