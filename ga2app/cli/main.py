"""The command line: arguments in, one answer out.

Exit status 0, 1 for an error that the user can fix (one line on stderr), 2 for wrong usage, 3 where some of several
clips could not be read and the others were answered. With ``--json`` stdout holds one JSON document and nothing else.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ga2app import environment
from ga2app.errors import StudioError
from ga2app.paths import default_home

COMMANDS = {
    "studio_command": {
        "studio": "start the studio in the browser, as python app.py does",
        "worker": "train the runs of the queue, without the studio",
        "sketch": "draw clips of actions and scenes",
        "space": "write the folder of a Hugging Face Space that runs this studio",
    },
    "upkeep": {
        "doctor": "check packages, device, backbones, data directory, workers, disk, Hub and decoding",
        "backup": "copy the data directory, also while it is in use",
        "restore": "make the data directory out of a backup",
        "frames": "how much decoded frames take on disk, and a way to be rid of them",
    },
    "recognize": {
        "recognize": "recognize clips with zero-shot CLIP and, beside it, bundles",
    },
    "label_video": {
        "label-video": "label a long video over time: a window slides over it, and its answers become stretches",
    },
    "explain": {
        "explain": "what moved a clip's score, and the nearest words of a bundle's tokens",
    },
    "train": {
        "train": "train prompts on a data set; the result is a bundle",
    },
    "sweep_command": {
        "sweep": "queue a run for each of several values of settings",
        "sweeps": "list, show, stop or delete sweeps",
    },
    "evaluate": {
        "evaluate": "measure a bundle on the test clips of a data set",
    },
    "protocol": {
        "protocol": "the paper's protocols: several draws in one command, mean ± std",
    },
    "import_dataset": {
        "import-dataset": "make class folders, a list, a zip, a data set of the Hub or split lists a data set of the "
        "studio",
        "export-dataset": "write a data set as a list, a zip or a videofolder, or for a labeling tool",
    },
    "stored": {
        "datasets": "list or delete data sets",
        "runs": "list or delete training runs",
        "bundles": "list or delete prompt bundles",
    },
    "import_export": {
        "export": "pack a bundle into a zip file, or write it for programs without torch",
        "import-bundle": "check a zipped bundle and put it into the library",
        "import-checkpoint": "turn a checkpoint of GA2-CLIP, CoOp, IVLP, PromptSRC, ViFi-CLIP or MaPLe into a bundle",
    },
    "hub_commands": {
        "push": "put a bundle, an anchor set or a data set on the Hub",
        "pull": "get a bundle or an anchor set from the Hub",
    },
    "anchors": {
        "anchors": "rank, choose and make irrelevant clips",
        "suggest": "propose negative prompts, captions of anchors, descriptions",
    },
    "review": {
        "review": "clips of a data set that are worth a look",
        "search": "clips of a data set by words or by a clip",
    },
    "bench": {
        "bench": "compare the methods over many seeds",
    },
}
"""The commands that each module of this package adds, and what each does: only the module of the one that is called is
imported, and none to list them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    if fault := environment.system_fault():
        print(f"error: {fault}", file=sys.stderr)
        return 1
    environment.write_any_text()
    args = _parser(sys.argv[1:] if argv is None else argv).parse_args(argv)
    try:
        environment.prepare(default_home().root)
        status: int = args.run(args)
        sys.stdout.flush()
        return status
    except StudioError as exc:
        print(f"error: {' '.join(str(exc).split())}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read our output has gone; Python must not try to flush the rest at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


def _parser(argv: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser of the command that ``argv`` calls; where it begins with none, one that only lists them all.

    None: that of all commands with their options, as the documentation has them.
    """
    called = Path(sys.argv[0]).name
    parser = argparse.ArgumentParser(
        prog=called if called == "ga2app" else "python -m ga2app",
        description="GA² Studio on the command line. The studio itself: python app.py, or the command studio",
        epilog="exit status: 0 done, 1 an error, which stderr names, 2 wrong usage, 3 some clips could not be read",
    )
    about = "the version, and the schema of the database where there is one"
    parser.add_argument("--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help=about)
    parser.set_defaults(run=lambda args: _help(parser))
    commands = parser.add_subparsers(metavar="COMMAND")
    for module, abouts in COMMANDS.items():
        if argv is None or (argv and argv[0] in abouts):
            importlib.import_module(f"ga2app.cli.{module}").add(commands)
    if not commands.choices:
        for name, about in (one for abouts in COMMANDS.values() for one in abouts.items()):
            commands.add_parser(name, help=about)
    return parser


class _Version(argparse.Action):
    """Prints the version; the database is looked at only where that is asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from ga2app.store.database_check import version_line

        print(version_line(default_home()))
        parser.exit()


def _help(parser: argparse.ArgumentParser) -> int:
    """What there is to call, for a call that names no command."""
    parser.print_help(sys.stderr)
    return 2
