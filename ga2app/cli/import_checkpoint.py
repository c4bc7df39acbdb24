"""``import-checkpoint``: a ``.pt`` file of the paper's authors becomes a bundle, or a backbone folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ga2app.cli import common
from ga2app.datasets.import_report import Problem
from ga2app.datasets.label_list import read_label_list
from ga2app.errors import LabelError
from ga2app.labels import parse_labels

if TYPE_CHECKING:
    from ga2app.bundles.checkpoints import Imported


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("import-checkpoint", help="turn a checkpoint of GA2-CLIP's authors into a bundle")
    parser.add_argument("file", metavar="FILE.pt", help="checkpoint; tensors are read from it, code is not")
    parser.add_argument("--backbone", required=True, help="the CLIP that its run started from: a folder or a Hub id")
    parser.add_argument("--hard-prompt", metavar="BASE.pt", help="checkpoint with the hard prompt of coupled prompts")
    parser.add_argument("--out", type=Path, metavar="BUNDLE", help="new folder of the bundle")
    parser.add_argument(
        "--backbone-out",
        type=Path,
        metavar="FOLDER",
        help="new folder for tuned weights in the file (default: BUNDLE-backbone); alone for a file without prompts",
    )
    parser.add_argument(
        "--keep-token-embedding",
        action="store_true",
        help="take the token embedding of --backbone even if the file has one, as the published runs do",
    )
    parser.add_argument("--name", default="", help="name of the bundle (default: the file's)")
    parser.add_argument(
        "--base-labels",
        default="",
        help="labels that it was trained on, between commas, or a label list (default: read back from the file)",
    )
    parser.add_argument("--dataset", default="unknown", help="name of the data set that it was trained on")
    parser.add_argument("--num-frames", type=int, default=32, help="frames a clip (default 32, as in the paper)")
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Import, and say what came of it."""
    base = _labels(args.base_labels)
    from ga2app.bundles.checkpoints import Origin, import_checkpoint
    from ga2app.clip import load_backbone

    answer = import_checkpoint(
        args.file,
        load_backbone(args.backbone, device="cpu"),
        out=args.out,
        backbone_out=args.backbone_out,
        hard_prompt=args.hard_prompt,
        keep_token_embedding=args.keep_token_embedding,
        origin=Origin(args.name, base, args.dataset, args.num_frames),
    )
    if args.json:
        prompts = answer.prompts
        common.print_json(
            {
                "bundle": None if answer.bundle is None else str(answer.bundle),
                "backbone": answer.backbone.name,
                "backbone_folder": None if answer.backbone_folder is None else str(answer.backbone_folder),
                "prompts": None
                if prompts is None
                else {
                    "length": prompts.length,
                    "visual_depth": prompts.visual_depth,
                    "text_depth": prompts.text_depth,
                    "coupled": prompts.coupled,
                },
                "base": list(answer.base),
                "ignored": list(answer.ignored),
                "notes": list(answer.notes),
            }
        )
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
