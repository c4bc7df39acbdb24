"""Reading a ``.pt`` file: tensors and plain values, never code; and taking tensors out of it with every fault."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ga2app.errors import CheckpointError, Fault, shown
from ga2app.untrusted import open_ordinary

STATE = "model_state_dict"
FUSION = "fusion_model_state_dict"
WRAPPER = "module."
"""What DistributedDataParallel puts before every key."""

_CLIP_NAMES = ("visual.", "token_embedding.", "image_encoder.", "text_encoder.", "prompt_learner.")
"""How the names of weights begin that are read here."""

_ZIP = b"PK\x03\x04"
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")

MOST_TOLD = 24
"""Kinds of faults that a message tells; the error's ``faults`` are always complete."""

_LAYER = re.compile(r"(?<=resblocks\.)\d+(?=\.)")


@dataclass(frozen=True)
class Checkpoint:
    """``tensors`` of the model by key, without ``module.``; ``ignored`` names the file's other entries.

    ``fusion`` says that one of these, the temporal head, holds weights.
    """

    name: str
    tensors: Mapping[str, Tensor]
    ignored: tuple[str, ...]
    fusion: bool


def read_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """The checkpoint in ``path``, its tensors mapped from the disk. Raises CheckpointError."""
    data, name = _unpickle(Path(path)), Path(path).name
    key = _key_of_weights(data, name)
    state = data if key is None else data[key]
    if not isinstance(state, Mapping) or not state:
        raise CheckpointError(f"'{name}' is not a published checkpoint: its {key} holds {_shape_of(state)}")
    odd = [str(key) for key, value in state.items() if not (isinstance(key, str) and isinstance(value, Tensor))]
    if odd:
        raise CheckpointError(f"'{name}' is not a published checkpoint: no tensors are under {', '.join(odd)}")
    tensors = {place.removeprefix(WRAPPER): value for place, value in state.items()}
    if len(tensors) < len(state):
        twice = sorted(place for place in state if WRAPPER + place in state)
        raise CheckpointError(f"'{name}' holds these keys with and without '{WRAPPER}': {', '.join(twice)}")
    ignored = () if key is None else tuple(sorted(str(entry) for entry in data if entry != key))
    return Checkpoint(name, tensors, ignored, bool(data.get(FUSION)))


def _key_of_weights(data: Any, name: str) -> str | None:
    """Under which entry of ``data`` the weights lie; None where it is nothing but weights. Raises CheckpointError.

    Trainers name that entry as they like; what lies there has the names of a CLIP's weights.
    """
    if isinstance(data, Mapping) and STATE in data:
        return STATE
    if _are_weights(data):
        return None
    found = [str(key) for key, value in data.items() if _are_weights(value)] if isinstance(data, Mapping) else []
    if len(found) == 1:
        return found[0]
    if found:
        raise CheckpointError(
            f"'{name}' holds weights under {', '.join(found)}, and only you can know which are meant; save them alone: "
            f"torch.save({{'{STATE}': torch.load('{name}')['{found[0]}']}}, 'weights.pt')"
        )
    if _of_transformers(data) or (isinstance(data, Mapping) and any(map(_of_transformers, data.values()))):
        raise CheckpointError(
            f"'{name}' holds weights by the names of transformers; save that model with save_pretrained, its tokenizer "
            "beside it, and name the folder as a backbone"
        )
    raise CheckpointError(f"'{name}' is not a published checkpoint: it holds {_shape_of(data)} and no {STATE}")


def _are_weights(value: object) -> bool:
    """Whether it holds tensors by the names of OpenAI's layout or the published one, and nothing else."""
    if not isinstance(value, Mapping) or not value:
        return False
    tensors = all(isinstance(key, str) and isinstance(tensor, Tensor) for key, tensor in value.items())
    return tensors and any(key.removeprefix(WRAPPER).startswith(_CLIP_NAMES) for key in value)


def _of_transformers(value: object) -> bool:
    return isinstance(value, Mapping) and any(str(key).startswith(("vision_model.", "text_model.")) for key in value)


def _unpickle(path: Path) -> Any:
    try:
        with open_ordinary(path) as opened:
            # The older format, a bare pickle, cannot be mapped.
            mapped = opened.read(len(_ZIP)) == _ZIP
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except FileNotFoundError as exc:
        raise CheckpointError(f"there is no file '{path}'; check the path") from exc
    except OSError as exc:
        raise CheckpointError(f"'{path}' cannot be read ({exc.strerror or exc}); name a .pt file") from exc
    except Exception as exc:  # what a damaged or hostile pickle raises is not to be foreseen
        raise CheckpointError(_why_not_read(path.name, str(exc))) from exc


def _why_not_read(name: str, said: str) -> str:
    if "TorchScript" in said:
        return (
            f"'{name}' is a TorchScript archive, which is code, and is not loaded; take the same CLIP in the "
            "transformers format, such as openai/clip-vit-base-patch16"
        )
    found = _GLOBAL.search(said)
    if found:
        return (
            f"'{name}' holds more than tensors and plain values ({shown(found[1])}), so that loading it could run "
            f"code, and is not loaded; get a file whose entries, {STATE} above all, hold tensors alone"
        )
    return f"'{name}' is not a file that torch.save wrote, or is damaged; fetch it again"


def _shape_of(data: object) -> str:
    if isinstance(data, Mapping):
        keys = [str(key) for key in data]
        return f"{len(keys)} entries ({', '.join(keys[:5])}{', …' if len(keys) > 5 else ''})" if keys else "nothing"
    return f"a {type(data).__name__}"


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
