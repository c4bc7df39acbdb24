"""A home as it is after a year: hundreds of runs, thousands of clips, written in seconds; for measuring."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlite_utils

from ga2app.config import preset
from ga2app.paths import SKETCH_HARD_PROMPT, Home
from ga2app.store import Store
from ga2app.store.bundle_records import row_of
from ga2app.store.database import Database
from ga2app.types import BundleCard, RunState

LABELS = 40
_STATES = (RunState.DONE,) * 8 + (RunState.FAILED, RunState.STOPPED)


@dataclass(frozen=True)
class Scale:
    """How much of everything; ``steps`` are what each run tells of."""

    runs: int = 200
    clips: int = 2000
    negatives: int = 500
    bundles: int = 60
    anchors: int = 200
    steps: int = 480


FULL = Scale()


def fill_home(home: Home, files: Sequence[str], scale: Scale = FULL, *, pictures: bool = True) -> None:
    """Fill the database of ``home`` straight away, with folders for bundles.

    Every clip is one of ``files``, each as if it were another, and has a gray picture, unless ``pictures`` is False.
    """
    Store.open(home).close()
    database = Database(home)
    try:
        with database.write() as db:
            _add_dataset(db, "demo", files, 40)
            digests = _add_dataset(db, "everything", files, scale.clips)
            digests += _add_anchors(db, files, scale.anchors)
            _add_negatives(db, scale.negatives)
            _add_runs(db, database, home, scale)
            _add_bundles(db, database, home, scale.bundles)
    finally:
        database.close()
    picture = gray_picture()
    home.thumbs.mkdir(parents=True, exist_ok=True)
    for digest in digests if pictures else ():
        (home.thumbs / f"{digest}.jpg").write_bytes(picture)


def _add_dataset(db: sqlite_utils.Database, name: str, files: Sequence[str], clips: int) -> list[str]:
    row = {"name": name, "origin": "made for measuring", "created_s": time.time()}
    dataset = db.table("datasets").insert(row).last_pk
    kinds = ("base", "novel")
    ids = [
        db.table("labels").insert({"dataset_id": dataset, "name": f"doing thing {n:02d}", "kind": kinds[n % 2]}).last_pk
        for n in range(LABELS)
    ]
    digests = [f"{name}{n:058d}" for n in range(clips)]
    db.conn.executemany(
        "INSERT INTO clips (dataset_id, label_id, path, subset, digest, seconds, frames, width, height) "
        "VALUES (?, ?, ?, ?, ?, 2.0, 16, 64, 64)",
        [
            (dataset, ids[n % LABELS], files[n % len(files)], "test" if n % 5 == 0 else "train", digest)
            for n, digest in enumerate(digests)
        ],
    )
    return digests


def _add_anchors(db: sqlite_utils.Database, files: Sequence[str], count: int) -> list[str]:
    """Into the first of the sets that every home has: the one that the screen shows."""
    (anchor_set,) = db.execute("SELECT min(id) FROM anchor_sets").fetchone()
    digests = [f"anchor{n:058d}" for n in range(count)]
    db.conn.executemany(
        "INSERT INTO anchor_clips (set_id, path, caption, digest, seconds, frames, width, height) "
        "VALUES (?, ?, ?, ?, 2.0, 16, 64, 64)",
        [(anchor_set, files[n % len(files)], f"a thing happens, {n}", digest) for n, digest in enumerate(digests)],
    )
    return digests


def _add_negatives(db: sqlite_utils.Database, count: int) -> None:
    group = db.table("negative_groups").insert({"name": "everything else"}).last_pk
    rows = [(group, f"nothing of number {n}") for n in range(count)]
    db.conn.executemany("INSERT INTO negatives (group_id, text) VALUES (?, ?)", rows)


def _add_runs(db: sqlite_utils.Database, database: Database, home: Home, scale: Scale) -> None:
    config, now = preset("quick").to_dict(), time.time()
    for n in range(scale.runs):
        state = _STATES[n % len(_STATES)]
        at_s = now - 3600 * (scale.runs - n)
        row: dict[str, Any] = {
            "name": f"try {n}",
            "owner": "",
            "state": state.value,
            "config": json.dumps(config | {"dataset": "everything", "seed": n}, sort_keys=True),
            "seed": n,
            "created_s": at_s,
            "queued_s": at_s,
            "started_s": at_s,
            "finished_s": at_s + 600,
            "exit_code": 0,
            "error": "the disk was full; free some space" if state is RunState.FAILED else None,
        }
        run = int(db.table("runs").insert(row).last_pk)  # type: ignore[arg-type]
        if state is RunState.DONE:
            bundle = database.to_stored(home.bundles / f"run-{run:06d}")
            db.execute("UPDATE runs SET bundle = ? WHERE id = ?", [bundle, run])
        db.conn.executemany(
            'INSERT INTO events (run_id, at_s, kind, step, "values") VALUES (?, ?, ?, ?, ?)',
            [(run, at_s + step, kind, step, json.dumps(values)) for kind, step, values in _events(scale.steps)],
        )


def _events(steps: int) -> Iterator[tuple[str, int, dict[str, float]]]:
    an_epoch = max(1, steps // 30)
    yield "plan", 0, {"total_steps": steps, "steps_per_epoch": an_epoch, "epochs": 30}
    yield "zero_shot", 0, {"base": 75.0, "novel": 81.2, "hm": 78.0}
    for step in range(1, steps + 1):
        loss = 2 * math.exp(-step / 100) + 0.1 * math.sin(step)
        yield "step", step, {"ce": loss, "anchor": 0.3, "total": loss + 0.3, "learning_rate": 0.004}
        if step % an_epoch == 0:
            yield "epoch", step, {"epoch": step // an_epoch, "base": 80 + step % 7, "novel": 80.0, "hm": 81.0}


def _add_bundles(db: sqlite_utils.Database, database: Database, home: Home, count: int) -> None:
    """Real bundles: copies of the embedded one, two of three as if a run had made them."""
    done = [row[0] for row in db.execute("SELECT id FROM runs WHERE state = 'done' ORDER BY id DESC")]
    labels = tuple(f"doing thing {n:02d}" for n in range(LABELS))
    for n in range(count):
        trained = n % 3 > 0 and bool(done)
        name = f"run-{done.pop():06d}" if trained else f"a friend's bundle {n}"
        folder = home.bundles / name.replace(" ", "-").replace("'", "")
        shutil.copytree(SKETCH_HARD_PROMPT, folder)
        metrics, before = (
            {"base": 80.0 + n % 15, "novel": 79.0 + n % 9, "hm": 80.0 + n % 11},
            {"base": 75.0, "hm": 78.0},
        )
        card = BundleCard(
            folder=str(folder),
            name=name,
            backbone="sketch",
            base=labels[::2],
            novel=labels[1::2],
            metrics=metrics,
            zero_shot=before,
            origin="trained" if trained else "imported",
            dataset="everything",
            method="ga2-plus",
            seed=n,
            size_bytes=15_895,
        )
        stored = database.to_stored(folder)
        db.table("bundles").insert(row_of(card) | {"folder": stored, "created_s": time.time() - 3600 * (count - n)})


def gray_picture() -> bytes:
    """A small JPEG of nothing."""
    import io

    from PIL import Image

    drawn = io.BytesIO()
    Image.new("RGB", (160, 120), (120, 130, 128)).save(drawn, "JPEG", quality=70)
    return drawn.getvalue()
