"""Data sets as commands and programs name them, and the anchors and negative prompts that a run's settings name."""

from __future__ import annotations

import os
from functools import partial

from ga2app.config import DEMO, RunConfig
from ga2app.errors import DatasetError
from ga2app.paths import default_home
from ga2app.types import Dataset


def find_dataset(name: str, notes: list[str] | None = None) -> Dataset:
    """A data set by name: one of this home, the demo (drawn if need be), a folder of class folders, or a CSV file.

    What reading says goes to ``notes``. Raises DatasetError.
    """
    from ga2app.datasets import read_clipset

    known = known_dataset(name)
    if known is not None:
        return known
    if not os.path.exists(name):
        raise DatasetError(
            f"there is no data set '{name}' and no folder or CSV file of that name; "
            "'demo' is always there, and import-dataset brings in your own"
        )
    return read_clipset(name, notes=notes)


def known_dataset(name: str) -> Dataset | None:
    """The data set of this home under ``name``, or the demo (drawn if need be); None for any other name."""
    from ga2app.store import Store

    home = default_home()
    if home.database.exists():
        with Store.open(home) as store:
            if name in {row.name for row in store.datasets.list()}:
                return store.datasets.get(name)
    if name != DEMO:
        return None
    from ga2app.synthetic.demo_dataset import demo_dataset

    return demo_dataset(home.media / DEMO)


def anchored(config: RunConfig, dataset: Dataset) -> Dataset:
    """``dataset`` with the anchors and negatives that ``config`` names, else its own, else those of the demo."""
    return with_borrowed(config, with_named_anchors(config, dataset))


def with_borrowed(config: RunConfig, dataset: Dataset) -> Dataset:
    """``dataset`` with what the demo lends where it has none and ``config`` names none."""
    from ga2app.store.chosen_anchors import borrow

    return borrow(config, dataset, partial(find_dataset, DEMO))


def with_named_anchors(config: RunConfig, dataset: Dataset) -> Dataset:
    """``dataset`` with the anchors and negatives that ``config`` names, else its own."""
    from ga2app.store import Store
    from ga2app.store.chosen_anchors import with_chosen

    if not (config.anchors or config.negatives):
        return dataset
    with Store.open(default_home()) as store:
        return with_chosen(store, config, dataset)
