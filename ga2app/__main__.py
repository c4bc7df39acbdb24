"""``python -m ga2app``, or ``ga2app`` where the package is installed: the command line."""

import os

# Threads that wait by spinning starve each other where cores are shared. Read when torch is loaded, hence set here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from ga2app.cli.main import main
from ga2app.fast_start import let_go, load_quickly


def run() -> int:
    """The command line, for a process that ends with it; gives the exit status."""
    load_quickly()
    status = main()
    let_go()
    return status


if __name__ == "__main__":
    raise SystemExit(run())
