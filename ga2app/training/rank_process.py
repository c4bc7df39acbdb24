"""One of the processes of a run, as ``ga2app.training.distributed`` starts them: ``python -m … FOLDER``."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import sys
import threading
import time
from pathlib import Path

from ga2app.clip import ranks
from ga2app.errors import StudioError, code_of
from ga2app.training.distributed import EVENTS, FAULT, HEARD, JOB, RESULT, STOP, Job, train
from ga2app.types import Event, EventKind


def main(folder: Path) -> int:
    """Train the job in ``folder`` together with the other ranks; gives the exit status."""
    threading.Thread(target=_end_with_owner, name="waits for the end of the run", daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a file asks to stop
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    job: Job = pickle.loads((folder / JOB).read_bytes())  # nosec B301

    saved = 0

    def tell(event: Event) -> None:
        nonlocal saved
        with (folder / EVENTS).open("ab") as file:
            file.write(pickle.dumps(event))
        if event.kind is EventKind.SAVING:
            saved += 1
            while not (folder / HEARD).exists() or (folder / HEARD).stat().st_size < saved:
                time.sleep(0.005)

    try:
        with ranks.joined(job.config.device) as group:
            result = train(
                job.config,
                job.dataset,
                out=job.out,
                checkpoint=job.checkpoint,
                emit=tell,
                should_stop=(folder / STOP).exists,
                reported=job.reported,
            )
            if group.first:
                _write(folder / RESULT, result)
    except Exception as exc:  # it comes up on one rank alone
        logging.exception("rank %s", os.environ["RANK"])
        if isinstance(exc, StudioError):
            exc.code = code_of(exc)  # what caused it stays here
        _write(folder / FAULT, exc)
        return 1
    return 0


def _write(file: Path, value: object) -> None:
    fresh = file.with_name(file.name + ".new")
    fresh.write_bytes(pickle.dumps(value))
    fresh.replace(file)


def _end_with_owner() -> None:
    """No rank outlives the process that started the run: its end of this pipe closes, however it ends."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
