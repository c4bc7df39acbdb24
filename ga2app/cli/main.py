"""The command line: arguments in, one answer out.

Exit status 0, 1 for an error that the user can fix (one line on stderr), 2 for wrong usage, 3 where some of several
clips could not be read and the others were answered. With ``--json`` stdout holds one JSON document and nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ga2app import environment
from ga2app.cli import (
    anchors,
    bench_base2novel,
    evaluate,
    explain,
    import_dataset,
    import_export,
    protocol,
    recognize,
    stored,
    train,
    upkeep,
)
from ga2app.cli import studio_command as studio
from ga2app.errors import StudioError
from ga2app.paths import default_home, version

COMMANDS = (
    studio,
    upkeep,
    recognize,
    explain,
    train,
    evaluate,
    protocol,
    import_dataset,
    stored,
    import_export,
    anchors,
    bench_base2novel,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status."""
    if fault := environment.system_fault():
        print(f"error: {fault}", file=sys.stderr)
        return 1
    environment.write_any_text()
    args = _parser().parse_args(argv)
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


def _parser() -> argparse.ArgumentParser:
    called = Path(sys.argv[0]).name
    parser = argparse.ArgumentParser(
        prog=called if called == "ga2app" else "python -m ga2app",
        description="GA² Studio on the command line. The studio itself: python app.py, or the command studio",
        epilog="exit status: 0 done, 1 an error, which stderr names, 2 wrong usage, 3 some clips could not be read",
    )
    parser.add_argument("--version", action="version", version=f"GA² Studio {version()}")
    parser.set_defaults(run=lambda args: _help(parser))
    commands = parser.add_subparsers(metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    return parser


def _help(parser: argparse.ArgumentParser) -> int:
    """What there is to call, for a call that names no command."""
    parser.print_help(sys.stderr)
    return 2
