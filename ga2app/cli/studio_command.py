"""The commands about the studio itself: start it and its workers, write the folder of a Space, draw clips."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from ga2app.cli import common
from ga2app.paths import APP


def add(commands: common.Commands) -> None:
    """Register the commands."""
    for register in (_add_studio, _add_worker, _add_sketch, _add_space):
        register(commands)


def _add_studio(commands: common.Commands) -> None:
    """``studio``."""
    # With no sign that begins an option, all of them are left to app.py, which knows and explains its own.
    parser = commands.add_parser(
        "studio", help="start the studio in the browser, as python app.py does", add_help=False, prefix_chars="\0"
    )
    parser.add_argument("arguments", nargs="*", metavar="OPTION", help="those of app.py, for example --port 8000")
    parser.set_defaults(run=run_studio)


def run_studio(args: argparse.Namespace) -> NoReturn:
    """Become the studio; raises PackageError where the app is not installed."""
    common.need("gradio", "the studio", "app")
    os.execv(sys.executable, [sys.executable, str(APP), *args.arguments])


def _add_worker(commands: common.Commands) -> None:
    """``worker``."""
    from ga2app.worker.worker_identity import add_options

    parser = commands.add_parser(
        "worker",
        help="train the runs of the queue, without the studio",
        description="Trains queued runs until it is ended: one on each CUDA device at once, or as many as --workers "
        "says. Ctrl-C saves what is being trained and puts it back into the queue.",
    )
    add_options(parser)
    parser.set_defaults(run=run_worker)


def run_worker(args: argparse.Namespace) -> int:
    """Be the worker of this home, or watch several."""
    from ga2app.worker.worker_command import main

    arguments = [] if args.workers is None else ["--workers", str(args.workers)]
    return main([*arguments, *(["--once"] if args.once else []), "--idle-exit", str(args.idle_exit)])


def _add_space(commands: common.Commands) -> None:
    """``space``."""
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
    common.add_json(parser, run_space)


def run_space(args: argparse.Namespace) -> int:
    """Write the folder, and say how it gets to the Hub."""
    from ga2app.services.space_folder import make_space

    made = make_space(args.folder, title=args.title, clip=args.clip)
    facts = {"folder": str(made.folder), "files": made.files, "bytes": made.size_bytes, "gradio": made.gradio}
    return common.tell(
        args,
        facts,
        f"{args.folder}: {made.files} files, {made.size_bytes / 1e6:.1f} MB, for gradio {made.gradio}",
        "to publish it, with your own name:",
        "  hf repos create YOU/ga2-studio --type space --space-sdk gradio",
        f"  hf upload YOU/ga2-studio {args.folder} . --type space",
    )


def _add_sketch(commands: common.Commands) -> None:
    """``sketch generate``."""
    parser = commands.add_parser("sketch", help="draw clips of actions and scenes")
    kinds = parser.add_subparsers(required=True, metavar="KIND")

    generate = kinds.add_parser("generate", help="draw labeled clips into class folders")
    generate.add_argument("--out", type=Path, required=True, help="folder of the class folders")
    generate.add_argument("--style", default="plain", help="plain, camcorder or film (default plain)")
    generate.add_argument("--clips", type=int, default=2, help="clips a class (default 2)")
    generate.add_argument("--actions", default="", help="names between commas (default: every action)")
    generate.add_argument("--seed", type=int, default=0, help="another one draws other clips (default 0)")
    common.add_json(generate, run_sketch)


def run_sketch(args: argparse.Namespace) -> int:
    """Draw clips and say where they are."""
    from ga2app.synthetic.demo_dataset import generate

    made = generate(args.out, args.style, args.clips, args.seed, common.names(args.actions))
    clips = [{"file": str(path), "label": label} for path, label in made]
    actions = len({label for _, label in made})
    return common.tell(args, {"clips": clips}, f"{len(made)} clips of {actions} actions in {args.out}")
