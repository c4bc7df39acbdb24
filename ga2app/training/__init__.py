"""Training: few-shot draw, loop, schedule, checkpoint, and the loop a slice at a time."""

from ga2app.training.distributed import train
from ga2app.training.resumable import Slice, train_slice
from ga2app.training.training_checks import check_start
from ga2app.types import TrainResult

__all__ = ["Slice", "TrainResult", "check_start", "train", "train_slice"]
