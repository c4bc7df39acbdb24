"""What it costs that a Space's database is seen by one person at a time: each call with the rule and without, in turns.

    python benchmarks/owners_cost.py [--clips 60000] [--runs 200] [--turns 21]

Without the rule the same store is asked as the app itself; with it as a visitor who is signed in and sees everything
that there is, because it is shared: the views filter each row and leave out none. Milliseconds are medians, of the
processor.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import gradio as gr
from fastapi import Request
from gradio.context import LocalContext

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
from benchmarks.full_home import FULL, fill_home  # noqa: E402
from ga2app.paths import Home  # noqa: E402
from ga2app.services.space import Access, Space  # noqa: E402
from ga2app.services.studio import Studio, own_studio  # noqa: E402
from ga2app.store import BundleQuery  # noqa: E402
from ga2app.store.clip_pages import ClipFilter  # noqa: E402
from ga2app.store.row_guard import APP, SHARED, acting_as  # noqa: E402
from ga2app.web.access import guarded  # noqa: E402


def calls(studio: Studio) -> dict[str, Callable[[], object]]:
    """What pages and endpoints ask for when they are opened, by name."""
    store = studio.store
    large = max(studio.datasets.all(), key=lambda row: row.clips).id
    bundle = studio.library.page(BundleQuery(), limit=1)[0].key
    clip = store.clips.page(large, ClipFilter(), limit=1)[0].id
    run = store.runs.list(limit=1)[0].id
    return {
        "data sets listed": studio.datasets.all,
        "labels of a data set": lambda: store.clips.labels(large),
        "clips counted": lambda: store.clips.count(large, ClipFilter()),
        "a page of clips": lambda: store.clips.page(large, ClipFilter(), limit=60, offset=600),
        "clips searched": lambda: store.clips.count(large, ClipFilter(text="thing 07")),
        "one clip": lambda: store.clips.get(clip),
        "a page of runs": studio.runs.page,
        "status of a run": lambda: studio.runs.status(run),
        "runs listed": studio.runs.summaries,
        "bundles listed": lambda: store.bundles.page(BundleQuery(), limit=50),
        "one bundle": lambda: studio.library.bundle(bundle),
        "anchor sets listed": store.anchors.sets,
        "negative prompts": lambda: store.negatives.rows(limit=50),
        "a run renamed": lambda: studio.runs.rename(run, "another name"),
    }


def visiting(name: str) -> None:
    """Let this thread answer a request of somebody who has signed in as ``name``, as Gradio does."""
    about = {"name": name, "preferred_username": name, "profile": "", "picture": ""}
    told = {"access_token": "t", "scope": "openid", "expires_at": time.time() + 3600, "userinfo": about}
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [], "query_string": b""}
    LocalContext.blocks.set(gr.Blocks())
    LocalContext.request.set(gr.Request(Request(scope | {"session": {"oauth_info": told}})))


def measured(work: Callable[[], object], turns: int) -> tuple[float, float]:
    """Median milliseconds without and with the rule."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(2 * turns + 2):
        begun = time.thread_time()
        if turn % 2:
            work()
        else:
            with acting_as(APP):
                work()
        if turn > 1:
            taken[turn % 2].append(1000 * (time.thread_time() - begun))
    return statistics.median(taken[0]), statistics.median(taken[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; the exit status is 1 if a call costs more than 1 ms more."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--clips", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--turns", type=int, default=21)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        fill_home(home, ["/a.mp4"], replace(FULL, clips=chosen.clips, runs=chosen.runs), pictures=False)
        with own_studio(home) as studio:
            with studio.store._database.write() as db:
                for table in SHARED:
                    owner = ", owner = 'bob'" if table == "runs" else ""
                    db.execute(f"UPDATE {table} SET shared = 1{owner}")
            studio = guarded(replace(studio, space=Space("alice/studio", "alice", Access.SIGNED_IN)))
            visiting("Bob")
            worst = 0.0
            print(f"{'':24}{'app':>10}{'a person':>10}{'more':>10}   (ms)")  # noqa: T201
            for name, work in calls(studio).items():
                alone, ruled = measured(work, chosen.turns)
                worst = max(worst, ruled - alone)
                print(f"{name:24}{alone:10.2f}{ruled:10.2f}{ruled - alone:10.2f}")  # noqa: T201
    print(f"most: {worst:.2f} ms, with {chosen.clips:,} clips and {chosen.runs} runs")  # noqa: T201
    return int(worst > 1.0)


if __name__ == "__main__":
    raise SystemExit(main())
