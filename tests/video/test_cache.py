"""Small clips that are read again come from memory, with the same frames."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ga2app.errors import ClipError
from ga2app.video import CachingReader, ClipFrames, ClipReader, Evaluation, Sampling, Training
from ga2app.video.writer import write_clip

FRAME_BYTES = 32 * 48 * 3


class CountingReader(ClipReader):
    """A reader that notes what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Sampling] = []

    def read(self, path, sampling, **options) -> ClipFrames:  # type: ignore[no-untyped-def]
        self.asked.append(sampling)
        return super().read(path, sampling, **options)


@pytest.fixture
def reader() -> Iterator[CountingReader]:
    with CountingReader() as reader:
        yield reader


def clip(path: Path, frames: int = 10, first: int = 0) -> Path:
    """A clip whose frames grow brighter one by one."""
    levels = first + 15 * np.arange(frames, dtype=np.uint8)
    write_clip(path, np.broadcast_to(levels[:, None, None, None], (frames, 32, 48, 3)).copy(), 10)
    return path


def test_the_third_reading_needs_no_decoder_and_gives_the_same_frames(reader: CountingReader, tmp_path: Path) -> None:
    path, cache = clip(tmp_path / "a.mp4"), CachingReader(reader)
    for seed in range(4):
        sampling = Training(4, seed)
        kept, fresh = cache.read(path, sampling), ClipReader.read(reader, path, sampling)
        assert kept.indices == fresh.indices and kept.total_frames == fresh.total_frames == 10
        assert np.array_equal(kept.frames, fresh.frames)
    assert len(reader.asked) == 2  # once as asked, once whole
    assert cache.kept_bytes == 10 * FRAME_BYTES


def test_each_size_is_kept_apart(reader: CountingReader, tmp_path: Path) -> None:
    path, cache = clip(tmp_path / "a.mp4"), CachingReader(reader)
    for _ in range(3):
        assert cache.read(path, Evaluation(2)).frames.shape == (2, 32, 48, 3)
        assert cache.read(path, Evaluation(2), short_side_px=16).frames.shape == (2, 16, 24, 3)


def test_a_clip_that_was_written_anew_is_read_anew(reader: CountingReader, tmp_path: Path) -> None:
    path, cache = clip(tmp_path / "a.mp4"), CachingReader(reader)
    for _ in range(3):
        before = cache.read(path, Evaluation(1)).frames.mean()
    clip(path, frames=9, first=100)
    assert cache.read(path, Evaluation(1)).frames.mean() > before + 50
    assert cache.read(path, Evaluation(3)).total_frames == 9


def test_a_clip_that_is_too_large_is_never_kept(reader: CountingReader, tmp_path: Path) -> None:
    path, cache = clip(tmp_path / "a.mp4"), CachingReader(reader, clip_bytes=9 * FRAME_BYTES)
    for _ in range(3):
        cache.read(path, Evaluation(4))
    assert reader.asked == [Evaluation(4)] * 3 and cache.kept_bytes == 0


def test_the_longest_unused_clip_leaves_first(reader: CountingReader, tmp_path: Path) -> None:
    cache = CachingReader(reader, total_bytes=20 * FRAME_BYTES)
    a, b, c = (clip(tmp_path / f"{name}.mp4") for name in "abc")
    for path in (a, a, b, b, a, c, c):  # a is used after b was kept, so b goes when c comes
        cache.read(path, Evaluation(2))
    assert cache.kept_bytes == 20 * FRAME_BYTES
    asked = len(reader.asked)
    cache.read(a, Evaluation(2))
    cache.read(c, Evaluation(2))
    assert len(reader.asked) == asked
    cache.read(b, Evaluation(2))
    assert len(reader.asked) == asked + 1


def test_a_clip_that_cannot_be_read_is_an_error_each_time(reader: CountingReader, tmp_path: Path) -> None:
    cache = CachingReader(reader)
    for _ in range(3):
        with pytest.raises(ClipError, match="none.mp4"):
            cache.read(tmp_path / "none.mp4", Evaluation(2))
    assert cache.kept_bytes == 0


def test_a_forked_process_does_not_wait_for_a_lock_that_nobody_holds_there(
    reader: CountingReader, tmp_path: Path
) -> None:
    path, cache = clip(tmp_path / "a.mp4"), CachingReader(reader)
    cache.read(path, Evaluation(2))
    cache.read(path, Evaluation(2))
    cache._lock.acquire()
    child = os.fork()
    if not child:
        os._exit(0 if len(cache.read(path, Evaluation(2)).frames) == 2 else 1)
    cache._lock.release()
    assert os.waitpid(child, 0)[1] == 0
