"""How much longer decoding takes here than in another checkout, and an HDR clip than an ordinary one.

    python benchmarks/decode_ratio.py FOLDER --against OTHER_CHECKOUT

Sides take turns in one run, each in a process of its own that has read every clip once before; the figure is the
median of the ratios of neighbors. Another checkout: ``git worktree add ../before COMMIT``.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

PROJECT = Path(__file__).resolve().parents[1]
SIDES = """
import sys, time
from pathlib import Path
from ga2app.video import Evaluation
from ga2app.video.decode import decode_clip
paths = [line for line in sys.argv[2:]]
print("ready", flush=True)
for _ in sys.stdin:
    began = time.perf_counter()
    for path in paths:
        decode_clip(path, Evaluation(16), int(sys.argv[1]) or None)
    print(time.perf_counter() - began, flush=True)
"""


class Side:
    """A process that reads the same clips again and again with the code of one checkout."""

    def __init__(self, checkout: Path, clips: Sequence[Path], short_side_px: int) -> None:
        command = [sys.executable, "-W", "ignore", "-c", SIDES, str(short_side_px), *map(str, clips)]
        self._process = subprocess.Popen(
            command,
            cwd=checkout,
            env={"PYTHONPATH": str(checkout), "PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._line()
        self.seconds()  # imports, tables and the disk's cache

    def seconds(self) -> float:
        """How long reading all clips once takes."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._line())

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("a side has died: are the clips readable in both checkouts?")
        return line.strip()


def ratio(new: Side, old: Side, pairs: int) -> tuple[float, float, float]:
    """Median of new by old over ``pairs`` pairs, and the median seconds of each."""
    times: list[tuple[float, float]] = []
    for number in range(pairs):
        if number % 2:
            after, before = old.seconds(), new.seconds()
            times.append((before, after))
        else:
            times.append((new.seconds(), old.seconds()))
    median = statistics.median
    return median(a / b for a, b in times), median(a for a, _ in times), median(b for _, b in times)


def moving_card(number: int, height: int = 720, width: int = 1280) -> np.ndarray:
    """A gradient that moves, with some noise: what a codec has to work for. (H, W, 3), 0 to 1."""
    rows, columns = np.mgrid[:height, :width]
    noise = np.random.default_rng(number).normal(0, 0.01, (height, width))
    wave = 0.4 + 0.25 * np.sin((columns + 8 * number) / 90) + 0.15 * np.cos(rows / 70) + noise
    return np.stack([wave, np.roll(wave, 40, 1), np.roll(wave, 80, 0)], axis=-1).clip(0, 1)


def record(path: Path, codec: str, pixels: str, options: dict[str, str], transfer: int | None) -> Path:
    """48 frames of 1280 x 720, in HDR if ``transfer`` is given."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=24, options=options)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, pixels
        if transfer is not None:
            context = stream.codec_context
            context.colorspace, context.color_range, context.color_trc, context.color_primaries = 9, 1, transfer, 9
        for number in range(48):
            image = (moving_card(number) * 65535).astype(np.uint16)
            frame = av.VideoFrame.from_ndarray(image, format="rgb48le").reformat(
                format=pixels, dst_colorspace=9 if transfer is not None else None
            )
            if transfer is not None:
                frame.color_trc, frame.color_primaries = transfer, 9
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def compare(title: str, new: Side, old: Side, pairs: int) -> None:
    """Print one ratio."""
    try:
        found, first, second = ratio(new, old, pairs)
    finally:
        new.close()
        old.close()
    print(f"{title}: {found:.2f} x ({first * 1000:.0f} ms by {second * 1000:.0f} ms, median of {pairs} pairs)")


def main() -> None:
    """Read the options and print what they ask for."""
    parser = argparse.ArgumentParser(description="how much longer decoding takes, and HDR than SDR")
    parser.add_argument("folder", type=Path, nargs="?", help="clips to read with both checkouts")
    parser.add_argument("--against", type=Path, help="folder of the other checkout")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--short-side", type=int, default=256, help="pixels; 0 keeps every pixel")
    chosen = parser.parse_args()
    px, pairs = chosen.short_side, chosen.pairs
    if chosen.folder is not None and chosen.against is not None:
        clips = sorted(path for path in chosen.folder.resolve().iterdir() if path.is_file())
        sides = (Side(checkout, clips, px) for checkout in (PROJECT, chosen.against.resolve()))
        compare(f"{len(clips)} clips, here by {chosen.against.name}", *sides, pairs)
    with tempfile.TemporaryDirectory() as folder:
        sdr = record(Path(folder) / "sdr.mp4", "libx264", "yuv420p", {"crf": "23"}, None)
        quiet = {"x265-params": "log-level=none"}
        for transfer, name in ((16, "PQ"), (18, "HLG")):
            hdr = record(Path(folder) / f"{name}.mp4", "libx265", "yuv420p10le", quiet, transfer)
            for side_px, size in ((px, f"short side {px}"), (0, "full size")):
                title = f"HDR 720p ({name}, HEVC) by SDR 720p (H.264), {size}"
                compare(title, Side(PROJECT, [hdr], side_px), Side(PROJECT, [sdr], side_px), pairs)


if __name__ == "__main__":
    main()
