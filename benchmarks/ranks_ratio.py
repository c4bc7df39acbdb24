"""How much faster two processes look at clips than one, each with one thread.

``python -m benchmarks.ranks_ratio [--processes N] [--clips N] [--pairs N] [--json]`` draws clips, starts the processes
under torchrun, and lets rank 0 extract the features of all of them alone, then all ranks together, turn about; every
time from the files anew. It prints the median of the pairs' ratios, and that the features are the same.
"""

from __future__ import annotations

import argparse
import contextvars
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from ga2app.paths import PROJECT
from ga2app.synthetic.actions import ACTIONS
from ga2app.synthetic.demo_dataset import generate


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--clips", type=int, default=300, help="drawn clips (default: 300)")
    parser.add_argument("--pairs", type=int, default=7, help="of one process and several, turn about (default: 7)")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--rank", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.rank:
        rank(chosen.rank, chosen.pairs)
        return
    found = measure(chosen.processes, chosen.clips, chosen.pairs)
    if chosen.json:
        print(json.dumps(found, indent=2))
    else:
        print(
            f"features of {chosen.clips} clips: {found['processes']} processes are {found['ratio']:.2f} times as fast "
            f"as one ({found['one_s']:.1f} s and {found['several_s']:.1f} s, medians of {chosen.pairs} pairs)"
        )


def measure(processes: int = 2, clips: int = 300, pairs: int = 7) -> dict[str, Any]:
    """Seconds of one process and of several, one thread each, and the median of the pairs' ratios."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        names = list(ACTIONS)[:10]
        paths = [str(path) for path, _ in generate(folder, clips_per_class=-(-clips // 10), names=names)][:clips]
        (folder / "paths.json").write_text(json.dumps(paths))
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
        command += ["--nproc-per-node", str(processes), "-m", "benchmarks.ranks_ratio", "--pairs", str(pairs)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(PROJECT)}
        subprocess.run([*command, "--rank", str(folder)], check=True, cwd=PROJECT, env=environment)
        found: dict[str, Any] = json.loads((folder / "found.json").read_text())
        return found


def rank(folder: Path, pairs: int) -> None:
    """One of the processes."""
    import torch

    from ga2app.clip import load_backbone, ranks
    from ga2app.evaluation import PlainFeatures

    paths, backbone = json.loads((folder / "paths.json").read_text()), load_backbone(device="cpu", precision="float32")

    def look() -> tuple[float, torch.Tensor]:
        began_s = time.perf_counter()
        features = PlainFeatures(backbone, 8).of(paths)
        return time.perf_counter() - began_s, features

    with ranks.joined("cpu") as group:
        look()  # decoders start, files are in the system's cache
        times: list[tuple[float, float]] = []
        for _ in range(pairs):
            # Outside the context of the group this process is alone; the others wait, without using a core.
            one_s, alone = contextvars.Context().run(look) if group.first else (0.0, torch.empty(0))
            group.any(False)
            several_s, shared = look()
            several_s = max(group.everyones([several_s]))
            times.append((one_s, several_s))
        if group.first:
            torch.testing.assert_close(shared, alone, rtol=1e-4, atol=1e-5)
            found = {
                "processes": group.count,
                "clips": len(paths),
                "one_s": median(one for one, _ in times),
                "several_s": median(several for _, several in times),
                "ratio": median(one / several for one, several in times),
            }
            (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
