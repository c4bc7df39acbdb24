"""Writes the lock files: every package that ``make`` installs, with its version and the hashes of its files.

    make lock

``requirements.lock`` is what the app needs, ``tests/requirements.lock`` what the tools need besides. They hold for
Python 3.11 and newer on every system. Left out are torch and what comes with it from the index that torch comes from
(CUDA libraries, Triton): which build that is, for which GPU or for none, is the user's choice, and each build has
hashes of its own. Its version stands in ``requirements.txt``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ga2app.paths import PROJECT

LOCK, TOOLS_LOCK = PROJECT / "requirements.lock", PROJECT / "tests" / "requirements.lock"
OLDEST = "3.11"
_LEFT_OUT = re.compile(r"(torch|triton|nvidia-.*|cuda-.*)$")
_HEADER = f"""# Made by `make lock` out of {{source}}; not to be edited.
# Without torch, whose build is the user's choice (see tools/{Path(__file__).name}).
"""


def main() -> int:
    """Write both files, with the newest versions that the requirements allow."""
    app = compiled(PROJECT / "requirements.txt")
    written(LOCK, "requirements.txt", app)
    tools = compiled(PROJECT / "tests" / "requirements.txt", "--constraints", str(LOCK))
    written(TOOLS_LOCK, "tests/requirements.txt", [entry for entry in tools if entry not in app])
    return 0


def compiled(source: Path, *options: str) -> list[str]:
    """The packages of a requirements file and all that they need: each with its version, condition and hashes."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
    command += ["--python-version", OLDEST, "--no-header", "--no-annotate", *options, str(source)]
    text = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    entries = re.findall(r"^[^\s#].*(?:\n +--hash=.*)*\n", text, re.MULTILINE)
    return [entry for entry in entries if not _LEFT_OUT.match(re.split("[=[ ]", entry, maxsplit=1)[0])]


def written(file: Path, source: str, entries: Sequence[str]) -> None:
    """Write ``entries``, made of ``source``, to ``file``."""
    file.write_text(_HEADER.format(source=source) + "".join(entries), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
