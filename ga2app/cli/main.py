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
    "studio_command": ("studio", "worker", "sketch", "space"),
    "upkeep": ("doctor", "backup", "restore", "frames"),
    "recognize": ("recognize",),
    "explain": ("explain",),
    "train": ("train",),
    "evaluate": ("evaluate",),
    "protocol": ("protocol",),
    "import_dataset": ("import-dataset",),
    "stored": ("datasets", "runs", "bundles"),
    "import_export": ("export", "import-bundle", "import-checkpoint", "push", "pull"),
    "anchors": ("anchors", "suggest"),
    "bench_base2novel": ("bench",),
}
"""The commands that each module of this package adds: only the module of the one that is called is imported."""


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


def _parser(argv: Sequence[str] = ()) -> argparse.ArgumentParser:
    """The parser of the command that ``argv`` calls, of all commands where it begins with none."""
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
    wanted = [module for module, names in COMMANDS.items() if argv and argv[0] in names]
    for module in wanted or COMMANDS:
        importlib.import_module(f"ga2app.cli.{module}").add(commands)
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
