"""Every reader under atheris, which looks for the bytes that take another way through the code.

    pip install atheris
    python -m tools.fuzz_readers -max_total_time=600 FOLDER

``FOLDER`` keeps what it found; it begins with the files that are right. An exception that is no StudioError, and a
message of several lines, end it and show the bytes.
"""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ga2app"]):
    from tests.test_fuzzed_readers import READERS, attempt

NAMES = tuple(READERS)


def one(data: bytes) -> None:
    """The first byte says which reader the others are for."""
    if data:
        attempt(NAMES[data[0] % len(NAMES)], data[1:])


def main() -> None:
    """Write the files that are right into the folder, then read whatever atheris makes of them."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    seeds = Path(sys.argv[-1])
    seeds.mkdir(exist_ok=True)
    for place, (name, reader) in enumerate(READERS.items()):
        for number, content in enumerate(reader.seeds()):
            (seeds / f"{name.replace(' ', '-')}-{number}").write_bytes(bytes([place]) + content)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
