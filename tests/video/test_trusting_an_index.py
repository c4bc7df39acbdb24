"""Seeking is for plain containers alone, and whatever the container, the frames are those that were recorded.

Each frame of the clips made here carries its own number as a bar code, so that a frame off by one is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from ga2app.video import ClipFrames, Evaluation, Every, Training, read_clip, seeking, sequential
from ga2app.video.container_facts import open_clip
from ga2app.video.images import ImageMaker
from ga2app.video.sampling import Together
from ga2app.video.seeking import MIN_FRAMES, TrustedIndex, images_by_index, read_by_seeking, trusted_index

TOTAL = 360
BITS = 9
WIDTH, HEIGHT = 192, 32
SAMPLINGS = (Evaluation(4), Training(5, 1), Training(6, 2))


@dataclass(frozen=True)
class Recipe:
    """How a clip is encoded and packed, whether its index is trusted, and whether decord may seek in it."""

    name: str
    trusted: bool
    codec: str = "libx264"
    options: dict[str, str] = field(default_factory=lambda: {"x264-params": GROUPS})
    container: dict[str, str] = field(default_factory=dict)
    time: Callable[[int], int] = lambda number: number
    frames: int = TOTAL
    whole: bool = True

    @property
    def reader(self) -> str:
        return "decord" if self.trusted and self.whole and self.frames >= MIN_FRAMES else "pyav"


GROUPS = "keyint=30:min-keyint=30:scenecut=0:bframes=3:open-gop=0"
NO_REORDERING = {"x264-params": "keyint=30:min-keyint=30:scenecut=0:bframes=0"}
VP9 = {"g": "30", "cpu-used": "8", "deadline": "realtime"}
RECIPES = (
    Recipe("plain.mp4", True),
    Recipe("without b frames.mkv", True, options=NO_REORDERING),
    Recipe("vp9.webm", True, "libvpx-vp9", VP9),
    Recipe("short.mp4", True, frames=MIN_FRAMES - 1),
    Recipe(
        "open groups.mp4", False, options={"x264-params": "keyint=30:min-keyint=30:scenecut=0:bframes=3:open-gop=1"}
    ),
    Recipe("tiny groups.mp4", True, options={"x264-params": "keyint=2:bframes=3:open-gop=0:b-adapt=0"}),
    Recipe("no edit list.mp4", True, whole=False, container={"use_editlist": "0"}),
    Recipe("starts late.mp4", True, whole=False, time=lambda number: number + 10),
    Recipe("fragmented.mp4", True, whole=False, container={"movflags": "frag_keyframe+empty_moov"}),
    Recipe("other codec.mp4", False, "mpeg4", {"g": "12", "bf": "2"}),
    Recipe("b frames.avi", False, "mpeg4", {"g": "12", "bf": "2"}),
    Recipe("transport.ts", False),
)


def bar_code(number: int) -> NDArray[np.uint8]:
    image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    for bit in range(BITS):
        if number >> bit & 1:
            image[:, bit * 20 : (bit + 1) * 20] = 220
    return image


def numbers_of(frames: NDArray[np.uint8]) -> list[int]:
    return [
        sum(int(frame[:, bit * 20 + 5 : bit * 20 + 15].mean() > 130) << bit for bit in range(BITS)) for frame in frames
    ]


def make(folder: Path, recipe: Recipe) -> Path:
    path = folder / recipe.name
    with av.open(str(path), "w", options=recipe.container) as container:
        stream = container.add_stream(recipe.codec, rate=25, options=recipe.options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(recipe.frames):
            frame = av.VideoFrame.from_ndarray(bar_code(number), format="rgb24")
            frame.pts, frame.time_base = recipe.time(number), Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_frames_are_those_that_were_recorded_and_only_a_plain_index_is_trusted(tmp_path: Path, recipe: Recipe) -> None:
    path = make(tmp_path, recipe)
    with open_clip(str(path)) as (container, stream):
        assert (trusted_index(container, stream) is not None) == recipe.trusted
    for sampling in SAMPLINGS:
        clip = read_clip(path, sampling)
        assert clip.total_frames == recipe.frames
        assert numbers_of(clip.frames) == list(sampling.indices(recipe.frames))
        assert clip.reader == recipe.reader


@pytest.mark.parametrize("recipe", [one for one in RECIPES if one.trusted], ids=lambda recipe: recipe.name)
def test_frames_by_index_are_those_of_reading_in_order_to_the_bit(tmp_path: Path, recipe: Recipe) -> None:
    path = str(make(tmp_path, recipe))
    with open_clip(path) as (container, stream):
        index = trusted_index(container, stream)
    assert index is not None
    for sampling in (Evaluation(5), Training(8, 3), Together((Training(4, 1), Training(4, 2)), 256)):
        found = images_by_index(path, index, sampling, maker := ImageMaker(20))
        frames, indices, total = sequential.read_sequentially(path, sampling, 0, maker=ImageMaker(20))
        assert found is not None
        assert (found[1], len(index.pts)) == (indices, total)
        assert np.array_equal(found[0], ImageMaker(20).images(frames))
        assert maker.recorded == (WIDTH, HEIGHT)


def test_frames_that_no_other_is_built_upon_are_not_decoded_unless_wanted(tmp_path: Path) -> None:
    path = plain_clip(tmp_path)
    with open_clip(str(path)) as (container, stream):
        index = trusted_index(container, stream)
    assert index is not None
    wanted = {index.pts[number] for number in (1, 50, 200)}
    with open_clip(str(path)) as (container, stream):
        shown = [frame.pts for frame in seeking._thinned(container, stream, wanted)]
    assert wanted <= set(shown)
    assert shown == sorted(shown)
    assert len(shown) < 0.7 * TOTAL


def test_an_interlaced_clip_is_read_in_order(tmp_path: Path) -> None:
    """Its packets may be fields, two of which are a frame: their number says nothing then."""
    path = make(tmp_path, Recipe("fields.mp4", True, options={"x264-params": f"{GROUPS}:interlaced=1"}, frames=60))
    with open_clip(str(path)) as (container, stream):
        index = trusted_index(container, stream)
    assert index is not None
    assert images_by_index(str(path), index, Evaluation(4), ImageMaker(None)) is None
    assert numbers_of(read_clip(path, Evaluation(4)).frames) == [0, 15, 30, 45]


@pytest.mark.parametrize(("numbers", "runs"), [
    ((0, 5), [(0, 9)]), ((3, 12, 19), [(0, 19)]), ((25, 3), [(0, 9), (20, 29)]), ((29,), [(20, 29)])
])  # fmt: skip
def test_stretches_that_are_decoded_are_the_adjoining_groups_of_wanted_frames(
    numbers: tuple[int, ...], runs: list[tuple[int, int]]
) -> None:
    assert TrustedIndex(tuple(range(30)), (0, 10, 20), 1.0, 8, 8).runs(numbers) == runs


def plain_clip(folder: Path) -> Path:
    return make(folder, RECIPES[0])


def test_reading_in_order_is_chosen_where_seeking_would_decode_most_frames_anyway(tmp_path: Path) -> None:
    path = plain_clip(tmp_path)
    many = read_clip(path, Evaluation(60))
    assert (many.reader, numbers_of(many.frames)) == ("pyav", list(range(0, TOTAL, 6)))


def test_both_readers_shrink_to_the_same_picture(tmp_path: Path) -> None:
    path = plain_clip(tmp_path)
    few, many = (read_clip(path, Evaluation(count), short_side_px=20) for count in (6, 60))
    assert (few.reader, many.reader) == ("decord", "pyav")
    assert few.frames.shape[1:] == many.frames.shape[1:] == (20, 120, 3)
    assert np.abs(few.frames.astype(int) - many.frames[::10]).mean() < 1


def test_an_index_that_is_off_by_one_is_found_out(tmp_path: Path) -> None:
    """The frames of a clip that was replaced after its index was read are not returned under the old numbers."""
    path = plain_clip(tmp_path)
    with open_clip(str(path)) as (container, stream):
        index = trusted_index(container, stream)
    assert index is not None
    assert read_by_seeking(str(path), index, Evaluation(4), None) is not None
    make(tmp_path, Recipe(path.name, True, time=lambda number: number + (number > 100)))
    assert read_by_seeking(str(path), index, Evaluation(4), None) is None


def test_frames_that_seeking_gets_wrong_are_not_returned(tmp_path: Path) -> None:
    """Times and keyframes of a WMV agree, and still decord gives wrong frames of it."""
    path = make(tmp_path, Recipe("seek.asf", False, "wmv2", {"g": "12"}))
    with open_clip(str(path)) as (container, stream):
        packets = sorted(
            (packet.pts, packet.is_keyframe) for packet in container.demux(stream) if packet.pts is not None
        )
        step_s = float(stream.time_base or 0)
    pts = tuple(time for time, _ in packets)
    keyframes = tuple(number for number, (_, key) in enumerate(packets) if key)
    index = TrustedIndex(pts, keyframes, step_s, WIDTH, HEIGHT)
    numbers = Evaluation(4).indices(TOTAL)
    sought = seeking._decord_images(str(path), index, numbers, None)
    assert sought is not None
    assert numbers_of(sought) != list(numbers), (
        "if decord has learned to seek in WMV, find it another file to lie about"
    )
    assert read_by_seeking(str(path), index, Evaluation(4), None) is None


@pytest.mark.parametrize("hole", [bytes, lambda size: np.random.default_rng(0).bytes(size)], ids=["zeros", "noise"])
def test_a_hole_in_a_trusted_file_costs_frames_and_never_shows(tmp_path: Path, hole: Callable[[int], bytes]) -> None:
    path = plain_clip(tmp_path)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + (data.index(b"moov") - data.index(b"mdat")) // 2
    data[start : start + 1500] = hole(1500)
    path.write_bytes(data)
    with open_clip(str(path)) as (container, stream):
        assert trusted_index(container, stream) is None
    clip: ClipFrames = read_clip(path, Evaluation(8))
    shown = numbers_of(clip.frames)
    # Frames before the hole keep their numbers; those after it have moved up by as many as it destroyed.
    lost = TOTAL - clip.total_frames
    assert 0 < lost < TOTAL // 3
    assert clip.reader == "pyav"
    assert {number - index for number, index in zip(shown, clip.indices, strict=True)} == {0, lost}
    assert shown == sorted(shown)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_after_a_packet_that_the_decoder_refuses_frames_count_again_from_the_next_keyframe(
    tmp_path: Path, codec: str
) -> None:
    path = make(tmp_path, Recipe("refused.webm", False, codec, VP9))
    with av.open(str(path)) as container:
        packet = [packet for packet in container.demux(video=0) if packet.size][100]
    assert packet.pos is not None
    data = bytearray(path.read_bytes())
    data[packet.pos + 8 : packet.pos + packet.size] = b"\xff" * (packet.size - 8)
    path.write_bytes(data)
    # The decoder goes on after it, without a word, from the pictures that it has: 97, 98, 99, 97 …
    clip = read_clip(path, Every(TOTAL))
    assert numbers_of(clip.frames) == [*range(100), *range(120, TOTAL)]


@pytest.mark.parametrize("announced", [0, TOTAL - 1, TOTAL, TOTAL + 1])
def test_a_clip_too_large_to_be_held_is_read_right_whatever_it_announces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: int
) -> None:
    path = make(tmp_path, RECIPES[0])
    monkeypatch.setattr(sequential, "HELD_BYTES", 30 * WIDTH * HEIGHT)
    maker = ImageMaker(None)
    frames, indices, total = sequential.read_sequentially(str(path), Evaluation(7), announced, maker=maker)
    assert total == TOTAL
    assert numbers_of(maker.images(frames)) == list(indices) == list(Evaluation(7).indices(TOTAL))


def test_frames_are_returned_only_if_a_second_decoder_agrees_within_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path, RECIPES[0])
    with open_clip(str(path)) as (container, stream):
        index = trusted_index(container, stream)
    assert index is not None
    assert read_by_seeking(str(path), index, Evaluation(4), None) is not None
    monkeypatch.setattr(seeking, "_MAX_DIFFERENCE", -1.0)
    assert read_by_seeking(str(path), index, Evaluation(4), None) is None
