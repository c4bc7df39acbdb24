"""Stretches of videos: the frames of a full decode whose times lie in them, whatever the container and its clock."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from ga2app.errors import ClipError
from ga2app.paths import PROJECT, file_digest
from ga2app.stretches import address_of, overlapping, shown_address, split_address
from ga2app.video import ClipFrames, Evaluation, Every, Training, read_clip, sample_frames
from ga2app.video.decoder_pool import shared_pool
from tests.video.made_clips import FRAMES, Recording, numbered, numbers_of

REAL = PROJECT.parent / "shared" / "clips" / "real"
B_FRAMES = {"bf": "3", "g": "12", "b-pyramid": "strict"}


def shifted(path: Path, how: Recording, by_s: float) -> Path:
    """A numbered clip that begins ``by_s`` later than at 0."""
    times = [round(1000 * (by_s + number / how.rate)) for number in range(FRAMES)]
    return numbered(path, Recording(how.codec, options=how.options, times_ms=times, container=how.container))


def held_back(path: Path) -> Path:
    """An mp4 of 25 frames a second without an edit list, so that its B-frames move the first picture to 0.08 s."""
    return numbered(path, Recording(options={"bf": "2", "g": "12"}, container={"movflags": "+faststart",
                                    "use_editlist": "0"}))  # fmt: skip


MADE: dict[str, Callable[[Path], Path]] = {
    "plain.mp4": numbered,
    "b_frames.mp4": lambda path: numbered(path, Recording(options=B_FRAMES)),
    "held_back.mp4": held_back,
    "fragmented.mp4": lambda path: numbered(
        path, Recording(options=B_FRAMES, container={"movflags": "frag_keyframe+empty_moov"})
    ),
    "open.mkv": lambda path: numbered(path, Recording(options=B_FRAMES | {"x264-params": "open-gop=1"})),
    "stream.ts": lambda path: numbered(path, Recording(options=B_FRAMES)),
    "later.mkv": lambda path: shifted(path, Recording(), 7.5),
    "vp9.webm": lambda path: numbered(path, Recording("libvpx-vp9", options={"g": "6"})),
    "varying.mkv": lambda path: numbered(
        path, Recording(times_ms=[*range(0, 480, 40), *range(500, 2900, 200)], options={"g": "6"})
    ),
    "moving.avi": lambda path: numbered(path, Recording("mpeg4", options={"bf": "2"})),
    "moving.gif": lambda path: numbered(path, Recording("gif", pixels="rgb8", rate=10)),
}


def clock_of(path: Path) -> list[float]:
    """When each frame is shown, as PyAV counts: the frames' own times, told by decoding all."""
    with av.open(str(path), metadata_errors="ignore") as container:
        stream = max(container.streams.video, key=lambda one: one.width * one.height)
        assert stream.time_base is not None
        times = [None if f.pts is None else float(f.pts * stream.time_base) for f in container.decode(stream)]
    if None in times or any(after <= before for before, after in pairwise(times)):  # type: ignore[operator]
        return []
    return [time for time in times if time is not None]


def assert_exact(path: Path, times: list[float], start: int, after: int, px: int = 32) -> None:
    """Frames ``start`` to before ``after`` are those of the stretch between their times, however it is sampled."""
    whole = read_clip(path, Every(100_000), short_side_px=px)
    end_s = times[after] if after < len(times) else times[-1] + 100
    address = address_of(path, times[start], end_s)
    part = read_clip(address, Every(100_000), short_side_px=px)
    assert part.total_frames == after - start and part.indices == tuple(range(after - start)), address
    assert np.array_equal(part.frames, whole.frames[start:after]), address
    assert part.times_s == pytest.approx([time - times[start] for time in times[start:after]], abs=2e-6)
    few = read_clip(address, Evaluation(4), short_side_px=px)
    assert np.array_equal(few.frames, whole.frames[[start + i * (after - start) // 4 for i in range(4)]]), address


@pytest.mark.parametrize("name", MADE)
def test_a_stretch_has_the_frames_of_a_full_decode_whose_times_lie_in_it(tmp_path: Path, name: str) -> None:
    path = MADE[name](tmp_path / name)
    times = clock_of(path)
    for start, after in [(0, FRAMES), (0, 5), (5, 6), (7, 20), (13, FRAMES)]:
        assert_exact(path, times, start, after)


def test_a_file_that_does_not_begin_at_zero_is_asked_by_its_own_clock(tmp_path: Path) -> None:
    path = MADE["later.mkv"](tmp_path / "later.mkv")
    assert numbers_of(sample_frames(f"{path}#t=7.9,8.1", 5)) == [10, 11, 12, 13, 14]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real clips are not here")
@pytest.mark.parametrize("name", sorted(path.name for path in REAL.glob("*")) if REAL.is_dir() else [])
def test_a_stretch_of_real_footage_has_the_frames_of_a_full_decode(name: str) -> None:
    if not (times := clock_of(REAL / name)):
        pytest.skip("its frames have no times")
    chance = random.Random(name)
    start = chance.randrange(len(times) - 1)
    assert_exact(REAL / name, times, start, chance.randrange(start + 1, len(times) + 1), 24)


@pytest.mark.parametrize("decimals", [2, 3])
def test_seconds_that_were_rounded_find_the_frames_that_were_meant(tmp_path: Path, decimals: int) -> None:
    path = numbered(tmp_path / "ntsc.mp4", Recording(rate=30))
    for start in range(0, FRAMES - 3, 2):
        begin, end = (round(number / 30, decimals) for number in (start, start + 3))
        assert numbers_of(read_clip(address_of(path, begin, end), Every(9)).frames) == [start, start + 1, start + 2]


def test_a_seed_draws_inside_the_stretch(tmp_path: Path) -> None:
    path = numbered(tmp_path / "clip.mp4")
    drawn = [numbers_of(read_clip(f"{path}#t=0.4,0.8", Training(4, seed)).frames) for seed in range(8)]
    assert all(10 <= number < 20 for numbers in drawn for number in numbers)
    assert len({tuple(numbers) for numbers in drawn}) > 1


def test_a_stretch_without_an_end_reaches_to_the_end_and_minutes_are_understood(tmp_path: Path) -> None:
    path = numbered(tmp_path / "clip.mp4")
    assert numbers_of(read_clip(f"{path}#t=0:00.8", Every(99)).frames) == [20, 21, 22, 23]
    assert numbers_of(read_clip(f"{path}#t=,0.12", Every(99)).frames) == [0, 1, 2]
    assert split_address("a b.mp4#t=npt:1:02:03.50,3724") == split_address("a b.mp4#t=3723.5,3724")


def test_a_stretch_shorter_than_a_frame_is_its_nearest_frame(tmp_path: Path) -> None:
    assert numbers_of(read_clip(f"{numbered(tmp_path / 'clip.mp4')}#t=0.405,0.41", Every(9)).frames) == [10]


@pytest.mark.parametrize(
    ("fragment", "said"),
    [
        ("#t=5,6", "the stretch 5–6 s lies outside: its frames are shown from 0 s to 0.92 s"),
        ("#t=3,2", "the stretch from 3 s to 2 s does not end after its start"),
        ("#t=0.5,0.5", "does not end after its start"),
        ("#t=-1,2", "begins before 0 s"),
        ("#t=", "is no stretch of time"),
        ("#t=1:2:3:4,9", "'1:2:3:4' is no time"),
    ],
)
def test_a_stretch_that_is_none_is_refused_with_its_numbers(tmp_path: Path, fragment: str, said: str) -> None:
    with pytest.raises(ClipError, match=said.replace("(", r"\(")):
        sample_frames(f"{numbered(tmp_path / 'clip.mp4')}{fragment}", 2)


def test_before_a_file_that_begins_later_there_is_nothing(tmp_path: Path) -> None:
    path = MADE["later.mkv"](tmp_path / "later.mkv")
    with pytest.raises(ClipError, match="the stretch 1–3 s lies outside: its frames are shown from 7.5 s to 8.42 s"):
        sample_frames(f"{path}#t=1,3", 2)


def test_two_stretches_of_a_file_have_two_digests_and_equal_ones_have_one(tmp_path: Path) -> None:
    path = numbered(tmp_path / "clip.mp4")
    digests = {file_digest(path), file_digest(f"{path}#t=0.1,0.2"), file_digest(f"{path}#t=0.1,0.3")}
    assert len(digests) == 3
    assert file_digest(f"{path}#t=0.10,0.2") == file_digest(f"{path}#t=0:00.1,0.20")


def test_a_hash_sign_in_a_name_is_no_stretch(tmp_path: Path) -> None:
    path = numbered(tmp_path / "take #t=3 of 4.mp4")
    assert split_address(path) == (str(path), None)
    assert sample_frames(path, 2).shape[0] == 2


def test_stretches_that_share_time_are_found_and_neighbors_are_not() -> None:
    first, next_, inside = (f"a.mp4#t={text}" for text in ("1,3", "3,5", "4,4.5"))
    assert overlapping([first, next_, inside, "b.mp4#t=1,3", first]) == [(next_, inside)]


def test_a_stretch_is_shown_as_people_read_it() -> None:
    assert shown_address("/there/match.mp4#t=12,15.50") == "match.mp4 12–15.5 s"
    assert shown_address("match.mp4#t=12") == "match.mp4 from 12 s"
    assert shown_address("/there/match.mp4") == "match.mp4"


@pytest.mark.parametrize("name", ["held_back.mp4", "stream.ts", "moving.gif"])
def test_stretches_that_are_read_at_once_are_those_that_are_read_singly(tmp_path: Path, name: str) -> None:
    path = MADE[name](tmp_path / name)
    times = clock_of(path)
    spans = [(0, 5), (3, 9), (20, FRAMES), (7, 8)]
    addresses = [address_of(path, times[a], times[b] if b < FRAMES else times[-1] + 1) for a, b in spans]
    addresses.insert(2, f"{path}#t=99,100")
    samplings = [Evaluation(4), Every(9), Evaluation(2), Training(3, 1), Evaluation(2)]
    before = shared_pool.opened
    found = shared_pool.read_several(addresses, samplings, short_side_px=32, time_limit_s=60)
    assert shared_pool.opened - before == 1
    assert "99–100 s lies outside" in str(found.pop(2))
    del addresses[2], samplings[2]
    for together, address, sampling in zip(found, addresses, samplings, strict=True):
        single = read_clip(address, sampling, short_side_px=32)
        assert isinstance(together, ClipFrames) and np.array_equal(together.frames, single.frames)
        assert replace(together, frames=single.frames) == single
