"""``push`` and ``pull``: bundles, anchor sets and data sets to the Hub, bundles and anchor sets from it."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from ga2app.cli import common
from ga2app.errors import HubError, StoreError, named
from ga2app.labels import parse_labels
from ga2app.types import ByteProgress, PushOptions
from ga2app.untrusted import read_ordinary

if TYPE_CHECKING:
    from ga2app.services.studio import Studio

_PUSH_ABOUT = (
    "Pushes with your own login (hf auth login), private by default, as one commit that changes only what "
    "is other than before. A repository that somebody else has changed meanwhile is left as it is, and told."
)
_PULL_ABOUT = (
    "Pulls a bundle into the library: its safetensors, its JSON and its card, nothing else, checked as a zipped one "
    "is. What an interrupted pull has fetched is continued by the next."
)


def add(commands: common.Commands) -> None:
    """Register the commands."""
    about = "put a bundle, an anchor set or a data set on the Hub"
    push = commands.add_parser("push", help=about, description=_PUSH_ABOUT)
    named = "folder of the bundle, its name in the library, or an anchor set or data set"
    push.add_argument("what", metavar="BUNDLE", help=named)
    to = "where to (default: where it was, or its title)"
    push.add_argument("--repo", default="", metavar="[USER/]NAME", help=to)
    push.add_argument("--public", action="store_true", help="let everybody see a repository that is made new")
    push.add_argument("--card", type=Path, metavar="FILE.md", help="text of the card (default: the bundle's own)")
    licensed = "of the prompts, or of the clips of a data set, by the Hub's name for it, like mit"
    push.add_argument("--license", default="", metavar="ID", help=licensed)
    push.add_argument("--license-name", default="", metavar="NAME", help="with --license other: what it is called")
    report = "with the report of the bundle's run, pictures of clips too"
    push.add_argument("--report", action="store_true", help=report)
    clips: dict[str, Any] = {"type": Path, "action": "append", "default": [], "metavar": "CLIP"}
    push.add_argument("--example", help="with this example clip; repeatable", **clips)
    push.add_argument("--anchors", action="store_true", help="push the anchor set of that name, with its captions")
    push.add_argument("--dataset", action="store_true", help="push the data set of that name, as a videofolder")
    push.add_argument("--negatives", metavar="GROUPS", help="its groups, between commas (default: all; '' for none)")
    push.add_argument("--clips", action="store_true", help="with the clips of the anchor set")
    push.add_argument("--rights", action="store_true", help="you have the right to publish clips and pictures of them")
    push.add_argument("--onto", default="", metavar="COMMIT", help="after a conflict: on top of this commit")
    push.add_argument(
        "--dry-run", action="store_true", help="say who you are, where it would go and how large a data set is"
    )
    common.add_json(push, run_push)

    pull = commands.add_parser("pull", help="get a bundle or an anchor set from the Hub", description=_PULL_ABOUT)
    pull.add_argument("repo", metavar="USER/NAME", help="the repository, or its address on the Hub")
    pull.add_argument("--revision", default="", metavar="COMMIT", help="a commit, branch or tag (default: the newest)")
    pull.add_argument("--anchors", action="store_true", help="it holds an anchor set")
    pull.add_argument("--no-clips", action="store_true", help="without the clips of the anchor set")
    pull.add_argument("--dry-run", action="store_true", help="say how large it is, and pull nothing")
    common.add_json(pull, run_pull)


def run_push(args: argparse.Namespace) -> int:
    """Say who pushes and where to, push, and give the link."""
    if not args.anchors and (args.clips or args.negatives is not None):
        raise HubError("--clips and --negatives belong to an anchor set; add --anchors")
    if args.anchors and args.license:
        raise HubError("--license is that of a bundle's prompts; the card of an anchor set names its own (--card)")
    if args.dataset and (args.anchors or args.card or args.report or args.example or args.license_name):
        raise HubError("--dataset takes --repo, --public, --license, --rights and --onto; leave the others out")
    if args.anchors and (args.report or args.example):
        raise HubError("--report and --example belong to a bundle; leave them out, or leave out --anchors")
    from ga2app.services.hub_datasets import size_of

    with common.own_studio() as studio:
        sharing, account, size = studio.sharing, studio.sharing.account(), 0
        find: Any = partial(_set_of, studio) if args.anchors else studio.library.find
        propose: Any = sharing.repo_of_anchors if args.anchors else sharing.repo_of_bundle
        if args.dataset:
            find, propose = lambda name: studio.datasets.called(name).id, studio.hub_datasets.repo_of
        what = find(args.what)
        repo = args.repo or propose(what, account)
        repo = repo if "/" in repo else f"{account.name}/{repo}"
        if args.dataset:
            size = sum(map(size_of, studio.hub_datasets.files(what).values()))
        much = f", {size:,} bytes" if size else ""
        print(f"you are {account.name} at the Hub; to {repo}{much}", file=sys.stderr)
        if args.dry_run:
            facts = {"account": account.name, "organizations": list(account.organizations), "writes": account.writes}
            return common.tell(args, facts | {"repo": repo} | ({"bytes": size} if size else {}), repo)
        options = PushOptions(repo, not args.public, args.rights, args.onto, args.license, args.license_name)
        card, bar = _read_card(args.card), _bar("up")
        if args.dataset:
            pushed = studio.hub_datasets.push(what, options, progress=bar)
        elif args.anchors:
            groups = None if args.negatives is None else parse_labels(args.negatives)
            pushed = sharing.push_anchors(what, options, groups=groups, clips=args.clips, card=card, progress=bar)
        else:
            examples = args.example
            pushed = sharing.push_bundle(what, options, card=card, report=args.report, examples=examples, progress=bar)
    facts = {"account": account.name, "repo": pushed.revision.repo_id, "commit": pushed.revision.commit}
    facts |= {"link": pushed.link, "private": pushed.private}
    commit = pushed.revision.commit[:12]
    said = [f"{pushed.link} ({'private' if pushed.private else 'public'})"]
    if pushed.changed or pushed.removed:
        said.append(f"commit {commit}: {named(pushed.changed, 20) or 'nothing new'}")
        said += [f"taken out: {', '.join(pushed.removed)}"] if pushed.removed else []
    else:
        said.append(f"nothing changed: the Hub has all of it, at commit {commit}")
    return common.tell(args, facts | {"changed": list(pushed.changed), "removed": list(pushed.removed)}, *said)


def run_pull(args: argparse.Namespace) -> int:
    """Say what there is and how large, and pull it."""
    with common.own_studio() as studio:
        sharing = studio.sharing
        find = sharing.find_anchors if args.anchors else sharing.find_bundle
        offer = find(args.repo, revision=args.revision)
        revision = offer.revision
        print(
            f"{revision.repo_id} at {revision.commit[:12]}: {len(offer.files)} files, {offer.size_bytes:,} bytes",
            file=sys.stderr,
        )
        facts = {"repo": revision.repo_id, "commit": revision.commit, "bytes": offer.size_bytes}
        if args.dry_run:
            files = {file.name: file.size_bytes for file in offer.files}
            said = [f"{name}, {count:,} bytes" for name, count in files.items()]
            return common.tell(args, facts | {"files": files, "left_out": list(offer.left_out)}, *said)
        if not args.anchors:
            card, fresh = sharing.pull_bundle(offer, progress=_bar("down"))
            common.print_bundle(args, card, fresh, **facts)
            return 0
        pulled = sharing.pull_anchors(offer, clips=not args.no_clips, progress=_bar("down"))
    for fault in pulled.faults:
        print(f"note: {fault}", file=sys.stderr)
    told = {"set": pulled.name, "clips": pulled.clips, "groups": list(pulled.groups), "new": pulled.new}
    said = [f"anchor set '{pulled.name}': {f'{pulled.clips} clips' if pulled.new else 'is here already'}"]
    said += [f"negative prompts: {', '.join(pulled.groups)}"] if pulled.groups else []
    if pulled.missing:
        said.append(f"clips that neither the repository nor this home has: {', '.join(pulled.missing)}")
    told |= {"missing": list(pulled.missing), "faults": list(pulled.faults)}
    return common.tell(args, facts | told, *said)


def _set_of(studio: Studio, name: str) -> int:
    sets = {row.name: row.id for row in studio.store.anchors.sets()}
    if name not in sets:
        raise StoreError(f"there is no anchor set '{name}' here; name one of: {', '.join(sets) or 'none yet'}")
    return sets[name]


def _read_card(path: Path | None) -> str | None:
    try:
        return read_ordinary(path).decode("utf-8") if path else None
    except (OSError, UnicodeDecodeError) as exc:
        raise HubError(f"the card '{path}' cannot be read as text ({exc}); save it as UTF-8") from exc


def _bar(way: str) -> ByteProgress:
    """A bar of the bytes that go ``way``; nothing where no terminal is."""
    bar: Any = tqdm(desc=way, unit="B", unit_scale=True, disable=None)

    def told(done_bytes: int, total_bytes: int) -> None:
        bar.total = total_bytes
        bar.update(done_bytes - bar.n)
        if done_bytes == total_bytes:
            bar.close()

    return told
