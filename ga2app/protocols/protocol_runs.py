"""The protocols themselves, from data sets and seeds to a report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from ga2app import evaluation as evaluate
from ga2app.config import RunConfig
from ga2app.config.effective_config import conditions_of, training_clips
from ga2app.errors import ConfigError, DatasetError, Fault
from ga2app.protocols.few_shot_draws import Draw, DrawFigures, Report, Series, Session, check_finished, plan
from ga2app.protocols.measured_draws import Measure, measured_draws
from ga2app.training.training_batches import draw_shots
from ga2app.training.training_checks import hard_prompt
from ga2app.types import LEAST_LABELS, Dataset, Subset

BASE_TO_NOVEL, FEW_SHOT, CROSS_DATASET = "base-to-novel", "few-shot", "cross-dataset"


def base_to_novel(
    config: RunConfig, dataset: Dataset, seeds: Sequence[int], session: Session, *, joint: bool = False
) -> Report:
    """Train on the base labels once for each of ``seeds``; figures ``base``, ``novel`` and ``hm``.

    ``joint`` adds ``joint_base``, ``joint_novel`` and ``joint_hm``, all labels competing. Raises StudioError, and
    InterruptedError, which says where, after a stop.
    """
    for kind, labels in (("base", dataset.base), ("novel", dataset.novel)):
        if not _clips(dataset, labels, Subset.TEST):
            raise DatasetError(
                f"data set '{dataset.name}' has no test clips of {kind} labels, which base-to-novel compares; "
                "give it some (import-dataset --novel says which labels are novel), or use few-shot"
            )
        if len(labels) < LEAST_LABELS:
            raise DatasetError(
                f"data set '{dataset.name}' has only 1 {kind} label: with one there is nothing to tell apart, every "
                f"answer is right; add a second {kind} label (import-dataset --novel says which are novel), or use "
                "few-shot"
            )
    draws = plan(config, seeds, session)
    _check(draws, dataset, session)
    measure = Measure(dataset, config.clips.num_frames, session, joint=joint)
    found = [figures for (figures,) in measured_draws(draws, dataset, [measure], session)]
    return _report(BASE_TO_NOVEL, config, dataset, session, [_series(dataset.name, measure, found)])


def few_shot(
    config: RunConfig, dataset: Dataset, shots: Sequence[int], seeds: Sequence[int], session: Session
) -> Report:
    """Train on every label, once for each number of ``shots`` and each seed.

    Figures ``top1``, ``top5`` and ``mean_class``. Numbers of shots that come to the same clips, because there are no
    more, are one series. Raises StudioError, and InterruptedError after a stop, which says where.
    """
    if not shots or len(set(shots)) < len(shots):
        raise ConfigError([Fault("shots", "give each number of training clips a class once, such as 2,4,8,16")])
    dataset = evaluate.pooled(dataset)
    bare = [label for label in dataset.base if not _clips(dataset, [label], Subset.TRAIN)]
    if bare:
        shown = ", ".join(bare[:5]) + (", …" if len(bare) > 5 else "")
        raise DatasetError(
            f"few-shot trains on every label, and data set '{dataset.name}' has no training clips for {len(bare)} "
            f"of {len(dataset.base)}: {shown}; add training clips, or leave these labels out of the data set"
        )
    _check_tested(dataset)
    asked = _by_what_there_is(config, dataset, shots)
    groups = [plan(replace(config, shots=counts[0]), seeds, session, f"shots-{counts[0]}-") for counts in asked]
    draws = [draw for group in groups for draw in group]
    _check(draws, dataset, session)
    measure = Measure(dataset, config.clips.num_frames, session)
    found = {figures.name: figures for (figures,) in measured_draws(draws, dataset, [measure], session)}
    series = [
        _series(_shots_title(config, dataset, counts), measure, [found[draw.name] for draw in group])
        for counts, group in zip(asked, groups, strict=True)
    ]
    return _report(FEW_SHOT, config, dataset, session, series)


def cross_dataset(
    config: RunConfig, dataset: Dataset, others: Sequence[Dataset], seeds: Sequence[int], session: Session
) -> Report:
    """Train on the base labels of ``dataset`` once for each seed and test on every label of each of ``others``.

    Figures ``top1``, ``top5``, ``mean_class``; labels that were trained on are in the series' ``shared``. Raises
    StudioError, and InterruptedError, which says where, after a stop.
    """
    if not others:
        raise ConfigError([Fault("test", "name at least one other data set to test on")])
    for other in others:
        _check_tested(other)
    draws = plan(config, seeds, session)
    _check(draws, dataset, session)
    measures = [Measure(evaluate.pooled(other), config.clips.num_frames, session) for other in others]
    found = measured_draws(draws, dataset, measures, session)
    series = [
        replace(
            _series(other.name, measure, [draw[place] for draw in found]),
            shared=evaluate.shared_labels(dataset.base, other),
        )
        for place, (other, measure) in enumerate(zip(others, measures, strict=True))
    ]
    return _report(CROSS_DATASET, config, dataset, session, series)


def _check(draws: Sequence[Draw], dataset: Dataset, session: Session) -> None:
    """Raises StudioError for what might otherwise come up only after hours of training."""
    hard_prompt(draws[0].config, session.backbone)
    for draw in draws:
        draw_shots(dataset, draw.config.shots, draw.config.seed)
    check_finished(draws, dataset, session)


def _check_tested(dataset: Dataset) -> None:
    if not evaluate.test_clips(dataset):
        raise evaluate.no_test_clips(dataset)
    if len(dataset.base) + len(dataset.novel) < LEAST_LABELS:
        raise DatasetError(
            f"data set '{dataset.name}' has only 1 label: with one there is nothing to tell apart, every answer is "
            "right; add clips of another label"
        )


def _by_what_there_is(config: RunConfig, dataset: Dataset, shots: Sequence[int]) -> list[list[int]]:
    """Numbers of shots, those together that come to the same training clips."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for count in shots:
        drawn = training_clips(replace(config, shots=count), dataset)
        groups.setdefault(tuple(drawn.values()), []).append(count)
    return list(groups.values())


def _shots_title(config: RunConfig, dataset: Dataset, counts: Sequence[int]) -> str:
    """What a series is called: the shots asked for, and the clips a label where there are not so many."""
    config = replace(config, shots=counts[-1])
    told = conditions_of(config, dataset).shots_text(counts[-1])
    return ", ".join([*map(str, counts[:-1]), told])


def _series(title: str, measure: Measure, draws: Sequence[DrawFigures]) -> Series:
    plain = measure.plain
    return Series(title, plain.figures, tuple(draws), plain.details, tested=measure.tested)


def _report(protocol: str, config: RunConfig, dataset: Dataset, session: Session, series: Sequence[Series]) -> Report:
    shared = {name: value for name, value in config.to_dict().items() if name not in ("seed", "shots")}
    return Report(protocol, dataset.name, str(session.views), shared, tuple(series))


def _clips(dataset: Dataset, labels: Collection[str], subset: Subset) -> bool:
    """Whether any of ``labels`` has a clip in ``subset``."""
    return any(clip.subset is subset and clip.label in labels for clip in dataset.clips)
