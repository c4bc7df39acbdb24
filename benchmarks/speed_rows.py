"""The rows of benchmarks/speed.py, one function each; what they compare is in ``speed_side`` and ``research_step``."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import speed_inputs as inputs
from benchmarks.speed_bench import PROJECT, Bench, Unavailable, shown


def quick_step(bench: Bench) -> None:
    steps = bench.sizes.quick_steps
    asked = [("quick_step", {"repeats": steps}, checkout) for checkout in (PROJECT, bench.before)]
    with bench.sides(*asked, GA2_HOME=str(bench.home)) as (ours, theirs):
        seconds = bench.faster("quick_step", ours.take, theirs.take, 1e-5, f" for {steps} steps")
        bench.achieved("quick_step", ours, seconds, "float32")


def quick_total(bench: Bench) -> None:
    """From the command to its bundle, in a fresh copy of the home each time; figures to one test clip."""

    today = bench.before

    def turn(checkout: Path) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(dir=bench.folder) as home:
            shutil.copytree(bench.home, home, copy_function=os.link, dirs_exist_ok=True)
            command = [sys.executable, "-m", "ga2app", "train", "--preset", "quick", "--json"]
            environment = os.environ | {"PYTHONPATH": str(checkout), "GA2_HOME": home}
            began = time.perf_counter()
            done = subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True)
            seconds = time.perf_counter() - began
        if done.returncode:
            raise Unavailable(f"train of {checkout.name}: {done.stderr.strip().splitlines()[-1]}")
        return {"seconds": seconds, "metrics": json.loads(done.stdout)["metrics"]}

    second, first = turn(today)["metrics"], turn(PROJECT)["metrics"]
    # 10 test clips of 8 base labels, 6 of each novel one: one clip is at most 1.25 points.
    if any(abs(first[name] - second[name]) > 1.26 for name in ("base", "novel")):
        raise Unavailable(f"the figures differ by more than a test clip: {first} here and {second} there")
    bench.faster("quick_total", lambda: turn(PROJECT), lambda: turn(today))


def text_tower(bench: Bench, count: int) -> None:
    given = bench.model | {"labels": inputs.labels_of(count)}
    with bench.sides(("text_tower", given, PROJECT), ("text_tower", given, bench.before)) as (ours, theirs):
        seconds = bench.faster(f"text_tower_{count}", ours.take, theirs.take, 1e-4)
        bench.achieved(f"text_tower_{count}", ours, seconds, "float32")


def _full(bench: Bench, precision: str, recompute: bool = False) -> dict[str, Any]:
    labels = inputs.labels_of(bench.sizes.classes)
    return bench.model | {"labels": labels, "precision": precision, "recompute": recompute}


def _research(bench: Bench) -> tuple[str, dict[str, Any], Path]:
    clip, length = Path(bench.clip), bench.sizes.length
    names = [f"{label}." for label in inputs.labels_of(bench.sizes.classes)]
    tokens = inputs.tokens_of(clip, names, length)
    negative = inputs.tokens_of(clip, ["a video of a person else."], 0)
    given = {"folder": bench.clip, "inputs": bench.tensors, "tokens": tokens, "negative": negative}
    return "research_step", given, PROJECT


def full_step(bench: Bench, precision: str) -> None:
    if precision == "bfloat16":
        bench.need_bfloat16()
    tolerance = 1e-4 if precision == "float32" else None
    with bench.sides(("full_step", _full(bench, precision), PROJECT), _research(bench)) as (ours, theirs):
        name = f"full_step_{precision}"
        seconds = bench.faster(name, ours.take, theirs.take, tolerance)
        bench.achieved(name, ours, seconds, precision)


def full_step_over_today(bench: Bench) -> None:
    bench.need_bfloat16()
    given = _full(bench, "bfloat16")
    with bench.sides(("full_step", given, PROJECT), ("full_step", given, bench.before)) as (ours, theirs):
        bench.faster("full_step_over_today", ours.take, theirs.take)


def step_memory(bench: Bench) -> None:
    with bench.sides(("full_step", _full(bench, "float32", recompute=True), PROJECT), _research(bench)) as both:
        mine, other = (max(side.take()["peak"] for _ in range(2)) for side in both)
    bench.note("step_memory", mine / other, f"{mine / 1e6:.0f} MB against {other / 1e6:.0f} MB")


def resident_memory(bench: Bench) -> None:
    labels = inputs.labels_of(bench.sizes.recognized_labels)
    given = {"folder": bench.clip, "precision": "bfloat16", "paths": bench.clips[:1], "labels": labels, "frames": 2}
    with bench.sides(("recognition", given, PROJECT), ("recognition", given, bench.before)) as both:
        mine, other = ([side.take(), side.take()][1]["resident"] for side in both)
    bench.note("resident_memory", mine / other, f"{mine / 1e6:.0f} MB against {other / 1e6:.0f} MB, in bfloat16")


def first_epoch(bench: Bench) -> None:
    """An epoch by itself, which is the same work on both sides; beside it what the first of twelve takes, in which the
    frames of all are decoded and kept."""
    sizes = bench.sizes
    given = {"paths": bench.clips, "frames": sizes.frames, "batch": sizes.batch, "side_px": sizes.image_px}
    home = {"GA2_HOME": str(bench.folder / "epochs")}
    asked = ("epoch", given | {"decoders": 2}, PROJECT), ("research_epoch", given, PROJECT)
    with bench.sides(*asked, **home) as (ours, theirs):
        whole = [ours.take(number=0, fresh=True)["seconds"] for _ in range(2)][1]
        what = f" for {len(bench.clips)} clips; the first of twelve, which decodes for all: {shown(whole)}"
        bench.faster("first_epoch", lambda: ours.take(number=0, fresh=True, epochs=1), theirs.take, what=what)


def second_epoch(bench: Bench) -> None:
    sizes = bench.sizes
    given = {"paths": bench.clips, "frames": sizes.frames, "batch": sizes.batch, "side_px": sizes.image_px}
    home = {"GA2_HOME": str(bench.folder / "epochs")}
    with bench.sides(("epoch", given | {"decoders": 2}, PROJECT), **home) as (ours,):
        pairs = [
            (ours.take(number=0, fresh=True)["seconds"], ours.take(number=1)["seconds"]) for _ in range(bench.pairs)
        ]
    first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    bench.note("second_epoch", ratio, f"{shown(second)} against {shown(first)} for {len(bench.clips)} clips")


def waiting_share(bench: Bench) -> None:
    """Whole second epochs of Full training, whose frames the first has left on the disk."""
    given = _full(bench, "auto") | {"paths": bench.clips}
    with bench.sides(("full_step", given, PROJECT), GA2_HOME=str(bench.folder / "waiting")) as (ours,):
        ours.take(number=0)
        shares = [ours.take(number=number)["waited"] for number in range(1, bench.pairs + 1)]
    bench.note("waiting_share", statistics.median(shares), f"{len(shares)} epochs of {len(bench.clips)} clips")


def recognition(bench: Bench) -> None:
    sizes, labels = bench.sizes, inputs.labels_of(bench.sizes.recognized_labels)
    paths = (bench.clips * sizes.recognized)[: sizes.recognized]
    given = {"folder": bench.clip, "paths": paths, "labels": labels, "frames": sizes.recognized_frames}
    with bench.sides(("recognition", given | {"precision": "auto"}, PROJECT)) as (ours,):
        ratio, tower, mine = bench.compare(lambda: ours.take(tower=True), ours.take)
        bench.note("recognition_over_tower", ratio, f"{shown(mine)} against {shown(tower)} for {len(paths)} clips")


def recognition_over_research(bench: Bench) -> None:
    sizes, labels = bench.sizes, inputs.labels_of(bench.sizes.recognized_labels)
    paths = (bench.clips * sizes.recognized)[: sizes.recognized]
    given = {"folder": bench.clip, "paths": paths, "labels": labels, "frames": sizes.recognized_frames}
    research = ("research_recognition", given | {"side_px": sizes.image_px}, PROJECT)
    with bench.sides(("recognition", given | {"precision": "auto"}, PROJECT), research) as (ours, theirs):
        bench.faster("recognition_over_research", ours.take, theirs.take, what=f" for {len(paths)} clips")


def vision_tower(bench: Bench) -> None:
    bench.need_bfloat16()
    given = {"folder": bench.clip, "precision": "bfloat16", "frames": bench.sizes.recognized_frames}
    with bench.sides(("vision_tower", given, PROJECT), ("vision_tower", given, bench.before)) as (ours, theirs):
        seconds = bench.faster("vision_tower_over_today", ours.take, theirs.take, 1e-2)
        bench.achieved("vision_tower_bfloat16", ours, seconds, "bfloat16")


def import_clips(bench: Bench) -> None:
    folder = inputs.draw_data_set(bench.folder / "imported", bench.sizes.imported)
    with bench.sides(("import_clips", {"folder": str(folder)}, PROJECT)) as (ours,):
        what = f" for {bench.sizes.imported:,} clips"
        bench.faster("import_10000", lambda: ours.take(decoders=2), lambda: ours.take(decoders=1), what=what)


def clip_list(bench: Bench) -> None:
    given = {"file": str(inputs.write_list(bench.folder / "list.csv", bench.sizes.listed))}
    with bench.sides(("clip_list", given, PROJECT), ("clip_list", given, bench.before)) as (ours, theirs):
        bench.faster("list_60000", ours.take, theirs.take, what=f" for {bench.sizes.listed:,} clips")


ROWS: dict[str, Callable[[Bench], None]] = {
    "quick_step": quick_step,
    "quick_total": quick_total,
    "text_tower_75": lambda bench: text_tower(bench, 75),
    "text_tower_200": lambda bench: text_tower(bench, 200),
    "full_step_float32": lambda bench: full_step(bench, "float32"),
    "full_step_bfloat16": lambda bench: full_step(bench, "bfloat16"),
    "full_step_over_today": full_step_over_today,
    "first_epoch": first_epoch,
    "second_epoch": second_epoch,
    "waiting_share": waiting_share,
    "recognition_over_tower": recognition,
    "recognition_over_research": recognition_over_research,
    "vision_tower_over_today": vision_tower,
    "step_memory": step_memory,
    "resident_memory": resident_memory,
    "import_10000": import_clips,
    "list_60000": clip_list,
}
