"""Why a run failed, and which setting to change: known causes, recognized by what the run and its log say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LOG_LINES = 12


@dataclass(frozen=True)
class Cause:
    """A known cause: what tells it, what to call it, and what to do, given the run's settings."""

    name: str
    title: str
    pattern: re.Pattern[str]
    advice: Callable[[Mapping[str, Any]], str]


def cause_of(error: str | None, lines: Sequence[str]) -> Cause | None:
    """The known cause behind a run's error and the last lines of its log; None for an unknown one.

    The error speaks first: a log may hold warnings that cost nothing.
    """
    for text in (error or "", "\n".join(lines[-_LOG_LINES:])):
        for cause in CAUSES:
            if cause.pattern.search(text):
                return cause
    return None


def _number(config: Mapping[str, Any], section: str, name: str, default: int) -> int:
    value = config.get(section, {}).get(name, default)
    return int(value) if isinstance(value, int | float) else default


def _lower_memory(config: Mapping[str, Any]) -> str:
    batch, together = (_number(config, "optimizer", name, 1) for name in ("batch_size", "accumulate"))
    frames, steps = _number(config, "clips", "num_frames", 8), []
    if batch > 1:
        steps.append(
            f"lower the batch size from {batch} to {batch // 2} and raise the batches a step from {together} to "
            f"{2 * together}: the same training in less memory"
        )
    if frames > 4:
        steps.append(f"lower the frames of a clip from {frames} to {frames // 2}")
    if config.get("prompts", {}).get("visual_depth"):
        steps.append("take the preset Quick, which keeps one clip's features instead of its pictures")
    return "Train again with less memory: " + "; or ".join(steps or ["close other programs"]) + "."


def _lower_rate(config: Mapping[str, Any]) -> str:
    rate = config.get("optimizer", {}).get("learning_rate")
    lower = f" from {rate:g} to {rate / 10:g}" if isinstance(rate, float | int) else ""
    limit = "" if config.get("optimizer", {}).get("max_gradient_norm") else "; or limit the gradient norm to 1"
    return (
        f"Train again with a lower learning rate{lower}{limit}. Retry alone would lead to the same place. What it had "
        "learned before is kept: where there is a button for it, try it on Recognize."
    )


def _say(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda config: text.format(
        dataset=config.get("dataset", "?"),
        backbone=config.get("backbone", "?"),
        hard=config.get("prompts", {}).get("hard_prompt", "?"),
        frames=_number(config, "clips", "num_frames", 8),
    )


def _cause(name: str, title: str, pattern: str, advice: Callable[[Mapping[str, Any]], str] | str) -> Cause:
    given = advice if callable(advice) else _say(advice)
    return Cause(name, title, re.compile(pattern, re.IGNORECASE), given)


CAUSES: tuple[Cause, ...] = (
    _cause(
        "data changed",
        "Its labels or clips have changed",
        r"the clips or labels of '.*' have changed since",
        "On Datasets, bring '{dataset}' back as it was (Undo) and press Retry, or press Start over to train on what it "
        "holds now.",
    ),
    _cause(
        "folder in use",
        "Another run writes to its folder",
        r"another run is writing to",
        "Wait until that run has ended, then press Retry.",
    ),
    _cause(
        "disk",
        "The disk is full",
        r"no space left|disk is full|database or disk|ENOSPC|disk quota",
        "Free some space where the studio keeps its data (old runs and bundles can be deleted), then press Retry: "
        "it goes on from the last checkpoint.",
    ),
    _cause(
        "memory",
        "It ran out of memory",
        r"not enough memory|out of memory|OutOfMemory|MemoryError|allocate memory|DefaultCPUAllocator",
        _lower_memory,
    ),
    _cause(
        "killed",
        "Its process was killed",
        r"worker process died|SIGKILL|\bKilled\b|Segmentation fault",
        lambda config: "Most likely the system ended it for want of memory. " + _lower_memory(config),
    ),
    _cause(
        "diverged",
        "The training diverged",
        r"(loss|gradient) is (nan|-?inf)|gradient overflows|features are not numbers|training diverged",
        _lower_rate,
    ),
    _cause(
        "other backbone",
        "A bundle of another backbone",
        r"was trained on backbone|hard prompt belongs to backbone|other weights",
        "Choose as hard prompt a bundle that was trained on '{backbone}', or 'random'; now it is '{hard}'.",
    ),
    _cause(
        "hard prompt",
        "The hard prompt cannot be used",
        r"cannot be a hard prompt|is not a prompt bundle|format version",
        "Choose another bundle as hard prompt, or 'random'; now it is '{hard}'.",
    ),
    _cause(
        "no test clips",
        "There are no test clips",
        r"has no test clips",
        "On Datasets, open '{dataset}' and mark some clips of each label as test clips, then press Retry.",
    ),
    _cause(
        "no training clips",
        "Labels without training clips",
        r"has no training clips|training needs at least 2|base class(es|\(es\))?\b",
        "On Datasets, open '{dataset}': add training clips to each base label, or make labels without any novel.",
    ),
    _cause(
        "unreadable clips",
        "Clips that cannot be read",
        r"clips? cannot be read|decodable frames|ClipError",
        "On Datasets, open '{dataset}' and remove or replace the clips that are named above, then press Retry.",
    ),
    _cause(
        "anchors",
        "Anchors or negative prompts are missing",
        r"anchor term|nothing to whiten by|anchor set '|no negative prompt|there is no (anchor set|group)",
        "Choose an anchor set and negative prompts that have some, or set the weights of the anchor terms to 0.",
    ),
    _cause(
        "data set gone",
        "The data set is gone",
        r"there is no data set",
        "'{dataset}' was renamed or deleted. Bring it back on Datasets (Undo), or train again on another one.",
    ),
    _cause(
        "backbone gone",
        "The backbone is not here",
        r"is not on this machine|Hugging Face cache|not a CLIP|does not hold a CLIP|not be (down)?loaded",
        "'{backbone}' cannot be loaded. Download it again, or train again with another backbone.",
    ),
    _cause(
        "device",
        "The device cannot be used",
        r"'(cuda|mps)[^']*' is not|CUDA devices|CUDA error|CUDA driver|no kernel image|'float16' is for CUDA",
        "Train again with device 'auto' and precision 'auto'.",
    ),
    _cause(
        "checkpoint",
        "Its checkpoint cannot be used",
        r"checkpoint '.*' (cannot be read|belongs to other settings|is damaged)|was made with other settings",
        "Press Start over: it begins at step 0 with the settings of the run.",
    ),
    _cause(
        "bug",
        "A fault of the program",
        r"this is a fault of the program|Traceback \(most recent call last\)",
        "Download the log and report it with the settings of the run. Retry may help if the fault came by chance.",
    ),
)
"""In the order in which they are looked for: what is more certain comes first."""
