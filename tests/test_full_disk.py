"""A disk that is really full: a small one of its own, where this account may mount one."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ga2app.config import ClipConfig, LossConfig, OptimizerConfig, PromptConfig, RunConfig
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.types import Event, EventKind, RunState
from ga2app.worker import run_faults
from ga2app.worker.queue_loop import Worker
from ga2app.worker.run_parts import real_parts
from tests.clips import color_dataset

SIZE_BYTES = 3_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES}", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("this account may not mount a disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.faults
def test_a_run_on_a_full_disk_fails_with_what_is_needed_and_with_room_again_it_goes_on(
    small_disk: Path, tmp_path: Path, tiny_clip_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_faults, "RETRY_S", 0.1)
    home, filler = Home(small_disk / "home"), small_disk / "filler"
    (tmp_path / "colors").mkdir()
    with Store.open(home) as store:
        store.datasets.add(color_dataset(tmp_path / "colors"), origin="test")
        run_id = store.runs.queue(
            RunConfig(
                dataset="colors",
                backbone=str(tiny_clip_folder),
                shots=2,
                device="cpu",
                prompts=PromptConfig(length=8, visual_depth=3, text_depth=3, hard_prompt="random"),
                losses=LossConfig(),
                optimizer=OptimizerConfig(epochs=4, warmup_epochs=1, batch_size=2),
                clips=ClipConfig(num_frames=2, cache_bytes=0),
            )
        )
        emptied = threading.Timer(3.0, filler.unlink)  # what a run came to is told when there is room to say it

        def train(*of: Any, emit: Callable[[Event], None], **how: Any) -> Any:
            """The real training on a disk that is full from the end of the first epoch on, just before it is saved."""

            def tell(event: Event) -> None:
                emit(event)
                if event.kind is EventKind.EPOCH and not emptied.is_alive():
                    free = os.statvfs(small_disk)
                    filler.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - 8_000))
                    emptied.start()

            return real_parts().train(*of, emit=tell, **how)

        Worker(home, store, replace(real_parts(), train=train)).work(once=True, idle_exit_s=0)
        emptied.join()
        record = store.runs.get(run_id)
        assert (record.state, record.error_code) == (RunState.FAILED, "disk full")
        assert "disk full: needs " in str(record.error) and f" at '{small_disk}" in str(record.error)
        store.runs.requeue(run_id)
        Worker(home, store, real_parts()).work(once=True, idle_exit_s=0)
        assert store.runs.get(run_id).state is RunState.DONE
        steps = [entry.event.step for entry in store.runs.events(run_id, kinds=[EventKind.STEP])]
        assert steps == list(range(1, len(steps) + 1))
