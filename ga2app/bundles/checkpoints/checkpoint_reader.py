"""Reading a ``.pt`` file: which of its entries are weights; and taking tensors out of it with every fault."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ga2app.clip.inert_pickle import Inert, TooLarge
from ga2app.clip.torch_files import StoredTensor, TorchFile, read_torch_file
from ga2app.errors import CheckpointError, Fault, shown

STATE = "model_state_dict"
FUSION = "fusion_model_state_dict"
WRAPPER = "module."
"""What DistributedDataParallel puts before every key."""

_CLIP_NAMES = ("visual.", "token_embedding.", "image_encoder.", "text_encoder.", "prompt_learner.", "meta_net.")
"""How the names of weights begin that are read here."""

_CONTEXT = "ctx"
"""The name of CoOp's only weight."""

MOST_TOLD = 24
"""Kinds of faults that a message tells; the error's ``faults`` are always complete."""

_LAYER = re.compile(r"(?<=resblocks\.)\d+(?=\.)")


@dataclass(frozen=True)
class Checkpoint:
    """``tensors`` of the model by key, without ``module.``; ``ignored`` names the file's other entries.

    ``fusion`` says that one of these, the temporal head, holds weights. ``foreign`` names classes in the file, of which
    nothing was made.
    """

    path: Path
    tensors: Mapping[str, StoredTensor]
    ignored: tuple[str, ...]
    fusion: bool
    foreign: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.path.name


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """The checkpoint in ``path``, the numbers of its tensors still on the disk. Raises CheckpointError."""
    file, name = _read_file(Path(path)), Path(path).name
    data = file.data
    key = _key_of_weights(data, name)
    state = data if key is None else data[key]
    if not isinstance(state, Mapping) or not state:
        raise CheckpointError(f"'{name}' is not a published checkpoint: its {key} holds {_shape_of(state)}")
    odd = {key: value for key, value in state.items() if not (isinstance(key, str) and isinstance(value, StoredTensor))}
    if odd:
        told = [shown(f"{key}{f' ({value.name})' if isinstance(value, Inert) else ''}") for key, value in odd.items()]
        more = f" and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
        raise CheckpointError(
            f"'{name}' is not a published checkpoint: no tensors are under {', '.join(told[:MOST_TOLD])}{more}"
        )
    tensors = {place.removeprefix(WRAPPER): value for place, value in state.items()}
    if len(tensors) < len(state):
        twice = sorted(shown(place) for place in state if WRAPPER + place in state)
        raise CheckpointError(f"'{name}' holds these keys with and without '{WRAPPER}': {', '.join(twice)}")
    ignored = () if key is None else tuple(sorted(shown(str(entry)) for entry in data if entry != key))
    return Checkpoint(Path(path), tensors, ignored, bool(data.get(FUSION)), file.foreign)


def _key_of_weights(data: Any, name: str) -> str | None:
    """Under which entry of ``data`` the weights lie; None where it is nothing but weights. Raises CheckpointError.

    Trainers name that entry as they like; what lies there has the names of a CLIP's weights.
    """
    if isinstance(data, Mapping) and STATE in data:
        return STATE
    if _are_weights(data):
        return None
    entries = data if isinstance(data, Mapping) else {}
    found = [key for key, value in entries.items() if isinstance(key, str) and _are_weights(value)]
    if len(found) == 1:
        return found[0]
    if found:
        raise CheckpointError(
            f"'{name}' holds weights under {', '.join(map(shown, found[:MOST_TOLD]))}, and "
            f"only you can know which are meant; save them alone: "
            f"torch.save({{'{STATE}': torch.load('{name}')['{shown(found[0])}']}}, 'weights.pt')"
        )
    if any(map(_of_transformers, (data, *entries.values()))):
        raise CheckpointError(
            f"'{name}' holds weights by the names of transformers; save that model with save_pretrained, its tokenizer "
            "beside it, and name the folder as a backbone"
        )
    raise CheckpointError(f"'{name}' is not a published checkpoint: it holds {_shape_of(data)} and no {STATE}")


def _are_weights(value: object) -> bool:
    """Whether it holds tensors by the names of OpenAI's layout or the published one, and nothing else."""
    if not isinstance(value, Mapping) or not value:
        return False
    tensors = all(isinstance(key, str) and isinstance(tensor, StoredTensor) for key, tensor in value.items())
    names = [key.removeprefix(WRAPPER) for key in value] if tensors else []
    return _CONTEXT in names or any(name.startswith(_CLIP_NAMES) for name in names)


def _of_transformers(value: object) -> bool:
    return isinstance(value, Mapping) and any(str(key).startswith(("vision_model.", "text_model.")) for key in value)


def _read_file(path: Path) -> TorchFile:
    try:
        return read_torch_file(path)
    except FileNotFoundError as exc:
        raise CheckpointError(f"there is no file '{path}'; check the path") from exc
    except OSError as exc:
        raise CheckpointError(f"'{path}' cannot be read ({exc.strerror or exc}); name a .pt file") from exc
    except TooLarge as exc:
        raise CheckpointError(
            f"'{path.name}' is not read: {exc}; save its weights alone, with torch.save(model.state_dict(), "
            "'weights.pt')"
        ) from exc
    except ValueError as exc:
        raise CheckpointError(
            f"'{path.name}' is not a file that torch.save wrote, or is damaged; fetch it again"
        ) from exc


def _shape_of(data: object) -> str:
    if isinstance(data, Mapping):
        keys = [shown(str(key)) for key in data]
        return f"{len(keys)} entries ({', '.join(keys[:5])}{', …' if len(keys) > 5 else ''})" if keys else "nothing"
    if isinstance(data, Inert):
        return f"an object of {shown(data.name)}, of which nothing is made here (save its state_dict() instead)"
    return f"a {type(data).__name__}"


class TensorReader:
    """Takes tensors by key and remembers the keys taken and the faults found."""

    def __init__(self, tensors: Mapping[str, StoredTensor]) -> None:
        self.tensors = tensors
        self.faults: list[Fault] = []
        self._known: set[str] = set()

    def take(self, key: str, shape: Sequence[int | None]) -> Tensor | None:
        """A float32 copy of the tensor under ``key``, None with a fault if it is missing, odd or not of ``shape``.

        A None in ``shape`` stands for any number of at least 1.
        """
        self._known.add(key)
        fault = self._look(key, shape)
        if fault is None:
            tensor = self.tensors[key]
            taken = tensor.read().to(torch.float32).contiguous()
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
        self.faults += [Fault(shown(key), "is not expected") for key in self.tensors if key not in self._known]

    def _look(self, key: str, shape: Sequence[int | None]) -> str | None:
        """What is wrong with the tensor under ``key`` before its numbers are read; None if nothing is."""
        if key not in self.tensors:
            return "is missing"
        tensor = self.tensors[key]
        if not tensor.is_plain:
            return f"is not a plain array of floating-point numbers ({tensor.dtype})"
        pairs = list(zip(tensor.shape, shape, strict=False))
        if len(tensor.shape) == len(shape) and all(size == want or (want is None and size) for size, want in pairs):
            return None
        wanted = ", ".join("any" if want is None else str(want) for want in shape) + ("," if len(shape) == 1 else "")
        return f"has shape {tensor.shape} instead of ({wanted})"


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
