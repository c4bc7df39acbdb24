"""Checkpoints of other trainers, who keep the weights under names of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ga2app.bundles.checkpoints import import_checkpoint, read_checkpoint
from ga2app.clip import Backbone
from ga2app.errors import CheckpointError
from tests.published import openai_layout as theirs


@pytest.mark.parametrize(
    ("wrap", "ignored"),
    [
        (lambda weights: weights, ()),
        (lambda weights: {f"module.{key}": value for key, value in weights.items()}, ()),
        (lambda weights: {"state_dict": weights, "epoch": 5}, ("epoch",)),
        (lambda weights: {"model": {f"module.{key}": value for key, value in weights.items()}}, ()),
    ],
    ids=["bare", "bare-of-several-gpus", "state_dict", "model-of-several-gpus"],
)
def test_weights_are_found_where_one_entry_alone_can_be_meant(
    wrap: Callable[[Any], Any], ignored: tuple[str, ...], tuned: dict[str, Tensor], backbone: Backbone, tmp_path: Path
):
    torch.save(wrap(dict(tuned)), tmp_path / "tuned.pt")
    torch.save({"model_state_dict": dict(tuned)}, tmp_path / "usual.pt")
    found = import_checkpoint(tmp_path / "tuned.pt", backbone, backbone_out=tmp_path / "found")
    usual = import_checkpoint(tmp_path / "usual.pt", backbone, backbone_out=tmp_path / "usual")
    assert found.backbone.fingerprint == usual.backbone.fingerprint != backbone.identity.fingerprint
    assert found.ignored == ignored


def test_of_two_entries_with_weights_neither_is_guessed(tuned: dict[str, Tensor], tmp_path: Path):
    torch.save({"model": dict(tuned), "ema": dict(tuned)}, tmp_path / "two.pt")
    with pytest.raises(CheckpointError, match=r"holds weights under model, ema, .*torch.load\('two.pt'\)\['model'\]"):
        read_checkpoint(tmp_path / "two.pt")


def test_weights_by_the_names_of_transformers_are_sent_to_save_pretrained(world: theirs.World, tmp_path: Path):
    from transformers import CLIPModel

    state = CLIPModel.from_pretrained(world.folder).state_dict()
    for name, data in {"bare": state, "wrapped": {"state_dict": state, "epoch": 1}}.items():
        torch.save(data, tmp_path / name)
        with pytest.raises(CheckpointError, match="by the names of transformers; save that model with save_pretrained"):
            read_checkpoint(tmp_path / name)
