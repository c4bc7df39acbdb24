"""``space``: write the folder that makes a Hugging Face Space of this studio."""

from __future__ import annotations

import argparse
from pathlib import Path

from ga2app.cli import common


def add(commands: common.Commands) -> None:
    """Register the command."""
    parser = commands.add_parser("space", help="write the folder of a Hugging Face Space that runs this studio")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that is new or empty")
    parser.add_argument("--title", default="GA² Studio", help="what the Space is called (default: GA² Studio)")
    parser.add_argument(
        "--clip",
        default="",
        metavar="REPO",
        help="a CLIP that the Hub puts into the Space's image, for example openai/clip-vit-base-patch16 "
        "(default: none, the embedded backbone alone)",
    )
    common.add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write the folder, and say how it gets to the Hub."""
    from ga2app.services.space import make_space

    made = make_space(args.folder, title=args.title, clip=args.clip)
    if args.json:
        common.print_json(
            {"folder": str(made.folder), "files": made.files, "bytes": made.size_bytes, "gradio": made.gradio}
        )
        return 0
    print(f"{args.folder}: {made.files} files, {made.size_bytes / 1e6:.1f} MB, for gradio {made.gradio}")
    print("to publish it, with your own name:")
    print("  hf repos create YOU/ga2-studio --type space --space-sdk gradio")
    print(f"  hf upload YOU/ga2-studio {args.folder} . --type space")
    return 0
