"""What is looked at before a run takes its first step, and costs no more than reading its clips' bytes."""

from __future__ import annotations

from pathlib import Path

from ga2app.config import RunConfig
from ga2app.config.effective_config import effective, without_needless
from ga2app.training import checkpoint as checkpoints
from ga2app.training.training_batches import data_of
from ga2app.types import Dataset, TrainingData


def check_start(config: RunConfig, dataset: Dataset, checkpoint: Path) -> TrainingData:
    """What a run of ``config`` is trained on. Raises StudioError where it can neither begin nor go on."""
    data = data_of(config, dataset)
    if checkpoint.exists():
        used, _ = effective(config, dataset)
        checkpoints.check(checkpoint, without_needless(config, used), dataset, data)
    return data
