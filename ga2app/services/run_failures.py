"""Why a run failed and which setting to change, by the code of its error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ga2app.errors import ErrorCode
from ga2app.types import RunRecord

Config = Mapping[str, Any]


@dataclass(frozen=True)
class FailureHint:
    """What kind of failure it was, and what to do about it with the settings that the run had."""

    title: str
    advice: str


def failure_hint(run: RunRecord) -> FailureHint | None:
    """The hint for a run that failed; None where its error has no code that is known here."""
    try:
        title, advice = _HINTS[ErrorCode(run.error_code)]
    except (KeyError, ValueError):
        return None
    return FailureHint(title, advice(run.config) if callable(advice) else advice.format(**_named(run.config)))


def _named(config: Config) -> dict[str, Any]:
    return {
        "dataset": config.get("dataset", "?"),
        "backbone": config.get("backbone", "?"),
        "hard": config.get("prompts", {}).get("hard_prompt", "?"),
    }


def _number(config: Config, section: str, name: str, default: int) -> int:
    value = config.get(section, {}).get(name, default)
    return int(value) if isinstance(value, int | float) else default


def _lower_memory(config: Config) -> str:
    batch, together = (_number(config, "optimizer", name, 1) for name in ("batch_size", "accumulate"))
    frames, steps = _number(config, "clips", "num_frames", 8), []
    if batch > 1:
        steps.append(
            f"lower the batch size from {batch} to {batch // 2} and raise the batches a step from {together} to "
            f"{2 * together}: the same training in less memory"
        )
    if config.get("prompts", {}).get("visual_depth") and not config.get("optimizer", {}).get("checkpointing"):
        steps.append("turn gradient checkpointing on: the same training in far less memory, which takes longer")
    if frames > 4:
        steps.append(f"lower the frames of a clip from {frames} to {frames // 2}")
    if config.get("prompts", {}).get("visual_depth"):
        steps.append("take the preset Quick, which keeps one clip's features instead of its pictures")
    return "Train again with less memory: " + "; or ".join(steps or ["close other programs"]) + "."


def _lower_rate(config: Config) -> str:
    rate = config.get("optimizer", {}).get("learning_rate")
    lower = f" from {rate:g} to {rate / 10:g}" if isinstance(rate, float | int) else ""
    limit = "" if config.get("optimizer", {}).get("max_gradient_norm") else "; or limit the gradient norm to 1"
    return (
        f"Train again with a lower learning rate{lower}{limit}. Retry alone would lead to the same place. What it had "
        "learned before is kept: where there is a button for it, try it on Recognize."
    )


_HINTS: dict[ErrorCode, tuple[str, str | Callable[[Config], str]]] = {
    ErrorCode.DATA_CHANGED: (
        "Its labels or clips have changed",
        "On Datasets, bring '{dataset}' back as it was (Undo) and press Retry, or press Start over to train on what it "
        "holds now.",
    ),
    ErrorCode.FOLDER_IN_USE: ("Another run writes to its folder", "Wait until that run has ended, then press Retry."),
    ErrorCode.DATABASE_BUSY: (
        "Another program kept the database locked",
        "Close what has it open (a database viewer, a backup program), then press Retry: the run goes on from its last "
        "checkpoint.",
    ),
    ErrorCode.DISK_FULL: (
        "The disk is full",
        "Free some space where the studio keeps its data (old runs and bundles can be deleted), then press Retry: "
        "it goes on from the last checkpoint.",
    ),
    ErrorCode.OUT_OF_MEMORY: ("It ran out of memory", _lower_memory),
    ErrorCode.WORKER_DIED: (
        "Its process was killed",
        lambda config: "Most likely the system ended it for want of memory. " + _lower_memory(config),
    ),
    ErrorCode.DIVERGED: ("The training diverged", _lower_rate),
    ErrorCode.OTHER_BACKBONE: (
        "A bundle of another backbone",
        "Choose as hard prompt a bundle that was trained on '{backbone}', or 'random'; now it is '{hard}'.",
    ),
    ErrorCode.BUNDLE_UNUSABLE: (
        "The hard prompt cannot be used",
        "Choose another bundle as hard prompt, or 'random'; now it is '{hard}'.",
    ),
    ErrorCode.NO_TEST_CLIPS: (
        "There are no test clips",
        "On Datasets, open '{dataset}' and mark some clips of each label as test clips, then press Retry.",
    ),
    ErrorCode.NO_TRAINING_CLIPS: (
        "Labels without training clips",
        "On Datasets, open '{dataset}': add training clips to each base label, or make labels without any novel.",
    ),
    ErrorCode.CLIPS_UNREADABLE: (
        "Clips that cannot be read",
        "On Datasets, open '{dataset}' and remove or replace the clips that are named above, then press Retry.",
    ),
    ErrorCode.ANCHORS_MISSING: (
        "Anchors or negative prompts are missing",
        "Choose an anchor set and negative prompts that have some, or set the weights of the anchor terms to 0.",
    ),
    ErrorCode.DATASET_MISSING: (
        "The data set is gone",
        "'{dataset}' was deleted. Bring it back on Datasets (Undo), or train again on another one.",
    ),
    ErrorCode.BACKBONE_UNUSABLE: (
        "The backbone is not here",
        "'{backbone}' cannot be loaded. Download it again, or train again with another backbone.",
    ),
    ErrorCode.DEVICE_UNUSABLE: ("The device cannot be used", "Train again with device 'auto' and precision 'auto'."),
    ErrorCode.GPU_FAULT: (
        "The GPU failed while it computed",
        lambda config: (
            "Press Retry: the run goes on from its last checkpoint, with the GPU set up anew. If it fails "
            "again: t" + _lower_memory(config)[1:-1] + "; or train with device 'cpu'."
        ),
    ),
    ErrorCode.CHECKPOINT_UNUSABLE: (
        "Its checkpoint cannot be used",
        "Press Start over: it begins at step 0 with the settings of the run.",
    ),
    ErrorCode.BUG: (
        "A fault of the program",
        "Download the log and report it with the settings of the run. Retry may help if the fault came by chance.",
    ),
}
