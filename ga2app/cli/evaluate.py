"""``evaluate``: a bundle's figures on a data set, beside zero-shot CLIP."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from ga2app.cli import common
from ga2app.cli import settings_options as settings
from ga2app.config import Precision
from ga2app.config.effective_config import tested_on
from ga2app.datasets.label_descriptions import by_name, read_descriptions
from ga2app.services.bundle_evaluation import DESCRIBED, PLAIN, PROMPTED
from ga2app.types import BASELINES, GROUPS, Confidence, Dataset, as_document, told_of, wilson, with_nulls
from ga2app.types.reliability_types import RULES, SCORES, UNKNOWN

if TYPE_CHECKING:
    from ga2app.clip import Backbone
    from ga2app.evaluation import Evaluation, GroupAccuracy, MeasuredBaseline
    from ga2app.services.bundle_evaluation import MeasuredBundle

T = TypeVar("T")

FIGURES = ("top-1", "top-5", "mean class")


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("evaluate", help="measure a bundle on the test clips of a data set")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--dataset", help="known data set, folder or CSV file (default: the one it was trained on)")
    parser.add_argument("--backbone", help="where the bundle's backbone lies, if not under its own name")
    settings.add_compute(parser, "default: that of the bundle's run")
    parser.add_argument("--views", default="1x1", metavar="4x3", help="clips x crops of each test clip (default 1x1)")
    together = parser.add_mutually_exclusive_group()
    together.add_argument("--joint", action="store_true", help="also let base and novel labels compete together")
    together.add_argument(
        "--cross", action="store_true", help="a data set that it was not trained on: every label competes, none is base"
    )
    parser.add_argument("--details", action="store_true", help="also top-1, top-5, mean class, and each label")
    believed = "also whether percentages can be believed: calibration error, temperature, AUROC and FPR95"
    parser.add_argument("--confidence", action="store_true", help=believed)
    common.add_descriptions(parser, own="those of the data set, else of the bundle")
    beside = f"also {', '.join(BASELINES)}: on the frozen CLIP's features of the bundle's training clips"
    parser.add_argument("--baselines", action="store_true", help=beside)
    common.add_json(parser, run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print."""
    from ga2app.services.bundle_evaluation import Measuring, evaluate_bundle
    from ga2app.video.sampling import MultiView

    views, described = MultiView.parse(args.views), None
    if args.descriptions is not None:
        described = {} if args.descriptions == common.OWN else by_name(read_descriptions(args.descriptions))
    how = Measuring(views, args.dataset, args.cross, args.joint, args.baselines, args.confidence, described)

    def load(name: str, precision: Precision) -> Backbone:
        return settings.load_backbone(args, args.backbone or name, precision)

    with common.noted() as notes:
        measured = evaluate_bundle(args.bundle, how, load, notes)
    dataset, both, rows = measured.found.dataset, measured.both, measured.baselines
    if args.json:
        document = {"bundle": args.bundle, "dataset": dataset.name, "views": str(views)}
        common.print_json(document | _whole_document(args, measured))
    elif args.cross:
        _print_cross(dataset, both, measured.shared, args.details, rows)
    else:
        _print(both, args.details, rows)
    if rows and not args.json:
        print("\n".join(["", f"baselines, {measured.learned_from}", *told_of([row.report() for row in rows])]))
    if measured.believed and not args.json:
        print(f"\n{confidence_text(measured.believed)}")
    for note in measured.notes:
        print(f"note: {note}", file=sys.stderr)
    if not args.cross:
        common.print_cautions(both[PROMPTED].tested())
        if known_novel := [label for label in measured.shared if label in dataset.novel]:
            print(f"note: trained on, though novel here: {', '.join(known_novel)}", file=sys.stderr)
    return 0


def _whole_document(args: argparse.Namespace, measured: MeasuredBundle) -> dict[str, Any]:
    found, both, believed, described = measured.found, measured.both, measured.believed, measured.described
    document: dict[str, Any] = {"dataset_changed": found.changed, "trained_test_clips": found.seen}
    document |= {"notes": measured.notes}
    if believed:
        document |= {"confidence": believed[PROMPTED].to_dict(), "zero_shot_confidence": believed[PLAIN].to_dict()}
    document |= {"described": _described_document(both, described)} if described else {}
    if measured.baselines:
        document |= _baselines_document(measured.baselines, measured.learned_from, found.dataset)
    return document | (_cross_document(both, measured.shared) if args.cross else _document(both))


def _baselines_document(rows: list[MeasuredBaseline], learned_from: str, dataset: Dataset) -> dict[str, Any]:
    """Plain JSON values of the baselines on ``dataset``, by name."""
    tested = tested_on(dataset)
    found = {row.name: row.report().to_document(tested) for row in rows}
    if not dataset.novel:  # every label competes with every other: top-1 says more than "base"
        for row in rows:
            base = row.found.base if row.found else None
            found[row.name]["metrics"] = base.figures() if base else dict.fromkeys(("top1", "top5", "mean_class"))
            found[row.name]["intervals"] = {"top1": list(wilson(base.top1, base.clips))} if base else {}
    return {"baselines": found, "baselines_learned_from": learned_from}


def _document(both: dict[str, Evaluation]) -> dict[str, Any]:
    zero_shot, prompted = both[PLAIN], both[PROMPTED]
    document = common.measured(prompted.metrics(), zero_shot.metrics(), prompted.tested())
    document |= {"details": prompted.to_dict(), "zero_shot_details": zero_shot.to_dict()}
    if prompted.joint is not None:
        joint, tested = prompted.joint_metrics(), prompted.jointly_tested()
        document |= {"joint": joint, "zero_shot_joint": zero_shot.joint_metrics()}
        document |= {"joint_intervals": as_document(joint, tested)}
    return document


def _cross_document(both: dict[str, Evaluation], shared: tuple[str, ...]) -> dict[str, Any]:
    zero_shot, prompted = (_only_group(both[title]) for title in (PLAIN, PROMPTED))
    return {
        "metrics": prompted.figures(),
        "zero_shot": zero_shot.figures(),
        "shared": list(shared),
        "intervals": {"top1": list(wilson(prompted.top1, prompted.clips))},
        "zero_shot_intervals": {"top1": list(wilson(zero_shot.top1, zero_shot.clips))},
        "details": prompted.to_dict(),
        "zero_shot_details": zero_shot.to_dict(),
    }


def _described_document(both: dict[str, Evaluation], told: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    return {
        "labels": len(told),
        "sentences": sum(map(len, told.values())),
        "metrics": with_nulls(both[DESCRIBED[PROMPTED]].metrics()),
        "zero_shot": with_nulls(both[DESCRIBED[PLAIN]].metrics()),
    }


def _only_group(found: Evaluation) -> GroupAccuracy:
    """The one group of pooled labels, which is there because a data set without test clips is refused."""
    assert found.base is not None
    return found.base


def _with_baselines(both: Mapping[str, T], rows: Mapping[str, T]) -> dict[str, T]:
    """Zero-shot CLIP, then the baselines, then the bundle and whatever else there is."""
    return {PLAIN: both[PLAIN], **rows, **both}


def _print(both: dict[str, Evaluation], details: bool, baselines: list[MeasuredBaseline]) -> None:
    prompted, beside = both[PROMPTED], {row.name: row.report() for row in baselines}
    figures = {title: found.metrics() for title, found in both.items()}
    rows = _with_baselines(figures, {name: dict(one.metrics) for name, one in beside.items()})
    print(common.percent_table(rows, prompted.tested()))
    if prompted.joint is not None:
        print("\nbase and novel labels competing together")
        figures = {title: found.joint_metrics() for title, found in both.items()}
        rows = _with_baselines(figures, {name: dict(one.joint_metrics) for name, one in beside.items()})
        print(common.percent_table(rows, prompted.jointly_tested()))
    if details:
        for name in ("base", "novel", "joint"):
            groups = {title: getattr(found, name) for title, found in both.items()}
            if groups[PROMPTED] is not None:
                print(f"\n{_figures(name, groups)}\n\n{_labels(groups)}")


def _print_cross(
    dataset: Dataset,
    both: dict[str, Evaluation],
    shared: tuple[str, ...],
    details: bool,
    baselines: list[MeasuredBaseline],
) -> None:
    groups = {title: _only_group(found) for title, found in both.items()}
    beside = {row.name: row.found.base if row.found else None for row in baselines}
    shown = _with_baselines({**groups}, beside)
    print(_figures(f"{dataset.name}, {len(dataset.base)} labels", shown))
    print(f"In parentheses: 95% interval, over {groups[PROMPTED].clips} test clips.")
    if details:
        print(f"\n{_labels(groups)}")
    if shared:
        print(f"{len(shared)} of its labels were trained on: {', '.join(shared)}")


def _figures(title: str, groups: Mapping[str, GroupAccuracy | None]) -> str:
    """Top-1, top-5 and mean class accuracy of zero-shot CLIP and of the bundle."""

    def cells(group: GroupAccuracy | None) -> list[str]:
        if group is None:
            return ["    –"] * len(FIGURES)
        figures = group.figures()
        texts = ["    –" if value is None else f"{value:5.1f}" for value in figures.values()]
        if figures["top1"] is not None:
            texts[0] += f" ({wilson(group.top1, group.clips)})"
        return texts

    return common.table(title, FIGURES, {name: cells(group) for name, group in groups.items()})


def _labels(groups: dict[str, GroupAccuracy]) -> str:
    """A row a label that has clips: how many, top-1 of each, and what the bundle most often took it for."""
    prompted = groups[PROMPTED]
    rows = {}
    for place, label in enumerate(prompted.labels):
        if label in prompted.per_class:
            answers = prompted.confusion[place]
            others = {name: clips for name, clips in zip(prompted.labels, answers, strict=True) if name != label}
            most = max(others, key=others.__getitem__, default="")
            shares = [f"{group.per_class[label]:5.1f}" for group in groups.values()]
            rows[label] = [f"{sum(answers):5}", *shares, f"{most} ({others[most]})" if others.get(most) else ""]
    return common.table("label", ("clips", *groups, "mostly taken for"), rows)


_WIDTH = 100


def confidence_text(found: Mapping[str, Confidence]) -> str:
    """Two tables, by titles of models: calibration by group, and open-set rejection; then the rules, in words."""
    rows = {
        f"{title}, {group}": _cells(one, group)
        for group in GROUPS
        for title, one in found.items()
        if group in one.before
    }
    parts = [common.table("percent", ("clips", "mean %", "right", "ECE", "ECE, temperature"), rows)] if rows else []
    for title, one in found.items():
        heat = one.temperature
        if heat.value:
            parts.append(f"{title}: temperature {heat.value:.2f}, fitted on {heat.fitted}")
    told = {
        f"{title}, {one.unknown_clips} {UNKNOWN.get(one.unknown, one.unknown)}, {SCORES.get(one.score, one.score)}": [
            f"{one.auroc:5.1f}",
            f"{one.fpr95:5.1f}",
            f"{100 * one.threshold:5.1f}",
        ]
        for title, model in found.items()
        for one in model.rejection
    }
    parts += [common.table("open-set rejection, percent", ("AUROC", "FPR95", "threshold"), told)] if told else []
    parts += [f"{title}: {note}" for title, one in found.items() for note in one.notes]
    parts += [textwrap.fill(f"{name}: {rule}", _WIDTH) for name, rule in RULES.items()]
    return "\n\n".join(parts)


def _cells(one: Confidence, group: str) -> list[str]:
    before, after = one.before[group], one.after.get(group)
    figures = (before.confidence, before.accuracy, before.ece)
    return [f"{before.clips:5}", *(f"{value:5.1f}" for value in figures), f"{after.ece:5.1f}" if after else "    –"]
