"""``export``, ``import-bundle``, ``import-checkpoint``, ``push``, ``pull``: out of the library and the Hub, and in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from ga2app.cli import common
from ga2app.datasets.import_report import Problem
from ga2app.datasets.label_list import read_label_list
from ga2app.errors import HubError, LabelError, StoreError
from ga2app.labels import parse_labels
from ga2app.types import ByteProgress, PushOptions
from ga2app.untrusted import read_ordinary

if TYPE_CHECKING:
    from ga2app.bundles.checkpoints import Imported
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
    about = "pack a bundle into a zip file, or write it for programs without torch"
    parser = commands.add_parser("export", help=about)
    parser.add_argument("bundle", metavar="BUNDLE", help="folder of the bundle, or its folder's name in the library")
    parser.add_argument("place", nargs="?", type=Path, metavar="OUT", help="where to write, as --out")
    parser.add_argument("--out", type=Path, help="the zip file (default: BUNDLE.zip), or a new folder (BUNDLE-onnx)")
    onnx = "a folder with the vision side as ONNX, the labels' features, and a script that uses them without torch"
    parser.add_argument("--onnx", action="store_true", help=onnx)
    parser.add_argument("--labels", help="with --onnx: class names between commas (default: the bundle's own)")
    parser.add_argument("--backbone", help="with --onnx: where the bundle's CLIP is (default: what the bundle names)")
    common.add_json(parser, run_export)
    parser = commands.add_parser("import-bundle", help="check a zipped bundle and put it into the library")
    packed = "a bundle as export or the Library packs it, or its folder"
    parser.add_argument("file", type=Path, metavar="FILE.zip", help=packed)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="new folder of the bundle, outside of the library")
    common.add_json(parser, run_import)
    about = "turn a checkpoint of GA2-CLIP, CoOp, IVLP, PromptSRC, ViFi-CLIP or MaPLe into a bundle"
    parser = commands.add_parser("import-checkpoint", help=about)
    parser.add_argument("file", metavar="FILE.pt", help="checkpoint; tensors are read from it, code is not")
    parser.add_argument("--backbone", required=True, help="the CLIP that its run started from: a folder or a Hub id")
    parser.add_argument("--hard-prompt", metavar="BASE.pt", help="checkpoint with the hard prompt of coupled prompts")
    parser.add_argument("--out", type=Path, metavar="BUNDLE", help="new folder of the bundle")
    tuned = "new folder for tuned weights in the file (default: BUNDLE-backbone); alone for a file without prompts"
    parser.add_argument("--backbone-out", type=Path, metavar="FOLDER", help=tuned)
    keep = "take the token embedding of --backbone even if the file has one, as the published runs do"
    parser.add_argument("--keep-token-embedding", action="store_true", help=keep)
    parser.add_argument("--name", default="", help="name of the bundle (default: the file's)")
    trained = "labels that it was trained on, between commas, or a label list (default: read back from the file)"
    parser.add_argument("--base-labels", default="", help=trained)
    parser.add_argument("--dataset", default="unknown", help="name of the data set that it was trained on")
    parser.add_argument("--num-frames", type=int, default=32, help="frames a clip (default 32, as in the paper)")
    common.add_json(parser, run_checkpoint)
    _add_hub(commands)


def run_export(args: argparse.Namespace) -> int:
    """Pack or write, and say where it is."""
    if args.place and args.out:
        args.refuse("name one place, OUT or --out")
    if not args.onnx and (args.labels or args.backbone):
        args.refuse("--labels and --backbone belong to --onnx")
    with common.own_studio() as studio:
        name = studio.library.folder_of(args.bundle).resolve().name
        out: Path = args.place or args.out or Path(f"{name}-onnx" if args.onnx else f"{name}.zip")
        if args.onnx:
            return _export_onnx(args, studio, out)
        studio.library.export_zip(args.bundle, out)
    packed = out.stat().st_size
    return common.tell(args, {"file": str(out), "bytes": packed}, f"{out}, {packed:,} bytes")


def _export_onnx(args: argparse.Namespace, studio: Studio, out: Path) -> int:
    """Write the folder, check it, and say what is in it; raises PackageError without the exporter."""
    common.need("onnxscript", "export --onnx", "onnx")
    labels = parse_labels(args.labels) if args.labels else ()
    written = studio.library.export_onnx(args.bundle, out, labels=labels, backbone=args.backbone or "")
    facts = {"folder": str(out), "files": written.files, "labels": list(written.labels)}
    checked = "not checked: onnxruntime is not installed; pip install onnxruntime"
    if written.difference is not None:
        checked = f"onnxruntime and torch agree: clip features differ by at most {written.difference:.1g}"
    said = [f"{out}: {len(written.labels)} labels"]
    said += [f"  {name:16} {count:>13,} bytes" for name, count in written.files.items()]
    said += [checked, f"try it: python {out / 'recognize.py'} CLIP"]
    return common.tell(args, facts | {"difference": written.difference}, *said)


def run_import(args: argparse.Namespace) -> int:
    """Take the bundle in, and say where it is."""
    with common.own_studio() as studio:
        card, fresh = studio.library.import_bundle(args.file, args.out)
    common.print_bundle(args, card, fresh)
    return 0


def run_checkpoint(args: argparse.Namespace) -> int:
    """Import, and say what came of it."""
    base = _labels(args.base_labels)
    from ga2app.bundles.checkpoints import Origin

    with common.own_studio() as studio:
        answer = studio.library.import_checkpoint(
            args.file,
            args.backbone,
            out=args.out,
            backbone_out=args.backbone_out,
            hard_prompt=args.hard_prompt,
            keep_token_embedding=args.keep_token_embedding,
            origin=Origin(args.name, base, args.dataset, args.num_frames),
        )
    if args.json:
        folder, prompts = answer.backbone_folder, answer.prompts
        shape = ("length", "visual_depth", "text_depth", "coupled")
        document: dict[str, Any] = {"bundle": answer.bundle and str(answer.bundle), "backbone": answer.backbone.name}
        document |= {"backbone_folder": folder and str(folder)}
        document |= {"prompts": prompts and {name: getattr(prompts, name) for name in shape}}
        lists = {"base": answer.base, "ignored": answer.ignored, "notes": answer.notes}
        common.print_json(document | {name: list(values) for name, values in lists.items()})
        return 0
    for note in answer.notes:
        print(f"note: {note}", file=sys.stderr)
    print(_text(answer))
    return 0


def _text(answer: Imported) -> str:
    """What was written, for people."""
    lines = []
    if answer.prompts is not None:
        coupled = f"coupled to {answer.prompts.hard_prompt}" if answer.prompts.coupled else "not coupled"
        lines.append(
            f"prompts: {answer.prompts.length} tokens, {answer.prompts.visual_depth} visual and "
            f"{answer.prompts.text_depth} text layers, {coupled}"
        )
    lines.append(f"backbone: {answer.backbone_folder or answer.backbone.name}")
    if answer.bundle is not None:
        lines.append(f"bundle: {answer.bundle}")
    return "\n".join(lines)


def _labels(given: str) -> tuple[str, ...]:
    """Labels between commas or, where ``given`` names a file, those of this label list. Raises LabelError."""
    path = Path(given)
    if path.suffix.lower() in (".csv", ".txt", ".json") and not path.is_file():
        raise LabelError(f"there is no label list '{given}'; check the path, or type the labels between commas")
    if not given or len(given) > 255 or not path.is_file():
        return tuple(dict.fromkeys(parse_labels(given)))
    problems: list[Problem] = []
    labels = read_label_list(path, problems)
    if labels is None or problems:
        raise LabelError(f"label list {'; '.join(map(str, problems))}")
    return tuple(labels.names.values())


def _add_hub(commands: common.Commands) -> None:
    """``push`` and ``pull``."""
    push = commands.add_parser("push", help="put a bundle or an anchor set on the Hub", description=_PUSH_ABOUT)
    push.add_argument("what", metavar="BUNDLE", help="folder of the bundle, its name in the library, or an anchor set")
    to = "where to (default: where it was, or its title)"
    push.add_argument("--repo", default="", metavar="[USER/]NAME", help=to)
    push.add_argument("--public", action="store_true", help="let everybody see a repository that is made new")
    push.add_argument("--card", type=Path, metavar="FILE.md", help="text of the card (default: the bundle's own)")
    push.add_argument("--license", default="", metavar="ID", help="of the prompts, by the Hub's name for it, like mit")
    push.add_argument("--license-name", default="", metavar="NAME", help="with --license other: what it is called")
    report = "with the report of the bundle's run, pictures of clips too"
    push.add_argument("--report", action="store_true", help=report)
    clips: dict[str, Any] = {"type": Path, "action": "append", "default": [], "metavar": "CLIP"}
    push.add_argument("--example", help="with this example clip; repeatable", **clips)
    push.add_argument("--anchors", action="store_true", help="push the anchor set of that name, with its captions")
    push.add_argument("--negatives", metavar="GROUPS", help="its groups, between commas (default: all; '' for none)")
    push.add_argument("--clips", action="store_true", help="with the clips of the anchor set")
    push.add_argument("--rights", action="store_true", help="you have the right to publish clips and pictures of them")
    push.add_argument("--onto", default="", metavar="COMMIT", help="after a conflict: on top of this commit")
    push.add_argument("--dry-run", action="store_true", help="say who you are and where it would go, and push nothing")
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
    if args.anchors and (args.report or args.example):
        raise HubError("--report and --example belong to a bundle; leave them out, or leave out --anchors")
    with common.own_studio() as studio:
        sharing, account = studio.sharing, studio.sharing.account()
        what: Any = _set_of(studio, args.what) if args.anchors else studio.library.find(args.what)
        propose: Any = sharing.repo_of_anchors if args.anchors else sharing.repo_of_bundle
        repo = args.repo or propose(what, account)
        repo = repo if "/" in repo else f"{account.name}/{repo}"
        print(f"you are {account.name} at the Hub; to {repo}", file=sys.stderr)
        if args.dry_run:
            facts = {"account": account.name, "organizations": list(account.organizations), "writes": account.writes}
            return common.tell(args, facts | {"repo": repo}, repo)
        options = PushOptions(repo, not args.public, args.rights, args.onto, args.license, args.license_name)
        card, bar = _read_card(args.card), _bar("up")
        if args.anchors:
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
        said.append(f"commit {commit}: {', '.join(pushed.changed) or 'nothing new'}")
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
