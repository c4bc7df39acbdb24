"""Taking tensors out of a checkpoint, with every fault of every key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from ga2app.errors import CheckpointError, Fault

MOST_TOLD = 24
"""Kinds of faults that a message tells; the error's ``faults`` are always complete."""

_LAYER = re.compile(r"(?<=resblocks\.)\d+(?=\.)")


class TensorReader:
    """Takes tensors by key and remembers the keys taken and the faults found."""

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors
        self.faults: list[Fault] = []
        self.rounding = torch.finfo(torch.float16).eps / 2
        """Relative rounding of the coarsest type that was taken, at least that of float16."""
        self._known: set[str] = set()

    def take(self, key: str, shape: Sequence[int | None]) -> Tensor | None:
        """A float32 copy of the tensor under ``key``, None with a fault if it is missing, odd or not of ``shape``.

        A None in ``shape`` stands for any number of at least 1.
        """
        self._known.add(key)
        fault = self._look(key, shape)
        if fault is None:
            tensor = self.tensors[key]
            self.rounding = max(self.rounding, torch.finfo(tensor.dtype).eps / 2)
            taken = tensor.detach().to(torch.float32, copy=True).contiguous()
            if taken.isfinite().all():
                return taken
            fault = "holds numbers that are not finite"
        self.faults.append(Fault(key, fault))
        return None

    def ignore(self, *keys: str) -> None:
        """These keys may be there and are not looked at."""
        self._known.update(keys)

    def leftovers(self) -> None:
        """A fault for each key that nothing asked for."""
        self.faults += [Fault(key, "is not expected") for key in self.tensors if key not in self._known]

    def _look(self, key: str, shape: Sequence[int | None]) -> str | None:
        """What is wrong with the tensor under ``key`` before its numbers are read; None if nothing is."""
        if key not in self.tensors:
            return "is missing"
        tensor = self.tensors[key]
        if not is_plain(tensor):
            return f"is not a plain array of floating-point numbers ({tensor.dtype})"
        pairs = list(zip(tensor.shape, shape, strict=False))
        if tensor.dim() == len(shape) and all(size == want or (want is None and size) for size, want in pairs):
            return None
        wanted = ", ".join("any" if want is None else str(want) for want in shape) + ("," if len(shape) == 1 else "")
        return f"has shape {tuple(tensor.shape)} instead of ({wanted})"


def is_plain(tensor: Tensor) -> bool:
    """Whether every number of ``tensor`` is a floating-point one that the file really holds."""
    if tensor.layout is not torch.strided or not tensor.is_floating_point() or tensor.device.type != "cpu":
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def refuse(name: str, backbone: str, faults: Sequence[Fault], advice: str) -> CheckpointError:
    """The error that names ``faults``; the same fault in several layers is told once, and so is a flood of them."""
    layers: dict[tuple[str, str], list[int]] = {}
    for fault in faults:
        number = _LAYER.search(fault.field)
        layers.setdefault((_LAYER.sub("*", fault.field), fault.message), []).extend([int(number[0])] if number else [])
    told = [f"{key.replace('*', _ranges(numbers))} {message}" for (key, message), numbers in layers.items()]
    if len(told) > MOST_TOLD:
        told[MOST_TOLD:] = [f"and {len(told) - MOST_TOLD} more: it belongs to a CLIP of another shape"]
    return CheckpointError(
        f"checkpoint '{name}' cannot be imported on backbone '{backbone}': {'; '.join(told)}{advice}", faults
    )


def _ranges(numbers: Sequence[int]) -> str:
    """``[0, 1, 2, 5]`` as ``{0-2,5}``, one number as itself."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    text = ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return text if len(numbers) == 1 else f"{{{text}}}"
