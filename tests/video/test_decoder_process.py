"""A hang or a crash of the decoder costs one clip, and nothing outlives the app."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ga2app.errors import ClipError, ClipTimeout
from ga2app.video import ClipFrames, ClipReader, Evaluation, decoder_pipe
from ga2app.video.writer import write_clip

PROJECT = Path(__file__).resolve().parents[2]
LEVELS = (20, 120, 220)


@pytest.fixture
def clips(tmp_path: Path) -> list[Path]:
    """Three gray clips, one of each of ``LEVELS``."""
    paths = [tmp_path / f"level {level}.mp4" for level in LEVELS]
    for path, level in zip(paths, LEVELS, strict=True):
        write_clip(path, np.full((6, 32, 48, 3), level, np.uint8), 10)
    return paths


@pytest.fixture
def reader() -> Iterator[ClipReader]:
    with ClipReader() as reader:
        yield reader


def level(clip: ClipFrames) -> int:
    return min(LEVELS, key=lambda value: abs(value - clip.frames.mean()))


def gone(pid: int, within_s: float) -> bool:
    """Whether process ``pid`` ends in time; one that only its parent has not waited for counts as ended."""
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_one_child_reads_clip_after_clip(reader: ClipReader, clips: list[Path]) -> None:
    pids = set()
    for path, value in zip(clips, LEVELS, strict=True):
        assert level(reader.read(path, Evaluation(3))) == value
        pids.add(reader.pid)
    with pytest.raises(ClipError):
        reader.read(clips[0].with_name("absent.mp4"), Evaluation(3))
    assert len(pids) == 1
    assert {reader.pid} == pids - {None}


def test_a_hang_costs_one_clip(reader: ClipReader, clips: list[Path]) -> None:
    reader.read(clips[0], Evaluation(3))
    stuck = reader.pid
    assert stuck
    os.kill(stuck, signal.SIGSTOP)
    with pytest.raises(ClipTimeout, match=r"clip 'level 120.mp4': reading it took longer than 0.3 s; .+"):
        reader.read(clips[1], Evaluation(3), time_limit_s=0.3)
    assert gone(stuck, 5)
    assert level(reader.read(clips[1], Evaluation(3))) == LEVELS[1]
    assert reader.pid != stuck


def ticks(pid: int) -> int:
    """Processor time of process ``pid``, in clock ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def end_in_the_middle(reader: ClipReader, deadly: signal.Signals) -> int:
    """End the child of ``reader`` with that signal once it works; gives its number."""
    while not (victim := reader.pid):
        time.sleep(0.001)
    before = ticks(victim)
    while ticks(victim) < before + 3:
        time.sleep(0.001)
    os.kill(victim, deadly)
    return victim


def test_a_crash_in_the_middle_of_a_clip_costs_that_clip(reader: ClipReader, clips: list[Path]) -> None:
    reader.read(clips[0], Evaluation(3))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader.read, clips[1], Evaluation(40_000))  # 180 MB, so that there is a middle
        end_in_the_middle(reader, signal.SIGSEGV)
        with pytest.raises(ClipError, match="clip 'level 120.mp4': the decoder was ended by SIGSEGV while"):
            reading.result(timeout=60)
    assert level(reader.read(clips[1], Evaluation(3))) == LEVELS[1]


def test_a_child_that_is_killed_from_outside_costs_no_clip(reader: ClipReader, clips: list[Path]) -> None:
    reader.read(clips[0], Evaluation(3))
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader.read, clips[1], Evaluation(40_000))
        victim = end_in_the_middle(reader, signal.SIGKILL)
        assert level(reading.result(timeout=60)) == LEVELS[1]
    assert reader.pid not in (None, victim)


def test_a_child_that_dies_before_it_begins_a_clip_costs_none(reader: ClipReader, clips: list[Path]) -> None:
    reader.read(clips[0], Evaluation(3))
    victim = reader.pid
    assert victim
    os.kill(victim, signal.SIGSTOP)  # so that the request waits in the pipe when the crash comes
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(reader.read, clips[1], Evaluation(3))
        time.sleep(0.2)
        os.kill(victim, signal.SIGKILL)
        assert level(reading.result(timeout=60)) == LEVELS[1]
    assert reader.pid != victim


def test_a_child_that_dies_between_clips_costs_none(reader: ClipReader, clips: list[Path]) -> None:
    reader.read(clips[0], Evaluation(3))
    victim = reader.pid
    assert victim
    os.kill(victim, signal.SIGKILL)
    assert gone(victim, 5)
    assert level(reader.read(clips[2], Evaluation(3))) == LEVELS[2]


def test_threads_may_share_a_reader(reader: ClipReader, clips: list[Path]) -> None:
    wrong: list[Path] = []

    def read_all() -> None:
        for path, value in zip(clips * 4, LEVELS * 4, strict=True):
            if level(reader.read(path, Evaluation(3))) != value:
                wrong.append(path)

    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong


def test_closing_ends_the_child_and_the_reader_can_be_used_again(clips: list[Path]) -> None:
    with ClipReader() as reader:
        reader.read(clips[0], Evaluation(3))
        first = reader.pid
    assert first
    assert gone(first, 5)
    assert level(reader.read(clips[0], Evaluation(3))) == LEVELS[0]
    reader.close()


def run_script(text: str, *arguments: object, **options: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", text, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, **options)  # type: ignore[call-overload]


ORPHANING = """
import subprocess, sys, time
from ga2app import video
from ga2app.video.decoder_pool import shared_pool
video.sample_frames(sys.argv[1], 2)
# Another process holds the pipe open after its owner is gone, so that the child sees no end of it.
reader = shared_pool._readers[0]
pipe = reader._process.stdin.fileno()
holder = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, pass_fds=[pipe])
print(reader.pid, flush=True)
time.sleep(60)
"""


def test_a_killed_parent_leaves_no_child_even_if_its_pipe_lives_on(clips: list[Path]) -> None:
    parent = run_script(ORPHANING, clips[0], start_new_session=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    try:
        assert gone(child, 10)
    finally:
        os.killpg(parent.pid, signal.SIGKILL)  # the holder of the pipe
        parent.stdout.close()


FORKING = """
import os, sys
from ga2app import video
from ga2app.video.decoder_pool import shared_pool
video.sample_frames(sys.argv[1], 2)
before = shared_pool.pids
reader = shared_pool._readers[0]
shared_pool._change.acquire()  # as if other threads were reading at this moment
reader._lock.acquire()
if not os.fork():
    frames = video.sample_frames(sys.argv[1], 2)
    os._exit(0 if len(frames) == 2 and shared_pool.pids != before else 1)
status = os.wait()[1]
reader._lock.release()
shared_pool._change.release()
print(status, video.sample_frames(sys.argv[1], 2).shape, shared_pool.pids == before)
shared_pool.close()
"""


def test_after_a_fork_both_processes_read_with_children_of_their_own(clips: list[Path]) -> None:
    out, _ = run_script(FORKING, clips[0]).communicate(timeout=60)
    assert out == "0 (2, 32, 48, 3) True\n"


NO_STREAMS = """
import os, sys
for standard in (0, 1, 2):
    os.close(standard)
from ga2app.video import sample_frames
frames = sample_frames(sys.argv[1], 2)
open(sys.argv[2], "w").write(str(frames.shape))
"""


def test_a_parent_without_standard_streams_reads_clips(clips: list[Path], tmp_path: Path) -> None:
    run_script(NO_STREAMS, clips[0], tmp_path / "shape").communicate(timeout=60)
    assert (tmp_path / "shape").read_text() == "(2, 32, 48, 3)"


def test_a_damaged_clip_writes_nothing_on_the_terminal(real_clips: Path) -> None:
    script = "import sys; from ga2app.video import sample_frames; sample_frames(sys.argv[1], 4)"
    process = run_script(script, real_clips.parent / "odd" / "garbage_middle.mp4", stderr=subprocess.PIPE)
    assert process.communicate(timeout=60) == ("", "")


def test_neither_the_child_nor_the_package_loads_torch_or_gradio() -> None:
    script = (
        "import sys, ga2app.video.decoder_worker, ga2app.video.decode\n"
        "print(sorted({'torch', 'gradio', 'transformers', 'decord'} & set(sys.modules)))"
    )
    assert run_script(script).communicate(timeout=60)[0] == "[]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_token_and_no_key_reaches_the_process_that_reads_other_peoples_files(
    reader: ClipReader, clips: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "GA2_KEY", "OAUTH_CLIENT_SECRET"):
        monkeypatch.setenv(name, "a secret")
    assert level(reader.read(clips[0], Evaluation(4))) == LEVELS[0]
    told = Path(f"/proc/{reader.pid}/environ").read_text()
    assert "a secret" not in told and "PATH=" in told


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such limit")
def test_a_clip_that_takes_all_memory_costs_itself_alone(
    reader: ClipReader, clips: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_pipe, "MEMORY_BYTES", 400 * 2**20)
    huge = tmp_path / "huge.mp4"
    write_clip(huge, np.broadcast_to(np.uint8(90), (6, 4096, 4096, 3)), 10)
    with pytest.raises(ClipError, match="memory.*make (its|the) picture smaller"):
        reader.read(huge, Evaluation(6))
    assert level(reader.read(clips[1], Evaluation(4))) == LEVELS[1]
