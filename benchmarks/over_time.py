"""Labeling a long video over time, against cutting its windows into clips and recognizing each; and its memory.

    python -m benchmarks.over_time [--backbone NAME] [--seconds 20] [--rounds 3]
    python -m benchmarks.over_time --memory [--minutes 10 120]

The sides take turns on the same drawn video, in one process, with the same model: ``over_time``; ``recognize`` on the
addresses of all windows; and ffmpeg cutting each window into a file of its own (libx264, veryfast) for ``recognize``.
Printed are the times of the latter two by that of ``over_time`` (at least 3 is wanted), and how far the probabilities
are apart. With ``--memory`` a process labels ten minutes of small pictures, and another one two hours (or ``--minutes``
of them); printed are the peaks of the resident memory of that process and of its decoder.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.speed_inputs import Sizes, save_clip
from ga2app import Recognizer
from ga2app.types import TimedLabels

LABELS = ["riding a bicycle", "walking", "flying a kite", "playing the guitar", "climbing a ladder"]


def main() -> None:
    """Print the ratios, or the memory."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="", help="its name or folder (default: a ViT-B/16, drawn)")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", action="store_true", help="the peaks of memory of videos of these lengths")
    parser.add_argument("--minutes", type=int, nargs="+", default=[10, 120])
    parser.add_argument("--label", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.label:
        label(chosen.label)
        return
    with tempfile.TemporaryDirectory() as folder:
        if chosen.memory:
            measure_memory(Path(folder), chosen.minutes)
            return
        backbone = chosen.backbone or str(save_clip(Path(folder) / "vit-b-16", Sizes()))
        measure_time(Path(folder), Recognizer(backbone), chosen.seconds, chosen.rounds)


def draw_video(path: Path, seconds: int, rate: int, width: int, height: int) -> Path:
    """A video in which every frame differs from the one before."""
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (height // 4 + 1, width // 4 + 64, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "g": str(10 * rate)})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(seconds * rate):
            left = number % 256
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(scene[:height, left : left + width]))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def measure_time(folder: Path, recognizer: Recognizer, seconds: int, rounds: int) -> None:
    """The three sides in turn."""
    video = draw_video(folder / "video.mp4", seconds, 24, 640, 360)
    found = recognizer.over_time(video, LABELS)
    starts = found.starts_s.tolist()

    def cut() -> list[str]:
        files = [folder / f"window-{number}.mp4" for number in range(len(starts))]
        for start, file in zip(starts, files, strict=True):
            times = ["-ss", f"{start:.3f}", "-t", f"{found.window_s:g}"]
            made = ["-c:v", "libx264", "-preset", "veryfast", "-an", str(file)]
            subprocess.run(["ffmpeg", "-y", "-loglevel", "error", *times, "-i", str(video), *made], check=True)
        return [str(file) for file in files]

    addresses = [f"{video}#t={start:.3f},{start + found.window_s:.3f}" for start in starts]
    sides: dict[str, Callable[[], object]] = {
        "over_time": lambda: recognizer.over_time(video, LABELS),
        "recognize of each address": lambda: recognizer.recognize(addresses, LABELS),
        "cut into clips, and recognize": lambda: recognizer.recognize(cut(), LABELS),
    }
    took: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            took[name].append(time.perf_counter() - began)
    least = statistics.median(took["over_time"])
    print(f"{seconds} s of 640x360 at 24 frames/s, {len(starts)} windows, median of {rounds} rounds")
    for name, times in took.items():
        print(f"{name:32} {statistics.median(times):7.2f} s {statistics.median(times) / least:6.2f} x")
    print(f"probabilities differ from those of the addresses by at most {difference(recognizer, found, addresses):.1e}")


def difference(recognizer: Recognizer, found: TimedLabels, addresses: list[str]) -> float:
    """How far the windows' probabilities are from what ``recognize`` answers for the same stretches."""
    most = 0.0
    for row, clip in zip(found.probabilities, recognizer.recognize(addresses, LABELS).clips, strict=True):
        scores = {one.label: one.score for one in clip.plain}
        most = max(most, *(abs(value - scores[name]) for name, value in zip(found.labels, row.tolist(), strict=True)))
    return most


def measure_memory(folder: Path, lengths: list[int]) -> None:
    """The peaks of these lengths, each in a process of its own."""
    for minutes in lengths:
        video = draw_video(folder / f"{minutes}.mp4", 60 * minutes, 10, 96, 64)
        subprocess.run([sys.executable, "-m", "benchmarks.over_time", "--label", str(video)], check=True)


def label(video: str) -> None:
    """Label one video and print what this process and its decoder took at most."""
    recognizer, began, decoder = Recognizer("sketch"), time.perf_counter(), [0.0]
    before = peak_mib("self")

    def look(share: float) -> None:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        decoder[0] = max(decoder[0], *(peak_mib(child) for child in children), 0.0)

    found = recognizer.over_time(video, LABELS, progress=look)
    took_s = time.perf_counter() - began
    told = (
        f"{found.end / 60:5.0f} min, {len(found.starts_s):6,} windows in {took_s:4.0f} s: {peak_mib('self'):4.0f} MiB"
    )
    print(f"{told} at most ({before:.0f} before), its decoder {decoder[0]:.0f} MiB", flush=True)


def peak_mib(process: str) -> float:
    """The most memory that a process has had resident, as Linux tells it; 0 for one that is gone."""
    try:
        told = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in told.splitlines() if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    main()
