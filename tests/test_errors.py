"""Errors say what to do next and of which kind they are, also after a trip between processes."""

from __future__ import annotations

import errno
import pickle

import pytest

from ga2app.errors import (
    BackboneError,
    CheckpointError,
    ClipError,
    ConfigError,
    DatasetError,
    Diverged,
    ErrorCode,
    Fault,
    HubConflict,
    StudioError,
    TrainingError,
    code_of,
)

ERRORS = [
    DatasetError("the set is empty", hint="add clips", code=ErrorCode.NO_TEST_CLIPS),
    ClipError("a.mp4", "it has 0 decodable frames", "record it again"),
    ConfigError([Fault("device", "is not here"), Fault("seed", "is negative")], code=ErrorCode.DEVICE_UNUSABLE),
    CheckpointError("not whole", [Fault("key", "is missing")]),
    HubConflict("somebody pushed", "abc"),
    Diverged("the loss is nan", "bundles/run-1"),
    BackboneError("no such CLIP"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_keeps_text_hint_code_and_what_else_it_has_between_processes(error: StudioError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error) and str(again) == str(error)
    assert (vars(again), again.code) == (vars(error), error.code)


def test_the_next_step_stands_behind_the_message_and_apart() -> None:
    error = DatasetError("the set is empty", hint="add clips")
    assert str(error) == "the set is empty; add clips" and (error.message, error.hint) == (
        "the set is empty",
        "add clips",
    )


def test_a_kind_of_error_has_its_code_and_one_error_may_have_another() -> None:
    assert code_of(ClipError("a", "b", "c")) is ErrorCode.CLIPS_UNREADABLE
    assert code_of(BackboneError("gone")) is ErrorCode.BACKBONE_UNUSABLE
    assert code_of(BackboneError("gone", code=ErrorCode.DISK_FULL)) is ErrorCode.DISK_FULL
    assert code_of(TrainingError("whatever")) is ErrorCode.OTHER


def test_other_errors_are_told_apart_by_what_they_are_also_behind_one_of_ours() -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    assert code_of(full) is ErrorCode.DISK_FULL
    error = TrainingError("the checkpoint was not written")
    error.__cause__ = full
    assert code_of(error) is ErrorCode.DISK_FULL
    assert code_of(MemoryError()) is code_of(RuntimeError("CUDA out of memory")) is ErrorCode.OUT_OF_MEMORY
    assert code_of(ZeroDivisionError()) is ErrorCode.BUG
