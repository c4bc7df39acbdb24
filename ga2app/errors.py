"""Every error that a user may see.

    StudioError
    ├── ConfigError        faults of a form or a configuration, all at once
    ├── LabelError         labels that cannot be used together
    ├── ClipError          one clip that cannot be read
    │   └── ClipTimeout    reading it took longer than allowed
    ├── DatasetError       a set of clips that cannot be used as asked
    ├── BackboneError      a CLIP that cannot be found, loaded or used
    ├── BundleError        a prompt bundle that cannot be read or does not fit
    ├── CheckpointError    a published checkpoint that cannot be read or does not fit
    ├── LanguageModelError one that cannot be asked, or whose answer is of no use
    ├── HubError           the Hub cannot be asked, or refuses what it was asked for
    │   └── HubConflict    a repository holds something that was not there when it was last looked at
    ├── TrainingError      a run that cannot go on
    │   ├── ProcessKilled  one of its processes was ended from outside
    │   └── Diverged       its loss or gradient is no number any more
    ├── PackageError       a package that is needed and not installed
    ├── StoreError         the database cannot be used
    ├── AccessError        who asks may not do it here
    ├── LimitError         more than this studio does at once, or keeps for one person
    │   └── BusyError      others are being served; later it will do
    └── SpaceError         a folder for a Space that cannot be made

A message says what was given, what is wrong with it, and what to do next. Third-party errors are
translated into one of these where they enter, with ``raise … from exc``.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class ErrorCode(StrEnum):
    """What kind of fault it is, for whoever helps with it; a message may be reworded, a code stays."""

    OTHER = ""
    ANCHORS_MISSING = "anchors missing"
    BACKBONE_UNUSABLE = "backbone unusable"
    BUG = "bug"
    BUNDLE_UNUSABLE = "bundle unusable"
    CHECKPOINT_UNUSABLE = "checkpoint unusable"
    CLIPS_UNREADABLE = "clips unreadable"
    DATABASE_BUSY = "database busy"
    DATA_CHANGED = "data changed"
    DATASET_MISSING = "data set missing"
    DEVICE_UNUSABLE = "device unusable"
    DISK_FULL = "disk full"
    DIVERGED = "diverged"
    FOLDER_IN_USE = "folder in use"
    GPU_FAULT = "gpu fault"
    NO_TEST_CLIPS = "no test clips"
    NO_TRAINING_CLIPS = "no training clips"
    OTHER_BACKBONE = "other backbone"
    OUT_OF_MEMORY = "out of memory"
    WORKER_DIED = "worker died"


class StudioError(Exception):
    """Base of all errors whose text is meant for the user.

    ``message`` says what is wrong and ``hint`` what to do next, where that stands apart; ``str()`` gives both. Without
    a ``code`` of its own an error has that of its class.
    """

    code = ErrorCode.OTHER

    def __init__(self, message: str = "", *, hint: str = "", code: ErrorCode | None = None) -> None:
        message, hint = map(_readable, (message, hint))
        super().__init__(message)
        self.message, self.hint = message, hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


_ENDLESS = re.compile(r"\S{400,}")


def _readable(message: str) -> str:
    """``message`` as any page, log and answer can carry it: what it quotes may hold half a character, or be endless."""
    whole = message if message.isascii() else message.encode("utf-8", "replace").decode()
    return _ENDLESS.sub(lambda found: f"{found[0][:200]}…{found[0][-40:]}", whole)


def counted(number: float, what: str) -> str:
    """ "1 clip", "2,000 clips", "3 stretches"."""
    ending = "" if number == 1 else "es" if what.endswith("ch") else "s"
    return f"{int(number) if number == int(number) else number:,} {what}{ending}"


def named(items: Iterable[str], shown: int = 10, *, quoted: bool = False) -> str:
    """The first items between commas, each in quotes if ``quoted``, and how many more there are."""
    listed = [f"'{item}'" if quoted else item for item in items]
    return ", ".join(listed[:shown]) + (f" and {len(listed) - shown} more" if len(listed) > shown else "")


def shown(text: str) -> str:
    """A stranger's text, on one line and of bounded length."""
    plain = "".join(char if char.isprintable() else "?" for char in text)
    return plain if len(plain) <= 80 else plain[:77] + "..."


def in_short(error: BaseException) -> str:
    """What an error of a library says, on one line and of bounded length: it may quote a whole file."""
    told = " ".join(str(error).split())
    return told if len(told) <= 200 else f"{told[:197]}..."


_MEMORY = (
    *("out of memory", "can't allocate memory", "not enough memory", "cannot allocate memory", "bad_alloc"),
    "ALLOC_FAILED",
)
_FULL = ("(os error 28)", "(os error 122)")
"""What safetensors says of a full disk, and of a full quota."""
_DEVICE = ("CUDA error", "CUDA driver", "no kernel image", "No CUDA GPUs")
"""What torch says, which has no types for it."""
_NEVER_BEGAN = ("no kernel image", "No CUDA GPUs", "invalid device", "unavailable", "driver version", "no CUDA-capable")
"""What torch says, also as an ``AcceleratorError``, of a device that has computed nothing."""
_BROKEN = ("device-side assert", "illegal memory access", "launch failure", "misaligned address", "uncorrectable ECC")


def code_of(error: BaseException) -> ErrorCode:
    """The code of any exception: its own, that of what caused it, or else a bug's; OTHER for a StudioError without."""
    if isinstance(error, StudioError) and error.code:
        return error.code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT) or str(error).endswith(_FULL):
        return ErrorCode.DISK_FULL
    if (
        isinstance(error, MemoryError)
        or isinstance(error, OSError)
        and error.errno == errno.ENOMEM
        or type(error).__name__ == "OutOfMemoryError"
        or any(text in str(error) for text in _MEMORY)
    ):
        return ErrorCode.OUT_OF_MEMORY
    if isinstance(error, RuntimeError):
        if any(text in str(error) for text in _BROKEN) or type(error).__name__ == "AcceleratorError":
            began = not any(text in str(error) for text in _NEVER_BEGAN)
            return ErrorCode.GPU_FAULT if began else ErrorCode.DEVICE_UNUSABLE
        if any(text in str(error) for text in _DEVICE):
            return ErrorCode.DEVICE_UNUSABLE
    if isinstance(error, StudioError):
        cause = error.__cause__
        known = isinstance(cause, OSError | StudioError) or str(cause).endswith(_FULL)
        return code_of(cause) if cause is not None and known else ErrorCode.OTHER
    return ErrorCode.BUG


@dataclass(frozen=True)
class Fault:
    """One fault of one field: ``field`` is its dotted path, ``message`` says rule, value and remedy."""

    field: str
    message: str


class ConfigError(StudioError):
    """Faults of a configuration, every one of them in ``faults``: a form can show each at its field."""

    def __init__(self, faults: Sequence[Fault], *, code: ErrorCode | None = None) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults), code=code)

    def __reduce__(self) -> tuple[type[ConfigError], tuple[tuple[Fault, ...]], dict[str, object]]:
        return type(self), (self.faults,), self.__dict__


class LabelError(StudioError):
    """Labels that cannot be used: none, one alone, too long, or words that the backbone does not know."""


class ClipError(StudioError):
    """A clip that cannot be read: its file ``name``, the ``reason``, and ``advice`` on the next step."""

    code = ErrorCode.CLIPS_UNREADABLE

    def __init__(self, name: str, reason: str, advice: str) -> None:
        self.name, self.reason, self.advice = name, reason, advice
        super().__init__(f"clip '{name}': {reason}", hint=advice)

    def __reduce__(self) -> tuple[type[ClipError], tuple[str, str, str]]:
        return type(self), (self.name, self.reason, self.advice)


class ClipTimeout(ClipError):
    """Reading the clip took longer than the time limit."""


class DatasetError(StudioError):
    """A set of clips that cannot be used as asked."""


class BackboneError(StudioError):
    """A CLIP that cannot be found, loaded or used."""

    code = ErrorCode.BACKBONE_UNUSABLE


class BundleError(StudioError):
    """A prompt bundle that cannot be read, or that belongs to another backbone or format version."""


class CheckpointError(StudioError):
    """A published checkpoint that cannot be read, or does not fit; ``faults`` holds each key that is at fault."""

    def __init__(self, message: str, faults: Sequence[Fault] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__(message)


class LanguageModelError(StudioError):
    """A language model that cannot be asked, or whose answer is of no use."""


class HubError(StudioError):
    """The Hugging Face Hub cannot be asked, refuses, or offers something that is not taken."""


class HubConflict(HubError):
    """A push that would go on top of a commit nobody here has seen: ``head``. Nothing was changed on the Hub."""

    def __init__(self, message: str, head: str) -> None:
        self.head = head
        super().__init__(message)

    def __reduce__(self) -> tuple[type[HubConflict], tuple[str, str]]:
        return type(self), (self.message, self.head)


class TrainingError(StudioError):
    """A run that cannot go on, for example because the loss is no longer a number."""


class ProcessKilled(TrainingError):
    """One of the processes that train a run was ended from outside: the run goes on from its checkpoint, as after that
    of its worker, and has failed if that comes back at the same place."""

    code = ErrorCode.WORKER_DIED


class Diverged(TrainingError):
    """Loss or gradient is no number any more. ``bundle`` is the folder with what was learned before, or empty."""

    code = ErrorCode.DIVERGED

    def __init__(self, message: str, bundle: str = "") -> None:
        self.bundle = bundle
        super().__init__(message)

    def __reduce__(self) -> tuple[type[Diverged], tuple[str, str]]:
        return type(self), (str(self), self.bundle)


class PackageError(StudioError):
    """A package that is needed for what was asked, and is not installed."""


class StoreError(StudioError):
    """The database cannot be opened or used."""


class AccessError(StudioError):
    """What was asked belongs to others here: the owner of a Space, or people who are signed in."""


class LimitError(StudioError):
    """What was asked is more than this studio does at once, or keeps for one person."""


class BusyError(LimitError):
    """So many are being served that one more has to come back later."""


class SpaceError(StudioError):
    """The folder of a Space cannot be made."""
