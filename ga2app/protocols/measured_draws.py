"""The draws of a protocol, trained and measured: one after another, or several at once in processes of their own."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ga2app import evaluation as evaluate
from ga2app.bundles import Bundle
from ga2app.clip.loading import load_for
from ga2app.config import RunConfig
from ga2app.config.effective_config import tested_on, whitening_anchors
from ga2app.datasets.clip_files import among
from ga2app.evaluation import Evaluation
from ga2app.method.prompted_model import PromptedClip, plain_clip
from ga2app.protocols.few_shot_draws import Draw, DrawFigures, Session, as_they_come, seed_processes, trained
from ga2app.training.training_batches import draw_shots
from ga2app.types import Dataset, Event, EventKind

FloatArray = npt.NDArray[np.float32]


class Measured(NamedTuple):
    """Figures in percent, and the record with per-class figures and confusion matrix that they come from.

    ``seen`` are how many of the test clips the model was trained on. A figure that is so by construction is None.
    """

    figures: Mapping[str, float | None]
    details: Mapping[str, Any]
    seen: int = 0


@dataclass(frozen=True)
class Known:
    """A tensor on its way to another process: its values in float32, its type, and the type of its device."""

    values: FloatArray
    dtype: torch.dtype
    device: str

    @classmethod
    def of(cls, tensor: Tensor) -> Known:
        """``tensor``, ready to be sent."""
        return cls(tensor.float().cpu().numpy(), tensor.dtype, tensor.device.type)

    def tensor(self) -> Tensor:
        """The tensor, as it was."""
        return torch.from_numpy(self.values).to(self.device, self.dtype)


class Measure:
    """Measures models on the test clips of ``dataset``; zero-shot CLIP once, and not before it is asked for.

    Figures of a data set with novel labels: ``base``, ``novel`` and ``hm``, with ``joint`` also ``joint_base``,
    ``joint_novel`` and ``joint_hm``. Of one without: ``top1``, ``top5``, ``mean_class``. ``tested`` is what they rest
    on. Raises DatasetError when there are no test clips, InterruptedError when the session is to stop.
    """

    def __init__(
        self, dataset: Dataset, num_frames: int, session: Session, *, joint: bool = False, known: Known | None = None
    ) -> None:
        self._dataset, self._num_frames, self._session, self._joint = dataset, num_frames, session, joint
        self._known = known
        self._plain = plain_clip(session.backbone, dataset.base)
        self.tested = tested_on(dataset)

    @cached_property
    def plain(self) -> Measured:
        """Figures of zero-shot CLIP."""
        return self._measured(self._plain, self._plain_features)

    def bundle(self, bundle: Bundle) -> Measured:
        """Figures of ``bundle``. Where it moves no clip zero-shot CLIP's features serve."""
        backbone, base = self._session.backbone, self._dataset.base
        model = PromptedClip(backbone, bundle.learner(), base, bundle.whitening()).eval()
        moved = model.prompts.config.moves_clips
        measured = self._measured(model, self._encoded(model) if moved else model.whiten_clips(self._plain_features))
        paths = [clip.path for clip in evaluate.test_clips(self._dataset)]
        return measured._replace(seen=len(among(paths, bundle.manifest.trained)))

    def baselines(self, training: evaluate.TrainingClips) -> dict[str, dict[str, float | None]]:
        """Figures of the session's baselines, fitted on ``training``; None of what one does not answer."""
        session, features = self._session, self._plain_features
        clips, seen = evaluate.test_clips(self._dataset), features[:, 0] if session.views.count == 1 else features
        how: dict[str, Any] = {"names": session.baselines, "joint": self._joint}
        rows = evaluate.measure_baselines(self._plain, training, self._dataset, clips, seen, **how)
        for row in rows:
            if row.found is None:
                session.say(f"the baseline {row.name} has no figures: {row.note}")
        nothing = dict.fromkeys(self.plain.figures)
        return {row.name: nothing | (self._figures(row.found) if row.found else {}) for row in rows}

    @cached_property
    def _plain_features(self) -> Tensor:
        return self._encoded(self._plain) if self._known is None else self._known.tensor()

    def for_others(self) -> Callable[[Session], Measure]:
        """What makes the same measure in another process, which need not encode for zero-shot CLIP again."""
        known = Known.of(self._plain_features)
        return partial(Measure, self._dataset, self._num_frames, joint=self._joint, known=known)

    def _encoded(self, model: PromptedClip) -> Tensor:
        session = self._session
        session.say(f"looking at the test clips of {self._dataset.name}")
        return evaluate.encode_test_clips(
            model, self._dataset, self._num_frames, session.views, session.should_stop
        )  # (N, W, D)

    def _measured(self, model: PromptedClip, features: Tensor) -> Measured:
        views = self._session.views
        found = evaluate.evaluate(model, self._dataset, self._num_frames, views, joint=self._joint, features=features)
        return Measured(self._figures(found), found.to_dict())

    def _figures(self, found: Evaluation) -> dict[str, float | None]:
        if found.base is not None and not self._dataset.novel:
            return found.base.figures()
        together = {f"joint_{name}": value for name, value in found.joint_metrics().items() if name != "all"}
        return {**found.metrics(), **together}


def measured_draws(
    draws: Sequence[Draw], dataset: Dataset, measures: Sequence[Measure], session: Session
) -> list[list[DrawFigures]]:
    """Each of ``draws``, trained if need be, as each of ``measures`` finds it.

    With several ``session.workers`` as many are trained at once, with the threads that one alone has, so that the
    figures are the same. Raises StudioError, and InterruptedError after a stop.
    """
    if session.workers > 1 and len(draws) > 1:
        return _at_once(draws, dataset, measures, session)
    found = []
    for number, draw in enumerate(draws, 1):
        session.say(f"draw {number} of {len(draws)}: {draw.name}")
        found.append(_drawn(draw, dataset, measures, session))
    return found


def _drawn(draw: Draw, dataset: Dataset, measures: Sequence[Measure], session: Session) -> list[DrawFigures]:
    bundle, config = trained(draw, dataset, session), draw.config
    shots = draw_shots(dataset, config.shots, config.seed)
    found = [DrawFigures(draw.name, config.seed, config.shots, len(shots), *one.bundle(bundle)) for one in measures]
    if not session.baselines:
        return found
    known = evaluate.PlainFeatures(session.backbone, config.clips.num_frames)
    paths, labels = [clip.path for clip in shots], [clip.label for clip in shots]
    how = whitening_anchors(config, dataset), config.whitening, session.should_stop
    training = evaluate.TrainingClips.of(known, paths, labels, *how)
    return [replace(one, baselines=measure.baselines(training)) for one, measure in zip(found, measures, strict=True)]


def _at_once(
    draws: Sequence[Draw], dataset: Dataset, measures: Sequence[Measure], session: Session
) -> list[list[DrawFigures]]:
    """The draws in processes of their own; what these tell is passed on, and a stop goes to all of them."""
    context = multiprocessing.get_context("spawn")
    told, stop = context.Queue(), context.Event()
    config = replace(draws[0].config, **session.backbone.choices())
    begin = _Begin(config, replace(session, backbone=None, emit=None, should_stop=None), dataset)  # type: ignore[arg-type]
    makers = [measure.for_others() for measure in measures]
    listener = threading.Thread(target=_pass_on, args=(told, session), daemon=True)
    listener.start()
    workers = min(session.workers, len(draws))
    session.say(f"{len(draws)} draws, {workers} at once")
    try:
        with seed_processes(workers, _settle, begin, makers, told, stop, torch.get_num_threads()) as pool:
            futures = {pool.submit(_one, draw): draw for draw in draws}
            for future in as_they_come(futures, lambda: stop.set() if session.should_stop() else None):
                if fault := future.exception():
                    stop.set()  # what the others have learned so far is kept
                    raise fault
            return [future.result() for future in futures]
    finally:
        told.put(None)
        listener.join()
        told.close()


def _pass_on(told: Any, session: Session) -> None:
    """What the draws tell, each line with the draw that it is of."""
    while (item := told.get()) is not None:
        name, event = item
        session.emit(replace(event, values={**event.values, "draw": name}))


class _Begin(NamedTuple):
    """What a process of draws needs to begin: settings that tell the backbone, a session without it, the data set."""

    config: RunConfig
    session: Session
    dataset: Dataset


class _Process(NamedTuple):
    """What a process of draws has: the session, its data set and measures, and where it tells."""

    session: Session
    dataset: Dataset
    measures: list[Measure]
    told: Any


_process: _Process | None = None


def _settle(begin: _Begin, makers: Sequence[Callable[[Session], Measure]], told: Any, stop: Any, threads: int) -> None:
    """Load the backbone of a process of draws, once for all that it trains."""
    global _process
    torch.set_num_threads(threads)
    config = begin.config
    backbone = load_for(config)
    session = replace(begin.session, backbone=backbone, emit=lambda event: None, should_stop=stop.is_set, workers=1)
    _process = _Process(session, begin.dataset, [make(session) for make in makers], told)


def _one(draw: Draw) -> list[DrawFigures]:
    """A draw, in a process of draws."""
    assert _process is not None, "the process has begun"
    told = _process.told

    def emit(event: Event) -> None:
        if event.kind in (EventKind.LOG, EventKind.EPOCH):
            told.put((draw.name, event))

    if _process.session.should_stop():
        raise InterruptedError(f"stopped before {draw.name}")
    return _drawn(draw, _process.dataset, _process.measures, replace(_process.session, emit=emit))
