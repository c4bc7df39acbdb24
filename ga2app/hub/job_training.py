"""Training a run as a Hugging Face Job, seen from here: sent, started, followed, brought back.

What is known of a job is kept beside the run's checkpoint: whoever comes back to the run goes on following it. The job
tells its events as lines of its log, so that curves and figures grow as for a run of this machine.
"""

from __future__ import annotations

import json
import logging
import queue
import secrets
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from huggingface_hub import __version__ as hub_version

from ga2app.config import RunConfig
from ga2app.errors import ErrorCode, HubError, StudioError, TrainingError
from ga2app.hub import job_files as files
from ga2app.hub import jobs
from ga2app.paths import job_beside, write_whole
from ga2app.types import Dataset, Event, EventKind, Report, TrainResult, read_report
from ga2app.untrusted import stored_json

EVENT = "GA2-EVENT "
"""How a line of a job's log begins that holds an event as JSON."""

COMMAND = """\
set -e
export GA2_JOB_STARTED=$(date +%s)
place=${TMPDIR:-/tmp}/ga2-$GA2_JOB
uv pip install --system -q "huggingface_hub==$GA2_HUB_CLIENT"
hf download "$GA2_REPO" "$GA2_PROGRAM" --repo-type dataset --local-dir "$place" -q
python -m zipfile -e "$place/$GA2_PROGRAM" "$place/program"
cd "$place/program"
uv pip install --system -q -r requirements.txt
exec python -m ga2app train --job "$GA2_REPO/$GA2_JOB"
"""
"""What a job runs, with bash: it fetches this program from the repository, installs what that needs, and trains."""

_LOOK_S, _ASK_S = 0.5, 10.0
_PATIENCE_S = 600.0
"""So long the Hub may be out of reach while a job is followed."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Job:
    """What is kept of a job: the repository, its folder there, its id at the Hub (empty until started), its limit."""

    repo: str
    folder: str
    id: str = ""
    timeout_s: int = 0

    @classmethod
    def read(cls, place: Path) -> _Job | None:
        """What was kept at ``place``, None where nothing was."""
        try:
            return cls(**stored_json(place.read_bytes()))
        except (OSError, ValueError, TypeError):
            return None


class JobTraining:
    """One run as a job. ``kept`` is where is written down what there is of it."""

    def __init__(self, request: jobs.JobRequest, out: Path, checkpoint: Path, emit: Callable[[Event], None]) -> None:
        self._request, self._out, self._checkpoint, self._emit = request, out, checkpoint, emit
        self._kept = job_beside(checkpoint)
        self._client = jobs.jobs_client()

    def train(
        self,
        config: RunConfig,
        dataset: Dataset,
        should_stop: Callable[[], bool],
        leaving: Callable[[], bool] = lambda: False,
    ) -> TrainResult:
        """Start the job, or find the one that was started, and follow it to its end. Raises StudioError.

        ``should_stop`` ends the job, with what it saved brought back; ``leaving`` lets it go on by itself.
        """
        from ga2app.training.tracking import tracked

        with tracked(config, self._checkpoint, self._out.name, self._emit) as (self._emit, end):
            return end(self._train(config, dataset, should_stop, leaving))

    def _train(
        self, config: RunConfig, dataset: Dataset, should_stop: Callable[[], bool], leaving: Callable[[], bool]
    ) -> TrainResult:
        job = _Job.read(self._kept)
        if job and not job.id and (found := jobs.find_job(self._client, job.folder)):
            job = replace(job, id=found)  # whoever started it did not live to write that down
            self._keep(job)
        if job is None or not job.id:
            job = self._begin(config, dataset, job)
        else:
            self._say(f"following job {jobs.job_link(self._client, job.id)} again; its log follows from the start")
        state = self._follow(job, should_stop, leaving)
        return TrainResult(finished=False) if state is None else self._end(job, state, stopped=should_stop())

    def _begin(self, config: RunConfig, dataset: Dataset, before: _Job | None) -> _Job:
        """Send what the job needs and start it."""
        client, request = self._client, self._request
        flavor = jobs.flavor_named(request.flavor, jobs.flavors(client))
        repo = files.open_repo(client)
        job = before or _Job(repo, f"run-{secrets.token_hex(6)}", timeout_s=request.timeout_s)
        self._keep(job)
        self._say(f"sending the run to {repo}, which is private; clips that are there already stay there")
        with tempfile.TemporaryDirectory(prefix="ga2-job-") as scratch:
            packed = files.pack(config, dataset, job.folder, self._checkpoint, Path(scratch))
            files.send(client, repo, packed.files, self._say)
        environment = {
            "GA2_REPO": repo,
            "GA2_JOB": job.folder,
            "GA2_PROGRAM": packed.program,
            "GA2_HUB_CLIENT": hub_version,
            "GA2_JOB_TIMEOUT_S": str(request.timeout_s),
            "HF_ENDPOINT": client.api.endpoint,
        }
        started = jobs.start_job(client, request, ["bash", "-c", COMMAND], environment, job.folder)
        job = _Job(repo, job.folder, started, request.timeout_s)
        self._keep(job)
        self._say(f"job {jobs.job_link(client, started)} on {flavor.name} ({flavor.hardware})")
        self._say(f"it costs {flavor.price(request.timeout_s)}")
        return job

    def _follow(self, job: _Job, should_stop: Callable[[], bool], leaving: Callable[[], bool]) -> jobs.JobState | None:
        """Pass the job's log on until it has ended: how; None where this process leaves it alone."""
        lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        reader = threading.Thread(target=self._read_log, args=(job, lines.put), daemon=True)
        reader.start()
        asked_s, reached_s, canceled = float("-inf"), time.monotonic(), False
        while True:
            if leaving():
                return None
            if should_stop() and not canceled:
                jobs.cancel(self._client, job.id)
                canceled = True
            self._pass_on(lines)
            if time.monotonic() - asked_s > (_LOOK_S if canceled or not reader.is_alive() else _ASK_S):
                asked_s = time.monotonic()
                try:
                    state = jobs.look_at(self._client, job.id)
                    reached_s = time.monotonic()
                except HubError as exc:
                    if time.monotonic() - reached_s > _PATIENCE_S:
                        raise
                    _log.warning("%s; the job goes on, and is asked for again", exc)
                    continue
                if state.ended:
                    reader.join(_ASK_S)
                    self._pass_on(lines)
                    return state
            time.sleep(_LOOK_S if lines.empty() else 0.0)

    def _read_log(self, job: _Job, put: Callable[[str], None]) -> None:
        try:
            jobs.follow_log(self._client, job.id, put)
        except StudioError as exc:
            _log.warning("the job's log is not available: %s", exc)

    def _pass_on(self, lines: queue.SimpleQueue[str]) -> None:
        while not lines.empty():
            line = lines.get()
            if not line.startswith(EVENT):
                _log.info("job: %s", line.rstrip())
                continue
            try:
                told = stored_json(line[len(EVENT) :])
                self._emit(Event(EventKind(told["kind"]), int(told["step"]), dict(told["values"])))
            except (ValueError, TypeError, KeyError):
                _log.warning("job: a line that is cut off: %s", line[:200])

    def _end(self, job: _Job, state: jobs.JobState, *, stopped: bool) -> TrainResult:
        """Bring back what the job left, and tell how it ended. Raises TrainingError where that is no good end."""
        client, prefix = self._client, f"jobs/{job.folder}/"
        left = files.names_below(client, job.repo, prefix)
        ended = self._read_end(job, left)
        if ended.get("state") == "done":
            bundle = [name for name in left if name.startswith(f"{prefix}{files.BUNDLE}/")]
            files.bring_back(client, job.repo, bundle, self._out)
            report = self._report(job, left)
            self._forget()
            try:
                files.take_out(client, job.repo, left)
            except HubError as exc:
                _log.warning("the run's files are left in %s: %s", job.repo, exc)
            return TrainResult(finished=True, bundle=str(self._out), report=report)
        if f"{prefix}{files.CHECKPOINT}" in left:
            saved = files.read_one(client, job.repo, f"{prefix}{files.CHECKPOINT}")
            fresh = self._checkpoint.with_name(self._checkpoint.name + ".new")
            fresh.write_bytes(saved)
            fresh.replace(self._checkpoint)
        self._forget()  # a resumed run is another job, which goes on from that
        if stopped:
            self._say("the job was ended as asked; what it had saved is here")
            return TrainResult(finished=False)
        raise self._fault(job, state, ended)

    def _fault(self, job: _Job, state: jobs.JobState, ended: Mapping[str, Any]) -> TrainingError:
        link = jobs.job_link(self._client, job.id)
        saved = "what it saved is here: resume the run" if self._checkpoint.exists() else "nothing was saved: resume it"
        late = ended.get("state") == "late" or "timeout" in state.message.lower().replace(" ", "")
        if late or (state.ran_s is not None and state.ran_s >= job.timeout_s):
            limit = jobs.shown_time(job.timeout_s)
            return TrainingError(
                f"the job's time ran out after {limit}; {saved}, with more time (now {limit}) or on a faster machine"
            )
        if ended.get("state") == "failed":
            code = next((code for code in ErrorCode if code.value == ended.get("code")), ErrorCode.OTHER)
            return TrainingError(str(ended.get("error", "")), code=code)
        if state.stage == "CANCELED":
            return TrainingError(f"the job was canceled on the Hub ({link}); {saved}, or delete it")
        why = state.message or "it says no reason"
        return TrainingError(
            f"the job ended as {state.stage} ({why}); its log is at {link} and in the run's own. {saved.capitalize()}, "
            "on a machine with more memory if that was short"
        )

    def _read_end(self, job: _Job, left: list[str]) -> dict[str, Any]:
        name = f"jobs/{job.folder}/{files.ENDED}"
        if name not in left:
            return {}
        told = stored_json(files.read_one(self._client, job.repo, name))
        return told if isinstance(told, dict) else {}

    def _report(self, job: _Job, left: list[str]) -> Report | None:
        name = f"jobs/{job.folder}/{files.REPORT}"
        if name not in left:
            return None
        with tempfile.TemporaryDirectory(prefix="ga2-job-") as folder:
            return read_report(files.fetch_one(self._client, job.repo, name, Path(folder)))

    def _keep(self, job: _Job) -> None:
        write_whole(self._kept, json.dumps(asdict(job)))

    def _forget(self) -> None:
        self._kept.unlink(missing_ok=True)

    def _say(self, text: str) -> None:
        self._emit(Event(EventKind.LOG, 0, {"text": text}))


def train_remotely(
    config: RunConfig,
    dataset: Dataset,
    *,
    remote: Mapping[str, Any],
    out: Path,
    checkpoint: Path,
    emit: Callable[[Event], None],
    should_stop: Callable[[], bool],
    leaving: Callable[[], bool],
) -> TrainResult:
    """Train a run of the queue on the machine that ``remote`` asks for; see ``JobTraining.train``."""
    return JobTraining(jobs.JobRequest.from_dict(remote), out, checkpoint, emit).train(
        config, dataset, should_stop, leaving
    )
