"""Tiny published checkpoints: a random CLIP in two layouts, and files as the authors' code saves them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ga2app.clip import Backbone, load_backbone
from tests.published import openai_layout as theirs

BASE = ("walking", "waving hand")
Save = Callable[..., Path]


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory, tiny_clip_folder: Path) -> theirs.World:
    """With the word tokenizer of the tests, which is always there."""
    return theirs.make_world(tmp_path_factory.mktemp("world") / "clip", tiny_clip_folder)


@pytest.fixture(scope="session")
def tuned(world: theirs.World) -> dict[str, Tensor]:
    """The same CLIP after tuning of both towers, by more than float16 can hide; its token embedding is left alone."""
    generator = torch.Generator().manual_seed(7)
    return {
        key: weight
        if key == "token_embedding.weight"
        else weight + 0.05 * torch.randn(weight.shape, generator=generator)
        for key, weight in world.weights.items()
    }


@pytest.fixture(scope="session")
def backbone(world: theirs.World) -> Backbone:
    return load_backbone(world.folder, device="cpu", precision="float32")


@pytest.fixture
def save(tmp_path: Path, world: theirs.World) -> Save:
    """Writes a checkpoint with the entries that a run of the published code leaves, and gives its path."""

    def save(name: str, state: Mapping[str, Any], **entries: Any) -> Path:
        path = tmp_path / name
        usual = {"epoch": 11, "fusion_model_state_dict": {}, "optimizer_state_dict": {"state": {}}}
        torch.save({**usual, "model_state_dict": dict(state), **entries}, path)
        return path

    return save
