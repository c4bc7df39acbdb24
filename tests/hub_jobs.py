"""Jobs of the small Hub on this computer: their command is run here, or a test says what becomes of them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HARDWARE = [
    {
        "name": "cpu-basic",
        "prettyName": "CPU Basic",
        "cpu": "2 vCPU",
        "ram": "16 GB",
        "unitCostMicroUSD": 167,
        "unitCostUSD": 0.000167,
        "unitLabel": "minute",
    },
    {
        "name": "t4-small",
        "prettyName": "Nvidia T4 - small",
        "cpu": "4 vCPU",
        "ram": "15 GB",
        "accelerator": {"type": "gpu", "model": "T4", "quantity": "1", "vram": "16 GB", "manufacturer": "Nvidia"},
        "unitCostMicroUSD": 6667,
        "unitCostUSD": 0.006667,
        "unitLabel": "minute",
    },
]


@dataclass
class Job:
    """A job: what was asked for, where it stands, and its log."""

    id: str
    owner: str
    spec: dict[str, Any]
    stage: str = "SCHEDULING"
    message: str | None = None
    lines: list[str] = field(default_factory=list)
    ran_s: int = 0
    process: subprocess.Popen[str] | None = None

    @property
    def ended(self) -> bool:
        return self.stage in ("COMPLETED", "CANCELED", "ERROR")

    @property
    def folder(self) -> str:
        """Its folder in the repository."""
        return str(self.spec["environment"]["GA2_JOB"])

    def end(self, stage: str, message: str | None = None) -> None:
        self.message, self.stage = message, stage

    def told(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "owner": {"id": "1", "name": self.owner, "type": "user"},
            "status": {"stage": self.stage, "message": self.message},
            "durations": {"schedulingSecs": 1, "runningSecs": self.ran_s, "totalSecs": self.ran_s + 1},
            **{key: self.spec.get(key) for key in ("dockerImage", "command", "environment", "flavor")},
        }


class LoopbackJobs:
    """All jobs. ``behave`` is called in a thread of its own with each that starts; its end is up to it."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.behave: Callable[[Job], None] = lambda job: job.end("ERROR", "no test says what it does")

    def start(self, owner: str, spec: dict[str, Any]) -> Job:
        job = Job(f"job{len(self.jobs) + 1}", owner, spec, "RUNNING")
        self.jobs[job.id] = job
        threading.Thread(target=self.behave, args=(job,), daemon=True).start()
        return job

    def cancel(self, job: Job) -> None:
        if not job.ended:
            job.end("CANCELED")
            if job.process:
                os.killpg(job.process.pid, signal.SIGKILL)

    def log(self, job: Job) -> Iterator[bytes]:
        """The log as events, from its start, for as long as the job goes on."""
        given = 0
        while True:
            ended = job.ended
            for line in job.lines[given:]:
                given += 1
                yield b"data: %s\n\n" % json.dumps({"timestamp": "2026-01-01T00:00:00Z", "data": line}).encode()
            if ended:
                return
            time.sleep(0.02)


def answer_jobs(jobs: LoopbackJobs, account: str | None, route: str, body: bytes) -> Any:
    """What the Hub answers to ``route`` of its jobs: a document, a log as an iterator, or the status of a refusal."""
    if route == "GET /api/jobs/hardware":
        return HARDWARE
    found = re.fullmatch(r"(GET|POST) /api/jobs/([^/]+)(?:/([^/]+)(?:/(logs|cancel))?)?", route)
    if found is None or account is None or found[2] != account:
        return 404 if account else 401
    if found[3] is None and found[1] == "GET":
        return [job.told() for job in jobs.jobs.values()]
    if found[3] is None:
        return jobs.start(account, json.loads(body)).told()
    job = jobs.jobs.get(found[3])
    if job is None:
        return 404
    if found[4] == "logs":
        return jobs.log(job)
    if found[4] == "cancel":
        jobs.cancel(job)
    return job.told()


def run_for_real(job: Job, folder: Path) -> None:
    """Run the job's command in a process of its own. What it would install is installed here already."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    (tools / "uv").write_text("#!/bin/sh\n")
    (tools / "uv").chmod(0o755)
    kept = {name: os.environ[name] for name in ("LANG", "LD_LIBRARY_PATH") if name in os.environ}
    job.process = subprocess.Popen(
        job.spec["command"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        cwd=folder,
        env=kept
        | job.spec["environment"]
        | job.spec["secrets"]
        | {
            "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "OMP_NUM_THREADS": "1",
            "CUDA_VISIBLE_DEVICES": "",
        },
    )
    with job.process as process:
        for line in process.stdout or ():
            job.lines.append(line.rstrip("\n"))
    status = job.process.returncode
    if not job.ended:
        job.end("COMPLETED" if status == 0 else "ERROR", None if status == 0 else f"exit code {status}")
