"""``review`` and ``search``: clips of a data set that are worth a look, what is said of them, and clips like others."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.errors import DatasetError
from ga2app.store.clip_pages import ClipFilter
from ga2app.stretches import shown_address
from ga2app.types.dataset_types import ORDERS, Order

if TYPE_CHECKING:
    from ga2app.services.near_copies import CopyPair
    from ga2app.services.review_service import Ranked
    from ga2app.services.studio import Studio

COUNT = 20
_ABOUT = (
    "Every clip passes CLIP once; what it saw is kept in the data directory, so that the second call takes a moment. "
    "Orders: " + "; ".join(f"{order.value}: {title[0].lower()}{title[1:]}" for order, title in ORDERS.items()) + "."
)


def add(commands: common.Commands) -> None:
    """Register both commands."""
    review = commands.add_parser("review", help="clips of a data set that are worth a look", description=_ABOUT)
    _add_common(review)
    orders = [order.value for order in Order]
    review.add_argument("--order", choices=orders, default=Order.UNCERTAIN.value, help="which come first")
    review.add_argument("--copies", action="store_true", help="list near-copies, and stretches that overlap, instead")
    confirm = "say that the labels of clips are right; a clip is named by its number, its file, or the file's name"
    review.add_argument("--confirm", nargs="+", metavar="CLIP", help=confirm)
    correct = "give a clip another label; may be repeated"
    review.add_argument("--correct", nargs=2, action="append", metavar=("CLIP", "LABEL"), help=correct)
    leave_out = "take clips out of the data set; no file is deleted"
    review.add_argument("--leave-out", nargs="+", metavar="CLIP", help=leave_out)
    common.add_json(review, run_review)

    about = "Clips of a data set that are nearest to words, as the text tower reads them, or to another clip."
    search = commands.add_parser("search", help="clips of a data set by words or by a clip", description=about)
    _add_common(search)
    search.add_argument("words", nargs="*", metavar="WORDS", help="a label or a sentence")
    search.add_argument("--clip", help="a video file to search by, in place of words")
    common.add_json(search, run_search)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="name of a data set of the studio; the command datasets lists them")
    parser.add_argument(
        "--bundle", default="", help="a bundle of the library, beside zero-shot CLIP: its name or folder"
    )
    parser.add_argument("--count", type=int, default=COUNT, help=f"clips to list (default {COUNT})")


def run_review(args: argparse.Namespace) -> int:
    """Say what is to be said, then list."""
    with common.own_studio() as studio:
        said = _say(studio, args)
        of, bundle, faults = _looked_at(studio, args)
        if args.copies:
            pairs = studio.review.copies(of, bundle, count=args.count)
            document: dict[str, Any] = {
                "pairs": [pair.to_dict() | {"paths": [pair.first.path, pair.second.path]} for pair in pairs]
            }
            lines = [_pair_line(pair) for pair in pairs] or ["no two clips show the same"]
        else:
            found = studio.review.ranked(of, args.order, bundle, count=args.count)
            document = {"order": args.order, "clips": [_document(one) for one in found]}
            document["remaining"] = studio.review.remaining(of, args.order, bundle)
            lines = [_line(one) for one in found] or ["nothing to review in this order"]
        counts = {how.value or "open": count for how, count in studio.review.counts(of).items()}
        document |= {"dataset": args.dataset, "reviewed": counts, "said": said, "unreadable": faults}
    return common.tell(args, document, *said, *lines)


def run_search(args: argparse.Namespace) -> int:
    """The nearest clips."""
    if bool(args.words) == bool(args.clip):
        args.refuse("give words, or --clip with a video file")
    with common.own_studio() as studio:
        of, bundle, faults = _looked_at(studio, args)
        if args.clip:
            found = studio.review.similar(of, os.path.abspath(args.clip), bundle, count=args.count)
        else:
            found = studio.review.search(of, " ".join(args.words), bundle, count=args.count)
    document = {"dataset": args.dataset, "clips": [_document(one) for one in found], "unreadable": faults}
    return common.tell(args, document, *(f"{one.score:.3f}  {one.clip.label}: {one.clip.path}" for one in found))


def _say(studio: Studio, args: argparse.Namespace) -> list[str]:
    """What ``--confirm``, ``--correct`` and ``--leave-out`` ask for, done once all clips are found."""
    review, of = studio.review, studio.datasets.called(args.dataset).id
    right, out = ([clip_number(studio, of, one) for one in given or ()] for given in (args.confirm, args.leave_out))
    other = [(clip_number(studio, of, one), label) for one, label in args.correct or ()]
    said = [review.confirm(clip_id) for clip_id in right]
    said += [review.correct(clip_id, label) for clip_id, label in other]
    return said + [review.leave_out(clip_id) for clip_id in out]


def clip_number(studio: Studio, of: int, text: str) -> int:
    """The number of the clip of data set ``of`` that ``text`` names: by its number, its address, or its file's name."""
    if text.isascii() and text.isdigit() and len(text) < 12:
        if studio.store.clips.get(int(text)).dataset_id != of:
            raise DatasetError(f"clip {text} is in another data set; review lists the clips of this one")
        return int(text)
    rows = studio.store.clips.page(of, ClipFilter(text=os.path.basename(text)), limit=1000)
    whole = os.path.abspath(text)
    named = [row for row in rows if row.path in (text, whole)] or [
        row for row in rows if text == os.path.basename(row.path)
    ]
    if len(named) != 1:
        several = f"{len(named)} clips are called" if named else "no clip is called"
        raise DatasetError(
            f"{several} '{text[:80]}' in this data set; name one by its number, which review lists first"
        )
    return named[0].id


def _looked_at(studio: Studio, args: argparse.Namespace) -> tuple[int, str, Mapping[str, str]]:
    """Data set and bundle, after all clips were looked at, and what is wrong with those that cannot be read."""
    of = studio.datasets.called(args.dataset).id
    bundle = studio.bundle_called(args.bundle).key if args.bundle else ""

    def tell(done: int, total: int) -> None:
        print(f"{done:,} of {total:,} clips looked at", file=sys.stderr)

    with common.stoppable() as stopped:
        faults = studio.looks.look(of, bundle, tell, stopped)
        if stopped():
            raise KeyboardInterrupt
    for told in faults.values():
        print(f"note: {told}", file=sys.stderr)
    return of, bundle, faults


def _document(one: Ranked) -> dict[str, Any]:
    return one.to_dict() | {"path": one.clip.path}


def _line(one: Ranked) -> str:
    said = [f"{title}: {_best(best)}" for title, best in one.answers.items()]
    probably = f", probably {one.suspected}" if one.suspected else ""
    return (
        f"{one.clip.id:>6}  {one.clip.label}{probably}: {shown_address(one.clip.path)} ({'; '.join([one.why, *said])})"
    )


def _best(best: Sequence[tuple[str, float]]) -> str:
    return f"{best[0][0]} {best[0][1]:.1%}" if best else "nothing"


def _pair_line(pair: CopyPair) -> str:
    named = " and ".join(f"{clip.id} {clip.label}: {shown_address(clip.path)}" for clip in (pair.first, pair.second))
    return f"{named} ({pair.why}{f'; {pair.warning}' if pair.warning else ''})"
