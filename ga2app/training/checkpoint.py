"""A run's checkpoint: one safetensors file with prompts, optimizer state, loss scaling and step. No pickle.

Random numbers need no place in it: those of a step depend on the run's seed and the step alone. Settings, data and
what tells the backbone from others stand in it as JSON, so that a run that goes on can be held against them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ga2app.bundles import difference
from ga2app.clip import BackboneId
from ga2app.config import RunConfig
from ga2app.errors import BundleError, ErrorCode, TrainingError
from ga2app.method.prompts import PromptLearner
from ga2app.training.optimizer import Updater
from ga2app.training.same_settings import hashed_settings_fit, settings_changes
from ga2app.types import Dataset, TrainingData

PROMPT, MOMENT = "prompt.", "adam."


@dataclass(frozen=True)
class Resumed:
    """Where a run goes on: ``step`` steps are behind it, in the arithmetic ``precision`` (empty: not known).

    ``measured`` is False where the epoch that ends at ``step`` has no figures yet.
    """

    step: int
    measured: bool = True
    precision: str = ""


def write(
    path: Path,
    step: int,
    config: RunConfig,
    data: TrainingData,
    backbone: BackboneId,
    prompts: PromptLearner,
    updater: Updater,
    *,
    measured: bool = True,
) -> None:
    """Write the checkpoint of ``step`` finished steps; whole or not at all. Raises TrainingError on a full disk."""
    tensors = {PROMPT + name: tensor for name, tensor in prompts.tensors().items()}
    for name, parameter in prompts.named_parameters():
        for key, value in updater.adam.state.get(parameter, {}).items():
            tensors[f"{MOMENT}{key}.{name}"] = value.detach().cpu().contiguous()
    metadata = {
        "step": str(step),
        "settings": json.dumps(config.to_dict(), sort_keys=True),
        "data": json.dumps(data.to_dict()),
        "backbone": json.dumps(backbone.to_dict()),
        "scaling": json.dumps(dict(updater.scaling())),
        "measured": json.dumps(measured),
    }
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, str(fresh), metadata=metadata)
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(fresh, path)
    except (OSError, SafetensorError) as exc:  # the latter on a full disk
        fresh.unlink(missing_ok=True)
        raise TrainingError(
            f"checkpoint '{path}' could not be written ({exc}); free some space and go on from the one before it"
        ) from exc


def check(path: Path, config: RunConfig, dataset: Dataset, data: TrainingData) -> None:
    """Raises TrainingError, with what has changed, where a run of ``config`` on ``data`` cannot go on from ``path``.

    Settings that did not exist when it was written have their defaults; device, precision and how often test clips
    are measured may differ.
    """
    metadata = _metadata(path)
    step = metadata.get("step", "?")
    if changes := _changed_settings(metadata, config):
        raise TrainingError(
            f"the checkpoint of this run, at step {step}, was made with other settings: {'; '.join(changes)}. Set them "
            f"back to go on from there, or {_afresh(path)}",
            code=ErrorCode.CHECKPOINT_UNUSABLE,
        )
    if "data" not in metadata:
        return  # of a version that did not write it down
    changed = _read_data(path, metadata["data"]).changes(data)
    if changed:
        raise TrainingError(
            f"the clips or labels of '{dataset.name}' have changed since step {step}: {'; '.join(changed)}. Bring them "
            f"back as they were to go on from there, or {_afresh(path)}",
            code=ErrorCode.DATA_CHANGED,
        )


def check_backbone(path: Path, backbone: BackboneId) -> None:
    """Raises TrainingError, with what has changed, where ``path`` was made on another CLIP of the same name.

    One of a version that did not write its backbone down is let pass.
    """
    metadata = _metadata(path)
    if "backbone" not in metadata:
        return
    try:
        then, now = json.loads(metadata["backbone"]), backbone.to_dict()
        changed, commits = difference(then, now), (then["revision"], now["revision"])
    except (KeyError, TypeError, ValueError) as exc:
        raise _damaged(path, exc) from exc
    if changed:
        commit = "" if commits[0] == commits[1] else f" (commit {commits[0]} then, {commits[1]} now)"
        raise TrainingError(
            f"the backbone '{backbone.name}' has changed since step {metadata.get('step', '?')}: {changed}{commit}. "
            f"Bring it back as it was to go on from there, or {_afresh(path)}"
        )


def read(path: Path, prompts: PromptLearner, updater: Updater) -> Resumed:
    """Take over the checkpoint, which ``check`` has let pass. Raises TrainingError when it is damaged."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = dict(file.metadata() or {})
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}
    except (OSError, SafetensorError) as exc:
        raise _unreadable(path, exc) from exc
    try:
        prompts.load_tensors({name.removeprefix(PROMPT): tensors[name] for name in tensors if name.startswith(PROMPT)})
    except BundleError as exc:
        raise _damaged(path, exc) from exc
    for name, parameter in prompts.named_parameters():
        state = {}
        for key in ("step", "exp_avg", "exp_avg_sq"):
            if (value := tensors.get(f"{MOMENT}{key}.{name}")) is not None:
                state[key] = value if key == "step" else value.to(parameter.device)
        if state:
            updater.adam.state[parameter] = state
    try:
        precision = str(json.loads(metadata.get("settings", "{}")).get("precision", ""))
        scaling = json.loads(metadata["scaling"])
        # Another arithmetic scales the loss otherwise, or not at all: it finds its own scale within a few steps.
        if scaling and updater.scaling():
            updater.load_scaling(scaling)
        return Resumed(int(metadata["step"]), bool(json.loads(metadata.get("measured", "true"))), precision)
    except (KeyError, ValueError, AttributeError) as exc:
        raise _damaged(path, exc) from exc


def _metadata(path: Path) -> Mapping[str, str]:
    try:
        with safe_open(str(path), framework="pt") as file:
            return dict(file.metadata() or {})
    except (OSError, SafetensorError) as exc:
        raise _unreadable(path, exc) from exc


def _changed_settings(metadata: Mapping[str, str], config: RunConfig) -> list[str]:
    if "settings" in metadata:
        return settings_changes(json.loads(metadata["settings"]), config)
    if hashed_settings_fit(metadata.get("config", ""), config):
        return []
    return ["which ones cannot be told, because the version that wrote it did not keep them"]


def _read_data(path: Path, text: str) -> TrainingData:
    try:
        return TrainingData.from_dict(json.loads(text))
    except (ValueError, TrainingError) as exc:
        raise _damaged(path, exc) from exc


def _afresh(path: Path) -> str:
    return f"begin anew at step 0 (Start over on Runs, train --restart, or delete '{path.name}')"


def _unreadable(path: Path, exc: Exception) -> TrainingError:
    return TrainingError(
        f"checkpoint '{path}' cannot be read ({exc})", hint=_afresh(path), code=ErrorCode.CHECKPOINT_UNUSABLE
    )


def _damaged(path: Path, exc: Exception) -> TrainingError:
    return TrainingError(
        f"checkpoint '{path}' is damaged ({exc})", hint=_afresh(path), code=ErrorCode.CHECKPOINT_UNUSABLE
    )
