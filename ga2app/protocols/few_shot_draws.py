"""The draws of a protocol, each trained or found finished in its folder, and what they found.

A figure that is so by construction (top-5 of five labels) is None. Several seeds are trained at once, each in a process
of its own, on a device of its own where there are several.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from ga2app import bundles
from ga2app.bundles.manifest import MANIFEST
from ga2app.clip import Backbone
from ga2app.clip.compute import OWN_DEVICE, devices
from ga2app.config import RunConfig
from ga2app.config.effective_config import effective
from ga2app.config.reading import flat
from ga2app.disk import drop_checkpoint
from ga2app.errors import ConfigError, Fault, TrainingError
from ga2app.evaluation import SINGLE_VIEW, Spread, spread_if_defined
from ga2app.training import train
from ga2app.types import Dataset, Event, EventKind, Interval, SampleSize, intervals, to_counts, wilson
from ga2app.video.sampling import MultiView

T = TypeVar("T")
_LOOK_S = 0.2


def workers_for(asked: int | None, device: str, most: int, *, per_core: bool = False) -> int:
    """How many processes train at once: as many as ``asked`` for, else one a CUDA device; never more than ``most``.

    ``device`` is that of the settings: where it names one of several, all of them share it. On a processor it is one,
    or ``per_core`` one a core. Raises ConfigError.
    """
    if asked is not None and asked < 1:
        raise ConfigError([Fault("workers", f"must be at least 1 (it is {asked})")])
    found = devices()
    if found[0].startswith("cuda") and device in ("auto", "cuda"):
        usual = len(found)
    else:
        usual = (os.cpu_count() or 1) if per_core else 1
    return max(1, min(asked or usual, most))


@contextmanager
def seed_processes(
    workers: int, begin: Callable[..., None] | None = None, *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """A pool of ``workers`` fresh processes, each with a device of its own in turn; ``begin`` is called first in each.

    Raises TrainingError where one of them is killed.
    """
    context = multiprocessing.get_context("spawn")
    places = context.Queue()
    found = devices()
    for number in range(workers):
        places.put(found[number % len(found)])
    pool = ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(places, begin, arguments))
    try:
        with pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except BrokenProcessPool as exc:
        raise TrainingError(
            "one of the processes that trained was ended from outside, most likely for want of memory; what is "
            "finished is kept: give the same command again with fewer --workers"
        ) from exc
    finally:
        places.close()
        places.cancel_join_thread()


def as_they_come(futures: dict[Future[T], Any], stop: Callable[[], None]) -> Iterator[Future[T]]:
    """``futures`` as they are done; ``stop`` is called several times a second until all are."""
    waiting = set(futures)
    while waiting:
        done, waiting = wait(waiting, timeout=_LOOK_S, return_when=FIRST_COMPLETED)
        stop()
        yield from done


def _begin(places: Any, begin: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one, which passes it on
    os.environ[OWN_DEVICE] = places.get()
    if begin:
        begin(*arguments)


@dataclass(frozen=True)
class DrawFigures:
    """One measured draw: the ``name`` of its bundle's folder, its seed, its figures, and the details behind them.

    ``clips`` is the number of training clips, ``seen`` how many of the test clips it was trained on. ``baselines`` are
    the same figures of the baselines that were asked for, on the draw's training clips.
    """

    name: str
    seed: int
    shots: int
    clips: int
    figures: Mapping[str, float | None]
    details: Mapping[str, Any] = field(default_factory=dict)
    seen: int = 0
    baselines: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)

    def to_dict(self, details: bool) -> dict[str, Any]:
        """Plain JSON values."""
        values = {name: getattr(self, name) for name in ("name", "seed", "shots", "clips", "seen")}
        beside = {name: dict(figures) for name, figures in self.baselines.items()}
        values |= {"figures": dict(self.figures)} | ({"baselines": beside} if beside else {})
        return {**values, **({"details": self.details} if details else {})}


@dataclass(frozen=True)
class Series:
    """The draws of one setting, ``title``, beside ``plain`` CLIP on the same test clips.

    ``shared`` are the test labels that were trained on, where a data set is tested that was not trained on. ``tested``
    is what the figures rest on, by side; where all labels compete it is that of base.
    """

    title: str
    plain: Mapping[str, float | None]
    draws: tuple[DrawFigures, ...]
    plain_details: Mapping[str, Any] = field(default_factory=dict)
    shared: tuple[str, ...] = ()
    tested: Mapping[str, SampleSize] = field(default_factory=dict)

    def spread(self, baseline: str = "") -> dict[str, Spread | None]:
        """Each figure's mean and deviation over the draws, None of one that is not defined; or those of a baseline.

        That of HM is over the draws' own HMs.
        """
        found = [draw.baselines[baseline] if baseline else draw.figures for draw in self.draws]
        return {name: spread_if_defined([figures[name] for figures in found]) for name in self.draws[0].figures}

    def intervals(self, figures: Mapping[str, float | None]) -> dict[str, Interval]:
        """The 95% intervals of base, novel and HM, or of top-1, over the test clips."""
        known = {name: value for name, value in figures.items() if value is not None}
        if "top1" in known and "base" in self.tested:
            return {"top1": wilson(known["top1"], self.tested["base"].clips)}
        joint = {name.removeprefix("joint_"): value for name, value in known.items() if name.startswith("joint_")}
        jointly = {f"joint_{name}": value for name, value in intervals(joint, self.tested).items()}
        return intervals(known, self.tested) | jointly

    def _baselines(self) -> dict[str, Any]:
        """Mean and deviation of each baseline over the draws."""
        found = {name: self.spread(name) for name in self.draws[0].baselines}
        return {
            name: {
                kind: {key: value and getattr(value, kind) for key, value in one.items()} for kind in ("mean", "std")
            }
            for name, one in found.items()
        }

    def to_dict(self, details: bool) -> dict[str, Any]:
        """Plain JSON values, with per-class figures and confusion matrices if ``details``."""
        spreads = self.spread()
        return {
            "title": self.title,
            "plain": dict(self.plain),
            **({"plain_details": self.plain_details} if details else {}),
            "draws": [
                {**draw.to_dict(details), "intervals": _listed(self.intervals(draw.figures))} for draw in self.draws
            ],
            "mean": {name: value and value.mean for name, value in spreads.items()},
            "std": {name: value and value.std for name, value in spreads.items()},
            "shared": list(self.shared),
            **({"baselines": beside} if (beside := self._baselines()) else {}),
            "tested": to_counts(self.tested),
            "plain_intervals": _listed(self.intervals(self.plain)),
        }


def _listed(found: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: list(interval) for name, interval in found.items()}


@dataclass(frozen=True)
class Report:
    """A protocol's answer: what was done, and one series for each thing that was asked for."""

    protocol: str
    dataset: str
    views: str
    config: Mapping[str, Any]
    series: tuple[Series, ...]

    def to_dict(self, *, details: bool = True) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "protocol": self.protocol,
            "dataset": self.dataset,
            "views": self.views,
            "config": dict(self.config),
            "series": [one.to_dict(details) for one in self.series],
        }


@dataclass(frozen=True)
class Session:
    """What all draws of a protocol share: the frozen backbone, the folder for their bundles, the views of a test.

    ``emit`` hears of the training's events, ``should_stop`` is asked between steps and between test clips.
    ``workers`` draws are made at once. ``baselines`` are measured beside each draw, on its training clips.
    """

    backbone: Backbone
    out: Path
    views: MultiView = SINGLE_VIEW
    emit: Callable[[Event], None] = lambda event: None
    should_stop: Callable[[], bool] = lambda: False
    workers: int = 1
    baselines: tuple[str, ...] = ()

    def say(self, text: str) -> None:
        """Tell of what the training's own events do not tell."""
        self.emit(Event(EventKind.LOG, 0, {"text": text}))


@dataclass(frozen=True)
class Draw:
    """A draw that is to be made: the ``name`` of its folder, and its settings."""

    name: str
    config: RunConfig


def plan(config: RunConfig, seeds: Sequence[int], session: Session, prefix: str = "") -> list[Draw]:
    """A draw for each of ``seeds``; raises ConfigError for none, or for one given twice."""
    if not seeds:
        raise ConfigError([Fault("seeds", "at least one draw is needed; give seeds such as 1,2,3")])
    if len(set(seeds)) < len(seeds):
        raise ConfigError([Fault("seeds", f"{', '.join(map(str, seeds))} holds one twice; each draw needs its own")])
    settled = replace(config, precision=session.backbone.compute.precision)
    return [Draw(f"{prefix}seed-{seed}", replace(settled, seed=seed)) for seed in seeds]


def check_finished(draws: Sequence[Draw], dataset: Dataset, session: Session) -> None:
    """Raises TrainingError when a finished draw in the folder was made with other settings or clips than asked for."""
    for draw in draws:
        if is_finished(draw, session):
            _check_same(draw, bundles.load_folder(session.out / draw.name), dataset, session)


def is_finished(draw: Draw, session: Session) -> bool:
    """Whether the draw's folder holds its bundle already."""
    return (session.out / draw.name / MANIFEST).is_file()


def trained(draw: Draw, dataset: Dataset, session: Session) -> bundles.Bundle:
    """The draw's bundle: the finished one, or else trained now, going on from a checkpoint if there is one.

    Raises InterruptedError, which says where, after a stop; the checkpoint is then written. Raises StudioError.
    """
    folder = session.out / draw.name
    checkpoint = folder.with_name(folder.name + ".checkpoint")
    if is_finished(draw, session):
        session.say(f"{draw.name}: finished already")
    else:
        result = train(
            draw.config,
            dataset,
            out=folder,
            checkpoint=checkpoint,
            emit=session.emit,
            should_stop=session.should_stop,
            backbone=session.backbone,
        )
        if not result.finished:
            raise InterruptedError(f"stopped at step {result.step} of {draw.name}")
    drop_checkpoint(checkpoint)
    return bundles.load_folder(folder)


def _check_same(draw: Draw, bundle: bundles.Bundle, dataset: Dataset, session: Session) -> None:
    bundle.check_backbone(session.backbone.identity.to_dict())
    # What was asked for may differ where both do the same: whitening is off without clips to whiten by.
    used = (effective(config, dataset)[0] for config in (bundle.manifest.run, draw.config))
    then, now = (flat(config.passed_on().to_dict()) for config in used)
    changes = [f"{name} was {then[name]} and is now {now[name]}" for name in now if now[name] != then[name]]
    if bundle.manifest.dataset_hash != bundles.dataset_hash(dataset):
        changes.append(f"the clips, labels, anchors or negatives of '{dataset.name}' have changed")
    if changes:
        raise TrainingError(
            f"'{session.out / draw.name}' was trained with other settings: {'; '.join(changes)}; "
            "name another folder with --out, or delete this one to train it again"
        )
