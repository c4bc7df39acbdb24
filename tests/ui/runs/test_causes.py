"""Why a run failed: known causes and the setting to change, on the texts that the program itself writes."""

from __future__ import annotations

import pytest

from ga2app.config import preset
from ga2app.store.run_queue import MAX_ATTEMPTS, _fate_of_lost
from ga2app.types import RunState
from ga2app.web.pages.runs.causes import CAUSES, cause_of

CONFIG = preset("full").to_dict()

TEXTS = {
    "memory": "there was not enough memory; lower the batch size or the number of frames and retry",
    "killed": _fate_of_lost(RunState.RUNNING, MAX_ATTEMPTS)[1],
    "diverged": "the loss is nan at step 120 (learning rate 0.004); start again with a lower learning rate",
    "disk": "bundle '/x' could not be written ([Errno 28] No space left on device); free some space",
    "other backbone": (
        "bundle 'mine' was trained on backbone 'sketch' (ab) and cannot be used with 'openai/clip' (cd): other weights"
    ),
    "hard prompt": "'/x' is not a prompt bundle: it has no bundle.json; give the bundle's folder",
    "no test clips": "data set 'demo' has no test clips; mark some clips of its classes as test",
    "no training clips": "data set 'demo' has no training clips for: running; add clips of these classes",
    "unreadable clips": "2 of 10 clips cannot be read: clip 'a.mp4': it has no video; choose another file",
    "anchors": "data set 'demo' has no anchor clips, which the anchor term keep needs; add some",
    "data set gone": "there is no data set 'sports'; known data sets: demo",
    "backbone gone": "backbone 'x/y' is neither a folder nor in the local Hugging Face cache; check the name",
    "device": "device: 'cuda:3' is not here: 1 CUDA devices; choose auto or cpu",
    "checkpoint": "the checkpoint of this run, at step 3, was made with other settings: seed was 7 and is 8",
    "data changed": "the clips or labels of 'late' have changed since step 61: label 'flying_a_kite' removed",
    "folder in use": "another run is writing to '/x/bundles/run-000001' just now; wait until it has ended",
    "bug": "ZeroDivisionError: division by zero; this is a fault of the program, the log has the details",
}


@pytest.mark.parametrize("name", TEXTS)
def test_each_cause_is_known_by_what_the_program_says(name: str) -> None:
    cause = cause_of(TEXTS[name], [])
    assert cause is not None and cause.name == name
    assert cause.title and cause.advice(CONFIG).endswith(".")


def test_every_cause_of_the_table_has_its_text() -> None:
    assert [cause.name for cause in CAUSES if cause.name not in TEXTS] == []


def test_an_unknown_reason_has_no_hint_and_no_reason_is_none() -> None:
    assert cause_of("the moon was full", ["nothing of note"]) is None
    assert cause_of(None, []) is None


def test_the_log_speaks_where_the_error_says_nothing() -> None:
    lines = ["epoch 1", "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"]
    cause = cause_of("the worker left no word", lines)
    assert cause is not None and cause.name == "memory"


def test_the_error_speaks_before_the_log() -> None:
    cause = cause_of("the gradient is nan at step 3", ["a warning: out of memory, trying again"])
    assert cause is not None and cause.name == "diverged"


def test_want_of_memory_names_the_settings_with_their_numbers() -> None:
    cause = cause_of("out of memory", [])
    assert cause is not None
    config = CONFIG | {"optimizer": {"batch_size": 8, "accumulate": 2}, "clips": {"num_frames": 32}}
    advice = cause.advice(config)
    assert "the batch size from 8 to 4" in advice and "from 2 to 4" in advice
    assert "the frames of a clip from 32 to 16" in advice and "Quick" in advice
    smallest = {"optimizer": {"batch_size": 1}, "clips": {"num_frames": 4}, "prompts": {"visual_depth": 0}}
    assert cause.advice(smallest) == "Train again with less memory: close other programs."


def test_a_diverged_run_is_told_a_lower_rate_and_that_retrying_does_not_help() -> None:
    cause = cause_of("the loss is inf at step 7", [])
    assert cause is not None
    advice = cause.advice({"optimizer": {"learning_rate": 0.04}})
    assert "from 0.04 to 0.004" in advice and "limit the gradient norm" in advice and "Retry alone" in advice


def test_braces_in_a_name_are_no_placeholders() -> None:
    cause = cause_of("there is no data set '{x}'", [])
    assert cause is not None
    assert "'{x}' was renamed" in cause.advice({"dataset": "{x}"})
