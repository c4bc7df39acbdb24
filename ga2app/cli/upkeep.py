"""The commands that keep a studio going: check and repair it, back it up and restore it, free its disk."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from ga2app.cli import common
from ga2app.errors import StudioError, counted
from ga2app.paths import SHIPPED, SKETCH_CLIP, SKETCH_HARD_PROMPT, default_home
from ga2app.types import Finding

PACKAGES = "torch transformers decord2 av sqlite-utils huggingface_hub safetensors numpy pillow".split()
EXTRAS = {"gradio": ("the studio in the browser", "app"), "onnxscript": ("export --onnx", "onnx")}
EXTRAS |= {"accelerate": ("experiment trackers (report_to)", "trackers")}
"""Packages that not everybody needs: for what, and which extra of ours brings them."""


def add(commands: common.Commands) -> None:
    """Register the commands."""
    for register in (_add_doctor, _add_backup, _add_restore, _add_frames):
        register(commands)


def _add_doctor(commands: common.Commands) -> None:
    """``doctor``."""
    parser = commands.add_parser(
        "doctor", help="check packages, device, backbones, data directory, workers, disk, Hub and decoding"
    )
    parser.add_argument(
        "--repair",
        action="store_true",
        help="first put right what is wrong in the data directory, and say what was done; the studio has to be closed",
    )
    common.add_json(parser, run_doctor)


def run_doctor(args: argparse.Namespace) -> int:
    """Print every finding; status 1 if one is bad. Nothing is made or changed without ``--repair``."""
    from ga2app.services import health

    done = health.repair(default_home()) if args.repair else []
    checks: list[Callable[[], list[Finding]]] = [
        _packages,
        _compute,
        lambda: health.examine(default_home()),
        _assets,
        _decoding,
        _backbones,
        _hub,
    ]
    findings: list[Finding] = []
    for check in checks:
        try:
            findings += check()
        except (StudioError, ImportError, OSError) as exc:
            findings.append(Finding(check.__name__.strip("_"), False, f"{type(exc).__name__}: {exc}"))
    well, width = all(one.ok for one in findings), max(len(one.name) for one in findings)
    lines = [f"repaired: {what}" for what in done] if done else ["nothing to repair"] if args.repair else []
    lines += [f"{'ok ' if one.ok else 'BAD'} {one.name:{width}}  {one.detail}" for one in findings]
    answer = {"ok": well, "findings": [one._asdict() for one in findings]}
    common.tell(args, answer | ({"repaired": done} if args.repair else {}), *lines)
    return 0 if well else 1


def _add_backup(commands: common.Commands) -> None:
    """``backup``."""
    parser = commands.add_parser(
        "backup",
        help="copy the data directory, also while it is in use",
        description="Copies the data directory as it is now into a folder, which is whole or not there. Others may "
        "work meanwhile. On the same disk clips and bundles are hard links: that guards against deletions and "
        "mistakes; against a failing disk, name a folder on another one.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="a folder that is new or empty")
    parser.add_argument("--copy", action="store_true", help="no hard links: every byte is written again")
    common.add_json(parser, run_backup)


def run_backup(args: argparse.Namespace) -> int:
    """Make the backup, and say what is in it."""
    from ga2app.services.backups import back_up

    made = back_up(default_home(), args.folder, link=not args.copy)
    return common.tell(
        args,
        asdict(made),
        f"{made.folder}: {counted(made.files, 'file')}, {made.size_bytes / 1e9:.2f} GB, "
        f"{made.linked} of them shared with the data directory",
        *([f"note: {counted(len(made.gone), 'file')} went while it was made"] if made.gone else []),
        *([f"note: not in it: {counted(made.outside, 'clip')} that lie elsewhere"] if made.outside else []),
    )


def _add_restore(commands: common.Commands) -> None:
    """``restore``."""
    parser = commands.add_parser(
        "restore",
        help="make the data directory out of a backup",
        description="Makes the data directory (GA2_HOME, or the usual one) out of a backup, whose files are all "
        "checked. Runs that were under way wait in the queue again and go on from their checkpoints.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="what backup has made")
    parser.add_argument("--replace", action="store_true", help="set a data directory that is there aside")
    parser.add_argument("--copy", action="store_true", help="share no file with the backup, by hard links")
    parser.add_argument("--verify", action="store_true", help="only check the files of the backup; change nothing")
    common.add_json(parser, run_restore)


def run_restore(args: argparse.Namespace) -> int:
    """Check the backup, and restore it unless that was all."""
    from ga2app.services.backups import restore, verify

    if args.verify:
        told = verify(args.folder)
        facts = {"folder": str(args.folder), "files": len(told["files"]), "made_s": told["made_s"]}
        return common.tell(args, facts, f"{args.folder}: all {len(told['files'])} files are as they were made")
    made = restore(args.folder, default_home(), replace=args.replace, link=not args.copy)
    day = time.strftime("%Y-%m-%d %H:%M", time.localtime(made.made_s))
    runs = f"; {counted(len(made.requeued), 'run')} in the queue again" if made.requeued else ""
    return common.tell(
        args,
        asdict(made),
        f"{made.folder}: {counted(made.files, 'file')} of {day} (version {made.version}){runs}",
        *([f"the former data directory is {made.aside}"] if made.aside else []),
    )


def _add_frames(commands: common.Commands) -> None:
    """``frames``."""
    parser = commands.add_parser("frames", help="how much decoded frames take on disk, and a way to be rid of them")
    parser.add_argument("--clear", action="store_true", help="remove them all; training decodes its clips anew")
    common.add_json(parser, run_frames)


def run_frames(args: argparse.Namespace) -> int:
    """Print the size of the frame cache, which ``--clear`` empties. Raises StoreError."""
    from ga2app.config import ClipConfig
    from ga2app.video.disk_frame_cache import DiskFrameCache

    cache = DiskFrameCache(default_home().frames, ClipConfig().cache_bytes)
    freed = {"freed_bytes": cache.clear()} if args.clear else {}
    found = {"folder": str(cache.folder), "bytes": cache.size_bytes()}
    said = f"{cache.size_bytes() / 1e9:.2f} GB of decoded frames in {cache.folder}; frames --clear removes them"
    if freed:
        said = f"removed {freed['freed_bytes'] / 1e9:.2f} GB of decoded frames from {cache.folder}"
    return common.tell(args, found | freed, said)


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
    return [Finding("device", True, f"{detail}, {torch.get_num_threads()} threads"), *timed]


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
    from ga2app.video.decoder_pool import shared_pool
    from ga2app.video.writer import write_clip

    ramp = np.arange(8, dtype=np.uint8)[:, None, None, None] * 30 + np.zeros((8, 32, 48, 3), np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "ramp.mp4"
        write_clip(clip, ramp, 8)
        error = abs(sample_frames(clip, 8).astype(int) - ramp).mean()
    loose = shared_pool.unconfined()
    bounds = f"not kept from network and files: {loose}" if loose else "without network, and they write no file"
    detail = f"a written clip reads back within {error:.1f} of 255; {decoder_count()} decoders, {bounds}"
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


def _hub() -> list[Finding]:
    from ga2app.hub.hub_client import hub_access

    return [Finding("hub", True, hub_access())]
