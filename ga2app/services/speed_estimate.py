"""The door to estimates: this machine's speed is measured once for each backbone, in the background, and kept."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from ga2app.clip.files import find_clip
from ga2app.errors import BackboneError, StoreError
from ga2app.labels import spoken
from ga2app.paths import PROJECT, write_whole
from ga2app.services.calibration import ClipSpeed, Speed
from ga2app.services.forecast import forecast
from ga2app.types import Basis, Estimate, PastPace, Workload

MEASURE = (sys.executable, "-m", "ga2app.services.calibration")
_TIME_LIMIT_S = 300.0
_NO_CLIPS = ClipSpeed(0.02, 0.005, 0, False)
"""Stands in while a data set has no clips yet: the demo that is being drawn."""

_log = logging.getLogger(__name__)


class SpeedEstimator:
    """Estimates from a measured speed, kept in ``file``. See ``contracts.Estimator``. Threads may share it.

    ``program`` is the command that measures; see ``ga2app.services.calibration``.
    """

    def __init__(self, file: Path, program: Sequence[str] = MEASURE) -> None:
        self._file, self._program = file, tuple(program)
        self._lock = threading.Lock()
        self._under_way: set[str] = set()
        self._failed: dict[str, str] = {}
        self._known = _read(file)

    def estimate(self, work: Workload, past: Sequence[PastPace] = ()) -> Estimate:
        """See ``contracts.Estimator``."""
        if _folder(work.backbone) is None:
            return Estimate(Basis.UNKNOWN, note=f"unknown until '{work.backbone}' is on this machine")
        tower = "|".join((work.backbone, work.device, work.precision))
        with self._lock:
            speed = _as(Speed, self._known.get(tower))
        reading = "|".join((*work.clips, str(speed.image_px))) if speed and work.clips else ""
        with self._lock:
            clips = _as(ClipSpeed, self._known.get(reading)) if reading else _NO_CLIPS
            failed = self._failed.get(tower) or self._failed.get(reading)
            if speed and clips:
                return forecast(work, speed, clips, past, free_memory())
            if failed:
                return Estimate(Basis.UNKNOWN, note=failed)
            job = reading if speed else tower
            if job not in self._under_way:
                self._under_way.add(job)
                wanted = (job, work, speed)
                threading.Thread(target=self._measure, args=wanted, daemon=True, name="measuring the speed").start()
        return Estimate(Basis.MEASURING, note="Reading a few of its clips to see how long that takes…" if speed else "")

    def too_long(self, backbone: str, texts: Sequence[str], prompt_length: int) -> Sequence[str]:
        """See ``contracts.Estimator``."""
        folder = _folder(backbone)
        try:
            counter = _counter(folder) if folder else None
        except Exception as exc:  # whatever is wrong with a tokenizer comes up again, with advice, when it is loaded
            _log.info("the tokenizer of %s cannot be looked at: %s", backbone, exc)
            counter = None
        if counter is None:
            return []
        tokenizer, positions = counter
        room = positions - prompt_length - 2
        lengths = tokenizer.encode_batch([f"{spoken(text)}." for text in texts], add_special_tokens=False)
        return [text for text, length in zip(texts, lengths, strict=True) if len(length.ids) > room]

    def _measure(self, job: str, work: Workload, speed: Speed | None) -> None:
        command = [*self._program]
        if speed is None:
            named = ["--backbone", work.backbone, "--device", work.device, "--precision", work.precision]
            command += named
        else:
            command += ["--image-px", str(speed.image_px)]
        found: dict[str, Any] = {}
        why = ""
        try:
            ended = subprocess.run(
                [*command, "--", *work.clips],
                cwd=PROJECT,
                capture_output=True,
                text=True,
                timeout=_TIME_LIMIT_S,
                check=False,
            )
            if ended.returncode == 0:
                found = json.loads(ended.stdout.splitlines()[-1])
            else:
                why = (ended.stderr.strip().splitlines() or ["no reason was given"])[-1]
        except (OSError, ValueError, IndexError, subprocess.TimeoutExpired) as exc:
            why = str(exc)
        with self._lock:
            self._under_way.discard(job)
            if why:
                _log.warning("the speed could not be measured: %s", why)
                self._failed[job] = why
                return
            if "speed" in found:
                self._known[job] = found["speed"]
            if "clips" in found:
                image_px = found["speed"]["image_px"] if "speed" in found else (speed.image_px if speed else 0)
                self._known["|".join((*work.clips, str(image_px)))] = found["clips"]
            try:
                write_whole(self._file, json.dumps(self._known, indent=1, sort_keys=True))
            except StoreError as exc:
                _log.warning("%s", exc)


def free_memory() -> int | None:
    """Bytes that a new process may take now: of the machine, or of the container that this one is in."""
    free = []
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    except (OSError, ValueError):
        pass
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii"))
        if limit != "max":
            free.append(max(int(limit) - used, 0))
    except (OSError, ValueError):
        pass
    if not free and hasattr(os, "sysconf"):
        try:
            free.append(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (OSError, ValueError):
            return None
    return min(free, default=None)


def _folder(backbone: str) -> Path | None:
    """Where the files of a backbone lie on this machine; None where it cannot be used."""
    try:
        return find_clip(backbone).folder
    except BackboneError:
        return None


@lru_cache(maxsize=8)
def _counter(folder: Path) -> tuple[Any, int] | None:
    """The tokenizer in ``folder`` and the tokens that a text may have; None where it is of another kind."""
    from tokenizers import Tokenizer

    if not (folder / "tokenizer.json").is_file():
        return None
    text = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("text_config") or {}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, int(text.get("max_position_embeddings", 77))


def _read(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def _as(kind: Any, data: object) -> Any:
    """What was kept, as the record that it was; None where there is nothing, or that of another version."""
    if not isinstance(data, dict):
        return None
    try:
        record = kind(**data)
    except TypeError:
        return None
    return record if asdict(record) == data else None
