"""What a changed field on Train costs with a data set of 60,000 clips: processor time of one drawing of the preview.

``python benchmarks/train_form.py [--clips 60000]`` makes such a data set in a temporary home (rows only, no video),
changes a setting so many times, and prints the median and the largest time. The data set of the line below it is a
thousand times smaller: what is left is what the page costs by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import gradio as gr  # noqa: E402

from ga2app.config import preset  # noqa: E402
from ga2app.paths import Home  # noqa: E402
from ga2app.services.studio import Studio, own_studio  # noqa: E402
from ga2app.types import Dataset, LabelledClip, Subset  # noqa: E402
from ga2app.web.pages.train.train_page import TrainPage  # noqa: E402

LABELS = 400
ROUNDS = 15


class _LaidOut(Exception):
    """So that Gradio makes no server for the page."""


async def _page(studio: Studio) -> TrainPage:
    with contextlib.suppress(_LaidOut), gr.Blocks():
        page = TrainPage(studio)
        raise _LaidOut
    return page


def made(name: str, clips: int) -> Dataset:
    """A data set of so many rows, a third of them for testing, three quarters of its labels base."""
    labels = [f"doing the thing number {number}" for number in range(min(LABELS, clips // 4))]
    listed = tuple(
        LabelledClip(
            f"/clips/{place}.mp4", labels[place % len(labels)], Subset.TEST if place % 3 == 0 else Subset.TRAIN
        )
        for place in range(clips)
    )
    base = 3 * len(labels) // 4
    return Dataset(name, tuple(labels[:base]), tuple(labels[base:]), listed)


def milliseconds(page: TrainPage, name: str) -> list[float]:
    """Processor time of each drawing after a changed number of shots, the first, which warms up, left out."""
    form = page.form_value(preset("quick"))
    given: dict[Any, Any] = {
        page.name: "",
        page.dataset: [name],
        page.backbone: "sketch",
        page.seeds: "1024",
        page.preset: "quick",
        page.form: form,
        page.pressed: None,
        page.opened: True,
    }
    taken = []
    for place in range(ROUNDS + 1):
        form["values"]["shots"] = place + 1
        began = time.process_time()
        page.draw(given)
        taken.append(1000 * (time.process_time() - began))
    return taken[1:]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=60_000)
    clips = parser.parse_args().clips
    with tempfile.TemporaryDirectory() as folder, own_studio(Home(Path(folder))) as studio:
        for count in (clips, max(clips // 1000, 12)):
            studio.store.datasets.add(made(f"{count} clips", count), origin="benchmark")
        page = asyncio.run(_page(studio))
        for count in (clips, max(clips // 1000, 12)):
            taken = milliseconds(page, f"{count} clips")
            load = os.getloadavg()[0]
            print(f"{count:,} clips: {median(taken):.1f} ms, at most {max(taken):.1f} ms a change (load {load:.1f})")


if __name__ == "__main__":
    main()
