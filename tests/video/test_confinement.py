"""The process that reads other people's files has no network, writes nothing, and takes no more memory than is told."""

from __future__ import annotations

import errno
import json
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ga2app.errors import ClipError
from ga2app.paths import PROJECT
from ga2app.video import ClipReader, Evaluation, container_facts, decoder_process
from ga2app.video.confinement import _DENIED, _OPEN, _UNKNOWN, _program
from ga2app.video.decode import decode_clip
from ga2app.video.writer import write_clip

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such filter")


@pytest.fixture
def reader() -> Iterator[ClipReader]:
    with ClipReader() as reader:
        yield reader


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    write_clip(tmp_path / "clip.mp4", np.full((6, 32, 48, 3), 90, np.uint8), 10)
    return tmp_path / "clip.mp4"


TRYING = """
import os, socket, sys, threading
from ga2app.video.confinement import confine
nothing, there = sys.argv[1:3]
deeds = {
    "tcp": socket.socket,
    "udp": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "new file": lambda: open(nothing, "w"),
    "append": lambda: open(there, "ab"),
    "change": lambda: open(there, "r+b"),
    "truncate": lambda: os.truncate(there, 0),
    "folder": lambda: os.mkdir(nothing),
    "pipe": lambda: os.mkfifo(nothing),
    "link": lambda: os.link(there, nothing),
    "symlink": lambda: os.symlink(there, nothing),
    "rename": lambda: os.rename(there, nothing),
    "delete": lambda: os.unlink(there),
    "rights": lambda: os.chmod(there, 0o777),
    "times": lambda: os.utime(there),
    "program": lambda: os.execv(sys.executable, [sys.executable, "-c", ""]),
    "parent": lambda: os.kill(os.getppid(), 0),
}
if told := confine():
    sys.exit(told)
done = []
def attempt():
    for name, deed in deeds.items():
        try:
            deed()
        except PermissionError:
            continue
        done.append(name)
attempt()
thread = threading.Thread(target=attempt)
thread.start()
thread.join()
print(done, open(there).read())
"""


@LINUX
def test_a_confined_process_has_no_network_and_changes_no_file_but_reads(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("whole")
    command = [sys.executable, "-c", TRYING, str(tmp_path / "nothing"), str(tmp_path / "there")]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=60)
    if "the kernel" in ended.stderr:
        pytest.skip(ended.stderr.strip())
    assert ended.stdout == "[] whole\n", ended.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@LINUX
def test_the_decoder_is_confined_and_says_so(reader: ClipReader, clip: Path) -> None:
    if told := reader.unconfined():
        pytest.skip(told)
    reader.read(clip, Evaluation(2))
    status = Path(f"/proc/{reader.pid}/status").read_text()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status


def answer(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What Linux would answer: the number of an error, 0 where the call is allowed."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    lines, place, held = list(struct.iter_unpack("HBBI", program)), 0, 0
    while True:
        code, if_true, if_false, value = lines[place]
        place += 1
        if code == 0x20:
            (held,) = struct.unpack_from("<I", data, value)
        elif code == 0x06:
            return value & 0xFFFF if value != 0x7FFF0000 else 0
        else:
            holds = {0x15: held == value, 0x35: held >= value, 0x45: bool(held & value)}[code]
            place += if_true if holds else if_false


@pytest.mark.parametrize(("place", "architecture"), [(0, 0xC000003E), (1, 0xC00000B7)])
def test_the_filter_refuses_what_is_listed_and_nothing_else(place: int, architecture: int) -> None:
    program = _program(place, architecture)
    denied = {numbers[place] for numbers in _DENIED.values()} - {None}
    opening = {numbers[place]: argument for numbers, argument in _OPEN.values()}
    for number in range(480):
        expected = errno.ENOSYS if number in _UNKNOWN.values() else errno.EPERM if number in denied else 0
        assert answer(program, architecture, number) == expected
    for number, argument in opening.items():
        if number is not None:
            for flags in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC | os.O_CLOEXEC):
                assert answer(program, architecture, number, *[0] * argument, flags) == errno.EPERM
            assert answer(program, architecture, number, *[0] * argument, os.O_RDONLY | os.O_CLOEXEC) == 0
    assert answer(program, 0x40000003, 1) == answer(program, architecture, 0x40000000) == errno.EPERM


@LINUX
def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(reader: ClipReader, tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (64, 64), color) for color in ("red", "blue"))
    # Where the size of the canvas stands, in WebP less one.
    sizes = {"huge.gif": (6, (7000).to_bytes(2, "little") * 2), "huge.webp": (24, (6999).to_bytes(3, "little") * 2)}
    for name, (place, size) in sizes.items():
        first.save(tmp_path / name, save_all=True, append_images=[second], duration=100)
        content = bytearray((tmp_path / name).read_bytes())
        content[place : place + len(size)] = size
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ClipError, match="picture of 7000x7000 pixels is larger than 38 million pixels; make its"):
            reader.read(tmp_path / name, Evaluation(2), short_side_px=64)
    peak_kb = int(Path(f"/proc/{reader.pid}/status").read_text().split("VmHWM:")[1].split()[0])
    assert peak_kb < 200_000


def test_frames_that_are_larger_than_the_container_says_are_refused_by_the_codec(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container_facts, "_MAX_PIXELS", {"max_pixels": "1000"})  # the clip has 1536
    with pytest.raises(ClipError, match="0 decodable frames"):
        decode_clip(str(clip), Evaluation(2), None)


def test_more_frames_than_fit_are_refused_before_any_is_decoded(reader: ClipReader, clip: Path) -> None:
    told = "its 1,000,000 wanted frames of 48x32 pixels take 4.6 GB, more than 1.1 GB; ask for fewer or smaller frames"
    with pytest.raises(ClipError, match=told):
        reader.read(clip, Evaluation(1_000_000))
    assert reader.read(clip, Evaluation(2)).frames.shape == (2, 32, 48, 3)


TAKEN_OVER = """
import json, struct, sys, time
answers = json.loads(sys.argv[1])
def send(text):
    sys.stdout.buffer.write(struct.pack("<Q", len(text)) + text)
    sys.stdout.buffer.flush()
send(b'{"ready": true}')
sys.stdin.buffer.read(8)
send(b'{"begun": true}')
if answers is None:
    sys.stdout.buffer.write(struct.pack("<Q", 2**62)); sys.stdout.buffer.flush()
else:
    send(answers.encode())
time.sleep(0.2)
"""


@pytest.mark.parametrize(
    "text",
    [
        None,
        "[" * 10_000,
        "[1]",
        '{"shape": [1000000, 1000000, 1000000, 3]}',
        '{"shape": ["a", -1, 2, 3]}',
        '{"shape": [0, 1, 1, 3], "indices": 3}',
        '{"error": []}',
        '{"failure": "\\ud800"}',
    ],
)
def test_what_a_process_answers_that_a_file_has_taken_over_costs_that_clip_alone(
    clip: Path, reader: ClipReader, text: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", TAKEN_OVER, json.dumps(text)]
    with monkeypatch.context() as patched:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        patched.setattr(decoder_process, "start_child", lambda: subprocess.Popen(command, bufsize=0, **pipes))
        with pytest.raises(ClipError) as caught:
            reader.read(clip, Evaluation(2))
        assert str(caught.value).isprintable()
        reader.close()
    assert reader.read(clip, Evaluation(2)).frames.shape == (2, 32, 48, 3)
