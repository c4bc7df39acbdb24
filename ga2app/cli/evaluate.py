"""``evaluate``: a bundle's figures on a data set, beside zero-shot CLIP."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ga2app.cli import common
from ga2app.cli import settings_options as settings
from ga2app.cli.baselines_beside import baselines_beside, baselines_document
from ga2app.cli.confidence_text import FITTED_ON_THEM, believed_of, confidence_text
from ga2app.config import Precision
from ga2app.datasets.label_descriptions import by_name, read_descriptions
from ga2app.errors import ConfigError, DatasetError, Fault, LabelError, StudioError
from ga2app.types import BASELINES, LEAST_LABELS, Dataset, as_document, told_of, wilson, with_nulls

if TYPE_CHECKING:
    from ga2app.bundles import Manifest
    from ga2app.clip import Backbone
    from ga2app.evaluation import Evaluation, GroupAccuracy, MeasuredBaseline, Remeasured, Trained

T = TypeVar("T")

OTHER = "other"
"""Stands for the identity of clips that are not those of today."""

PLAIN, PROMPTED = "zero-shot CLIP", "with prompts"
DESCRIBED = {PLAIN: "… and descriptions", PROMPTED: "with prompts and descriptions"}
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
    from ga2app import evaluation as evaluate
    from ga2app.inference import load_bundle
    from ga2app.method.prompted_model import plain_clip
    from ga2app.video.sampling import MultiView

    views = MultiView.parse(args.views)
    bundle = load_bundle(args.bundle)
    config = bundle.manifest.run
    if args.cross and args.dataset is None:
        raise ConfigError([Fault("dataset", "--cross tests on another data set; name it with --dataset")])
    dataset = whole = common.find_dataset(args.dataset or config.dataset)
    trained = trained_of(bundle.manifest, dataset, own=args.dataset is None)
    if args.cross:
        dataset = whole = evaluate.pooled(dataset)
        check_labels(dataset)
        trained = replace(trained, name="")  # its labels are in one group now, which is no change
    found = evaluate.to_measure_again(dataset, trained)
    dataset = found.dataset
    check_left(found)
    # float16 is for training on a CUDA device; to be measured, such a bundle needs none.
    precision = Precision.AUTO if config.precision is Precision.FLOAT16 else config.precision
    backbone = settings.load_backbone(args, args.backbone or str(bundle.manifest.backbone["name"]), precision)
    model, plain = bundle.attach(backbone, dataset.base), plain_clip(backbone, dataset.base)
    frames = config.clips.num_frames
    seen = evaluate.encode_test_clips(plain, dataset, frames, views)
    zero_shot = evaluate.evaluate(plain, dataset, frames, views, joint=args.joint, features=seen)
    # Without visual prompts the features of zero-shot CLIP serve.
    known = model.whiten_clips(seen)
    if config.prompts.visual_depth:
        known = evaluate.encode_test_clips(model, dataset, frames, views)
    prompted = evaluate.evaluate(model, dataset, frames, views, joint=args.joint, features=known)
    shared = evaluate.shared_labels(bundle.manifest.base, dataset)
    both = {PLAIN: zero_shot, PROMPTED: prompted}
    rows, learned_from = list[evaluate.MeasuredBaseline](), ""
    if args.baselines:
        rows, learned_from = baselines_beside(bundle.manifest, whole, plain, dataset, seen, joint=args.joint)
    told, left_out = _descriptions(args, backbone, dataset, bundle.manifest)
    how: Any = {"views": views, "joint": args.joint}
    for title, one, clips in ((PLAIN, plain, seen), (PROMPTED, model, known)) if told else ():
        described = one.with_descriptions(told)
        both[DESCRIBED[title]] = evaluate.evaluate(described, dataset, frames, **how, features=clips)
    notes = [*found.notes, *left_out]
    believed = (
        believed_of(bundle.manifest, dataset, {PLAIN: (plain, seen), PROMPTED: (model, known)})
        if args.confidence
        else {}
    )
    if believed and bundle.manifest.calibrated.on_test_clips and trained.name:
        notes.append(FITTED_ON_THEM)
    if args.json:
        document = {"bundle": args.bundle, "dataset": dataset.name, "views": str(views)}
        document |= {"dataset_changed": found.changed, "trained_test_clips": found.seen, "notes": notes}
        if believed:
            document |= {"confidence": believed[PROMPTED].to_dict(), "zero_shot_confidence": believed[PLAIN].to_dict()}
        document |= {"described": _described_document(both, told)} if told else {}
        document |= baselines_document(rows, learned_from, dataset) if rows else {}
        common.print_json(document | (_cross_document(both, shared) if args.cross else _document(both)))
    elif args.cross:
        _print_cross(dataset, both, shared, args.details, rows)
    else:
        _print(both, args.details, rows)
    if rows and not args.json:
        print("\n".join(["", f"baselines, {learned_from}", *told_of([row.report() for row in rows])]))
    if believed and not args.json:
        print(f"\n{confidence_text(believed)}")
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    if not args.cross:
        common.print_cautions(prompted.tested())
    if not args.cross and (known_novel := [label for label in shared if label in dataset.novel]):
        print(f"note: trained on, though novel here: {', '.join(known_novel)}", file=sys.stderr)
    return 0


def trained_of(manifest: Manifest, dataset: Dataset, *, own: bool) -> Trained:
    """What the bundle says of its training; ``own`` if ``dataset`` is the one that it names.

    A bundle of before has a hash of the data set with its anchors: where that is as it was, the clips are, too.
    """
    from ga2app.bundles import dataset_hash
    from ga2app.datasets.clip_files import clips_identity
    from ga2app.evaluation import Trained

    name = dataset.name if own or manifest.run.dataset == dataset.name else ""
    data = manifest.used.data
    if name and not data:
        with contextlib.suppress(StudioError):  # its anchor set may be gone; then nobody knows
            same = dataset_hash(common.anchored(manifest.run, dataset)) == manifest.dataset_hash
            data = clips_identity(dataset) if same else OTHER
    return Trained(name, manifest.base, manifest.novel, data, manifest.trained)


def _descriptions(
    args: argparse.Namespace, backbone: Backbone, dataset: Dataset, manifest: Manifest
) -> tuple[dict[str, tuple[str, ...]], list[str]]:
    """The sentences of the labels that are asked for, and notes on what was left out; raises LabelError for none."""
    if args.descriptions is None:
        return {}, []
    from ga2app.inference.answer_notes import told_descriptions

    given = {} if args.descriptions == common.OWN else by_name(read_descriptions(args.descriptions))
    own = (dataset.descriptions, manifest.descriptions)
    told, notes = told_descriptions(backbone, (*dataset.base, *dataset.novel), given, own)
    if not told:
        why = "; ".join(notes) or "neither the data set nor the bundle has any; name a file with --descriptions"
        raise LabelError(f"no label of data set '{dataset.name}' has a description: {why}")
    return told, notes


def check_labels(dataset: Dataset) -> None:
    """Raises DatasetError for a single label, of which every answer is right."""
    if len(dataset.base) < LEAST_LABELS:
        raise DatasetError(
            f"data set '{dataset.name}' has only 1 label: with one there is nothing to tell apart, every answer is "
            "right; name a data set with more labels"
        )


def check_left(found: Remeasured) -> None:
    """Raises DatasetError where the bundle was trained on every test clip."""
    if found.tested and found.seen == found.tested:
        raise DatasetError(
            f"the bundle was trained on each of the {found.tested} test clips of '{found.dataset.name}', so that they "
            "say nothing about it; test it on other clips (--dataset), or train anew on the data set as it is now"
        )


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
