"""The commands about the studio itself: start it, check the machine, write the folder of a Space, draw clips."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from ga2app.cli import common
from ga2app.errors import StudioError
from ga2app.paths import APP, SHIPPED, SKETCH_CLIP, SKETCH_HARD_PROMPT, default_home

if TYPE_CHECKING:
    from ga2app.video.disk_frame_cache import DiskFrameCache


def add(commands: common.Commands) -> None:
    """Register the commands."""
    for register in (_add_studio, _add_worker, _add_sketch, _add_space, _add_doctor, _add_frames):
        register(commands)


def _add_studio(commands: common.Commands) -> None:
    """``studio``."""
    # With no sign that begins an option, all of them are left to app.py, which knows and explains its own.
    parser = commands.add_parser(
        "studio", help="start the studio in the browser, as python app.py does", add_help=False, prefix_chars="\0"
    )
    parser.add_argument("arguments", nargs="*", metavar="OPTION", help="those of app.py, for example --port 8000")
    parser.set_defaults(run=run_studio)


def run_studio(args: argparse.Namespace) -> NoReturn:
    """Become the studio; raises PackageError where the app is not installed."""
    common.need("gradio", "the studio", "app")
    os.execv(sys.executable, [sys.executable, str(APP), *args.arguments])


def _add_worker(commands: common.Commands) -> None:
    """``worker``."""
    from ga2app.worker.worker_command import add_options

    parser = commands.add_parser(
        "worker",
        help="train the runs of the queue, without the studio",
        description="Trains queued runs until it is ended: one on each CUDA device at once, or as many as --workers "
        "says. Ctrl-C saves what is being trained and puts it back into the queue.",
    )
    add_options(parser)
    parser.set_defaults(run=run_worker)


def run_worker(args: argparse.Namespace) -> int:
    """Be the worker of this home, or watch several."""
    from ga2app.worker.worker_command import main

    arguments = [] if args.workers is None else ["--workers", str(args.workers)]
    return main([*arguments, *(["--once"] if args.once else []), "--idle-exit", str(args.idle_exit)])


def _add_space(commands: common.Commands) -> None:
    """``space``."""
    parser = commands.add_parser("space", help="write the folder of a Hugging Face Space that runs this studio")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that is new or empty")
    parser.add_argument("--title", default="GA² Studio", help="what the Space is called (default: GA² Studio)")
    parser.add_argument(
        "--clip",
        default="",
        metavar="REPO",
        help="a CLIP that the Hub puts into the Space's image, for example openai/clip-vit-base-patch16 "
        "(default: none, the embedded backbone alone)",
    )
    common.add_json(parser, run_space)


def run_space(args: argparse.Namespace) -> int:
    """Write the folder, and say how it gets to the Hub."""
    from ga2app.services.space_folder import make_space

    made = make_space(args.folder, title=args.title, clip=args.clip)
    facts = {"folder": str(made.folder), "files": made.files, "bytes": made.size_bytes, "gradio": made.gradio}
    return common.tell(
        args,
        facts,
        f"{args.folder}: {made.files} files, {made.size_bytes / 1e6:.1f} MB, for gradio {made.gradio}",
        "to publish it, with your own name:",
        "  hf repos create YOU/ga2-studio --type space --space-sdk gradio",
        f"  hf upload YOU/ga2-studio {args.folder} . --type space",
    )


def _add_sketch(commands: common.Commands) -> None:
    """``sketch generate``."""
    parser = commands.add_parser("sketch", help="draw clips of actions and scenes")
    kinds = parser.add_subparsers(required=True, metavar="KIND")

    generate = kinds.add_parser("generate", help="draw labeled clips into class folders")
    generate.add_argument("--out", type=Path, required=True, help="folder of the class folders")
    generate.add_argument("--style", default="plain", help="plain, camcorder or film (default plain)")
    generate.add_argument("--clips", type=int, default=2, help="clips a class (default 2)")
    generate.add_argument("--actions", default="", help="names between commas (default: every action)")
    generate.add_argument("--seed", type=int, default=0, help="another one draws other clips (default 0)")
    common.add_json(generate, run_sketch)


def run_sketch(args: argparse.Namespace) -> int:
    """Draw clips and say where they are."""
    from ga2app.synthetic.demo_dataset import generate

    made = generate(args.out, args.style, args.clips, args.seed, common.names(args.actions))
    clips = [{"file": str(path), "label": label} for path, label in made]
    actions = len({label for _, label in made})
    return common.tell(args, {"clips": clips}, f"{len(made)} clips of {actions} actions in {args.out}")


PACKAGES = "torch transformers decord2 av sqlite-utils huggingface_hub safetensors numpy pillow".split()
EXTRAS = {"gradio": ("the studio in the browser", "app"), "onnxscript": ("export --onnx", "onnx")}
"""Packages that not everybody needs: for what, and which extra of ours brings them."""

NEEDED_BYTES = 1 << 30
_HOW = "run: pip install -r requirements.txt"


class Finding(NamedTuple):
    """One check: whether it is well, and what was seen."""

    name: str
    ok: bool
    detail: str


def _add_doctor(commands: common.Commands) -> None:
    """``doctor``."""
    parser = commands.add_parser("doctor", help="check packages, device, backbones, data directory and decoding")
    common.add_json(parser, run_doctor)


def run_doctor(args: argparse.Namespace) -> int:
    """Print every finding; status 1 if one is bad."""
    checks: list[Callable[[], list[Finding]]] = [_packages, _compute, _home, _assets, _decoding, _backbones]
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check()
        except (StudioError, ImportError, OSError) as exc:
            findings.append(Finding(check.__name__.strip("_"), False, f"{type(exc).__name__}: {exc}"))
    well, width = all(one.ok for one in findings), max(len(one.name) for one in findings)
    lines = (f"{'ok ' if one.ok else 'BAD'} {one.name:{width}}  {one.detail}" for one in findings)
    common.tell(args, {"ok": well, "findings": [one._asdict() for one in findings]}, *lines)
    return 0 if well else 1


def _add_frames(commands: common.Commands) -> None:
    """``frames``."""
    parser = commands.add_parser("frames", help="how much decoded frames take on disk, and a way to be rid of them")
    parser.add_argument("--clear", action="store_true", help="remove them all; training decodes its clips anew")
    common.add_json(parser, run_frames)


def run_frames(args: argparse.Namespace) -> int:
    """Print the size of the frame cache, which ``--clear`` empties. Raises StoreError."""
    cache = _frame_cache()
    freed = {"freed_bytes": cache.clear()} if args.clear else {}
    found = {"folder": str(cache.folder), "bytes": cache.size_bytes()}
    said = f"{cache.size_bytes() / 1e9:.2f} GB of decoded frames in {cache.folder}; frames --clear removes them"
    if freed:
        said = f"removed {freed['freed_bytes'] / 1e9:.2f} GB of decoded frames from {cache.folder}"
    return common.tell(args, found | freed, said)


def _frame_cache() -> DiskFrameCache:
    from ga2app.config import ClipConfig
    from ga2app.video.disk_frame_cache import DiskFrameCache

    return DiskFrameCache(default_home().frames, ClipConfig().cache_bytes)


def _packages() -> list[Finding]:
    found = [Finding("python", sys.version_info >= (3, 11), platform.python_version())]
    for package in (*PACKAGES, *EXTRAS):
        purpose, extra = EXTRAS.get(package, ("", ""))
        try:
            found.append(Finding(package, True, importlib.metadata.version(package)))
        except importlib.metadata.PackageNotFoundError:
            how = (
                f'only {purpose} needs it: pip install ".[{extra}]"'
                if extra
                else "run: pip install -r requirements.txt"
            )
            found.append(Finding(package, bool(extra), f"is not installed; {how}"))
    return found


def _compute() -> list[Finding]:
    import torch

    from ga2app.clip.compute import settle, unused_gpu
    from ga2app.clip.measured_choices import kept_choices

    if fault := unused_gpu():
        return [Finding("device", False, f"cpu, though there is a GPU: {fault}")]
    compute = settle()
    detail = f"{compute.device}, {compute.precision.value}, {compute.attention} attention"
    timed = [
        Finding(kind, True, f"{value} times as fast: {where}" if kind == "compile" else f"{value} was faster: {where}")
        for kind, found in kept_choices().items()
        for where, value in found.items()
    ]
    return [Finding("device", True, f"{detail}, {torch.get_num_threads()} threads"), *timed, _workers()]


def _workers() -> Finding:
    """How many runs are trained at once here, and which workers are at work now."""
    from ga2app.worker import launcher
    from ga2app.worker.worker_slots import plan_slots

    slots, home = plan_slots(), default_home()
    room = f"one on each of {len(slots)} devices ({', '.join(slot.device for slot in slots)})"
    if len(slots) == 1:
        room = f"one, on {slots[0].device}; --workers N makes them more" if slots[0].device == "cpu" else "one"
    at_work = [f"{slot.name} (process {process.pid})" for slot, process in launcher.workers(home).items()]
    if not at_work and (earlier := launcher.worker_process(home)):
        at_work = [f"process {earlier.pid}, of an earlier version: end it to have one on each device"]
    return Finding("workers", True, f"{room}; at work now: {', '.join(at_work) or 'none'}")


def _home() -> list[Finding]:
    from ga2app.store import Store

    home = default_home()
    store = Store.open(home)
    counts = f"{len(store.datasets.list())} data sets, {store.runs.count()} runs, {len(store.bundles.list())} bundles"
    store.close()
    free, frames = shutil.disk_usage(home.root).free, _frame_cache().size_bytes() / 1e9
    return [
        Finding("home", os.access(home.root, os.W_OK), f"{home.root} ({counts})"),
        Finding("disk", free > NEEDED_BYTES, f"{free / 1e9:.1f} GB free in the data directory; 1 GB is needed"),
        Finding(
            "frames", True, f"{frames:.2f} GB of decoded frames in the data directory (frames --clear removes them)"
        ),
    ]


def _assets() -> list[Finding]:
    return [
        Finding(folder.name, (folder / needed).is_file(), str(folder.relative_to(SHIPPED)))
        for folder, needed in ((SKETCH_CLIP, "model.safetensors"), (SKETCH_HARD_PROMPT, "bundle.json"))
    ]


def _decoding() -> list[Finding]:
    import tempfile
    from pathlib import Path

    import numpy as np

    from ga2app.environment import decoder_count
    from ga2app.video import sample_frames
    from ga2app.video.writer import write_clip

    ramp = np.arange(8, dtype=np.uint8)[:, None, None, None] * 30 + np.zeros((8, 32, 48, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "ramp.mp4"
        write_clip(clip, ramp, 8)
        error = abs(sample_frames(clip, 8).astype(int) - ramp).mean()
    detail = f"a written clip reads back within {error:.1f} of 255; {decoder_count()} decoders"
    return [Finding("decoding", bool(error < 3), detail)]


def _backbones() -> list[Finding]:
    from ga2app.clip.files import check_clip
    from ga2app.errors import BackboneError
    from ga2app.hub import cached_backbones

    cached = ", ".join(choice.name for choice in cached_backbones()) or "none besides the embedded one"
    default = common.default_backbone()
    try:
        check_clip(default)
    except BackboneError as exc:
        return [Finding("backbones", False, f"{cached}; default: {default}, which cannot be used: {exc}")]
    return [Finding("backbones", True, f"{cached}; default: {default}")]
