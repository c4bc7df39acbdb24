"""How fast the studio is on this machine: against the build at commit c409a59, against research code, against the peak.

    python benchmarks/speed.py [--json] [--against CHECKOUT] [--clips FOLDER] [--only quick_step …] [--pairs 7]

Each side is a process of its own; sides take turns in one run, and a figure is the median of the ratios of neighbors,
so that a busy or slow machine changes both. Real ViT-B/16 shapes with random weights, unless a row says sketch. Losses
are compared before anything is timed. ``--against`` names a checkout of the older build (``git worktree add --detach
../before c409a59``); without it the ratios that need it are null. With --json the rows go to stderr as they are taken.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
from benchmarks.speed_bench import RATIOS, Bench, Unavailable  # noqa: E402
from benchmarks.speed_inputs import SMALL, Sizes  # noqa: E402
from benchmarks.speed_rows import ROWS  # noqa: E402


def measure(bench: Bench, only: list[str]) -> dict[str, Any]:
    """Take the rows named in ``only``; gives the document of --json."""
    with bench.sides(("matmul", {"size": bench.sizes.matmul}, PROJECT)) as (side,):
        for dtype in ("float32", "bfloat16"):
            bench.peaks[dtype] = max(side.take(dtype=dtype)["gflops"] for _ in range(3))
            bench.say(f"peak of a matrix product in {dtype}: {bench.peaks[dtype]:.1f} GFLOP/s")
    for name in only:
        try:
            ROWS[name](bench)
        except Unavailable as exc:
            bench.say(f"{name:26} not measured: {exc}")
    shares = {}
    for part, (gflop, rate, dtype) in bench.parts.items():
        shares[part] = rate / bench.peaks[dtype]
        bench.say(f"{part:26} {gflop:8.1f} GFLOP, {rate:6.0f} GFLOP/s in {dtype}: {shares[part]:.0%} of the peak")
    return {"ratios": bench.ratios, "peak_gflops": bench.peaks, "fraction_of_peak": shares}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout, rows on stderr")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="a checkout of the older build")
    parser.add_argument("--clips", type=Path, metavar="FOLDER", help="clips of the rows on data (default: drawn ones)")
    parser.add_argument("--only", nargs="+", choices=RATIOS, metavar="RATIO", help=f"some of: {', '.join(RATIOS)}")
    parser.add_argument("--pairs", type=int, help="pairs a ratio is the median of (default 7)")
    parser.add_argument("--quick", action="store_true", help="small shapes and one pair, to see that all rows work")
    parser.add_argument("--bfloat16", action="store_true", help="measure bfloat16 where it is emulated, too")
    parser.add_argument(
        "--size",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help=f"another size: {', '.join(one.name for one in fields(Sizes))}",
    )
    return parser.parse_args()


def main() -> None:
    """Measure what the options ask for and print it."""
    chosen, began = _options(), time.monotonic()
    sizes = SMALL if chosen.quick else Sizes()
    sizes = replace(sizes, **{name: int(number) for name, number in (one.split("=") for one in chosen.size)})
    against = chosen.against and chosen.against.resolve()
    if against and not (against / "ga2app" / "objective.py").is_file():
        sys.exit(f"{against} is no checkout of c409a59; make one with: git worktree add --detach {against} c409a59")

    def say(text: str) -> None:
        print(text, file=sys.stderr if chosen.json else sys.stdout, flush=True)

    with tempfile.TemporaryDirectory(prefix="ga2-speed-") as folder:
        pairs = chosen.pairs or (1 if chosen.quick else 7)
        bench = Bench(Path(folder), sizes, pairs, against, chosen.clips, chosen.bfloat16 or chosen.quick, say=say)
        load = " ".join(f"{one:.1f}" for one in os.getloadavg())
        say(f"{platform.machine()}, {os.cpu_count()} cores, load {load}; medians of {pairs} pairs")
        found = measure(bench, [name for name in RATIOS if name in (chosen.only or RATIOS)])
    say(f"took {time.monotonic() - began:.0f} s")
    if chosen.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
