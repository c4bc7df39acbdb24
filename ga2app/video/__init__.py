"""Reading, sampling and writing clips. Importing the package loads neither torch nor a decoder."""

from __future__ import annotations

from ga2app.video.sampling import Evaluation, Every, Sampling, Training, Views

__all__ = ["Evaluation", "Every", "Sampling", "Training", "Views"]
