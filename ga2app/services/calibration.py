"""How fast this machine is with a backbone and with clips: a few real passes, timed. A program of its own.

``python -m ga2app.services.calibration --backbone sketch CLIP…`` prints fields of ``Speed`` as JSON. It is a process of
its own so that it cannot hold up the page, and so that its memory is that of a worker.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

PROMPT_LENGTH, FRAMES, TEXTS = 8, 8, 24
"""What is timed: tokens of a prompt, frames of one clip at once, and texts at once."""


def measure(backbone: str, device: str, precision: str) -> dict[str, float]:
    """Load the backbone and time its towers. Raises StudioError."""
    started = time.perf_counter()
    import psutil
    import torch

    from ga2app.clip import load_backbone

    loaded = load_backbone(backbone, device=device, precision=precision)
    sizes, place = loaded.sizes, loaded.compute.device
    load_s, base_bytes = time.perf_counter() - started, int(psutil.Process().memory_info().rss)
    generator = torch.Generator().manual_seed(0)
    frames = torch.randn((FRAMES, 3, sizes.image_size, sizes.image_size), generator=generator).to(place)
    names = loaded.tokenize([f"a person walking the dog {number}." for number in range(TEXTS)], PROMPT_LENGTH)

    def prompts(width: int, layers: int) -> list[Any]:
        sets = torch.randn(layers, PROMPT_LENGTH, width, generator=generator) * 0.02
        return list(sets.to(place).requires_grad_().unbind(0))

    def look() -> None:
        with torch.no_grad(), loaded.compute.autocast():
            loaded.encode_frames(frames)

    def learn() -> None:
        with loaded.compute.autocast():
            features = loaded.encode_frames(frames, prompts(sizes.visual_width, sizes.visual_layers))
        features.square().mean().backward()  # type: ignore[no-untyped-call]

    def learn_texts() -> None:
        context, *deep = prompts(sizes.text_width, sizes.text_layers)
        with loaded.compute.autocast():
            features = loaded.encode_text(names, context, deep)
        features.square().mean().backward()  # type: ignore[no-untyped-call]

    def timed(call: Callable[[], None]) -> float:
        """Seconds on an undisturbed machine: on a CPU never more than what this process computed itself."""
        call()  # warms up
        seconds = []
        for _ in range(3):
            began, computed = time.perf_counter(), time.process_time()
            call()
            if place.type == "cuda":
                torch.cuda.synchronize(place)
            taken = time.perf_counter() - began
            seconds.append(min(taken, time.process_time() - computed) if place.type == "cpu" else taken)
        return min(seconds)

    return {
        "load_s": load_s,
        "base_bytes": base_bytes,
        "frame_s": timed(look) / FRAMES,
        "learned_frame_s": timed(learn) / FRAMES,
        "learned_text_s": timed(learn_texts) / TEXTS,
        "image_px": sizes.image_size,
        "device_bytes": int(torch.cuda.mem_get_info(place)[1]) if place.type == "cuda" else 0,
    }


def measure_clips(paths: Sequence[str], image_px: int) -> dict[str, float]:
    """Time the reading of ``paths``. Raises StudioError where none can be read."""
    from ga2app.config import ClipConfig
    from ga2app.errors import ClipError
    from ga2app.video import Evaluation, read_clip
    from ga2app.video.domain_check import looks_photographic
    from ga2app.video.frame_cache import CLIP_BYTES
    from ga2app.video.pixels import evaluation_pixels, training_pixels
    from ga2app.video.preprocessing import short_side_px

    first, again, photographic, kept = [], [], 0, []
    config, fault = ClipConfig(num_frames=FRAMES), None
    with contextlib.suppress(ClipError):
        read_clip(paths[0], Evaluation(1))  # starts the decoder; in another size, so that it is not kept for below
    for path in paths:
        try:
            began = time.perf_counter()
            evaluation_pixels(path, FRAMES, image_px)
            first.append(time.perf_counter() - began)
            training_pixels(path, config, image_px, 0)
            began = time.perf_counter()
            training_pixels(path, config, image_px, 1)
            again.append(time.perf_counter() - began)
            clip = read_clip(path, Evaluation(FRAMES), short_side_px=short_side_px(image_px))
        except ClipError as exc:
            fault = exc
            continue
        photographic += looks_photographic(clip.frames)
        whole_bytes = clip.frames.nbytes // len(clip.frames) * clip.total_frames
        kept.append(whole_bytes if whole_bytes <= CLIP_BYTES else 0)
    if fault is not None and not kept:
        raise fault
    means = {"first_s": sum(first) / len(first), "again_s": sum(again) / len(again)}
    return means | {"kept_bytes": sum(kept) // len(kept), "photographic": 2 * photographic >= len(kept)}


def main() -> int:
    """Print what was measured; 1 and one line for a backbone or a clip that cannot be used."""
    from ga2app.errors import StudioError

    parser = argparse.ArgumentParser(prog="python -m ga2app.services.calibration")
    for option, default in (("--backbone", ""), ("--device", "auto"), ("--precision", "auto")):
        parser.add_argument(option, default=default)
    parser.add_argument("--image-px", type=int, default=224)
    parser.add_argument("clips", nargs="*")
    chosen = parser.parse_args()
    try:
        found = measure(chosen.backbone, chosen.device, chosen.precision) if chosen.backbone else {}
        if chosen.clips:
            found |= measure_clips(chosen.clips, int(found.get("image_px", chosen.image_px)))
    except StudioError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
