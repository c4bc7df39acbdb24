"""What is dropped in time, and how long it is kept."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path

import pytest

from ga2app.config import RunConfig
from ga2app.errors import ConfigError
from ga2app.paths import Home, whole_file
from ga2app.services.retention import drop_old, retention
from ga2app.services.uploads import pictures_folder, uploads_folder
from ga2app.store import Store
from ga2app.types import RunState

DAY_S = 24 * 3600.0


def test_defaults_and_what_the_environment_says():
    own, space = retention(False, {}), retention(True, {})
    assert (own.uploads_s, own.pictures_s, own.checkpoints_s, own.trash_s) == (
        7 * DAY_S,
        7 * DAY_S,
        math.inf,
        7 * DAY_S,
    )
    assert (space.uploads_s, space.checkpoints_s) == (DAY_S, 30 * DAY_S)
    said = retention(True, {"GA2_KEEP_UPLOADS_DAYS": "0.5", "GA2_KEEP_CHECKPOINTS_DAYS": " Forever "})
    assert (said.uploads_s, said.checkpoints_s) == (DAY_S / 2, math.inf)


def test_every_variable_at_fault_is_told_at_once():
    with pytest.raises(ConfigError) as told:
        retention(
            False, {"GA2_KEEP_UPLOADS_DAYS": "0", "GA2_KEEP_TRASH_DAYS": "a week", "GA2_KEEP_PICTURES_DAYS": "nan"}
        )
    assert [fault.field for fault in told.value.faults] == [
        "GA2_KEEP_UPLOADS_DAYS",
        "GA2_KEEP_PICTURES_DAYS",
        "GA2_KEEP_TRASH_DAYS",
    ]
    assert told.value.faults[2].message == "must be a number of days above 0, or forever, not 'a week'"


def aged(folder: Path, days: float) -> Path:
    folder.mkdir(parents=True)
    os.utime(folder, (time.time() - days * DAY_S,) * 2)
    return folder


def test_uploads_pictures_and_checkpoints_go_in_their_own_time(home: Home, store: Store):
    upload, picture = aged(uploads_folder(home) / "a", 2), aged(pictures_folder(home) / "b", 2)
    states = (RunState.STOPPED, RunState.FAILED, RunState.DONE, RunState.RUNNING)
    for state in states:
        run_id = store.runs.queue(RunConfig())
        store.runs.claim(1, 1.0)
        with whole_file(home.checkpoint(run_id)) as fresh:
            fresh.write_text("saved")
        if state is not RunState.RUNNING:
            store.runs.finish(run_id, state, exit_code=0)
    drop_old(home, store, retention(False, {"GA2_KEEP_PICTURES_DAYS": "1"}))
    assert upload.exists() and not picture.exists()
    assert all(home.checkpoint(run_id).exists() for run_id in range(1, 5))
    drop_old(home, store, retention(True, {"GA2_KEEP_CHECKPOINTS_DAYS": "1e-9"}))
    assert not upload.exists()
    assert [home.checkpoint(run_id).exists() for run_id in range(1, 5)] == [False, False, True, True]
