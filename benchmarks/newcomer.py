"""What a newcomer waits for: the start of the app, Quick training of the demo, one recognition; in a home of its own.

python -m benchmarks.newcomer
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from ga2app.config import SKETCH, preset
from ga2app.errors import StudioError
from ga2app.paths import APP, PROJECT, Home
from ga2app.types import RunState
from ga2app.worker import launcher

PORT = 7961
PATIENCE_S = 600.0
RECOGNITIONS = 20
LABELS = ("riding a bicycle", "walking", "flying a kite", "playing the guitar", "climbing a ladder")


def bench_studio(epochs: int | None = None) -> dict[str, float]:
    """Seconds until the app answers, from Queue to done of the demo's Quick training, and for one warm recognition.

    ``epochs`` shortens the training. Also ``drawing_s``, from the app's start until the demo data set is there, which
    a first run may have to wait for.
    """
    with tempfile.TemporaryDirectory() as folder:
        return measure(Home(Path(folder)), epochs)


def measure(home: Home, epochs: int | None = None) -> dict[str, float]:
    """The same in ``home``, whatever it holds."""
    with _app(home) as started:
        answered = until_answer(started)
        drawn = _until_drawn(home, started)
        trained = _train(home, epochs)
    return {
        "app_answers_s": answered,
        "drawing_s": drawn,
        "quick_training_s": trained,
        "recognition_s": _recognize(home),
    }


def format_table(seconds: dict[str, float]) -> str:
    """A line for each figure."""
    names = {
        "app_answers_s": "python app.py answers",
        "drawing_s": "demo data set drawn, since the start",
        "quick_training_s": "Quick training of the demo, queue to done",
        "recognition_s": "one clip recognized, 8 frames, warm (median)",
    }
    return "\n".join(f"{names[key]:46} {value:7.2f} s" for key, value in seconds.items())


@contextmanager
def running_app(home: Home) -> Iterator[float]:
    """The app in a process of its own, and answering; yields the moment of its start."""
    with _app(home) as started:
        until_answer(started)
        yield started


@contextmanager
def _app(home: Home) -> Iterator[float]:
    """The app in a process of its own; yields the moment of its start."""
    command = [sys.executable, str(APP), "--home", str(home.root), "--port", str(PORT)]
    with (home.root / "app.log").open("wb") as log:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=PROJECT)
        try:
            yield started
        finally:
            process.terminate()
            process.wait(30)
            # A worker outlives its app by design; this one has to let go of the folder.
            launcher.stop_worker(home)


def until_answer(started: float, port: int = PORT) -> float:
    """Seconds from ``started`` until the page of ``port`` answers; raises StudioError when it does not."""
    while time.monotonic() - started < PATIENCE_S:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                if answer.status == 200:
                    return time.monotonic() - started
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise StudioError(f"the app did not answer within {PATIENCE_S:.0f} s")


def _until_drawn(home: Home, started: float) -> float:
    from ga2app.store import Store

    with Store.open(home) as store:
        while time.monotonic() - started < PATIENCE_S:
            if store.datasets.list():
                return time.monotonic() - started
            time.sleep(0.1)
    raise StudioError(f"the demo data set was not there within {PATIENCE_S:.0f} s")


def _train(home: Home, epochs: int | None) -> float:
    from ga2app.store import Store

    with Store.open(home) as store:
        queued = time.monotonic()
        config = preset("quick")
        if epochs is not None:
            config = replace(config, optimizer=replace(config.optimizer, epochs=epochs))
        run = store.runs.queue(config, name="bench")
        while time.monotonic() - queued < PATIENCE_S:
            record = store.runs.get(run)
            if record.state is RunState.DONE:
                return time.monotonic() - queued
            if record.state in (RunState.FAILED, RunState.STOPPED):
                raise StudioError(f"the run ended as {record.state.value}: {record.error}")
            time.sleep(0.05)
    raise StudioError(f"the run was not done within {PATIENCE_S:.0f} s")


def _recognize(home: Home) -> float:
    from ga2app.inference import ModelCache
    from ga2app.synthetic.demo_dataset import build_examples

    models = ModelCache()
    models.warm(SKETCH)
    clip = str(build_examples(home.examples)[0][0])
    taken = []
    for _ in range(RECOGNITIONS + 1):
        started = time.monotonic()
        models.recognizer(SKETCH).recognize([clip], LABELS)
        taken.append(time.monotonic() - started)
    return statistics.median(taken[1:])


def main() -> None:
    """Read the options and print what they ask for."""
    parser = argparse.ArgumentParser(description="start of the app, Quick training of the demo, one recognition")
    parser.add_argument("--epochs", type=int, help="of the training (default: those of the Quick preset)")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    seconds = bench_studio(chosen.epochs)
    print(json.dumps(seconds, indent=2) if chosen.json else format_table(seconds))


if __name__ == "__main__":
    main()
