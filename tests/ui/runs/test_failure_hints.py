"""Why a run failed: which setting to change, by the code of the error."""

from __future__ import annotations

import pytest

from ga2app.config import preset
from ga2app.errors import BackboneError, ClipError, Diverged, ErrorCode, StoreError, code_of
from ga2app.services.run_failures import FailureHint, failure_hint
from ga2app.types import RunRecord, RunState

CONFIG = preset("full").to_dict()


def hint_of(code: str, config: dict[str, object] = CONFIG) -> FailureHint | None:
    return failure_hint(RunRecord(1, "", "", RunState.FAILED, config, 0.0, error="it went wrong", error_code=code))


@pytest.mark.parametrize("code", [code for code in ErrorCode if code])
def test_every_code_of_an_error_has_a_hint(code: ErrorCode) -> None:
    hint = hint_of(code)
    assert hint and hint.title and hint.advice.endswith(".") and "{" not in hint.advice


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (Diverged("the loss is nan at step 3"), "The training diverged"),
        (BackboneError("'x/y' is not here"), "The backbone is not here"),
        (ClipError("a.mp4", "it has no video", "choose another"), "Clips that cannot be read"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "It ran out of memory"),
        (RuntimeError("CUDA error: no kernel image is available"), "The device cannot be used"),
        (OSError(28, "No space left on device"), "The disk is full"),
        (ZeroDivisionError("division by zero"), "A fault of the program"),
    ],
)
def test_the_hint_goes_by_the_kind_of_the_error_and_not_by_its_words(error: Exception, title: str) -> None:
    hint = hint_of(code_of(error))
    assert hint and hint.title == title


def test_an_error_without_a_code_and_a_code_of_a_newer_version_have_no_hint() -> None:
    assert hint_of(code_of(StoreError("the moon was full"))) is None
    assert hint_of("from the future") is None


def test_want_of_memory_names_the_settings_with_their_numbers() -> None:
    config = CONFIG | {"optimizer": {"batch_size": 8, "accumulate": 2}, "clips": {"num_frames": 32}}
    hint = hint_of(ErrorCode.OUT_OF_MEMORY, config)
    assert hint and "the batch size from 8 to 4" in hint.advice and "from 2 to 4" in hint.advice
    assert "the frames of a clip from 32 to 16" in hint.advice and "Quick" in hint.advice
    assert "turn gradient checkpointing on" in hint.advice
    config["optimizer"]["checkpointing"] = True
    hint = hint_of(ErrorCode.OUT_OF_MEMORY, config)
    assert hint and "gradient checkpointing" not in hint.advice
    smallest = {"optimizer": {"batch_size": 1}, "clips": {"num_frames": 4}, "prompts": {"visual_depth": 0}}
    hint = hint_of(ErrorCode.OUT_OF_MEMORY, smallest)
    assert hint and hint.advice == "Train again with less memory: close other programs."


def test_a_diverged_run_is_told_a_lower_rate_and_that_retrying_does_not_help() -> None:
    hint = hint_of(ErrorCode.DIVERGED, {"optimizer": {"learning_rate": 0.04}})
    assert hint and "from 0.04 to 0.004" in hint.advice
    assert "limit the gradient norm" in hint.advice and "Retry alone" in hint.advice


def test_braces_in_a_name_are_no_placeholders() -> None:
    hint = hint_of(ErrorCode.DATASET_MISSING, {"dataset": "{x}"})
    assert hint and "'{x}' was deleted" in hint.advice
