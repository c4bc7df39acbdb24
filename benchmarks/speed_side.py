"""One side of benchmarks/speed.py, in a process of its own: the same work with whatever build PYTHONPATH leads to.

    python speed_side.py TASK '{"argument": …}'

Imports go by the paths that commit c409a59, the yardstick called "today", documented: they lead to the same in this
build. A line on stdin is an order
in JSON, the arguments of one turn; the answer on stdout tells the seconds that it took, the process's memory and what
the task tells. ``"count": true`` counts floating-point operations instead of taking the time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

Turn = Callable[..., "Mapping[str, Any] | None"]
EPOCHS = 12
"""Epochs of the run whose data is measured: what all of them draw is decoded in the first."""


def _load(folder: str, precision: str) -> Any:
    from ga2app.backbone import load_backbone

    return load_backbone(folder, device=os.environ.get("GA2_BENCH_DEVICE", "auto"), precision=precision)


def _training() -> tuple[Any, Any, Any, Any]:
    """Setup, prepare, add_gradients and Updater."""
    try:
        from ga2app.training.optimizer import Updater, add_gradients
        from ga2app.training.training_state import Setup, prepare
    except ImportError:
        from ga2app.train.gradients import add_gradients
        from ga2app.train.setup import Setup, prepare
        from ga2app.train.update import Updater
    return Setup, prepare, add_gradients, Updater


def _take_step(setup: Any, updater: Any, clips: Any, rows: Sequence[int], step: int, rate: float) -> dict[str, float]:
    """One optimizer step as the training loop takes it."""
    import torch

    setup.model.train()
    torch.manual_seed(step)
    updater.clear()
    parts = _training()[2](setup, [clips], rows, step, updater.backward)
    norm = updater.limit_gradients()
    updater.step(rate)
    return {"loss": float(parts.total.detach()), "norm": float(norm)}


def matmul(size: int) -> Turn:
    """Products of square matrices of the ``dtype`` in the order, up to ``size``; tells the best rate in GFLOP/s.

    Larger ones are not tried after one that took half a second: emulated types are a thousand times slower.
    """
    import torch

    device = os.environ.get("GA2_BENCH_DEVICE", "cuda" if torch.cuda.is_available() else "cpu")

    def turn(dtype: str) -> dict[str, float]:
        best, side = 0.0, min(size, 128)
        while side <= size:
            one, other = (torch.randn(side, side, device=device, dtype=getattr(torch, dtype)) for _ in range(2))
            quickest = float("inf")  # of three: on a busy machine the first may wait for its turn
            for _ in range(3):
                began = time.perf_counter()
                torch.mm(one, other)
                if device != "cpu":
                    torch.cuda.synchronize()
                quickest = min(quickest, time.perf_counter() - began)
            best = max(best, 2 * side**3 / quickest / 1e9)
            if quickest > 0.5:
                break
            side *= 2
        return {"gflops": best}

    return turn


def quick_step(repeats: int) -> Turn:
    """Steps of Quick training on the demo of GA2_HOME, which share one setup; the first one's loss is told."""
    from ga2app.config import preset
    from ga2app.services.named_datasets import anchored, find_dataset

    _, prepare, _, updater_of = _training()
    config = preset("quick")
    backbone = _load(config.backbone, "float32")
    config = replace(config, precision=backbone.compute.precision)
    setup = prepare(config, anchored(config, find_dataset(config.dataset)), backbone, lambda: False)
    updater = updater_of(setup.model.prompts, config.optimizer, backbone.compute)
    rows = list(range(config.optimizer.batch_size))
    (clips,) = setup.source.batches([rows], 0)

    def turn() -> dict[str, float]:
        with backbone.compute.repeatable():
            # A rate of 0 leaves the prompts where they are, so that every turn has the same loss.
            return [_take_step(setup, updater, clips, rows, step, 0.0) for step in range(repeats)][0]

    return turn


def _prompted(backbone: Any, labels: Sequence[str], inputs: str, length: int, depth: int) -> Any:
    """A model with the prompts in the file ``inputs``, without dropout, in training mode."""
    from ga2app.model import PromptedClip
    from ga2app.prompts import PromptLearner
    from safetensors.torch import load_file

    from ga2app.config import PromptConfig

    config = PromptConfig(length, depth, depth, dropout=0.0)
    prompts = PromptLearner(config, backbone.sizes.visual_width, backbone.sizes.text_width)
    held = load_file(inputs)
    prompts.load_tensors({name: held[name] for name in prompts.tensors()})
    return PromptedClip(backbone, prompts, labels).train()


def text_tower(folder: str, inputs: str, labels: Sequence[str], length: int, depth: int) -> Turn:
    """Class features of ``labels`` forward and backward, in float32."""
    import torch

    model = _prompted(_load(folder, "float32"), labels, inputs, length, depth)

    def turn() -> dict[str, float]:
        model.zero_grad()
        features = model.encode_labels()
        wanted = torch.randn(features.shape, generator=torch.Generator().manual_seed(0)).to(features.device)
        (features * wanted).sum().backward()
        return {"loss": float(model.prompts.soft.grad.norm())}

    return turn


def full_step(
    folder: str,
    inputs: str,
    labels: Sequence[str],
    length: int,
    depth: int,
    precision: str,
    recompute: bool = False,
    paths: Sequence[str] = (),
) -> Turn:
    """A Full step with one anchor clip and the released loss, as the research step has it.

    With a ``number`` in the order: that epoch over ``paths``; tells the share of its time that was spent waiting.
    """
    import torch
    from ga2app.contracts import AnchorClip, Dataset
    from safetensors.torch import load_file

    from ga2app.config import RunConfig

    setup_of, _, _, updater_of = _training()
    backbone, held = _load(folder, precision), load_file(inputs)
    model, device = _prompted(backbone, labels, inputs, length, depth), backbone.compute.device
    pixels = held["pixels"].to(device)
    settings = RunConfig().to_dict()  # files have the same keys in both builds
    settings["objective"] |= {"released": 1.0, "anchors_per_step": 1}
    settings["clips"] |= {"num_frames": pixels.shape[1]}
    settings["precision"] = backbone.compute.precision.value
    config = replace(RunConfig.from_dict(settings), prompts=model.prompts.config)
    known = {
        "config": config,
        "dataset": Dataset("bench", tuple(labels), (), ()),
        "model": model,
        "targets": held["targets"].to(device),
        "anchors": (AnchorClip("anchor"),),
        "frozen_anchors": torch.zeros(1, backbone.sizes.embedding_width, device=device),
        "negatives": backbone.text_features(["a video of a person else."]),
        "test": [],
    }
    model.recompute = recompute
    setup = setup_of(**dict.fromkeys(one.name for one in dataclasses.fields(setup_of)) | known)
    # The yardstick's step has its pixels at hand, so ours decodes no anchor clip either.
    source = SimpleNamespace(chosen=lambda step: [0], pixels=lambda step: held["anchors"].to(device))
    object.__setattr__(setup, "anchor_source", source)
    object.__setattr__(setup, "_anchor_pixels", lambda chosen: held["anchors"].to(device))  # of the older build
    updater = updater_of(model.prompts, config.optimizer, backbone.compute)
    rows = list(range(len(pixels)))

    def turn(number: int | None = None) -> dict[str, float]:
        with backbone.compute.repeatable():
            if number is None:
                return _take_step(setup, updater, pixels, rows, 0, 0.0)
            began, waited = time.perf_counter(), 0.0
            batches = _epoch(paths, config.clips, backbone.preprocessing, len(rows), number)
            while True:
                asked = time.perf_counter()
                clips = next(batches, None)
                waited += time.perf_counter() - asked
                if clips is None:
                    return {"waited": waited / (time.perf_counter() - began)}
                _take_step(setup, updater, clips.to(device), rows[: len(clips)], 0, 0.0)

    return turn


def vision_tower(folder: str, precision: str, frames: int) -> Turn:
    """The bare vision tower over ``frames`` frames."""
    import torch
    from ga2app.model import plain_clip

    backbone = _load(folder, precision)
    model, side = plain_clip(backbone, ["something", "nothing"]), backbone.sizes.image_size
    pixels = torch.randn(1, frames, 3, side, side, generator=torch.Generator().manual_seed(1))

    @torch.no_grad()
    def turn() -> dict[str, float]:
        return {"loss": float(model.encode_frames(pixels).norm())}

    return turn


def recognition(folder: str, precision: str, paths: Sequence[str], labels: Sequence[str], frames: int) -> Turn:
    """Recognizing clips, or with ``tower`` in the order the bare vision tower over the very frames."""
    import torch
    from ga2app.model import plain_clip

    from ga2app import Recognizer
    from ga2app.video.pixels import evaluation_pixels

    backbone = _load(folder, precision)
    recognizer, model = Recognizer(backbone, num_frames=frames), plain_clip(backbone, labels)
    held: list[torch.Tensor] = []

    @torch.no_grad()
    def turn(tower: bool = False) -> dict[str, Any]:
        if tower:
            if not held:
                how = getattr(backbone, "preprocessing", backbone.sizes.image_size)
                held.append(torch.stack([evaluation_pixels(path, frames, how) for path in paths]))
            began = time.perf_counter()
            model.encode_frames(held[0])
            return {"seconds": time.perf_counter() - began}
        clips = recognizer.recognize(paths, labels).clips
        return {"best": ["" if clip.error else clip.plain[0].label for clip in clips]}

    return turn


def epoch(paths: Sequence[str], frames: int, batch: int, side_px: int, decoders: int) -> Turn:
    """The data of one epoch of Full training of ``epochs``; ``fresh`` forgets the frames on the disk first."""
    from ga2app.config import ClipConfig

    config = ClipConfig(num_frames=frames, decoders=decoders)

    def turn(number: int, fresh: bool = False, epochs: int = EPOCHS) -> dict[str, float]:
        if fresh:
            shutil.rmtree(os.environ["GA2_HOME"], ignore_errors=True)
        began = time.perf_counter()
        clips = sum(map(len, _epoch(paths, config, side_px, batch, number, epochs)))
        return {"clips": clips, "seconds": time.perf_counter() - began}

    return turn


def _epoch(paths: Sequence[str], config: Any, how: Any, batch: int, number: int, epochs: int = EPOCHS) -> Iterator[Any]:
    """The batches of an epoch of Full training."""
    from ga2app.training.training_batches import PixelSource, epoch_order, loader_of

    source = PixelSource(paths, config, how, 0, loader_of(config, keep=True), epochs=epochs)
    return iter(source.batches(epoch_order(len(paths), batch, 0, number), number))


def import_clips(folder: str) -> Turn:
    """Import the class folders in ``folder`` into a new home with so many ``decoders``."""
    from ga2app.paths import Home
    from ga2app.services.import_sources import FileSource
    from ga2app.services.studio import own_studio

    def turn(decoders: int) -> dict[str, Any]:
        os.environ["GA2_DECODERS"] = str(decoders)
        with tempfile.TemporaryDirectory() as home, own_studio(Home(Path(home))) as studio:
            began = time.perf_counter()
            row = studio.imports.run(FileSource(Path(folder)), "bench")
            took = time.perf_counter() - began
            studio.inspector.close()
            if row.state != "done":
                raise SystemExit(f"the import has failed: {row.error}")
            return {"seconds": took, "clips": len(studio.store.datasets.get("bench").clips)}

    return turn


def clip_list(file: str) -> Turn:
    """Read a list of clips, and choose those for testing."""
    from ga2app.clipsets import read_clipset

    return lambda: {"clips": len(read_clipset(file).clips)}


def _memory() -> dict[str, int]:
    """Bytes of this process: ``peak`` since ``_forget_peak``, and ``resident`` now. Empty where /proc does not tell."""
    with contextlib.suppress(OSError):
        lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return {key: int(lines[name].split()[0]) * 1024 for key, name in (("peak", "VmHWM"), ("resident", "VmRSS"))}
    return {}


def _forget_peak() -> None:
    with contextlib.suppress(OSError):  # then the peak is that of the whole process
        Path("/proc/self/clear_refs").write_text("5")


def _counted(turn: Turn, order: Mapping[str, Any]) -> dict[str, Any]:
    import torch
    from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

    aten = torch.ops.aten

    def forward(query: Any, key: Any, value: Any, *rest: Any, out_shape: Any = None, **more: Any) -> int:
        return int(sdpa_flop_count(query, key, value))

    def backward(grad: Any, query: Any, key: Any, value: Any, *rest: Any, out_shape: Any = None, **more: Any) -> int:
        return int(sdpa_backward_flop_count(grad, query, key, value))

    own = {
        aten._scaled_dot_product_flash_attention_for_cpu: forward,
        aten._scaled_dot_product_flash_attention_for_cpu_backward: backward,
    }
    with FlopCounterMode(display=False, custom_mapping=own) as counter:
        turn(**order)
    return {"flops": counter.get_total_flops()}


def _answer(turn: Turn, order: dict[str, Any]) -> dict[str, Any]:
    if order.pop("count", False):
        return _counted(turn, order)
    _forget_peak()
    began = time.perf_counter()
    told = turn(**order) or {}
    return {"seconds": time.perf_counter() - began, **_memory(), **told}


OURS: dict[str, Callable[..., Turn]] = {
    one.__name__: one
    for one in (matmul, quick_step, text_tower, full_step, vision_tower, recognition, epoch, import_clips, clip_list)
}


def main() -> None:
    """Prepare the task and take a turn for every line."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    name, given = sys.argv[1], json.loads(sys.argv[2])
    if name in OURS:
        turn = OURS[name](**given)
    else:
        from research_step import TASKS

        turn = TASKS[name](**given)
    print(json.dumps({"ready": True}), file=channel)
    for line in sys.stdin:
        print(json.dumps(_answer(turn, json.loads(line))), file=channel)


if __name__ == "__main__":
    main()
