"""Training: few-shot draw, loop, schedule, checkpoint."""

from ga2app.train.loop import TrainResult, train

__all__ = ["TrainResult", "train"]
