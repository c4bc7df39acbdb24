"""One of several processes that take the same steps as the test does alone; rank 0 writes down what came of each."""

from __future__ import annotations

import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ga2app.clip import Backbone, load_backbone, ranks
from ga2app.config import RunConfig
from ga2app.errors import DatasetError
from ga2app.training.optimizer import add_gradients, micro_batches
from ga2app.training.training_state import prepare
from ga2app.types import Dataset


@dataclass(frozen=True)
class Case:
    """A step over the shots ``rows`` of a run; micro-batches are those of its settings."""

    name: str
    config: RunConfig
    dataset: Dataset
    rows: tuple[int, ...]


def step_of(case: Case, backbone: Backbone) -> dict[str, torch.Tensor]:
    """Gradients by name, the loss, and what was made of the test clips, on this rank or on this process alone."""
    setup = prepare(case.config, case.dataset, backbone, lambda: False)
    setup.model.train()
    own = case.rows
    if case.config.prompts.visual_depth:
        own = case.rows[ranks.current().part(len(case.rows))]
    (clips,) = micro_batches(setup.source, [own], case.config.optimizer.batch_size, 0)
    torch.manual_seed(5)
    parts = add_gradients(setup, clips, case.rows, 3, torch.Tensor.backward)
    found = {name: one.grad for name, one in setup.model.prompts.named_parameters() if one.grad is not None}
    encoded = setup.encode(setup.learned(), [clip.path for clip in setup.test])
    figures = torch.tensor([*setup.zero_shot.values()])
    return {**found, "loss": parts.total, "test": setup.test_features, "encoded": encoded, "zero-shot": figures}


def main(folder: Path) -> None:
    """Take the steps that ``folder`` names."""
    clip_folder, cases = pickle.loads((folder / "cases").read_bytes())
    backbone = load_backbone(clip_folder, device="cpu", precision="float32")
    found: dict[str, Any] = {}
    with ranks.joined("cpu") as group:
        for case in cases:
            try:
                found[case.name] = step_of(case, backbone)
            except DatasetError as exc:
                found[case.name] = str(exc)
        visual = found["full"]["visual"]
        assert all(torch.equal(one, visual) for one in group.everyones([visual])), "the ranks have other gradients"
        if group.first:
            (folder / "found").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    # Under its own name, by which what is read back is found.
    from tests.train.ranks_program import main as run

    run(Path(sys.argv[1]))
