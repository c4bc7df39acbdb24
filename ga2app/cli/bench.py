"""``bench``: the benchmark in ``benchmarks/base2novel``, beside the package as a checkout or a wheel has it."""

from __future__ import annotations

import importlib
import importlib.util
import sys

from ga2app.cli.common import Commands
from ga2app.paths import INSTALLED, PROJECT


def add(commands: Commands) -> None:
    """Register the command that the benchmark's own module describes."""
    if not INSTALLED and str(PROJECT) not in sys.path:
        sys.path.append(str(PROJECT))
    found = "ga2app.shipped.base2novel" if INSTALLED else "benchmarks.base2novel"
    if importlib.util.find_spec(found) is None:
        commands.add_parser("bench").error("the benchmark comes with a checkout or a wheel of the project alone")
    importlib.import_module(f"{found}.command").add(commands)
