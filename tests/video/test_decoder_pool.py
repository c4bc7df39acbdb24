"""Several decoders read at once, in the order asked for; what one clip costs costs no other."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ga2app.environment import decoder_count
from ga2app.errors import ClipError, ClipTimeout, ConfigError
from ga2app.video import ClipFrames, Evaluation
from ga2app.video.clip_loader import ClipLoader, raised
from ga2app.video.decoder_pool import DecoderPool, shared_pool
from ga2app.video.writer import write_clip


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Eight gray clips, each brighter than the one before it."""
    paths = [tmp_path_factory.mktemp("gray") / f"{number}.mp4" for number in range(8)]
    for number, path in enumerate(paths):
        write_clip(path, np.full((6, 32, 48, 3), 30 * number, np.uint8), 10)
    return paths


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    pool = DecoderPool(2)
    yield pool
    pool.close()


def number_of(clip: ClipFrames) -> int:
    return round(float(clip.frames.mean()) / 30)


def test_one_thread_needs_one_child_and_two_threads_two(pool: DecoderPool, clips: list[Path]) -> None:
    for path in clips[:3]:
        pool.read(path, Evaluation(2))
    assert len(pool.pids) == 1
    together = threading.Barrier(2)

    def read(path: Path) -> None:
        together.wait()
        pool.read(path, Evaluation(2_000))

    threads = [threading.Thread(target=read, args=(path,)) for path in clips[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(pool.pids) == 2 and pool.opened == 5


def test_a_hang_of_one_decoder_costs_its_clip_while_the_others_go_on(pool: DecoderPool, clips: list[Path]) -> None:
    pool.read(clips[0], Evaluation(2))
    (stuck,) = pool.pids
    os.kill(stuck, signal.SIGSTOP)
    told: list[ClipError] = []

    def hang() -> None:
        try:
            pool.read(clips[1], Evaluation(2), time_limit_s=0.5)
        except ClipError as exc:
            told.append(exc)

    hanging = threading.Thread(target=hang)
    hanging.start()
    while pool.opened < 2:
        time.sleep(0.001)
    assert [number_of(pool.read(path, Evaluation(2))) for path in clips[2:5]] == [2, 3, 4]
    hanging.join(60)
    assert isinstance(told[0], ClipTimeout) and "1.mp4" in str(told[0]) and stuck not in pool.pids
    assert number_of(pool.read(clips[1], Evaluation(2))) == 1


def test_a_clip_that_cannot_be_read_is_an_answer_of_its_own_in_its_place(clips: list[Path], tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a clip")
    loader, paths = ClipLoader(2), [*clips[:3], tmp_path / "text.mp4", *clips[3:]]
    found = list(loader.ahead(partial(loader.read, path, Evaluation(2)) for path in paths))
    assert isinstance(found[3], ClipError) and "text.mp4" in str(found[3])
    assert [number_of(one) for one in found if isinstance(one, ClipFrames)] == list(range(8))


@pytest.mark.parametrize("decoders", [1, 2, 3])
def test_answers_come_in_the_order_asked_for_whichever_is_ready_first(decoders: int) -> None:
    first_may_end = threading.Event()

    def job(number: int) -> int:
        if number == decoders - 1:
            first_may_end.set()  # the first ends only when the last that can run beside it has begun
        if number == 0:
            first_may_end.wait(60)
        return number

    assert list(ClipLoader(decoders).ahead(partial(job, number) for number in range(20))) == list(range(20))


def test_no_more_is_read_ahead_than_the_bytes_allow() -> None:
    begun: list[int] = []

    def job(number: int) -> np.ndarray:
        begun.append(number)
        return np.zeros(100, np.uint8)

    for most_bytes, most in ((250, 2 + 1), (1000, 10 + 1)):
        begun.clear()
        results = ClipLoader(2, ahead_bytes=most_bytes).ahead(partial(job, number) for number in range(50))
        for taken in range(1, 20):
            next(results)
            assert len(begun) <= taken + most
        results.close()
        assert len(begun) < 50


def test_no_more_clips_are_decoded_at_once_than_there_are_decoders(clips: list[Path]) -> None:
    """However many jobs run: those beside the decoders are preprocessed."""
    loader = ClipLoader(1)
    shared_pool.close()
    jobs = (partial(loader.read, clip, Evaluation(2), short_side_px=24) for clip in clips)
    assert [raised(clip).indices for clip in loader.ahead(jobs, spare=3)] == [(0, 3)] * len(clips)
    assert len(shared_pool.pids) == 1


@pytest.mark.parametrize("closed", [False, True])
def test_what_was_begun_is_waited_for_when_it_is_closed_and_not_when_garbage_is_collected(closed: bool) -> None:
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def job(number: int) -> int:
        if number:
            begun.set()
            go.wait(60)
            ended.set()
        return number

    results = ClipLoader(1).ahead([partial(job, number) for number in range(2)], most=1)
    assert next(results) == 0 and begun.wait(60)
    if closed:
        threading.Timer(0.2, go.set).start()
        results.close()
        assert ended.is_set()
    else:
        held: list[Any] = [results]
        held.append(held)
        del results, held
        collecting = threading.Thread(target=gc.collect, daemon=True)
        collecting.start()
        collecting.join(30)
        assert not collecting.is_alive() and not ended.is_set()
        go.set()


def test_an_error_that_is_no_clips_ends_the_reading() -> None:
    def job(number: int) -> int:
        return 1 // number

    with pytest.raises(ZeroDivisionError):
        list(ClipLoader(2).ahead(partial(job, number) for number in (2, 1, 0, 1)))


def test_the_number_of_decoders_is_asked_for_or_named_or_that_of_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GA2_DECODERS", raising=False)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert 1 <= decoder_count() <= 8
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1000")
    assert decoder_count() == 1
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    monkeypatch.setenv("GA2_DECODERS", "3")
    assert (decoder_count(), decoder_count(5), DecoderPool().most) == (3, 5, 4)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert (decoder_count(), decoder_count(5), decoder_count(1)) == (1, 2, 1), "each of two ranks has its share"
    monkeypatch.setenv("GA2_DECODERS", "many")
    with pytest.raises(ConfigError, match="GA2_DECODERS: must be a whole number from 1 on, not 'many'"):
        decoder_count()
