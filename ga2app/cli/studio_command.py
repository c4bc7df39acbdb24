"""``studio``: the app in the browser, as ``python app.py`` starts it."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from ga2app.cli import common
from ga2app.paths import APP


def add(commands: common.Commands) -> None:
    """Register the command."""
    # With no sign that begins an option, all of them are left to app.py, which knows and explains its own.
    parser = commands.add_parser(
        "studio", help="start the studio in the browser, as python app.py does", add_help=False, prefix_chars="\0"
    )
    parser.add_argument("arguments", nargs="*", metavar="OPTION", help="those of app.py, for example --port 8000")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> NoReturn:
    """Become the studio; raises PackageError where the app is not installed."""
    common.need("gradio", "the studio", "app")
    os.execv(sys.executable, [sys.executable, str(APP), *args.arguments])
