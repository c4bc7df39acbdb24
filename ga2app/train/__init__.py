"""Training: few-shot draw, loop, schedule, checkpoint, and the loop a slice at a time."""

from ga2app.train.loop import TrainResult, train
from ga2app.train.slices import Slice, train_slice
from ga2app.train.starting import check_start

__all__ = ["Slice", "TrainResult", "check_start", "train", "train_slice"]
