"""``evaluate``: a bundle's figures on a data set, beside plain CLIP."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.config import Precision
from ga2app.contracts import Dataset
from ga2app.errors import ConfigError, Fault

if TYPE_CHECKING:
    from ga2app.evaluate import Evaluation, GroupAccuracy

PLAIN, PROMPTED = "plain CLIP", "with prompts"
FIGURES = ("top-1", "top-5", "mean class")


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("evaluate", help="measure a bundle on the test clips of a data set")
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the bundle")
    parser.add_argument("--dataset", help="known data set, folder or CSV file (default: the one it was trained on)")
    parser.add_argument("--backbone", help="where the bundle's backbone lies, if not under its own name")
    parser.add_argument("--views", default="1x1", metavar="4x3", help="clips x crops of each test clip (default 1x1)")
    together = parser.add_mutually_exclusive_group()
    together.add_argument("--joint", action="store_true", help="also let base and novel labels compete together")
    together.add_argument(
        "--cross", action="store_true", help="a data set that it was not trained on: every label competes, none is base"
    )
    parser.add_argument("--details", action="store_true", help="also top-1, top-5, mean class, and each label")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print."""
    from ga2app import evaluate
    from ga2app.backbone import load_backbone
    from ga2app.model import plain_clip
    from ga2app.recognize import load_bundle
    from ga2app.video.sampling import MultiView

    views = MultiView.parse(args.views)
    bundle = load_bundle(args.bundle)
    config = bundle.manifest.run
    if args.cross and args.dataset is None:
        raise ConfigError([Fault("dataset", "--cross tests on another data set; name it with --dataset")])
    dataset = common.find_dataset(args.dataset or config.dataset)
    if args.cross:
        dataset = evaluate.pooled(dataset)
    # float16 is for training on a CUDA device; to be measured, such a bundle needs none.
    precision = Precision.AUTO if config.precision is Precision.FLOAT16 else config.precision
    backbone = load_backbone(args.backbone or str(bundle.manifest.backbone["name"]), precision=precision)
    model, plain = bundle.attach(backbone, dataset.base), plain_clip(backbone, dataset.base)
    frames = config.clips.num_frames
    seen = evaluate.encode_test_clips(plain, dataset, frames, views)
    zero_shot = evaluate.evaluate(plain, dataset, frames, views, joint=args.joint, features=seen)
    # Without visual prompts the features of plain CLIP serve.
    known = None if config.prompts.visual_depth else model.whiten_clips(seen)
    prompted = evaluate.evaluate(model, dataset, frames, views, joint=args.joint, features=known)
    shared = evaluate.shared_labels(bundle.manifest.base, dataset)
    both = {PLAIN: zero_shot, PROMPTED: prompted}
    if args.json:
        document = {"bundle": args.bundle, "dataset": dataset.name, "views": str(views)}
        common.print_json(document | (_cross_document(both, shared) if args.cross else _document(both)))
    elif args.cross:
        _print_cross(dataset, both, shared, args.details)
    else:
        _print(both, args.details)
    if not args.cross and (known_novel := [label for label in shared if label in dataset.novel]):
        print(f"note: trained on, though novel here: {', '.join(known_novel)}", file=sys.stderr)
    return 0


def _document(both: dict[str, Evaluation]) -> dict[str, Any]:
    zero_shot, prompted = both[PLAIN], both[PROMPTED]
    document = {
        "metrics": prompted.metrics(),
        "zero_shot": zero_shot.metrics(),
        "details": prompted.to_dict(),
        "zero_shot_details": zero_shot.to_dict(),
    }
    if prompted.joint is not None:
        document |= {"joint": prompted.joint_metrics(), "zero_shot_joint": zero_shot.joint_metrics()}
    return document


def _cross_document(both: dict[str, Evaluation], shared: tuple[str, ...]) -> dict[str, Any]:
    zero_shot, prompted = (_only_group(both[title]) for title in (PLAIN, PROMPTED))
    return {
        "metrics": prompted.figures(),
        "zero_shot": zero_shot.figures(),
        "shared": list(shared),
        "details": prompted.to_dict(),
        "zero_shot_details": zero_shot.to_dict(),
    }


def _only_group(found: Evaluation) -> GroupAccuracy:
    """The one group of pooled labels, which is there because a data set without test clips is refused."""
    assert found.base is not None
    return found.base


def _print(both: dict[str, Evaluation], details: bool) -> None:
    print(common.percent_table({title: found.metrics() for title, found in both.items()}))
    if both[PROMPTED].joint is not None:
        print("\nbase and novel labels competing together")
        print(common.percent_table({title: found.joint_metrics() for title, found in both.items()}))
    if details:
        for name in ("base", "novel", "joint"):
            groups = {title: getattr(found, name) for title, found in both.items()}
            if groups[PROMPTED] is not None:
                print(f"\n{_figures(name, groups)}\n\n{_labels(groups)}")


def _print_cross(dataset: Dataset, both: dict[str, Evaluation], shared: tuple[str, ...], details: bool) -> None:
    groups = {title: _only_group(found) for title, found in both.items()}
    print(_figures(f"{dataset.name}, {len(dataset.base)} labels", groups))
    if details:
        print(f"\n{_labels(groups)}")
    if shared:
        print(f"{len(shared)} of its labels were trained on: {', '.join(shared)}")


def _figures(title: str, groups: dict[str, GroupAccuracy]) -> str:
    """Top-1, top-5 and mean class accuracy of plain CLIP and of the bundle."""
    rows = {name: [f"{value:5.1f}" for value in group.figures().values()] for name, group in groups.items()}
    return common.table(title, FIGURES, rows)


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
