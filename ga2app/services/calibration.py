"""How fast this machine is with a backbone: a few real passes of its towers, timed. A program of its own.

``python -m ga2app.services.calibration --backbone sketch CLIP…`` prints one JSON document: ``speed`` of the towers and
``clips``, what reading those clips takes. It is a process of its own so that it cannot hold up the page, and so that
its memory is that of a worker.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

PROMPT_LENGTH = 8
FRAMES = 8
_BUDGET_S = 0.4
_MOST_FRAMES, _TEXTS = 64, 24


@dataclass(frozen=True)
class Speed:
    """Seconds and bytes of a backbone on a device.

    A forward pass of N frames takes ``frame_fixed_s + N * frame_s``, one with a backward pass ``learn_fixed_s + N *
    learn_s`` and ``N * frame_bytes`` of memory until it is over; L tokens of text in the text tower alike.
    ``base_bytes`` is what the process takes with the backbone loaded, ``device_bytes`` the memory of the GPU.
    """

    load_s: float
    base_bytes: int
    frame_s: float
    frame_fixed_s: float
    learn_s: float
    learn_fixed_s: float
    frame_bytes: int
    token_s: float
    token_fixed_s: float
    token_bytes: int
    image_px: int
    name_tokens: int
    device_bytes: int = 0


@dataclass(frozen=True)
class ClipSpeed:
    """Reading a clip: the first time, again, and the bytes that are kept of it between. ``photographic``: footage."""

    first_s: float
    again_s: float
    kept_bytes: int
    photographic: bool


def measure(backbone: str, device: str, precision: str) -> Speed:
    """Load the backbone and time its towers. Raises StudioError."""
    started = time.perf_counter()
    import torch

    from ga2app.clip import load_backbone

    loaded = load_backbone(backbone, device=device, precision=precision)
    sizes, place = loaded.sizes, loaded.compute.device
    on_cpu = place.type == "cpu"
    load_s = time.perf_counter() - started
    base_bytes = _memory_now()
    generator = torch.Generator().manual_seed(0)

    def prompts(width: int, layers: int) -> list[Any]:
        sets = torch.randn(layers, PROMPT_LENGTH, width, generator=generator) * 0.02
        return list(sets.to(place).requires_grad_().unbind(0))

    def pixels(count: int) -> Any:
        size = (count, 3, sizes.image_size, sizes.image_size)
        return torch.randn(size, generator=generator).to(place)

    def look(count: int) -> Callable[[], None]:
        frames = pixels(count)

        def once() -> None:
            with torch.no_grad(), loaded.compute.autocast():
                loaded.encode_frames(frames)
            _wait(place)

        return once

    def learn(count: int) -> Callable[[], None]:
        frames = pixels(count)

        def once() -> None:
            with loaded.compute.autocast():
                features = loaded.encode_frames(frames, prompts(sizes.visual_width, sizes.visual_layers))
            features.square().mean().backward()  # type: ignore[no-untyped-call]
            _wait(place)

        return once

    names = loaded.tokenize([f"a person walking the dog {number}." for number in range(_TEXTS)], PROMPT_LENGTH)
    row_tokens = names.ids.shape[1]

    def read(rows: int) -> Callable[[], None]:
        tokens = type(names)(names.ids[:rows], names.ends[:rows])

        def once() -> None:
            context, *deep = prompts(sizes.text_width, sizes.text_layers)
            with loaded.compute.autocast():
                features = loaded.encode_text(tokens, context, deep)
            features.square().mean().backward()  # type: ignore[no-untyped-call]
            _wait(place)

        return once

    frame_s, frame_fixed_s = _line(look, 2, _MOST_FRAMES, on_cpu)
    learn_s, learn_fixed_s = _line(learn, 2, _MOST_FRAMES, on_cpu)
    row_s, token_fixed_s = _line(read, 2, _TEXTS, on_cpu)
    frames_kept, rows_kept = _saved_bytes(learn(4)) // 4, _saved_bytes(read(8)) // 8
    total = torch.cuda.mem_get_info(place)[1] if place.type == "cuda" else 0
    return Speed(
        load_s=load_s,
        base_bytes=base_bytes,
        frame_s=frame_s,
        frame_fixed_s=frame_fixed_s,
        learn_s=learn_s,
        learn_fixed_s=learn_fixed_s,
        frame_bytes=frames_kept,
        token_s=row_s / row_tokens,
        token_fixed_s=token_fixed_s,
        token_bytes=rows_kept // row_tokens,
        image_px=sizes.image_size,
        name_tokens=max(row_tokens - PROMPT_LENGTH, 1),
        device_bytes=int(total),
    )


def measure_clips(paths: Sequence[str], image_px: int) -> ClipSpeed:
    """Time the reading of ``paths``. Raises StudioError for a clip that cannot be read."""
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
    return ClipSpeed(
        first_s=sum(first) / len(first),
        again_s=sum(again) / len(again),
        kept_bytes=sum(kept) // len(kept),
        photographic=2 * photographic >= len(kept),
    )


def _timed(call: Callable[[], object], on_cpu: bool) -> float:
    """Seconds that ``call`` takes on an undisturbed machine.

    On a CPU that is never more than what this process computed: the rest it waited for others that want the same cores.
    """
    started, computed = time.perf_counter(), time.process_time()
    call()
    seconds = time.perf_counter() - started
    return min(seconds, time.process_time() - computed) if on_cpu else seconds


def _line(work: Callable[[int], Callable[[], None]], few: int, most: int, on_cpu: bool) -> tuple[float, float]:
    """Seconds for one more of a kind, and those that any number takes: two sizes, the best of some repetitions."""
    small = work(few)
    small()
    at_few = min(_timed(small, on_cpu) for _ in range(3))
    many = max(2 * few, min(most, int(few * _BUDGET_S / max(at_few, 1e-6))))
    large = work(many)
    at_many = min(_timed(large, on_cpu) for _ in range(2 if at_few < _BUDGET_S else 1))
    each = max((at_many - at_few) / (many - few), 1e-9)
    return each, max(at_few - few * each, 0.0)


def _saved_bytes(work: Callable[[], None]) -> int:
    """What one forward pass keeps for its backward pass, each storage once and without the weights."""
    import torch

    seen: dict[int, int] = {}

    def keep(tensor: Any) -> Any:
        if not isinstance(tensor, torch.nn.Parameter) and not tensor.is_leaf:
            storage = tensor.untyped_storage()
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        work()
    return sum(seen.values())


def _wait(device: Any) -> None:
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)


def _memory_now() -> int:
    """Resident bytes of this process, its peak where the system tells nothing else."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            import resource

            return int(file.read().split()[1]) * resource.getpagesize()
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def main() -> int:
    """Print what was measured; 1 and one line for a backbone or a clip that cannot be used."""
    from ga2app.errors import StudioError

    parser = argparse.ArgumentParser(prog="python -m ga2app.services.calibration")
    parser.add_argument("--backbone", default="")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--image-px", type=int, default=224)
    parser.add_argument("clips", nargs="*")
    chosen = parser.parse_args()
    answer: dict[str, object] = {}
    try:
        image_px = chosen.image_px
        if chosen.backbone:
            speed = measure(chosen.backbone, chosen.device, chosen.precision)
            image_px = speed.image_px
            answer["speed"] = asdict(speed)
        if chosen.clips:
            answer["clips"] = asdict(measure_clips(chosen.clips, image_px))
    except StudioError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    sys.stdout.write(json.dumps(answer) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
