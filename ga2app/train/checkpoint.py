"""A run's checkpoint: one safetensors file with prompts, optimizer state, loss scaling and step. No pickle.

Random numbers need no place in it: those of a step depend on the run's seed and the step alone.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ga2app.config import RunConfig
from ga2app.errors import TrainingError
from ga2app.prompts import PromptLearner
from ga2app.train.update import Updater

PROMPT, MOMENT = "prompt.", "adam."


def write(path: Path, step: int, config: RunConfig, prompts: PromptLearner, updater: Updater) -> None:
    """Write the checkpoint of ``step`` finished steps; whole or not at all."""
    tensors = {PROMPT + name: tensor for name, tensor in prompts.tensors().items()}
    for name, parameter in prompts.named_parameters():
        for key, value in updater.adam.state.get(parameter, {}).items():
            tensors[f"{MOMENT}{key}.{name}"] = value.detach().cpu().contiguous()
    fresh = path.with_name(path.name + ".new")
    path.parent.mkdir(parents=True, exist_ok=True)
    scaling = json.dumps(dict(updater.scaling()))
    save_file(tensors, str(fresh), metadata={"step": str(step), "config": config_hash(config), "scaling": scaling})
    with fresh.open("rb") as written:
        os.fsync(written.fileno())
    os.replace(fresh, path)


def read(path: Path, config: RunConfig, prompts: PromptLearner, updater: Updater) -> int:
    """Take over the checkpoint and return its step; raises TrainingError when it belongs to other settings."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata()
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError) as exc:
        raise TrainingError(f"checkpoint '{path}' cannot be read ({exc}); delete it to start afresh") from exc
    if metadata.get("config") != config_hash(config):
        raise TrainingError(f"checkpoint '{path}' belongs to other settings; delete it to start afresh")
    prompts.load_tensors({name.removeprefix(PROMPT): tensors[name] for name in tensors if name.startswith(PROMPT)})
    for name, parameter in prompts.named_parameters():
        state = {}
        for key in ("step", "exp_avg", "exp_avg_sq"):
            if (value := tensors.get(f"{MOMENT}{key}.{name}")) is not None:
                state[key] = value if key == "step" else value.to(parameter.device)
        if state:
            updater.adam.state[parameter] = state
    try:
        updater.load_scaling(json.loads(metadata["scaling"]))
        return int(metadata["step"])
    except (KeyError, ValueError) as exc:
        raise TrainingError(f"checkpoint '{path}' is damaged ({exc}); delete it to start afresh") from exc


def config_hash(config: RunConfig) -> str:
    """Hash of all settings of a run."""
    return hashlib.sha256(json.dumps(config.to_dict(), sort_keys=True).encode()).hexdigest()[:16]
