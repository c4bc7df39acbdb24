"""What the rows of benchmarks/speed.py share: sides that take turns, ratios of neighbors, inputs made when needed."""

from __future__ import annotations

import contextlib
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import speed_inputs as inputs

PROJECT = Path(__file__).resolve().parents[1]

RATIOS = {
    "quick_step": (2.5, "a Quick step on the demo (sketch), times faster than today"),
    "quick_total": (1.6, "Quick training of the demo, the whole command, times faster than today"),
    "text_tower_75": (3.0, "text tower forward and backward, 75 labels, times faster than today"),
    "text_tower_200": (3.0, "the same, 200 labels"),
    "full_step_float32": (1.75, "Full step in float32, times faster than the research step"),
    "full_step_bfloat16": (7.0, "Full step in bfloat16, times faster than the research step in float32"),
    "full_step_over_today": (1.5, "Full step in bfloat16, times faster than today"),
    "first_epoch": (3.0, "data of an epoch by itself, times faster than decord by index + PIL + DataLoader"),
    "second_epoch": (8.0, "data of the second epoch of twelve, times faster than the first"),
    "waiting_share": (-0.05, "share of a second epoch's steps that is spent waiting for data"),
    "recognition_over_tower": (-1.15, "recognition, time by that of the bare vision tower"),
    "recognition_over_research": (3.0, "recognition, times faster than CLIPModel + PIL + decord by index"),
    "vision_tower_over_today": (1.4, "the vision tower alone in bfloat16, times faster than today"),
    "step_memory": (-0.7, "peak memory of a Full step with checkpointing, by that of the research step"),
    "resident_memory": (-0.7, "resident memory with a backbone that recognizes, by today's"),
    "import_10000": (1.7, "import of clips with 2 decoders, times faster than with one"),
    "list_60000": (0.95, "reading a list of clips that does not say which are for testing, times faster than today"),
}
"""In the order of the table: what is to be reached, negative where it is the most that is allowed, and the title."""


class Unavailable(Exception):
    """A row that cannot be measured here; its text says why."""


class Side:
    """A process that does one task again and again with the code of one checkout."""

    def __init__(self, task: str, given: dict[str, Any], checkout: Path = PROJECT, **environment: str) -> None:
        command = [sys.executable, "-W", "ignore", str(PROJECT / "benchmarks" / "speed_side.py"), task]
        self._name = f"{task} of {checkout.name}"
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [*command, json.dumps(given)],
            env=os.environ | {"PYTHONPATH": str(checkout), "TOKENIZERS_PARALLELISM": "false"} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        try:
            self._line()
        except Unavailable:
            self.close()
            raise

    def take(self, **order: Any) -> dict[str, Any]:
        """One turn: its seconds, the memory of the process in bytes, and what the task tells."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the next line says why
            print(json.dumps(order), file=self._process.stdin, flush=True)
        return dict(self._line())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
        self._log.close()

    def _line(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            last = self._log.read().strip().splitlines() or [f"exit status {self._process.returncode}"]
            raise Unavailable(f"{self._name}: {last[-1]}")
        return json.loads(line)


Turn = Callable[[], dict[str, Any]]


@dataclass
class Bench:
    """What a run measures with, and what it has found: ratios, and (GFLOP, GFLOP/s, dtype) of parts."""

    folder: Path
    sizes: inputs.Sizes
    pairs: int
    against: Path | None = None
    clips_folder: Path | None = None
    forced: bool = False
    checked: bool = True
    ratios: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(RATIOS))
    parts: dict[str, tuple[float, float, str]] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    say: Callable[[str], None] = print

    @cached_property
    def clip(self) -> str:
        return str(inputs.save_clip(self.folder / "clip", self.sizes))

    @cached_property
    def tensors(self) -> str:
        return str(inputs.save_inputs(self.folder / "inputs.safetensors", self.sizes))

    @cached_property
    def clips(self) -> list[str]:
        if self.clips_folder is None:
            return inputs.draw_clips(self.folder / "drawn", self.sizes)
        return sorted(str(path) for path in self.clips_folder.resolve().iterdir() if path.is_file())

    @cached_property
    def home(self) -> Path:
        """A home whose demo is drawn; runs take copies."""
        from ga2app.paths import Home
        from ga2app.synthetic.demo_dataset import demo_dataset

        home = Home(self.folder / "home")
        demo_dataset(home.media / "demo")
        return home.root

    @property
    def before(self) -> Path:
        """The older build; raises Unavailable without one."""
        if self.against is None:
            raise Unavailable("it needs the older build; name a checkout of c409a59 with --against")
        return self.against

    @cached_property
    def model(self) -> dict[str, Any]:
        """What a side needs to build the prompted model."""
        return {"folder": self.clip, "inputs": self.tensors, "length": self.sizes.length, "depth": self.sizes.depth}

    def need_bfloat16(self) -> None:
        """Raises Unavailable where bfloat16 is emulated, which says nothing."""
        import torch

        native = (
            torch.cuda.is_available() or torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        )
        if not (native or self.forced):
            raise Unavailable("bfloat16 is not native to this processor; --bfloat16 measures it all the same")

    @contextlib.contextmanager
    def sides(self, *asked: tuple[str, dict[str, Any], Path], **environment: str) -> Iterator[list[Side]]:
        """Processes (task, arguments, checkout), ready."""
        with contextlib.ExitStack() as running:
            found = []
            for task, given, checkout in asked:
                found.append(Side(task, given, checkout, **environment))
                running.callback(found[-1].close)
            yield found

    def compare(self, ours: Turn, theirs: Turn, tolerance: float | None = None) -> tuple[float, float, float]:
        """Median of theirs by ours over all pairs, and the median seconds of each, after a turn that does not count.

        With a ``tolerance`` the losses (and norms) of that first turn have to agree. Raises Unavailable otherwise.
        """
        first, second = ours(), theirs()
        for name in ("loss", "norm"):
            if tolerance and name in first and name in second:
                limit = tolerance if name == "loss" else 10 * tolerance
                if not math.isclose(first[name], second[name], rel_tol=limit):
                    raise Unavailable(f"the sides differ: {name} {first[name]!r} here and {second[name]!r} there")
        times = []
        for number in range(self.pairs):
            if number % 2:
                after = theirs()["seconds"]
                times.append((ours()["seconds"], after))
            else:
                times.append((ours()["seconds"], theirs()["seconds"]))
        median = statistics.median
        return median(b / a for a, b in times), median(a for a, _ in times), median(b for _, b in times)

    def faster(self, name: str, ours: Turn, theirs: Turn, tolerance: float | None = None, what: str = "") -> float:
        """Note how many times faster we are, and give our seconds."""
        ratio, mine, other = self.compare(ours, theirs, tolerance)
        self.note(name, ratio, f"{shown(mine)} against {shown(other)}{what}")
        return mine

    def note(self, name: str, ratio: float, how: str) -> None:
        """Keep a ratio and print its row."""
        target, title = RATIOS[name]
        met = ratio <= -target if target < 0 else ratio >= target
        wanted = f"at most {-target:g}" if target < 0 else f"at least {target:g}"
        self.ratios[name] = ratio
        self.say(f"{name:26} {ratio:8.3f}  {wanted:13} {'yes' if met else 'no ':3}  {title}: {how}")

    def achieved(self, part: str, side: Side, seconds: float, dtype: str) -> None:
        """Count the operations of a turn of ``side`` and keep the rate."""
        flops = side.take(count=True)["flops"] / 1e9
        self.parts[part] = (flops, flops / seconds, dtype)


def shown(seconds: float) -> str:
    """Seconds for people."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"
