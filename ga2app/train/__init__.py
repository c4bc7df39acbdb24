"""Training: few-shot draw, loop, schedule, checkpoint, and the loop a slice at a time."""

from ga2app.train.loop import TrainResult, train
from ga2app.train.slices import Slice, train_slice

__all__ = ["Slice", "TrainResult", "train", "train_slice"]
