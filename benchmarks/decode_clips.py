"""Which reader each clip takes, how many frames it has, and how long reading it takes.

python -m benchmarks.decode_clips FOLDER…
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import time
from collections.abc import Iterator, Sequence

from ga2app.cli.common import table
from ga2app.errors import ClipError
from ga2app.video import ClipReader, Evaluation

_HEADINGS = ("file", "reader", "frames", "size", "ms", "error")


def bench_decode(paths: list[str], num_frames: int = 16) -> list[dict[str, object]]:
    """One row a clip, read once at full size by evaluation sampling; a folder stands for the files in it.

    ``file`` as given, ``reader`` ("decord" or "pyav"), ``frames`` of the clip, ``size`` (width and height in pixels)
    and ``fps``, all None where ``error`` says why the clip cannot be read; ``ms`` it took; ``sampled`` frames.
    """
    with ClipReader() as reader:
        # The reader's process starts with the first request, which is not to be the first clip's burden.
        with contextlib.suppress(ClipError):
            reader.read(os.devnull, Evaluation(1))
        return [_row(reader, path, num_frames) for path in _files(paths)]


def _row(reader: ClipReader, path: str, num_frames: int) -> dict[str, object]:
    row: dict[str, object] = {"file": path, "reader": None, "frames": None, "size": None, "fps": None}
    error = None
    start_s = time.perf_counter()
    try:
        clip = reader.read(path, Evaluation(num_frames))
    except ClipError as exc:
        error = str(exc)
    else:
        height, width = clip.frames.shape[1:3]
        row |= {"reader": clip.reader, "frames": clip.total_frames, "size": [width, height], "fps": clip.fps}
    elapsed_ms = round((time.perf_counter() - start_s) * 1000, 1)
    return row | {"ms": elapsed_ms, "sampled": 0 if error else num_frames, "error": error}


def _files(paths: Sequence[str]) -> Iterator[str]:
    """The files of ``paths``; of a folder those in it and below, in order of their names, none that are hidden."""
    for path in paths:
        if not os.path.isdir(path):
            yield path
            continue
        for folder, below, names in os.walk(path):
            below[:] = sorted(name for name in below if not name.startswith("."))
            yield from (os.path.join(folder, name) for name in sorted(names) if not name.startswith("."))


def format_table(rows: list[dict[str, object]]) -> str:
    """The ``rows`` of ``bench_decode`` as an aligned table, with a line that counts them."""
    drawn = table(_HEADINGS[0], _HEADINGS[1:], {str(row["file"]): _cells(row)[1:] for row in rows})
    unreadable = sum(row["error"] is not None for row in rows)
    return f"{drawn}\n{len(rows)} clips, {unreadable} of them cannot be read"


def _cells(row: dict[str, object]) -> tuple[str, ...]:
    size = row["size"]
    shown = {**row, "size": f"{size[0]}x{size[1]}" if isinstance(size, list) else None}
    return tuple("" if shown[heading] is None else str(shown[heading]) for heading in _HEADINGS)


def main() -> None:
    """Read the options and print what they ask for."""
    parser = argparse.ArgumentParser(description="which reader each clip takes, how many frames, how long")
    parser.add_argument("files", nargs="+", metavar="FILE", help="clips, or folders of clips")
    parser.add_argument("--frames", type=int, default=16, help="frames sampled from each clip (default 16)")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = bench_decode(chosen.files, max(1, chosen.frames))
    print(json.dumps(rows, indent=2) if chosen.json else format_table(rows))


if __name__ == "__main__":
    main()
