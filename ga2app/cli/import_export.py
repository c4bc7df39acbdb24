"""``export``, ``import-bundle``, ``import-checkpoint``: out of the library, and in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ga2app.cli import common
from ga2app.datasets.import_report import Problem
from ga2app.datasets.label_list import read_label_list
from ga2app.errors import LabelError
from ga2app.labels import parse_labels

if TYPE_CHECKING:
    from ga2app.bundles.checkpoints import Imported
    from ga2app.services.studio import Studio


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
