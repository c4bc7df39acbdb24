"""What the worker calls to do the work itself, and what of the torch side stands behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ga2app.config import RunConfig
from ga2app.types import BundleCard, Dataset, Event, Report


class Outcome(Protocol):
    """What the worker needs of a ``TrainResult``."""

    @property
    def finished(self) -> bool: ...

    @property
    def bundle(self) -> str | None: ...

    @property
    def report(self) -> Report | None: ...


class Training(Protocol):
    """The shape of ``ga2app.training.train``."""

    def __call__(
        self,
        config: RunConfig,
        dataset: Dataset,
        *,
        out: Path,
        checkpoint: Path,
        emit: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ) -> Outcome: ...


@dataclass(frozen=True)
class Parts:
    """What the worker calls to do the work itself. ``check_bundle`` raises for a bundle that does not load."""

    train: Training
    check_bundle: Callable[[str], object]
    read_card: Callable[[str], BundleCard]
    draw_demo: Callable[[Path], Dataset]
    warm: Callable[[], object]


def real_parts() -> Parts:
    """The torch side, imported when it is first called."""

    def train(
        config: RunConfig,
        dataset: Dataset,
        *,
        out: Path,
        checkpoint: Path,
        emit: Callable[[Event], None],
        should_stop: Callable[[], bool],
    ) -> Outcome:
        from ga2app.training import train

        return train(config, dataset, out=out, checkpoint=checkpoint, emit=emit, should_stop=should_stop, reported=True)

    def check_bundle(folder: str) -> object:
        from ga2app.inference import load_bundle

        return load_bundle(folder)

    def read_card(folder: str) -> BundleCard:
        from ga2app.bundles import read_card

        return read_card(folder, origin="trained")

    def draw_demo(folder: Path) -> Dataset:
        from ga2app.synthetic.demo_dataset import demo_dataset

        return demo_dataset(folder)

    def warm() -> None:
        import ga2app.inference
        import ga2app.training  # noqa: F401

    return Parts(train, check_bundle, read_card, draw_demo, warm)
