"""The benchmark: every method on the same drawn classes and clips, seed after seed, in processes of their own.

A seed fixes classes, clips, shots, fresh prompts and the order of steps. Seeds run in processes of their own, one
thread each, and each finished seed is written down at once: an interrupted benchmark goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch

from ga2app import evaluation as evaluate
from ga2app.clip.loading import load_for
from ga2app.config import Precision, RunConfig
from ga2app.config.presets import GA2, WHITENED, ZERO_SHOT
from ga2app.errors import TrainingError
from ga2app.method.prompted_model import plain_clip
from ga2app.method.whitening import Whitening, estimate
from ga2app.paths import write_whole
from ga2app.protocols.few_shot_draws import seed_processes
from ga2app.training import train
from ga2app.training.checkpoint import hashed_settings
from ga2app.training.training_batches import draw_shots, spare_clips
from ga2app.types import BASELINES, Confidence, Dataset, Event, EventKind
from ga2app.untrusted import stored_json

from . import drawn_data as world
from .described import described_figures, sentences_for
from .drawn_data import with_pool
from .methods import Variant, undescribed, variant
from .pairs import PAIR_FIGURES, pair_accuracy, pair_accuracy_of_bundle

RELEASED_NEGATIVE = "else"
"""The one negative prompt of the published code."""


@dataclass(frozen=True)
class Plan:
    """What is compared: ``config`` holds the settings of the whole method, ``methods`` are derived from it by name.

    A ``quick`` look tests fewer clips a class.
    """

    setting: str
    seeds: tuple[int, ...]
    methods: tuple[str, ...]
    shots: tuple[int, ...]
    config: RunConfig
    pool: str = "scenes"
    negatives: int = 6
    quick: bool = False

    def key(self) -> str:
        """Hash of what a seed's figures depend on, besides the seed: another plan, another hash."""
        settings = hashed_settings(self.config)
        told = [self.setting, list(self.methods), list(self.shots), self.pool, self.negatives, settings]
        told += ["quick"] if self.quick else []
        # Outcomes of an earlier version, whose ``ga2`` is now ``ga2-plus``, are not taken for those of this one.
        told += ["ga2 is the paper's"] if GA2 in self.methods else []
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Outcome:
    """Figures of one method, seed and number of shots.

    ``base``, ``novel``, ``hm`` in percent, None for what a method does not answer; ``seconds`` of the training loop,
    or of fitting and measuring a baseline; ``peak_bytes`` of the process's memory; ``confidence`` is
    ``Confidence.figures()``, empty in outcomes of before and for the baselines. ``base_pairs`` and ``novel_pairs`` of
    the setting ``pairs`` are how many clips are told from the reverse of their action.
    """

    method: str
    seed: int
    shots: int
    base: float | None
    novel: float | None
    hm: float | None
    seconds: float
    peak_bytes: int
    confidence: Mapping[str, float] = field(default_factory=dict)
    base_pairs: float | None = None
    novel_pairs: float | None = None


def run(plan: Plan, folder: Path, processes: int, say: Callable[[str], None] = lambda text: None) -> list[Outcome]:
    """The outcomes of every seed, in order; those that ``folder`` holds already are not trained again."""
    places = {seed: folder / "seeds" / f"{plan.setting}-{plan.key()}-{seed}.json" for seed in plan.seeds}
    waiting = [seed for seed in plan.seeds if not places[seed].exists()]
    if len(waiting) < len(plan.seeds):
        say(f"seeds that are there from an earlier run: {len(plan.seeds) - len(waiting)}")
    with seed_processes(max(1, min(processes, len(waiting)))) as pool:
        futures = {pool.submit(run_seed, plan, seed): seed for seed in waiting}
        for count, future in enumerate(as_completed(futures), start=1):
            seed = futures[future]
            write_json(places[seed], [asdict(outcome) for outcome in future.result()])
            say(f"seed {seed} done ({count} of {len(waiting)})")
    return [Outcome(**row) for seed in plan.seeds for row in stored_json(places[seed].read_bytes())]


def run_seed(plan: Plan, seed: int) -> list[Outcome]:
    """The outcomes of one seed, in a temporary folder that is gone afterwards."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="ga2-bench-") as folder:
        return list(_outcomes(plan, seed, Path(folder)))


def _outcomes(plan: Plan, seed: int, folder: Path) -> Iterator[Outcome]:
    bare = world.draw(folder / "clips", plan.setting, seed, quick=plan.quick)
    whole = Variant(replace(plan.config, seed=seed), plan.pool, plan.negatives)

    @cache
    def plain(precision: Precision) -> evaluate.PlainFeatures:
        backbone = load_for(replace(plan.config, precision=precision))
        return evaluate.PlainFeatures(backbone, plan.config.clips.num_frames)

    @cache
    def drawn(pool: str, negatives: int, precision: Precision) -> Dataset:
        return with_pool(bare, pool, negatives, plain(precision).backbone, folder / pool, seed)

    for method in plan.methods:
        whose = undescribed(method)
        found = variant(whose, whole)
        known = plain(found.config.precision)
        dataset = drawn(found.pool, found.negatives, found.config.precision)
        for shots in plan.shots:
            settings = replace(found.config, shots=shots)
            if whose in (ZERO_SHOT, WHITENED) or method in BASELINES:
                untrained = _untrained if whose in (ZERO_SHOT, WHITENED) else _baseline
                yield untrained(method, settings, dataset, known)
                continue
            if whose != method:
                figures = described_figures(method, dataset, known, folder / f"{whose}-{shots}")
                yield _outcome(settings, method, figures, Confidence())
                continue
            named = f"{method}-{shots}"
            fitting = replace(dataset, negatives=(RELEASED_NEGATIVE,)) if settings.losses.released else dataset
            clock = _Clock()
            forget_peak()
            result = train(
                settings,
                fitting,
                out=folder / named,
                checkpoint=folder / f"{named}.checkpoint",
                emit=clock.note,
                backbone=known.backbone,
                known=known,
            )
            paired = pair_accuracy_of_bundle(folder / named, dataset, known) if plan.setting == "pairs" else {}
            yield _outcome(settings, method, {**result.metrics, **paired}, result.confidence, clock.seconds)


def _untrained(method: str, config: RunConfig, dataset: Dataset, known: evaluate.PlainFeatures) -> Outcome:
    """Zero-shot CLIP, as it is or whitened by shots and anchors, with or without descriptions."""
    forget_peak()
    clips, began_s = evaluate.test_clips(dataset), time.perf_counter()
    whitening = _whitening(config, dataset, known) if undescribed(method) == WHITENED else None
    seconds = time.perf_counter() - began_s if whitening else 0.0
    told = {} if undescribed(method) == method else sentences_for(method, dataset, known.backbone)
    model = plain_clip(known.backbone, dataset.base, whitening, descriptions=told)
    features = model.whiten_clips(known.of([clip.path for clip in clips]))
    metrics = evaluate.evaluate_features(model, dataset, clips, features).metrics()
    metrics |= pair_accuracy(model, dataset, clips, features)
    spare, anchors = spare_clips(config, dataset), dataset.anchors[: evaluate.MOST_ANCHORS]
    around, held_out = (model.whiten_clips(known.of([one.path for one in looked_at])) for looked_at in (anchors, spare))
    seen = evaluate.seen_by(model, dataset, features, around, held_out, spare)
    return _outcome(config, method, metrics, evaluate.confidence_of(seen, dataset, clips), seconds)


def _outcome(
    config: RunConfig, method: str, metrics: Mapping[str, float], confidence: Confidence, seconds: float = 0.0
) -> Outcome:
    figures = {name: metrics.get(name) for name in ("base", "novel", "hm", *PAIR_FIGURES)}
    measured: Any = {**figures, "seconds": seconds, "peak_bytes": peak_bytes(), "confidence": confidence.figures()}
    return Outcome(method, config.seed, config.shots, **measured)


def _whitening(config: RunConfig, dataset: Dataset, known: evaluate.PlainFeatures) -> Whitening:
    shots = draw_shots(dataset, config.shots, config.seed)
    targets = torch.tensor([dataset.base.index(clip.label) for clip in shots], device=known.backbone.compute.device)
    anchors = known.of([anchor.path for anchor in dataset.anchors])
    return estimate(config.whitening, known.of([clip.path for clip in shots]), targets, anchors)


def _baseline(method: str, config: RunConfig, dataset: Dataset, known: evaluate.PlainFeatures) -> Outcome:
    """A baseline on zero-shot CLIP's features of the shots. Raises TrainingError for one that fails."""
    forget_peak()
    clips, shots = evaluate.test_clips(dataset), draw_shots(dataset, config.shots, config.seed)
    paths, anchors = [clip.path for clip in shots], [one.path for one in dataset.anchors]
    training = evaluate.TrainingClips.of(known, paths, [clip.label for clip in shots], anchors, config.whitening)
    plain, tested = plain_clip(known.backbone, dataset.base), known.of([clip.path for clip in clips])
    (row,) = evaluate.measure_baselines(plain, training, dataset, clips, tested, names=[method])
    if row.found is None:
        raise TrainingError(f"the baseline {method} has no figures: {row.note}")
    return _outcome(config, method, row.found.metrics(), Confidence(), row.seconds)


class _Clock:
    """Seconds from the plan of a run to its last step."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self.seconds = 0.0

    def note(self, event: Event) -> None:
        if event.kind is EventKind.PLAN:
            self._started = time.perf_counter()
        elif event.kind is EventKind.STEP:
            self.seconds = time.perf_counter() - self._started


def write_json(path: Path, document: Any) -> None:
    """Write ``document`` to ``path``, whole or not at all; raises StoreError."""
    write_whole(path, json.dumps(document, indent=1))


_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def forget_peak() -> None:
    """Start a new stretch. Only Linux can; elsewhere the peak stays that of the whole process."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return


def peak_bytes() -> int:
    """The most resident memory since ``forget_peak``."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
