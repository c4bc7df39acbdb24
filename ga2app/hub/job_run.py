"""What a job does on its machine: ``train --job USER/ga2-jobs/ID`` fetches the run, trains it and sends it back."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ga2app.errors import HubError, StudioError, code_of
from ga2app.hub import job_files as files
from ga2app.hub.hub_client import HubClient
from ga2app.hub.job_training import EVENT
from ga2app.types import Event, EventKind
from ga2app.untrusted import stored_json

_SAVE_EVERY_S = 60.0
_FETCHED_AT_ONCE = 8
_RESERVE_S, _RESERVE_SHARE = 120.0, 0.1
"""What a job keeps of its time for saving and sending, at most that share of it."""
_TRIES, _PAUSE_S = 4, 15.0

_log = logging.getLogger(__name__)


def run_job(address: str) -> int:
    """Train the run that ``address`` names, a folder of a repository of jobs; gives the exit status.

    What it has learned is sent each minute, its bundle in the end. It stops by itself shortly before its time is over
    (``GA2_JOB_TIMEOUT_S`` after ``GA2_JOB_STARTED``), or when it is asked to. Raises HubError for no such run.
    """
    repo, _, job = address.strip("/").rpartition("/")
    client = HubClient()
    names = files.names_below(client, repo, f"jobs/{job}/") if repo.count("/") == 1 else []
    if f"jobs/{job}/{files.JOB}" not in names:
        raise HubError(f"'{address}' is no run that was sent to be trained; it looks like you/{files.REPO}/run-1a2b3c")
    with tempfile.TemporaryDirectory(prefix="ga2-run-") as folder:
        return _Run(client, repo, job, Path(folder)).train(f"jobs/{job}/{files.CHECKPOINT}" in names)


class _Run:
    def __init__(self, client: HubClient, repo: str, job: str, folder: Path) -> None:
        self._client, self._repo, self._job, self._folder = client, repo, job, folder
        self._out, self._checkpoint = folder / files.BUNDLE, folder / "out.checkpoint"
        self._asked, self._sent = threading.Event(), threading.Lock()
        self._saved_ns = 0
        limit_s = float(os.environ.get("GA2_JOB_TIMEOUT_S") or "inf")
        self._ends_s = float(os.environ.get("GA2_JOB_STARTED") or time.time()) + limit_s
        self._reserve_s = min(_RESERVE_S, _RESERVE_SHARE * limit_s)

    def train(self, begun: bool) -> int:
        """Train to the end, or as far as time lets; what came of it is in the repository afterwards."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, frame: self._asked.set())
        try:
            ended = self._train(begun)
        except StudioError as exc:
            ended = {"state": "failed", "error": " ".join(str(exc).split()), "code": code_of(exc).value}
        except Exception as exc:
            _log.exception("the training failed")
            told = f"{type(exc).__name__}: {exc}; this is a fault of the program, the log has the details"
            ended = {"state": "failed", "error": " ".join(told.split()), "code": code_of(exc).value}
        self._send_end(ended)
        _log.info("the run ended as %s %s", ended["state"], ended.get("error", ""))
        return 0 if ended["state"] == "done" else 1

    def _train(self, begun: bool) -> dict[str, Any]:
        from ga2app.training import train

        told = stored_json(self._here(f"jobs/{self._job}/{files.JOB}").read_bytes())
        data = told["dataset"]
        needed = {row[1] for row in (*data["clips"], *data["anchors"]) if row[1]} | {
            name for names in told["folders"].values() for name in names
        }
        _log.info("fetching %d files", len(needed))
        with ThreadPoolExecutor(_FETCHED_AT_ONCE) as pool:
            list(pool.map(self._here, sorted(needed)))
        if begun:
            self._here(f"jobs/{self._job}/{files.CHECKPOINT}").rename(self._checkpoint)
        config, dataset = files.unpack(told, lambda name: self._folder / name, self._folder / "named")
        over = threading.Event()
        saver = threading.Thread(target=self._keep_sending, args=(over,), daemon=True)
        saver.start()
        try:
            result = train(
                config,
                dataset,
                out=self._out,
                checkpoint=self._checkpoint,
                emit=_tell,
                should_stop=self._should_stop,
                reported=True,
            )
        finally:
            over.set()
            saver.join()
        if not result.finished:
            return {"state": "stopped" if self._asked.is_set() else "late"}
        if result.report is not None:
            (self._folder / files.REPORT).write_text(result.report.to_json(), encoding="utf-8")
        return {"state": "done"}

    def _should_stop(self) -> bool:
        return self._asked.is_set() or time.time() > self._ends_s - self._reserve_s

    def _here(self, name: str) -> Path:
        return files.fetch_one(self._client, self._repo, name, self._folder)

    def _keep_sending(self, over: threading.Event) -> None:
        """Send the checkpoint each minute that it has changed: a machine that is lost costs no more than that."""
        while not over.wait(_SAVE_EVERY_S):
            try:
                if content := self._fresh_checkpoint():
                    files.send(self._client, self._repo, content)
            except StudioError as exc:
                _log.warning("%s; what was learned is sent again in a minute", exc)

    def _fresh_checkpoint(self) -> dict[str, Path | bytes]:
        if not self._checkpoint.exists():
            return {}
        written_ns = self._checkpoint.stat().st_mtime_ns
        if written_ns == self._saved_ns:
            return {}
        self._saved_ns = written_ns
        return {f"jobs/{self._job}/{files.CHECKPOINT}": self._checkpoint.read_bytes()}

    def _send_end(self, ended: dict[str, Any]) -> None:
        """In one commit: whoever finds how the run ended finds all that it left."""
        prefix = f"jobs/{self._job}/"
        content = self._fresh_checkpoint()
        if ended["state"] == "done":
            content = {f"{prefix}{files.BUNDLE}/{file.name}": file for file in self._out.iterdir() if file.is_file()}
            if (report := self._folder / files.REPORT).exists():
                content[prefix + files.REPORT] = report
        content[prefix + files.ENDED] = json.dumps(ended).encode()
        for left in reversed(range(_TRIES)):
            try:
                return files.send(self._client, self._repo, content)
            except HubError as exc:
                if not left:
                    raise
                _log.warning("%s; trying again", exc)
                time.sleep(_PAUSE_S)


def _tell(event: Event) -> None:
    if event.kind is EventKind.SAVING:
        return  # a line that was written is kept
    told = {"kind": event.kind.value, "step": event.step, "values": dict(event.values)}
    sys.stdout.write(f"{EVENT}{json.dumps(told)}\n")
    sys.stdout.flush()
