"""How long a run still takes: its steps, and the measuring of test clips in between."""

from __future__ import annotations

import time
from collections import deque
from statistics import fmean

from ga2app.config import OptimizerConfig
from ga2app.config.effective_config import Steps

_REMEMBERED = 50
"""Steps whose mean is a step's time: enough for a smooth figure, few enough to follow a machine that gets busy."""


class TimeLeft:
    """Counts what steps and measurements have taken, waiting for clips included.

    ``measure_s`` is what one measurement is expected to take until the first has been made, ``ending_s`` what comes
    after the last.
    """

    def __init__(self, optimizer: OptimizerConfig, steps: Steps, measure_s: float, ending_s: float = 0.0) -> None:
        self._optimizer, self._steps = optimizer, steps
        self._measure_s, self._ending_s = measure_s, ending_s
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._since = time.perf_counter()

    def begin(self) -> None:
        """What follows is a step, after something that was none."""
        self._since = time.perf_counter()

    def stepped(self) -> None:
        """A step has ended."""
        now = time.perf_counter()
        self._took.append(now - self._since)
        self._since = now

    def measured(self, seconds: float) -> None:
        """A measurement has taken so long."""
        self._measure_s = seconds

    def after(self, step: int) -> float:
        """Seconds from the end of ``step`` to the end of the run. The measurement that follows the step counts."""
        every, epochs, per_epoch = self._optimizer.evaluate_every, self._optimizer.epochs, self._steps.per_epoch
        coming = range(max(-(-step // per_epoch), 1), epochs + 1)
        measurements = sum(epoch % every == 0 or epoch == epochs for epoch in coming)
        a_step = fmean(self._took) if self._took else 0.0
        return (self._steps.total - step) * a_step + measurements * self._measure_s + self._ending_s
