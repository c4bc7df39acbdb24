"""``anchors`` and ``suggest``: how irrelevant clips are to labels, and clips and texts that make good anchors."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ga2app.cli import common
from ga2app.datasets.label_descriptions import format_descriptions
from ga2app.errors import ConfigError, DatasetError, Fault
from ga2app.labels import merge_labels, parse_labels, tidy
from ga2app.paths import write_whole
from ga2app.types import AnchorClip, AnchorKind, ClipRating, ClipRatings, Dataset, ProposalKind, TextProposal

CSV_NAME = "anchors.csv"
COUNT = 8
_POOL_HELP = "data sets of the studio, folders, CSV files with the columns path and label, or clips"
_ABOUT = (
    "Anchors are irrelevant clips: what the prompted model makes of them has to stay what zero-shot CLIP made of them. "
    "Irrelevance goes from 0 to 1: the share of generic texts ('an object', 'water', …) that may be expected to "
    "describe a clip better than its nearest label does."
)
_MAKE_ABOUT = (
    "Makes clips from clips: a frame held (appearance without action), the temporal median (what moves on is gone; "
    "who stays on the spot stays), a crop with the least motion. The clip feature is a mean over frames and blind to "
    "their order: 'opening' and 'closing' look the same, so a clip run backwards is no anchor, and a held frame still "
    "looks like its action where one picture tells it. 'anchors rank' says which of them are irrelevant."
)
PROPOSALS, SENTENCES = 10, 3
DESCRIPTION = "description"
SEEDS = "the default prompts"
_SUGGEST_ABOUT = (
    "Proposes texts that have nothing to do with the labels: negative prompts, and captions of clips that would make "
    "good anchors. They come from the default prompts, the farthest from the labels first and unlike each "
    "other, or from a language model. Nothing is added anywhere: --out writes the negatives that you may take over "
    "into a data set's CSV. Name all your labels, those never trained on, too: no proposal contains one."
)
_HEADINGS = {
    ProposalKind.NEGATIVE: "negative prompts",
    ProposalKind.CAPTION: "captions of clips to look for or to film",
}


def add(commands: common.Commands) -> None:
    """Register the commands, ``anchors`` with its kinds."""
    parser = commands.add_parser("anchors", help="rank, choose and make irrelevant clips", description=_ABOUT)
    kinds = parser.add_subparsers(required=True, metavar="KIND")

    choose = kinds.add_parser("choose", help="the most irrelevant yet diverse clips of a pool", description=_ABOUT)
    _add_pool(choose)
    choose.add_argument("--count", type=int, default=COUNT, help=f"clips to choose (default {COUNT})")
    weight = "0: irrelevance alone … 1: difference alone (default 0.5)"
    choose.add_argument("--diversity", type=float, default=0.5, help=weight)
    out = "write the choice as anchors, as data set CSVs hold them"
    choose.add_argument("--out", type=Path, metavar="CSV", help=out)
    whole = "with --dataset and --out: write its own clips and negatives, too, so that the CSV can be trained on"
    choose.add_argument("--with-clips", action="store_true", help=whole)
    choose.set_defaults(run=run_choose)

    rank = kinds.add_parser("rank", help="every clip of a pool, the most irrelevant first", description=_ABOUT)
    _add_pool(rank)
    rank.set_defaults(run=run_rank)

    make = kinds.add_parser(
        "make", help="held frames, backgrounds, crops away from the motion", description=_MAKE_ABOUT
    )
    make.add_argument("clips", nargs="+", metavar="CLIP", help="video files, or folders of them")
    make.add_argument("--out", type=Path, required=True, metavar="FOLDER", help=f"for the clips and {CSV_NAME}")
    make.add_argument("--kind", default="", help="held-frame, median, away, between commas (default: all)")
    make.add_argument("--side", type=float, default=0.5, help="sides of the crop, share of the frame's (default 0.5)")
    common.add_json(make, run_make)
    _add_suggest(commands)


def _add_pool(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pool", nargs="+", metavar="POOL", help=_POOL_HELP)
    labels = parser.add_mutually_exclusive_group(required=True)
    labels.add_argument("--labels", help=f"what the anchors have to be irrelevant to: {common.LABELS_HELP}")
    labels.add_argument("--dataset", help="known data set, folder or CSV file: its base labels")
    common.add_backbone(parser, "the studio's")
    parser.add_argument("--frames", type=int, default=8, help="frames looked at in each clip (default 8)")
    common.add_json(parser)


def run_choose(args: argparse.Namespace) -> int:
    """Choose, print, and write the CSV if asked to."""
    from ga2app.services.anchor_pools import AnchorAdvisor, of_other_classes, write_lines
    from ga2app.services.dataset_export import rows_of

    if args.with_clips and not (args.dataset and args.out):
        raise ConfigError([Fault("--with-clips", "it needs --dataset, whose clips to write, and --out, where to")])
    if not 0 <= args.diversity <= 1:
        raise ConfigError([Fault("--diversity", f"{args.diversity:g} is not between 0 and 1; 0.5 weighs both alike")])
    dataset = _dataset(args)
    pool, labels = _read_pools(args.pool), _labels(args, dataset)
    fit = of_other_classes(pool, [*labels, *(dataset.novel if dataset else ())])
    if not fit:
        raise DatasetError(f"all {len(pool)} clips of the pool are of the labels' own classes; name another pool")
    looking = _looking(args)
    rated = AnchorAdvisor().choose(fit, labels, count=args.count, diversity=args.diversity, exactly=True, **looking)
    if args.out:
        rows = rows_of(replace(dataset, anchors=())) if args.with_clips and dataset else []
        write_lines(args.out, [*rows, *((one.path, one.caption, "train", "anchor") for one in rated.clips)])
    notes = [f"{len(pool) - len(fit)} clips of the labels' own classes left out"] if len(fit) < len(pool) else []
    return _print(args, rated, rated.clips, notes, out=str(args.out) if args.out else None)


def run_rank(args: argparse.Namespace) -> int:
    """Rank and print."""
    from ga2app.services.anchor_pools import AnchorAdvisor

    pool, looking = _read_pools(args.pool), _looking(args)
    rated = AnchorAdvisor().irrelevance(pool, _labels(args, _dataset(args)), **looking)
    return _print(args, rated, sorted(rated.clips, key=lambda one: -one.irrelevance), [], out=None)


def run_make(args: argparse.Namespace) -> int:
    """Make the clips, list them in a CSV; status 1 when not one could be made."""
    from ga2app.services.anchor_pools import AnchorAdvisor, files_in, write_lines
    from ga2app.types.dataset_types import CALM

    known = list(AnchorKind)
    wanted = common.names(args.kind) or known
    faults = [Fault("--kind", f"'{name}' is not one of {', '.join(known)}") for name in wanted if name not in known]
    if not 0 < args.side <= 1:
        faults.append(Fault("--side", f"{args.side:g} is not above 0 and at most 1; 0.5 is half the width and height"))
    if faults:
        raise ConfigError(faults)
    sources = [file for name in args.clips for file in (files_in(name) if Path(name).is_dir() else [name])]
    kinds = [AnchorKind(name) for name in dict.fromkeys(wanted)]
    made = AnchorAdvisor().make(sources, args.out, kinds, side_share=args.side)
    if not made.clips:
        why = f": {made.faults[0]}" if made.faults else ""
        raise DatasetError(f"no anchor could be made of {len(sources)} clips{why}. Name clips that can be read")
    write_lines(args.out / CSV_NAME, [(one.path, one.caption, "train", "anchor") for one in made.clips])
    entries = [
        {"file": one.path, "caption": one.caption, "kind": one.kind.value, "source": one.source}
        | {"motion_share": one.motion_share}
        for one in made.clips
    ]
    said = [f"{anchor.path}: {anchor.caption}" for anchor in made.clips]
    if restless := sum(one.restless for one in made.clips):
        said.append(
            f"note: {restless} crops away from the motion still hold more than {CALM:.0%} of the mean motion: "
            "the camera moves or the picture is noisy, or nothing moves at all"
        )
    said += [f"note: {fault}" for fault in made.faults]
    said.append(f"{len(made.clips)} anchors, listed in {args.out / CSV_NAME}")
    facts = {"anchors": entries, "faults": list(made.faults), "out": str(args.out / CSV_NAME)}
    return common.tell(args, facts, *said)


def _dataset(args: argparse.Namespace) -> Dataset | None:
    return common.find_dataset(args.dataset) if args.dataset else None


def _labels(args: argparse.Namespace, dataset: Dataset | None) -> list[str]:
    return list(dataset.base) if dataset else parse_labels(args.labels)


def _read_pools(names: Sequence[str]) -> list[AnchorClip]:
    from ga2app.services.anchor_pools import named_pool

    return [clip for name in names for clip in named_pool(name)]


def _looking(args: argparse.Namespace) -> dict[str, Any]:
    """What looks at the clips: a backbone, and how many frames of each."""
    if args.frames < 1:
        raise ConfigError([Fault("--frames", f"{args.frames} frames are too few; ask for 1 or more")])
    return {"backbone": args.backbone or common.default_backbone(), "frames": args.frames}


def _print(
    args: argparse.Namespace, rated: ClipRatings, shown: Sequence[ClipRating], notes: list[str], out: str | None
) -> int:
    if not rated.comparable:
        notes = [*notes, "the backbone knows too few generic texts: figures cannot be compared with another backbone's"]
    clips = [
        {"file": one.path, "irrelevance": one.irrelevance, "nearest": one.nearest, "cosine": one.cosine}
        | {"caption": one.caption, "caption_guessed": one.guessed}
        for one in shown
    ]
    facts: dict[str, Any] = {"clips": clips, "comparable": rated.comparable, "faults": list(rated.faults)}
    # Rounded down, so that no clip is called wholly irrelevant.
    cells = [(f"{math.floor(one.irrelevance * 100) / 100:11.2f}", one.nearest, one.caption, one.path) for one in shown]
    said = [common.aligned([("irrelevance", "nearest label", "caption", "clip"), *cells])]
    said += [f"note: {note}" for note in (*notes, *rated.faults)] + ([f"{len(shown)} anchors in {out}"] if out else [])
    return common.tell(args, facts | {"notes": notes, "out": out}, *said)


def _add_suggest(commands: common.Commands) -> None:
    """``suggest``."""
    parser = commands.add_parser(
        "suggest", help="propose negative prompts, captions of anchors, descriptions", description=_SUGGEST_ABOUT
    )
    labels = parser.add_mutually_exclusive_group(required=True)
    labels.add_argument("--labels", help=common.LABELS_HELP)
    labels.add_argument("--dataset", help="known data set, folder or CSV file: all its labels")
    each = f"proposals of each kind (default {PROPOSALS}), or sentences of each label (default {SENTENCES})"
    parser.add_argument("--count", type=int, help=each)
    both = "negatives or captions alone (default: both), or sentences that describe each label"
    parser.add_argument("--kind", choices=[*map(str, ProposalKind), DESCRIPTION], help=both)
    parser.add_argument("--backbone", help="whose text space: sketch, a folder, or a Hub id (default: the studio's)")
    asked = "ask this one, on the Hub with your login (hf auth login); it is told the labels"
    parser.add_argument("--language-model", metavar="MODEL", help=asked)
    parser.add_argument("--endpoint", metavar="URL", help="ask it at this server of your own, without the login")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="CSV",
        help="write the negatives as lines for a data set's CSV, or the descriptions as JSON",
    )
    common.add_json(parser, run_suggest)


def run_suggest(args: argparse.Namespace) -> int:
    """Find proposals, print them, and write the negatives if asked to."""
    from ga2app.services.anchor_pools import AnchorAdvisor, write_lines

    _check_suggest(args)
    dataset = _dataset(args)
    labels = [*dataset.base, *dataset.novel] if dataset else parse_labels(args.labels)
    if args.kind == DESCRIPTION:
        return _suggest_descriptions(args, labels)
    backbone = args.backbone or common.default_backbone()
    found = AnchorAdvisor().suggest(
        labels,
        backbone=backbone,
        count=args.count or PROPOSALS,
        kind=ProposalKind(args.kind) if args.kind else None,
        language_model=args.language_model,
        endpoint=args.endpoint,
    )
    if not found:
        raise DatasetError("nothing is left to propose: every text shares a word with a label; use fewer labels")
    if args.out:
        negatives = [one.text for one in found if one.kind is ProposalKind.NEGATIVE]
        write_lines(args.out, [("", text, "", "negative") for text in negatives])
    proposals = [
        {"text": one.text, "kind": one.kind.value, "distance": one.distance, "nearest": one.nearest} for one in found
    ]
    names = list(merge_labels(map(tidy, labels)).names.values())
    facts: dict[str, Any] = {"backbone": backbone, "labels": names, "source": args.language_model or SEEDS}
    facts |= {"proposals": proposals, "out": str(args.out) if args.out else None}
    return common.tell(args, facts, *_proposal_lines(args, backbone, found))


def _suggest_descriptions(args: argparse.Namespace, labels: Sequence[str]) -> int:
    """Sentences by label, as a file that the studio takes once somebody has read them."""
    from ga2app.hub import propose_descriptions

    found = propose_descriptions(args.language_model, labels, args.count or SENTENCES, endpoint=args.endpoint)
    if args.out:
        write_whole(args.out, json.dumps(found, indent=1, ensure_ascii=False))
    facts: dict[str, Any] = {"labels": list(labels), "source": args.language_model, "descriptions": found}
    told = f"\nthey are in {args.out}: read them, then give that file as --descriptions" if args.out else ""
    lines = [f"descriptions from {args.language_model}, to accept or to leave", "", format_descriptions(found), told]
    return common.tell(args, facts | {"out": str(args.out) if args.out else None}, *lines)


def _check_suggest(args: argparse.Namespace) -> None:
    faults = []
    if args.kind == DESCRIPTION and not args.language_model:
        faults.append(Fault("--kind", "descriptions are written by a language model; name it with --language-model"))
    if args.count is not None and args.count < 1:
        faults.append(Fault("--count", f"{args.count} proposals are too few; ask for 1 or more"))
    if args.endpoint is not None and not args.language_model:
        faults.append(Fault("--endpoint", "a server needs the name of its model; give --language-model, too"))
    if args.out and args.kind == ProposalKind.CAPTION:
        faults.append(Fault("--out", "it takes negatives, and captions alone were asked for; leave out --kind"))
    if faults:
        raise ConfigError(faults)


def _proposal_lines(args: argparse.Namespace, backbone: str, found: Sequence[TextProposal]) -> list[str]:
    """The proposals for people: a block for each kind."""
    lines = [f"proposals from {args.language_model or SEEDS}, to accept or to leave; distances by backbone {backbone}"]
    width = max(len(one.text) for one in found)
    for kind, heading in _HEADINGS.items():
        block = [one for one in found if one.kind is kind]
        if block:
            lines += ["", heading, *(_proposal_line(one, width) for one in block)]
    if args.out:
        lines += ["", f"the negatives are in {args.out}, as lines for a data set's CSV"]
    return lines


def _proposal_line(one: TextProposal, width: int) -> str:
    if one.distance is None:
        return f"  {one.text:{width}}  (the backbone does not know all of its words)"
    return f"  {one.text:{width}}  {one.distance:.2f} from '{one.nearest}'"
