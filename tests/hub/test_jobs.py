"""Runs as Hugging Face Jobs, through the real client to a Hub on this computer: sent, followed, brought back."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ga2app.bundles import load_folder
from ga2app.cli.main import main
from ga2app.config import ClipConfig, RunConfig, preset
from ga2app.errors import ConfigError, HubError
from ga2app.hub import jobs
from ga2app.paths import SKETCH_HARD_PROMPT, Home, job_beside, last_lines
from ga2app.store import Store
from ga2app.training.tracking import trackers_beside
from ga2app.types import REPORT, EventKind, RunRecord, RunState
from ga2app.worker.queue_loop import LOG, Worker
from ga2app.worker.run_parts import real_parts
from ga2app.worker.worker_identity import remote_slots
from tests.clips import color_dataset
from tests.commands import document, refused
from tests.hub_jobs import Job, run_for_real
from tests.hub_server import Login, LoopbackHub, stored

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client's own

REPO = ("dataset", "alice/ga2-jobs")
T4 = jobs.JobRequest("t4-small", 3600)


@pytest.fixture
def store(home: Home, store: Store, loopback_hub: LoopbackHub, caplog: pytest.LogCaptureFixture) -> Store:
    caplog.set_level("INFO")  # as a worker's own process has it
    (home.media / "colors").mkdir(parents=True)
    store.datasets.add(color_dataset(home.media / "colors"), origin="test")
    return store


def small() -> RunConfig:
    """Two epochs of Quick on a few clips."""
    config = preset("quick")
    optimizer = replace(config.optimizer, epochs=2, warmup_epochs=0.5, batch_size=2)
    return replace(config, dataset="colors", shots=2, optimizer=optimizer, clips=ClipConfig(num_frames=2))


def follow(home: Home, store: Store, run: int) -> RunRecord:
    """Let a worker follow what waits; the run as it is then."""
    Worker(home, store, real_parts(), remote_slots(1)[0]).work(once=True, idle_exit_s=0)
    return store.runs.get(run)


def put(hub: LoopbackHub, job: Job, **files: bytes) -> None:
    """What the job has left in its folder; ``a__b`` stands for the name ``a.b``."""
    repo = hub.repos[REPO]
    new = {f"jobs/{job.folder}/{name.replace('__', '.')}": content for name, content in files.items()}
    repo.commit(repo.files | {name: stored(name, content) for name, content in new.items()})


def put_bundle(hub: LoopbackHub, job: Job) -> None:
    """A whole bundle, as a job that is done leaves it."""
    repo = hub.repos[REPO]
    bundle = {f"jobs/{job.folder}/bundle/{file.name}": file.read_bytes() for file in SKETCH_HARD_PROMPT.iterdir()}
    repo.commit(repo.files | {name: stored(name, content) for name, content in bundle.items()})
    put(hub, job, ended__json=b'{"state": "done"}')


def in_tensorboard(checkpoint: Path, tag: str) -> list[int]:
    """The steps of a figure that the machine which follows the job has reported."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    (folder,) = (trackers_beside(checkpoint) / "tensorboard").iterdir()
    return [one.step for one in accumulator.EventAccumulator(str(folder)).Reload().Scalars(tag)]


def test_a_run_is_trained_by_the_jobs_command_and_its_bundle_report_and_curve_come_back(
    home: Home, store: Store, loopback_hub: LoopbackHub, tmp_path: Path
) -> None:
    (tmp_path / "machine").mkdir()
    loopback_hub.jobs.behave = lambda job: run_for_real(job, tmp_path / "machine")
    run = store.runs.queue(replace(small(), report_to=("tensorboard",)), remote=T4.to_dict())
    record = follow(home, store, run)
    log = last_lines(home.run_folder(run) / LOG, 400)
    assert (record.state, record.error, record.device) == (RunState.DONE, None, "hf-jobs"), "\n".join(log)
    manifest = load_folder(record.bundle or "").manifest
    assert manifest.base == ("walking", "running") and manifest.run == replace(
        small(), precision=manifest.run.precision
    )
    assert (home.run_folder(run) / REPORT).exists()
    assert [entry.event.values["epoch"] for entry in store.runs.events(run, kinds=[EventKind.EPOCH])] == [1, 2]
    steps = [entry.event.step for entry in store.runs.events(run, kinds=[EventKind.STEP])]
    assert steps == list(range(1, steps[-1] + 1)) and store.runs.data_of(run) is not None
    assert in_tensorboard(home.checkpoint(run), "train/ce") == steps
    assert in_tensorboard(home.checkpoint(run), "final/base") == steps[-1:]
    (job,) = loopback_hub.jobs.jobs.values()
    assert (job.spec["flavor"], job.spec["timeoutSeconds"]) == ("t4-small", 3600)
    assert job.spec["secrets"] == {"HF_TOKEN": "hf_alice"} and "hf_alice" not in json.dumps(job.spec["environment"])
    repo = loopback_hub.repos[REPO]
    assert repo.private and {name.split("/")[0] for name in repo.files} == {".gitattributes", "clips", "program"}
    # 4 shots, 8 test clips, 2 anchors: the other training clips stay at home.
    assert sum(name.startswith("clips/") for name in repo.files) == 14
    assert "hf_alice" not in "\n".join(log) and "it costs $0.40 an hour, at most $0.40 for 1 h" in "\n".join(log)
    assert not job_beside(home.checkpoint(run)).exists()


def test_what_was_sent_for_one_run_is_not_sent_again_for_the_next(
    home: Home, store: Store, loopback_hub: LoopbackHub
) -> None:
    def done(job: Job) -> None:
        put_bundle(loopback_hub, job)
        job.end("COMPLETED")

    loopback_hub.jobs.behave = done
    for seed in (1, 1):
        run = store.runs.queue(replace(small(), seed=seed), remote=T4.to_dict())
        assert follow(home, store, run).state is RunState.DONE
    uploads = [seen.path for seen in loopback_hub.asked("PUT /lfs/")]
    assert len(set(uploads)) == len(uploads) and len(loopback_hub.jobs.jobs) == 2


def test_a_job_whose_time_ran_out_is_told_as_that_and_goes_on_from_what_it_saved(
    home: Home, store: Store, loopback_hub: LoopbackHub
) -> None:
    def late(job: Job) -> None:
        put(loopback_hub, job, checkpoint__safetensors=b"what it had learned", ended__json=b'{"state": "late"}')
        job.end("ERROR", "exit code 1")

    loopback_hub.jobs.behave = late
    run = store.runs.queue(small(), remote=T4.to_dict())
    record = follow(home, store, run)
    assert record.state is RunState.FAILED and str(record.error) == (
        "the job's time ran out after 1 h; what it saved is here: resume the run, with more time (now 1 h) or on a "
        "faster machine"
    )
    assert home.checkpoint(run).read_bytes() == b"what it had learned"
    store.runs.requeue(run)
    sent: list[bytes] = []

    def look(job: Job) -> None:
        name = f"jobs/{job.folder}/checkpoint.safetensors"
        sent.append(loopback_hub.repos[REPO].files[name].content)
        put(
            loopback_hub,
            job,
            ended__json=b'{"state": "failed", "error": "a clip is broken", "code": "clips unreadable"}',
        )
        job.end("ERROR", "exit code 1")

    loopback_hub.jobs.behave = look
    record = follow(home, store, run)
    assert sent == [b"what it had learned"]
    assert (record.state, record.error, record.error_code) == (RunState.FAILED, "a clip is broken", "clips unreadable")


@pytest.mark.parametrize(
    ("stage", "message", "told"),
    [
        ("ERROR", "Job timeout", "the job's time ran out after 1 h; nothing was saved: resume it, with more time"),
        ("ERROR", "OOMKilled", r"the job ended as ERROR \(OOMKilled\); its log is at .*/jobs/alice/job1 and in the"),
        ("CANCELED", None, r"the job was canceled on the Hub \(.*/jobs/alice/job1\); nothing was saved: resume it, or"),
    ],
)
def test_a_job_that_ends_without_a_word_is_told_by_what_the_hub_says(
    home: Home, store: Store, loopback_hub: LoopbackHub, stage: str, message: str | None, told: str
) -> None:
    loopback_hub.jobs.behave = lambda job: job.end(stage, message)
    record = follow(home, store, store.runs.queue(small(), remote=T4.to_dict()))
    assert record.state is RunState.FAILED
    with pytest.raises(AssertionError, match=told):
        raise AssertionError(record.error)


def test_stopping_a_run_cancels_its_job_and_keeps_what_that_had_saved(
    home: Home, store: Store, loopback_hub: LoopbackHub
) -> None:
    def go_on(job: Job) -> None:
        put(loopback_hub, job, checkpoint__safetensors=b"half of it")
        store.runs.request_stop(run)

    loopback_hub.jobs.behave = go_on
    run = store.runs.queue(small(), remote=T4.to_dict())
    assert follow(home, store, run).state is RunState.STOPPED
    assert [job.stage for job in loopback_hub.jobs.jobs.values()] == ["CANCELED"]
    assert home.checkpoint(run).read_bytes() == b"half of it"


def test_a_job_goes_on_while_nobody_follows_it_and_is_found_again(
    home: Home, store: Store, loopback_hub: LoopbackHub
) -> None:
    first = Worker(home, store, real_parts(), remote_slots(1)[0])
    loopback_hub.jobs.behave = lambda job: first.leave()
    run = store.runs.queue(small(), remote=T4.to_dict())
    first.work(once=True, idle_exit_s=0)
    (job,) = loopback_hub.jobs.jobs.values()
    assert store.runs.get(run).state is RunState.QUEUED and job.stage == "RUNNING"

    step = {"kind": "step", "step": 7, "values": {"total": 0.5}}
    job.lines += ["installing", f"GA2-EVENT {json.dumps(step)}", 'GA2-EVENT {"kind": "st']
    put_bundle(loopback_hub, job)
    job.end("COMPLETED")
    assert follow(home, store, run).state is RunState.DONE
    assert len(loopback_hub.jobs.jobs) == 1
    assert [entry.event for entry in store.runs.events(run, kinds=[EventKind.STEP])][0].values == {"total": 0.5}
    log = "\n".join(last_lines(home.run_folder(run) / LOG, 100))
    assert "following job" in log and "job: installing" in log and "a line that is cut off" in log


def test_a_job_whose_start_nobody_wrote_down_is_found_and_not_started_twice(
    home: Home, store: Store, loopback_hub: LoopbackHub
) -> None:
    first = Worker(home, store, real_parts(), remote_slots(1)[0])
    loopback_hub.jobs.behave = lambda job: first.leave()
    run = store.runs.queue(small(), remote=T4.to_dict())
    first.work(once=True, idle_exit_s=0)
    kept = job_beside(home.checkpoint(run))
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"id": ""}))
    (job,) = loopback_hub.jobs.jobs.values()
    put_bundle(loopback_hub, job)
    threading.Timer(1.0, job.end, ["COMPLETED"]).start()
    assert follow(home, store, run).state is RunState.DONE and len(loopback_hub.jobs.jobs) == 1


def test_a_job_that_the_hub_does_not_know_any_more_is_told_and_another_can_be_started(
    home: Home, store: Store, loopback_hub: LoopbackHub
) -> None:
    loopback_hub.jobs.behave = lambda job: loopback_hub.jobs.jobs.clear()
    run = store.runs.queue(small(), remote=T4.to_dict())
    assert "the job ended as DELETED (the Hub does not know it any more)" in str(follow(home, store, run).error)
    assert not job_beside(home.checkpoint(run)).exists()


def test_who_is_not_logged_in_may_only_read_or_has_no_credits_is_told_so(
    home: Home, store: Store, loopback_hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback_hub.refuse("POST /api/jobs/alice", 402)
    record = follow(home, store, store.runs.queue(small(), remote=T4.to_dict()))
    assert record.state is RunState.FAILED and "jobs are paid for from credits" in str(record.error)
    loopback_hub.logins["hf_alice"] = Login("alice", "read")
    with pytest.raises(HubError, match="the token of 'alice' may only read; jobs need one with the role write"):
        jobs.jobs_client()
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="you are not logged in to Hugging Face"):
        jobs.jobs_client()
    monkeypatch.setenv("SPACE_ID", "alice/studio")
    with pytest.raises(HubError, match="a Space does not start Hugging Face Jobs"):
        jobs.jobs_client()
    assert not loopback_hub.jobs.jobs


def test_a_repository_that_everybody_may_see_gets_no_clips(home: Home, store: Store, loopback_hub: LoopbackHub) -> None:
    repo = loopback_hub.add("alice/ga2-jobs", "dataset")
    record = follow(home, store, store.runs.queue(small(), remote=T4.to_dict()))
    assert record.state is RunState.FAILED and "is open to everybody, and your clips would be" in str(record.error)
    assert set(repo.files) == {".gitattributes"}


@pytest.mark.parametrize(
    ("text", "seconds"), [("90m", 5400), ("2h", 7200), ("1.5h", 5400), ("1d", 86400), ("600", 600)]
)
def test_a_time_limit_is_read_as_people_write_it(text: str, seconds: int) -> None:
    assert jobs.read_timeout(text) == seconds


@pytest.mark.parametrize("text", ["", "2 weeks", "-1h", "30s", "8d", "nan"])
def test_what_is_no_time_limit_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is how long a job may take, such as 90m or 2h, from 1m to 7d"):
        jobs.read_timeout(text)


def test_the_command_tells_the_price_asks_and_follows(
    capsys: pytest.CaptureFixture[str],
    loopback_hub: LoopbackHub,
    store: Store,
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GA2_HOME", str(home.root))
    out = tmp_path / "out"
    asked = ["train", "--preset", "quick", "--dataset", "colors", "--shots", "2", "--out", str(out)]
    assert "--flavor is for --on hf-jobs" in refused(capsys, *asked, "--flavor", "t4-small")
    asked += ["--on", "hf-jobs", "--timeout", "90m"]
    assert main([*asked, "--flavor", "h900"]) == 1
    told = capsys.readouterr().err
    assert "there is no 'h900' among Hugging Face Jobs; choose one of: cpu-basic, t4-small" in told
    assert main(asked) == 1
    told = capsys.readouterr().err
    assert "alice pays for t4-small (1 × T4, 16 GB): $0.40 an hour, at most $0.60 for 1 h 30 min" in told
    assert "add --yes to start it" in told and not loopback_hub.jobs.jobs

    def done(job: Job) -> None:
        job.lines.append("hello from there")
        put_bundle(loopback_hub, job)
        job.end("COMPLETED")

    loopback_hub.jobs.behave = done
    answer = document(capsys, *asked, "--yes")
    assert (answer["state"], answer["bundle"]) == ("done", str(out)) and (out / "bundle.json").exists()
    assert refused(capsys, "train", "--job", "alice/ga2-jobs/run-0").startswith(
        "error: 'alice/ga2-jobs/run-0' is no run"
    )
