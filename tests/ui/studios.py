"""Studios for tests: what they hold, and how one is served by a process of its own."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest

from ga2app.bundles import read_card
from ga2app.config import SKETCH, preset
from ga2app.paths import PROJECT, SKETCH_HARD_PROMPT, Home
from ga2app.services.studio import Example
from ga2app.store import Store
from ga2app.types import (
    BackboneChoice,
    BundleCard,
    Dataset,
    Event,
    EventKind,
    LabelledClip,
    RunState,
    Subset,
)
from ga2app.web import Studio
from ga2app.worker import launcher
from tests.demo import link_demo

from .fakes import FakeAdvisor, FakeEstimator, FakeExplainer, FakeInspector, FakeRecognizer

LABELS = ("climbing a ladder", "rowing a boat", "jumping rope", "waving")
BASE, NOVEL = LABELS[:2], LABELS[2:]
WOKEN = "woken"


def draw_clip(path: Path, color: int = 120) -> Path:
    """A real, tiny H.264 clip: a block that crosses the picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_drawn(color))
    return path


@functools.cache
def _drawn(color: int) -> bytes:
    import av

    made = io.BytesIO()
    with av.open(made, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for place in range(8):
            picture = np.full((64, 64, 3), 230, np.uint8)
            picture[20:44, 6 * place : 6 * place + 16] = (color, 60, 90)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return made.getvalue()


def make_studio(home: Home, **changes: Any) -> Studio:
    """A studio over ``home`` with four drawn examples and two backbones."""
    examples = [
        Example(str(draw_clip(home.examples / f"{label.replace(' ', '-')}.mp4", 60 * place)), label)
        for place, label in enumerate(LABELS)
    ]
    store = Store.open(home)
    doors = {
        "recognizer": FakeRecognizer(BASE),
        "explainer": FakeExplainer(),
        "backbones": lambda: [BackboneChoice(SKETCH, "sketch (embedded)"), BackboneChoice("real", "A real CLIP")],
        "examples": examples,
        "inspector": FakeInspector(),
        "advisor": FakeAdvisor(),
        "estimator": FakeEstimator(),
    }
    return Studio(home=home, store=store, **(doors | changes))


def empty(studio: Studio) -> None:
    """Take everything out of the store, and leave nothing to undo."""
    store = studio.store
    for run in store.runs.list(limit=1000):
        if run.state in (RunState.RUNNING, RunState.STOPPING):
            store.runs.finish(run.id, RunState.STOPPED, exit_code=0)
        store.runs.delete(run.id)
    for card in store.bundles.list():
        store.bundles.delete(card.folder)
    for row in store.datasets.list():
        store.datasets.delete(row.name)
    for one in store.anchors.sets():
        store.anchors.delete_set(one.id)
    for group in store.negatives.group_rows():
        store.negatives.delete_group(group.id)
    store.trash.purge(keep_s=-1)


def add_dataset(studio: Studio, name: str = "demo") -> None:
    """A data set of the example clips."""
    clips = [LabelledClip(example.path, example.label, subset) for example in studio.examples for subset in Subset]
    studio.store.datasets.add(Dataset(name, BASE, NOVEL, tuple(clips)), origin="drawn")


def add_negatives(studio: Studio) -> None:
    """A group of negative prompts that are switched on."""
    studio.store.negatives.add(studio.store.negatives.create_group("things"), ["nothing", "an object"])


def add_bundle(studio: Studio, folder: str = "tuned", backbone: str = SKETCH, name: str = "tuned prompts") -> str:
    """A bundle in the library; gives its folder."""
    path = str(studio.home.bundles / folder)
    figures = {"base": 90.0, "novel": 60.0, "hm": 72.0}
    studio.store.bundles.add(BundleCard(path, name, backbone, BASE, NOVEL, figures, figures, "trained"))
    return path


def keep_bundle(
    studio: Studio, folder: str = "kept", readme: str = "# A card", backbone: str = SKETCH, **told: Any
) -> str:
    """A bundle in the library that is there on disk, too; gives its folder. ``told`` changes what it says of itself."""
    path = studio.home.bundles / folder
    shutil.copytree(SKETCH_HARD_PROMPT, path, dirs_exist_ok=True)
    about = json.loads((path / "bundle.json").read_text(encoding="utf-8"))
    config = about["config"] | {"dataset": "demo"} | told.pop("config", {})
    about |= {"name": folder, "base": BASE, "novel": NOVEL, "config": config, "steps": 40, "negatives": ["nothing"]}
    about["metrics"] = {"base": 90.0, "novel": 60.0, "hm": 72.0}
    about["zero_shot"] = {"base": 70.0, "novel": 65.0, "hm": 67.4}
    about["backbone"]["name"] = backbone
    (path / "bundle.json").write_text(json.dumps(about | told), encoding="utf-8")
    (path / "README.md").write_text(readme, encoding="utf-8")
    studio.store.bundles.add(read_card(path, "imported"))
    return str(path)


def add_run(studio: Studio, state: RunState, *, steps: int = 20, error: str | None = None, bundle: str = "") -> int:
    """A run in ``state`` that has told of ``steps`` of 40 steps."""
    runs = studio.store.runs
    run_id = runs.queue(preset("quick"))
    if state is RunState.QUEUED:
        return run_id
    runs.claim(1, 1.0)
    events = [
        Event(EventKind.PLAN, 0, {"total_steps": 40, "steps_per_epoch": 10, "epochs": 4}),
        Event(EventKind.ZERO_SHOT, 0, {"base": 50.0, "novel": 60.0, "hm": 54.5}),
    ]
    for step in range(1, steps + 1):
        loss = {"ce": 2 / step, "anchor": 0.5, "total": 2 / step + 0.5, "learning_rate": 0.004, "seconds_per_step": 0.5}
        events.append(Event(EventKind.STEP, step, loss))
        if step % 10 == 0:
            figures = {"epoch": step // 10, "base": 60.0 + step, "novel": 58.0, "hm": 62.0}
            events.append(Event(EventKind.EPOCH, step, figures))
    runs.append_many(run_id, events)
    folder = studio.home.run_folder(run_id)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("reading clips\nepoch 1\nit went <b>wrong</b>\n")
    if state in (RunState.DONE, RunState.FAILED, RunState.STOPPED):
        runs.finish(run_id, state, exit_code=0 if state is RunState.DONE else 1, error=error, bundle=bundle or None)
    elif state is RunState.STOPPING:
        runs.request_stop(run_id)
    return run_id


@dataclass(frozen=True)
class Served:
    """A studio in a process of its own; ``studio`` reads and writes the same home."""

    studio: Studio
    address: str

    @property
    def woken(self) -> bool:
        """Whether the screens asked for a worker."""
        return (self.studio.home.root / WOKEN).exists()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path, timeout_s: float = 180.0) -> None:
    """Wait until the page answers; fails with the server's log if it ends or takes too long."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), urlopen(address, timeout=5) as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    pytest.fail(f"no answer from {address}:\n{log.read_text(errors='replace')}")


@contextlib.contextmanager
def running(command: list[str], address: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a process, for as long as the block lasts."""
    with log.open("wb") as output:
        paths = os.pathsep.join([str(PROJECT), str(PROJECT / "tests")])
        process = subprocess.Popen(
            [sys.executable, *command], stdout=output, stderr=output, env=os.environ | {"PYTHONPATH": paths}
        )
    try:
        wait_for(address, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def real_studio(folder: Path, demo: Path | None = None) -> Iterator[tuple[str, Home]]:
    """``app.py`` itself on a fresh home, with its worker and its embedded backbone; both are gone afterwards.

    ``demo`` is a drawn demo: the home gets it, and the worker does not have to draw one.
    """
    home, port = Home(folder / "home"), free_port()
    if demo is not None:
        link_demo(demo, home)
    address = f"http://127.0.0.1:{port}"
    command = [str(PROJECT / "app.py"), "--port", str(port), "--home", str(home.root)]
    try:
        with running(command, address, folder / "app.log"):
            yield address, home
    finally:
        launcher.stop_worker(home)
