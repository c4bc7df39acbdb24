"""Frames on disk are the decoder's to the bit, in bounds, and a folder that fails costs nothing but time."""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
from pathlib import Path

import av
import numpy as np
import pytest

from ga2app.paths import file_digest
from ga2app.video import ClipFrames, ClipReader, Evaluation, Every, Training, Views
from ga2app.video.clip_loader import ClipLoader
from ga2app.video.decoder_pool import shared_pool
from ga2app.video.disk_frame_cache import DiskFrameCache, FrameFile, merged
from ga2app.video.sampling import Together, typical_indices
from tests.clips import write_color_clip

ENOUGH = 10**9


@pytest.fixture
def clip(tmp_path: Path) -> str:
    return write_color_clip(tmp_path / "clip.mp4", (200, 90, 40), 1, frames=40)


def cache_in(folder: Path, most_bytes: int = ENOUGH) -> DiskFrameCache:
    return DiskFrameCache(folder / "frames", most_bytes)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "frames").glob("??/*"))


def same(one: ClipFrames, other: ClipFrames) -> bool:
    told = [[clip.indices, clip.total_frames, clip.fps, clip.reader, clip.width, clip.height, clip.seconds, clip.notes]
            for clip in (one, other)]  # fmt: skip
    return told[0] == told[1] and np.array_equal(one.frames, other.frames) and one.times_s == other.times_s


class Watched(DiskFrameCache):
    """Notes how many frames it is given to keep."""

    given = 0

    def keep(self, digest: str, sampling: Evaluation | Training | Views, side: int | None, clip: ClipFrames) -> None:
        self.given = len(clip.indices)
        super().keep(digest, sampling, side, clip)


def test_frames_of_later_epochs_are_read_only_while_they_can_be_kept(clip: str, tmp_path: Path) -> None:
    cache, later = Watched(tmp_path / "frames", ENOUGH), [Training(4, seed) for seed in range(1, 5)]
    loader = ClipLoader(1, cache)
    loader.read(clip, Training(4, 0), later=later)
    assert cache.given > 4
    cache.clear()
    (tmp_path / "frames").write_text("no folder")
    loader.read(clip, Training(4, 0), later=later)
    assert not cache.writes
    loader.read(clip, Training(4, 0), later=later)
    assert cache.given == 4


def test_frames_of_the_cache_are_those_of_the_decoder_to_the_bit_and_no_epoch_but_the_first_opens_a_video(
    clip: str, tmp_path: Path
) -> None:
    loader, epochs = ClipLoader(1, cache_in(tmp_path)), [Training(4, seed) for seed in range(5)]
    with ClipReader() as fresh:
        before = shared_pool.opened
        for epoch, sampling in enumerate(epochs):
            found = loader.read(clip, sampling, short_side_px=24, later=epochs[epoch + 1 :])
            assert same(found, fresh.read(clip, sampling, short_side_px=24))
        assert shared_pool.opened == before + 1
        again = ClipLoader(1, cache_in(tmp_path))  # another run
        assert same(again.read(clip, epochs[2], short_side_px=24), fresh.read(clip, epochs[2], short_side_px=24))
        assert shared_pool.opened == before + 1


def test_what_another_run_wants_is_added_to_what_is_there(clip: str, tmp_path: Path) -> None:
    loader, before = ClipLoader(1, cache_in(tmp_path)), shared_pool.opened
    wanted = [Evaluation(4), Training(4, 1), Evaluation(4), Training(4, 1)]
    for sampling in wanted:
        loader.read(clip, sampling)
    assert shared_pool.opened == before + 2 and len(files(tmp_path)) == 1
    loader.read(clip, Evaluation(4), short_side_px=24)  # another size
    loader.read(clip, Evaluation(5))  # another policy, which may be read by another decoder
    assert shared_pool.opened == before + 4 and len(files(tmp_path)) == 3


def test_a_clip_that_was_moved_is_found_and_one_that_was_written_anew_is_not(clip: str, tmp_path: Path) -> None:
    loader = ClipLoader(1, cache_in(tmp_path))
    loader.read(clip, Evaluation(4))
    before = shared_pool.opened
    loader.read(shutil.copy(clip, tmp_path / "moved.mp4"), Evaluation(4))
    assert shared_pool.opened == before
    other = write_color_clip(tmp_path / "clip.mp4", (20, 90, 240), 2, frames=30)
    assert loader.read(other, Evaluation(4)).total_frames == 30


def test_all_of_a_clip_is_taken_where_half_of_it_is_wanted_and_no_more_than_fits_of_a_long_one() -> None:
    epochs = tuple(Training(4, seed) for seed in range(12))
    assert Together(epochs, 256).indices(40) == tuple(range(40))
    few = Together(epochs, 256).indices(4000)
    assert few == tuple(sorted({number for epoch in epochs for number in epoch.indices(4000)}))
    bounded = Together(epochs, 10).indices(4000)
    assert len(bounded) <= 10 and set(epochs[0].indices(4000)) <= set(bounded)


def test_frames_of_two_readings_become_one_in_order() -> None:
    def frames(*numbers: int) -> ClipFrames:
        pixels = np.array(numbers, np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8)
        return ClipFrames(pixels, numbers, 9, 10.0, "pyav", times_s=tuple(number / 10 for number in numbers))

    both = merged(frames(5, 1, 1), frames(7, 1, 3))
    assert both.indices == (1, 3, 5, 7) and both.times_s == (0.1, 0.3, 0.5, 0.7)
    assert both.frames[:, 0, 0, 0].tolist() == [1, 3, 5, 7]


@pytest.mark.parametrize("harm", ["header", "frame", "end", "empty"])
def test_a_damaged_file_is_told_once_and_decoded_anew(clip: str, tmp_path: Path, harm: str) -> None:
    loader = ClipLoader(1, cache_in(tmp_path))
    whole = loader.read(clip, Evaluation(4))
    for _ in range(2):
        (file,) = files(tmp_path)
        data = bytearray(file.read_bytes())
        if harm in ("header", "frame"):
            data[20 if harm == "header" else -7] ^= 1
        file.write_bytes(data[: {"end": -1, "empty": 0}.get(harm)])
        before = shared_pool.opened
        assert same(loader.read(clip, Evaluation(4)), whole) and shared_pool.opened == before + 1
    assert loader.cache is not None and len(loader.cache.faults) == 1
    assert "holds damaged files" in loader.cache.faults[0] and "decoded anew" in loader.cache.faults[0]


def test_the_oldest_files_leave_first_and_none_that_this_run_has_used(tmp_path: Path) -> None:
    clips = [write_color_clip(tmp_path / f"{number}.mp4", (200, 90, 40), number) for number in range(4)]
    for clip in clips[:2]:
        ClipLoader(1, cache_in(tmp_path)).read(clip, Evaluation(6))
    one = files(tmp_path)[0].stat().st_size
    bound = int(2.9 * one)
    for age, clip in enumerate(clips[:2]):
        (file,) = [file for file in files(tmp_path) if file.name.startswith(file_digest(clip)[:32])]
        os.utime(file, (1000 - age, 1000 - age))  # the second is older
    run = ClipLoader(1, cache_in(tmp_path, bound))
    run.read(clips[2], Evaluation(6))
    kept = {file.name[:32] for file in files(tmp_path)}
    assert kept == {file_digest(clips[0])[:32], file_digest(clips[2])[:32]}
    run.read(clips[0], Evaluation(6))
    before = shared_pool.opened
    run.read(clips[3], Evaluation(6))  # does not fit: both others are in use
    assert {file.name[:32] for file in files(tmp_path)} == kept
    assert run.cache is not None and "is full" in run.cache.faults[0] and "clips.cache_bytes" in run.cache.faults[0]
    for clip in (*clips[2:], clips[0]):
        run.read(clip, Evaluation(6))
    assert shared_pool.opened <= before + 3 and len(run.cache.faults) == 1
    assert run.cache.size_bytes() <= bound


def test_a_folder_that_cannot_be_written_is_told_once_and_clips_are_decoded_as_ever(clip: str, tmp_path: Path) -> None:
    (tmp_path / "frames").write_text("a file in the way")
    loader = ClipLoader(1, cache_in(tmp_path))
    for _ in range(3):
        assert len(loader.read(clip, Evaluation(4)).frames) == 4
    assert loader.cache is not None and len(loader.cache.faults) == 1
    assert "cannot be written" in loader.cache.faults[0] and "make it writable" in loader.cache.faults[0]


def test_a_disk_that_takes_no_more_leaves_no_half_file(clip: str, tmp_path: Path) -> None:
    loader = ClipLoader(1, cache_in(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        assert len(loader.read(clip, Evaluation(4)).frames) == 4
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files(tmp_path) == [] and loader.cache is not None
    assert "cannot be written (File too large)" in loader.cache.faults[0]


def test_halves_that_a_kill_left_behind_are_never_read_and_go_in_the_end(clip: str, tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    ClipLoader(1, cache).read(clip, Evaluation(4))
    (file,) = files(tmp_path)
    half = file.with_name(f".1234-{file.name}")
    half.write_bytes(b"half")
    os.utime(half, (1000, 1000))
    other = write_color_clip(tmp_path / "other.mp4", (20, 90, 240), 2)
    ClipLoader(1, cache_in(tmp_path)).read(other, Evaluation(4))
    assert not half.exists() and len(files(tmp_path)) == 2


def _read_all(folder: Path, clips: list[str], first: int, done: object) -> None:
    loader = ClipLoader(1, cache_in(folder))
    for seed in range(first, first + 4):
        for clip in clips:
            loader.read(clip, Training(4, seed))
    done.put(loader.cache.faults if loader.cache else ["no cache"])  # type: ignore[attr-defined]


def test_two_processes_may_write_the_same_files_at_the_same_time(tmp_path: Path) -> None:
    clips = [write_color_clip(tmp_path / f"{number}.mp4", (200, 90, 40), number, frames=60) for number in range(2)]
    context = multiprocessing.get_context("spawn")
    done = context.Queue()
    processes = [context.Process(target=_read_all, args=(tmp_path, clips, first, done)) for first in (0, 2)]
    for process in processes:
        process.start()
    assert [done.get(timeout=60) for _ in processes] == [[], []]
    for process in processes:
        process.join(60)
    for file in files(tmp_path):
        with FrameFile.open(file) as stored:
            assert stored.read() is not None


def test_the_cache_can_be_cleared(clip: str, tmp_path: Path) -> None:
    loader = ClipLoader(1, cache := cache_in(tmp_path))
    loader.read(clip, Evaluation(4))
    assert cache.size_bytes() > 4 * 40 * 40 * 3
    assert cache.clear() > 0 and cache.size_bytes() == 0 and cache.clear() == 0
    loader.read(clip, Evaluation(4))
    assert cache.size_bytes() > 0


def test_how_a_clip_is_read_hangs_on_the_policy_and_not_on_what_is_drawn() -> None:
    drawn = [typical_indices(sampling, 900) for sampling in (Training(8, 1), Training(8, 2), Views(8, 1), Views(4, 2))]
    assert set(drawn) == {Evaluation(8).indices(900)}
    assert typical_indices(Together((Training(8, 1), Training(8, 2)), 99), 900) == Evaluation(8).indices(900)
    assert typical_indices(Every(5), 900) == tuple(range(5))


def test_a_clip_whose_picture_changes_its_size_is_read_for_each_epoch_by_itself(tmp_path: Path) -> None:
    with open(tmp_path / "clip.h264", "wb") as whole:
        for side, level in ((40, 60), (80, 200)):
            with av.open(f"{tmp_path}/{side}.h264", "w", format="h264") as container:
                stream = container.add_stream("libx264", rate=10, options={"bframes": "0"})
                stream.width = stream.height = side
                for _ in range(8):
                    picture = np.full((side, side, 3), level, np.uint8)
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
                container.mux(stream.encode(None))
            whole.write((tmp_path / f"{side}.h264").read_bytes())
    loader, epochs = ClipLoader(1, cache_in(tmp_path)), [Training(1, seed) for seed in range(8)]
    with ClipReader() as fresh:
        for epoch, sampling in enumerate(epochs):
            found = loader.read(str(tmp_path / "clip.h264"), sampling, later=epochs[epoch + 1 :])
            assert same(found, fresh.read(tmp_path / "clip.h264", sampling))
