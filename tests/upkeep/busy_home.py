"""A process that works in a data directory until it is killed: ``python -m tests.upkeep.busy_home HOME``.

It trains one run, which tells of every step and saves every fifth, imports clips, and adds and deletes prompts.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from ga2app.config import RunConfig
from ga2app.paths import Home, whole_file
from ga2app.store import Store
from ga2app.types import Event, EventKind
from ga2app.worker import launcher

EVERY = 5


def main(root: str) -> None:
    home = Home(Path(root))
    with Store.open(home, busy_s=60.0) as store:
        me = launcher.this_process()
        store.runs.queue(RunConfig())
        record = store.runs.claim(me.pid, me.started_s)
        assert record
        import_id = store.imports.begin("walks", "walks.zip", me.pid, me.started_s)
        staged = home.datasets / f".import-{import_id}" / "clips"
        staged.mkdir(parents=True)
        log = home.run_folder(record.id) / "log.txt"
        log.parent.mkdir(parents=True)
        sys.stdout.write("working\n")
        sys.stdout.flush()
        for step in itertools.count(1):
            store.runs.append(record.id, Event(EventKind.STEP, step, {"total": 1.0 / step}))
            store.imports.progress(import_id, "Looking at clips", step, 10**6)
            (staged / f"{step}.mp4").write_bytes(b"half a clip")
            with log.open("a", encoding="utf-8") as lines:
                lines.write(f"step {step}\n")
            if step % EVERY == 0:
                with whole_file(home.checkpoint(record.id)) as fresh:
                    fresh.write_text(str(step))
            store.runs.heartbeat(record.id, pid=me.pid)


if __name__ == "__main__":
    main(sys.argv[1])
