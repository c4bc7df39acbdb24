"""Reading a ``.pt`` file: tensors and plain values, never code."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ga2app.errors import CheckpointError

STATE = "model_state_dict"
FUSION = "fusion_model_state_dict"
WRAPPER = "module."
"""What DistributedDataParallel puts before every key."""

_CLIP_NAMES = ("visual.", "token_embedding.", "image_encoder.", "text_encoder.", "prompt_learner.")
"""How the names of weights begin that are read here."""

_ZIP = b"PK\x03\x04"
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")


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
        with path.open("rb") as opened:
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
            f"'{name}' holds more than tensors and plain values ({found[1]}), so that loading it could run code, and "
            f"is not loaded; get a file whose entries, {STATE} above all, hold tensors alone"
        )
    return f"'{name}' is not a file that torch.save wrote, or is damaged; fetch it again"


def _shape_of(data: object) -> str:
    if isinstance(data, Mapping):
        keys = [str(key) for key in data]
        return f"{len(keys)} entries ({', '.join(keys[:5])}{', …' if len(keys) > 5 else ''})" if keys else "nothing"
    return f"a {type(data).__name__}"
