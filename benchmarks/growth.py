"""How cost grows with frames, labels, prompts, clips, runs, decoders and processes: seconds, and how steep the end is.

    python benchmarks/growth.py [--json] [--only labels clips …] [--quick] [--out benchmarks/growth.json]

An exponent of 1 is linear, 0 is no growth at all, 2 would be quadratic; it is taken between the two largest sizes.
Seconds are the shortest of several turns, on one thread and of the processor, since whatever else a machine does only
adds to them; imports, decoders and processes, which work side by side, go by the clock. The sketch backbone is used
throughout: what is measured is the shape of a curve, and ``speed.py`` has the figures of a real one.
``growth_plot.py`` draws the file that ``--out`` writes.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))
from benchmarks.full_home import FULL, fill_home  # noqa: E402
from benchmarks.speed_bench import Side, Unavailable  # noqa: E402
from benchmarks.speed_inputs import Sizes, draw_clips, draw_data_set, labels_of  # noqa: E402

TURNS = 9


@dataclass
class Curve:
    """Seconds (and peak bytes, where they were taken) of one kind of work at several sizes."""

    axis: str
    title: str
    sizes: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)

    @property
    def exponent(self) -> float:
        """Of the power by which the cost grows between the two largest sizes."""
        if len(self.sizes) < 2:
            return math.nan
        (small, large), (before, after) = self.sizes[-2:], self.seconds[-2:]
        return math.log(after / before) / math.log(large / small)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return vars(self) | {"exponent": None if math.isnan(self.exponent) else round(self.exponent, 2)}


def timed(work: Callable[[], object], turns: int = TURNS) -> float:
    """Processor seconds of the shortest of a few turns, after one that does not count."""
    work()
    seconds = []
    for _ in range(turns):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def _model(labels: int, length: int = 8) -> Any:
    import torch

    from ga2app.clip import load_backbone
    from ga2app.config import PromptConfig
    from ga2app.method.prompted_model import PromptedClip
    from ga2app.method.prompts import PromptLearner

    torch.set_num_threads(1)
    backbone, random = load_backbone("sketch"), torch.Generator().manual_seed(0)
    sizes = backbone.sizes
    prompts = PromptLearner(PromptConfig(length, 4, 3), sizes.visual_width, sizes.text_width, generator=random)
    return PromptedClip(backbone, prompts, labels_of(labels))


def _pixels(clips: int, frames: int) -> Any:
    import torch

    return torch.randn(clips, frames, 3, 64, 64, generator=torch.Generator().manual_seed(0))


def frames(sizes: Sequence[int], folder: Path) -> list[Curve]:
    """A clip through the frozen vision tower."""
    import torch

    curve, model = Curve("frames", "a clip through the vision tower"), _model(2).eval()
    with torch.no_grad():
        for count in sizes:
            curve.sizes.append(count)
            curve.seconds.append(timed(partial(model.encode_frames, _pixels(1, count))))
    return [curve]


def _text_step(model: Any) -> None:
    model.zero_grad()
    model.encode_labels().sum().backward()


def labels(sizes: Sequence[int], folder: Path) -> list[Curve]:
    """Class features, forward and backward; an answer over so many labels from features that are known."""
    step, answer = Curve("labels", "text tower, forward and backward"), Curve("labels", "an answer over all labels")
    features = _model(2).eval().encode_clips(_pixels(1, 2)).detach()
    for count in sizes:
        model = _model(count).train()
        step.sizes.append(count)
        step.seconds.append(timed(partial(_text_step, model)))
        model = model.eval().requires_grad_(False)
        answer.sizes.append(count)
        answer.seconds.append(timed(partial(model.classify, features), 20))
    return [step, answer]


def prompts(sizes: Sequence[int], folder: Path) -> list[Curve]:
    """Both towers, forward and backward, for a batch of 4 clips of 8 frames and 8 labels."""
    curve, pixels = Curve("prompt tokens", "a Full step, both towers"), _pixels(4, 8)
    for length in sizes:
        model = _model(8, length).train()

        def step(model: Any = model) -> None:
            model.zero_grad()
            model(pixels).logits.sum().backward()

        curve.sizes.append(length)
        curve.seconds.append(timed(step))
    return [curve]


def clips(sizes: Sequence[int], folder: Path) -> list[Curve]:
    """Rows of a data set: stored, outlined as Train asks for it, shown as a page, drawn from for a run."""
    from ga2app.datasets.train_test import draw_shots
    from ga2app.paths import Home
    from ga2app.store import Store
    from ga2app.store.clip_pages import ClipFilter
    from ga2app.types import Dataset, LabelledClip, Subset

    titles = ("stored", "outlined for Train", "a page on Datasets", "read and drawn from for a run")
    curves = [Curve("clips", title) for title in titles]
    for count in sizes:
        names = [f"{label} {place}" for place, label in enumerate(labels_of(min(100, max(4, count // 5))))]
        parts = (Subset.TEST, Subset.TRAIN, Subset.TRAIN)
        listed = tuple(
            LabelledClip(f"/clips/{place}.mp4", names[place % len(names)], parts[place // len(names) % 3])
            for place in range(count)
        )
        dataset = Dataset("d", tuple(names[::2]), tuple(names[1::2]), listed)
        with Store.open(Home(folder / f"clips-{count}")) as store:
            began = time.process_time()
            store.datasets.add(dataset, origin="drawn")
            seconds = [time.process_time() - began]
            (number,) = store.datasets.names()

            def page(store: Store = store, number: int = number) -> None:
                store.datasets.list(), store.clips.labels(number), store.clips.page(number, ClipFilter(), limit=60)

            seconds.append(timed(partial(store.datasets.outline, "d")))
            seconds.append(timed(page))
            seconds.append(timed(lambda store=store: draw_shots(store.datasets.get("d"), 16, 0)))  # type: ignore[misc]
        for curve, took in zip(curves, seconds, strict=True):
            curve.sizes.append(count)
            curve.seconds.append(took)
    return curves


def runs(sizes: Sequence[int], folder: Path) -> list[Curve]:
    """The list of runs, its filters, and the queue's next run."""
    from ga2app.config import preset
    from ga2app.paths import Home
    from ga2app.services.studio import own_studio

    curves = [Curve("runs", title) for title in ("a page on Runs", "queued and taken from the queue")]
    for count in sizes:
        home = Home(folder / f"runs-{count}")
        fill_home(
            home, ["/clips/a.mp4"], replace(FULL, runs=count, clips=20, negatives=5, bundles=2, anchors=5, steps=4)
        )
        with own_studio(home) as studio:

            def queue(studio: Any = studio) -> None:
                studio.store.runs.queue(preset("quick"))
                run = studio.store.runs.claim(1, 0.0)
                studio.store.runs.release(run.id)

            for curve, work in zip(curves, (studio.runs.page, queue), strict=True):
                curve.sizes.append(count)
                curve.seconds.append(timed(work))
    return curves


def imports(sizes: Sequence[int], folder: Path) -> list[Curve]:
    """An import by 2 decoders: every clip opened once. Its peak memory is told, too."""
    curve = Curve("imported clips", "an import by 2 decoders")
    for count in sizes:
        side = Side("import_clips", {"folder": str(draw_data_set(folder / f"import-{count}", count))})
        try:
            told = side.take(decoders=2)
        finally:
            side.close()
        curve.sizes.append(count)
        curve.seconds.append(told["seconds"])
        curve.peak_bytes.append(told["peak"])
    return [curve]


def decoders(sizes: Sequence[int], folder: Path) -> list[Curve]:
    """The data of a first epoch by so many decoder processes."""
    curve, paths = Curve("decoders", "data of a first epoch"), draw_clips(folder / "drawn", Sizes(drawn_clips=24))
    for count in sizes:
        given = {"paths": paths, "frames": 8, "batch": 4, "side_px": 224, "decoders": count}
        side = Side("epoch", given, GA2_HOME=str(folder / "epochs"))
        try:
            seconds = [side.take(number=0, fresh=True)["seconds"] for _ in range(4)][1:]
        finally:
            side.close()
        curve.sizes.append(count)
        curve.seconds.append(min(seconds))
    return [curve]


AXES: dict[str, tuple[Callable[[Sequence[int], Path], list[Curve]], Sequence[int], Sequence[int]]] = {
    "frames": (frames, (4, 8, 16, 32, 64, 128), (1, 2)),
    "labels": (labels, (5, 10, 50, 100, 200, 500, 1000), (5, 10)),
    "prompts": (prompts, (1, 2, 4, 8, 16, 32), (1, 2)),
    "clips": (clips, (10, 100, 1_000, 10_000, 60_000), (10, 20)),
    "runs": (runs, (10, 100, 1_000, 10_000), (10, 20)),
    "imports": (imports, (100, 1_000, 10_000), (8, 12)),
    "decoders": (decoders, (1, 2, 3, 4), (1,)),
}
"""What is measured, at which sizes, and at which with ``--quick``."""


def row_of(curve: Curve) -> str:
    """A line for people."""
    cells = ", ".join(f"{size:,}: {_time(took)}" for size, took in zip(curve.sizes, curve.seconds, strict=True))
    memory = f"; peak {', '.join(f'{one / 1e6:.0f} MB' for one in curve.peak_bytes)}" if curve.peak_bytes else ""
    how = "" if math.isnan(curve.exponent) else f"exponent {curve.exponent:5.2f}"
    return f"{curve.axis:15} {curve.title:32} {how}  {cells}{memory}"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def main() -> None:
    """Measure and print; with --json one document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON document on stdout, rows on stderr")
    parser.add_argument("--only", nargs="+", choices=AXES, default=list(AXES), help="some of the axes")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that all of it works")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the document to a file; curves not taken stay")
    chosen, found = parser.parse_args(), list[Curve]()
    with tempfile.TemporaryDirectory(prefix="ga2-growth-") as folder:
        for name in chosen.only:
            measure, sizes, small = AXES[name]
            try:
                curves = measure(small if chosen.quick else sizes, Path(folder))
            except Unavailable as exc:
                print(f"{name}: not measured: {exc}", file=sys.stderr)
                continue
            for curve in curves:
                print(row_of(curve), file=sys.stderr if chosen.json else sys.stdout, flush=True)
            found += curves
    document = {"curves": [curve.to_dict() for curve in found]}
    if chosen.out:
        kept = json.loads(chosen.out.read_text())["curves"] if chosen.out.exists() else []
        fresh = {curve.axis for curve in found}
        kept = [one for one in kept if one["axis"] not in fresh]
        chosen.out.write_text(json.dumps({"curves": kept + document["curves"]}, indent=1) + "\n")
    if chosen.json:
        print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
