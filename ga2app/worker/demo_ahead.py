"""The demo data set of a home: drawn once, by whichever worker comes first, and listed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from ga2app.config import DEMO, RunConfig
from ga2app.paths import Home
from ga2app.store import Store
from ga2app.store.chosen_anchors import DRAWN_SCENES, borrow, borrows, data_of_run
from ga2app.types import Dataset

_log = logging.getLogger(__name__)


class DemoData:
    """Data sets as a worker reads them; the demo is drawn by ``draw`` where it is not there yet."""

    def __init__(self, home: Home, store: Store, draw: Callable[[Path], Dataset]) -> None:
        self._home, self._store, self._draw = home, store, draw

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Workers that start together draw the demo once: the others wait for it."""
        with FileLock(self._home.root / "demo.lock", poll_interval=0.05):
            yield

    def drawn(self) -> Dataset | None:
        """The demo, drawn; None where it is listed already."""
        if DEMO in {row.name for row in self._store.datasets.list()}:
            return None
        _log.info("drawing the demo data set")
        return self._draw(self._home.media / DEMO)

    def list(self, drawn: Dataset | None) -> None:
        """List what ``drawn`` gave, and its scenes as an anchor set."""
        if drawn is not None:
            self._store.datasets.add(drawn, origin="drawn by the app", shared=True)
            self._store.anchors.add_clips(DRAWN_SCENES, drawn.anchors, shared=True)

    def of_run(self, config: RunConfig, owner: str) -> Dataset:
        """What a run of ``owner`` is trained on, with what it borrows of the demo. Raises DatasetError, BundleError."""
        if config.dataset == DEMO or config.anchors == DRAWN_SCENES:  # its drawing fills the set
            self._demo()
        dataset = data_of_run(self._store, config, owner)
        if any(borrows(config, dataset)):
            _log.info("data set '%s' lacks anchors of its own: the drawn scenes serve", dataset.name)
            dataset = borrow(config, dataset, self._demo)
        return dataset

    def _demo(self) -> Dataset:
        with self.alone():
            self.list(self.drawn())
        return self._store.datasets.get(DEMO)
