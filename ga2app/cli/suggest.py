"""``suggest``: negative prompts and anchor captions for a label list, to accept or to leave."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ga2app.cli import common
from ga2app.errors import ConfigError, DatasetError, Fault
from ga2app.labels import merge_labels, parse_labels, tidy
from ga2app.types import ProposalKind, TextProposal

COUNT = 10
SEEDS = "shipped seeds"
_ABOUT = (
    "Proposes texts that have nothing to do with the labels: negative prompts, and captions of clips that would make "
    "good anchors. They come from the seeds that the project ships, the farthest from the labels first and unlike each "
    "other, or from a language model. Nothing is added anywhere: --out writes the negatives that you may take over "
    "into a data set's CSV. Name all your labels, those never trained on, too: no proposal contains one."
)
_HEADINGS = {
    ProposalKind.NEGATIVE: "negative prompts",
    ProposalKind.CAPTION: "captions of clips to look for or to film",
}


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "suggest", help="propose negative prompts and captions of anchors for labels", description=_ABOUT
    )
    labels = parser.add_mutually_exclusive_group(required=True)
    labels.add_argument("--labels", help=common.LABELS_HELP)
    labels.add_argument("--dataset", help="known data set, folder or CSV file: all its labels")
    parser.add_argument("--count", type=int, default=COUNT, help=f"proposals of each kind (default {COUNT})")
    both = "negatives or captions alone (default: both)"
    parser.add_argument("--kind", choices=[*map(str, ProposalKind)], help=both)
    parser.add_argument("--backbone", help="whose text space: sketch, a folder, or a Hub id (default: the home's)")
    asked = "ask this one, on the Hub with your login (hf auth login); it is told the labels"
    parser.add_argument("--language-model", metavar="MODEL", help=asked)
    parser.add_argument("--endpoint", metavar="URL", help="ask it at this server of your own, without the login")
    parser.add_argument("--out", type=Path, metavar="CSV", help="write the negatives as lines for a data set's CSV")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Find proposals, print them, and write the negatives if asked to."""
    from ga2app.services.anchor_advisor import AnchorAdvisor
    from ga2app.services.anchor_pools import ClipLine, write_lines

    _check(args)
    labels = parse_labels(args.labels) if args.labels is not None else _all_labels(args.dataset)
    backbone = args.backbone or common.default_backbone()
    found = AnchorAdvisor().suggest(
        labels,
        backbone=backbone,
        count=args.count,
        kind=ProposalKind(args.kind) if args.kind else None,
        language_model=args.language_model,
        endpoint=args.endpoint,
    )
    if not found:
        raise DatasetError("nothing is left to propose: every text shares a word with a label; use fewer labels")
    if args.out:
        negatives = [one.text for one in found if one.kind is ProposalKind.NEGATIVE]
        write_lines(args.out, [ClipLine("", text, "", "negative") for text in negatives])
    if args.json:
        proposals = [
            {"text": one.text, "kind": one.kind.value, "distance": one.distance, "nearest": one.nearest}
            for one in found
        ]
        names = list(merge_labels(map(tidy, labels)).names.values())
        document = {"backbone": backbone, "labels": names, "source": args.language_model or SEEDS}
        common.print_json({**document, "proposals": proposals, "out": str(args.out) if args.out else None})
    else:
        print(_text(args, backbone, found))
    return 0


def _check(args: argparse.Namespace) -> None:
    faults = []
    if args.count < 1:
        faults.append(Fault("--count", f"{args.count} proposals are none; ask for 1 or more"))
    if args.endpoint is not None and not args.language_model:
        faults.append(Fault("--endpoint", "a server needs the name of its model; give --language-model, too"))
    if args.out and args.kind == ProposalKind.CAPTION:
        faults.append(Fault("--out", "it takes negatives, and captions alone were asked for; leave out --kind"))
    if faults:
        raise ConfigError(faults)


def _all_labels(name: str) -> list[str]:
    dataset = common.find_dataset(name)
    return [*dataset.base, *dataset.novel]


def _text(args: argparse.Namespace, backbone: str, found: Sequence[TextProposal]) -> str:
    """The proposals for people: a block for each kind."""
    lines = [f"proposals of {args.language_model or SEEDS}, to accept or to leave; distances by backbone {backbone}"]
    width = max(len(one.text) for one in found)
    for kind, heading in _HEADINGS.items():
        block = [one for one in found if one.kind is kind]
        if block:
            lines += ["", heading, *(_line(one, width) for one in block)]
    if args.out:
        lines += ["", f"the negatives are in {args.out}, as lines for a data set's CSV"]
    return "\n".join(lines)


def _line(one: TextProposal, width: int) -> str:
    if one.distance is None:
        return f"  {one.text:{width}}  (the backbone does not know all of its words)"
    return f"  {one.text:{width}}  {one.distance:.2f} from '{one.nearest}'"
